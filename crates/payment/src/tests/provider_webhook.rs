//! Webhooks of the provider.

use super::{Fixture, transactions};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use contracts::{
    ids::TransactionId,
    payment::{PaymentStatus, TransactionStatus::Unknown, TransactionType::Authorize},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use platform::{master_key::MasterKey, testing::TestResponse};
use serde_json::json;
use sha2::Sha256;
use std::time::Duration;

/// A signed webhook, in parts that a test can change.
struct SignedWebhook {
    id: &'static str,
    timestamp: String,
    body: String,
    signature: String,
}

impl Fixture {
    fn webhook(&self, transaction: TransactionId) -> SignedWebhook {
        let body = json!({"type": "transaction.settled", "timestamp": "2026-01-01T00:00:00Z", "data": {"transactionId": transaction, "status": "SUCCEEDED"}});
        self.sign(body.to_string())
    }

    fn sign(&self, body: String) -> SignedWebhook {
        // The master key of the harness.
        let key = crate::provider::webhook_key(&MasterKey::new([7; 32]));
        let (id, timestamp) = ("msg_1", self.env.now().unix_seconds().to_string());
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        SignedWebhook { id, timestamp, body, signature: format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())) }
    }

    async fn post_webhook(&self, signed: &SignedWebhook) -> TestResponse {
        self.request("POST".parse().unwrap(), "/payments/webhooks/mock")
            .raw("application/json", signed.body.clone())
            .header("webhook-id", signed.id)
            .header("webhook-timestamp", &signed.timestamp)
            .header("webhook-signature", &signed.signature)
            .send()
            .await
    }
}

#[tokio::test]
async fn a_webhook_makes_an_unknown_outcome_due_at_once() {
    let fixture = Fixture::with_short_deadline().await;
    let id = fixture.payment("pm_timeout").await;
    let payment = fixture.act(id, "authorize").await;
    assert_eq!(transactions(&payment), [(Authorize, Unknown)]);
    let webhook = fixture.webhook(payment.transactions[0].transaction_id);
    for _ in 0..2 {
        fixture.post_webhook(&webhook).await.expect(204);
    }
    fixture.complete().await;
    assert_eq!(fixture.read(id).await.status, PaymentStatus::Authorized);
    assert_eq!(fixture.event_types().await, ["PaymentAuthorized"]);
    fixture.assert_consistent().await;
}

#[tokio::test]
async fn a_webhook_about_a_settled_transaction_changes_nothing() {
    let fixture = Fixture::start().await;
    let declined = fixture.payment("pm_declined").await;
    let voided = fixture.authorized("pm_ok").await;
    fixture.act(voided, "void").await;
    for id in [fixture.act(declined, "authorize").await.payment_id, voided] {
        let before = fixture.read(id).await;
        for transaction in &before.transactions {
            fixture.post_webhook(&fixture.webhook(transaction.transaction_id)).await.expect(204);
        }
        fixture.advance_and_complete().await;
        assert_eq!(fixture.read(id).await, before);
    }
    // Unknown transactions and other types change nothing either.
    fixture.post_webhook(&fixture.webhook(fixture.id())).await.expect(204);
    for body in [r#"{"type":"payout.made","data":{}}"#, r#"{"type":"transaction.settled","data":{"transactionId":"7"}}"#] {
        fixture.post_webhook(&fixture.sign(body.to_owned())).await.expect(204);
    }
    fixture.assert_consistent().await;
}

#[tokio::test]
async fn a_webhook_without_a_valid_signature_is_refused() {
    let fixture = Fixture::start().await;
    let good = || fixture.webhook(fixture.id());
    fixture.post_webhook(&good()).await.expect(204);
    let long_ago = (fixture.env.now().unix_seconds() - 301).to_string();
    let other = good().signature;
    for bad in [
        SignedWebhook { signature: String::new(), ..good() },
        SignedWebhook { signature: "v1,".to_owned(), ..good() },
        SignedWebhook { signature: "v1,AAAA".to_owned(), ..good() },
        SignedWebhook { signature: good().signature.replacen("v1", "v2", 1), ..good() },
        SignedWebhook { signature: other, ..good() },
        SignedWebhook { id: "msg_2", ..good() },
        SignedWebhook { timestamp: "now".to_owned(), ..good() },
        SignedWebhook { timestamp: long_ago, ..good() },
        SignedWebhook { body: r#"{"type":"transaction.settled","data":{}}"#.to_owned(), ..good() },
    ] {
        fixture.post_webhook(&bad).await.expect_problem(401, "UNAUTHENTICATED");
    }
    fixture.post("/payments/webhooks/mock", &json!({})).admin().send().await.expect_problem(401, "UNAUTHENTICATED");
    // One valid signature of several is enough, for key rotation.
    let mut rotated = good();
    rotated.signature = format!("v1,AAAA {}", rotated.signature);
    fixture.post_webhook(&rotated).await.expect(204);
    // A signature is valid for exactly five minutes.
    let old = good();
    fixture.advance(Duration::from_secs(300));
    fixture.post_webhook(&old).await.expect(204);
    fixture.advance(Duration::from_secs(1));
    fixture.post_webhook(&old).await.expect_problem(401, "UNAUTHENTICATED");
    fixture.post_webhook(&fixture.sign("{".to_owned())).await.expect_problem(400, "MALFORMED_REQUEST");
    fixture.post_webhook(&fixture.sign("[]".to_owned())).await.expect_problem(422, "INVALID_REQUEST");
}
