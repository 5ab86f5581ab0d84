//! How products and categories are kept: the only SQL of this service.

mod categories;
mod listing;
mod products;
mod tree_cache;

pub use categories::*;
pub use listing::*;
pub use products::*;
pub use tree_cache::{Kept, TreeCache};
