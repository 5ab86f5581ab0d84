//! What happened in other services.

use contracts::{
    ids::{PaymentId, ReservationId, ShipmentId},
    problem::Failure,
    shipping::ShipmentStatus,
    time::Timestamp,
};

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
    ShipmentCreated {
        shipment_id: ShipmentId,
        carrier: String,
        tracking_number: String,
    },
    ShipmentUpdated(ShipmentId, ShipmentStatus),
    /// Shipping cancelled the shipment, or will never make one.
    ShipmentCancelled,
    /// Shipping could not cancel the shipment: the carrier has it already.
    ShipmentAlreadySent,
}
