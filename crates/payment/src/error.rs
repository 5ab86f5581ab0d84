//! What can go wrong with a payment, and what callers are told of it.

use contracts::{machine::IllegalTransition, payment::PaymentStatus, problem::Code};
use platform::{db, http::Problem};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is none, or it is somebody else's.
    #[error("there is no such payment")]
    NotFound,
    #[error("a payment in {status} cannot be {command}")]
    IllegalCommand { status: PaymentStatus, command: &'static str },
    /// The provider's answer fits no row of the published table: a fault of ours.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition<PaymentStatus>),
    /// What was asked for must wait for the outcome of another transaction.
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
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        let detail = error.to_string();
        match error {
            Error::NotFound => Problem::new(Code::NOT_FOUND),
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
