//! Inventory: how many units of each SKU can be sold, and which are set aside for which order.
//!
//! Overselling is impossible, because units change hands in one statement that names its own condition
//! (`… WHERE available_qty >= $quantity`); nobody decides on a number read earlier. A reservation takes the units of all
//! its lines or of none, and ends exactly once: confirmed, released, or expired by whoever looks at it first after its
//! time, be it a late confirmation or the worker. An order has at most one reservation that is active or sold.
//!
//! Every change of a quantity stands in a ledger of movements, never altered; [`check_consistency`] adds it up against
//! the quantities and the reservations. Stock rows are taken in the order of their SKUs, so that no two units of work
//! wait for each other.
//!
//! Whose stock it is, the catalogue says: its product events are kept in short, and a seller's product that has not been
//! heard of is asked for. An administrator may stock any SKU, also before its product is announced; when the
//! announcement comes, the item follows it. The stock of an archived product is kept, but nobody is told that it could
//! be had; orders placed before can still reserve it. Drafts and products off sale keep their availability: whether a
//! product can be bought is for the catalogue to say, how many there are is said here.
//!
//! Settings: `[inventory]`, see [`Settings`].

pub mod actions;
mod api;
mod consistency;
mod consumers;
pub mod domain;
mod error;
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

/// What the doors share.
#[derive(Clone)]
pub struct App {
    pub ctx: Ctx,
    pub settings: Arc<Settings>,
}

/// The service.
#[must_use]
pub fn service() -> Service {
    Service::new("inventory", migrations!["0001_stock"], |ctx: Ctx| async move {
        let app = App { settings: Arc::new(ctx.section()?), ctx };
        let (router, operations) = api::routes().build(app.clone());
        Ok(Parts { router, operations, consumers: consumers::all(), workers: workers::all(&app) })
    })
    .settings::<Settings>()
}
