//! Door 2: the order's events.

use crate::{
    Error,
    actions::BOOKING,
    domain::{Cancelled, TooLate},
    store,
};
use contracts::{
    ids::OrderId,
    order::{OrderCancelled, OrderConfirmed, OrderCreated, OrderRefunded},
    shipping::ShipmentStatus,
};
use platform::{
    db::Tx,
    inbox::{Consumers, Received},
};

pub fn all() -> Consumers {
    Consumers::new()
        .on::<OrderCreated, _, _>(order_created)
        .on::<OrderConfirmed, _, _>(order_confirmed)
        .on::<OrderCancelled, _, _>(order_cancelled)
        .on::<OrderRefunded, _, _>(order_refunded)
}

/// Remembers whose the order is, so that its customer is told that it has no shipment yet, and a stranger nothing.
async fn order_created(tx: &mut Tx, event: Received<OrderCreated>) -> Result<(), Error> {
    Ok(store::begin(tx, event.order_id, &event.order_number, event.user_id, &event.shipping_address_snapshot).await?)
}

/// Makes the shipment pending. The carrier is asked after the commit.
async fn order_confirmed(tx: &mut Tx, event: Received<OrderConfirmed>) -> Result<(), Error> {
    store::begin(tx, event.order_id, &event.order_number, event.user_id, &event.shipping_address_snapshot).await?;
    let mut consignment = store::lock_by_order(tx, event.order_id).await?.ok_or(Error::NotFound)?;
    let (correlation_id, now) = (tx.context().correlation_id.to_string(), tx.now());
    if consignment.confirm(correlation_id, event.occurred_at, now) {
        store::save(tx, &mut consignment).await?;
        tx.wake(BOOKING);
    }
    Ok(())
}

async fn order_cancelled(tx: &mut Tx, event: Received<OrderCancelled>) -> Result<(), Error> {
    if let Some(too_late) = call_off(tx, event.order_id, "Recalled: the order was cancelled").await? {
        tracing::warn!(target: "shipping", order_id = %event.order_id, %too_late, "a cancelled order cannot be recalled");
    }
    Ok(())
}

/// All of the money was given back: a parcel that did not leave yet stays here, since nobody pays for it any more.
async fn order_refunded(tx: &mut Tx, event: Received<OrderRefunded>) -> Result<(), Error> {
    call_off(tx, event.order_id, "Recalled: the order was refunded").await.map(|_| ())
}

/// Drops a shipment that is pending, and recalls one that the carrier did not fetch yet. One that is on its way travels
/// on: what comes of it, the carrier will tell.
async fn call_off(tx: &mut Tx, order_id: OrderId, why: &str) -> Result<Option<TooLate>, Error> {
    let Some(mut consignment) = store::lock_by_order(tx, order_id).await? else { return Ok(None) };
    match consignment.cancel(tx.now()) {
        Ok(Cancelled::Nothing) => {}
        Ok(Cancelled::Dropped) => {
            store::save(tx, &mut consignment).await?;
            tx.wake(BOOKING);
        }
        Ok(Cancelled::Recalled(returned)) => {
            store::save(tx, &mut consignment).await?;
            store::append_event(tx, returned.shipment_id, ShipmentStatus::Returned, why).await?;
            tx.emit(returned);
            tx.wake(BOOKING);
        }
        Err(too_late) => return Ok(Some(too_late)),
    }
    Ok(None)
}
