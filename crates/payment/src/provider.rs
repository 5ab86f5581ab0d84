//! The interface to the payment provider.
//!
//! A provider is another company behind a network: a request may fail, may take long, and may be carried out without an
//! answer. [`MockProvider`] is the built-in one.

mod mock;

#[cfg(test)]
pub(crate) use mock::webhook::key as webhook_key;
pub use mock::{Behaviour, MockProvider, WEBHOOK_HEADERS, WebhookEvent};

use axum::http::HeaderMap;
use contracts::{
    ids::TransactionId,
    payment::{PaymentMethod, Provider, ProviderFaults},
    string_enum,
    time::Timestamp,
};
use platform::http::Problem;
use std::{pin::Pin, sync::Mutex};

/// The final outcome of a transaction at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The provider's own id of the transaction.
    pub reference: String,
    /// Why the provider declined it; `None` when it was carried out.
    pub decline: Option<DeclineReason>,
}

string_enum! {
    /// Why a provider declines a transaction for good.
    DeclineReason {
        /// The provider gives no reason for the authorization.
        Declined = "DECLINED",
        /// The account does not hold enough.
        InsufficientFunds = "INSUFFICIENT_FUNDS",
        /// The authorization was abandoned before it reached the provider.
        Abandoned = "ABANDONED",
        /// The authorization holds no money.
        NothingHeld = "NOTHING_HELD",
        /// The money was captured before.
        AlreadyCaptured = "ALREADY_CAPTURED",
        /// The amount exceeds what is held, or what is left to refund.
        TooLarge = "TOO_LARGE",
        /// The provider gives no reason for the capture or the refund.
        Refused = "REFUSED",
    }
}

/// Why a request has no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// A transient error. The provider did nothing.
    #[error("the provider is not available")]
    Unavailable,
    /// No answer arrived. The provider may have carried out the request.
    #[error("the provider did not answer")]
    NoAnswer,
}

impl ProviderError {
    /// The label in metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            ProviderError::Unavailable => "unavailable",
            ProviderError::NoAnswer => "no_answer",
        }
    }
}

/// A request to hold an amount.
#[derive(Debug, Clone, Copy)]
pub struct Authorization {
    pub transaction_id: TransactionId,
    /// In minor units.
    pub amount: i64,
    pub method: PaymentMethod,
}

/// A request to capture, void or refund under an authorization.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    pub transaction_id: TransactionId,
    /// The transaction id of the authorization.
    pub authorization: TransactionId,
    /// In minor units.
    pub amount: i64,
}

/// The answer to a request.
pub type ProviderFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, ProviderError>> + Send + 'a>>;

/// A payment provider.
///
/// What every implementation guarantees:
/// - **Idempotency.** The transaction id is the idempotency key. A request is carried out at most once for one transaction id,
///   also when it is repeated at the same time, and every repetition returns the same [`Outcome`].
/// - **Final outcomes.** An [`Outcome`] never changes. A decline is an outcome and not an error.
/// - **Errors.** [`ProviderError::Unavailable`] only when the provider certainly did nothing. Whenever it may have acted, such
///   as after a broken connection, [`ProviderError::NoAnswer`].
/// - **Time.** A method needs no timeout of its own. The caller sets the deadline, drops the future at the deadline and
///   treats the outcome as unknown. A dropped future must not leave anything behind that a repetition cannot continue.
/// - **Unknown outcomes.** The caller finds them out by [`lookup`](PaymentProvider::lookup) and then repeats the request with
///   the same transaction id. A request that is still on its way must not be carried out twice because of that.
/// - **Transactions.** No method takes part in a database transaction of the caller.
pub trait PaymentProvider: Send + Sync {
    /// The name that payments made with this provider store and show.
    fn name(&self) -> Provider;

    /// Holds an amount.
    fn authorize(&self, authorization: Authorization) -> ProviderFuture<'_, Outcome>;

    /// Takes the held amount.
    fn capture(&self, operation: Operation) -> ProviderFuture<'_, Outcome>;

    /// Releases the held amount. Succeeds when nothing is held.
    fn void(&self, operation: Operation) -> ProviderFuture<'_, Outcome>;

    /// Returns a part, or all, of the captured amount.
    fn refund(&self, operation: Operation) -> ProviderFuture<'_, Outcome>;

    /// Returns the outcome of a transaction, or `None` when the provider has not received it. It may still arrive.
    fn lookup(&self, id: TransactionId) -> ProviderFuture<'_, Option<Outcome>>;

    /// Returns the outcome of an authorization. One that the provider has not received is declined as
    /// [`DeclineReason::Abandoned`], now and when it arrives later.
    fn abandon(&self, authorization: Authorization) -> ProviderFuture<'_, Outcome>;

    /// The faults that administrators switch on and off; `None` unless this is the mock of a demonstration.
    fn faults(&self) -> Option<&Mutex<ProviderFaults>> {
        None
    }

    /// Reads a webhook and returns the transaction that has an outcome, if the webhook is about one.
    ///
    /// The webhook only makes the service call [`lookup`](PaymentProvider::lookup) earlier. Its content is never taken for an
    /// outcome, so a late, repeated or reordered webhook changes nothing. Unknown types and fields are ignored.
    ///
    /// # Errors
    /// 401 unless the sender is proved and the webhook is recent at `now`; 400 or 422 when the body cannot be read.
    fn read_webhook(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<Option<TransactionId>, Problem>;
}
