//! Entry point 2, events: those of the order. An order whose payment failed keeps its uses until it is paid or cancelled.

use crate::{Error, actions, store::uses};
use contracts::order::{OrderCancelled, OrderClaimed, OrderConfirmed};
use platform::{
    db::Tx,
    inbox::{Consumers, Received},
};

pub fn all() -> Consumers {
    Consumers::new()
        .on::<OrderConfirmed, _, _>(order_confirmed)
        .on::<OrderCancelled, _, _>(order_cancelled)
        .on::<OrderClaimed, _, _>(order_claimed)
}

async fn order_confirmed(tx: &mut Tx, event: Received<OrderConfirmed>) -> Result<(), Error> {
    if !may_have_uses(&event) {
        return Ok(());
    }
    actions::confirm(tx, event.order_id).await
}

/// Whether the order may have used a promotion: one takes an amount off the lines or waives the whole fee of a part. Orders without
/// promotions then cost no query, except those that ship free anyway.
fn may_have_uses(order: &OrderConfirmed) -> bool {
    let ships_free = match &*order.fulfilments {
        [] => order.shipping_amount == 0,
        parts => parts.iter().any(|part| part.shipping_amount == 0),
    };
    order.discount_amount > 0 || ships_free
}

/// The uses of a guest count for the account that claimed the order.
async fn order_claimed(tx: &mut Tx, event: Received<OrderClaimed>) -> Result<(), Error> {
    Ok(uses::set_customer(tx, event.order_id, event.guest_id, event.user_id).await?)
}

async fn order_cancelled(tx: &mut Tx, event: Received<OrderCancelled>) -> Result<(), Error> {
    actions::release(tx, event.order_id).await
}
