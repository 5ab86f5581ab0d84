//! Idempotency by key and by state, also of concurrent requests.

use super::{AMOUNT, Fixture};
use crate::service;
use contracts::payment::{Payment, PaymentStatus};
use platform::testing::Harness;
use serde_json::json;
use std::time::Duration;

const VERBS: [&str; 4] = ["authorize", "capture", "void", "refund"];

#[tokio::test]
async fn every_operation_needs_a_key() {
    let fixture = Fixture::start().await;
    fixture.post("/payments", &fixture.body("pm_ok")).service("order").send().await.expect_problem(400, "IDEMPOTENCY_KEY_REQUIRED");
    let id = fixture.payment("pm_ok").await;
    for verb in VERBS {
        let path = format!("/payments/{id}/{verb}");
        fixture.post(&path, &json!({})).service("order").send().await.expect_problem(400, "IDEMPOTENCY_KEY_REQUIRED");
    }
    assert!(fixture.read(id).await.transactions.is_empty());
}

#[tokio::test]
async fn the_same_key_gives_the_first_answer_byte_for_byte() {
    let fixture = Fixture::start().await;
    let body = fixture.body("pm_ok");
    let first = fixture.post("/payments", &body).service("order").key("make").send().await.expect(201);
    let again = fixture.post("/payments", &body).service("order").key("make").send().await.expect(201);
    assert_eq!((again.body.clone(), again.header("idempotency-replayed")), (first.body.clone(), "true"));
    assert_eq!(again.header("location"), first.header("location"));
    fixture
        .post("/payments", &fixture.body("pm_ok"))
        .service("order")
        .key("make")
        .send()
        .await
        .expect_problem(422, "IDEMPOTENCY_KEY_REUSED");

    let id = first.read::<Payment>().payment_id;
    for verb in ["authorize", "capture", "refund"] {
        let first = fixture.try_to(id, verb, verb).await.expect(200);
        assert_eq!(first.header("idempotency-replayed"), "");
        fixture.advance(Duration::from_secs(3_600));
        let again = fixture.try_to(id, verb, verb).await.expect(200);
        assert_eq!((again.body, again.headers["idempotency-replayed"].to_str().unwrap()), (first.body, "true"));
    }
    // The payment has changed, and the first answers are the same.
    assert_eq!(fixture.try_to(id, "authorize", "authorize").await.json()["status"], "AUTHORIZED");
    // A problem is stored as an answer too.
    let refused = fixture.try_to(id, "void", "void").await.expect_problem(409, "ILLEGAL_TRANSITION");
    assert_eq!(refused.json()["paymentStatus"], "REFUNDED", "beside the document's own status");
    assert_eq!(fixture.try_to(id, "void", "void").await.body, refused.body);
    let path = format!("/payments/{id}/refund");
    fixture.post(&path, &json!({"amount": 1})).service("order").key("refund").send().await.expect_problem(422, "IDEMPOTENCY_KEY_REUSED");
    fixture.assert_consistent().await;
}

#[tokio::test]
async fn a_repeated_command_under_another_key_answers_the_payment() {
    let fixture = Fixture::start().await;
    let id = fixture.authorized("pm_ok").await;
    assert_eq!(fixture.act(id, "authorize").await.status, PaymentStatus::Authorized);
    let captured = fixture.act(id, "capture").await;
    for verb in ["authorize", "capture"] {
        assert_eq!(fixture.act(id, verb).await, captured);
    }
    fixture.act(id, "refund").await;
    for verb in ["authorize", "capture", "refund"] {
        assert_eq!(fixture.act(id, verb).await.status, PaymentStatus::Refunded);
    }
    assert_eq!(fixture.ledger_entries().await, 3);
    assert_eq!(fixture.emitted().await.len(), 3);
    fixture.assert_consistent().await;
}

#[tokio::test]
async fn an_order_has_one_open_payment() {
    let fixture = Fixture::start().await;
    let mut body = fixture.body("pm_declined");
    let first: Payment = fixture.make(&body).await.expect(201).read();
    assert_eq!(fixture.make(&body).await.expect(201).read::<Payment>(), first);
    let mut other = body.clone();
    for (field, value) in
        [("amount", json!(1)), ("currency", json!("USD")), ("paymentMethod", json!("pm_ok")), ("userId", json!(first.order_id))]
    {
        let before = std::mem::replace(&mut other[field], value);
        fixture.make(&other).await.expect_problem(409, "PAYMENT_EXISTS");
        other[field] = before;
    }
    // After its end the order can have another payment.
    assert_eq!(fixture.act(first.payment_id, "authorize").await.status, PaymentStatus::Failed);
    body["paymentMethod"] = json!("pm_ok");
    let second: Payment = fixture.make(&body).await.expect(201).read();
    assert_ne!(second.payment_id, first.payment_id);
    assert_eq!(fixture.act(second.payment_id, "authorize").await.status, PaymentStatus::Authorized);
}

#[tokio::test]
async fn a_new_payment_waits_until_the_last_one_is_voided() {
    let fixture = Fixture::with(Harness::of(service()).setting("transient_failure_percent", 100)).await;
    let body = fixture.body("pm_ok");
    let id = fixture.make(&body).await.expect(201).read::<Payment>().payment_id;
    fixture.act(id, "authorize").await;
    assert_eq!(fixture.act(id, "void").await.status, PaymentStatus::Initiated);
    let refused = fixture.skip_sleeps(fixture.post("/payments", &body).service("order").key("next").send()).await;
    let refused = refused.expect_problem(503, "PROVIDER_UNAVAILABLE");
    assert_eq!(refused.header("idempotency-replayed"), "");
}

#[tokio::test]
async fn forty_requests_at_once_with_one_key_are_one_ledger_entry() {
    let fixture = Fixture::with(Harness::of(service()).setting("latency_ms", 5)).await;
    let id = fixture.payment("pm_ok").await;
    let mut entries = 0;
    for verb in ["authorize", "capture", "refund"] {
        let requests: Vec<_> = (0..40)
            .map(|_| {
                let fixture = fixture.clone();
                fixture.env.clone().spawn(async move { fixture.try_to(id, verb, "the one key").await })
            })
            .collect();
        let mut answers = Vec::new();
        for request in requests {
            let answer = request.await.expect("no request panics");
            match answer.status.as_u16() {
                200 => answers.push(answer.body),
                _ => assert_eq!(answer.expect_problem(409, "IDEMPOTENCY_IN_PROGRESS").header("retry-after"), "1"),
            }
        }
        answers.push(fixture.try_to(id, verb, "the one key").await.expect(200).body);
        answers.dedup();
        assert_eq!(answers.len(), 1);
        entries += 1;
        assert_eq!(fixture.ledger_entries().await, entries);
    }
    fixture.assert_consistent().await;
}

#[tokio::test]
async fn forty_requests_at_once_with_forty_keys_are_one_ledger_entry() {
    let fixture = Fixture::with(Harness::of(service()).setting("latency_ms", 5)).await;
    let id = fixture.payment("pm_ok").await;
    for (verb, status) in [("authorize", PaymentStatus::Authorized), ("capture", PaymentStatus::Captured)] {
        let requests: Vec<_> = (0..40)
            .map(|_| {
                let fixture = fixture.clone();
                fixture.env.clone().spawn(async move { fixture.act(id, verb).await.status })
            })
            .collect();
        for request in requests {
            assert_eq!(request.await.expect("no request panics"), status);
        }
    }
    assert_eq!(fixture.ledger_entries().await, 2);
    assert_eq!(fixture.read(id).await.captured_amount, AMOUNT);
    fixture.assert_consistent().await;
}

#[tokio::test]
async fn of_a_capture_and_a_void_at_once_one_succeeds() {
    let fixture = Fixture::with(Harness::of(service()).setting("latency_ms", 2)).await;
    for round in 0..20 {
        let id = fixture.authorized("pm_ok").await;
        let (capturing, voiding) = (fixture.fresh_key(), fixture.fresh_key());
        let (capture, void) = (fixture.try_to(id, "capture", &capturing), fixture.try_to(id, "void", &voiding));
        let (capture, void) = if round % 2 == 0 {
            tokio::join!(capture, void)
        } else {
            let (void, capture) = tokio::join!(void, capture);
            (capture, void)
        };
        let (winner, loser) = match fixture.read(id).await.status {
            PaymentStatus::Captured => (capture, void),
            PaymentStatus::Voided => (void, capture),
            other => panic!("neither succeeded: {other}"),
        };
        winner.expect(200);
        loser.expect_problem(409, "ILLEGAL_TRANSITION");
    }
    fixture.assert_consistent().await;
}
