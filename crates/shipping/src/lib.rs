//! Shipping: a parcel for every confirmed order, and its way to the customer.
//!
//! `OrderConfirmed` makes the shipment pending in the transaction of the inbox; nothing is asked of the carrier there.
//! A worker books the parcel, and what the carrier answers is a shipment with its tracking number. When the carrier
//! fails, is late, or the process dies before the answer is written, it is asked again with growing pauses, and at once
//! when an administrator says so. Asking twice is harmless: the order is the key under which a carrier books, so that
//! an order has one parcel with one tracking number, whatever was lost on the way. Until then the order stays confirmed
//! and its shipment pending, and both say so.
//!
//! The carrier's events move a shipment by the published table. They may come late, twice, and in any order: what is
//! known or was overtaken changes nothing.
//!
//! Whether an order's goods leave is decided here and nowhere else. The order asks before it is cancelled, and after it was
//! refunded; `OrderCancelled` and `OrderRefunded` say the same. A parcel that is still pending is dropped. One that the
//! carrier took stays CREATED while the carrier is asked not to fetch it, and becomes RETURNED once it agreed; a scan that
//! comes first wins, and the parcel travels. A scan that contradicts what was agreed is kept in the history and shown to
//! administrators.
//!
//! [`carrier::Carrier`] is the carrier; the built-in one is [`carrier::MockCarrier`], which can be told to misbehave by
//! the setting `carrier_mode`, or for one parcel by the address's `complement`: `carrier:ok`, `carrier:fail`,
//! `carrier:flaky`, `carrier:timeout`, `carrier:slow`. With the setting `simulate` parcels travel by themselves.
//!
//! Settings: `[shipping]`, see [`Settings`].

mod actions;
mod api;
pub mod carrier;
mod consistency;
mod consumers;
pub mod domain;
mod error;
mod rates;
mod settings;
mod store;
mod workers;

#[cfg(test)]
mod tests;

pub use consistency::{OrderShipment, list_by_orders};
pub use error::Error;
pub use settings::Settings;

use carrier::{Carrier, MockCarrier};
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
    pub carrier: Arc<dyn Carrier>,
}

/// The service, with the mock carrier.
#[must_use]
pub fn service() -> Service {
    service_with(|ctx, settings| Arc::new(MockCarrier::new(ctx.db.clone(), settings.carrier_mode, settings.slow())))
}

/// The service, with another carrier.
pub fn service_with(carrier: impl FnOnce(&Ctx, &Settings) -> Arc<dyn Carrier> + Send + 'static) -> Service {
    Service::new("shipping", migrations!["0001_shipments", "0002_mock_carrier", "0003_recalls"], |ctx: Ctx| async move {
        let settings: Arc<Settings> = Arc::new(ctx.section()?);
        let app = App { carrier: carrier(&ctx, &settings), settings, ctx };
        let (router, operations) = api::routes().build(app.clone());
        Ok(Parts { router, operations, consumers: consumers::all(), workers: workers::all(&app) })
    })
    .settings::<Settings>()
}
