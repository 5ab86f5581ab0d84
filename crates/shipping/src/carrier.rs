//! The carrier: another company, behind a network, with books of its own.

mod mock;

pub use mock::{MockCarrier, Mode};

use contracts::{ids::OrderId, problem::Code, user::AddressSnapshot};
use std::{future::Future, pin::Pin};

/// What a carrier is asked to take.
#[derive(Debug, Clone)]
pub struct BookingRequest {
    /// The key of the booking: asking twice for one order is asking once.
    pub order_id: OrderId,
    /// Where the parcel goes.
    pub address: AddressSnapshot,
}

/// Why a carrier did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CarrierError {
    /// It said so; nothing happened.
    #[error("the carrier refused: {0}")]
    Refused(String),
    /// Nobody knows what happened.
    #[error("the carrier did not answer in time")]
    TimedOut,
}

impl CarrierError {
    /// The public word for it.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            CarrierError::Refused(_) => Code::CARRIER_UNAVAILABLE,
            CarrierError::TimedOut => Code::TIMEOUT,
        }
    }
}

/// A carrier's answer, some time.
pub type CarrierFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, CarrierError>> + Send + 'a>>;

/// Who carries parcels. Both requests may be repeated, at the same time as well: the order is their key.
pub trait Carrier: Send + Sync {
    /// Takes a parcel and gives its tracking number: the same one whenever it is asked for the same order.
    fn book(&self, request: BookingRequest) -> CarrierFuture<'_, String>;

    /// Does not fetch the order's parcel. It holds for the future too: an order that was recalled is not booked any more,
    /// even when it was not booked before, so that a late booking cannot slip past.
    fn cancel(&self, order_id: OrderId) -> CarrierFuture<'_, ()>;
}
