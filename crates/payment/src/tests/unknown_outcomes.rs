//! What no request finished is settled by asking.

use super::{Shop, transactions};
use crate::{
    provider::{Authorization, Behaviour, Mock, Refusal},
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
    testing::Harness,
};
use std::time::Duration;

/// A shop whose provider only ever answers with transient errors.
async fn troubled() -> Shop {
    Shop::with(Harness::of(service()).setting("transient_failure_percent", 100)).await
}

#[tokio::test]
async fn a_transient_error_that_stays_leaves_the_transaction_pending() {
    let shop = troubled().await;
    let id = shop.payment("pm_ok").await;
    let payment = shop.act(id, "authorize").await;
    assert_eq!((payment.status, transactions(&payment)), (PaymentStatus::Initiated, vec![(Authorize, Pending)]));
    shop.later().await;
    let payment = shop.read(id).await;
    assert_eq!(transactions(&payment), [(Authorize, Pending)]);
    assert_eq!(shop.ledger_entries().await, 0);
    assert!(shop.event_types().await.is_empty());
}

#[tokio::test]
async fn the_pause_between_questions_doubles_up_to_the_longest() {
    let shop = Shop::with(Harness::of(service()).setting("transient_failure_percent", 100).setting("longest_pause_ms", 4_000)).await;
    let id = shop.payment("pm_ok").await;
    shop.act(id, "authorize").await;
    for seconds in [1, 2, 4, 4] {
        let due: i64 = shop
            .db()
            .read(async |tx| tx.query_one("SELECT due_at FROM payment_transactions", &[], |row| row.next()).await)
            .await
            .expect("the store can be read");
        // Give or take a quarter: what was left open together is not asked about at one instant.
        let pause = due - shop.env.now().0;
        assert!((seconds * 750_000..=seconds * 1_250_000).contains(&pause) && pause % 1_000_000 != 0, "{pause} µs");
        shop.advance(Duration::from_micros(pause.unsigned_abs()));
        shop.complete().await;
    }
}

#[tokio::test]
async fn an_operation_whose_answer_is_lost_is_settled_and_done_once() {
    // Half of all answers are lost: each transaction is settled in the end, by a lookup that is heard.
    let shop = Shop::with(Harness::of(service()).setting("lost_answer_percent", 50).setting("deadline_ms", 60)).await;
    let mut ids = Vec::new();
    for _ in 0..12 {
        let id = shop.payment("pm_ok").await;
        shop.act(id, "authorize").await;
        ids.push(id);
    }
    let unknown = shop.open_transactions().await;
    assert!((1..12).contains(&unknown), "chance gave {unknown} of 12");
    for _ in 0..100 {
        shop.later().await;
        if shop.open_transactions().await == 0 {
            break;
        }
    }
    for id in ids {
        assert_eq!(shop.read(id).await.status, PaymentStatus::Authorized);
    }
    shop.tells_one_story().await;
}

#[tokio::test]
async fn a_void_that_overtakes_the_authorization_keeps_it_from_ever_arriving() {
    let shop = Shop::open().await;
    let id = shop.payment("pm_ok").await;
    block(&shop, true).await;
    assert_eq!(transactions(&shop.act(id, "authorize").await), [(Authorize, Pending)]);
    // Nothing can be settled now: the wish is kept, and the payment is INITIATED until it can be fulfilled.
    assert_eq!(shop.act(id, "void").await.status, PaymentStatus::Initiated);
    shop.try_to(id, "authorize", &shop.fresh_key()).await.expect_problem(409, "ILLEGAL_TRANSITION");
    block(&shop, false).await;
    shop.later().await;
    let payment = shop.read(id).await;
    assert_eq!((payment.status, payment.failure.clone()), (PaymentStatus::Voided, None));
    assert_eq!(transactions(&payment), [(Authorize, Failed)]);
    let asked = &payment.transactions[0];
    assert_eq!(asked.failure, Some(Failure::from(Code::PAYMENT_GIVEN_UP)));
    // Nothing was ever held, and nothing will be when the first question arrives after all.
    let provider = Mock::new(shop.db().clone(), Behaviour::default());
    let late = Authorization { transaction_id: asked.transaction_id, amount: asked.amount, method: PaymentMethod::Ok };
    assert_eq!(provider.authorize(late).await.expect("it answers").refusal, Some(Refusal::Abandoned));
    assert_eq!(shop.event_types().await, ["PaymentVoided"]);
    shop.tells_one_story().await;
}

#[tokio::test]
async fn a_payment_given_up_before_the_provider_heard_of_it_is_voided() {
    // The first request died between its first unit and the provider.
    let shop = Shop::open().await;
    let id = shop.payment("pm_ok").await;
    let cut = super::chaos::cut(shop.try_to(id, "authorize", "dies"), 2).await;
    assert!(cut.is_none());
    let payment = shop.act(id, "void").await;
    assert_eq!(payment.status, PaymentStatus::Voided);
    shop.later().await;
    shop.tells_one_story().await;
}

#[tokio::test]
async fn a_capture_in_doubt_leaves_the_payment_authorized_and_keeps_others_out() {
    let shop = Shop::open().await;
    let id = shop.authorized("pm_ok").await;
    // The books cannot be written while this trigger stands: what the provider cannot do, nobody can know.
    block(&shop, true).await;
    let payment = shop.act(id, "capture").await;
    assert_eq!((payment.status, transactions(&payment)[1]), (PaymentStatus::Authorized, (Capture, Pending)));
    let refused = shop.try_to(id, "void", "later").await.expect_problem(503, "PROVIDER_UNAVAILABLE");
    assert!(!refused.header("retry-after").is_empty());
    block(&shop, false).await;
    // The same request again settles the capture first, and then has its answer.
    shop.try_to(id, "void", "later").await.expect_problem(409, "ILLEGAL_TRANSITION");
    assert_eq!(transactions(&shop.read(id).await), [(Authorize, Succeeded), (Capture, Succeeded)]);
    shop.tells_one_story().await;
}

async fn block(shop: &Shop, on: bool) {
    let sql = if on {
        "CREATE TRIGGER mock_blocked BEFORE INSERT ON mock_ledger BEGIN SELECT RAISE(ABORT, 'the books are closed'); END"
    } else {
        "DROP TRIGGER mock_blocked"
    };
    write(shop, sql).await;
}

async fn write(shop: &Shop, sql: &'static str) {
    let unit = async move |tx: &mut Tx| tx.execute(sql, &[]).await.map(|_| ());
    shop.db().write(unit).await.map_err(|error: Error| error).expect("the store can be changed");
}

#[tokio::test]
async fn a_worker_and_a_request_that_ask_at_once_settle_once() {
    let shop = Shop::impatient().await;
    let id = shop.payment("pm_timeout").await;
    let asked = shop.act(id, "authorize").await;
    assert_eq!(transactions(&asked), [(Authorize, Unknown)]);
    shop.advance(Duration::from_secs(5));
    let (_, payment) = tokio::join!(shop.complete(), shop.act(id, "authorize"));
    assert_eq!(payment.status, PaymentStatus::Authorized);
    assert_eq!(shop.event_types().await, ["PaymentAuthorized"]);
    shop.tells_one_story().await;
}

#[tokio::test]
async fn a_provider_that_is_silent_about_one_transaction_holds_up_no_other() {
    let patient = Harness::of(service()).setting("slow_ms", 60_000).setting("deadline_ms", 60_000);
    let shop = Shop::with(patient).await;
    // Both requests die before they hear from the provider: the worker asks, and of the first it hears nothing for long.
    let silent = shop.payment("pm_slow").await;
    let dies = shop.try_to(silent, "authorize", "dies");
    tokio::time::timeout(Duration::from_millis(50), dies).await.expect_err("the provider is silent");
    shop.advance(Duration::from_secs(120));
    shop.settle().await;
    let behind = shop.payment("pm_ok").await;
    assert!(super::chaos::cut(shop.try_to(behind, "authorize", "dies"), 2).await.is_none());
    shop.advance(Duration::from_secs(120));
    for _ in 0..400 {
        if shop.event_types().await == ["PaymentAuthorized"] {
            return assert_eq!(shop.open_transactions().await, 1, "the provider is still asked about the other");
        }
        shop.settle().await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it waits for the other");
}

#[tokio::test]
async fn a_transaction_that_cannot_be_read_is_put_off() {
    let shop = Shop::open().await;
    let id = shop.payment("pm_ok").await;
    assert!(super::chaos::cut(shop.try_to(id, "authorize", "dies"), 2).await.is_none());
    write(&shop, "UPDATE payments SET currency = '?'").await;
    shop.advance(Duration::from_secs(120));
    for attempts in 1..=3 {
        shop.complete().await;
        let row = "SELECT fruitless_attempts, due_at FROM payment_transactions";
        let read = async |tx: &mut Tx| tx.query_one(row, &[], |row| Ok((row.next::<u32>()?, row.next::<i64>()?))).await;
        let (tried, due_at) = shop.db().read(read).await.map_err(|error: Error| error).expect("the store can be read");
        let pause = due_at - shop.env.now().0;
        assert!(tried == attempts && pause > 0, "tried {tried} times, again in {pause} µs");
        shop.advance(Duration::from_micros(pause.unsigned_abs()));
    }
}
