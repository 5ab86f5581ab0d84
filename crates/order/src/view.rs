//! Orders as callers see them.

use crate::{
    actions::guest_view,
    domain::{Fulfilment, Order},
    store,
};
use contracts::{
    ids::{FulfilmentId, OrderId, UserId},
    order::{
        FulfilmentItem, FulfilmentStatus, FulfilmentView, OrderShipping, OrderView, SellerFulfilment, TimelineEntry, is_partially_shipped,
    },
    tax::{TaxedAmount, tax_totals},
};
use platform::db::{Error, Tx};

/// Returns the order with its timeline. With `owner`, an order of another customer is not found.
pub async fn find_view(tx: &mut Tx, owner: Option<UserId>, id: OrderId) -> Result<Option<OrderView>, Error> {
    let Some(order) = store::find_order(tx, owner, id).await? else { return Ok(None) };
    let timeline = store::list_timeline(tx, id).await?;
    let discounts = store::list_discounts(tx, id).await?;
    let guest = if order.user_id.is_guest() { store::guest_rows::find(tx, id).await?.as_ref().and_then(guest_view) } else { None };
    Ok(Some(OrderView { discounts, guest, ..view(order, timeline) }))
}

/// Combines an order and its timeline, without its discounts.
pub fn view(order: Order, timeline: Vec<TimelineEntry>) -> OrderView {
    let fulfilments = order.fulfilments.iter().map(|part| fulfilment_view(&order, part)).collect();
    let partially_shipped = is_partially_shipped(&order.fulfilment_statuses());
    let (cancellation_requested, restock) = (order.is_cancellation_pending(), order.restock_status());
    let mut view = OrderView {
        order_id: order.order_id,
        order_number: order.order_number,
        user_id: order.user_id,
        guest: None,
        order_token: None,
        status: order.status,
        currency: order.currency,
        items: order.items,
        subtotal_amount: order.totals.subtotal_amount,
        shipping_amount: order.totals.shipping_amount,
        tax_amount: order.totals.tax_amount,
        prices_include_tax: order.totals.prices_include_tax,
        shipping_tax_basis_points: None,
        shipping_tax_amount: 0,
        taxes: Vec::new(),
        discount_amount: order.totals.discount_amount,
        discounts: Vec::new(),
        total_amount: order.totals.total_amount,
        refunded_amount: order.saga.refunded_amount,
        payment_id: order.saga.payment_id,
        payment_method: order.payment_method,
        shipping: order.shipping,
        fulfilments,
        partially_shipped,
        cancellation_requested,
        shipping_address_snapshot: order.shipping_address,
        billing_address_snapshot: order.billing_address,
        failure: order.failure,
        restock,
        timeline,
        external_id: order.external_id,
        metadata: order.metadata,
        created_at: order.created_at,
        updated_at: order.updated_at,
    };
    set_taxes(&mut view);
    view
}

/// Sets the taxes by rate and those of shipping from the lines and the parts that the view has.
fn set_taxes(view: &mut OrderView) {
    view.shipping_tax_basis_points = view.fulfilments.first().and_then(|part| part.shipping_tax_basis_points);
    view.shipping_tax_amount = view.fulfilments.iter().map(|part| part.shipping_tax_amount).sum();
    let goods = view.items.iter().map(|item| (item.line_total_amount - item.discount_amount, item.tax_basis_points, item.tax_amount));
    let fees = view.fulfilments.iter().map(|part| (part.shipping_amount, part.shipping_tax_basis_points, part.shipping_tax_amount));
    let taxed = goods.chain(fees).filter(|(amount, ..)| *amount != 0);
    let taxed: Option<Vec<_>> =
        taxed.map(|(amount, basis_points, tax_amount)| Some(TaxedAmount { amount, basis_points: basis_points?, tax_amount })).collect();
    view.taxes = tax_totals(taxed.unwrap_or_default(), view.prices_include_tax);
}

fn fulfilment_view(order: &Order, part: &Fulfilment) -> FulfilmentView {
    let amounts = order.amounts_of(part);
    FulfilmentView {
        fulfilment_id: part.fulfilment_id,
        seller_id: part.seller_id,
        status: part.status,
        items: part.items(&order.items).map(|item| FulfilmentItem { order_item_id: item.order_item_id, quantity: item.quantity }).collect(),
        subtotal_amount: amounts.subtotal_amount,
        discount_amount: amounts.discount_amount,
        shipping_amount: amounts.shipping_amount,
        tax_amount: amounts.tax_amount,
        shipping_tax_basis_points: part.shipping_tax_basis_points,
        shipping_tax_amount: part.shipping_tax_amount,
        total_amount: amounts.total_amount,
        cancellation_requested: part.is_cancellation_pending(),
        shipment_id: part.shipping.shipment_id,
        shipment_status: part.shipping.status,
        carrier: part.shipping.carrier.clone(),
        tracking_number: part.shipping.tracking_number.clone(),
    }
}

/// Returns the fulfilment as its seller sees it.
pub fn seller_view(order: &Order, id: FulfilmentId) -> Option<SellerFulfilment> {
    let part = order.fulfilment(id)?;
    let shown = fulfilment_view(order, part);
    Some(SellerFulfilment {
        fulfilment_id: id,
        order_id: order.order_id,
        order_number: order.order_number.clone(),
        seller_id: part.seller_id,
        status: part.status,
        currency: order.currency,
        items: part.items(&order.items).cloned().collect(),
        subtotal_amount: shown.subtotal_amount,
        discount_amount: shown.discount_amount,
        shipping_amount: shown.shipping_amount,
        tax_amount: shown.tax_amount,
        shipping_tax_basis_points: shown.shipping_tax_basis_points,
        shipping_tax_amount: shown.shipping_tax_amount,
        prices_include_tax: order.totals.prices_include_tax,
        total_amount: shown.total_amount,
        cancellation_requested: shown.cancellation_requested,
        shipping_address_snapshot: order.shipping_address.clone(),
        shipment_id: shown.shipment_id,
        shipment_status: shown.shipment_status,
        carrier: shown.carrier,
        tracking_number: shown.tracking_number,
        created_at: order.created_at,
        updated_at: order.updated_at,
    })
}

/// Returns the order with the parts, the amounts and the address that concern this seller alone, and without the payment.
pub fn for_seller(mut view: OrderView, seller: UserId) -> OrderView {
    view.items.retain(|item| item.seller_id == Some(seller));
    view.fulfilments.retain(|part| part.seller_id == Some(seller));
    let sum = |amount: fn(&FulfilmentView) -> i64| view.fulfilments.iter().map(amount).sum();
    view.subtotal_amount = sum(|part| part.subtotal_amount);
    view.shipping_amount = sum(|part| part.shipping_amount);
    view.tax_amount = sum(|part| part.tax_amount);
    view.discount_amount = sum(|part| part.discount_amount);
    view.total_amount = sum(|part| part.total_amount);
    set_taxes(&mut view);
    view.refunded_amount = 0;
    view.payment_id = None;
    view.guest = None;
    view.external_id = None;
    view.metadata.clear();
    view.failure = None;
    view.billing_address_snapshot = view.shipping_address_snapshot.clone();
    if let Some(part) = view.fulfilments.first() {
        view.shipping = OrderShipping {
            status: part.shipment_status,
            shipment_id: part.shipment_id,
            carrier: part.carrier.clone(),
            tracking_number: part.tracking_number.clone(),
            pending: part.status == FulfilmentStatus::Confirmed && part.shipment_id.is_none(),
        };
    }
    view
}
