//! Notices of the provider.

use super::{Shop, transactions};
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

/// A notice as the provider signs it, so that a test can spoil one part.
struct Sealed {
    id: &'static str,
    timestamp: String,
    body: String,
    signature: String,
}

impl Shop {
    fn notice(&self, transaction: TransactionId) -> Sealed {
        let body = json!({"type": "transaction.settled", "timestamp": "2026-01-01T00:00:00Z", "data": {"transactionId": transaction, "status": "SUCCEEDED"}});
        self.seal(body.to_string())
    }

    fn seal(&self, body: String) -> Sealed {
        // The harness's installation.
        let key = crate::webhook::key(&MasterKey::new([7; 32]));
        let (id, timestamp) = ("msg_1", self.env.now().unix_seconds().to_string());
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        Sealed { id, timestamp, body, signature: format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())) }
    }

    async fn hear(&self, sealed: &Sealed) -> TestResponse {
        self.request("POST".parse().unwrap(), "/payments/webhooks/mock")
            .raw("application/json", sealed.body.clone())
            .header("webhook-id", sealed.id)
            .header("webhook-timestamp", &sealed.timestamp)
            .header("webhook-signature", &sealed.signature)
            .send()
            .await
    }
}

#[tokio::test]
async fn a_notice_has_an_unknown_outcome_asked_for_at_once() {
    let shop = Shop::impatient().await;
    let id = shop.payment("pm_timeout").await;
    let payment = shop.act(id, "authorize").await;
    assert_eq!(transactions(&payment), [(Authorize, Unknown)]);
    let notice = shop.notice(payment.transactions[0].transaction_id);
    for _ in 0..2 {
        shop.hear(&notice).await.expect(204);
    }
    shop.complete().await;
    assert_eq!(shop.read(id).await.status, PaymentStatus::Authorized);
    assert_eq!(shop.event_types().await, ["PaymentAuthorized"]);
    shop.tells_one_story().await;
}

#[tokio::test]
async fn a_notice_against_what_is_settled_changes_nothing() {
    let shop = Shop::open().await;
    let declined = shop.payment("pm_declined").await;
    let voided = shop.authorized("pm_ok").await;
    shop.act(voided, "void").await;
    for id in [shop.act(declined, "authorize").await.payment_id, voided] {
        let before = shop.read(id).await;
        for transaction in &before.transactions {
            shop.hear(&shop.notice(transaction.transaction_id)).await.expect(204);
        }
        shop.later().await;
        assert_eq!(shop.read(id).await, before);
    }
    // Nor do notices of what nobody knows, or of other things.
    shop.hear(&shop.notice(shop.id())).await.expect(204);
    for body in [r#"{"type":"payout.made","data":{}}"#, r#"{"type":"transaction.settled","data":{"transactionId":"7"}}"#] {
        shop.hear(&shop.seal(body.to_owned())).await.expect(204);
    }
    shop.tells_one_story().await;
}

#[tokio::test]
async fn a_notice_that_is_not_the_providers_is_refused() {
    let shop = Shop::open().await;
    let good = || shop.notice(shop.id());
    shop.hear(&good()).await.expect(204);
    let long_ago = (shop.env.now().unix_seconds() - 301).to_string();
    let other = good().signature;
    for bad in [
        Sealed { signature: String::new(), ..good() },
        Sealed { signature: "v1,".to_owned(), ..good() },
        Sealed { signature: "v1,AAAA".to_owned(), ..good() },
        Sealed { signature: good().signature.replacen("v1", "v2", 1), ..good() },
        Sealed { signature: other, ..good() },
        Sealed { id: "msg_2", ..good() },
        Sealed { timestamp: "now".to_owned(), ..good() },
        Sealed { timestamp: long_ago, ..good() },
        Sealed { body: r#"{"type":"transaction.settled","data":{}}"#.to_owned(), ..good() },
    ] {
        shop.hear(&bad).await.expect_problem(401, "UNAUTHENTICATED");
    }
    shop.post("/payments/webhooks/mock", &json!({})).admin().send().await.expect_problem(401, "UNAUTHENTICATED");
    // One signature of several is enough, while keys change.
    let mut rotated = good();
    rotated.signature = format!("v1,AAAA {}", rotated.signature);
    shop.hear(&rotated).await.expect(204);
    // Signed five minutes ago to the second, it still counts; later it is old.
    let old = good();
    shop.advance(Duration::from_secs(300));
    shop.hear(&old).await.expect(204);
    shop.advance(Duration::from_secs(1));
    shop.hear(&old).await.expect_problem(401, "UNAUTHENTICATED");
    shop.hear(&shop.seal("{".to_owned())).await.expect_problem(400, "MALFORMED_REQUEST");
    shop.hear(&shop.seal("[]".to_owned())).await.expect_problem(422, "INVALID_REQUEST");
}
