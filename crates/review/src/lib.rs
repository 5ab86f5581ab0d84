//! Review: what customers write of products that were delivered to them, and the ratings that follow from it.
//!
//! A customer reviews a product once, after the delivery of an order with it. The service reads that from the events of
//! orders: the delivery of each fulfilment makes its items purchases. Orders from before there were fulfilments bring their items
//! with `OrderConfirmed`. With the setting `publish_at_once` a review is
//! public at once; otherwise an administrator publishes or rejects it. The machine is `ReviewStatus` in `contracts`. A change
//! of a published review by its author has to be published again, unless the shop publishes at once. A review of an author
//! whose former review of the product was rejected is never published at once.
//!
//! Each product has one row with the number of its published reviews by stars, and so has each seller. The action that changes
//! a review changes both rows in its transaction and emits `ProductRatingChanged` and `SellerRatingChanged`. An average is
//! computed from these counts, so no read and no write scans reviews.
//!
//! The seller of a product is learned from the catalogue with the first review of the product: a product never changes its
//! seller.
//!
//! Settings: `[review]`, see [`Settings`].

mod actions;
mod api;
mod consumers;
pub mod domain;
mod error;
mod settings;
mod store;

#[cfg(test)]
mod tests;

pub use error::Error;
pub use settings::Settings;

use platform::{
    migrations,
    service::{Ctx, Parts, Service},
};
use std::sync::Arc;

/// What the entry points share.
#[derive(Clone)]
struct App {
    ctx: Ctx,
    settings: Arc<Settings>,
}

/// Describes the service to the runtime.
#[must_use]
pub fn service() -> Service {
    Service::new("review", migrations!["0001_reviews", "0002_seller_lists", "0003_reviews_by_rating"], |ctx: Ctx| async move {
        let app = App { settings: Arc::new(ctx.section()?), ctx };
        let (router, operations) = api::routes().build(app);
        Ok(Parts { router, operations, consumers: consumers::all(), workers: Vec::new() })
    })
    .settings::<Settings>()
    .personal_data(store::personal::data())
}
