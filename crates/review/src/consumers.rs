//! Entry point 2, events: what was delivered to whom.

use crate::{
    Error,
    store::{self, OrderedItem, Purchase},
};
use contracts::order::{FulfilmentDelivered, OrderCancelled, OrderClaimed, OrderConfirmed, OrderDelivered, OrderRefunded};
use platform::{
    db::Tx,
    inbox::{Consumers, Received},
};

pub fn all() -> Consumers {
    Consumers::new()
        .on::<FulfilmentDelivered, _, _>(fulfilment_delivered)
        .on::<OrderConfirmed, _, _>(order_confirmed)
        .on::<OrderDelivered, _, _>(order_delivered)
        .on::<OrderCancelled, _, _>(order_cancelled)
        .on::<OrderRefunded, _, _>(order_refunded)
        .on::<OrderClaimed, _, _>(order_claimed)
}

async fn fulfilment_delivered(tx: &mut Tx, event: Received<FulfilmentDelivered>) -> Result<(), Error> {
    let (delivered_at, FulfilmentDelivered { order_id, user_id, items, .. }) = (event.occurred_at, event.event);
    for item in items {
        let (product_id, title_snapshot) = (item.product_id, item.title_snapshot);
        store::insert_purchase(tx, &Purchase { user_id, product_id, order_id, title_snapshot, delivered_at }).await?;
    }
    Ok(())
}

/// What was delivered to a guest was delivered to the account that claimed the order.
async fn order_claimed(tx: &mut Tx, event: Received<OrderClaimed>) -> Result<(), Error> {
    Ok(store::set_purchaser(tx, event.order_id, event.guest_id, event.user_id).await?)
}

/// Keeps the items of an order that announces no fulfilments; those of others come with the delivery of each fulfilment.
async fn order_confirmed(tx: &mut Tx, event: Received<OrderConfirmed>) -> Result<(), Error> {
    let OrderConfirmed { order_id, user_id, items, fulfilments, .. } = event.event;
    if !fulfilments.is_empty() {
        return Ok(());
    }
    for item in items {
        let (order_item_id, product_id, title_snapshot) = (item.order_item_id, item.product_id, item.title_snapshot);
        store::insert_ordered(tx, &OrderedItem { order_item_id, order_id, user_id, product_id, title_snapshot }).await?;
    }
    Ok(())
}

async fn order_delivered(tx: &mut Tx, event: Received<OrderDelivered>) -> Result<(), Error> {
    let delivered_at = event.occurred_at;
    for OrderedItem { order_id, user_id, product_id, title_snapshot, .. } in store::take_ordered(tx, event.order_id).await? {
        store::insert_purchase(tx, &Purchase { user_id, product_id, order_id, title_snapshot, delivered_at }).await?;
    }
    Ok(())
}

async fn order_cancelled(tx: &mut Tx, event: Received<OrderCancelled>) -> Result<(), Error> {
    store::take_ordered(tx, event.order_id).await?;
    Ok(())
}

/// An order that was refunded before its delivery is not delivered any more.
async fn order_refunded(tx: &mut Tx, event: Received<OrderRefunded>) -> Result<(), Error> {
    store::take_ordered(tx, event.order_id).await?;
    Ok(())
}
