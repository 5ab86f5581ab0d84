//! The errors of this service and their public codes.

use contracts::{
    ids::ReservationId,
    inventory::{ReservationStatus, Shortage},
    machine::Machine as _,
    problem::{Code, Fault},
};
use platform::{client::CallError, db, http::Problem};

/// An error of this service.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("no stock item with this SKU")]
    UnknownSku,
    #[error("no such product")]
    UnknownProduct,
    #[error("the product is not on sale")]
    NotOnSale,
    #[error("the customer waits for {} products already", crate::actions::MAX_ALERTS)]
    TooManyAlerts,
    #[error("the SKU does not belong to the product")]
    NotTheProductsSku,
    #[error("no such reservation")]
    UnknownReservation,
    #[error("the stock would leave its bounds")]
    OutOfRange { available: i64 },
    #[error("{} lines are short", .0.len())]
    Insufficient(Vec<Shortage>),
    #[error("the order holds the reservation {0} already")]
    AlreadyReserved(ReservationId),
    #[error("the reservation has expired")]
    Expired,
    #[error("a reservation in {0} cannot do that")]
    Illegal(ReservationStatus),
    /// Events of different products have no order: the event of the product that had the SKU before has not arrived.
    #[error("another product still holds the SKU")]
    SkuTaken,
    /// The caller's copy is stale.
    #[error("{0}")]
    Stale(Problem),
    #[error("the call of the catalogue failed")]
    Catalogue(#[source] CallError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Error {
        Error::Catalogue(error)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match error {
            Error::UnknownSku => Code::UNKNOWN_SKU.into(),
            Error::UnknownProduct => Problem::new(Code::NOT_FOUND).detail("there is no such product, or it is not yours"),
            Error::NotOnSale => Problem::new(Code::NOT_FOUND).detail("there is no such product on sale"),
            Error::TooManyAlerts => Problem::new(Code::TOO_MANY_STOCK_ALERTS)
                .detail(format!("you can wait for {} products at most", crate::actions::MAX_ALERTS)),
            Error::NotTheProductsSku => {
                Problem::invalid(vec![Fault::at("/productId", "NOT_THE_PRODUCTS_SKU", "must be the product that has the SKU of the path")])
            }
            Error::UnknownReservation => Problem::new(Code::NOT_FOUND).detail("there is no such reservation"),
            Error::OutOfRange { available } => Problem::new(Code::STOCK_OUT_OF_RANGE).member("availableQty", available),
            Error::Insufficient(shortages) => Problem::new(Code::INSUFFICIENT_STOCK).member("lines", shortages),
            Error::AlreadyReserved(id) => {
                Problem::new(Code::ILLEGAL_TRANSITION).detail("the order has a reservation already").member("reservationId", id)
            }
            Error::Expired => Code::RESERVATION_EXPIRED.into(),
            Error::Illegal(status) => Problem::new(Code::ILLEGAL_TRANSITION)
                .detail(format!("the reservation is {}", status.as_str()))
                .member("reservationStatus", status),
            Error::SkuTaken => Problem::new(Code::DEPENDENCY_UNAVAILABLE).detail("an event of the catalogue has not arrived yet"),
            Error::Stale(problem) => problem,
            Error::Catalogue(error) => error.into(),
            Error::Db(error) => error.into(),
        }
    }
}
