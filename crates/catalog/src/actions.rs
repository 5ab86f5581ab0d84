//! The actions of this service: one function per verb, one transaction each.

mod manage_categories;
mod manage_products;
mod replace_tax_rates;

pub use manage_categories::{category_changed, create_category, delete_category, update_category};
pub use manage_products::{advance_product, create_product, emit_status_event, join_group, moderate_product, update_product};
pub use replace_tax_rates::replace_tax_rates;
