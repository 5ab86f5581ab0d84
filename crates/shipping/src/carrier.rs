//! The interface to the parcel carrier.
//!
//! A carrier is another company behind a network: a request may fail, may take long, and may be carried out without an
//! answer. [`MockCarrier`] is the built-in one.

mod mock;

pub use mock::{MockCarrier, Mode};

use contracts::{
    ids::FulfilmentId,
    problem::Code,
    shipping::{Carrier, CarrierFaults},
    user::AddressSnapshot,
};
use std::{future::Future, pin::Pin, sync::Mutex};

/// A request to take a parcel.
#[derive(Debug, Clone)]
pub struct BookingRequest {
    /// The idempotency key of the booking.
    pub fulfilment_id: FulfilmentId,
    /// Where the parcel goes.
    pub address: AddressSnapshot,
}

/// Why a carrier did not answer a request with success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CarrierError {
    /// The carrier certainly did nothing. The text is for the log.
    #[error("the carrier refused: {0}")]
    Refused(String),
    /// No answer arrived. The carrier may have carried out the request.
    #[error("the carrier did not answer in time")]
    TimedOut,
}

impl CarrierError {
    /// The public code of the error.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            CarrierError::Refused(_) => Code::CARRIER_UNAVAILABLE,
            CarrierError::TimedOut => Code::TIMEOUT,
        }
    }
}

/// The answer to a request.
pub type CarrierFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, CarrierError>> + Send + 'a>>;

/// A parcel carrier.
///
/// What every implementation guarantees:
/// - **Idempotency.** The fulfilment is the idempotency key of both requests. A repetition has the same effect and the same answer,
///   also at the same time.
/// - **Order.** Once a cancellation succeeded, a booking of this fulfilment fails for ever, also when it was not booked
///   before. So a booking that arrives late cannot send a parcel that was cancelled.
/// - **Errors.** [`CarrierError::Refused`] only when the carrier certainly did nothing; the request is repeated with growing
///   pauses. Whenever it may have acted, [`CarrierError::TimedOut`].
/// - **Time.** A method needs no timeout of its own. The caller sets the timeout (`carrier_timeout_ms`), drops the future
///   and repeats the request later.
/// - **Transactions.** No method takes part in a database transaction of the caller.
///
/// A carrier reports what happens to a parcel by `POST /shipments/{shipmentId}/events`, with a token that has the scope
/// `shipping:events`. Its events may be late, repeated and in any order.
pub trait ParcelCarrier: Send + Sync {
    /// The name that shipments and rates store and show.
    fn name(&self) -> Carrier;

    /// Takes a parcel and returns its tracking number.
    fn book(&self, request: BookingRequest) -> CarrierFuture<'_, String>;

    /// Agrees not to pick up the parcel.
    fn cancel(&self, fulfilment_id: FulfilmentId) -> CarrierFuture<'_, ()>;

    /// The faults that administrators switch on and off; `None` unless this is the mock of a demonstration.
    fn faults(&self) -> Option<&Mutex<CarrierFaults>> {
        None
    }
}
