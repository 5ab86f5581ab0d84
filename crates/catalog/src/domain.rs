//! The rules of products and categories. No database, no clock.

pub mod category_tree;
pub mod csv_rows;
pub mod picture;
pub mod product;
pub mod tax_table;
pub mod viewer;
