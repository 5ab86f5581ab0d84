//! Inventory: how many units of each SKU can be sold, and which are reserved for which order.
//!
//! Overselling is impossible, because one statement with a condition moves units (`… WHERE available_qty >= $quantity`)
//! and no decision depends on a number read earlier. A reservation takes the units of all its lines or of none, and
//! ends exactly once: confirmed, released, or expired. The first transaction that finds it overdue expires it, be it a
//! late confirmation or the worker. An order has at most one reservation that is active or sold.
//!
//! Every change of a quantity is a row in a ledger of movements that is never altered; [`check_consistency`] compares
//! its sums with the quantities and the reservations. Stock rows are locked in the order of their SKUs, so that
//! transactions do not deadlock.
//!
//! The catalogue decides whose stock it is: this service keeps a copy of each product from its events, and looks a
//! seller's product up that has no copy yet. An administrator may stock any SKU, also before its product is announced;
//! the item is assigned to the product when the event arrives. The stock of an archived product is kept but not
//! available; orders placed before can still reserve it. Drafts and products off sale keep their availability, because
//! the catalogue decides whether a product can be bought.
//!
//! A customer can ask for a message when a product can be bought again. The transaction that brings the first units, or the sale, makes its
//! alerts due, if there are any; the worker deletes each in the commit that emits its event, so that there is one message.
//!
//! Settings: `[inventory]`, see [`Settings`].

pub mod actions;
mod api;
mod consistency;
mod consumers;
pub mod domain;
mod error;
mod export;
mod settings;
mod store;
mod workers;

#[cfg(test)]
mod tests;

pub use actions::{StockImport, import};
pub use consistency::{OrderUnits, check_consistency, list_for_check};
pub use error::Error;
pub use settings::Settings;

use platform::{
    migrations,
    service::{Ctx, Parts, Service},
};
use std::sync::Arc;

/// What the entry points share.
#[derive(Clone)]
pub struct App {
    pub ctx: Ctx,
    pub settings: Arc<Settings>,
}

/// The service.
#[must_use]
pub fn service() -> Service {
    Service::new(
        "inventory",
        migrations![
            "0001_stock",
            "0002_due",
            "0003_products_on_sale",
            "0004_partial_returns",
            "0005_suspended_sellers",
            "0006_stock_alerts"
        ],
        |ctx: Ctx| async move {
            let app = App { settings: Arc::new(ctx.section()?), ctx };
            let (router, operations) = api::routes().build(app.clone());
            Ok(Parts { router, operations, consumers: consumers::all(), workers: workers::all(&app) })
        },
    )
    .settings::<Settings>()
    .personal_data(store::personal::data())
}
