//! The errors of the service and their public codes.

use contracts::{
    ids::OrderItemId,
    machine::IllegalTransition,
    problem::{Code, Fault},
    returns::ReturnStatus,
};
use platform::{db, http::Problem};

/// An error of this service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no such order or return")]
    NotFound,
    #[error("nothing of the order was delivered")]
    NotDelivered,
    #[error("the time to return is over")]
    WindowClosed,
    /// More than was delivered and is not in another return.
    #[error("{available} units can be returned, {requested} are requested")]
    TooMany { order_item_id: OrderItemId, requested: u32, available: u32 },
    /// A line of the body is not valid: its number, and why.
    #[error("line {0} is not valid: {2}")]
    Line(usize, &'static str, &'static str),
    #[error(transparent)]
    Illegal(#[from] IllegalTransition<ReturnStatus>),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match error {
            Error::NotFound => Code::NOT_FOUND.into(),
            // An order that was delivered before this service existed is not known to it as delivered.
            Error::NotDelivered => Problem::new(Code::NOT_DELIVERED)
                .detail("no delivery of this order is known here; one from before there were returns is taken back by the shop itself"),
            Error::WindowClosed => Code::RETURN_WINDOW_CLOSED.into(),
            Error::TooMany { order_item_id, requested, available } => Problem::new(Code::RETURN_TOO_LARGE)
                .detail(error.to_string())
                .member("lines", [serde_json::json!({"orderItemId": order_item_id, "requested": requested, "available": available})]),
            Error::Line(number, code, detail) => Problem::invalid(vec![Fault::at(format!("/lines/{number}/orderItemId"), code, detail)]),
            Error::Illegal(refused) => Problem::new(Code::ILLEGAL_TRANSITION).detail(format!("the return is {}", refused.from)),
            Error::Db(error) => error.into(),
        }
    }
}
