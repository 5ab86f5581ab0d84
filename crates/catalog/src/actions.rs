//! What can be done: one function per verb, one transaction each.

mod categories;
mod products;

pub use categories::{changed, create_category, delete_category, update_category};
pub use products::{advance_product, announce, create_product, join_group, update_product};
