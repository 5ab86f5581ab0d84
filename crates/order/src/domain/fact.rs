//! What happened in other services.

use super::ReturnedUnits;
use contracts::{
    ids::{FulfilmentId, PaymentId, ReservationId, ReturnId, ShipmentId, Uuid},
    problem::Failure,
    shipping::ShipmentStatus,
    time::Timestamp,
};

/// The carrier and the number of a parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParcelLabel {
    pub carrier: String,
    pub tracking_number: String,
}

/// Something that happened in another service. The reply to a call and an event carry the same fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    PaymentCreated(PaymentId),
    PaymentAuthorized(PaymentId),
    PaymentFailed(PaymentId, Failure),
    PaymentCaptured(PaymentId),
    PaymentVoided(PaymentId),
    /// A part of the captured money was refunded: this much in all so far.
    PaymentPartlyRefunded(PaymentId, i64),
    /// All of the captured money was refunded.
    PaymentRefunded(PaymentId),
    /// The provider refused refund number `attempt`, counted from 0. The next one is due at `after`.
    RefundRefused {
        payment_id: PaymentId,
        attempt: u32,
        after: Timestamp,
    },
    StockReserved(ReservationId),
    /// This attempt to reserve was refused.
    OutOfStock(u32),
    StockConfirmed(ReservationId),
    StockReleased(ReservationId),
    StockExpired(ReservationId),
    StockReturned(ReservationId),
    /// A part of the money was refunded for a cause: `refunded_amount` in all so far.
    PartRefunded {
        payment_id: PaymentId,
        cause_id: Uuid,
        refunded_amount: i64,
    },
    /// The provider refused refund number `attempt` for a cause, counted from 0. The next one is due at `after`.
    PartRefundRefused {
        cause_id: Uuid,
        attempt: u32,
        after: Timestamp,
    },
    /// Goods came back by a return, and this much is owed for them.
    GoodsReturned {
        return_id: ReturnId,
        refund_amount: i64,
        units: Vec<ReturnedUnits>,
    },
    /// The units of a return are on sale again.
    ReturnRestocked(ReturnId),
    /// The units of a fulfilment are on sale again.
    PartStockReturned(FulfilmentId),
    ShipmentCreated {
        fulfilment_id: FulfilmentId,
        shipment_id: ShipmentId,
        carrier: String,
        tracking_number: String,
    },
    /// The shipment is in this status. The label is given where it may have changed.
    ShipmentUpdated(ShipmentId, ShipmentStatus, Option<ParcelLabel>),
    /// Shipping cancelled the shipment, or will never make one.
    ShipmentCancelled(FulfilmentId),
    /// Shipping could not cancel the shipment: the carrier has it already.
    ShipmentAlreadySent(FulfilmentId),
}
