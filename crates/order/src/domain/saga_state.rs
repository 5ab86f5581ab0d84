//! What the saga knows of an order's money, stock and parcel.

use contracts::{
    ids::{PaymentId, ReservationId},
    order::CancelReason,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// How far the money of the present payment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PaymentState {
    /// Nothing is held that we know of; asking for the authorization is due, or its outcome is awaited.
    Due,
    Authorized,
    Captured,
    /// Failed, voided or refunded in full: nothing is held.
    #[serde(rename = "LetGo")]
    Released,
}

/// How far the stock is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StockState {
    /// Nothing is set aside that we know of.
    Due,
    Reserved,
    #[serde(rename = "Sold")]
    Confirmed,
    /// Released, expired for good or returned: nothing is set aside.
    #[serde(rename = "LetGo")]
    Released,
}

/// How far the parcel is, as the saga has a part in it: shipping makes and sends it by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ShipmentState {
    /// Nobody wants it back, or it left before.
    #[default]
    #[serde(rename = "Sent")]
    Active,
    /// It is not to leave; having it recalled is due.
    #[serde(rename = "Unwanted")]
    CancelRequested,
    /// Shipping said that it never leaves.
    #[serde(rename = "Recalled")]
    Cancelled,
}

/// Who wants an order cancelled, and what they wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancellation {
    pub reason: CancelReason,
    pub note: Option<String>,
}

/// What the saga knows of its upstreams.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SagaState {
    #[serde(rename = "money")]
    pub payment: PaymentState,
    pub stock: StockState,
    #[serde(default, rename = "parcel")]
    pub shipment: ShipmentState,
    /// Of an order that is CONFIRMED a wish, until shipping said whether the parcel stays here; of one that is CANCELLED,
    /// on whose behalf it was.
    #[serde(default)]
    pub cancellation: Option<Cancellation>,
    pub payment_id: Option<PaymentId>,
    pub reservation_id: Option<ReservationId>,
    /// Whether the capture of the present payment was due: it may have been made, whatever is known of it.
    #[serde(default)]
    pub capture_was_due: bool,
    /// Counts payments; part of their idempotency keys.
    pub payment_attempt: u32,
    /// Counts reservations; part of their idempotency keys.
    pub reservation_attempt: u32,
    /// Payments and reservations that are over: what is still heard of them changes nothing.
    #[serde(default)]
    pub past_payments: Vec<PaymentId>,
    #[serde(default)]
    pub past_reservations: Vec<ReservationId>,
    /// What was given back of the present payment, in minor units of the order's currency.
    #[serde(default)]
    pub refunded_amount: i64,
    /// How often the refund of the present payment was refused; part of its idempotency key.
    #[serde(default)]
    pub refunds_refused: u32,
    /// When it is asked for again.
    #[serde(default)]
    pub refund_after: Option<Timestamp>,
    /// Until when an order in PAYMENT_FAILED may be paid again.
    pub payable_until: Option<Timestamp>,
    /// The request that placed it: on every call and event that the order causes.
    #[serde(default)]
    pub correlation_id: String,
}

impl SagaState {
    #[must_use]
    pub fn new() -> SagaState {
        SagaState {
            payment: PaymentState::Due,
            stock: StockState::Due,
            shipment: ShipmentState::Active,
            cancellation: None,
            payment_id: None,
            reservation_id: None,
            capture_was_due: false,
            payment_attempt: 1,
            reservation_attempt: 1,
            past_payments: Vec::new(),
            past_reservations: Vec::new(),
            refunded_amount: 0,
            refunds_refused: 0,
            refund_after: None,
            payable_until: None,
            correlation_id: String::new(),
        }
    }

    /// Whether money was taken, or may have been, by the present payment: it comes back when there is no sale.
    #[must_use]
    pub fn may_have_captured(&self) -> bool {
        match self.payment {
            PaymentState::Captured => true,
            PaymentState::Due | PaymentState::Authorized => self.capture_was_due,
            PaymentState::Released => self.refunded_amount > 0,
        }
    }

    /// Whether a fact is about the present payment; an id heard for the first time becomes the present one.
    pub(super) fn accept_payment_id(&mut self, id: PaymentId) -> bool {
        !self.past_payments.contains(&id) && *self.payment_id.get_or_insert(id) == id
    }

    pub(super) fn accept_reservation_id(&mut self, id: ReservationId) -> bool {
        !self.past_reservations.contains(&id) && *self.reservation_id.get_or_insert(id) == id
    }

    /// Puts the present reservation behind, so that another can be made.
    pub(super) fn start_next_reservation(&mut self) {
        self.past_reservations.extend(self.reservation_id.take());
        self.reservation_attempt += 1;
        self.stock = StockState::Due;
    }
}

impl Default for SagaState {
    fn default() -> SagaState {
        SagaState::new()
    }
}
