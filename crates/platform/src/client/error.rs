//! How a call can fail.

use crate::http::Problem;
use axum::http::StatusCode;
use contracts::problem::{Code, Document};
use std::time::Duration;

/// Why a call gave no answer. `Unavailable`, `Timeout` and `Broken` leave the outcome unknown.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// The upstream answered with a problem.
    #[error("the upstream answered {} ({})", .0.code, .0.status)]
    Problem(Box<Document>),
    /// The upstream answered with an error that is no problem document.
    #[error("the upstream answered {0}")]
    Status(StatusCode),
    /// The upstream could not be reached, or the connection broke.
    #[error("the upstream cannot be reached: {0}")]
    Unavailable(String),
    /// The circuit breaker is open: the upstream failed too often, and was not called.
    #[error("the circuit breaker of the upstream is open")]
    Open,
    #[error("the upstream did not answer in time")]
    Timeout,
    /// The answer was not what the contract says, or too large.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
    /// No such upstream is registered.
    #[error("no such upstream is configured")]
    Unknown,
    /// The call was built wrongly.
    #[error("{0}")]
    Misused(&'static str),
}

impl CallError {
    pub(super) fn refused(status: StatusCode, body: &[u8]) -> CallError {
        match serde_json::from_slice::<Document>(body) {
            Ok(document) => CallError::Problem(Box::new(document)),
            Err(_) => CallError::Status(status),
        }
    }

    /// The error of a call with the service's own token: a refused token is no fault of the caller.
    pub(super) fn refused_service(status: StatusCode, body: &[u8]) -> CallError {
        if matches!(status.as_u16(), 401 | 403) { CallError::Status(status) } else { CallError::refused(status, body) }
    }

    /// Whether the same call may succeed later, unchanged.
    #[must_use]
    pub fn retryable(&self) -> bool {
        match self {
            CallError::Problem(document) => document.retryable,
            CallError::Status(status) => matches!(status.as_u16(), 401 | 429 | 500..),
            CallError::Unavailable(_) | CallError::Open | CallError::Timeout | CallError::Unknown => true,
            CallError::Unreadable(_) | CallError::Misused(_) => false,
        }
    }

    /// The problem that the upstream answered with.
    #[must_use]
    pub fn document(&self) -> Option<&Document> {
        match self {
            CallError::Problem(document) => Some(document),
            _ => None,
        }
    }

    /// The code of the upstream's problem, if it answered with one of the catalogue.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        self.document().and_then(|document| Code::find(&document.code))
    }

    /// Whether the upstream said that there is no such thing.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, CallError::Problem(document) if document.status == 404)
    }

    /// Whether this is a failure of the upstream itself. A dependency of it that is down (a payment provider) does not count:
    /// otherwise one failing card would open the breaker for all calls.
    pub(super) fn is_failure(&self) -> bool {
        match self {
            CallError::Unavailable(_) | CallError::Timeout => true,
            CallError::Problem(document) => document.code == Code::OVERLOADED.as_str() || document.code == Code::TIMEOUT.as_str(),
            CallError::Status(status) => matches!(status.as_u16(), 502..=504),
            _ => false,
        }
    }

    /// Whether a retry within the time of one call may succeed. Other retryable errors are for callers that can wait longer.
    pub(super) fn is_transient(&self) -> bool {
        let expired = matches!(self, CallError::Status(status) if status.as_u16() == 401);
        self.is_failure()
            || expired
            || self.code() == Some(Code::IDEMPOTENCY_IN_PROGRESS)
            || self.code() == Some(Code::DEPENDENCY_UNAVAILABLE)
    }

    /// The pause before the next attempt, where the error suggests one.
    pub(super) fn wait(&self) -> Option<Duration> {
        // The first request under the key is still running.
        (self.code()? == Code::IDEMPOTENCY_IN_PROGRESS).then_some(Duration::from_millis(200))
    }
}

impl From<CallError> for Problem {
    /// Passes on the upstream's problem when it is about the caller's request. A problem of the call between services is an
    /// internal error.
    fn from(error: CallError) -> Problem {
        match error {
            CallError::Problem(document) if document.status < 500 && !is_about_the_call(&document) => Problem::carried(*document),
            CallError::Problem(document) if document.status < 429 => Problem::internal(&CallError::Problem(document)),
            CallError::Timeout => Problem::new(Code::TIMEOUT),
            CallError::Problem(_) | CallError::Status(_) | CallError::Unavailable(_) | CallError::Open | CallError::Unknown => {
                tracing::warn!(%error, "an upstream failed");
                Problem::new(Code::DEPENDENCY_UNAVAILABLE)
            }
            CallError::Unreadable(_) | CallError::Misused(_) => Problem::internal(&error),
        }
    }
}

/// Whether a problem is about the call between services, not about the caller's request.
fn is_about_the_call(document: &Document) -> bool {
    matches!(document.status, 400 | 405 | 406 | 413 | 415 | 429) || document.code == Code::INVALID_REQUEST.as_str()
}
