//! What can be done: one verb a file, one transaction each.

mod apply;
mod cancel;
mod pay;
mod place;

pub(crate) use apply::apply_in_unit;
pub use apply::{apply, cancel_if_overdue, reschedule};
pub use cancel::{Actor, cancel_order};
pub use pay::pay_order;
pub use place::place_order;

use crate::domain::{Cancellation, Order, StatusChange, due_steps};
use crate::{App, store};
use contracts::{
    order::{
        CancelReason, OrderCancelled, OrderConfirmed, OrderDelivered, OrderFact, OrderInventoryReserved, OrderPaymentAuthorized,
        OrderPaymentFailed, OrderPaymentRetried, OrderRefunded, OrderReservationLost, OrderShipped,
    },
    problem::{Code, Failure},
};
use platform::{
    context::Context,
    db::{Error, Tx},
    http::{Idempotent, Problem},
};
use std::time::Duration;

/// The worker that leads orders on.
pub(crate) const SAGA: &str = "saga";

/// How long past its wait a request may take to answer its key, before another may.
const ANSWER_GRACE: Duration = Duration::from_secs(5);

/// Answers an open key in a task of its own, so that a client that went away finds the answer when it asks again.
async fn answer_in_background<T: Send + 'static>(
    app: &App,
    answer: impl Future<Output = Result<Idempotent<T>, Problem>> + Send + 'static,
) -> Result<Idempotent<T>, Problem> {
    app.ctx.env.spawn(Context::current().scope(answer)).await.unwrap_or_else(|error| Err(Problem::internal(&error)))
}

/// Writes an order after it changed: its row, its timeline, its events, and the saga's notifier when something is due.
async fn save(tx: &mut Tx, order: &Order, changes: &[StatusChange]) -> Result<(), Error> {
    let due_at = if due_steps(order).is_empty() { order.payment_deadline() } else { Some(tx.now()) };
    store::save(tx, order, due_at).await?;
    for change in changes {
        store::append_status_change(tx, order.order_id, change).await?;
        emit_event(tx, order, change);
    }
    if due_at.is_some() {
        tx.notify_worker(SAGA);
    }
    Ok(())
}

/// Tells the world of a transition, by exactly one event.
fn emit_event(tx: &mut Tx, order: &Order, change: &StatusChange) {
    let (order_id, order_number, user_id) = (order.order_id, order.order_number.clone(), order.user_id);
    let (currency, total_amount) = (order.currency, order.totals.total_amount);
    let saga = &order.saga;
    let shipment_id = order.shipping.shipment_id;
    let payment_id = saga.payment_id;
    match change.fact {
        OrderFact::PaymentAuthorized => {
            let payment_id = payment_id.expect("an authorization names its payment");
            tx.emit(OrderPaymentAuthorized { order_id, order_number, user_id, payment_id, currency, total_amount });
        }
        OrderFact::ReadyToCapture => tx.emit(OrderInventoryReserved {
            order_id,
            order_number,
            user_id,
            payment_id: payment_id.expect("an authorization names its payment"),
            reservation_id: saga.reservation_id.expect("a reservation has an id"),
            currency,
            total_amount,
        }),
        OrderFact::ReservationLost => tx.emit(OrderReservationLost {
            order_id,
            order_number,
            user_id,
            reservation_id: *saga.past_reservations.last().expect("a lost reservation is past"),
            currency,
            total_amount,
        }),
        OrderFact::PaymentFailed | OrderFact::CaptureFailed => tx.emit(OrderPaymentFailed {
            order_id,
            order_number,
            user_id,
            payment_id,
            currency,
            total_amount,
            failure: order.failure.clone().unwrap_or_else(|| Failure::from(Code::PAYMENT_DECLINED)),
            payable_until: saga.payable_until.unwrap_or(order.updated_at),
        }),
        OrderFact::PaymentRetried => tx.emit(OrderPaymentRetried {
            order_id,
            order_number,
            user_id,
            payment_method: order.payment_method,
            attempt: saga.payment_attempt,
            currency,
            total_amount,
        }),
        OrderFact::OutOfStock => emit_cancelled(tx, order, CancelReason::OutOfStock, None),
        OrderFact::RetryWindowClosed => emit_cancelled(tx, order, CancelReason::PaymentWindowClosed, None),
        OrderFact::CancelRequested => {
            let Cancellation { reason, note } = saga.cancellation.clone().expect("who wanted it is written down first");
            emit_cancelled(tx, order, reason, note);
        }
        OrderFact::Confirmed => tx.emit(OrderConfirmed {
            order_id,
            order_number,
            user_id,
            payment_id: payment_id.expect("a captured payment has an id"),
            reservation_id: saga.reservation_id.expect("sold stock had a reservation"),
            currency,
            subtotal_amount: order.totals.subtotal_amount,
            shipping_amount: order.totals.shipping_amount,
            tax_amount: order.totals.tax_amount,
            discount_amount: order.totals.discount_amount,
            total_amount,
            items: order.items.clone(),
            shipping_address_snapshot: order.shipping_address.clone(),
        }),
        OrderFact::Shipped => tx.emit(OrderShipped {
            order_id,
            order_number,
            user_id,
            shipment_id: shipment_id.expect("what moves is a shipment"),
            carrier: order.shipping.carrier.clone().unwrap_or_default(),
            tracking_number: order.shipping.tracking_number.clone().unwrap_or_default(),
            currency,
            total_amount,
        }),
        OrderFact::Delivered => tx.emit(OrderDelivered {
            order_id,
            order_number,
            user_id,
            shipment_id: shipment_id.expect("what arrives is a shipment"),
            currency,
            total_amount,
        }),
        OrderFact::Refunded => tx.emit(OrderRefunded {
            order_id,
            order_number,
            user_id,
            payment_id: payment_id.expect("a refund names its payment"),
            currency,
            total_amount,
            refunded_amount: total_amount,
        }),
    }
}

fn emit_cancelled(tx: &mut Tx, order: &Order, reason: CancelReason, note: Option<String>) {
    tx.emit(OrderCancelled {
        order_id: order.order_id,
        order_number: order.order_number.clone(),
        user_id: order.user_id,
        reason,
        note,
        by_customer: reason == CancelReason::CustomerRequest,
        // When the shop ends an order the customer gets the lines back; who cancelled does not want them.
        lines_return: matches!(reason, CancelReason::OutOfStock | CancelReason::PaymentWindowClosed),
        cart_id: order.cart_id,
        items: order.items.clone(),
        currency: order.currency,
        total_amount: order.totals.total_amount,
        refund_due: order.saga.may_have_captured(),
    });
}
