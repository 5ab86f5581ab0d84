//! When orders are due. An order that cannot be advanced, or whose payment takes long, delays no other.

use super::{
    entry_points::{place, send_and_settle, until},
    model::id,
    upstreams::{Upstreams, address_id, customer, reservation_id},
};
use crate::{Settings, actions, domain::Step};
use axum::{
    Json, Router,
    extract::{Path, State},
    routing::post,
};
use contracts::{
    ids::{OrderId, PaymentId},
    inventory::StockReserved,
    order::OrderView,
};
use platform::{db, params, testing::Harness};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

/// Returns when an order is due, and its failed attempts.
async fn due(h: &Harness, id: OrderId) -> (i64, u32) {
    let row = async move |tx: &mut db::Tx| {
        tx.query_one("SELECT due_at, fruitless_turns FROM orders WHERE order_id = $1", params![id], |row| Ok((row.next()?, row.next()?)))
            .await
    };
    h.db().read(row).await.map_err(|error: db::Error| error).unwrap()
}

#[tokio::test]
async fn an_order_that_cannot_be_read_is_rescheduled_with_growing_pauses() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    h.expect_worker_failures();
    let id = place(&h, "k").await.expect(201).read::<OrderView>().order_id;
    let damage = async move |tx: &mut db::Tx| tx.execute("UPDATE orders SET saga = '{' WHERE order_id = $1", params![id]).await;
    h.db().write(damage).await.map_err(|error: db::Error| error).unwrap();
    let mut pause = 0;
    for attempts in 1..=4 {
        h.complete().await;
        let (due_at, failed_attempts) = due(&h, id).await;
        assert_eq!(failed_attempts, attempts, "it is tried exactly once each time it is due");
        assert!(due_at - h.env.now().0 > pause, "{due_at}");
        pause = due_at - h.env.now().0;
        h.advance(Duration::from_micros(pause.unsigned_abs()));
    }
}

#[tokio::test]
async fn a_refused_refund_is_tried_with_growing_pauses_until_it_works() {
    let upstreams = Upstreams::new();
    upstreams.script().refund = "REFUND_FAILED";
    let h = upstreams.harness().await;
    let placed: OrderView = place(&h, "k").await.expect(201).read();
    let path = format!("/orders/{}", placed.order_id);
    until(&h, placed.order_id, "CONFIRMED").await;
    h.post(&format!("{path}/cancel"), &json!({})).customer(customer()).send().await.expect(200);
    let hours = async |count: u32| {
        for _ in 0..count * 60 {
            h.complete().await;
            h.advance(Duration::from_secs(60));
        }
        upstreams.keys_of("refund")
    };
    let (at_first, later) = (hours(5).await, hours(48).await);
    assert!((6..=10).contains(&at_first) && (2..=5).contains(&(later - at_first)), "{at_first} times, {later} in all");
    let refused: OrderView = h.get(&path).admin().send().await.expect(200).read();
    assert_eq!(refused.failure.unwrap().code, "REFUND_FAILED");
    assert_eq!(upstreams.holds(), ("CAPTURED", "RETURNED"), "the stock is returned before the refund works");

    upstreams.script().refund = "REFUNDED";
    hours(31).await;
    assert_eq!(upstreams.holds(), ("REFUNDED", "RETURNED"));
    assert_eq!(h.get(&path).admin().send().await.expect(200).read::<OrderView>().failure, None);
}

#[tokio::test]
async fn a_refund_refused_after_its_answer_is_tried_under_a_new_key() {
    let upstreams = Upstreams::new();
    // The key keeps an answer from before the refusal, and a refusal has no event.
    upstreams.script().refund = "CAPTURED";
    let h = upstreams.harness().await;
    let placed: OrderView = place(&h, "k").await.expect(201).read();
    until(&h, placed.order_id, "CONFIRMED").await;
    h.post(&format!("/orders/{}/cancel", placed.order_id), &json!({})).customer(customer()).send().await.expect(200);
    h.complete().await;
    upstreams.script().refund = "REFUNDED";
    h.complete().await;
    assert_eq!((upstreams.holds(), upstreams.keys_of("refund")), (("CAPTURED", "RETURNED"), 1));
    h.advance(Duration::from_secs(75));
    h.complete().await;
    assert_eq!((upstreams.holds(), upstreams.keys_of("refund")), (("REFUNDED", "RETURNED"), 2));
}

/// Payment, scripted for many orders. An authorization of `pm_slow` is never answered.
#[derive(Clone, Default)]
struct Payments(Arc<Mutex<HashMap<PaymentId, Value>>>);

impl Payments {
    fn router(&self) -> Router {
        Router::new().route("/payments", post(create)).route("/payments/{payment}/{verb}", post(change)).with_state(self.clone())
    }

    fn put(&self, payment: Value) -> Json<Value> {
        let id = payment["paymentId"].as_str().unwrap().parse().unwrap();
        self.0.lock().unwrap().insert(id, payment.clone());
        Json(payment)
    }
}

async fn create(State(payments): State<Payments>, Json(body): Json<Value>) -> Json<Value> {
    // Any id that differs by order.
    payments.put(json!({"paymentId": body["orderId"], "orderId": body["orderId"], "userId": customer(), "status": "INITIATED",
        "amount": body["amount"], "currency": "EUR", "capturedAmount": 0, "refundedAmount": 0, "provider": "MOCK",
        "paymentMethod": body["paymentMethod"], "failure": null, "transactions": [], "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-01-01T00:00:00Z"}))
}

async fn change(State(payments): State<Payments>, Path((id, verb)): Path<(PaymentId, String)>) -> Json<Value> {
    let mut payment = payments.0.lock().unwrap()[&id].clone();
    if payment["paymentMethod"] == "pm_slow" {
        std::future::pending::<()>().await;
    }
    payment["status"] = json!(if verb == "authorize" { "AUTHORIZED" } else { "CAPTURED" });
    payments.put(payment)
}

#[tokio::test]
async fn orders_whose_provider_does_not_answer_delay_no_others() {
    let upstreams = Upstreams::new();
    let h = upstreams.around(Harness::of(crate::service())).upstream("payment", Payments::default().router()).start().await;
    let order = |number: u32, method: &str| {
        upstreams.script().cart_id = id(3, number);
        let body = json!({"shippingAddressId": address_id(), "paymentMethod": method});
        h.post("/orders", &body).customer(customer()).key(&number.to_string())
    };
    for number in 1..=200 {
        order(number, "pm_slow").send().await.expect(201);
    }
    h.settle().await;
    let behind = order(201, "pm_ok").header("prefer", "wait=10");
    assert_eq!(send_and_settle(&h, behind).await.expect(201).json()["status"], "CONFIRMED");
}

#[tokio::test]
async fn an_order_that_an_event_advanced_is_not_rescheduled() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let id = place(&h, "k").await.expect(201).read::<OrderView>().order_id;
    let settings = Settings::default();
    h.deliver(StockReserved { reservation_id: reservation_id(), order_id: id, lines: Vec::new(), expires_at: h.env.now() }).await;
    actions::reschedule(h.db(), id, &settings, vec![Step::AuthorizePayment, Step::ReserveStock]).await.unwrap();
    assert_eq!(due(&h, id).await, (h.env.now().0, 0));
    actions::reschedule(h.db(), id, &settings, vec![Step::AuthorizePayment]).await.unwrap();
    let (due_at, failed_attempts) = due(&h, id).await;
    assert!(due_at > h.env.now().0 && failed_attempts == 1, "{due_at}");
}
