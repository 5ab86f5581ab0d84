//! Entry point 2, events: those of the order.

use crate::{
    Error,
    actions::{BOOKING, cancel_in},
    store,
};
use contracts::{
    ids::{FulfilmentId, OrderId},
    order::{OrderCancelled, OrderClaimed, OrderConfirmed, OrderCreated, OrderRefunded, OrderedFulfilment},
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
        .on::<OrderClaimed, _, _>(order_claimed)
}

/// Stores the owner of the order, so that its customer sees an empty list of shipments and others see nothing.
async fn order_created(tx: &mut Tx, event: Received<OrderCreated>) -> Result<(), Error> {
    let (order_id, user_id) = (event.order_id, event.user_id);
    for id in OrderedFulfilment::ids(order_id, &event.fulfilments) {
        store::insert_if_new(tx, id, order_id, &event.order_number, user_id, &event.shipping_address_snapshot).await?;
    }
    Ok(())
}

/// Makes the shipments pending, one for each fulfilment. A worker calls the carrier after the commit.
async fn order_confirmed(tx: &mut Tx, event: Received<OrderConfirmed>) -> Result<(), Error> {
    for id in OrderedFulfilment::ids(event.order_id, &event.fulfilments) {
        let mut found = store::lock_shipment_of(tx, id).await?;
        if found.is_none() {
            let (order_id, user_id) = (event.order_id, event.user_id);
            store::insert_if_new(tx, id, order_id, &event.order_number, user_id, &event.shipping_address_snapshot).await?;
            found = store::lock_shipment_of(tx, id).await?;
        }
        let mut shipment = found.ok_or(Error::NotFound)?;
        let (correlation_id, now) = (tx.context().correlation_id.to_string(), tx.now());
        if shipment.confirm(correlation_id, event.occurred_at, now) {
            store::save(tx, &mut shipment).await?;
            tx.notify_worker(BOOKING);
        }
    }
    Ok(())
}

/// Closes the rows. The shipments of a confirmed order were cancelled before the order.
async fn order_cancelled(tx: &mut Tx, event: Received<OrderCancelled>) -> Result<(), Error> {
    for id in fulfilments(tx, event.order_id).await? {
        let outcome = cancel_in(tx, id, "Its order was cancelled: the carrier is requested not to pick it up").await?;
        if outcome == CancellationOutcome::TooLate {
            tracing::error!(target: "shipping", order_id = %event.order_id, fulfilment_id = %id, "a cancelled order's parcel is on its way");
        }
    }
    Ok(())
}

/// Cancels the shipments of an order that is fully refunded, as far as they have not left.
async fn order_refunded(tx: &mut Tx, event: Received<OrderRefunded>) -> Result<(), Error> {
    for id in fulfilments(tx, event.order_id).await? {
        cancel_in(tx, id, "Its order was refunded: the carrier is requested not to pick it up").await?;
    }
    Ok(())
}

/// The order of a guest belongs to an account now.
async fn order_claimed(tx: &mut Tx, event: Received<OrderClaimed>) -> Result<(), Error> {
    Ok(store::set_customer(tx, event.order_id, event.user_id).await?)
}

/// Returns the fulfilments of an order. One that is not known yet may be of an earlier version, whose fulfilment has its id.
async fn fulfilments(tx: &mut Tx, order: OrderId) -> Result<Vec<FulfilmentId>, Error> {
    let known = store::list_fulfilments(tx, order).await?;
    Ok(if known.is_empty() { OrderedFulfilment::ids(order, &[]) } else { known })
}
