//! What can go wrong here, and its public code.

use contracts::problem::{Code, Fault};
use platform::{db, http::Problem, pool};
use std::time::Duration;

/// A refusal of this service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Values of the query that cannot be, or do not fit each other.
    #[error("the query is not valid")]
    Invalid(Vec<Fault>),
    /// There is no index yet that holds everything.
    #[error("the index is being built")]
    Building,
    /// Too many searches wait already, or this one panicked.
    #[error(transparent)]
    Pool(#[from] pool::Error),
    #[error("the index failed")]
    Index(#[from] tantivy::TantivyError),
    #[error("a file of the index failed")]
    File(#[from] std::io::Error),
    /// Something kept in the index or beside it is not what was written there.
    #[error("the index holds something else than {0}")]
    Content(&'static str),
    /// A judgement of the relevance test that cannot be used.
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
