//! Entry point 2: events of payment, inventory, shipping and returns. Each is a fact about an order, and is applied as replies are.
//! A verified address claims the orders of guests with it.
//!
//! `StockReservationFailed` is not consumed: it does not say which attempt was refused, and a late one would cancel an order
//! that was paid again. The key of the attempt keeps the refusal, so a repeated call returns it.

use crate::{
    Error, Settings,
    actions::{GuestKeys, apply, claim},
    domain::{Fact, ParcelLabel, ReturnedUnits},
    orphans,
};
use contracts::{
    auth::{EmailVerified, PasswordChanged},
    ids::{FulfilmentId, OrderId},
    inventory::{StockConfirmed, StockExpired, StockReleased, StockReserved, StockReturned},
    payment::{PaymentAuthorized, PaymentCaptured, PaymentFailed, PaymentRefunded, PaymentVoided},
    returns::{ReceivedItem, ReturnReceived},
    shipping::{ShipmentCreated, ShipmentDelivered, ShipmentReturned, ShipmentStatus, ShipmentUpdated},
};
use platform::{
    db::Tx,
    inbox::{Consumers, Received},
};
use std::{sync::Arc, time::Duration};

/// The token of a reset was in a mail to the account's address, so the user reads its mails.
async fn password_changed(tx: &mut Tx, keys: &GuestKeys, event: &PasswordChanged) -> Result<(), Error> {
    if event.by_reset { claim(tx, keys, event.user_id, &event.email).await } else { Ok(()) }
}

async fn consume(tx: &mut Tx, event: &impl AsFact, pay_again: Duration, grace: Duration) -> Result<(), Error> {
    let (order_id, fact) = (event.order_id(), event.fact());
    if !apply(tx, order_id, &fact, pay_again).await? {
        orphans::record(tx, order_id, &fact, grace).await?;
    }
    Ok(())
}

/// An event of an order of earlier versions names no fulfilment: its only one has the id of the order.
fn fulfilment(named: Option<FulfilmentId>, order: OrderId) -> FulfilmentId {
    named.unwrap_or(FulfilmentId(order.0))
}

fn returned_units(item: &ReceivedItem) -> ReturnedUnits {
    ReturnedUnits { order_item_id: item.order_item_id, restocked: item.restocked_quantity, written_off: item.written_off_quantity }
}

/// An event that is a fact about an order.
trait AsFact {
    fn order_id(&self) -> OrderId;
    fn fact(&self) -> Fact;
}

macro_rules! facts {
    ($($event:ident, $e:ident => $fact:expr;)*) => {
        $(impl AsFact for $event {
            fn order_id(&self) -> OrderId { self.order_id }
            fn fact(&self) -> Fact { let $e = self; $fact }
        })*

        pub fn all(settings: &Settings, keys: &Arc<GuestKeys>) -> Consumers {
            let (pay_again, grace, keys) = (settings.pay_again(), settings.orphan_grace(), keys.clone());
            let (verified, reset) = (keys.clone(), keys);
            Consumers::new()
                .on::<EmailVerified, _, _>(async move |tx: &mut Tx, event: Received<EmailVerified>| {
                    claim(tx, &verified, event.user_id, &event.email).await
                })
                .on::<PasswordChanged, _, _>(async move |tx: &mut Tx, event: Received<PasswordChanged>| password_changed(tx, &reset, &event).await)
                $(.on::<$event, _, _>(async move |tx: &mut Tx, event: Received<$event>| consume(tx, &event.event, pay_again, grace).await))*
                .without_personal_fields::<ShipmentUpdated>()
        }
    };
}

facts! {
    PaymentAuthorized, e => Fact::PaymentAuthorized(e.payment_id);
    PaymentFailed, e => Fact::PaymentFailed(e.payment_id, e.failure.clone());
    PaymentCaptured, e => Fact::PaymentCaptured(e.payment_id);
    PaymentVoided, e => Fact::PaymentVoided(e.payment_id);
    PaymentRefunded, e => match e.in_full {
        true => Fact::PaymentRefunded(e.payment_id),
        false => Fact::PaymentPartlyRefunded(e.payment_id, e.refunded_amount),
    };
    StockReserved, e => Fact::StockReserved(e.reservation_id);
    StockConfirmed, e => Fact::StockConfirmed(e.reservation_id);
    StockReleased, e => Fact::StockReleased(e.reservation_id);
    StockExpired, e => Fact::StockExpired(e.reservation_id);
    StockReturned, e => Fact::StockReturned(e.reservation_id);
    ReturnReceived, e => Fact::GoodsReturned {
        return_id: e.return_id, refund_amount: e.refund_amount, units: e.items.iter().map(returned_units).collect(),
    };
    ShipmentCreated, e => Fact::ShipmentCreated {
        fulfilment_id: fulfilment(e.fulfilment_id, e.order_id), shipment_id: e.shipment_id, carrier: e.carrier.clone(), tracking_number: e.tracking_number.clone(),
    };
    ShipmentUpdated, e => {
        let label = ParcelLabel { carrier: e.carrier.clone(), tracking_number: e.tracking_number.clone() };
        Fact::ShipmentUpdated(e.shipment_id, e.status, Some(label))
    };
    ShipmentDelivered, e => Fact::ShipmentUpdated(e.shipment_id, ShipmentStatus::Delivered, None);
    ShipmentReturned, e => match e.recalled {
        true => Fact::ShipmentCancelled(fulfilment(e.fulfilment_id, e.order_id)),
        false => Fact::ShipmentUpdated(e.shipment_id, ShipmentStatus::Returned, None),
    };
}
