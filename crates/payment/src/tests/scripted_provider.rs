//! The requests that the service sends, to a provider whose answers the test chooses.

use super::{Fixture, transactions};
use crate::{
    mock_provider,
    provider::{Authorization, MockProvider, Operation, Outcome, PaymentProvider, ProviderError, ProviderFuture},
    service_with,
};
use axum::http::HeaderMap;
use contracts::{
    ids::TransactionId,
    payment::{
        PaymentStatus, Provider,
        TransactionStatus::{Pending, Unknown},
        TransactionType::Authorize,
    },
    time::Timestamp,
};
use platform::{http::Problem, testing::Harness};
use std::sync::{Arc, Mutex};

/// What a request ends with, instead of the mock's answer.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// The provider does not receive it.
    Lost,
    /// The provider carries it out, and the answer is lost.
    AnswerLost,
    Unavailable,
}

#[derive(Clone, Default)]
struct Script {
    /// The faults of the next requests, last first.
    faults: Arc<Mutex<Vec<Fault>>>,
    calls: Arc<Mutex<Vec<(&'static str, TransactionId)>>>,
}

struct ScriptedProvider {
    mock: MockProvider,
    script: Script,
}

impl ScriptedProvider {
    fn send<'a, T: 'a>(&'a self, call: &'static str, id: TransactionId, answer: ProviderFuture<'a, T>) -> ProviderFuture<'a, T> {
        self.script.calls.lock().unwrap().push((call, id));
        let fault = self.script.faults.lock().unwrap().pop();
        Box::pin(async move {
            match fault {
                None => answer.await,
                Some(Fault::Unavailable) => Err(ProviderError::Unavailable),
                Some(Fault::Lost) => Err(ProviderError::NoAnswer),
                Some(Fault::AnswerLost) => answer.await.and(Err(ProviderError::NoAnswer)),
            }
        })
    }
}

impl PaymentProvider for ScriptedProvider {
    fn name(&self) -> Provider {
        self.mock.name()
    }
    fn authorize(&self, authorization: Authorization) -> ProviderFuture<'_, Outcome> {
        self.send("authorize", authorization.transaction_id, self.mock.authorize(authorization))
    }
    fn capture(&self, operation: Operation) -> ProviderFuture<'_, Outcome> {
        self.send("capture", operation.transaction_id, self.mock.capture(operation))
    }
    fn void(&self, operation: Operation) -> ProviderFuture<'_, Outcome> {
        self.send("void", operation.transaction_id, self.mock.void(operation))
    }
    fn refund(&self, operation: Operation) -> ProviderFuture<'_, Outcome> {
        self.send("refund", operation.transaction_id, self.mock.refund(operation))
    }
    fn lookup(&self, id: TransactionId) -> ProviderFuture<'_, Option<Outcome>> {
        self.send("lookup", id, self.mock.lookup(id))
    }
    fn abandon(&self, authorization: Authorization) -> ProviderFuture<'_, Outcome> {
        self.send("abandon", authorization.transaction_id, self.mock.abandon(authorization))
    }
    fn read_webhook(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<Option<TransactionId>, Problem> {
        self.mock.read_webhook(headers, body, now)
    }
}

impl Script {
    async fn start(faults: &[Fault]) -> (Fixture, Script) {
        let script = Script::default();
        *script.faults.lock().unwrap() = faults.iter().rev().copied().collect();
        let own = script.clone();
        let service = service_with(move |ctx, settings| Arc::new(ScriptedProvider { mock: mock_provider(ctx, settings), script: own }));
        (Fixture::with(Harness::of(service)).await, script)
    }

    /// The calls so far; all of them name one transaction.
    fn calls(&self) -> Vec<&'static str> {
        let calls = self.calls.lock().unwrap().clone();
        assert!(calls.iter().all(|(_, id)| *id == calls[0].1), "{calls:?}");
        calls.into_iter().map(|(call, _)| call).collect()
    }
}

#[tokio::test]
async fn an_unknown_outcome_is_looked_up_before_the_request_is_repeated() {
    for (fault, calls) in [(Fault::Lost, vec!["authorize", "lookup", "authorize"]), (Fault::AnswerLost, vec!["authorize", "lookup"])] {
        let (fixture, script) = Script::start(&[fault]).await;
        let id = fixture.payment("pm_ok").await;
        assert_eq!(transactions(&fixture.act(id, "authorize").await), [(Authorize, Unknown)]);
        fixture.advance_and_complete().await;
        assert_eq!(script.calls(), calls);
        assert_eq!(fixture.read(id).await.status, PaymentStatus::Authorized);
        fixture.assert_consistent().await;
    }
}

#[tokio::test]
async fn a_request_tries_three_times_after_transient_errors_and_the_worker_continues_with_a_lookup() {
    let (fixture, script) = Script::start(&[Fault::Unavailable; 3]).await;
    let id = fixture.payment("pm_ok").await;
    assert_eq!(transactions(&fixture.act(id, "authorize").await), [(Authorize, Pending)]);
    assert_eq!(script.calls(), ["authorize"; 3]);
    fixture.advance_and_complete().await;
    assert_eq!(script.calls(), ["authorize", "authorize", "authorize", "lookup", "authorize"]);
    assert_eq!(fixture.read(id).await.status, PaymentStatus::Authorized);
}

#[tokio::test]
async fn an_authorization_of_a_voided_payment_is_abandoned_and_not_sent_again() {
    let (fixture, script) = Script::start(&[Fault::Lost]).await;
    let id = fixture.payment("pm_ok").await;
    fixture.act(id, "authorize").await;
    assert_eq!(fixture.act(id, "void").await.status, PaymentStatus::Voided);
    assert_eq!(script.calls(), ["authorize", "lookup", "abandon"]);
    fixture.assert_consistent().await;
}
