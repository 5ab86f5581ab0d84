//! The errors of the service and their public codes.

use contracts::{machine::IllegalTransition, payment::PaymentStatus, problem::Code};
use platform::{db, http::Problem};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The payment does not exist, or belongs to another user.
    #[error("there is no such payment")]
    NotFound,
    #[error("a payment in {status} cannot be {command}")]
    IllegalCommand { status: PaymentStatus, command: &'static str },
    /// The outcome has no row in the transition table: a bug.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition<PaymentStatus>),
    /// The command must wait for the outcome of another transaction.
    #[error("an earlier transaction is not settled yet")]
    Unsettled,
    #[error("no more than {left} is left to refund")]
    RefundTooLarge { left: i64 },
    #[error("the provider refused the refund")]
    RefundFailed,
    #[error("the payment has as many transactions as it can have")]
    TooManyRefunds,
    #[error("the order has another payment under way")]
    PaymentExists,
    #[error("the faults of the provider cannot be switched")]
    NoDemonstration,
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        let detail = error.to_string();
        match error {
            Error::NotFound => Problem::new(Code::NOT_FOUND),
            Error::NoDemonstration => Problem::new(Code::NOT_FOUND).detail(detail),
            Error::IllegalCommand { status, .. } => Problem::new(Code::ILLEGAL_TRANSITION).detail(detail).member("paymentStatus", status),
            Error::Unsettled => Problem::new(Code::PROVIDER_UNAVAILABLE).detail(detail),
            Error::RefundTooLarge { left } => Problem::new(Code::REFUND_TOO_LARGE).detail(detail).member("refundableAmount", left),
            Error::RefundFailed => Problem::new(Code::REFUND_FAILED),
            Error::TooManyRefunds => Problem::new(Code::TOO_MANY_REFUNDS),
            Error::PaymentExists => Problem::new(Code::PAYMENT_EXISTS),
            Error::Illegal(illegal) => Problem::internal(&illegal),
            Error::Db(error) => error.into(),
        }
    }
}
