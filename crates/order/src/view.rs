//! Orders as callers see them.

use crate::{domain::Order, store};
use contracts::{
    ids::{OrderId, UserId},
    order::{OrderView, TimelineEntry},
};
use platform::db::{Error, Tx};

/// Returns the order with its timeline. With `owner`, an order of another customer is not found.
pub async fn find_view(tx: &mut Tx, owner: Option<UserId>, id: OrderId) -> Result<Option<OrderView>, Error> {
    let Some(order) = store::find_order(tx, owner, id).await? else { return Ok(None) };
    let timeline = store::list_timeline(tx, id).await?;
    Ok(Some(view(order, timeline)))
}

/// Combines an order and its timeline.
pub fn view(order: Order, timeline: Vec<TimelineEntry>) -> OrderView {
    let (cancellation_requested, restock) = (order.is_cancellation_pending(), order.restock_status());
    OrderView {
        order_id: order.order_id,
        order_number: order.order_number,
        user_id: order.user_id,
        status: order.status,
        currency: order.currency,
        items: order.items,
        subtotal_amount: order.totals.subtotal_amount,
        shipping_amount: order.totals.shipping_amount,
        tax_amount: order.totals.tax_amount,
        discount_amount: order.totals.discount_amount,
        total_amount: order.totals.total_amount,
        refunded_amount: order.saga.refunded_amount,
        payment_id: order.saga.payment_id,
        payment_method: order.payment_method,
        shipping: order.shipping,
        fulfilments: Vec::new(),
        partially_shipped: false,
        cancellation_requested,
        shipping_address_snapshot: order.shipping_address,
        billing_address_snapshot: order.billing_address,
        failure: order.failure,
        restock,
        timeline,
        created_at: order.created_at,
        updated_at: order.updated_at,
    }
}
