//! The provider, played by a mock that behaves like a real one.
//!
//! It could be on the other side of the world: it is reached by the methods of [`MockProvider`], which a client of a real
//! provider would offer as well, keeps its own books ([`ledger`]) in units of its own, and does not stop working because
//! its caller stops waiting. Whatever it is asked under one transaction id it does once. What it does wrong is chosen by
//! the payment method, and by the [`Behaviour`] of the installation.

mod ledger;
#[cfg(test)]
mod tests;

use contracts::{
    ids::TransactionId,
    payment::{PaymentMethod, TransactionType},
    string_enum,
};
use platform::db::{self, Db};
use std::{sync::Arc, time::Duration};

/// What the provider did with an operation; it never says another thing of it later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The provider's own name for it.
    pub reference: String,
    /// Why it was not done; `None` when it was.
    pub decline: Option<DeclineReason>,
}

string_enum! {
    /// Why the provider refuses, for good.
    DeclineReason {
        /// No reason given.
        Declined = "DECLINED",
        /// The account does not hold enough.
        InsufficientFunds = "INSUFFICIENT_FUNDS",
        /// It was abandoned before it arrived.
        Abandoned = "ABANDONED",
        /// Nothing is held under that authorization.
        NothingHeld = "NOTHING_HELD",
        /// The money was taken already.
        AlreadyCaptured = "ALREADY_CAPTURED",
        /// More than there is.
        TooLarge = "TOO_LARGE",
        /// It does not want to.
        Refused = "REFUSED",
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// A transient error: nothing was done.
    #[error("the provider is not available")]
    Unavailable,
    /// Nothing was heard: it may have been done.
    #[error("the provider did not answer")]
    NoAnswer,
}

/// Asks to hold an amount.
#[derive(Debug, Clone, Copy)]
pub struct Authorization {
    pub transaction_id: TransactionId,
    /// In minor units.
    pub amount: i64,
    pub method: PaymentMethod,
}

/// Asks for something under an authorization: to take it, to let go of it, or to give back what was taken.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    pub transaction_id: TransactionId,
    /// The transaction id that the authorization was asked for with.
    pub authorization: TransactionId,
    /// In minor units.
    pub amount: i64,
}

/// What is the matter with the mock, beside what the payment methods ask for.
#[derive(Debug, Clone, Default)]
pub struct Behaviour {
    pub latency: Duration,
    pub slow: Duration,
    pub transient_failure_percent: u64,
    pub lost_answer_percent: u64,
    pub decline_percent: u64,
}

/// The mock. Cheap to clone.
#[derive(Clone)]
pub struct MockProvider {
    db: Db,
    behaviour: Arc<Behaviour>,
}

#[derive(Debug, Clone, Copy)]
enum MockRequest {
    Authorize(Authorization),
    Under(TransactionType, Operation),
    Lookup(TransactionId),
    Abandon(Authorization),
}

/// What the mock sends back; `None` when that never arrives.
type Sent<T> = Option<Result<T, ProviderError>>;

impl MockProvider {
    /// A provider that keeps its books in `db`.
    #[must_use]
    pub fn new(db: Db, behaviour: Behaviour) -> MockProvider {
        MockProvider { db, behaviour: Arc::new(behaviour) }
    }

    /// Holds an amount.
    ///
    /// # Errors
    /// [`ProviderError::Unavailable`]. It may never answer: set a deadline.
    pub async fn authorize(&self, authorization: Authorization) -> Result<Outcome, ProviderError> {
        known(self.ask(MockRequest::Authorize(authorization)).await)
    }

    /// Takes what is held.
    ///
    /// # Errors
    /// As [`MockProvider::authorize`].
    pub async fn capture(&self, operation: Operation) -> Result<Outcome, ProviderError> {
        known(self.ask(MockRequest::Under(TransactionType::Capture, operation)).await)
    }

    /// Lets go of what is held. Where nothing is held, that is done already.
    ///
    /// # Errors
    /// As [`MockProvider::authorize`].
    pub async fn void(&self, operation: Operation) -> Result<Outcome, ProviderError> {
        known(self.ask(MockRequest::Under(TransactionType::Void, operation)).await)
    }

    /// Gives back a part, or all, of what was taken.
    ///
    /// # Errors
    /// As [`MockProvider::authorize`].
    pub async fn refund(&self, operation: Operation) -> Result<Outcome, ProviderError> {
        known(self.ask(MockRequest::Under(TransactionType::Refund, operation)).await)
    }

    /// What became of an operation; `None` when it has not arrived. It may be on its way still.
    ///
    /// # Errors
    /// As [`MockProvider::authorize`].
    pub async fn lookup(&self, id: TransactionId) -> Result<Option<Outcome>, ProviderError> {
        self.ask(MockRequest::Lookup(id)).await
    }

    /// What became of an authorization; one that has not arrived is refused, should it ever.
    ///
    /// # Errors
    /// As [`MockProvider::authorize`].
    pub async fn abandon(&self, authorization: Authorization) -> Result<Outcome, ProviderError> {
        known(self.ask(MockRequest::Abandon(authorization)).await)
    }

    /// Sends the question, as over a wire: it arrives whatever becomes of the caller.
    async fn ask(&self, asked: MockRequest) -> Result<Option<Outcome>, ProviderError> {
        let server = self.clone();
        match self.db.env().spawn(async move { server.serve(asked).await }).await {
            Ok(Some(answer)) => answer,
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    async fn serve(&self, asked: MockRequest) -> Sent<Option<Outcome>> {
        let Behaviour { transient_failure_percent, lost_answer_percent, .. } = *self.behaviour;
        let latency = match self.latency(asked).await {
            Ok(latency) => latency,
            Err(error) => return Some(Err(provider_error(&error))),
        };
        pause(latency / 2).await;
        if self.chance(transient_failure_percent) {
            return Some(Err(ProviderError::Unavailable));
        }
        let answer = match self.carry_out(asked).await {
            Ok(answer) => answer,
            Err(error) => return Some(Err(provider_error(&error))),
        };
        pause(latency / 2).await;
        match answer {
            Answer::Lost => None,
            Answer::ProviderError(provider_error) => Some(Err(provider_error)),
            Answer::Outcome(_) if self.chance(lost_answer_percent) => None,
            Answer::Outcome(outcome) => Some(Ok(outcome)),
        }
    }

    async fn carry_out(&self, asked: MockRequest) -> Result<Answer, db::Error> {
        match asked {
            MockRequest::Lookup(id) => self.db.read(async move |tx| ledger::find(tx, id).await).await.map(Answer::Outcome),
            MockRequest::Abandon(authorization) => {
                self.db.write(async move |tx| ledger::abandon(tx, authorization).await).await.map(|outcome| Answer::Outcome(Some(outcome)))
            }
            MockRequest::Authorize(authorization) => {
                let declined = self.chance(self.behaviour.decline_percent);
                self.db.write(async move |tx| ledger::authorize(tx, authorization, declined).await).await
            }
            MockRequest::Under(kind, operation) => self.db.write(async move |tx| ledger::operate(tx, kind, operation).await).await,
        }
    }

    /// How long this question takes.
    async fn latency(&self, asked: MockRequest) -> Result<Duration, db::Error> {
        let method = match asked {
            MockRequest::Authorize(authorization) => Some(authorization.method),
            MockRequest::Under(_, operation) => self.db.read(async move |tx| ledger::method_of(tx, operation.authorization).await).await?,
            MockRequest::Lookup(_) | MockRequest::Abandon(_) => None,
        };
        let slow = if method == Some(PaymentMethod::Slow) { self.behaviour.slow } else { Duration::ZERO };
        Ok(self.behaviour.latency.max(slow))
    }

    fn chance(&self, percent: u64) -> bool {
        percent > 0 && self.db.env().random_below(100) < percent
    }
}

/// What the books say to a question.
enum Answer {
    Outcome(Option<Outcome>),
    ProviderError(ProviderError),
    /// It is in the books, and the caller never hears of it.
    Lost,
}

async fn pause(span: Duration) {
    if !span.is_zero() {
        tokio::time::sleep(span).await;
    }
}

fn known(answer: Result<Option<Outcome>, ProviderError>) -> Result<Outcome, ProviderError> {
    answer.map(|outcome| outcome.expect("every operation has an outcome; only a lookup may find none"))
}

fn provider_error(error: &db::Error) -> ProviderError {
    match error {
        db::Error::Unknown(_) => ProviderError::NoAnswer,
        _ => {
            tracing::warn!(target: "provider", %error, "the mock cannot use its books");
            ProviderError::Unavailable
        }
    }
}
