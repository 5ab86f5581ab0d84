//! Actions on the same balance, one held between its statements while the other runs.

use super::*;
use crate::{actions::sales, domain::order::Fact, error::Error, store::payout_rows};
use platform::{db::Tx, testing::interleaving::Scenario};
use std::cell::Cell;

/// The rows of one run: a seller with a sale that is available and one that may be released.
#[derive(Clone)]
struct Rows {
    seller: UserId,
    available: FulfilmentConfirmed,
    delivered: FulfilmentConfirmed,
}

async fn prepare(f: &Fixture, last: &Cell<Option<UserId>>) -> Rows {
    let seller = f.id();
    // The seller of the run before has no part in this one: payouts are begun for all who have a balance.
    if let Some(last) = last.replace(Some(seller)) {
        act(f, async move |tx: &mut Tx| Ok(payout_rows::set_suspended(tx, last, true).await?)).await;
    }
    f.account(seller, "po_ok", "APPROVED", Value::Null);
    let available = f.available(seller).await;
    let delivered = f.sell(Some(seller)).await;
    f.hand_over(&delivered).await;
    Rows { seller, available, delivered }
}

async fn observe(f: &Fixture, rows: Rows) -> Value {
    let payouts: Vec<_> = f.payouts(rows.seller).await.into_iter().map(|payout| (payout.status, payout.amount)).collect();
    let check: LedgerCheck = f.get("/admin/ledger/check").admin().send().await.expect(200).read();
    json!({"balance": f.balance(rows.seller).await, "payouts": payouts, "balanced": check.balanced})
}

/// An action of a unit.
async fn act(f: &Fixture, unit: impl AsyncFn(&mut Tx) -> Result<(), Error> + Send + 'static) -> Value {
    f.db().write(unit).await.map_or_else(|error: Error| error.to_string().into(), |()| Value::Null)
}

fn returned(sold: &FulfilmentConfirmed, f: &Fixture) -> Fact {
    Fact::Returned { return_id: f.id(), lines: vec![(sold.items[0].order_item_id, 1)], refund_amount: 5_000 }
}

#[tokio::test]
async fn actions_on_the_same_balance_end_as_one_after_the_other() {
    let owned = Fixture::start().await;
    let f = &owned;
    let last = &Cell::default();
    let Some(scenario) = Scenario::new(f, move || prepare(f, last), move |rows| observe(f, rows)) else { return };
    let scenario = scenario
        .action("run payouts", move |_, work| async move {
            let admin = f.token(f.admin, &["ADMIN"]);
            let request = f.post("/admin/payouts/run", &json!({})).bearer(&admin).key(&f.id::<OrderId>().to_string());
            request.correlation_id(work).send().await.outcome()
        })
        .action("release a sale", move |rows: Rows, _| {
            act(f, async move |tx: &mut Tx| sales::release(tx, rows.delivered.fulfilment_id).await.map(|_| ()))
        })
        .action("return a unit of the available sale", move |rows: Rows, _| async move {
            let (order, fact) = (rows.available.order_id, returned(&rows.available, f));
            act(f, async move |tx: &mut Tx| sales::apply(tx, order, fact.clone()).await).await
        })
        .action("return a unit of the other sale", move |rows: Rows, _| async move {
            let (order, fact) = (rows.delivered.order_id, returned(&rows.delivered, f));
            act(f, async move |tx: &mut Tx| sales::apply(tx, order, fact.clone()).await).await
        })
        .action("cancel the other sale", move |rows: Rows, _| async move {
            let (order, fulfilment_id) = (rows.delivered.order_id, rows.delivered.fulfilment_id);
            act(f, async move |tx: &mut Tx| sales::apply(tx, order, Fact::Cancelled { fulfilment_id, refund_amount: 10_490 }).await).await
        })
        .action("suspend the seller", move |rows: Rows, _| {
            act(f, async move |tx: &mut Tx| Ok(payout_rows::set_suspended(tx, rows.seller, true).await?))
        });
    let found = scenario.try_all().await;
    assert!(found.runs > 100 && found.waits > 20, "{found:?}");
    assert!(found.faults.is_empty(), "{} of {} runs:\n{}", found.faults.len(), found.runs, found.faults.join("\n"));
}
