//! The SQL of this service.

mod category_rows;
mod import_rows;
mod listing;
mod own_lists;
pub mod personal;
mod picture_rows;
mod product_rows;
pub mod suspended_sellers;
mod tax_rows;
mod tree_cache;

pub use category_rows::*;
pub use import_rows::*;
pub use listing::*;
pub use own_lists::*;
pub use picture_rows::*;
pub use product_rows::*;
pub use tax_rows::*;
pub use tree_cache::{CachedTree, TreeCache};
