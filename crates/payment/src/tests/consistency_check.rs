//! [`crate::check_consistency`] finds every kind of difference, and none in consistent records.

use super::Fixture;
use crate::{check_consistency, consistency::check_in, list_by_orders, service};
use contracts::{
    ids::{OrderId, PaymentId, Uuid},
    payment::{Payment, PaymentStatus},
};
use platform::{db, params, testing::Harness};
use std::{collections::HashMap, time::Duration};

impl Fixture {
    async fn faults(&self) -> Vec<String> {
        check_consistency(self.db()).await.expect("the records can be read")
    }

    /// Creates one payment of every kind, keyed by its end.
    async fn payments_of_every_kind(&self) -> HashMap<&'static str, PaymentId> {
        let initiated = self.payment("pm_ok").await;
        let authorized = self.authorized("pm_ok").await;
        let captured = self.captured("pm_ok").await;
        let declined = self.captured("pm_refund_fails").await;
        self.try_to(declined, "refund", &self.fresh_key()).await.expect(409);
        let partly = self.captured("pm_ok").await;
        self.refund(partly, 1_000).await.expect(200);
        let refunded = self.captured("pm_ok").await;
        self.refund(refunded, 345).await.expect(200);
        self.act(refunded, "refund").await;
        let declined = self.payment("pm_declined").await;
        self.act(declined, "authorize").await;
        let uncaptured = self.authorized("pm_capture_fails").await;
        self.act(uncaptured, "capture").await;
        let voided = self.authorized("pm_ok").await;
        self.act(voided, "void").await;
        let dropped = self.payment("pm_ok").await;
        self.act(dropped, "void").await;
        HashMap::from([
            ("initiated", initiated),
            ("authorized", authorized),
            ("captured", captured),
            ("refused", declined),
            ("partly", partly),
            ("refunded", refunded),
            ("declined", declined),
            ("uncaptured", uncaptured),
            ("voided", voided),
            ("dropped", dropped),
        ])
    }

    /// Damages the records of one payment.
    async fn damage(&self, sql: &'static str, payment: PaymentId) {
        let rows = self.db().write(async move |tx| tx.execute(sql, params![payment]).await).await;
        assert!(rows.expect("the records can be damaged") > 0, "{sql} damages nothing");
    }
}

#[tokio::test]
async fn consistent_records_have_no_faults() {
    let fixture = Fixture::start().await;
    assert_eq!(fixture.faults().await, Vec::<String>::new());
    fixture.payments_of_every_kind().await;
    assert_eq!(fixture.faults().await, Vec::<String>::new());
    fixture.advance(Duration::from_secs(30 * 24 * 3600));
    assert_eq!(fixture.faults().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_open_transaction_is_a_fault_after_fifteen_minutes() {
    let fixture = Fixture::with(Harness::of(service()).setting("deadline_ms", platform::testing::short_deadline_ms())).await;
    let id = fixture.payment("pm_timeout").await;
    fixture.act(id, "authorize").await;
    assert_eq!(fixture.faults().await, Vec::<String>::new());
    fixture.advance(Duration::from_secs(15 * 60));
    assert_eq!(fixture.faults().await, Vec::<String>::new());
    fixture.advance(Duration::from_secs(1));
    let faults = fixture.faults().await;
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].starts_with(&format!("payment {id}: AUTHORIZE of 12345 is UNKNOWN")), "{faults:?}");
    assert!(faults[0].contains("its outcome is open since 2026-01-01T00:00:00"), "{faults:?}");
    fixture.complete().await;
    assert_eq!(fixture.faults().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_declined_capture_whose_void_is_open_is_no_fault() {
    let fixture = Fixture::start().await;
    let id = fixture.authorized("pm_capture_fails").await;
    fixture.act(id, "capture").await;
    // The state between the declined capture and the outcome of the void.
    fixture.damage("UPDATE payments SET status = 'AUTHORIZED' WHERE payment_id = $1", id).await;
    fixture.damage("DELETE FROM mock_ledger WHERE kind = 'VOID' AND CAST($1 AS UUID) IS NOT NULL", id).await;
    fixture.damage("UPDATE payment_transactions SET status = 'PENDING', due_at = 1 WHERE payment_id = $1 AND type = 'VOID'", id).await;
    assert_eq!(fixture.faults().await, Vec::<String>::new());
    // Without the void, the amount stays held.
    fixture.damage("DELETE FROM payment_transactions WHERE payment_id = $1 AND type = 'VOID'", id).await;
    let faults = fixture.faults().await;
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].contains("AUTHORIZED, but its transactions hold 12345"), "{faults:?}");
}

/// Which payment is damaged, the SQL that damages it, and a part of the fault.
const DAMAGES: &[(&str, &str, &str)] = &[
    // Status.
    ("initiated", "UPDATE payments SET status = 'AUTHORIZED' WHERE payment_id = $1", "AUTHORIZED, but its transactions hold 0"),
    ("initiated", "UPDATE payments SET status = 'FAILED' WHERE payment_id = $1", "FAILED, but its transactions hold 0"),
    ("authorized", "UPDATE payments SET status = 'INITIATED' WHERE payment_id = $1", "INITIATED, but its transactions hold 12345"),
    ("authorized", "UPDATE payments SET status = 'VOIDED' WHERE payment_id = $1", "VOIDED, but the provider still holds 12345 (M2)"),
    ("authorized", "UPDATE payments SET status = 'FAILED' WHERE payment_id = $1", "FAILED, but the provider still holds 12345 (M2)"),
    ("captured", "UPDATE payments SET status = 'AUTHORIZED' WHERE payment_id = $1", "AUTHORIZED, but the provider holds 0, captured 12345"),
    ("captured", "UPDATE payments SET status = 'REFUNDED' WHERE payment_id = $1", "REFUNDED, but its transactions hold 0, captured 12345"),
    ("captured", "UPDATE payments SET status = 'VOIDED' WHERE payment_id = $1", "VOIDED, but the provider holds 0, captured 12345"),
    ("partly", "UPDATE payments SET status = 'REFUNDED' WHERE payment_id = $1", "captured 12345 and refunded 1000"),
    ("declined", "UPDATE payments SET status = 'CAPTURED' WHERE payment_id = $1", "CAPTURED, but its transactions hold 0"),
    ("uncaptured", "UPDATE payments SET status = 'VOIDED' WHERE payment_id = $1", "VOIDED, but its transactions hold 0"),
    ("voided", "UPDATE payments SET status = 'AUTHORIZED' WHERE payment_id = $1", "AUTHORIZED, but the provider holds 0"),
    // Amounts.
    (
        "captured",
        "UPDATE payments SET captured_amount = 0 WHERE payment_id = $1",
        "0 captured and 0 refunded, but its transactions add up to",
    ),
    ("refunded", "UPDATE payments SET refunded_amount = 345 WHERE payment_id = $1", "but its transactions add up to 12345 and 12345"),
    (
        "captured",
        "UPDATE payments SET amount = 12344 WHERE payment_id = $1",
        "12345 of 12344 captured by 1 captures in its transactions (M1)",
    ),
    (
        "refunded",
        "UPDATE payment_transactions SET amount = 346 WHERE payment_id = $1 AND type = 'REFUND' AND amount = 345",
        "12346 refunded of 12345 captured in its transactions (M1)",
    ),
    // Transactions, each against its ledger entry.
    ("authorized", "UPDATE payment_transactions SET amount = 1 WHERE payment_id = $1", "AUTHORIZE of 1 is SUCCEEDED in transaction"),
    ("authorized", "UPDATE payment_transactions SET type = 'REFUND' WHERE payment_id = $1", "the provider has it as AUTHORIZE of 12345"),
    ("declined", "UPDATE payment_transactions SET status = 'SUCCEEDED' WHERE payment_id = $1", "the provider refused it"),
    ("partly", "UPDATE payment_transactions SET status = 'FAILED' WHERE payment_id = $1 AND type = 'REFUND'", "the provider did it"),
    (
        "voided",
        "UPDATE payment_transactions SET provider_reference = 'mock_re_0' WHERE payment_id = $1 AND type = 'VOID'",
        "not mock_re_0 (M3)",
    ),
    (
        "captured",
        "UPDATE payment_transactions SET status = 'PENDING', created_at = 0 WHERE payment_id = $1 AND type = 'CAPTURE'",
        "CAPTURE of 12345 is PENDING",
    ),
    (
        "uncaptured",
        "UPDATE payment_transactions SET status = 'PENDING' WHERE payment_id = $1 AND type = 'VOID'",
        "FAILED, but its transactions hold 12345, captured 0 and refunded 0, and 1 are open (M3)",
    ),
    ("captured", "DELETE FROM payment_transactions WHERE payment_id = $1 AND type = 'CAPTURE'", "which has no transaction of ours (M3)"),
    // The provider's ledger.
    (
        "captured",
        "DELETE FROM mock_ledger WHERE kind = 'CAPTURE' AND authorization_id = (SELECT transaction_id FROM payment_transactions \
         WHERE payment_id = $1 AND type = 'AUTHORIZE')",
        "the provider knows nothing of it (M3)",
    ),
    (
        "uncaptured",
        "DELETE FROM mock_ledger WHERE kind = 'VOID' AND authorization_id = (SELECT transaction_id FROM payment_transactions \
         WHERE payment_id = $1 AND type = 'AUTHORIZE')",
        "FAILED, but the provider still holds 12345 (M2)",
    ),
    (
        "voided",
        "UPDATE mock_ledger SET refusal = 'REFUSED' WHERE kind = 'VOID' AND authorization_id = (SELECT transaction_id \
         FROM payment_transactions WHERE payment_id = $1 AND type = 'AUTHORIZE')",
        "VOIDED, but the provider still holds 12345 (M2)",
    ),
    (
        "captured",
        "INSERT INTO mock_ledger SELECT payment_id, 'mock_ch_0', 'CAPTURE', transaction_id, amount, 'pm_ok', NULL, 1 \
         FROM payment_transactions WHERE payment_id = $1 AND type = 'AUTHORIZE'",
        "24690 of 12345 captured by 2 captures at the provider (M1)",
    ),
    (
        "captured",
        "INSERT INTO mock_ledger SELECT payment_id, 'mock_re_0', 'REFUND', transaction_id, amount + 1, 'pm_ok', NULL, 1 \
         FROM payment_transactions WHERE payment_id = $1 AND type = 'AUTHORIZE'",
        "12346 refunded of 12345 captured at the provider (M1)",
    ),
    (
        "captured",
        "INSERT INTO mock_ledger SELECT payment_id, 'mock_re_0', 'REFUND', transaction_id, 5, 'pm_ok', NULL, 1 \
         FROM payment_transactions WHERE payment_id = $1 AND type = 'AUTHORIZE'",
        "CAPTURED, but the provider holds 0, captured 12345 and refunded 5 (M3)",
    ),
    (
        "initiated",
        "INSERT INTO mock_ledger (transaction_id, reference, kind, authorization_id, amount, method, refusal, created_at) \
         VALUES ($1, 'mock_auth_0', 'AUTHORIZE', $1, 77, 'pm_ok', NULL, 1)",
        "the provider has AUTHORIZE of 77 (mock_auth_0), which has no transaction of ours (M3)",
    ),
];

/// Fails the unit that damaged the records, so that it is rolled back.
struct RolledBack(Vec<String>);

impl From<db::Error> for RolledBack {
    fn from(error: db::Error) -> RolledBack {
        panic!("the records can be damaged and read: {error}")
    }
}

#[tokio::test]
async fn every_kind_of_damage_is_reported() {
    let fixture = Fixture::start().await;
    let payments_of_every_kind = fixture.payments_of_every_kind().await;
    for (which, sql, answer) in DAMAGES {
        let id = payments_of_every_kind[which];
        let damaged = fixture.db().write(async move |tx| {
            assert!(tx.execute(sql, params![id]).await? > 0, "{sql} damages nothing");
            Err::<(), _>(RolledBack(check_in(tx).await?))
        });
        let RolledBack(faults) = damaged.await.expect_err("it is rolled back");
        assert!(faults.iter().any(|fault| fault.contains(answer)), "{which}, {sql}: {faults:#?}");
        let others = faults.iter().filter(|fault| !fault.contains(&id.to_string()) && !fault.contains("no transaction of ours"));
        assert_eq!(others.count(), 0, "{which}, {sql}: {faults:#?}");
    }
    assert_eq!(fixture.faults().await, Vec::<String>::new());
}

#[tokio::test]
async fn at_most_a_hundred_faults_are_reported() {
    let fixture = Fixture::start().await;
    for _ in 0..60 {
        fixture.authorized("pm_ok").await;
    }
    fixture
        .db()
        .write(async |tx| tx.execute("UPDATE payments SET status = 'CAPTURED', captured_amount = 1", &[]).await)
        .await
        .expect("the records can be damaged");
    assert_eq!(fixture.faults().await.len(), 100);
}

#[tokio::test]
async fn unique_indexes_refuse_second_payments_captures_and_open_transactions() {
    let fixture = Fixture::start().await;
    let id = fixture.payments_of_every_kind().await["captured"];
    for sql in [
        "INSERT INTO payments SELECT order_id, order_id, order_number, user_id, 'AUTHORIZED', amount, currency, 0, 0, payment_method, \
         NULL, NULL, 1, 1, 'MOCK' FROM payments WHERE payment_id = $1",
        "INSERT INTO payment_transactions SELECT payment_id, payment_id, 9, type, 'SUCCEEDED', amount, NULL, NULL, 0, NULL, 1, NULL \
         FROM payment_transactions WHERE payment_id = $1 AND type = 'CAPTURE'",
        "UPDATE payment_transactions SET status = 'UNKNOWN' WHERE payment_id = $1",
    ] {
        let declined = fixture.db().write(async move |tx| tx.execute(sql, params![id]).await).await;
        assert!(matches!(declined, Err(db::Error::Constraint { .. })), "{sql}: {declined:?}");
    }
}

#[tokio::test]
async fn the_payments_of_a_range_of_orders_are_listed() {
    let fixture = Fixture::with(Harness::of(service()).setting("deadline_ms", platform::testing::short_deadline_ms())).await;
    let mut payments: Vec<Payment> = Vec::new();
    for method in ["pm_declined", "pm_ok", "pm_timeout"] {
        // Ids sort by their millisecond.
        fixture.advance(Duration::from_millis(1));
        let id = fixture.payment(method).await;
        payments.push(fixture.act(id, "authorize").await);
    }
    let (none, all) = (OrderId(Uuid::nil()), OrderId(Uuid::max()));
    let listed = list_by_orders(fixture.db(), none, all).await.expect("a list");
    let answer: Vec<_> = listed.iter().map(|p| (p.order_id, p.payment_id, p.status, p.amount, p.is_unsettled)).collect();
    let expected = [(PaymentStatus::Failed, false), (PaymentStatus::Authorized, false), (PaymentStatus::Initiated, true)];
    let expected: Vec<_> =
        payments.iter().zip(expected).map(|(p, (status, start))| (p.order_id, p.payment_id, status, p.amount, start)).collect();
    assert_eq!(answer, expected);
    // The range excludes its lower bound and includes its upper one.
    let middle = list_by_orders(fixture.db(), payments[0].order_id, payments[1].order_id).await.expect("a list");
    assert_eq!(middle, listed[1..2]);
}
