//! The errors of the service and their public codes.

use contracts::{machine::IllegalTransition, notification::NotificationStatus, problem::Code};
use platform::{db, http::Problem};

/// An error of this service.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("no such notification")]
    NotFound,
    #[error(transparent)]
    Illegal(#[from] IllegalTransition<NotificationStatus>),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match error {
            Error::NotFound => Problem::new(Code::NOT_FOUND).detail("there is no such notification"),
            Error::Illegal(illegal) => Problem::new(Code::ILLEGAL_TRANSITION)
                .detail(format!("the notification is {}: it is due already and needs no resend", illegal.from))
                .member("notificationStatus", illegal.from),
            Error::Db(error) => error.into(),
        }
    }
}
