//! Refunds never exceed the capture.

use super::{AMOUNT, Fixture};
use crate::service;
use contracts::{
    ids::{PaymentId, Uuid},
    payment::{Payment, PaymentRefunded, PaymentStatus, TransactionStatus, TransactionType},
};
use platform::testing::Harness;

#[tokio::test]
async fn partial_refunds_add_up_to_the_capture_at_most() {
    let fixture = Fixture::start().await;
    let id = fixture.captured("pm_ok").await;
    fixture.refund(id, AMOUNT + 1).await.expect_problem(422, "REFUND_TOO_LARGE");
    let payment: Payment = fixture.refund(id, 345).await.expect(200).read();
    assert_eq!((payment.status, payment.refunded_amount), (PaymentStatus::Captured, 345));
    let refused = fixture.refund(id, AMOUNT - 344).await.expect_problem(422, "REFUND_TOO_LARGE");
    assert_eq!(refused.json()["refundableAmount"], AMOUNT - 345);
    let payment: Payment = fixture.refund(id, 2_000).await.expect(200).read();
    assert_eq!((payment.status, payment.refunded_amount), (PaymentStatus::Captured, 2_345));
    // Without an amount, all that is left is refunded.
    let payment = fixture.act(id, "refund").await;
    assert_eq!((payment.status, payment.refunded_amount), (PaymentStatus::Refunded, AMOUNT));
    assert_eq!(fixture.act(id, "refund").await, payment);
    fixture.refund(id, 1).await.expect_problem(422, "REFUND_TOO_LARGE");

    let events: Vec<_> = fixture.emitted_of::<PaymentRefunded>().await.iter().map(|e| (e.amount, e.refunded_amount, e.in_full)).collect();
    assert_eq!(events, [(345, 345, false), (2_000, 2_345, false), (10_000, AMOUNT, true)]);
    fixture.assert_consistent().await;
}

#[tokio::test]
async fn only_a_captured_payment_is_refunded() {
    let fixture = Fixture::start().await;
    for id in [fixture.payment("pm_ok").await, fixture.authorized("pm_ok").await] {
        fixture.try_to(id, "refund", &fixture.fresh_key()).await.expect_problem(409, "ILLEGAL_TRANSITION");
    }
}

#[tokio::test]
async fn refunds_at_once_never_exceed_the_capture() {
    let fixture = Fixture::start().await;
    let id = fixture.captured("pm_ok").await;
    let part = AMOUNT / 3 + 1;
    let requests: Vec<_> = (0..6)
        .map(|_| {
            let fixture = fixture.clone();
            fixture.env.clone().spawn(async move { fixture.skip_sleeps(fixture.refund(id, part)).await.status.as_u16() })
        })
        .collect();
    let mut done = 0;
    for request in requests {
        match request.await.expect("no request panics") {
            200 => done += 1,
            status => assert_eq!(status, 422),
        }
    }
    let payment = fixture.read(id).await;
    assert_eq!(done, 2);
    assert_eq!((payment.status, payment.refunded_amount), (PaymentStatus::Captured, part * done));
    fixture.assert_consistent().await;
}

/// Appends refunds of 1 to the payment.
async fn insert_refunds(fixture: &Fixture, id: PaymentId, status: &'static str, count: usize) {
    let insert_refunds = async move |tx: &mut platform::db::Tx| {
        for _ in 0..count {
            let transaction: contracts::ids::TransactionId = tx.new_id();
            tx.execute(
                "INSERT INTO payment_transactions (transaction_id, payment_id, position, type, status, amount, fruitless_attempts, created_at) \
                 SELECT $1, $2, MAX(position) + 1, 'REFUND', $3, 1, 0, 0 FROM payment_transactions WHERE payment_id = $2",
                platform::params![transaction, id, status],
            )
            .await?;
        }
        Ok::<_, platform::db::Error>(())
    };
    fixture.db().write(insert_refunds).await.expect("the store can be written");
}

#[tokio::test]
async fn a_payment_is_refunded_a_thousand_times_at_most() {
    let fixture = Fixture::start().await;
    let id = fixture.captured("pm_ok").await;
    insert_refunds(&fixture, id, "SUCCEEDED", crate::domain::MAX_TRANSACTIONS - 2).await;
    fixture.refund(id, 1).await.expect_problem(409, "TOO_MANY_REFUNDS");
}

#[tokio::test]
async fn declined_refunds_do_not_count_and_only_the_newest_are_shown() {
    let fixture = Fixture::start().await;
    let (refused, other) = (fixture.captured("pm_refund_fails").await, fixture.captured("pm_ok").await);
    for id in [refused, other] {
        insert_refunds(&fixture, id, "FAILED", crate::domain::MAX_TRANSACTIONS).await;
        assert_eq!(fixture.read(id).await.transactions.len(), 2 + crate::domain::DECLINED_REFUNDS_SHOWN);
    }
    // The newest declined refund is shown, and every view has the failure.
    fixture.refund(refused, 1).await.expect_problem(409, "REFUND_FAILED");
    let payment = fixture.read(refused).await;
    assert_eq!(payment.transactions.last().map(|t| (t.r#type, t.status)), Some((TransactionType::Refund, TransactionStatus::Failed)));
    assert_eq!(payment.transactions.iter().filter(|t| t.r#type == TransactionType::Refund).count(), crate::domain::DECLINED_REFUNDS_SHOWN);
    let list = fixture.get("/admin/payments?status=CAPTURED").admin().send().await.expect(200).json();
    let mut shown: Vec<_> = list["items"].as_array().unwrap().iter().map(|payment| payment["failure"]["code"].as_str()).collect();
    shown.sort_unstable();
    assert_eq!(shown, [None, Some("REFUND_FAILED")]);
    // A refund that succeeds clears the failure.
    fixture.refund(other, 1).await.expect(200);
    assert_eq!((fixture.read(other).await.refunded_amount, fixture.act(other, "refund").await.status), (1, PaymentStatus::Refunded));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refunds_at_once_wait_for_each_other() {
    for latency in [0, 5] {
        let fixture = Fixture::with(Harness::of(service()).setting("latency_ms", latency)).await;
        let id = fixture.captured("pm_ok").await;
        let requests: Vec<_> = (0..10)
            .map(|_| {
                let fixture = fixture.clone();
                fixture.env.clone().spawn(async move { fixture.skip_sleeps(fixture.refund(id, 100)).await.expect(200).read::<Payment>() })
            })
            .collect();
        let mut refunded = Vec::new();
        for request in requests {
            refunded.push(request.await.expect("no request fails").refunded_amount);
        }
        assert_eq!(refunded.iter().max(), Some(&1_000));
        assert_eq!(fixture.read(id).await.refunded_amount, 1_000);
        fixture.assert_consistent().await;
    }
}

#[tokio::test]
async fn a_refund_behind_one_that_the_provider_does_not_answer_is_refused() {
    let fixture = Fixture::with_short_deadline().await;
    let id = fixture.captured("pm_ok").await;
    insert_refunds(&fixture, id, "PENDING", 1).await;
    fixture.block_provider().await;
    fixture.skip_sleeps(fixture.refund(id, 5)).await.expect_problem(503, "PROVIDER_UNAVAILABLE");
    assert_eq!(fixture.read(id).await.refunded_amount, 0);
}

async fn refund_part(fixture: &Fixture, id: PaymentId, cause: Uuid, amount: i64) -> Payment {
    let body = serde_json::json!({"causeId": cause, "amount": amount});
    let request = fixture.post(&format!("/internal/payments/{id}/refunds"), &body).service("order").key(&fixture.fresh_key()).send();
    fixture.skip_sleeps(request).await.expect(200).read()
}

#[tokio::test]
async fn a_cause_is_refunded_once_and_never_more_than_is_left() {
    let fixture = Fixture::start().await;
    let id = fixture.captured("pm_ok").await;
    let (first, second, third): (Uuid, Uuid, Uuid) = (fixture.id(), fixture.id(), fixture.id());
    for _ in 0..2 {
        let payment = refund_part(&fixture, id, first, 1_000).await;
        assert_eq!((payment.refunded_amount, payment.transactions.last().unwrap().cause_id), (1_000, Some(first)));
    }
    fixture.refund(id, AMOUNT - 1_500).await.expect(200);
    let payment = refund_part(&fixture, id, second, 1_000).await;
    assert_eq!((payment.status, payment.refunded_amount), (PaymentStatus::Refunded, AMOUNT));
    assert_eq!(refund_part(&fixture, id, third, 1_000).await, payment);
    assert_eq!(refund_part(&fixture, id, first, 1_000).await, payment);
    let told: Vec<_> = fixture.emitted_of::<PaymentRefunded>().await.iter().map(|e| (e.cause_id, e.amount)).collect();
    assert_eq!(told, [(Some(first), 1_000), (None, AMOUNT - 1_500), (Some(second), 500)]);
    fixture.assert_consistent().await;
}

#[tokio::test]
async fn parts_and_refunds_at_once_never_exceed_the_capture() {
    let fixture = Fixture::start().await;
    let id = fixture.captured("pm_ok").await;
    let causes: Vec<Uuid> = (0..4).map(|_| fixture.id()).collect();
    let requests: Vec<_> = (0..12)
        .map(|at| {
            let (fixture, cause) = (fixture.clone(), causes[at % 4]);
            fixture.env.clone().spawn(async move {
                if at % 3 == 0 {
                    fixture.skip_sleeps(fixture.refund(id, AMOUNT / 4)).await;
                } else {
                    refund_part(&fixture, id, cause, AMOUNT / 4 + 1).await;
                }
            })
        })
        .collect();
    for request in requests {
        request.await.expect("no request panics");
    }
    let payment = fixture.read(id).await;
    for cause in causes {
        let refunds = payment.transactions.iter().filter(|transaction| transaction.cause_id == Some(cause)).count();
        assert!(refunds <= 1, "{refunds} refunds for one cause");
    }
    fixture.assert_consistent().await;
}
