//! Shipping: one parcel for every fulfilment of a confirmed order, and its tracking.
//!
//! `OrderConfirmed` makes the shipment pending, in the transaction of the inbox. A worker books the parcel at the carrier
//! afterwards; the answer creates the shipment with its tracking number. After an error, a timeout or a crash, the booking is
//! repeated with growing pauses, or at once by an administrator. The fulfilment is the idempotency key of the booking, so that
//! it has one parcel with one tracking number. Until then the order stays confirmed and the shipment pending.
//!
//! The carrier's events move a shipment by the transition table. They may be late, repeated and in any order: an event that is
//! known or outdated changes nothing.
//!
//! This service alone decides whether the goods of a fulfilment leave. The order service requests the cancellation of the shipment
//! before it cancels a fulfilment or an order and after a refund; `OrderCancelled` and `OrderRefunded` have the same effect. A pending shipment
//! is dropped. A booked one stays CREATED until the carrier confirms the cancellation, and is RETURNED then. If the carrier
//! reports a scan before that, the parcel travels on. A scan after the confirmation is a contradiction: it is kept in the
//! history and shown to administrators.
//!
//! The carrier is reached through [`carrier::ParcelCarrier`]; the built-in one is [`carrier::MockCarrier`]. The setting
//! `carrier_mode` chooses its faults, and the `complement` of an address those of one parcel: `carrier:ok`, `carrier:fail`,
//! `carrier:flaky`, `carrier:timeout`, `carrier:slow`. With the setting `simulate` parcels move by themselves.
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

use carrier::{MockCarrier, ParcelCarrier};
use platform::{
    migrations,
    service::{Ctx, Parts, Service},
};
use std::sync::Arc;

/// What every part of the service works with.
#[derive(Clone)]
pub struct App {
    pub ctx: Ctx,
    pub settings: Arc<Settings>,
    pub carrier: Arc<dyn ParcelCarrier>,
}

/// The service, with the mock carrier.
#[must_use]
pub fn service() -> Service {
    service_with(|ctx, settings| {
        let carrier = MockCarrier::new(ctx.db.clone(), settings.carrier_mode, settings.slow());
        Arc::new(if settings.switchable_faults { carrier.with_switchable_faults() } else { carrier })
    })
}

/// The service, with another carrier.
pub fn service_with(carrier: impl FnOnce(&Ctx, &Settings) -> Arc<dyn ParcelCarrier> + Send + 'static) -> Service {
    Service::new(
        "shipping",
        migrations![
            "0001_shipments",
            "0002_mock_carrier",
            "0003_recalls",
            "0004_carrier",
            "0005_one_row_per_order",
            "0006_scans",
            "0007_fulfilments"
        ],
        |ctx: Ctx| async move {
            let settings: Arc<Settings> = Arc::new(ctx.section()?);
            let app = App { carrier: carrier(&ctx, &settings), settings, ctx };
            let (router, operations) = api::routes().build(app.clone());
            Ok(Parts { router, operations, consumers: consumers::all(), workers: workers::all(&app) })
        },
    )
    .settings::<Settings>()
    .personal_data(store::personal::data())
}
