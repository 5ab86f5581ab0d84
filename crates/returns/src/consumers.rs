//! Entry point 2, events: what was delivered, what came back by itself, and what was refunded.

use crate::{Error, Settings, actions, domain::DeliveredItem, store};
use contracts::{
    ids::{FulfilmentId, OrderId, UserId},
    money::Currency,
    order::{
        FulfilmentDelivered, FulfilmentReturned, OrderClaimed, OrderCreated, OrderItem, OrderPartRefunded, OrderRefunded, RefundCause,
    },
    time::Timestamp,
};
use platform::{
    db::Tx,
    inbox::{Consumers, Received},
};
use std::time::Duration;

pub fn all(settings: &Settings) -> Consumers {
    let closed_after = settings.closed_after();
    Consumers::new()
        .on::<OrderCreated, _, _>(order_created)
        .on::<OrderClaimed, _, _>(order_claimed)
        .on::<FulfilmentDelivered, _, _>(fulfilment_delivered)
        .on::<FulfilmentReturned, _, _>(fulfilment_returned)
        .on::<OrderPartRefunded, _, _>(async move |tx: &mut Tx, event| order_part_refunded(tx, event, closed_after).await)
        .on::<OrderRefunded, _, _>(async move |tx: &mut Tx, event| order_refunded(tx, event, closed_after).await)
}

async fn order_created(tx: &mut Tx, event: Received<OrderCreated>) -> Result<(), Error> {
    Ok(store::insert_order(tx, event.order_id, event.user_id).await?)
}

/// The order of a guest belongs to an account now.
async fn order_claimed(tx: &mut Tx, event: Received<OrderClaimed>) -> Result<(), Error> {
    Ok(store::set_customer(tx, event.order_id, event.user_id).await?)
}

/// The part of an order that an item belongs to.
struct Part {
    order_id: OrderId,
    order_number: String,
    fulfilment_id: FulfilmentId,
    user_id: UserId,
    seller_id: Option<UserId>,
    currency: Currency,
    prices_include_tax: bool,
    delivered_at: Timestamp,
}

impl Part {
    /// Stores the lines. Those that are known stay as they are.
    async fn insert(self, tx: &mut Tx, items: Vec<OrderItem>) -> Result<(), Error> {
        store::insert_order(tx, self.order_id, self.user_id).await?;
        for item in items {
            let item = DeliveredItem {
                order_item_id: item.order_item_id,
                order_id: self.order_id,
                order_number: self.order_number.clone(),
                fulfilment_id: self.fulfilment_id,
                user_id: self.user_id,
                seller_id: self.seller_id,
                product_id: item.product_id,
                sku: item.sku,
                title_snapshot: item.title_snapshot,
                currency: self.currency,
                quantity: item.quantity,
                line_total_amount: item.line_total_amount,
                discount_amount: item.discount_amount,
                tax_amount: item.tax_amount,
                prices_include_tax: self.prices_include_tax,
                delivered_at: self.delivered_at,
                taken_quantity: 0,
                received_quantity: 0,
            };
            store::insert_item(tx, &item).await?;
        }
        Ok(())
    }
}

async fn fulfilment_delivered(tx: &mut Tx, event: Received<FulfilmentDelivered>) -> Result<(), Error> {
    let delivered_at = event.occurred_at;
    let FulfilmentDelivered { fulfilment_id, order_id, order_number, user_id, seller_id, currency, items, prices_include_tax, .. } =
        event.event;
    Part { order_id, order_number, fulfilment_id, user_id, seller_id, currency, prices_include_tax, delivered_at }.insert(tx, items).await
}

/// The parcel of a fulfilment came back. It may never have been delivered.
async fn fulfilment_returned(tx: &mut Tx, event: Received<FulfilmentReturned>) -> Result<(), Error> {
    let delivered_at = event.occurred_at;
    let FulfilmentReturned { fulfilment_id, order_id, order_number, user_id, seller_id, currency, items, prices_include_tax, .. } =
        event.event;
    Part { order_id, order_number, fulfilment_id, user_id, seller_id, currency, prices_include_tax, delivered_at }
        .insert(tx, items)
        .await?;
    actions::open_for_parcel(tx, fulfilment_id).await
}

async fn order_part_refunded(tx: &mut Tx, event: Received<OrderPartRefunded>, closed_after: Duration) -> Result<(), Error> {
    if event.cause != RefundCause::Return {
        return Ok(());
    }
    let Some(mut record) = store::lock(tx, event.cause_id.into()).await? else { return Ok(()) };
    actions::refunded(tx, &mut record, event.amount, closed_after).await
}

/// All money of the order went back, also that of its received returns.
async fn order_refunded(tx: &mut Tx, event: Received<OrderRefunded>, closed_after: Duration) -> Result<(), Error> {
    for mut record in store::lock_received(tx, event.order_id).await? {
        let amount = record.refund_amount;
        actions::refunded(tx, &mut record, amount, closed_after).await?;
    }
    Ok(())
}
