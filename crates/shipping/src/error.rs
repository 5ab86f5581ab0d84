//! The errors of the service and their public codes.

use contracts::{
    money::Currency,
    problem::{Code, Fault},
    text::Country,
};
use platform::{db, http::Problem};

/// An error of this service.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("no such order or shipment")]
    NotFound,
    #[error("the tracking history is full")]
    HistoryIsFull,
    #[error("the event lies in the future")]
    InTheFuture,
    #[error("there is no parcel to book for this order")]
    NothingToRetry,
    #[error("the parcel is not booked yet")]
    Pending,
    #[error("the shipment is cancelled")]
    Cancelled,
    #[error("the carrier did not take the parcel")]
    CarrierUnavailable,
    #[error("there is no shipping to {0}")]
    UnsupportedCountry(Country),
    #[error("shipping has no price in {0}")]
    UnsupportedCurrency(Currency),
    #[error("the faults of the carrier cannot be switched")]
    NoDemonstration,
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match error {
            Error::NotFound => Code::NOT_FOUND.into(),
            Error::NoDemonstration => Problem::new(Code::NOT_FOUND).detail(error.to_string()),
            Error::HistoryIsFull => Code::TOO_MANY_EVENTS.into(),
            Error::InTheFuture => {
                Problem::invalid(vec![Fault::at("/occurredAt", "OUT_OF_RANGE", "must not lie more than five minutes in the future")])
            }
            Error::NothingToRetry => Problem::new(Code::ILLEGAL_TRANSITION).detail(error.to_string()),
            Error::Pending => Code::SHIPMENT_PENDING.into(),
            Error::Cancelled => Code::FULFILMENT_NOT_SHIPPABLE.into(),
            Error::CarrierUnavailable => Code::CARRIER_UNAVAILABLE.into(),
            Error::UnsupportedCountry(ref country) => {
                let fault = Fault::parameter("country", "UNSUPPORTED_COUNTRY", "is not among the countries we ship to");
                Problem::new(Code::UNSUPPORTED_COUNTRY).detail(error.to_string()).member("country", country).fault(fault)
            }
            Error::UnsupportedCurrency(currency) => {
                let fault =
                    Fault::parameter("currency", "UNSUPPORTED_CURRENCY", "is not among the currencies that shipping has a price in");
                Problem::new(Code::UNSUPPORTED_CURRENCY).detail(error.to_string()).member("currency", currency).fault(fault)
            }
            Error::Db(error) => error.into(),
        }
    }
}
