//! The errors of this service and their public codes.

use crate::{actions::MAX_WISHES, domain::MAX_LINES};
use contracts::{
    inventory::Shortage,
    money::{Currency, MoneyError},
    problem::{Code, Fault},
    promotion::{CouponProblem, MAX_COUPONS},
};
use platform::{client::CallError, db, http::Problem};

/// An error of this service.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("no such line in the cart")]
    NotFound,
    /// The token of a guest was never given, has expired, or its cart moved into the cart of an account.
    #[error("the token opens no cart")]
    UnknownToken,
    #[error("the product is not on sale")]
    Unavailable,
    #[error("no such product on sale")]
    NotOnSale,
    #[error("the wish list has {MAX_WISHES} products already")]
    WishlistFull,
    #[error("{} units of {} are available, {} are requested", .0.available, .0.sku, .0.requested)]
    Short(Shortage),
    #[error("the cart has {MAX_LINES} lines already")]
    Full,
    #[error("a line cannot hold {requested} units, {max} at most")]
    QuantityTooLarge { requested: u32, max: u32 },
    #[error("a product in {quoted} cannot be added to a cart in {cart}")]
    CurrencyMismatch { cart: Currency, quoted: Currency },
    /// Nothing is shipped to the country that an estimate was requested for.
    #[error("we do not ship to {0}")]
    NotServed(String),
    #[error("the coupon does not apply: {0}")]
    Coupon(CouponProblem, String),
    #[error("the cart has {MAX_COUPONS} coupons already")]
    TooManyCoupons,
    #[error("an upstream call failed")]
    Upstream(#[source] CallError),
    #[error("the subtotal is too large")]
    AmountTooLarge,
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<MoneyError> for Error {
    fn from(error: MoneyError) -> Error {
        match error {
            MoneyError::CurrencyMismatch(cart, quoted) => Error::CurrencyMismatch { cart, quoted },
            MoneyError::Overflow => Error::AmountTooLarge,
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
            Error::NotFound => Problem::new(Code::NOT_FOUND).detail("the cart has no such line"),
            Error::UnknownToken => Problem::new(Code::UNAUTHENTICATED).detail("the cart token is not valid, or has expired"),
            Error::Unavailable => Code::PRODUCT_UNAVAILABLE.into(),
            Error::NotOnSale => Problem::new(Code::NOT_FOUND).detail("there is no such product on sale"),
            Error::WishlistFull => Problem::new(Code::WISHLIST_FULL).detail(format!("a wish list holds at most {MAX_WISHES} products")),
            Error::Short(shortage) => Problem::new(Code::INSUFFICIENT_STOCK)
                .detail(format!("{} of {} can be had now", shortage.available, shortage.sku))
                .member("lines", [shortage]),
            Error::Full => Problem::new(Code::CART_FULL).detail(format!("a cart holds at most {MAX_LINES} lines")),
            Error::QuantityTooLarge { requested, max } => Problem::new(Code::QUANTITY_TOO_LARGE)
                .detail(format!("the line would hold {requested} units; {max} is the most"))
                .member("maxQuantity", max)
                .fault(Fault::at("/quantity", "QUANTITY_TOO_LARGE", format!("makes the line hold more than {max} units"))),
            Error::NotServed(country) => Problem::new(Code::UNSUPPORTED_COUNTRY)
                .detail(format!("we do not ship to {country}"))
                .member("country", country)
                .fault(Fault::parameter("country", "UNSUPPORTED_COUNTRY", "is a country that we do not ship to")),
            Error::CurrencyMismatch { cart, quoted } => {
                Problem::new(Code::CURRENCY_MISMATCH).detail(format!("the cart is in {cart}, the product is sold in {quoted}"))
            }
            Error::Coupon(problem, detail) => Problem::new(problem.code()).unprocessable().detail(detail),
            Error::TooManyCoupons => {
                Problem::new(Code::COUPON_NOT_COMBINABLE).detail(format!("a cart holds at most {MAX_COUPONS} coupons"))
            }
            Error::Upstream(error) => error.into(),
            Error::AmountTooLarge => Code::AMOUNT_TOO_LARGE.into(),
            Error::Db(error) => error.into(),
        }
    }
}
