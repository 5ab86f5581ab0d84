//! The service through its entry points, with a frozen clock. Only the deadline for the provider is real time.

mod access;
mod assert_consistent;
mod claiming;
mod consistency_check;
mod crashes;
mod demonstration;
mod idempotency;
mod input;
mod lists;
mod methods;
mod provider_webhook;
mod refunds;
mod scripted_provider;
mod unknown_outcomes;

use crate::service;
use contracts::{
    ids::{OrderId, PaymentId, UserId},
    payment::{Payment, PaymentStatus, TransactionStatus, TransactionType},
};
use platform::testing::{Harness, HarnessBuilder, TestRequest, TestResponse};
use serde_json::{Value, json};
use std::{ops::Deref, sync::Arc, time::Duration};

/// The default amount of a payment.
const AMOUNT: i64 = 12_345;

#[test]
fn statements_prepare() {
    platform::testing::assert_statements_prepare(&service(), env!("CARGO_MANIFEST_DIR"));
}

/// A running service and a customer. Cheap to clone, for concurrent requests.
#[derive(Clone)]
struct Fixture {
    harness: Arc<Harness>,
    user: UserId,
}

impl Deref for Fixture {
    type Target = Harness;
    fn deref(&self) -> &Harness {
        &self.harness
    }
}

impl Fixture {
    async fn start() -> Fixture {
        Fixture::with(Harness::of(service())).await
    }

    /// Starts with a short deadline for the provider.
    async fn with_short_deadline() -> Fixture {
        Fixture::with(Harness::of(service()).setting("deadline_ms", platform::testing::short_deadline_ms())).await
    }

    async fn with(builder: HarnessBuilder) -> Fixture {
        let harness = builder.start().await;
        Fixture { user: harness.id(), harness: Arc::new(harness) }
    }

    fn body(&self, method: &str) -> Value {
        json!({
            "orderId": self.id::<OrderId>(), "orderNumber": "S-1001", "userId": self.user, "amount": AMOUNT, "currency": "EUR",
            "paymentMethod": method,
        })
    }

    /// An unused idempotency key.
    fn fresh_key(&self) -> String {
        self.id::<OrderId>().to_string()
    }

    async fn make(&self, body: &Value) -> TestResponse {
        self.post("/payments", body).service("order").key(&self.fresh_key()).send().await
    }

    async fn payment(&self, method: &str) -> PaymentId {
        self.make(&self.body(method)).await.expect(201).read::<Payment>().payment_id
    }

    async fn authorized(&self, method: &str) -> PaymentId {
        let id = self.payment(method).await;
        assert_eq!(self.act(id, "authorize").await.status, PaymentStatus::Authorized);
        id
    }

    async fn captured(&self, method: &str) -> PaymentId {
        let id = self.authorized(method).await;
        assert_eq!(self.act(id, "capture").await.status, PaymentStatus::Captured);
        id
    }

    /// The request for `authorize`, `capture`, `void` or a full `refund` under this key.
    fn command(&self, id: PaymentId, verb: &str, key: &str) -> TestRequest<'_> {
        self.request("POST".parse().expect("a method"), &format!("/payments/{id}/{verb}")).service("order").key(key)
    }

    /// Sends it. Pauses between attempts and the latency of the provider take no time.
    async fn try_to(&self, id: PaymentId, verb: &str, key: &str) -> TestResponse {
        self.skip_sleeps(self.command(id, verb, key).send()).await
    }

    /// Sends the same under a fresh key and returns the payment.
    async fn act(&self, id: PaymentId, verb: &str) -> Payment {
        self.try_to(id, verb, &self.fresh_key()).await.expect(200).read()
    }

    async fn refund(&self, id: PaymentId, amount: i64) -> TestResponse {
        let body = json!({"amount": amount});
        self.post(&format!("/payments/{id}/refund"), &body).service("order").key(&self.fresh_key()).send().await
    }

    async fn read(&self, id: PaymentId) -> Payment {
        self.get(&format!("/payments/{id}")).customer(self.user).send().await.expect(200).read()
    }

    /// Advances the clock by two minutes and does all work that is due then.
    async fn advance_and_complete(&self) {
        self.advance(Duration::from_secs(120));
        self.skip_sleeps(self.complete()).await;
    }

    async fn event_types(&self) -> Vec<String> {
        self.emitted().await.into_iter().map(|event| event.event_type).collect()
    }
}

/// Returns the types and statuses of the transactions in order.
fn transactions(payment: &Payment) -> Vec<(TransactionType, TransactionStatus)> {
    payment.transactions.iter().map(|transaction| (transaction.r#type, transaction.status)).collect()
}
