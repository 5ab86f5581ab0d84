//! What is true of products and categories. No database, no clock.

pub mod product;
pub mod reader;
pub mod tree;
