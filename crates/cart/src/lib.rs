//! Cart: what a customer means to buy.
//!
//! A customer has one ACTIVE cart; a unique index keeps it so. Its lines hold snapshots of title and price. They are
//! preliminary: a cart promises neither a price nor a unit, the order asks again and fixes them.
//!
//! **What is shown is what is ordered.** Whenever the owner's cart is read or changed, catalog and inventory are asked
//! about its lines in one call each. A line then takes the present title and price and no more units than there are,
//! and keeps beside them what the customer had put in; the difference is told as `PRICE_CHANGED` and `QUANTITY_CAPPED`,
//! on every read until the line is removed or its quantity set anew. A product that cannot be bought is told as
//! `UNAVAILABLE` and stays out of the subtotal. When a upstream is down the cart is shown as it was last seen. Only a
//! new product needs the catalogue, for its snapshot: without it adding is 503; without the inventory it is allowed.
//!
//! **Orders.** The order reads the cart by one read of this database and no call. It then says what it took, by a call
//! and by `OrderCreated`; whichever comes first checks the cart out, and what was put in meanwhile moves into a fresh
//! cart. `OrderCancelled` with `linesReturn` puts the lines back into the active cart, once.
//!
//! A cart that nobody looked at for `abandoned_after_hours` becomes ABANDONED; closed carts are dropped after
//! `closed_kept_days`. The service emits no events: nobody needs to know what is not bought yet.

mod actions;
mod api;
mod consumers;
mod domain;
mod error;
mod quotes;
mod settings;
mod store;
#[cfg(test)]
mod tests;
mod workers;

use error::Error;
use platform::{
    migrations,
    service::{Ctx, Parts, Service},
};
use settings::Settings;
use std::sync::Arc;

/// What the doors work with.
#[derive(Clone)]
struct App {
    ctx: Ctx,
    settings: Arc<Settings>,
}

/// The cart service: routes, consumers, workers and migrations.
#[must_use]
pub fn service() -> Service {
    Service::new("cart", migrations!["0001_carts"], |ctx: Ctx| async move {
        let app = App { settings: Arc::new(ctx.section()?), ctx };
        let (router, operations) = api::routes().build(app.clone());
        Ok(Parts { router, operations, consumers: consumers::all(), workers: workers::all(&app) })
    })
    .settings::<Settings>()
}
