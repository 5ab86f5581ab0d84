//! Returns: goods that customers send back, and what is owed for them.
//!
//! The events of fulfilments bring each delivered line with what was paid for it. A customer asks for the return of units within
//! `return_days`; its seller or an administrator approves, which makes a label, or rejects. The goods have to be sent within
//! `return_shipping_days`. The receipt of the goods says what happens to each unit and makes the money owed: `ReturnReceived`
//! has it, for the services that own the stock and the money. The refund of the order, announced by `OrderPartRefunded`, makes
//! the return REFUNDED. A parcel that the carrier brings back by itself opens a return that is on its way already.
//!
//! What is owed for a part of a line is the difference of two rounded shares, up to the last unit and up to the first one. So the
//! parts of a line add up to the line, whatever the parts are.
//!
//! Settings: `[returns]`, see [`Settings`].

mod actions;
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

pub use consistency::{ReceivedUnits, list_received_by_orders};
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
    Service::new("returns", migrations!["0001_returns", "0002_taxes"], |ctx: Ctx| async move {
        let app = App { settings: Arc::new(ctx.section()?), ctx };
        let (router, operations) = api::routes().build(app.clone());
        Ok(Parts { router, operations, consumers: consumers::all(&app.settings), workers: workers::all(&app) })
    })
    .settings::<Settings>()
    .personal_data(store::personal::data())
}
