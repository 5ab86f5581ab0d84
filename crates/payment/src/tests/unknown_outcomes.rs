//! Transactions that no request finished are settled by a lookup.

use super::{Fixture, transactions};
use crate::{
    provider::{Authorization, Behaviour, DeclineReason, MockProvider, PaymentProvider as _},
    service,
};
use contracts::{
    payment::{
        PaymentMethod, PaymentStatus,
        TransactionStatus::{Failed, Pending, Succeeded, Unknown},
        TransactionType::{Authorize, Capture},
    },
    problem::{Code, Failure},
};
use platform::{
    db::{Error, Tx},
    master_key::MasterKey,
    testing::Harness,
};
use std::time::Duration;

/// Starts with a provider that has nothing but transient errors.
async fn with_unavailable_provider() -> Fixture {
    Fixture::with(Harness::of(service()).setting("transient_failure_percent", 100)).await
}

#[tokio::test]
async fn a_transient_error_that_stays_leaves_the_transaction_pending() {
    let fixture = with_unavailable_provider().await;
    let id = fixture.payment("pm_ok").await;
    let payment = fixture.act(id, "authorize").await;
    assert_eq!((payment.status, transactions(&payment)), (PaymentStatus::Initiated, vec![(Authorize, Pending)]));
    fixture.advance_and_complete().await;
    let payment = fixture.read(id).await;
    assert_eq!(transactions(&payment), [(Authorize, Pending)]);
    assert_eq!(fixture.ledger_entries().await, 0);
    assert!(fixture.event_types().await.is_empty());
}

#[tokio::test]
async fn the_pause_between_requests_doubles_up_to_the_longest() {
    let fixture = Fixture::with(Harness::of(service()).setting("transient_failure_percent", 100).setting("longest_pause_ms", 4_000)).await;
    let id = fixture.payment("pm_ok").await;
    fixture.act(id, "authorize").await;
    for seconds in [1, 2, 4, 4] {
        let due: i64 = fixture
            .db()
            .read(async |tx| tx.query_one("SELECT due_at FROM payment_transactions", &[], |row| row.next()).await)
            .await
            .expect("the store can be read");
        // Jitter of a quarter: transactions left open together are not due at one instant.
        let pause = due - fixture.env.now().0;
        assert!((seconds * 750_000..=seconds * 1_250_000).contains(&pause) && pause % 1_000_000 != 0, "{pause} µs");
        fixture.advance(Duration::from_micros(pause.unsigned_abs()));
        fixture.skip_sleeps(fixture.complete()).await;
    }
}

#[tokio::test]
async fn a_request_whose_answer_is_lost_is_settled_and_carried_out_once() {
    // Half of all answers are lost: each transaction is settled by a lookup whose answer arrives.
    let fixture = Fixture::with(Harness::of(service()).setting("lost_answer_percent", 50).setting("deadline_ms", 60)).await;
    let mut ids = Vec::new();
    for _ in 0..12 {
        let id = fixture.payment("pm_ok").await;
        fixture.act(id, "authorize").await;
        ids.push(id);
    }
    let unknown = fixture.open_transactions().await;
    assert!((1..12).contains(&unknown), "chance gave {unknown} of 12");
    for _ in 0..100 {
        fixture.advance_and_complete().await;
        if fixture.open_transactions().await == 0 {
            break;
        }
    }
    for id in ids {
        assert_eq!(fixture.read(id).await.status, PaymentStatus::Authorized);
    }
    fixture.assert_consistent().await;
}

#[tokio::test]
async fn a_void_before_the_authorization_arrives_declines_it_for_good() {
    let fixture = Fixture::start().await;
    let id = fixture.payment("pm_ok").await;
    block_ledger(&fixture, true).await;
    assert_eq!(transactions(&fixture.act(id, "authorize").await), [(Authorize, Pending)]);
    // The provider is down: the void is stored, and the payment is INITIATED until it can be carried out.
    assert_eq!(fixture.act(id, "void").await.status, PaymentStatus::Initiated);
    fixture.try_to(id, "authorize", &fixture.fresh_key()).await.expect_problem(409, "ILLEGAL_TRANSITION");
    block_ledger(&fixture, false).await;
    fixture.advance_and_complete().await;
    let payment = fixture.read(id).await;
    assert_eq!((payment.status, payment.failure.clone()), (PaymentStatus::Voided, None));
    assert_eq!(transactions(&payment), [(Authorize, Failed)]);
    let requested = &payment.transactions[0];
    assert_eq!(requested.failure, Some(Failure::from(Code::PAYMENT_GIVEN_UP)));
    // Nothing was held, and the late first request holds nothing either.
    let provider = MockProvider::new(fixture.db().clone(), &MasterKey::new([7; 32]), Behaviour::default());
    let late = Authorization { transaction_id: requested.transaction_id, amount: requested.amount, method: PaymentMethod::Ok };
    assert_eq!(provider.authorize(late).await.expect("it answers").decline, Some(DeclineReason::Abandoned));
    assert_eq!(fixture.event_types().await, ["PaymentVoided"]);
    fixture.assert_consistent().await;
}

#[tokio::test]
async fn a_void_before_the_authorization_was_sent_succeeds() {
    // The first request crashed between its first unit and the call of the provider.
    let fixture = Fixture::start().await;
    let id = fixture.payment("pm_ok").await;
    fixture.crash_before_sending(id).await;
    let payment = fixture.act(id, "void").await;
    assert_eq!(payment.status, PaymentStatus::Voided);
    fixture.advance_and_complete().await;
    fixture.assert_consistent().await;
}

#[tokio::test]
async fn an_open_capture_leaves_the_payment_authorized_and_blocks_a_void() {
    let fixture = Fixture::start().await;
    let id = fixture.authorized("pm_ok").await;
    // With the trigger, the ledger cannot be written and the capture has no outcome.
    block_ledger(&fixture, true).await;
    let payment = fixture.act(id, "capture").await;
    assert_eq!((payment.status, transactions(&payment)[1]), (PaymentStatus::Authorized, (Capture, Pending)));
    let refused = fixture.try_to(id, "void", "later").await.expect_problem(503, "PROVIDER_UNAVAILABLE");
    assert!(!refused.header("retry-after").is_empty());
    block_ledger(&fixture, false).await;
    // The repeated request settles the capture first.
    fixture.try_to(id, "void", "later").await.expect_problem(409, "ILLEGAL_TRANSITION");
    assert_eq!(transactions(&fixture.read(id).await), [(Authorize, Succeeded), (Capture, Succeeded)]);
    fixture.assert_consistent().await;
}

impl Fixture {
    /// The provider answers nothing from now on.
    pub(super) async fn block_provider(&self) {
        block_ledger(self, true).await;
    }
}

async fn block_ledger(fixture: &Fixture, on: bool) {
    platform::testing::refuse_inserts(fixture.db(), "mock_ledger", on).await;
}

async fn write(fixture: &Fixture, sql: &'static str) {
    let unit = async move |tx: &mut Tx| tx.execute(sql, &[]).await.map(|_| ());
    fixture.db().write(unit).await.map_err(|error: Error| error).expect("the store can be changed");
}

#[tokio::test]
async fn a_worker_and_a_request_at_once_settle_once() {
    let fixture = Fixture::with_short_deadline().await;
    let id = fixture.payment("pm_timeout").await;
    let payment = fixture.act(id, "authorize").await;
    assert_eq!(transactions(&payment), [(Authorize, Unknown)]);
    fixture.advance(Duration::from_secs(5));
    let (_, payment) = tokio::join!(fixture.complete(), fixture.act(id, "authorize"));
    assert_eq!(payment.status, PaymentStatus::Authorized);
    assert_eq!(fixture.event_types().await, ["PaymentAuthorized"]);
    fixture.assert_consistent().await;
}

#[tokio::test]
async fn a_transaction_without_an_answer_delays_no_other() {
    // A slow provider answers after ten minutes of the frozen clock.
    let patient = Harness::of(service()).setting("slow_ms", 600_000).setting("deadline_ms", 60_000);
    let fixture = Fixture::with(patient).await;
    for method in ["pm_slow", "pm_ok"] {
        fixture.crash_before_sending(fixture.payment(method).await).await;
        fixture.advance(Duration::from_secs(120));
        fixture.settle().await;
    }
    while fixture.event_types().await != ["PaymentAuthorized"] {
        fixture.settle().await;
        tokio::task::yield_now().await;
    }
    assert_eq!(fixture.open_transactions().await, 1, "the other transaction has no answer yet");
}

#[tokio::test]
async fn a_transaction_that_cannot_be_read_is_rescheduled() {
    let fixture = Fixture::start().await;
    fixture.expect_worker_failures();
    fixture.crash_before_sending(fixture.payment("pm_ok").await).await;
    write(&fixture, "UPDATE payments SET currency = '?'").await;
    fixture.advance(Duration::from_secs(120));
    for attempts in 1..=3 {
        fixture.complete().await;
        let row = "SELECT fruitless_attempts, due_at FROM payment_transactions";
        let read = async |tx: &mut Tx| tx.query_one(row, &[], |row| Ok((row.next::<u32>()?, row.next::<i64>()?))).await;
        let (tried, due_at) = fixture.db().read(read).await.map_err(|error: Error| error).expect("the store can be read");
        let pause = due_at - fixture.env.now().0;
        assert!(tried == attempts && pause > 0, "tried {tried} times, again in {pause} µs");
        fixture.advance(Duration::from_micros(pause.unsigned_abs()));
    }
}
