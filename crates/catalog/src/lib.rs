//! Catalog: what is sold, what it costs, and in which category it stands.
//!
//! A product is made in DRAFT by a seller or an administrator, is put on sale and taken off by the published table, and
//! ends in ARCHIVED. The public sees ACTIVE products only; their seller and administrators see all. Every price stays in
//! the price history. Every change counts the product's `version` and tells the whole product in an event.
//!
//! Categories are one tree, changed under one lock ([`store`] takes the row of its revision first), read whole from
//! memory while the revision is the same. A product is *listed* in its category and in every one above it, one row each:
//! so a list restricted by category, seller and status is one range of one index, at any size. A category that moves
//! takes its products to their new paths step by step ([`workers`]).
//!
//! Variants are products that name the same `productGroupId`. The group is made by the first of them and belongs to its
//! seller; there is no request that makes one. Availability beside the variants is asked of inventory, and left out when
//! that does not answer.
//!
//! Catalog consumes no events and calls nobody but inventory. Settings: `[catalog]`, see [`Settings`].

mod actions;
mod api;
mod domain;
mod error;
pub mod import;
mod settings;
mod store;
mod workers;

#[cfg(test)]
mod tests;

pub use error::Error;
pub use settings::Settings;

use platform::{
    inbox::Consumers,
    migrations,
    service::{Ctx, Parts, Service},
};
use std::sync::Arc;

/// What the doors share.
#[derive(Clone)]
struct App {
    ctx: Ctx,
    settings: Arc<Settings>,
    tree: Arc<store::TreeCache>,
}

/// The service.
#[must_use]
pub fn service() -> Service {
    Service::new("catalog", migrations!["0001_catalog"], |ctx: Ctx| async move {
        let app = App { settings: Arc::new(ctx.section()?), tree: Arc::default(), ctx };
        let (router, operations) = api::routes().build(app.clone());
        Ok(Parts { router, operations, consumers: Consumers::new(), workers: workers::all(&app) })
    })
    .settings::<Settings>()
}
