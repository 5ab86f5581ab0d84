//! Entry point 2, events: those of the order.

use crate::{
    Error,
    actions::{BOOKING, cancel_in},
    store,
};
use contracts::{
    order::{OrderCancelled, OrderConfirmed, OrderCreated, OrderRefunded},
    shipping::CancellationOutcome,
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

/// Stores the owner of the order, so that its customer sees an empty list of shipments and others see nothing.
async fn order_created(tx: &mut Tx, event: Received<OrderCreated>) -> Result<(), Error> {
    Ok(store::insert_if_new(tx, event.order_id, &event.order_number, event.user_id, &event.shipping_address_snapshot).await?)
}

/// Makes the shipment pending. A worker calls the carrier after the commit.
async fn order_confirmed(tx: &mut Tx, event: Received<OrderConfirmed>) -> Result<(), Error> {
    let mut found = store::lock_by_order(tx, event.order_id).await?;
    if found.is_none() {
        store::insert_if_new(tx, event.order_id, &event.order_number, event.user_id, &event.shipping_address_snapshot).await?;
        found = store::lock_by_order(tx, event.order_id).await?;
    }
    let mut shipment = found.ok_or(Error::NotFound)?;
    let (correlation_id, now) = (tx.context().correlation_id.to_string(), tx.now());
    if shipment.confirm(correlation_id, event.occurred_at, now) {
        store::save(tx, &mut shipment).await?;
        tx.notify_worker(BOOKING);
    }
    Ok(())
}

/// Closes the row. The shipment of a confirmed order was cancelled before the order.
async fn order_cancelled(tx: &mut Tx, event: Received<OrderCancelled>) -> Result<(), Error> {
    let outcome = cancel_in(tx, event.order_id, "Its order was cancelled: the carrier is requested not to pick it up").await?;
    if outcome == CancellationOutcome::TooLate {
        tracing::error!(target: "shipping", order_id = %event.order_id, "a cancelled order's parcel is on its way");
    }
    Ok(())
}

/// Cancels the shipment of an order that is fully refunded.
async fn order_refunded(tx: &mut Tx, event: Received<OrderRefunded>) -> Result<(), Error> {
    cancel_in(tx, event.order_id, "Its order was refunded: the carrier is requested not to pick it up").await.map(|_| ())
}
