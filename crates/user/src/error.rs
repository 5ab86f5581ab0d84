//! The errors of this service and their public codes.

use crate::domain::AddressBookFull;
use contracts::problem::{Code, Fault};
use platform::{db, http::Problem};

/// An error of this service.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("no such user or address")]
    NotFound,
    #[error(transparent)]
    Full(#[from] AddressBookFull),
    #[error("the request is not valid")]
    Invalid(Vec<Fault>),
    #[error("the caller's copy is not the present one")]
    Stale(#[source] Problem),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match error {
            Error::NotFound => Code::NOT_FOUND.into(),
            Error::Full(full) => Problem::new(Code::TOO_MANY_ADDRESSES).detail(full.to_string()),
            Error::Invalid(faults) => Problem::invalid(faults),
            Error::Stale(problem) => problem,
            Error::Db(error) => error.into(),
        }
    }
}
