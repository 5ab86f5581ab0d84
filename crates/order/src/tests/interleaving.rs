//! Actions on the same order, one held between its statements while the other runs.

use super::{
    model::{id, order},
    upstreams::{Upstreams, address_id, customer},
};
use crate::{
    Error, actions,
    domain::{Fact, Fulfilment},
    store,
};
use contracts::{
    ids::{FulfilmentId, OrderId, PaymentId, ReservationId},
    problem::{Code, Failure},
};
use platform::{
    db::Tx,
    testing::{Harness, interleaving::Scenario},
};
use serde_json::{Value, json};
use std::time::Duration;

const PAY_AGAIN: Duration = Duration::from_secs(3_600);

/// The rows of one run.
#[derive(Clone)]
struct Rows {
    order: OrderId,
    fulfilment: FulfilmentId,
    payment: PaymentId,
    reservation: ReservationId,
}

/// An order to which these facts were applied.
async fn prepare(h: &Harness, facts: fn(&Rows) -> Vec<Fact>) -> Rows {
    let rows = Rows { order: h.id(), fulfilment: h.id(), payment: h.id(), reservation: h.id() };
    let (own, number) = (rows.clone(), h.id::<OrderId>().to_string());
    let insert = async move |tx: &mut Tx| {
        let mut order = order();
        (order.order_id, order.order_number, order.cart_id) = (own.order, number.clone(), tx.new_id());
        order.user_id = customer();
        order.items[0].order_item_id = tx.new_id();
        order.items[0].seller_id = Some(id(4, 1));
        order.fulfilments = vec![Fulfilment::new(own.fulfilment, Some(id(4, 1)), 490)];
        assert_eq!(store::insert(tx, &mut order, None).await?, store::Insertion::Inserted);
        for fact in facts(&own) {
            assert!(actions::apply(tx, own.order, &fact, PAY_AGAIN).await?, "{fact:?}");
        }
        Ok::<_, Error>(())
    };
    h.db().write(insert).await.unwrap();
    rows
}

async fn observe(h: &Harness, rows: Rows) -> Value {
    let view = h.get(&format!("/orders/{}", rows.order)).admin().send().await.expect(200).json();
    let read = async move |tx: &mut Tx| Ok::<_, Error>(store::find_order(tx, None, rows.order).await?.unwrap().saga);
    json!({"view": view, "saga": h.db().read(read).await.unwrap()})
}

/// A fact about the rows of a run, with its name.
type NamedFact = (&'static str, fn(&Rows) -> Fact);

/// The scenario of orders in one state, with the facts that others state about it.
fn scenario<'a>(h: &'a Harness, before: fn(&Rows) -> Vec<Fact>, facts: &[NamedFact]) -> Option<Scenario<'a, Rows>> {
    let mut scenario = Scenario::new(h, move || prepare(h, before), move |rows| observe(h, rows))?;
    for (name, fact) in facts.iter().copied() {
        scenario = scenario.action(name, move |rows: Rows, _| async move {
            let (id, fact) = (rows.order, fact(&rows));
            let applied = h.db().write(async move |tx: &mut Tx| actions::apply(tx, id, &fact, PAY_AGAIN).await).await;
            applied.map_or_else(|error: Error| error.to_string().into(), Value::Bool)
        });
    }
    let send = move |path: String, key: String, body: Value, work: &'static str| async move {
        h.post(&path, &body).customer(customer()).key(&key).correlation_id(work).send().await.outcome()
    };
    let scenario = scenario
        .action("cancel", move |rows: Rows, work| {
            send(format!("/orders/{}/cancel", rows.order), h.id::<OrderId>().to_string(), json!({}), work)
        })
        .action("cancel the part", move |rows: Rows, work| {
            let path = format!("/orders/{}/fulfilments/{}/cancel", rows.order, rows.fulfilment);
            send(path, h.id::<OrderId>().to_string(), json!({}), work)
        })
        .action("pay", move |rows: Rows, work| {
            send(format!("/orders/{}/pay", rows.order), h.id::<OrderId>().to_string(), json!({"paymentMethod": "pm_ok"}), work)
        })
        .action("place under one key", move |rows: Rows, work| {
            let body = json!({"shippingAddressId": address_id(), "paymentMethod": "pm_ok"});
            send("/orders".into(), rows.order.to_string(), body, work)
        })
        .action("cancel if it is overdue", move |rows: Rows, _| async move {
            actions::cancel_if_overdue(h.db(), rows.order).await.map_or_else(|error| error.to_string().into(), |()| Value::Null)
        });
    Some(scenario)
}

async fn try_all(scenario: Option<Scenario<'_, Rows>>) {
    let Some(scenario) = scenario else { return };
    let found = scenario.try_all().await;
    assert!(found.runs > 100 && found.waits > 20, "{found:?}");
    assert!(found.faults.is_empty(), "{} of {} runs:\n{}", found.faults.len(), found.runs, found.faults.join("\n"));
}

#[tokio::test]
async fn actions_on_an_order_that_is_paid_end_as_one_after_the_other() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let scenario = scenario(
        &h,
        |rows| vec![Fact::PaymentAuthorized(rows.payment)],
        &[
            ("stock is reserved", |rows| Fact::StockReserved(rows.reservation)),
            ("stock is short", |_| Fact::OutOfStock(0)),
            ("the payment is captured", |rows| Fact::PaymentCaptured(rows.payment)),
            ("the payment is voided", |rows| Fact::PaymentVoided(rows.payment)),
        ],
    );
    let kept = ["stock is reserved", "stock is short", "the payment is captured", "the payment is voided", "cancel", "pay"];
    try_all(scenario.map(|scenario| scenario.only(&kept))).await;
}

#[tokio::test]
async fn actions_on_an_order_whose_payment_failed_end_as_one_after_the_other() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let scenario = scenario(
        &h,
        |rows| vec![Fact::PaymentFailed(rows.payment, Failure::from(Code::PAYMENT_DECLINED))],
        &[("the payment is authorized late", |rows| Fact::PaymentAuthorized(rows.payment))],
    );
    try_all(scenario).await;
}

/// A parcel that was sent already is left out: a cancellation answers in a second unit what shipping decided until then.
#[tokio::test]
async fn actions_on_a_confirmed_order_end_as_one_after_the_other() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let scenario = scenario(
        &h,
        |rows| {
            let Rows { payment, reservation, .. } = *rows;
            vec![
                Fact::PaymentAuthorized(payment),
                Fact::StockReserved(reservation),
                Fact::PaymentCaptured(payment),
                Fact::StockConfirmed(reservation),
            ]
        },
        &[
            ("the payment is refunded", |rows| Fact::PaymentRefunded(rows.payment)),
            ("a parcel is made", |rows| Fact::ShipmentCreated {
                fulfilment_id: rows.fulfilment,
                shipment_id: id(10, 1),
                carrier: "MOCK".into(),
                tracking_number: "T1".into(),
            }),
            ("there will be no parcel", |rows| Fact::ShipmentCancelled(rows.fulfilment)),
        ],
    );
    let kept =
        ["the payment is refunded", "a parcel is made", "there will be no parcel", "the parcel was sent", "cancel", "cancel the part"];
    try_all(scenario.map(|scenario| scenario.only(&kept))).await;
}
