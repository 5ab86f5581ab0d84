//! The errors of this service and their public codes.

use contracts::{
    ids::PromotionId,
    machine::IllegalTransition,
    problem::Code,
    promotion::{MAX_AUTOMATIC, PromotionStatus, PromotionUseStatus},
};
use platform::{client::CallError, db, http::Problem};

/// An error of this service.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("no such promotion")]
    NotFound,
    /// The fields of a new promotion do not fit each other, or name what does not exist.
    #[error("{0}")]
    Invalid(Problem),
    #[error("another promotion has the code")]
    CodeTaken,
    #[error("{MAX_AUTOMATIC} promotions apply by themselves already")]
    TooManyAutomatic,
    #[error("the sum of the lines is too large")]
    AmountTooLarge,
    #[error("promotion {promotion_id} has no use left")]
    Exhausted { promotion_id: PromotionId, title: String, code: Option<String> },
    /// It was paused or ended after it was evaluated.
    #[error("promotion {0} does not apply any more")]
    AppliesNoMore(PromotionId),
    /// The order holds other uses, or its uses were released.
    #[error("the uses of the order are others, or were released")]
    OtherUses,
    #[error(transparent)]
    Illegal(#[from] IllegalTransition<PromotionStatus>),
    #[error(transparent)]
    IllegalUse(#[from] IllegalTransition<PromotionUseStatus>),
    #[error("an upstream call failed")]
    Upstream(#[source] CallError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Error {
        Error::Upstream(error)
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Error {
        Error::Invalid(problem)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match error {
            Error::NotFound => Problem::new(Code::NOT_FOUND).detail("there is no such promotion"),
            Error::Invalid(problem) => problem,
            Error::CodeTaken => Code::COUPON_CODE_TAKEN.into(),
            Error::TooManyAutomatic => {
                Problem::new(Code::TOO_MANY_PROMOTIONS).detail(format!("at most {MAX_AUTOMATIC} promotions without a code are ACTIVE"))
            }
            Error::AmountTooLarge => Code::AMOUNT_TOO_LARGE.into(),
            Error::Exhausted { promotion_id, title, code } => Problem::new(Code::COUPON_EXHAUSTED)
                .detail(format!("\"{title}\" was used as often as it can be"))
                .member("promotionId", promotion_id)
                .member("coupon", code),
            Error::AppliesNoMore(id) => {
                Problem::new(Code::COUPON_EXPIRED).detail("a promotion does not apply any more").member("promotionId", id)
            }
            Error::OtherUses => Problem::new(Code::ILLEGAL_TRANSITION).detail("the order has other uses, or they were released"),
            Error::Illegal(illegal) => Problem::new(Code::ILLEGAL_TRANSITION)
                .detail(format!("the promotion is {}", illegal.from))
                .member("promotionStatus", illegal.from),
            Error::IllegalUse(illegal) => Problem::new(Code::ILLEGAL_TRANSITION).detail(illegal.to_string()),
            Error::Upstream(error) => error.into(),
            Error::Db(error) => error.into(),
        }
    }
}
