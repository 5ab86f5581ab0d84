//! Order: moves each order through payment, stock and shipping.
//!
//! Placing an order only writes it and wakes the saga. The saga computes the due calls with [`domain::due_steps`], makes them
//! under a key of order and attempt, and applies their outcomes with [`actions::apply`]. Events apply the same facts with the
//! same function: the first one counts, and the other changes nothing. So the first attempt, a retry and the recovery after a
//! crash run the same code.
//!
//! Money is captured only when the payment is authorized and the stock reserved. An order that ends without a sale releases
//! both. A confirmed order is cancelled only if shipping can cancel the shipment; until shipping answers, the request is stored
//! in the saga's state. Each status change follows the transition table, and writes the status, one timeline entry and one event
//! in one commit.
//!
//! **Guests** order with the token of a cart. Their customer is a keyed hash of the address, so that limits per customer count them by
//! it. A token opens one order; the account that verifies the address claims it.
//!
//! Settings: `[order]`, see [`Settings`].

pub mod actions;
mod api;
mod consistency;
mod consumers;
pub mod domain;
mod error;
mod export;
mod gauges;
pub mod import;
mod orphans;
mod saga;
mod settings;
mod store;
mod view;
mod waiters;
mod workers;

#[cfg(test)]
mod tests;

pub use consistency::{OrderRecord, list_for_check, list_promotions_by_orders};
pub use error::Error;
pub use orphans::{Orphan, OrphanKind, OrphanOutcome, list_orphans};
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
    waiters: Arc<waiters::OrderWaiters>,
    guest_keys: Arc<actions::GuestKeys>,
}

/// The service.
#[must_use]
pub fn service() -> Service {
    Service::new(
        "order",
        migrations![
            "0001_orders",
            "0002_due",
            "0003_timeline_length",
            "0004_images",
            "0005_orphans",
            "0006_fulfilments",
            "0007_seller_discounts",
            "0008_fulfilment_lists",
            "0009_discounts",
            "0010_taxes",
            "0011_guests",
            "0012_integrator_data",
            "0013_erasure_due",
            "0014_orders_by_total"
        ],
        |ctx: Ctx| async move {
            let settings: Arc<Settings> = Arc::new(ctx.section()?);
            let guest_keys = actions::GuestKeys::new(&ctx.master_key);
            let app = App { ctx, settings: settings.clone(), waiters: Arc::default(), guest_keys: guest_keys.clone() };
            actions::erase_again(&app).await?;
            let (router, operations) = api::routes().build(app.clone());
            Ok(Parts { router, operations, consumers: consumers::all(&settings, &guest_keys), workers: workers::all(&app) })
        },
    )
    .settings::<Settings>()
    .gauges(gauges::set)
    .personal_data(store::personal::data())
}
