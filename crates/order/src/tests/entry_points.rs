//! Orders over HTTP, by events and by time, with scripted upstreams.

use super::model::id;
use super::upstreams::{Fault, Upstreams, address_id, customer, payment_id, reservation_id};
use crate::{
    domain::Order,
    store::{self, OrderQuery, listed},
};
use contracts::{
    ids::{OrderId, UserId},
    money::Currency,
    order::{OrderCancelled, OrderConfirmed, OrderInventoryReserved, OrderPaymentFailed, OrderSort, OrderView},
    payment::{PaymentAuthorized, PaymentRefunded},
    time::Timestamp,
};
use platform::{
    db::Tx,
    testing::{Harness, TestRequest, TestResponse},
};
use serde_json::{Value, json};
use std::{pin::pin, time::Duration};

fn body() -> Value {
    json!({"shippingAddressId": address_id(), "paymentMethod": "pm_ok"})
}

pub async fn place(h: &Harness, key: &str) -> TestResponse {
    h.post("/orders", &body()).customer(customer()).key(key).send().await
}

pub async fn order(h: &Harness, id: OrderId) -> OrderView {
    h.get(&format!("/orders/{id}")).customer(customer()).send().await.expect(200).read()
}

/// Runs the saga until it waits for the clock, an event or a person. Pauses between attempts of a call take no time.
pub async fn advance_orders(h: &Harness) {
    h.skip_sleeps(h.complete()).await;
}

/// Runs the saga until the order has the status.
pub async fn until(h: &Harness, id: OrderId, status: &str) -> OrderView {
    for _ in 0..1_000 {
        advance_orders(h).await;
        let view = order(h, id).await;
        if view.status.to_string() == status {
            return view;
        }
        h.advance(Duration::from_millis(100));
    }
    panic!("the order does not become {status}: {:?}", order(h, id).await);
}

/// Runs the saga for twenty seconds.
pub async fn work(h: &Harness) {
    for _ in 0..40 {
        advance_orders(h).await;
        h.advance(Duration::from_millis(500));
    }
}

/// Sends a request that waits, and runs the saga until it is answered. The clock does not advance, so the wait does not end before.
pub async fn send_and_settle(h: &Harness, request: TestRequest<'_>) -> TestResponse {
    let mut request = pin!(request.send());
    for _ in 0..100_000 {
        let turn = async {
            h.settle().await;
            tokio::task::yield_now().await;
        };
        tokio::select! {
            biased;
            answer = &mut request => return answer,
            () = turn => {}
        }
    }
    panic!("the request is not answered");
}

fn path_of(view: &OrderView) -> Vec<String> {
    view.timeline.iter().map(|entry| entry.status.to_string()).collect()
}

#[tokio::test]
async fn a_placed_order_becomes_confirmed() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let answer = place(&h, "k").await.expect(201);
    let placed: OrderView = answer.read();
    assert_eq!(answer.header("location"), format!("/api/v1/orders/{}", placed.order_id));
    assert_eq!((placed.subtotal_amount, placed.shipping_amount, placed.total_amount), (2_000, 490, 2_490));
    let view = until(&h, placed.order_id, "CONFIRMED").await;
    assert_eq!(path_of(&view).last().unwrap(), "CONFIRMED");
    assert_eq!(view.payment_id, Some(payment_id()));
    assert!(view.shipping.pending);
    for verb in ["check-out", "create", "authorize", "capture", "reserve", "confirm"] {
        assert_eq!(upstreams.keys_of(verb), 1, "{verb}");
    }
    let events = h.emitted_of::<OrderConfirmed>().await;
    assert_eq!((events.len(), events[0].payment_id, events[0].reservation_id), (1, payment_id(), reservation_id()));
    let reserved = h.emitted_of::<OrderInventoryReserved>().await;
    assert_eq!((reserved.len(), reserved[0].payment_id, reserved[0].reservation_id), (1, payment_id(), reservation_id()));
    h.nothing_is_parked().await;
}

#[tokio::test]
async fn the_answer_can_wait_for_the_outcome_and_is_repeated_byte_for_byte() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let request = || h.post("/orders", &body()).customer(customer()).key("k").header("prefer", "wait=10");
    let first = send_and_settle(&h, request()).await.expect(201);
    assert_eq!(first.json()["status"], "CONFIRMED");
    assert_eq!(first.header("preference-applied"), "wait=10");
    upstreams.script().cart = None;
    let again = request().send().await.expect(201);
    assert_eq!(again.body, first.body);
    assert_eq!(again.header("idempotency-replayed"), "true");
}

#[tokio::test]
async fn a_wait_ends_at_its_limit_and_its_answer_is_kept() {
    let upstreams = Upstreams::new();
    upstreams.script().authorize = "FAILED";
    let h = upstreams.harness().await;
    let began = h.env.now();
    let request = || h.post("/orders", &body()).customer(customer()).key("k").header("prefer", "wait=10");
    let placed = h.skip_sleeps(request().send()).await.expect(201);
    assert_eq!((placed.json()["status"].as_str(), h.env.now().since(began)), (Some("PENDING_PAYMENT"), Duration::from_secs(10)));
    let id = placed.read::<OrderView>().order_id;
    until(&h, id, "PAYMENT_FAILED").await;
    assert_eq!(request().send().await.expect(201).body, placed.body);

    let path = format!("/orders/{id}/pay");
    let request = || h.post(&path, &json!({"paymentMethod": "pm_ok"})).customer(customer()).key("p").header("prefer", "wait=10");
    let paid = h.skip_sleeps(request().send()).await.expect(200);
    assert_eq!(paid.json()["status"], "PENDING_PAYMENT");
    let again = request().send().await.expect(200);
    assert_eq!((&again.body, again.header("idempotency-replayed")), (&paid.body, "true"));
}

#[tokio::test]
async fn an_order_number_that_is_taken_is_replaced() {
    // The same seed gives both orders the same number.
    let number = async |taken: Option<String>| {
        let h = Upstreams::new().harness().await;
        if let Some(order_number) = taken {
            let insert = async move |tx: &mut Tx| {
                let mut other = Order { order_number: order_number.clone(), cart_id: id(3, 99), ..super::model::order() };
                store::insert(tx, &mut other, None).await
            };
            assert_eq!(h.db().write(insert).await.unwrap(), store::Insertion::Inserted);
        }
        place(&h, "k").await.expect(201).read::<OrderView>().order_number
    };
    let first = number(None).await;
    assert_eq!(number(None).await, first);
    assert_ne!(number(Some(first.clone())).await, first);
}

#[tokio::test]
async fn a_key_makes_one_order_and_belongs_to_one_request() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let first = place(&h, "k").await.expect(201);
    assert_eq!(place(&h, "k").await.expect(201).body, first.body);
    let other = json!({"shippingAddressId": address_id(), "paymentMethod": "pm_declined"});
    h.post("/orders", &other).customer(customer()).key("k").send().await.expect_problem(422, "IDEMPOTENCY_KEY_REUSED");
    h.post("/orders", &body()).customer(customer()).send().await.expect_problem(400, "IDEMPOTENCY_KEY_REQUIRED");
    // The same cart cannot be ordered again under another key.
    place(&h, "other").await.expect_problem(409, "CART_EMPTY");
    let list: Value = h.get("/orders").customer(customer()).send().await.expect(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_ordered_is_refused_and_nothing_is_placed() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let post = |body: Value, key: &'static str| h.post("/orders", &body).customer(customer()).key(key).send();
    let unknown = json!({"shippingAddressId": id::<UserId>(9, 99), "paymentMethod": "pm_ok"});
    let refused = post(unknown, "a").await.expect_problem(422, "UNKNOWN_ADDRESS");
    assert_eq!(refused.json()["errors"][0]["pointer"], "/shippingAddressId");
    let expected = json!({"shippingAddressId": address_id(), "paymentMethod": "pm_ok", "expectedTotalAmount": 1});
    assert_eq!(post(expected, "b").await.expect_problem(409, "TOTAL_CHANGED").json()["totalAmount"], 2_490);
    upstreams.script().country_is_not_served = true;
    let refused = post(body(), "country_is_not_served").await.expect_problem(422, "UNSUPPORTED_COUNTRY");
    assert_eq!((&refused.json()["errors"][0]["pointer"], &refused.json()["country"]), (&json!("/shippingAddressId"), &json!("DE")));
    upstreams.script().country_is_not_served = false;
    upstreams.script().currency_has_no_rate = true;
    let refused = post(body(), "currency_has_no_rate").await.expect_problem(422, "UNSUPPORTED_CURRENCY");
    assert_eq!(refused.json()["currency"], "EUR");
    upstreams.script().currency_has_no_rate = false;
    upstreams.script().product_status = "INACTIVE";
    post(body(), "c").await.expect_problem(409, "PRODUCT_UNAVAILABLE");
    upstreams.script().product_status = "ACTIVE";
    upstreams.script().catalog_is_down = true;
    post(body(), "d").await.expect_problem(503, "DEPENDENCY_UNAVAILABLE");
    upstreams.script().catalog_is_down = false;
    upstreams.script().price = 10_000_000_000_000;
    post(body(), "e").await.expect_problem(422, "AMOUNT_TOO_LARGE");
    upstreams.script().price = 1_000;
    upstreams.script().cart = None;
    post(body(), "f").await.expect_problem(409, "CART_EMPTY");
    for bad in [
        json!({"paymentMethod": "pm_ok"}),
        json!({"shippingAddressId": "x", "paymentMethod": "pm_ok"}),
        json!({"shippingAddressId": address_id(), "paymentMethod": "pm_free"}),
        json!({"shippingAddressId": address_id(), "paymentMethod": "pm_ok", "totalAmount": 1}),
        json!({"shippingAddressId": address_id(), "paymentMethod": "pm_ok", "expectedTotalAmount": -1}),
    ] {
        post(bad, "g").await.expect_problem(422, "INVALID_REQUEST");
    }
    assert!(h.emitted().await.is_empty());
    // The key keeps a refusal, but not that an upstream was down.
    upstreams.script().cart = Some(1);
    post(body(), "f").await.expect_problem(409, "CART_EMPTY");
    post(body(), "d").await.expect(201);
}

#[tokio::test]
async fn a_declined_payment_releases_the_stock_and_can_be_paid_again() {
    let upstreams = Upstreams::new();
    upstreams.script().authorize = "FAILED";
    let h = upstreams.harness().await;
    let id = place(&h, "k").await.expect(201).read::<OrderView>().order_id;
    let failed = until(&h, id, "PAYMENT_FAILED").await;
    assert_eq!(failed.failure.unwrap().code, "PAYMENT_DECLINED");
    assert_eq!(h.emitted_of::<OrderPaymentFailed>().await.len(), 1);
    advance_orders(&h).await;
    assert_eq!(upstreams.keys_of("release"), 1);

    upstreams.script().authorize = "AUTHORIZED";
    h.post(&format!("/orders/{id}/pay"), &json!({"paymentMethod": "pm_ok"})).customer(customer()).send().await.expect(200);
    // The scripted upstreams know one payment and one reservation. Facts about past ones do not count for the new ones.
    let again = order(&h, id).await;
    assert_eq!(again.status.to_string(), "PENDING_PAYMENT");
    assert_eq!(again.failure, None);
    h.post(&format!("/orders/{id}/pay"), &json!({"paymentMethod": "pm_ok"}))
        .customer(customer())
        .send()
        .await
        .expect_problem(409, "ORDER_NOT_PAYABLE");
}

#[tokio::test]
async fn an_order_that_is_not_paid_in_time_is_cancelled_and_its_lines_return() {
    let upstreams = Upstreams::new();
    upstreams.script().authorize = "FAILED";
    let h = upstreams.harness().await;
    let id = place(&h, "k").await.expect(201).read::<OrderView>().order_id;
    until(&h, id, "PAYMENT_FAILED").await;
    h.advance(Duration::from_secs(24 * 3600 + 1));
    let view = until(&h, id, "CANCELLED").await;
    assert_eq!(view.timeline.last().unwrap().reason.as_deref(), Some("PAYMENT_WINDOW_CLOSED"));
    assert!(h.emitted_of::<OrderCancelled>().await[0].lines_return);
}

#[tokio::test]
async fn without_stock_the_authorization_is_voided() {
    let upstreams = Upstreams::new();
    upstreams.script().in_stock = false;
    let h = upstreams.harness().await;
    let id = place(&h, "k").await.expect(201).read::<OrderView>().order_id;
    let view = until(&h, id, "CANCELLED").await;
    assert_eq!(view.failure.unwrap().code, "INSUFFICIENT_STOCK");
    work(&h).await;
    assert_eq!(upstreams.keys_of("void"), 1);
    assert_eq!(upstreams.keys_of("capture"), 0);
    assert!(h.emitted_of::<OrderCancelled>().await[0].lines_return);
}

/// Runs the saga until nothing is due for an order.
async fn until_nothing_is_due(h: &Harness, id: OrderId) {
    for _ in 0..20 {
        work(h).await;
        let records = crate::list_for_check(h.db(), OrderId(contracts::ids::Uuid::nil()), 10).await.unwrap();
        let own = records.iter().find(|record| record.order.order_id == id).unwrap();
        if own.due_steps().is_empty() {
            return;
        }
    }
    panic!("something stays due for {id}");
}

#[tokio::test]
async fn a_void_with_an_unknown_outcome_is_settled_without_the_event() {
    let upstreams = Upstreams::new();
    {
        let mut script = upstreams.script();
        (script.in_stock, script.authorize, script.void) = (false, "INITIATED", "INITIATED");
    }
    let h = upstreams.harness().await;
    let id = place(&h, "k").await.expect(201).read::<OrderView>().order_id;
    until(&h, id, "CANCELLED").await;
    for _ in 0..4 {
        work(&h).await;
    }
    // The key keeps the first answer, but the payment itself has changed.
    assert_eq!(upstreams.keys_of("void"), 1);
    upstreams.script().payment = "VOIDED";
    until_nothing_is_due(&h, id).await;
    assert_eq!((upstreams.keys_of("void"), upstreams.keys_of("refund")), (1, 0));
}

#[tokio::test]
async fn a_void_that_came_after_a_capture_is_followed_by_the_refund_without_the_event() {
    let upstreams = Upstreams::new();
    upstreams.script().faults.insert("void", vec![Fault::Down; 64]);
    upstreams.script().in_stock = false;
    let h = upstreams.harness().await;
    let id = place(&h, "k").await.expect(201).read::<OrderView>().order_id;
    until(&h, id, "CANCELLED").await;
    assert_eq!(upstreams.keys_of("void"), 1);
    // An administrator captured it. The void is refused, and its key keeps the refusal.
    upstreams.script().payment = "CAPTURED";
    upstreams.script().faults.clear();
    until_nothing_is_due(&h, id).await;
    assert_eq!((upstreams.holds().0, upstreams.keys_of("void"), upstreams.keys_of("refund")), ("REFUNDED", 1, 1));
}

#[tokio::test]
async fn an_authorization_without_an_answer_is_repeated_under_the_same_key() {
    let upstreams = Upstreams::new();
    upstreams.script().authorize = "PROVIDER_UNAVAILABLE";
    let h = upstreams.harness().await;
    let id = place(&h, "k").await.expect(201).read::<OrderView>().order_id;
    for _ in 0..5 {
        work(&h).await;
    }
    assert_eq!(order(&h, id).await.status.to_string(), "PENDING_PAYMENT");
    assert!(upstreams.script().calls.iter().any(|(call, times)| call.starts_with("authorize ") && *times > 1));
    upstreams.script().authorize = "AUTHORIZED";
    until(&h, id, "CONFIRMED").await;
    assert_eq!(upstreams.keys_of("authorize"), 1);
}

#[tokio::test]
async fn an_outcome_that_only_an_event_carries_advances_the_order() {
    let upstreams = Upstreams::new();
    upstreams.script().authorize = "INITIATED";
    let h = upstreams.harness().await;
    let placed: OrderView = place(&h, "k").await.expect(201).read();
    advance_orders(&h).await;
    upstreams.script().payment = "AUTHORIZED";
    let event = PaymentAuthorized {
        payment_id: payment_id(),
        order_id: placed.order_id,
        order_number: placed.order_number.clone(),
        user_id: customer(),
        amount: 2_490,
        currency: Currency::EUR,
    };
    let envelope = h.deliver(event).await;
    h.deliver_envelope(envelope).await;
    let view = until(&h, placed.order_id, "CONFIRMED").await;
    let states = path_of(&view);
    assert_eq!(states.iter().filter(|status| *status == "CONFIRMED").count(), 1, "{states:?}");
}

#[tokio::test]
async fn partial_refunds_show_on_the_order_until_everything_is_refunded() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let placed = place(&h, "k").await.expect(201).read::<OrderView>();
    let confirmed = until(&h, placed.order_id, "CONFIRMED").await;
    assert_eq!(confirmed.refunded_amount, 0);
    let total = confirmed.total_amount;
    let refunded = |payment_id, amount, so_far| PaymentRefunded {
        cause_id: None,
        payment_id,
        order_id: placed.order_id,
        order_number: placed.order_number.clone(),
        user_id: customer(),
        amount,
        refunded_amount: so_far,
        captured_amount: total,
        currency: Currency::EUR,
        in_full: so_far == total,
    };
    // The events arrive in the wrong order, and each of them twice.
    let (first, second) = (refunded(payment_id(), 100, 100), refunded(payment_id(), 200, 300));
    for event in [&second, &first, &second, &first] {
        h.deliver(event.clone()).await;
    }
    // A refund of another payment does not count.
    h.deliver(refunded(h.id(), 999, 999)).await;
    let view = order(&h, placed.order_id).await;
    assert_eq!((view.status.to_string().as_str(), view.refunded_amount), ("CONFIRMED", 300));
    h.deliver(refunded(payment_id(), total - 300, total)).await;
    let view = order(&h, placed.order_id).await;
    assert_eq!((view.status.to_string().as_str(), view.refunded_amount), ("REFUNDED", total));
    h.nothing_is_parked().await;
}

#[tokio::test]
async fn anonymous_callers_and_other_customers_see_nothing() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let id = place(&h, "k").await.expect(201).read::<OrderView>().order_id;
    let stranger: UserId = h.id();
    h.get(&format!("/orders/{id}")).send().await.expect_problem(401, "UNAUTHENTICATED");
    h.get(&format!("/orders/{id}")).customer(stranger).send().await.expect_problem(404, "NOT_FOUND");
    h.post(&format!("/orders/{id}/cancel"), &json!({})).customer(stranger).send().await.expect_problem(404, "NOT_FOUND");
    h.post(&format!("/orders/{id}/pay"), &json!({"paymentMethod": "pm_ok"}))
        .customer(stranger)
        .send()
        .await
        .expect_problem(404, "NOT_FOUND");
    h.get("/admin/orders").customer(customer()).send().await.expect_problem(403, "FORBIDDEN");
    h.get("/admin/orders?status=PENDING_PAYMENT").admin().send().await.expect(200);
    h.get(&format!("/orders/{id}")).admin().send().await.expect(200);
    assert_eq!(h.get("/orders").customer(stranger).send().await.expect(200).json()["items"], json!([]));
}

#[tokio::test]
async fn lists_continue_after_the_page_and_keep_their_filters() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    for number in 0..5_u32 {
        upstreams.script().cart_id = id(3, 100 + number);
        place(&h, &format!("k{number}")).await.expect(201);
        h.advance(Duration::from_secs(60));
    }
    let mut seen = Vec::new();
    let mut path = "/orders?limit=2".to_owned();
    loop {
        let page = h.get(&path).customer(customer()).send().await.expect(200).json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["orderId"].as_str().unwrap().to_owned()));
        match page["nextCursor"].as_str() {
            Some(cursor) => path = format!("/orders?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "the newest first");
    let page = h.get("/orders?limit=2").customer(customer()).send().await.json();
    let cursor = page["nextCursor"].as_str().unwrap();
    h.get(&format!("/admin/orders?cursor={cursor}")).admin().send().await.expect_problem(400, "BAD_CURSOR");
    let from = h.get("/admin/orders?from=2026-01-01T00:02:00Z&to=2026-01-01T00:04:00Z").admin().send().await.expect(200).json();
    assert_eq!(from["items"].as_array().unwrap().len(), 2);
    let (mut path, mut placed) = ("/admin/orders?to=2026-01-01T00:04:00Z&limit=1".to_owned(), 0);
    loop {
        let page = h.get(&path).admin().send().await.expect(200).json();
        placed += page["items"].as_array().unwrap().len();
        match page["nextCursor"].as_str() {
            Some(cursor) => path = format!("/admin/orders?to=2026-01-01T00:04:00Z&limit=1&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(placed, 4);
    h.get("/orders?limit=0").customer(customer()).send().await.expect(422);
    h.get("/orders?status=NEW").customer(customer()).send().await.expect(422);
}

/// With two bounds the database would seek by the later one and scan all pages before.
#[test]
fn a_page_of_a_list_with_an_end_time_has_one_upper_bound() {
    let query = OrderQuery { to: Some(Timestamp(1)), ..OrderQuery::default() };
    assert_eq!(listed(&query, (None, None), OrderSort::Newest, Some((0, id(0, 1))), 21).sql().matches("order_id <").count(), 1);
}

#[tokio::test]
async fn a_client_that_disconnected_while_waiting_gets_the_answer_by_repeating_the_request() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let waiting = h.post("/orders", &body()).customer(customer()).key("k").header("prefer", "wait=10").send();
    let begun = async {
        while upstreams.keys_of("check-out") == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        _ = waiting => panic!("nothing changes yet"),
        () = begun => {}
    }
    let placed = h.get("/orders").customer(customer()).send().await.expect(200).json();
    h.complete().await;
    for _ in 0..100_000 {
        let again = place(&h, "k").await;
        if again.status == 201 {
            assert_eq!(again.json()["orderId"], placed["items"][0]["orderId"]);
            assert_eq!(again.json()["status"], "CONFIRMED");
            return;
        }
        again.expect_problem(409, "IDEMPOTENCY_IN_PROGRESS");
        tokio::task::yield_now().await;
    }
    panic!("the answer was not stored");
}

#[tokio::test]
async fn a_key_that_a_crash_left_unanswered_is_answered_without_waiting_too() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let id = place(&h, "k").await.expect(201).read::<OrderView>().order_id;
    until(&h, id, "CONFIRMED").await;
    // As after a crash between the order and its answer.
    h.db()
        .write(async |tx| {
            tx.execute("UPDATE idempotency SET body = NULL, resource = (SELECT order_id FROM orders), busy_until = 0", &[]).await
        })
        .await
        .unwrap();
    let again = place(&h, "k").await.expect(201);
    assert_eq!((again.json()["orderId"].as_str(), again.json()["status"].as_str()), (Some(id.to_string().as_str()), Some("CONFIRMED")));
    assert_eq!(place(&h, "k").await.expect(201).header("idempotency-replayed"), "true");
}

#[tokio::test]
async fn totals_count_the_filtered_orders_by_status() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let first = place(&h, "k0").await.expect(201).read::<OrderView>().order_id;
    until(&h, first, "CONFIRMED").await;
    h.advance(Duration::from_secs(60));
    let confirmed = h.env.now();
    for number in 1..3_u32 {
        h.advance(Duration::from_secs(60));
        upstreams.script().cart_id = id(3, 100 + number);
        let next = place(&h, &format!("k{number}")).await.expect(201).read::<OrderView>().order_id;
        h.post(&format!("/orders/{next}/cancel"), &json!({})).customer(customer()).send().await.expect(200);
        until(&h, next, "CANCELLED").await;
    }
    let (everyone, stranger): (_, UserId) = (customer(), h.id());
    for (query, expected) in [
        (String::new(), json!({"byStatus": {"CONFIRMED": 1, "CANCELLED": 2}, "total": 3})),
        (format!("?userId={everyone}&from={confirmed}"), json!({"byStatus": {"CANCELLED": 2}, "total": 2})),
        (format!("?to={confirmed}"), json!({"byStatus": {"CONFIRMED": 1}, "total": 1})),
        (format!("?userId={stranger}"), json!({"byStatus": {}, "total": 0})),
        ("?status=CANCELLED".into(), json!({"byStatus": {"CANCELLED": 2}, "total": 2})),
    ] {
        assert_eq!(h.get(&format!("/admin/orders/totals{query}")).admin().send().await.expect(200).json(), expected, "{query}");
    }
    h.get("/admin/orders/totals?user=1").admin().send().await.expect_problem(422, "INVALID_REQUEST");
    h.get("/admin/orders/totals").customer(customer()).send().await.expect_problem(403, "FORBIDDEN");
}

#[tokio::test]
async fn an_order_that_waits_to_be_paid_again_is_due_at_its_deadline() {
    let upstreams = Upstreams::new();
    upstreams.script().authorize = "FAILED";
    let h = upstreams.harness().await;
    let id = place(&h, "k").await.expect(201).read::<OrderView>().order_id;
    until(&h, id, "PAYMENT_FAILED").await;
    advance_orders(&h).await;
    assert_eq!(upstreams.keys_of("release"), 1);
    // As if a round without progress had rescheduled it just after an event settled it.
    h.db()
        .write(async move |tx| tx.execute("UPDATE orders SET due_at = 0 WHERE order_id = $1", platform::params![id]).await)
        .await
        .unwrap();
    advance_orders(&h).await;
    let now = h.env.now();
    let due = h.db().read(async |tx| store::DUE.list(tx, 10).await).await.unwrap();
    let next = h.db().read(async |tx| store::DUE.next(tx).await).await.unwrap().unwrap();
    assert_eq!(due, []);
    assert!(next.since(now) > Duration::from_secs(23 * 3600), "it is due at its payment deadline");
}
