//! What the saga stores of an order's payment, stock and shipment: the column `saga`.

use super::{PartRefund, PaymentState, ReturnRestock, ShipmentState, StockState};
use contracts::{
    ids::{PaymentId, ReservationId},
    order::CancelReason,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// Who cancelled an order, and the note they left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancellation {
    pub reason: CancelReason,
    pub note: Option<String>,
}

/// What the saga stores of other services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SagaState {
    #[serde(rename = "money")]
    pub payment: PaymentState,
    pub stock: StockState,
    /// Whether the shipment of an order of earlier versions goes ahead; a fulfilment has it since.
    #[serde(default, rename = "parcel")]
    pub shipment: ShipmentState,
    /// In a CONFIRMED order a request that shipping has not answered yet; in a CANCELLED one the reason for it.
    #[serde(default)]
    pub cancellation: Option<Cancellation>,
    pub payment_id: Option<PaymentId>,
    pub reservation_id: Option<ReservationId>,
    /// Whether the capture of the current payment was ever due. It may have succeeded although no reply arrived.
    #[serde(default)]
    pub capture_was_due: bool,
    /// The number of the current payment, from 1; part of its idempotency keys. 0 in an imported order.
    pub payment_attempt: u32,
    /// The number of the current reservation, from 1; part of its idempotency keys. 0 in an imported order.
    pub reservation_attempt: u32,
    /// Earlier payments. Facts about them are ignored.
    #[serde(default)]
    pub past_payments: Vec<PaymentId>,
    /// Earlier reservations. Facts about them are ignored.
    #[serde(default)]
    pub past_reservations: Vec<ReservationId>,
    /// How much of the current payment was refunded, in minor units of the order's currency.
    #[serde(default)]
    pub refunded_amount: i64,
    /// How many refunds of the current payment the provider refused; part of the idempotency key of the next one.
    #[serde(default)]
    pub refunds_refused: u32,
    /// When the next refund is due.
    #[serde(default)]
    pub refund_after: Option<Timestamp>,
    /// Refunds of parts of the money, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub part_refunds: Vec<PartRefund>,
    /// Units of returns that go on sale again, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub return_restocks: Vec<ReturnRestock>,
    /// Whether an administrator restocks the goods of the parcel that came back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restock_requested: bool,
    /// Until when an order in PAYMENT_FAILED may be paid again.
    pub payable_until: Option<Timestamp>,
    /// The correlation id of the request that placed the order. Every call and event of the saga carries it.
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
            part_refunds: Vec::new(),
            return_restocks: Vec::new(),
            restock_requested: false,
            payable_until: None,
            correlation_id: String::new(),
        }
    }
}

impl Default for SagaState {
    fn default() -> SagaState {
        SagaState::new()
    }
}
