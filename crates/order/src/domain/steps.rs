//! The calls that are due for an order.

use super::{Fulfilment, Order, PaymentState, ShipmentState, StockState};
use contracts::{
    ids::{FulfilmentId, PaymentId, ReservationId, ReturnId, Uuid},
    order::{FulfilmentStatus, OrderStatus},
};

/// A call to another service. Its idempotency key is made of the order and the attempt, so repeating it changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Create the payment, and authorize it.
    AuthorizePayment,
    ReserveStock,
    CapturePayment(PaymentId),
    ConfirmReservation(ReservationId),
    VoidPayment(PaymentId),
    RefundPayment(PaymentId),
    ReleaseReservation(ReservationId),
    ReturnReservation(ReservationId),
    CancelShipment(FulfilmentId),
    /// Refund the part of the payment that has this cause.
    RefundPart(PaymentId, Uuid),
    /// Put units of a return on sale again.
    RestockReturn(ReservationId, ReturnId),
    /// Return the units of one fulfilment.
    ReturnPart(ReservationId, FulfilmentId),
}

/// Returns the calls that are due. They are independent of each other.
#[must_use]
pub fn due_steps(order: &Order) -> Vec<Step> {
    let saga = &order.saga;
    let mut steps = Vec::new();
    match order.status {
        OrderStatus::PendingPayment | OrderStatus::PaymentAuthorized => {
            if saga.payment == PaymentState::Due {
                steps.push(Step::AuthorizePayment);
            }
            if saga.stock == StockState::Due {
                steps.push(Step::ReserveStock);
            }
        }
        OrderStatus::InventoryReserved => {
            steps.extend(saga.payment_in(PaymentState::Authorized).map(Step::CapturePayment));
            // Stock is confirmed only once the money is captured.
            if saga.payment == PaymentState::Captured {
                steps.extend(saga.reservation_in(StockState::Reserved).map(Step::ConfirmReservation));
            }
        }
        // Ended without a sale: release what is held, or what may turn out to be held.
        OrderStatus::PaymentFailed | OrderStatus::Cancelled => {
            steps.extend(saga.payment_release_step());
            steps.extend(saga.stock_release_step());
        }
        OrderStatus::Confirmed | OrderStatus::Shipped | OrderStatus::Delivered | OrderStatus::Refunded => {
            // Shipping decides whether the goods stay here, before the refund or after one by an administrator.
            let waits = |part: &&Fulfilment| part.status == FulfilmentStatus::Confirmed && part.shipment == ShipmentState::CancelRequested;
            let unwanted = order.fulfilments.iter().filter(waits);
            steps.extend(unwanted.map(|part| Step::CancelShipment(part.fulfilment_id)));
            steps.extend(order.part_refund_steps());
            steps.extend(order.part_return_steps());
            steps.extend(order.return_restock_steps());
        }
    }
    steps
}
