//! The event of each status change.

use super::emit_parts::ordered;
use crate::domain::{Cancellation, ChangeCause, Order, StatusChange};
use contracts::{
    ids::ShipmentId,
    order::{
        CancelReason, OrderCancelled, OrderConfirmed, OrderCreated, OrderDelivered, OrderInventoryReserved, OrderParcelReturned,
        OrderPaymentAuthorized, OrderPaymentFailed, OrderPaymentRetried, OrderRefunded, OrderReservationLost, OrderShipped, OrderShipping,
    },
};
use platform::db::Tx;

/// Emits the event of a new order.
pub fn created(tx: &mut Tx, order: &Order) {
    tx.emit(OrderCreated {
        order_id: order.order_id,
        order_number: order.order_number.clone(),
        user_id: order.user_id,
        cart_id: order.cart_id,
        currency: order.currency,
        subtotal_amount: order.totals.subtotal_amount,
        shipping_amount: order.totals.shipping_amount,
        tax_amount: order.totals.tax_amount,
        prices_include_tax: order.totals.prices_include_tax,
        discount_amount: order.totals.discount_amount,
        total_amount: order.totals.total_amount,
        payment_method: order.payment_method,
        items: order.items.clone(),
        fulfilments: ordered(order),
        shipping_address_snapshot: order.shipping_address.clone(),
        billing_address_snapshot: order.billing_address.clone(),
    });
}

/// Emits exactly one event for a status change.
pub fn status_changed(tx: &mut Tx, order: &Order, change: &StatusChange) {
    let (order_id, order_number, user_id) = (order.order_id, order.order_number.clone(), order.user_id);
    let (currency, total_amount) = (order.currency, order.totals.total_amount);
    match change.cause.clone() {
        ChangeCause::PaymentAuthorized { payment_id } => {
            tx.emit(OrderPaymentAuthorized { order_id, order_number, user_id, payment_id, currency, total_amount });
        }
        ChangeCause::ReadyToCapture { payment_id, reservation_id } => {
            tx.emit(OrderInventoryReserved { order_id, order_number, user_id, payment_id, reservation_id, currency, total_amount });
        }
        ChangeCause::ReservationLost { reservation_id } => {
            tx.emit(OrderReservationLost { order_id, order_number, user_id, reservation_id, currency, total_amount });
        }
        ChangeCause::PaymentFailed(failed) | ChangeCause::CaptureFailed(failed) => tx.emit(OrderPaymentFailed {
            order_id,
            order_number,
            user_id,
            payment_id: Some(failed.payment_id),
            currency,
            total_amount,
            failure: failed.failure,
            payable_until: failed.payable_until,
        }),
        ChangeCause::PaymentRetried => tx.emit(OrderPaymentRetried {
            order_id,
            order_number,
            user_id,
            payment_method: order.payment_method,
            attempt: order.saga.payment_attempt,
            currency,
            total_amount,
        }),
        ChangeCause::OutOfStock => cancelled(tx, order, Cancellation { reason: CancelReason::OutOfStock, note: None }),
        ChangeCause::RetryWindowClosed => cancelled(tx, order, Cancellation { reason: CancelReason::PaymentWindowClosed, note: None }),
        ChangeCause::CancelRequested(cancellation) => cancelled(tx, order, cancellation),
        ChangeCause::Confirmed { payment_id, reservation_id } => tx.emit(OrderConfirmed {
            order_id,
            order_number,
            user_id,
            payment_id,
            reservation_id,
            currency,
            subtotal_amount: order.totals.subtotal_amount,
            shipping_amount: order.totals.shipping_amount,
            tax_amount: order.totals.tax_amount,
            prices_include_tax: order.totals.prices_include_tax,
            discount_amount: order.totals.discount_amount,
            total_amount,
            items: order.items.clone(),
            fulfilments: ordered(order),
            shipping_address_snapshot: order.shipping_address.clone(),
        }),
        ChangeCause::Shipped { shipment_id } => tx.emit(OrderShipped {
            order_id,
            order_number,
            user_id,
            fulfilment_id: order.fulfilment_of_shipment(shipment_id).map(|part| part.fulfilment_id),
            shipment_id,
            carrier: shipping_of(order, shipment_id).carrier.unwrap_or_default(),
            tracking_number: shipping_of(order, shipment_id).tracking_number.unwrap_or_default(),
            currency,
            total_amount,
        }),
        ChangeCause::Delivered { shipment_id } => {
            let fulfilment_id = order.fulfilment_of_shipment(shipment_id).map(|part| part.fulfilment_id);
            tx.emit(OrderDelivered { order_id, order_number, user_id, fulfilment_id, shipment_id, currency, total_amount });
        }
        ChangeCause::ParcelReturned { shipment_id } => tx.emit(OrderParcelReturned {
            order_id,
            order_number,
            user_id,
            shipment_id,
            carrier: shipping_of(order, shipment_id).carrier.unwrap_or_default(),
            tracking_number: shipping_of(order, shipment_id).tracking_number.unwrap_or_default(),
            currency,
            total_amount,
            refunded_amount: order.saga.refunded_amount,
        }),
        ChangeCause::Refunded { payment_id } => {
            tx.emit(OrderRefunded { order_id, order_number, user_id, payment_id, currency, total_amount, refunded_amount: total_amount })
        }
    }
}

/// Returns the progress of a shipment.
fn shipping_of(order: &Order, shipment: ShipmentId) -> OrderShipping {
    order.fulfilment_of_shipment(shipment).map_or_else(|| order.shipping.clone(), |part| part.shipping.clone())
}

fn cancelled(tx: &mut Tx, order: &Order, Cancellation { reason, note }: Cancellation) {
    tx.emit(OrderCancelled {
        order_id: order.order_id,
        order_number: order.order_number.clone(),
        user_id: order.user_id,
        reason,
        note,
        by_customer: reason == CancelReason::CustomerRequest,
        // The cart gets the lines back when the shop cancels, not when a person does.
        lines_return: matches!(reason, CancelReason::OutOfStock | CancelReason::PaymentWindowClosed),
        cart_id: order.cart_id,
        items: order.items.clone(),
        currency: order.currency,
        total_amount: order.totals.total_amount,
        refund_due: order.saga.may_have_captured(),
    });
}
