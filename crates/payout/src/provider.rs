//! The interface to the company that transfers money to sellers.
//!
//! A provider is another company behind a network: a request may fail, may take long, and may be carried out without an answer.
//! [`MockProvider`] is the built-in one.

mod mock;

pub use mock::MockProvider;

use contracts::{ids::PayoutId, money::Currency, payout::PayoutProviderName, secret::PayoutAccount};
use std::pin::Pin;

/// The final outcome of a transfer at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The provider's own id of the transfer.
    pub reference: String,
    /// Whether the provider refused it for good; otherwise it was carried out.
    pub is_refused: bool,
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

/// A request to transfer money.
#[derive(Debug, Clone)]
pub struct Transfer {
    pub payout_id: PayoutId,
    pub account: PayoutAccount,
    /// In minor units of `currency`.
    pub amount: i64,
    pub currency: Currency,
}

/// The answer to a request.
pub type ProviderFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, ProviderError>> + Send + 'a>>;

/// A provider of payouts.
///
/// What every implementation guarantees:
/// - **Idempotency.** The payout id is the idempotency key. A transfer is carried out at most once for one id, also when it is
///   repeated at the same time or with another account, and every repetition returns the same [`Outcome`].
/// - **Final outcomes.** An [`Outcome`] never changes. A refusal is an outcome and not an error.
/// - **Errors.** [`ProviderError::Unavailable`] only when the provider certainly did nothing. Whenever it may have acted, such as
///   after a broken connection, [`ProviderError::NoAnswer`].
/// - **Time.** The caller sets the deadline, drops the future at the deadline and treats the outcome as unknown.
/// - **Transactions.** No method takes part in a database transaction of the caller.
pub trait PayoutProvider: Send + Sync {
    /// The name that payouts made with this provider store and show.
    fn name(&self) -> PayoutProviderName;

    /// Transfers money.
    fn transfer(&self, transfer: Transfer) -> ProviderFuture<'_, Outcome>;

    /// Returns the outcome of a transfer, or `None` when the provider has not received it. It may still arrive.
    fn lookup(&self, id: PayoutId) -> ProviderFuture<'_, Option<Outcome>>;
}
