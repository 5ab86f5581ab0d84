//! The events of fulfilments, and of refunds of parts.

use crate::domain::{Cancellation, Fulfilment, Order};
use contracts::order::{
    CancelReason, FulfilmentCancelled, FulfilmentConfirmed, FulfilmentDelivered, FulfilmentItem, FulfilmentReturned, FulfilmentShipped,
    FulfilmentStatus, OrderPartRefunded, OrderStatus, OrderedFulfilment,
};
use platform::db::Tx;

/// Returns the fulfilments as the events of the order carry them.
pub fn ordered(order: &Order) -> Vec<OrderedFulfilment> {
    let part = |part: &Fulfilment| OrderedFulfilment {
        fulfilment_id: part.fulfilment_id,
        seller_id: part.seller_id,
        items: part.items(&order.items).map(|item| FulfilmentItem { order_item_id: item.order_item_id, quantity: item.quantity }).collect(),
        shipping_amount: part.shipping_amount,
        shipping_tax_amount: part.shipping_tax_amount,
        total_amount: order.amounts_of(part).total_amount,
    };
    order.fulfilments.iter().map(part).collect()
}

/// Emits one event for each transition of a fulfilment between the two states of its order, and one for each refund of a part that
/// was done.
pub fn parts_changed(tx: &mut Tx, before: &Order, order: &Order) {
    for part in &order.fulfilments {
        let was = before.fulfilment(part.fulfilment_id).map_or(FulfilmentStatus::Pending, |part| part.status);
        if was == part.status {
            continue;
        }
        if part.status == FulfilmentStatus::Returned && was == FulfilmentStatus::Confirmed {
            // A parcel that came back was on its way, even if no update said so.
            emit(tx, order, part, was, FulfilmentStatus::Shipped);
        }
        emit(tx, order, part, was, part.status);
    }
    for refund in order.saga.part_refunds.iter().filter(|refund| refund.is_done) {
        let was_done = before.saga.part_refunds.iter().any(|was| was.cause_id == refund.cause_id && was.is_done);
        if let Some(payment_id) = order.saga.payment_id.filter(|_| !was_done) {
            tx.emit(OrderPartRefunded {
                order_id: order.order_id,
                order_number: order.order_number.clone(),
                user_id: order.user_id,
                payment_id,
                cause: refund.cause,
                cause_id: refund.cause_id,
                currency: order.currency,
                amount: refund.amount,
                refunded_amount: order.saga.refunded_amount,
            });
        }
    }
}

fn emit(tx: &mut Tx, order: &Order, part: &Fulfilment, was: FulfilmentStatus, status: FulfilmentStatus) {
    let amounts = order.amounts_of(part);
    let shipment_id = part.shipping.shipment_id;
    let fulfilment_count = u32::try_from(order.fulfilments.len()).unwrap_or(u32::MAX);
    let (carrier, number) = (part.shipping.carrier.clone(), part.shipping.tracking_number.clone());
    macro_rules! announce {
        ($event:ident { $($field:ident: $value:expr),* $(,)? }) => {
            tx.emit($event {
                fulfilment_id: part.fulfilment_id,
                order_id: order.order_id,
                order_number: order.order_number.clone(),
                user_id: order.user_id,
                seller_id: part.seller_id,
                currency: order.currency,
                items: part.items(&order.items).cloned().collect(),
                subtotal_amount: amounts.subtotal_amount,
                discount_amount: amounts.discount_amount,
                shipping_amount: amounts.shipping_amount,
                shipping_tax_amount: amounts.shipping_tax_amount,
                tax_amount: amounts.tax_amount,
                prices_include_tax: order.totals.prices_include_tax,
                total_amount: amounts.total_amount,
                $($field: $value),*
            })
        };
    }
    match (status, shipment_id) {
        (FulfilmentStatus::Confirmed, _) => announce!(FulfilmentConfirmed {
            seller_discount_amount: amounts.seller_discount_amount,
            waived_shipping_amount: part.waived_shipping_amount,
        }),
        (FulfilmentStatus::Shipped, Some(shipment_id)) => {
            announce!(FulfilmentShipped {
                fulfilment_count: fulfilment_count,
                shipment_id: shipment_id,
                carrier: carrier.unwrap_or_default(),
                tracking_number: number.unwrap_or_default()
            });
        }
        (FulfilmentStatus::Delivered, Some(shipment_id)) => {
            announce!(FulfilmentDelivered {
                fulfilment_count: fulfilment_count,
                shipment_id: shipment_id,
                carrier: carrier.unwrap_or_default(),
                tracking_number: number.unwrap_or_default()
            });
        }
        (FulfilmentStatus::Returned, Some(shipment_id)) => {
            announce!(FulfilmentReturned {
                shipment_id: shipment_id,
                carrier: carrier.unwrap_or_default(),
                tracking_number: number.unwrap_or_default()
            });
        }
        (FulfilmentStatus::Cancelled, _) => {
            let own = part.cancellation.clone().or_else(|| order.saga.cancellation.clone());
            let Cancellation { reason, note } = own.unwrap_or(Cancellation { reason: CancelReason::AdminRequest, note: None });
            announce!(FulfilmentCancelled {
                reason: reason,
                note: note,
                was_confirmed: was != FulfilmentStatus::Pending,
                with_order: order.saga.cancellation.is_some() || matches!(order.status, OrderStatus::Cancelled | OrderStatus::Refunded),
                refund_amount: order.refund_of(part),
            });
        }
        // The initial status, and a status of a shipment without one, are entered by no transition.
        (FulfilmentStatus::Pending | FulfilmentStatus::Shipped | FulfilmentStatus::Delivered | FulfilmentStatus::Returned, _) => {}
    }
}
