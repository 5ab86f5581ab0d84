//! The errors of the API: RFC 9457 problem documents with a stable `code`.
//!
//! The table below lists every code. `souk problems` prints it, `/problems/{slug}` explains each row, and the error enum of a
//! service maps each of its cases to one row.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use std::{borrow::Cow, fmt};

/// One row of the table of codes.
#[derive(Debug, PartialEq, Eq)]
pub struct CodeSpec {
    /// Stable and in upper case, such as `INSUFFICIENT_STOCK`.
    pub name: &'static str,
    /// The HTTP status of the answer.
    pub status: u16,
    pub title: &'static str,
    /// Advice to the caller.
    pub help: &'static str,
    /// Whether the same request may succeed later.
    pub retryable: bool,
}

/// A reference to a row of the table. Two codes are equal when they refer to the same row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code(&'static CodeSpec);

impl Code {
    #[must_use]
    pub fn find(name: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.as_str() == name)
    }
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0.name
    }
    #[must_use]
    pub fn status(self) -> u16 {
        self.0.status
    }
    #[must_use]
    pub fn title(self) -> &'static str {
        self.0.title
    }
    #[must_use]
    pub fn help(self) -> &'static str {
        self.0.help
    }
    #[must_use]
    pub fn retryable(self) -> bool {
        self.0.retryable
    }
    /// Returns the last segment of the problem's `type`: the code in lower case with hyphens.
    #[must_use]
    pub fn slug(self) -> String {
        self.0.name.to_ascii_lowercase().replace('_', "-")
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Code, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        Code::find(&name).ok_or_else(|| D::Error::custom(format!("{name} is not a code of the table")))
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

macro_rules! codes {
    ($($name:ident $status:literal $(($retry:ident))? $title:literal, $help:literal;)*) => {
        impl Code {
            $(pub const $name: Code = Code(&CodeSpec {
                name: stringify!($name), status: $status, title: $title, help: $help,
                retryable: codes!(@retry $($retry)?),
            });)*
            /// Every code, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];
        }
    };
    (@retry retryable) => { true };
    (@retry) => { false };
}

codes! {
    // The request itself.
    MALFORMED_REQUEST 400 "The request cannot be read", "Send well-formed UTF-8 JSON of at most the documented size and depth.";
    BAD_CURSOR 400 "The cursor is not one of ours", "Take cursors from nextCursor as they are, with the same filters.";
    IDEMPOTENCY_KEY_REQUIRED 400 "This request needs an Idempotency-Key", "Send a fresh Idempotency-Key of 1 to 255 printable ASCII characters, and the same one when you retry.";
    BAD_IDEMPOTENCY_KEY 400 "The Idempotency-Key cannot be used", "Use 1 to 255 printable ASCII characters, bare or as a quoted string.";
    UNAUTHENTICATED 401 "A valid access token is needed", "Log in, or refresh the token, and send it as Authorization: Bearer.";
    INVALID_CREDENTIALS 401 "E-mail or password is wrong", "Check both; after several failures wait a while or reset the password.";
    INVALID_CLIENT 401 "The client's name or secret is wrong", "Send client_id and client_secret in the form, or both as Authorization: Basic.";
    INVALID_REFRESH_TOKEN 401 "The refresh token is not valid", "Log in again. A refresh token works once; the use of an old one revokes every token of its login.";
    FORBIDDEN 403 "This is not allowed for your role", "Use an account or a client that holds the role or scope named in the API description.";
    NOT_FOUND 404 "There is no such thing", "Check the path and the id. What belongs to others is not shown either.";
    METHOD_NOT_ALLOWED 405 "This path does not take that method", "The Allow header names the methods it takes.";
    NOT_ACCEPTABLE 406 "No acceptable representation", "Ask for application/json.";
    REQUEST_TIMEOUT 408 (retryable) "The request did not arrive in time", "Send the whole request without pauses, over a new connection.";
    PAYLOAD_TOO_LARGE 413 "The body is too large", "The API description gives the limit of each request.";
    URI_TOO_LONG 414 "The address is too long", "Path and query have at most 8,192 bytes together; send what is longer in the body.";
    UNSUPPORTED_MEDIA_TYPE 415 "The body has the wrong type", "Send application/json, unless the API description says otherwise.";
    INVALID_REQUEST 422 "Some values are not valid", "The list of errors says where a value stands and what it must be.";
    HEADERS_TOO_LARGE 431 "The headers are too many or too large", "A request has at most 64 headers, and 32 KiB of them together.";
    RATE_LIMITED 429 (retryable) "Too many requests", "Wait as long as Retry-After says.";
    INTERNAL_ERROR 500 (retryable) "Something went wrong on our side", "Try again; report the correlation id if the error persists.";
    INDEX_BUILDING 503 (retryable) "The search index is being built", "Try again in a moment.";
    STORAGE_FULL 503 (retryable) "Nothing can be stored at present", "The disk is full or fails. Wait as long as Retry-After says, then try again with the same Idempotency-Key.";
    OVERLOADED 503 (retryable) "Too busy right now", "Wait as long as Retry-After says, then try again with the same Idempotency-Key.";
    DEPENDENCY_UNAVAILABLE 503 (retryable) "A part that this needs is down", "Wait as long as Retry-After says, then try again with the same Idempotency-Key.";
    TIMEOUT 503 (retryable) "It took too long", "The outcome may be unknown: try again with the same Idempotency-Key.";

    // Concurrency and repetition.
    IDEMPOTENCY_KEY_REUSED 422 "The Idempotency-Key was used for another request", "Use a fresh key for a new request.";
    IDEMPOTENCY_IN_PROGRESS 409 (retryable) "The first request with this key is still running", "Wait as long as Retry-After says and repeat it.";
    PRECONDITION_FAILED 412 "It was changed by someone else", "Read it again, and send If-Match with the ETag you get.";
    ILLEGAL_TRANSITION 409 "Its present state does not allow that", "Read its status; the documentation has the table of transitions.";

    // Auth and users.
    EMAIL_TAKEN 409 "There is an account with this e-mail", "Log in, or reset the password.";
    UNSUPPORTED_GRANT_TYPE 400 "This grant type is not supported", "Send grant_type=client_credentials.";
    INVALID_SCOPE 400 "The client does not hold that scope", "Name scopes that the client holds, or none for all of them.";
    INVALID_TOKEN_REQUEST 400 "The request for a token is not valid", "The list of errors names each parameter and what it must be.";
    INVALID_RESET_TOKEN 422 "The reset link is not valid", "Ask for a new one; each works once and for a limited time.";
    INVALID_VERIFICATION_TOKEN 422 "The link of the mail is not valid", "Ask for a new one; each works once and for a limited time.";
    WRONG_PASSWORD 422 "The current password is wrong", "Give the current password of this account.";
    LAST_ADMIN 409 "This is the last administrator", "Make somebody else an administrator first.";
    OPEN_ORDERS 409 "There are open orders", "Wait until every order is delivered, cancelled or refunded.";
    OPEN_FULFILMENTS 409 "There are open sales", "Serve or cancel every fulfilment first.";
    OPEN_BALANCE 409 "There is money to be paid out", "Wait until the balance is paid out.";
    ROLE_MANAGED_BY_SELLER 409 "The role SELLER follows the seller's record", "Approve or suspend the seller below /admin/sellers instead.";
    EXTERNAL_ID_TAKEN 409 "The externalId names another thing", "Find it by the externalId, or choose another one.";
    TOO_MANY_API_KEYS 409 "There are as many API keys as a user can have", "Delete one that is not used any more.";
    TOO_MANY_ADDRESSES 409 "The address book is full", "Delete an address first.";

    // Sellers.
    SELLER_EXISTS 409 "This user has applied already", "GET /sellers/me shows the application; a rejected one is repeated by POST /sellers/me/reapply.";

    // Catalog and search.
    SKU_TAKEN 409 "There is a product with this SKU", "SKUs are unique in the whole marketplace; choose another.";
    CATEGORY_IN_USE 409 "The category is in use", "Move its products and subcategories first.";
    CATEGORY_CYCLE 422 "A category cannot be below itself", "Choose a parent outside of its own subtree.";
    CATEGORY_NAME_TAKEN 409 "There is a sibling category with this name", "Choose another name.";
    CATEGORY_TOO_DEEP 422 "The tree of categories would become too deep", "A category has at most nine above it.";
    TOO_MANY_CATEGORIES 409 "The tree holds as many categories as it can", "Delete categories that are not used.";
    TOO_MANY_IMAGES 409 "There are as many pictures as can be", "A product has at most 20 pictures, and a seller as many as the settings say; remove some first.";
    PRODUCT_GROUP_FULL 409 "The group holds as many variants as it can", "A group holds at most 200 products that are not archived.";
    UNKNOWN_CATEGORY 422 "There is no such category", "Take a categoryId from GET /categories.";
    PRODUCT_INCOMPLETE 409 "The product cannot be activated yet", "A product needs a price, a title and a category to be sold.";

    TOO_MANY_IMPORTS 409 "There are as many imports running as there may be", "Wait until one is done, or cancel one.";
    UPLOAD_INCOMPLETE 422 "The file did not arrive whole", "Send it again.";

    // Cart and order.
    PRODUCT_UNAVAILABLE 409 "The product cannot be bought now", "Choose another product, or try later.";
    INSUFFICIENT_STOCK 409 "There is not enough stock", "The list of lines says how much of each is there.";
    CART_EMPTY 409 "The cart is empty", "Add a product first.";
    CART_FULL 409 "The cart holds as many lines as it can", "Remove a line first.";
    WISHLIST_FULL 409 "The wish list holds as many products as it can", "Remove a product first.";
    QUANTITY_TOO_LARGE 422 "The quantity is too large", "maxQuantity says how many units a line may hold.";
    CURRENCY_MISMATCH 409 "The cart is in another currency", "Buy goods of different currencies in separate orders.";
    AMOUNT_TOO_LARGE 422 "The total is too large", "Split it into several orders.";
    TOTAL_CHANGED 409 "The order would cost something else by now", "Show the new totals, and repeat with them and a fresh key.";
    COUPON_UNKNOWN 422 "There is no such coupon", "Check the spelling; upper and lower case are the same.";
    COUPON_EXPIRED 422 "The coupon is not valid any more", "Remove it, and try another one.";
    COUPON_EXHAUSTED 409 "The coupon was used as often as it can be", "Remove it, and order at the present total. Entering such a coupon is answered with 422.";
    COUPON_NOT_APPLICABLE 422 "The coupon does not apply to this cart", "The detail says what it needs.";
    COUPON_NOT_COMBINABLE 422 "The coupon cannot be combined with another promotion", "Remove the other coupon first.";
    UNKNOWN_ADDRESS 422 "There is no such address in the address book", "Take an addressId from GET /users/me/addresses.";
    ORDER_NOT_CANCELLABLE 409 "The order cannot be cancelled any more", "What has shipped is sent back instead.";
    ORDER_PARTIALLY_SHIPPED 409 "A part of the order has shipped already", "Cancel the parts that have not shipped, one by one.";
    FULFILMENT_NOT_CONFIRMED 409 (retryable) "The order is not confirmed yet", "Wait until it is CONFIRMED, or cancel the whole order.";
    FULFILMENT_NOT_CANCELLABLE 409 "This part of the order cannot be cancelled any more", "What has shipped is sent back instead.";
    FULFILMENT_NOT_SHIPPABLE 409 "This part of the order cannot be shipped", "Only a confirmed part that is not being cancelled is shipped.";
    PARCEL_NOT_RETURNED 409 "The parcel of the order did not come back", "Only goods that came back can be put on sale again.";
    ORDER_NOT_PAYABLE 409 "The order is not waiting for another payment", "Only an order in PAYMENT_FAILED can be paid again, and only for a while.";

    // Promotion.
    COUPON_CODE_TAKEN 409 "Another promotion has this code", "End that promotion, or choose another code.";
    TOO_MANY_PROMOTIONS 409 "As many promotions apply by themselves as can", "End one of them, or give this one a code.";

    // Payment.
    PAYMENT_DECLINED 402 "The payment was declined", "Try another payment method.";
    INSUFFICIENT_FUNDS 402 "The account does not hold enough", "Try another payment method.";
    REFUND_TOO_LARGE 422 "More than was captured cannot be refunded", "The payment shows what is left to refund.";
    CAPTURE_FAILED 409 "The provider did not capture the payment", "The order releases the authorization and the stock automatically.";
    REFUND_FAILED 409 "The provider did not refund the payment", "It stays captured. The same Idempotency-Key gets this answer again: try later with a fresh one.";
    PAYMENT_EXISTS 409 "The order has another payment under way", "Void or refund that one first, or use it.";
    PAYMENT_GIVEN_UP 409 "The payment was voided before the provider authorized it", "Make another payment.";
    TOO_MANY_REFUNDS 409 "The payment was refunded as often as it can be", "Refund what is left outside of the platform.";
    PROVIDER_UNAVAILABLE 503 (retryable) "The payment provider does not answer", "The outcome is asked for later; repeat with the same Idempotency-Key.";

    // Returns.
    NOT_DELIVERED 409 "Nothing of the order was delivered yet", "Return goods once they were delivered; an order that has not shipped can be cancelled.";
    RETURN_WINDOW_CLOSED 409 "The time to return is over", "Ask the seller or the shop.";
    RETURN_TOO_LARGE 409 "There are fewer units to return", "The list of lines says how many units were delivered and are in no other return.";

    // Reviews.
    PURCHASE_REQUIRED 403 "Only buyers can review a product", "A product can be reviewed once an order with it was delivered to you.";
    REVIEW_EXISTS 409 "You have reviewed this product", "Change your review with PATCH /reviews/{reviewId}, or withdraw it first.";

    // Webhooks.
    TOO_MANY_WEBHOOK_ENDPOINTS 409 "There are as many webhook endpoints as can be", "Delete one, or let one endpoint take more types of events.";

    // Inventory and shipping.
    UNKNOWN_SKU 404 "There is no stock item with this SKU", "Create it with PUT /inventory/stock/{sku}.";
    STOCK_OUT_OF_RANGE 409 "The stock would leave its bounds", "Available stock stays between zero and one thousand million.";
    TOO_MANY_STOCK_ALERTS 409 "You wait for as many products as you can", "Take back a stock alert first.";
    RESERVATION_EXPIRED 409 "The reservation has expired", "Reserve again.";
    UNSUPPORTED_COUNTRY 422 "We do not ship there", "GET /shipping/rates says what shipping to a country costs.";
    UNSUPPORTED_CURRENCY 422 "We do not ship for prices in this currency", "GET /shipping/rates says in which currencies shipping to a country has a price.";
    TOO_MANY_EVENTS 409 "The tracking history is full", "A shipment keeps at most 200 events; a new status is always taken.";
    SHIPMENT_PENDING 409 (retryable) "The shipment is not booked with the carrier yet", "Try again later, or give the tracking number of a parcel that another carrier has.";
    CARRIER_UNAVAILABLE 503 (retryable) "The carrier does not answer", "It is retried automatically; an administrator may retry it at once.";
}

/// Why an order or a payment failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// A problem code, such as `PAYMENT_DECLINED`.
    pub code: String,
    /// Whether a repetition may succeed later. Another payment method may help even when this is false.
    pub retryable: bool,
}

impl From<Code> for Failure {
    fn from(code: Code) -> Failure {
        Failure { code: code.as_str().to_owned(), retryable: code.retryable() }
    }
}

/// A value of a request that violates a rule, with its location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "InvalidValue")]
pub struct Fault {
    /// The location in the body: a JSON pointer (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pointer: Option<String>,
    /// The name of the query or path parameter.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parameter: Option<String>,
    /// The name of the header.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub header: Option<String>,
    /// Upper case, such as `OUT_OF_RANGE`.
    pub code: Cow<'static, str>,
    pub detail: String,
}

impl Fault {
    #[must_use]
    pub fn at(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Fault {
        Fault { pointer: Some(pointer.into()), parameter: None, header: None, code: code.into(), detail: detail.into() }
    }
    #[must_use]
    pub fn parameter(name: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Fault {
        Fault { pointer: None, parameter: Some(name.into()), header: None, code: code.into(), detail: detail.into() }
    }
    #[must_use]
    pub fn header(name: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Fault {
        Fault { pointer: None, parameter: None, header: Some(name.into()), code: code.into(), detail: detail.into() }
    }
}

/// The body of every error answer (RFC 9457), as `application/problem+json`. Some codes add members of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Problem")]
pub struct Document {
    /// The address of a page that explains the code.
    pub r#type: String,
    pub title: String,
    pub status: u16,
    pub detail: String,
    /// A code of the table, stable and in upper case.
    pub code: String,
    pub correlation_id: String,
    pub retryable: bool,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub errors: Vec<Fault>,
    #[serde(flatten)]
    pub members: serde_json::Map<String, serde_json::Value>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_code_is_listed_once_and_is_an_error() {
        let words: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!((400..600).contains(&code.status()), "{code:?}");
            assert_eq!(Code::find(code.as_str()), Some(*code));
        }
    }
}
