//! Order: leads payment, stock and shipping to an end.
//!
//! Placing an order only writes it and wakes the saga. The saga asks the pure [`domain::due_steps`] what is due, makes
//! the calls, each under a key of order and attempt, and takes their outcomes in through one action, [`actions::apply`].
//! The events that announce the same facts go through the same action: whichever comes first counts, the other
//! changes nothing. So the first attempt, a retry and the recovery after a crash are one path.
//!
//! Money is captured only when the authorization and the reservation both hold; an order that ends without success lets
//! go of both. A confirmed order is cancelled only when shipping says that its parcel stays here: until then the
//! cancellation is a wish, kept with the saga. Status, timeline, event: each transition of the published table writes one of each, in one commit.
//!
//! Settings: `[order]`, see [`Settings`].

pub mod actions;
mod api;
mod consistency;
mod consumers;
pub mod domain;
mod error;
pub mod import;
mod saga;
mod settings;
mod store;
mod view;
mod workers;

#[cfg(test)]
mod tests;

pub use consistency::{OrderRecord, list_for_check};
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
    waiters: Arc<saga::OrderWaiters>,
}

/// The service.
#[must_use]
pub fn service() -> Service {
    Service::new("order", migrations!["0001_orders", "0002_due"], |ctx: Ctx| async move {
        let settings: Arc<Settings> = Arc::new(ctx.section()?);
        let app = App { ctx, settings: settings.clone(), waiters: Arc::default() };
        let (router, operations) = api::routes().build(app.clone());
        Ok(Parts { router, operations, consumers: consumers::all(&settings), workers: workers::all(&app) })
    })
    .settings::<Settings>()
}
