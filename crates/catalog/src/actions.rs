//! The actions of this service: one function per verb, one transaction each.

mod create_products;
mod export_products;
mod manage_categories;
mod manage_pictures;
mod manage_products;
mod receive_import;
mod replace_tax_rates;
mod run_import;

pub use create_products::create_products;
pub use export_products::ProductPages;
pub use manage_categories::{category_changed, create_category, delete_category, update_category};
pub use manage_pictures::{add_picture, arrange_images, begin_picture, begin_removal, check_room, finish_removal, sync_pictures};
pub use manage_products::{advance_product, create_product, emit_status_event, join_group, moderate_product, update_product};
pub use receive_import::{cancel_import, receive_import};
pub use replace_tax_rates::replace_tax_rates;
pub use run_import::RunImport;
