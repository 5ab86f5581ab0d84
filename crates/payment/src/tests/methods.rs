//! The behaviour of every `pm_…` value.

use super::{AMOUNT, Fixture, transactions};
use crate::service;
use contracts::{
    payment::{
        Payment, PaymentAuthorized, PaymentCaptured, PaymentFailed, PaymentStatus, PaymentVoided,
        TransactionStatus::{self, Failed, Succeeded, Unknown},
        TransactionType::{Authorize, Capture, Refund, Void},
    },
    problem::{Code, Failure},
};
use platform::testing::Harness;
use std::time::Duration;

#[tokio::test]
async fn pm_ok_is_authorized_captured_and_refunded() {
    let fixture = Fixture::start().await;
    let body = fixture.body("pm_ok");
    let made = fixture.make(&body).await.expect(201);
    let payment: Payment = made.read();
    assert_eq!(made.header("location"), format!("/api/v1/payments/{}", payment.payment_id));
    assert_eq!((payment.status, payment.amount, payment.transactions.len()), (PaymentStatus::Initiated, AMOUNT, 0));
    assert_eq!(made.json()["provider"], "MOCK");
    assert_eq!(made.json()["failure"], serde_json::Value::Null);

    let payment = fixture.act(payment.payment_id, "authorize").await;
    assert_eq!((payment.status, payment.captured_amount), (PaymentStatus::Authorized, 0));
    let payment = fixture.act(payment.payment_id, "capture").await;
    assert_eq!((payment.status, payment.captured_amount), (PaymentStatus::Captured, AMOUNT));
    let payment = fixture.act(payment.payment_id, "refund").await;
    assert_eq!((payment.status, payment.refunded_amount), (PaymentStatus::Refunded, AMOUNT));
    assert_eq!(transactions(&payment), [(Authorize, Succeeded), (Capture, Succeeded), (Refund, Succeeded)]);
    let references: Vec<_> = payment.transactions.iter().map(|t| t.provider_reference.as_deref().unwrap_or("")).collect();
    assert!(references[0].starts_with("mock_auth_") && references[1].starts_with("mock_ch_") && references[2].starts_with("mock_re_"));
    assert_eq!(fixture.read(payment.payment_id).await, payment);

    assert_eq!(fixture.event_types().await, ["PaymentAuthorized", "PaymentCaptured", "PaymentRefunded"]);
    let captured = &fixture.emitted_of::<PaymentCaptured>().await[0];
    assert_eq!((captured.payment_id, captured.user_id, captured.amount), (payment.payment_id, fixture.user, AMOUNT));
    assert_eq!(captured.order_number, "S-1001");
    fixture.assert_consistent().await;
}

#[tokio::test]
async fn an_authorization_that_is_declined_fails_the_payment() {
    let fixture = Fixture::start().await;
    for (method, code) in [("pm_declined", Code::PAYMENT_DECLINED), ("pm_insufficient_funds", Code::INSUFFICIENT_FUNDS)] {
        let id = fixture.payment(method).await;
        let payment = fixture.act(id, "authorize").await;
        assert_eq!(payment.status, PaymentStatus::Failed);
        assert_eq!(payment.failure, Some(Failure::from(code)));
        assert_eq!(transactions(&payment), [(Authorize, Failed)]);
        assert_eq!(payment.transactions[0].failure, Some(Failure::from(code)));
        let event = fixture.emitted_of::<PaymentFailed>().await.pop().expect("it is announced");
        assert_eq!((event.payment_id, event.stage, event.failure), (id, Authorize, Failure::from(code)));
        // A failed payment accepts no other command, and a void changes nothing.
        for verb in ["capture", "refund"] {
            fixture.try_to(id, verb, &fixture.fresh_key()).await.expect_problem(409, "ILLEGAL_TRANSITION");
        }
        assert_eq!(fixture.act(id, "void").await, payment);
        assert_eq!(fixture.act(id, "authorize").await, payment);
    }
    assert_eq!(fixture.event_types().await, ["PaymentFailed", "PaymentFailed"]);
    fixture.assert_consistent().await;
}

#[tokio::test]
async fn a_declined_capture_is_voided_before_the_payment_is_failed() {
    let fixture = Fixture::start().await;
    let id = fixture.authorized("pm_capture_fails").await;
    let payment = fixture.act(id, "capture").await;
    assert_eq!(payment.status, PaymentStatus::Failed);
    assert_eq!((payment.failure.clone(), payment.captured_amount), (Some(Failure::from(Code::CAPTURE_FAILED)), 0));
    assert_eq!(transactions(&payment), [(Authorize, Succeeded), (Capture, Failed), (Void, Succeeded)]);
    let event = &fixture.emitted_of::<PaymentFailed>().await[0];
    assert_eq!((event.stage, &event.failure), (Capture, &Failure::from(Code::CAPTURE_FAILED)));
    assert_eq!(fixture.event_types().await, ["PaymentAuthorized", "PaymentFailed"]);
    assert_eq!(fixture.act(id, "capture").await, payment);
    fixture.assert_consistent().await;
}

#[tokio::test]
async fn a_refund_that_fails_leaves_the_payment_captured() {
    let fixture = Fixture::start().await;
    let id = fixture.captured("pm_refund_fails").await;
    for _ in 0..2 {
        let key = fixture.fresh_key();
        let refused = fixture.try_to(id, "refund", &key).await.expect_problem(409, "REFUND_FAILED");
        // The answer under the same key is the same, and not retryable.
        assert_eq!(refused.json()["retryable"], false);
        fixture.try_to(id, "refund", &key).await.expect_problem(409, "REFUND_FAILED");
    }
    let payment = fixture.read(id).await;
    let failure = Some(Failure::from(Code::REFUND_FAILED));
    assert_eq!((payment.status, payment.refunded_amount, payment.failure.clone()), (PaymentStatus::Captured, 0, failure));
    assert_eq!(transactions(&payment)[2..], [(Refund, Failed), (Refund, Failed)]);
    assert_eq!(payment.transactions[2].failure, Some(Failure::from(Code::REFUND_FAILED)));
    assert_eq!(fixture.event_types().await, ["PaymentAuthorized", "PaymentCaptured"]);
    fixture.assert_consistent().await;
}

#[tokio::test]
async fn pm_timeout_is_unknown_until_the_lookup() {
    let fixture = Fixture::with_short_deadline().await;
    let id = fixture.payment("pm_timeout").await;
    let payment = fixture.act(id, "authorize").await;
    assert_eq!(payment.status, PaymentStatus::Initiated);
    assert_eq!(transactions(&payment), [(Authorize, Unknown)]);
    assert_eq!(payment.transactions[0].provider_reference, None);
    assert!(fixture.event_types().await.is_empty());
    // The provider authorized it; a lookup shows it.
    assert_eq!(fixture.ledger_entries().await, 1);
    fixture.complete().await;
    assert_eq!(fixture.read(id).await, payment);

    fixture.advance(Duration::from_millis(1_250));
    fixture.complete().await;
    let payment = fixture.read(id).await;
    assert_eq!(payment.status, PaymentStatus::Authorized);
    assert_eq!(transactions(&payment), [(Authorize, Succeeded)]);
    assert_eq!(fixture.emitted_of::<PaymentAuthorized>().await.len(), 1);
    assert_eq!(fixture.act(id, "capture").await.status, PaymentStatus::Captured);
    fixture.assert_consistent().await;
}

#[tokio::test]
async fn pm_flaky_works_at_the_third_attempt_of_every_operation() {
    let fixture = Fixture::start().await;
    let id = fixture.payment("pm_flaky").await;
    for (verb, status) in
        [("authorize", PaymentStatus::Authorized), ("capture", PaymentStatus::Captured), ("refund", PaymentStatus::Refunded)]
    {
        assert_eq!(fixture.act(id, verb).await.status, status);
    }
    let other = fixture.authorized("pm_flaky").await;
    assert_eq!(fixture.act(other, "void").await.status, PaymentStatus::Voided);
    let times: Vec<i64> = fixture
        .db()
        .read(async |tx| tx.query("SELECT times FROM mock_stumbles", &[], |row| row.next()).await)
        .await
        .expect("the table can be read");
    assert_eq!(times, [3; 5]);
    fixture.assert_consistent().await;
}

#[tokio::test]
async fn pm_slow_is_slow_and_succeeds() {
    let fixture = Fixture::with(Harness::of(service()).setting("slow_ms", 40)).await;
    let began = fixture.env.now();
    let id = fixture.captured("pm_slow").await;
    assert_eq!(fixture.env.now().since(began), Duration::from_millis(80), "by the frozen clock");
    assert_eq!(fixture.act(id, "refund").await.status, PaymentStatus::Refunded);
    fixture.assert_consistent().await;
}

#[tokio::test]
async fn a_request_slower_than_the_deadline_is_settled_later() {
    let fixture =
        Fixture::with(Harness::of(service()).setting("slow_ms", 400).setting("deadline_ms", platform::testing::short_deadline_ms())).await;
    let id = fixture.payment("pm_slow").await;
    // The provider answers only when the clock moves.
    let payment: Payment = fixture.command(id, "authorize", "slow").send().await.expect(200).read();
    assert_eq!(transactions(&payment), [(Authorize, TransactionStatus::Unknown)]);
    assert_eq!(fixture.ledger_entries().await, 0);
    // The request arrives late, and the repeated request must not act twice.
    for _ in 0..100 {
        fixture.advance_and_complete().await;
        if fixture.open_transactions().await == 0 {
            break;
        }
    }
    assert_eq!(fixture.read(id).await.status, PaymentStatus::Authorized);
    fixture.assert_consistent().await;
}

#[tokio::test]
async fn a_payment_is_voided_in_every_status_before_the_capture() {
    let fixture = Fixture::start().await;
    let unsent = fixture.payment("pm_ok").await;
    let payment = fixture.act(unsent, "void").await;
    assert_eq!((payment.status, payment.transactions.len()), (PaymentStatus::Voided, 0));
    assert_eq!(fixture.ledger_entries().await, 0);
    assert_eq!(fixture.act(unsent, "void").await, payment);
    for verb in ["authorize", "capture", "refund"] {
        let refused = fixture.try_to(unsent, verb, &fixture.fresh_key()).await.expect_problem(409, "ILLEGAL_TRANSITION");
        assert_eq!(refused.json()["paymentStatus"], "VOIDED");
    }

    let authorized = fixture.authorized("pm_ok").await;
    let payment = fixture.act(authorized, "void").await;
    assert_eq!(payment.status, PaymentStatus::Voided);
    assert_eq!(transactions(&payment), [(Authorize, Succeeded), (Void, Succeeded)]);
    assert_eq!(fixture.emitted_of::<PaymentVoided>().await.len(), 2);

    let captured = fixture.captured("pm_ok").await;
    fixture.try_to(captured, "void", &fixture.fresh_key()).await.expect_problem(409, "ILLEGAL_TRANSITION");
    fixture.assert_consistent().await;
}

#[tokio::test]
async fn an_unknown_authorization_is_settled_before_it_is_voided() {
    let fixture = Fixture::with_short_deadline().await;
    let id = fixture.payment("pm_timeout").await;
    assert_eq!(fixture.act(id, "authorize").await.status, PaymentStatus::Initiated);
    let payment = fixture.act(id, "void").await;
    assert_eq!(payment.status, PaymentStatus::Voided);
    assert_eq!(transactions(&payment), [(Authorize, Succeeded), (Void, Succeeded)]);
    assert_eq!(fixture.event_types().await, ["PaymentAuthorized", "PaymentVoided"]);
    fixture.assert_consistent().await;
}

#[tokio::test]
async fn a_setting_makes_the_mock_decline() {
    let fixture = Fixture::with(Harness::of(service()).setting("decline_percent", 100)).await;
    let id = fixture.payment("pm_ok").await;
    let payment = fixture.act(id, "authorize").await;
    assert_eq!((payment.status, payment.failure), (PaymentStatus::Failed, Some(Failure::from(Code::PAYMENT_DECLINED))));
    fixture.assert_consistent().await;
}

#[tokio::test]
async fn every_operation_waits_for_the_latency_that_is_set() {
    let fixture = Fixture::with(Harness::of(service()).setting("latency_ms", 30)).await;
    let id = fixture.payment("pm_ok").await;
    let began = fixture.env.now();
    fixture.act(id, "authorize").await;
    assert_eq!(fixture.env.now().since(began), Duration::from_millis(30), "by the frozen clock");
}
