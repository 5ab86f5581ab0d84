//! Cart: the products that a customer intends to buy.
//!
//! A customer has one ACTIVE cart; a unique index ensures it. Its lines hold snapshots of title and price. They are
//! preliminary: a cart guarantees neither a price nor a unit, the order checks and fixes both.
//!
//! **What is shown is what is ordered.** Each read or change of the owner's cart looks its products up, with one call
//! to the catalogue and one to the inventory. A line then takes the present title and price and no more units than are
//! in stock, and keeps beside them what the customer requested. The difference is reported as `PRICE_CHANGED` or
//! `QUANTITY_CAPPED` on every read until the line is removed or its quantity set again. A product that cannot be bought
//! is reported as `UNAVAILABLE` and is not in the subtotal. When an upstream is down the cart is shown as it was last
//! stored. Adding a new product needs the catalogue for its snapshot and is 503 without it; adding works without the
//! inventory.
//!
//! **Orders.** The order service reads the cart with one query and without calls to upstreams. It reports what it took
//! by a call and by `OrderCreated`. The first of the two checks the cart out, and lines that were added in between move
//! into a new cart. `OrderCancelled` with `linesReturn` adds the lines and the coupons to the active cart, once.
//!
//! **Guests.** `POST /carts` makes a cart without an account and gives its token, which is stored as a hash. The guest is an owner
//! like any other, with an id that only this service knows. A login moves the cart into the one of the account.
//!
//! **Wish lists.** A customer can remember products that are on sale. They are shown at present prices, with whether they are in stock; one
//! that is not on sale any more stays, under the title that it was added with.
//!
//! **Reminders.** A customer who chose a channel for CART_ABANDONED is reminded once of a cart that was left for `reminder_after_seconds`.
//! The row of such a customer says when the cart is looked at next; carts of others, and the requests of customers, write nothing.
//!
//! A cart that its owner did not read for `abandoned_after_hours` becomes ABANDONED; closed carts are deleted after
//! `closed_kept_days`. Reminders are the only events, because no other service needs the contents of a cart.

mod actions;
mod api;
mod consumers;
mod discounts;
mod domain;
mod error;
mod estimate;
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

/// What the entry points share.
#[derive(Clone)]
struct App {
    ctx: Ctx,
    settings: Arc<Settings>,
}

/// Returns the cart service: routes, consumers, workers and migrations.
#[must_use]
pub fn service() -> Service {
    Service::new(
        "cart",
        migrations!["0001_carts", "0002_images", "0003_sellers", "0004_coupons", "0005_guests", "0006_wishlist", "0007_reminders"],
        |ctx: Ctx| async move {
            let app = App { settings: Arc::new(ctx.section()?), ctx };
            let (router, operations) = api::routes().build(app.clone());
            Ok(Parts { router, operations, consumers: consumers::all(&app.settings), workers: workers::all(&app) })
        },
    )
    .settings::<Settings>()
    .personal_data(store::personal::data())
}
