//! The errors of the service and their public codes.

use contracts::{machine::IllegalTransition, problem::Code, review::ReviewStatus};
use platform::{client::CallError, db, http::Problem};

/// An error of this service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no such product or review")]
    NotFound,
    #[error("no order with this product was delivered to the caller")]
    NotBought,
    #[error("there is a review of this product by this author")]
    Exists,
    #[error("{0}")]
    OwnThing(&'static str),
    #[error(transparent)]
    Illegal(#[from] IllegalTransition<ReviewStatus>),
    #[error("a review in {0} cannot be changed in this way")]
    WrongStatus(ReviewStatus),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match error {
            Error::NotFound => Code::NOT_FOUND.into(),
            Error::NotBought => Code::PURCHASE_REQUIRED.into(),
            Error::Exists => Code::REVIEW_EXISTS.into(),
            Error::OwnThing(detail) => Problem::new(Code::FORBIDDEN).detail(detail),
            Error::Illegal(refused) => Problem::new(Code::ILLEGAL_TRANSITION).detail(format!("the review is {}", refused.from)),
            Error::WrongStatus(status) => Problem::new(Code::ILLEGAL_TRANSITION).detail(format!("the review is {status}")),
            Error::Call(error) => error.into(),
            Error::Db(error) => error.into(),
        }
    }
}
