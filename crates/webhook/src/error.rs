//! The errors of this service and their public codes.

use contracts::{
    machine::IllegalTransition,
    problem::Code,
    webhook::{WebhookDeliveryStatus, WebhookEndpointStatus},
};
use platform::{db, http::Problem};

/// An error of this service.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("no such {0}")]
    NotFound(&'static str),
    #[error("the owner has {0} endpoints")]
    TooMany(usize),
    #[error("the endpoint is disabled")]
    Disabled,
    /// What the caller sent is not valid, or not of the present version.
    #[error("the request is refused")]
    Refused(#[source] Problem),
    #[error(transparent)]
    IllegalEndpoint(#[from] IllegalTransition<WebhookEndpointStatus>),
    #[error(transparent)]
    IllegalDelivery(#[from] IllegalTransition<WebhookDeliveryStatus>),
    /// The key that secrets are encrypted with is another one.
    #[error("a secret cannot be decrypted")]
    Secret,
    /// An event that is not JSON as the catalogue describes it.
    #[error("the event cannot be read: {0}")]
    Event(String),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match error {
            Error::NotFound(what) => Problem::new(Code::NOT_FOUND).detail(format!("there is no such {what}")),
            Error::TooMany(most) => Problem::new(Code::TOO_MANY_WEBHOOK_ENDPOINTS).member("limit", most),
            Error::Disabled => Problem::new(Code::ILLEGAL_TRANSITION).detail("the endpoint is disabled; enable it first"),
            Error::Refused(problem) => problem,
            Error::IllegalEndpoint(illegal) => Problem::new(Code::ILLEGAL_TRANSITION).detail(format!("the endpoint is {}", illegal.from)),
            Error::IllegalDelivery(illegal) => Problem::new(Code::ILLEGAL_TRANSITION).detail(format!("the delivery is {}", illegal.from)),
            Error::Secret | Error::Event(_) => Problem::internal(&error),
            Error::Db(error) => error.into(),
        }
    }
}
