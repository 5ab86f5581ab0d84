//! The actions of this service: one function per verb, one transaction each.

mod manage_categories;
mod manage_pictures;
mod manage_products;
mod replace_tax_rates;

pub use manage_categories::{category_changed, create_category, delete_category, update_category};
pub use manage_pictures::{add_picture, arrange_images, begin_picture, begin_removal, check_room, finish_removal, sync_pictures};
pub use manage_products::{advance_product, create_product, emit_status_event, join_group, moderate_product, update_product};
pub use replace_tax_rates::replace_tax_rates;
