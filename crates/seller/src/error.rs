//! The errors of this service and their public codes.

use contracts::{
    machine::IllegalTransition,
    problem::{Code, Fault},
    seller::SellerStatus,
};
use platform::{client::CallError, db, http::Problem};
use std::time::Duration;

/// An error of this service.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("no such seller")]
    NotFound,
    #[error("the user has a record already")]
    Exists,
    #[error(transparent)]
    Illegal(#[from] IllegalTransition<SellerStatus>),
    #[error("the request is not valid")]
    Invalid(Vec<Fault>),
    #[error("the current password is wrong")]
    WrongPassword,
    /// The current password was wrong too often.
    #[error("too many wrong passwords")]
    TooManyAttempts(Duration),
    #[error("the account is locked")]
    AccountLocked,
    #[error("the password could not be checked")]
    Auth(#[source] CallError),
    /// The caller's copy is not the present one.
    #[error("the precondition failed")]
    Stale(#[source] Problem),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match error {
            Error::NotFound => Problem::new(Code::NOT_FOUND).detail("there is no such seller"),
            Error::Exists => Code::SELLER_EXISTS.into(),
            Error::Illegal(illegal) => Problem::new(Code::ILLEGAL_TRANSITION)
                .detail(format!("the seller is {}", illegal.from))
                .member("sellerStatus", illegal.from),
            Error::Invalid(faults) => Problem::invalid(faults),
            Error::WrongPassword => Problem::new(Code::WRONG_PASSWORD).fault(Fault::at(
                "/currentPassword",
                "WRONG_PASSWORD",
                "is not the password of this account",
            )),
            Error::TooManyAttempts(wait) => {
                Problem::new(Code::RATE_LIMITED).detail("the current password was wrong too often").retry_after(wait)
            }
            Error::AccountLocked => Problem::new(Code::FORBIDDEN).detail("an administrator locked this account"),
            Error::Auth(error) => error.into(),
            Error::Stale(problem) => problem,
            Error::Db(error) => error.into(),
        }
    }
}
