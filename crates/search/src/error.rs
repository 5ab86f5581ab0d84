//! The errors of this service and their public codes.

use contracts::problem::{Code, Fault};
use platform::{db, http::Problem, pool};
use std::time::Duration;

/// An error of this service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Invalid or contradictory query parameters.
    #[error("the query is not valid")]
    Invalid(Vec<Fault>),
    /// There is no complete index yet.
    #[error("the index is being built")]
    Building,
    /// The queue of searches is full, or this search panicked.
    #[error(transparent)]
    Pool(#[from] pool::Error),
    #[error("the index failed")]
    Index(#[from] tantivy::TantivyError),
    #[error("a file of the index failed")]
    File(#[from] std::io::Error),
    /// Stored data is not in the expected format.
    #[error("the index has stored data that is not {0}")]
    Content(&'static str),
    /// The catalogue or a judgement of the relevance test is invalid.
    #[error("{0}")]
    Judgement(String),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match error {
            Error::Invalid(faults) => Problem::invalid(faults),
            Error::Building => Problem::new(Code::INDEX_BUILDING).retry_after(Duration::from_secs(2)),
            Error::Pool(pool::Error::Full) => Problem::new(Code::OVERLOADED).detail("too many searches are waiting"),
            Error::Db(error) => error.into(),
            error @ (Error::Pool(pool::Error::Lost) | Error::Index(_) | Error::File(_) | Error::Content(_) | Error::Judgement(_)) => {
                Problem::internal(&error)
            }
        }
    }
}
