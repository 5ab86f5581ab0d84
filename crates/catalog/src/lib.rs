//! Catalog: the products, their prices and the tree of categories.
//!
//! A seller or an administrator creates a product in DRAFT. The table `ProductStatus` in `contracts` defines how it is put on
//! sale, taken off sale and archived. The public sees ACTIVE products only; their seller and administrators see all. The
//! price history keeps every price. Every change increments the product's `version` and emits an event with the whole product.
//!
//! The categories form one tree. Every change of it locks the row of its revision first, and reads use a copy in memory as
//! long as the revision is the same. A product has one row in `product_listing` for its category and one for each ancestor.
//! Therefore a list filtered by category, seller and status is one range of one index at any size. When a category moves, a
//! worker rewrites these rows in small steps ([`workers`]).
//!
//! Variants are products with the same `productGroupId`. The first of them creates the group for its seller; no request
//! creates a group alone. Availability comes from inventory, and is null when inventory does not answer.
//!
//! The rating of a product is a copy of what the review service announced. It changes neither version nor `updatedAt`, and
//! `If-Match` ignores it, so reviews never stop an owner from changing a product.
//!
//! An administrator blocks a product beside its status, which stays the seller's wish. The products of a suspended seller stay
//! as they are too: catalog consumes the events of sellers and keeps a list of those that are suspended, which its reads consult.
//!
//! The tax rates are one table that an administrator replaces. Whoever looks products up for a destination gets its rates with them,
//! from a copy in memory whose revision is read with that of the tree, so taxes cost no query.
//!
//! Catalog calls only inventory. Its settings are [`Settings`], in the section `[catalog]`.

mod actions;
mod api;
mod consumers;
mod domain;
mod error;
pub mod import;
mod picture_store;
mod pictures;
mod settings;
mod store;
mod workers;

#[cfg(test)]
mod tests;

pub use error::Error;
pub use pictures::{MissingPictures, find_missing_pictures};
pub use settings::Settings;

use platform::{
    migrations,
    service::{Ctx, Parts, Service},
};
use std::sync::Arc;

/// What the handlers share.
#[derive(Clone)]
struct App {
    ctx: Ctx,
    settings: Arc<Settings>,
    tree: Arc<store::TreeCache>,
    taxes: Arc<store::TaxCache>,
    pictures: Arc<pictures::Pictures>,
}

/// Describes the service to the runtime.
#[must_use]
pub fn service() -> Service {
    Service::new(
        "catalog",
        migrations![
            "0001_catalog",
            "0002_product_texts",
            "0003_ratings",
            "0004_moderation",
            "0005_taxes",
            "0006_pictures",
            "0007_imports",
            "0008_integrator_data"
        ],
        |ctx: Ctx| async move {
            let settings: Settings = ctx.section()?;
            let pictures = Arc::new(pictures::Pictures::open(&ctx, &settings)?);
            let app = App { settings: Arc::new(settings), tree: Arc::default(), taxes: Arc::default(), pictures, ctx };
            let (router, operations) = api::routes().build(app.clone());
            Ok(Parts { router, operations, consumers: consumers::all(), workers: workers::all(&app) })
        },
    )
    .settings::<Settings>()
    .personal_data(store::personal::data())
}
