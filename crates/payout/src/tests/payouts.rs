//! Payouts: paid once, whatever fails, and never while they are held.

use super::{DAY, Fixture};
use crate::{
    provider::{MockProvider, Outcome, PayoutProvider, ProviderError, ProviderFuture, Transfer},
    service_with,
};
use contracts::{
    ids::PayoutId,
    payout::{PayoutFailed, PayoutFailure, PayoutPaid, PayoutProviderName, PayoutStatus},
    seller::{SellerPayoutAccountChanged, SellerReinstated, SellerSuspended},
};
use platform::testing::Harness;
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

#[tokio::test]
async fn an_available_balance_is_paid_once() {
    let f = Fixture::start().await;
    f.available(f.seller).await;
    let first = f.run("one").await.expect(200);
    assert_eq!((&first.json()["items"][0]["amount"], &first.json()["items"][0]["status"]), (&json!(9_490), &json!("PENDING")));
    assert_eq!(f.accounts().await["payout_in_transit"], 9_490);
    let again = f.run("one").await.expect(200);
    assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &first.body));
    assert_eq!(f.run("two").await.expect(200).json()["items"], json!([]));
    f.complete().await;
    assert_eq!(f.statuses(f.seller).await, [PayoutStatus::Paid]);
    let accounts = f.accounts().await;
    assert_eq!((accounts["provider_clearing"], accounts["commission_revenue"], accounts.len()), (-1_000, 1_000, 2));
    let paid = f.emitted_of::<PayoutPaid>().await;
    assert_eq!(paid.iter().map(|event| (event.seller_id, event.amount)).collect::<Vec<_>>(), [(f.seller, 9_490)]);
    let payout = &f.payouts(f.seller).await[0];
    assert_eq!(payout.payout_account.as_deref(), Some("****ok"));
    assert_eq!(f.get("/admin/payouts?status=PAID").admin().send().await.expect(200).json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(f.get("/admin/payouts?status=FAILED").admin().send().await.expect(200).json()["items"], json!([]));
    f.assert_balanced().await;
}

#[tokio::test]
async fn a_refused_payout_is_available_again() {
    let f = Fixture::start().await;
    f.account(f.seller, "po_fails", "APPROVED", Value::Null);
    f.available(f.seller).await;
    f.run("one").await.expect(200);
    f.complete().await;
    assert_eq!(f.statuses(f.seller).await, [PayoutStatus::Failed]);
    assert_eq!(f.balance(f.seller).await, (0, 9_490));
    assert_eq!(f.emitted_of::<PayoutFailed>().await[0].failure, PayoutFailure::Refused);
    f.account(f.seller, "po_ok", "APPROVED", Value::Null);
    f.run("two").await.expect(200);
    f.complete().await;
    assert_eq!(f.statuses(f.seller).await, [PayoutStatus::Paid, PayoutStatus::Failed]);
    for (sort, wanted) in [("newest", ["PAID", "FAILED"]), ("oldest", ["FAILED", "PAID"]), ("-amount", ["PAID", "FAILED"])] {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = f.get(&format!("/admin/payouts?limit=1&sort={sort}{cursor}")).admin().send().await.expect(200).json();
            found.extend(page["items"].as_array().unwrap().iter().map(|payout| payout["status"].as_str().unwrap().to_owned()));
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(found, wanted, "{sort}");
    }
    f.assert_balanced().await;
}

#[tokio::test]
async fn a_lost_answer_is_looked_up() {
    let f = Fixture::with(Harness::of(crate::service()).setting("deadline_ms", 50)).await;
    f.account(f.seller, "po_timeout", "APPROVED", Value::Null);
    f.available(f.seller).await;
    f.run("one").await.expect(200);
    f.complete().await;
    assert_eq!(f.statuses(f.seller).await, [PayoutStatus::Pending]);
    assert_eq!(f.run("two").await.expect(200).json()["items"], json!([]), "nothing is left to pay");
    f.advance(Duration::from_secs(120));
    f.complete().await;
    assert_eq!(f.statuses(f.seller).await, [PayoutStatus::Paid]);
    f.assert_balanced().await;
}

#[tokio::test]
async fn payouts_run_on_a_schedule_and_small_balances_wait() {
    let f = Fixture::with(Harness::of(crate::service()).setting("minimum_amount", 10_000).setting("interval_hours", 24 * 90)).await;
    f.complete().await;
    f.available(f.seller).await;
    assert_eq!(f.run("one").await.expect(200).json()["items"], json!([]), "below the minimum");
    f.available(f.seller).await;
    assert_eq!(f.payouts(f.seller).await, []);
    f.advance(60 * DAY);
    // The schedule begins the payout, and the next turn settles it.
    f.complete().await;
    f.complete().await;
    assert_eq!(f.statuses(f.seller).await, [PayoutStatus::Paid]);
    assert_eq!(f.payouts(f.seller).await[0].amount, 18_980);
}

#[tokio::test]
async fn payouts_are_held_while_suspended_and_after_another_account() {
    let f = Fixture::start().await;
    f.available(f.seller).await;
    f.deliver(SellerSuspended { seller_id: f.seller, reason: None, suspended_by: None }).await;
    assert_eq!(f.run("1").await.expect(200).json()["items"], json!([]));
    f.deliver(SellerReinstated { seller_id: f.seller, reinstated_by: None }).await;
    let payouts_held_until = f.env.now().after(3 * DAY);
    f.deliver(SellerPayoutAccountChanged { seller_id: f.seller, payouts_held_until }).await;
    assert_eq!(f.run("2").await.expect(200).json()["items"], json!([]));
    f.advance(3 * DAY);
    // The event of another suspension has not arrived: the seller service says it, and nothing is sent.
    f.account(f.seller, "po_ok", "SUSPENDED", Value::Null);
    assert_eq!(f.run("3").await.expect(200).json()["items"].as_array().unwrap().len(), 1);
    f.complete().await;
    assert_eq!(f.statuses(f.seller).await, [PayoutStatus::Pending]);
    f.account(f.seller, "po_ok", "APPROVED", Value::Null);
    f.advance(DAY);
    f.complete().await;
    assert_eq!(f.statuses(f.seller).await, [PayoutStatus::Paid]);
}

#[tokio::test]
async fn a_seller_without_an_account_gets_the_money_back() {
    let f = Fixture::start().await;
    let details = json!({"sellerId": f.seller, "status": "APPROVED", "payoutAccount": null, "payoutsHeldUntil": null});
    f.accounts.lock().unwrap().insert(f.seller, details);
    f.available(f.seller).await;
    f.run("one").await.expect(200);
    f.complete().await;
    assert_eq!(f.payouts(f.seller).await[0].failure, Some(PayoutFailure::AccountMissing));
    assert_eq!(f.balance(f.seller).await, (0, 9_490));
}

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
    calls: Arc<Mutex<Vec<&'static str>>>,
}

struct ScriptedProvider {
    mock: MockProvider,
    script: Script,
}

impl ScriptedProvider {
    fn send<'a, T: Send + 'a>(&'a self, call: &'static str, answer: ProviderFuture<'a, T>) -> ProviderFuture<'a, T> {
        self.script.calls.lock().unwrap().push(call);
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

/// A transfer that begins when it is awaited: a lost request never reaches the mock.
fn lazily(mock: &MockProvider, transfer: Transfer) -> ProviderFuture<'_, Outcome> {
    Box::pin(async move { mock.transfer(transfer).await })
}

impl PayoutProvider for ScriptedProvider {
    fn name(&self) -> PayoutProviderName {
        self.mock.name()
    }
    fn transfer(&self, transfer: Transfer) -> ProviderFuture<'_, Outcome> {
        self.send("transfer", lazily(&self.mock, transfer))
    }
    fn lookup(&self, id: PayoutId) -> ProviderFuture<'_, Option<Outcome>> {
        self.send("lookup", self.mock.lookup(id))
    }
}

#[tokio::test]
async fn an_unknown_outcome_is_looked_up_before_the_transfer_is_repeated() {
    for (faults, calls) in [
        (vec![Fault::Lost], vec!["lookup", "lookup", "transfer"]),
        (vec![Fault::AnswerLost], vec!["lookup", "lookup", "transfer"]),
        (vec![Fault::Unavailable, Fault::Unavailable], vec!["lookup", "lookup", "lookup", "transfer"]),
    ] {
        paid_with(faults, calls).await;
    }
    // The lookup before the transfer is answered by the mock itself.
    let transfers = Script::default();
    let f = scripted(&transfers).await;
    f.available(f.seller).await;
    f.run("one").await.expect(200);
    f.complete().await;
    assert_eq!(*transfers.calls.lock().unwrap(), ["lookup", "transfer"]);
}

async fn scripted(script: &Script) -> Fixture {
    let own = script.clone();
    Fixture::of(service_with(move |ctx| Arc::new(ScriptedProvider { mock: MockProvider::new(ctx.db.clone()), script: own }))).await
}

async fn paid_with(faults: Vec<Fault>, calls: Vec<&str>) {
    let script = Script::default();
    let f = scripted(&script).await;
    f.available(f.seller).await;
    *script.faults.lock().unwrap() = faults;
    f.run("one").await.expect(200);
    for _ in 0..4 {
        f.complete().await;
        f.advance(Duration::from_secs(120));
    }
    assert_eq!(*script.calls.lock().unwrap(), calls);
    assert_eq!(f.statuses(f.seller).await, [PayoutStatus::Paid]);
    f.assert_balanced().await;
}

#[tokio::test]
async fn a_lost_answer_of_a_transfer_does_not_transfer_again() {
    let script = Script::default();
    let f = scripted(&script).await;
    f.available(f.seller).await;
    // The lookup works, the transfer is carried out without an answer, then the provider is away for a while.
    *script.faults.lock().unwrap() = vec![Fault::Unavailable, Fault::AnswerLost];
    let payout: PayoutId = serde_json::from_value(f.run("one").await.expect(200).json()["items"][0]["payoutId"].clone()).unwrap();
    let mock = MockProvider::new(f.db().clone());
    let transfer = Transfer {
        payout_id: payout,
        account: contracts::secret::PayoutAccount::parse("po_ok").unwrap(),
        amount: 9_490,
        currency: contracts::money::Currency::EUR,
    };
    let first = mock.transfer(transfer.clone()).await.unwrap();
    for _ in 0..4 {
        f.complete().await;
        f.advance(Duration::from_secs(120));
    }
    assert!(!script.calls.lock().unwrap().contains(&"transfer"), "the provider knew it");
    assert_eq!(mock.transfer(transfer).await.unwrap(), first, "a repetition returns the first outcome");
    assert_eq!(f.payouts(f.seller).await[0].provider_reference.as_deref(), Some(first.reference.as_str()));
}
