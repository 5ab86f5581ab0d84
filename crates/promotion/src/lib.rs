//! Promotion: discounts, the conditions under which they apply, and their uses by orders.
//!
//! What a promotion takes off a cart is a pure function of the cart and the promotions that apply; `docs/promotions.md` states its
//! rules with examples. Cart and order ask for it by one call and keep the answer.
//!
//! **Uses.** The order service reserves the uses of an order before it writes the order, under the order's id. One statement with a
//! condition counts a use (`… WHERE used_count < total_limit`), so a limit holds however many buyers there are at once. A use ends by the
//! events of its order. The order of a use that nothing was heard of is asked for after a while: a use whose order is not known is
//! released.
//!
//! A promotion whose `endsAt` has come ends by itself; it does not apply from that instant on, ended or not.
//!
//! Settings: `[promotion]`, see [`Settings`].

mod actions;
mod api;
mod consistency;
mod consumers;
mod domain;
mod error;
mod settings;
mod store;
#[cfg(test)]
mod tests;
mod workers;

pub use consistency::{OrderUse, check_consistency, list_uses_by_orders};
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

/// Returns the promotion service: routes, consumers, workers and migrations.
#[must_use]
pub fn service() -> Service {
    Service::new("promotion", migrations!["0001_promotions"], |ctx: Ctx| async move {
        let app = App { settings: Arc::new(ctx.section()?), ctx };
        let (router, operations) = api::routes().build(app.clone());
        Ok(Parts { router, operations, consumers: consumers::all(), workers: workers::all(&app) })
    })
    .settings::<Settings>()
    .personal_data(store::personal::data())
}
