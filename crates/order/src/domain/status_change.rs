//! Status changes: each becomes one entry of the timeline and one event.

use super::Cancellation;
use contracts::{
    ids::{PaymentId, ReservationId, ShipmentId},
    order::{CancelReason, OrderFact, OrderStatus, PARCEL_RETURNED, TimelineEntry},
    problem::{Code, Failure},
    time::Timestamp,
};

/// A status change that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusChange {
    pub from: OrderStatus,
    pub to: OrderStatus,
    /// Its place in the timeline. The first entry, of the new order, has 0.
    pub position: i64,
    pub cause: ChangeCause,
}

/// Why the status changed, with the values that the event needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeCause {
    PaymentAuthorized { payment_id: PaymentId },
    ReadyToCapture { payment_id: PaymentId, reservation_id: ReservationId },
    ReservationLost { reservation_id: ReservationId },
    PaymentFailed(PaymentFailure),
    CaptureFailed(PaymentFailure),
    PaymentRetried,
    OutOfStock,
    RetryWindowClosed,
    CancelRequested(Cancellation),
    Confirmed { payment_id: PaymentId, reservation_id: ReservationId },
    Shipped { shipment_id: ShipmentId },
    Delivered { shipment_id: ShipmentId },
    Refunded { payment_id: PaymentId },
    ParcelReturned { shipment_id: ShipmentId },
}

/// How a payment failed, and until when the order may be paid again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentFailure {
    pub payment_id: PaymentId,
    pub failure: Failure,
    pub payable_until: Timestamp,
}

impl StatusChange {
    #[must_use]
    pub fn timeline_entry(&self, now: Timestamp) -> TimelineEntry {
        TimelineEntry { status: self.to, occurred_at: now, reason: self.cause.reason() }
    }
}

impl ChangeCause {
    /// Returns the fact that the transition table knows it by.
    #[must_use]
    pub fn fact(&self) -> OrderFact {
        match self {
            ChangeCause::PaymentAuthorized { .. } => OrderFact::PaymentAuthorized,
            ChangeCause::ReadyToCapture { .. } => OrderFact::ReadyToCapture,
            ChangeCause::ReservationLost { .. } => OrderFact::ReservationLost,
            ChangeCause::PaymentFailed(_) => OrderFact::PaymentFailed,
            ChangeCause::CaptureFailed(_) => OrderFact::CaptureFailed,
            ChangeCause::PaymentRetried => OrderFact::PaymentRetried,
            ChangeCause::OutOfStock => OrderFact::OutOfStock,
            ChangeCause::RetryWindowClosed => OrderFact::RetryWindowClosed,
            ChangeCause::CancelRequested(_) => OrderFact::CancelRequested,
            ChangeCause::Confirmed { .. } => OrderFact::Confirmed,
            ChangeCause::Shipped { .. } => OrderFact::Shipped,
            ChangeCause::Delivered { .. } => OrderFact::Delivered,
            ChangeCause::Refunded { .. } => OrderFact::Refunded,
            ChangeCause::ParcelReturned { .. } => OrderFact::ParcelReturned,
        }
    }

    /// Returns who cancelled the order, or why it was cancelled.
    #[must_use]
    pub fn cancellation(&self) -> Option<Cancellation> {
        let by_shop = |reason| Some(Cancellation { reason, note: None });
        match self {
            ChangeCause::OutOfStock => by_shop(CancelReason::OutOfStock),
            ChangeCause::RetryWindowClosed => by_shop(CancelReason::PaymentWindowClosed),
            ChangeCause::CancelRequested(cancellation) => Some(cancellation.clone()),
            _ => None,
        }
    }

    /// Returns the reason that the timeline shows: a code, or what the canceller wrote.
    fn reason(&self) -> Option<String> {
        match self {
            ChangeCause::ReservationLost { .. } => Some(Code::RESERVATION_EXPIRED.as_str().to_owned()),
            ChangeCause::PaymentFailed(failed) | ChangeCause::CaptureFailed(failed) => Some(failed.failure.code.clone()),
            ChangeCause::ParcelReturned { .. } => Some(PARCEL_RETURNED.to_owned()),
            ChangeCause::OutOfStock => Some(CancelReason::OutOfStock.as_str().to_owned()),
            ChangeCause::RetryWindowClosed => Some(CancelReason::PaymentWindowClosed.as_str().to_owned()),
            ChangeCause::CancelRequested(Cancellation { reason, note }) => Some(note.clone().unwrap_or_else(|| reason.as_str().to_owned())),
            _ => None,
        }
    }
}
