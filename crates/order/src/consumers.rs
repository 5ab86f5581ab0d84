//! Events of payment, inventory and shipping: each is a fact about an order, and goes the way replies go.

use crate::{Error, Settings, actions::take_in, domain::Fact};
use contracts::{
    ids::OrderId,
    inventory::{StockConfirmed, StockExpired, StockReleased, StockReservationFailed, StockReserved, StockReturned},
    payment::{PaymentAuthorized, PaymentCaptured, PaymentFailed, PaymentRefunded, PaymentVoided},
    shipping::ShipmentStatus,
    shipping::{ShipmentCreated, ShipmentDelivered, ShipmentReturned, ShipmentUpdated},
};
use platform::{
    db::Tx,
    inbox::{Consumers, Received},
};
use std::time::Duration;

/// What an event means for an order; nothing, for some.
trait AsFact {
    fn order_id(&self) -> OrderId;
    fn fact(&self) -> Option<Fact>;
}

macro_rules! facts {
    ($($event:ident, $e:ident => $fact:expr;)*) => {
        $(impl AsFact for $event {
            fn order_id(&self) -> OrderId { self.order_id }
            fn fact(&self) -> Option<Fact> { let $e = self; $fact }
        })*

        pub fn all(settings: &Settings) -> Consumers {
            let pay_again = settings.pay_again();
            Consumers::new()$(.on::<$event, _, _>(async move |tx: &mut Tx, event: Received<$event>| take(tx, &*event, pay_again).await))*
        }
    };
}

facts! {
    PaymentAuthorized, e => Some(Fact::PaymentAuthorized(e.payment_id));
    PaymentFailed, e => Some(Fact::PaymentFailed(e.payment_id, e.failure.clone()));
    PaymentCaptured, e => Some(Fact::PaymentCaptured(e.payment_id));
    PaymentVoided, e => Some(Fact::PaymentVoided(e.payment_id));
    PaymentRefunded, e => Some(match e.in_full {
        true => Fact::PaymentRefunded(e.payment_id),
        false => Fact::PaymentPartRefunded(e.payment_id, e.refunded_amount),
    });
    StockReserved, e => Some(Fact::StockReserved(e.reservation_id));
    StockReservationFailed, e => { let _ = e; Some(Fact::OutOfStock) };
    StockConfirmed, e => Some(Fact::StockSold(e.reservation_id));
    StockReleased, e => Some(Fact::StockReleased(e.reservation_id));
    StockExpired, e => Some(Fact::StockExpired(e.reservation_id));
    StockReturned, e => Some(Fact::StockReturned(e.reservation_id));
    ShipmentCreated, e => Some(Fact::ShipmentMade {
        shipment_id: e.shipment_id, carrier: e.carrier.word().to_owned(), tracking_number: e.tracking_number.clone(),
    });
    ShipmentUpdated, e => Some(Fact::ShipmentMoved(e.shipment_id, e.status));
    ShipmentDelivered, e => Some(Fact::ShipmentMoved(e.shipment_id, ShipmentStatus::Delivered));
    ShipmentReturned, e => Some(match e.recalled {
        true => Fact::ParcelRecalled,
        false => Fact::ShipmentMoved(e.shipment_id, ShipmentStatus::Returned),
    });
}

async fn take(tx: &mut Tx, event: &impl AsFact, pay_again: Duration) -> Result<(), Error> {
    match event.fact() {
        Some(fact) => take_in(tx, event.order_id(), &fact, pay_again).await,
        None => Ok(()),
    }
}
