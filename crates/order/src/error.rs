//! The errors of this service and their public codes.

use crate::domain::{PartRefusal, Totals};
use contracts::{
    machine::IllegalTransition,
    money::{Currency, MoneyError},
    order::{FulfilmentStatus, OrderStatus},
    problem::{Code, Fault},
    promotion::CouponProblem,
};
use platform::{client::CallError, db, http::Problem};

/// Why a request was refused.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("no such order")]
    NotFound,
    #[error("the cart is empty")]
    CartEmpty,
    #[error("a line cannot be bought: {0}")]
    Unavailable(String),
    #[error("no such address")]
    UnknownAddress(&'static str),
    /// Nothing is shipped to the country of the shipping address.
    #[error("we do not ship to {0}")]
    NotServed(String),
    #[error("shipping has no price in {0}")]
    NoShippingPrice(Currency),
    #[error("the coupon {code} does not apply any more: {problem}")]
    Coupon { code: String, problem: CouponProblem, detail: String },
    /// The uses of the promotions are reserved for a limited time only.
    #[error("the order was not written in time")]
    TooLate,
    #[error("the total is too large")]
    AmountTooLarge,
    #[error("the total changed")]
    TotalChanged(Totals),
    #[error("another order has this externalId")]
    ExternalIdTaken,
    /// Personal data is needed until the order is at rest.
    #[error("an order in {0} is under way")]
    NotAtRest(OrderStatus),
    /// Faults of the body that another service found.
    #[error("{} faults in the body", .0.len())]
    Invalid(Vec<Fault>),
    /// The token of the guest's cart opens none.
    #[error("the token opens no cart")]
    UnknownCart,
    /// Nothing is shipped to the country of a guest's address.
    #[error("we do not ship to {0}")]
    GuestNotServed(String),
    #[error("an order in {0} cannot be cancelled")]
    NotCancellable(OrderStatus),
    #[error("the order was sent before it was cancelled")]
    AlreadySent,
    #[error("a part of the order has shipped")]
    PartiallyShipped,
    #[error("the order is not confirmed yet")]
    PartPending,
    #[error("a fulfilment in {0} cannot be cancelled")]
    PartNotCancellable(FulfilmentStatus),
    #[error("a fulfilment in {0} cannot be shipped")]
    PartNotShippable(FulfilmentStatus),
    #[error("no parcel of the order came back")]
    NotReturned,
    #[error("an order in {0} cannot be paid")]
    NotPayable(OrderStatus),
    #[error(transparent)]
    Illegal(#[from] IllegalTransition<OrderStatus>),
    #[error("an upstream call failed")]
    Upstream(#[source] CallError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<MoneyError> for Error {
    fn from(_: MoneyError) -> Error {
        Error::AmountTooLarge
    }
}

impl From<PartRefusal> for Error {
    fn from(refusal: PartRefusal) -> Error {
        match refusal {
            PartRefusal::NotFound => Error::NotFound,
            PartRefusal::Pending => Error::PartPending,
            PartRefusal::Status(status) => Error::PartNotCancellable(status),
        }
    }
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Error {
        Error::Upstream(error)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match error {
            Error::NotFound => Problem::new(Code::NOT_FOUND).detail("there is no such order"),
            Error::CartEmpty => Code::CART_EMPTY.into(),
            Error::Unavailable(sku) => {
                Problem::new(Code::PRODUCT_UNAVAILABLE).detail(format!("{sku} cannot be bought now")).member("sku", sku)
            }
            Error::UnknownAddress(pointer) => {
                Problem::new(Code::UNKNOWN_ADDRESS).fault(Fault::at(pointer, "UNKNOWN_ADDRESS", "is not in the address book"))
            }
            Error::NotServed(country) => Problem::new(Code::UNSUPPORTED_COUNTRY)
                .detail(format!("we do not ship to {country}"))
                .member("country", country)
                .fault(Fault::at("/shippingAddressId", "UNSUPPORTED_COUNTRY", "is in a country that we do not ship to")),
            Error::NoShippingPrice(currency) => Problem::new(Code::UNSUPPORTED_CURRENCY)
                .detail(format!("shipping has no price in {currency}, the currency of the cart"))
                .member("currency", currency),
            Error::Coupon { code, problem, detail } => Problem::new(problem.code()).detail(detail).member("coupon", code),
            Error::TooLate => Code::TIMEOUT.into(),
            Error::AmountTooLarge => Code::AMOUNT_TOO_LARGE.into(),
            Error::TotalChanged(totals) => Problem::new(Code::TOTAL_CHANGED)
                .detail("the order would cost something else by now; nothing was placed")
                .member("subtotalAmount", totals.subtotal_amount)
                .member("shippingAmount", totals.shipping_amount)
                .member("taxAmount", totals.tax_amount)
                .member("pricesIncludeTax", totals.prices_include_tax)
                .member("discountAmount", totals.discount_amount)
                .member("totalAmount", totals.total_amount),
            Error::ExternalIdTaken => Problem::new(Code::EXTERNAL_ID_TAKEN).fault(Fault::at(
                "/externalId",
                "EXTERNAL_ID_TAKEN",
                "belongs to another order of the customer",
            )),
            Error::NotAtRest(status) => {
                Problem::new(Code::OPEN_ORDERS).detail(format!("the order is {status}")).member("orderStatus", status)
            }
            Error::Invalid(faults) => faults.into_iter().fold(Problem::new(Code::INVALID_REQUEST), Problem::fault),
            Error::UnknownCart => Problem::new(Code::UNAUTHENTICATED).detail("the cart token is not valid, or has expired"),
            Error::GuestNotServed(country) => Problem::new(Code::UNSUPPORTED_COUNTRY)
                .detail(format!("we do not ship to {country}"))
                .member("country", country)
                .fault(Fault::at("/shippingAddress/country", "UNSUPPORTED_COUNTRY", "is a country that we do not ship to")),
            Error::NotCancellable(status) => {
                Problem::new(Code::ORDER_NOT_CANCELLABLE).detail(format!("the order is {status}")).member("orderStatus", status)
            }
            Error::AlreadySent => Problem::new(Code::ORDER_NOT_CANCELLABLE)
                .detail("the carrier has the parcel already")
                .member("orderStatus", OrderStatus::Confirmed),
            Error::PartiallyShipped => Code::ORDER_PARTIALLY_SHIPPED.into(),
            Error::PartPending => Code::FULFILMENT_NOT_CONFIRMED.into(),
            Error::PartNotCancellable(status) => Problem::new(Code::FULFILMENT_NOT_CANCELLABLE)
                .detail(format!("this part of the order is {status}"))
                .member("fulfilmentStatus", status),
            Error::PartNotShippable(status) => Problem::new(Code::FULFILMENT_NOT_SHIPPABLE)
                .detail(format!("this part of the order is {status}"))
                .member("fulfilmentStatus", status),
            Error::NotReturned => Code::PARCEL_NOT_RETURNED.into(),
            Error::NotPayable(status) => {
                Problem::new(Code::ORDER_NOT_PAYABLE).detail(format!("the order is {status}")).member("orderStatus", status)
            }
            Error::Illegal(illegal) => Problem::new(Code::ILLEGAL_TRANSITION).detail(illegal.to_string()),
            Error::Upstream(error) => error.into(),
            Error::Db(error) => error.into(),
        }
    }
}
