//! The errors of the service and their public codes.

use crate::domain::{ledger::LedgerError, sale::TotalDiffers};
use contracts::{machine::IllegalTransition, payout::PayoutStatus, problem::Code};
use platform::{client::CallError, db, http::Problem};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The payout does not exist.
    #[error("there is no such payout")]
    NotFound,
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    TotalDiffers(#[from] TotalDiffers),
    /// The outcome has no row in the transition table: a bug.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition<PayoutStatus>),
    #[error("a call to another service failed")]
    Call(#[from] CallError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match error {
            Error::NotFound => Problem::new(Code::NOT_FOUND),
            Error::Db(error) => error.into(),
            Error::Call(error) => error.into(),
            other => Problem::internal(&other),
        }
    }
}
