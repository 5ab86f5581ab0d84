//! The built-in provider. It behaves like a real one: it has a ledger and references of its own, commits in transactions of
//! its own, and continues a request whose caller is gone. The payment method and the settings choose its faults.

mod ledger;
mod ledger_store;
#[cfg(test)]
mod tests;
pub(crate) mod webhook;

pub use webhook::{WEBHOOK_HEADERS, WebhookEvent};

use super::{Authorization, Operation, Outcome, PaymentProvider, ProviderError, ProviderFuture};
use axum::http::HeaderMap;
use contracts::{
    ids::TransactionId,
    payment::{PaymentMethod, Provider, ProviderFaults, TransactionType},
    time::Timestamp,
};
use platform::{
    db::{self, Db},
    env::LockUnpoisoned as _,
    http::Problem,
    master_key::MasterKey,
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// The latency and the faults of the mock, in addition to those of the payment methods.
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
    webhook_key: [u8; 32],
    /// In addition to the behaviour, if they can be switched.
    faults: Option<Arc<Mutex<ProviderFaults>>>,
}

#[derive(Debug, Clone, Copy)]
enum MockRequest {
    Authorize(Authorization),
    Under(TransactionType, Operation),
    Lookup(TransactionId),
    Abandon(Authorization),
}

/// What the mock sends back; `None` when the answer is lost.
type Response = Option<Result<Option<Outcome>, ProviderError>>;

impl MockProvider {
    /// A provider that keeps its ledger in `db`.
    #[must_use]
    pub fn new(db: Db, master_key: &MasterKey, behaviour: Behaviour) -> MockProvider {
        MockProvider { db, behaviour: Arc::new(behaviour), webhook_key: webhook::key(master_key), faults: None }
    }

    /// The same with faults that are switched on and off while it runs; all are off.
    #[must_use]
    pub fn with_switchable_faults(self) -> MockProvider {
        MockProvider { faults: Some(Arc::default()), ..self }
    }

    fn switched_on(&self) -> ProviderFaults {
        self.faults.as_ref().map(|faults| *faults.lock_unpoisoned()).unwrap_or_default()
    }

    fn send(&self, request: MockRequest) -> ProviderFuture<'_, Outcome> {
        Box::pin(async move { Ok(self.request(request).await?.expect("every request has an outcome; only a lookup may find none")) })
    }

    /// Runs the request in a task of its own, so that it is carried out when the caller drops this future.
    async fn request(&self, request: MockRequest) -> Result<Option<Outcome>, ProviderError> {
        let server = self.clone();
        match self.db.env().spawn(async move { server.serve(request).await }).await {
            Ok(Some(answer)) => answer,
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    async fn serve(&self, request: MockRequest) -> Response {
        let Behaviour { transient_failure_percent, lost_answer_percent, .. } = *self.behaviour;
        let latency = match self.latency(request).await {
            Ok(latency) => latency,
            Err(error) => return Some(Err(provider_error(&error))),
        };
        self.wait(latency / 2).await;
        if self.chance(transient_failure_percent) {
            return Some(Err(ProviderError::Unavailable));
        }
        let answer = match self.carry_out(request).await {
            Ok(answer) => answer,
            Err(error) => return Some(Err(provider_error(&error))),
        };
        self.wait(latency / 2).await;
        match answer {
            Answer::Lost => None,
            Answer::Error(error) => Some(Err(error)),
            Answer::Outcome(_) if self.chance(lost_answer_percent) => None,
            Answer::Outcome(outcome) => Some(Ok(outcome)),
        }
    }

    async fn carry_out(&self, request: MockRequest) -> Result<Answer, db::Error> {
        match request {
            MockRequest::Lookup(id) => self.db.read(async move |tx| ledger_store::find(tx, id).await).await.map(Answer::Outcome),
            MockRequest::Abandon(authorization) => {
                self.db.write(async move |tx| ledger::abandon(tx, authorization).await).await.map(|outcome| Answer::Outcome(Some(outcome)))
            }
            MockRequest::Authorize(authorization) => {
                let declined = self.switched_on().declines || self.chance(self.behaviour.decline_percent);
                self.db.write(async move |tx| ledger::authorize(tx, authorization, declined).await).await
            }
            MockRequest::Under(kind, operation) => self.db.write(async move |tx| ledger::operate(tx, kind, operation).await).await,
        }
    }

    async fn latency(&self, request: MockRequest) -> Result<Duration, db::Error> {
        let method = match request {
            MockRequest::Authorize(authorization) => Some(authorization.method),
            MockRequest::Under(_, operation) => {
                self.db.read(async move |tx| ledger_store::find_method(tx, operation.authorization).await).await?
            }
            MockRequest::Lookup(_) | MockRequest::Abandon(_) => None,
        };
        let is_slow = method == Some(PaymentMethod::Slow) || self.switched_on().slow;
        let slow = if is_slow { self.behaviour.slow } else { Duration::ZERO };
        Ok(self.behaviour.latency.max(slow))
    }

    async fn wait(&self, span: Duration) {
        if !span.is_zero() {
            self.db.env().sleep(span).await;
        }
    }

    fn chance(&self, percent: u64) -> bool {
        percent > 0 && self.db.env().random_below(100) < percent
    }
}

impl PaymentProvider for MockProvider {
    fn name(&self) -> Provider {
        Provider::Mock
    }

    fn authorize(&self, authorization: Authorization) -> ProviderFuture<'_, Outcome> {
        self.send(MockRequest::Authorize(authorization))
    }

    fn capture(&self, operation: Operation) -> ProviderFuture<'_, Outcome> {
        self.send(MockRequest::Under(TransactionType::Capture, operation))
    }

    fn void(&self, operation: Operation) -> ProviderFuture<'_, Outcome> {
        self.send(MockRequest::Under(TransactionType::Void, operation))
    }

    fn refund(&self, operation: Operation) -> ProviderFuture<'_, Outcome> {
        self.send(MockRequest::Under(TransactionType::Refund, operation))
    }

    fn lookup(&self, id: TransactionId) -> ProviderFuture<'_, Option<Outcome>> {
        Box::pin(self.request(MockRequest::Lookup(id)))
    }

    fn abandon(&self, authorization: Authorization) -> ProviderFuture<'_, Outcome> {
        self.send(MockRequest::Abandon(authorization))
    }

    fn faults(&self) -> Option<&Mutex<ProviderFaults>> {
        self.faults.as_deref()
    }

    fn read_webhook(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<Option<TransactionId>, Problem> {
        webhook::read(&self.webhook_key, headers, body, now)
    }
}

/// The result of a request by the ledger.
enum Answer {
    Outcome(Option<Outcome>),
    Error(ProviderError),
    /// The outcome is in the ledger, and the answer is lost.
    Lost,
}

fn provider_error(error: &db::Error) -> ProviderError {
    match error {
        db::Error::Unknown(_) => ProviderError::NoAnswer,
        _ => {
            tracing::warn!(target: "provider", %error, "the mock cannot use its ledger");
            ProviderError::Unavailable
        }
    }
}
