//! Orders of guests: their tokens, the accounts that claim them, and the erasure of personal data.

use super::{
    entry_points::{advance_orders, send_and_settle, work},
    upstreams::{Upstreams, customer},
};
use contracts::{
    auth::{EmailVerified, PasswordChanged, UserErased},
    ids::{OrderId, UserId, Uuid},
    order::{OrderCancelled, OrderClaimed, OrderCreated, OrderPersonalDataErased, OrderView},
};
use platform::testing::{Harness, TestRequest, TestResponse};
use serde_json::{Value, json};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn cart_token() -> String {
    "c".repeat(43)
}

fn body(email: &str) -> Value {
    json!({
        "guest": {"email": email, "name": "Gwen Guest"},
        "shippingAddress": {"country": "DE", "city": "Berlin", "zip": "10115", "street": "Invalidenstraße", "number": "1"},
        "paymentMethod": "pm_ok",
    })
}

fn placing<'a>(h: &'a Harness, key: &str, body: &Value) -> TestRequest<'a> {
    h.post("/orders", body).header("X-Cart-Token", &cart_token()).key(key)
}

struct Placed {
    id: OrderId,
    token: String,
    answer: TestResponse,
}

async fn placed(n: &Upstreams, h: &Harness, key: &str) -> Placed {
    n.script().cart_id = h.id();
    let answer = placing(h, key, &body("Gwen@Example.com")).send().await.expect(201);
    let view: OrderView = answer.read();
    Placed { id: view.order_id, token: view.order_token.unwrap().reveal().to_owned(), answer }
}

fn reading<'a>(h: &'a Harness, id: impl std::fmt::Display, token: &str) -> TestRequest<'a> {
    h.get(&format!("/orders/{id}")).header("X-Order-Token", token)
}

#[tokio::test]
async fn a_guest_places_an_order_and_follows_it_by_its_token() {
    let n = Upstreams::new();
    let h = n.harness().await;
    let one = placed(&n, &h, "k").await;
    let again = placing(&h, "k", &body("Gwen@Example.com")).send().await.expect(201);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.body, one.answer.body, "the token is in the repeated answer");
    advance_orders(&h).await;
    let view: OrderView = reading(&h, one.id, &one.token).send().await.expect(200).read();
    assert!(view.order_token.is_none() && view.user_id.is_guest());
    assert_eq!(view.guest.as_ref().map(|guest| (&*guest.email, &*guest.name)), Some(("gwen@example.com", "Gwen Guest")));
    assert_eq!(view.shipping_address_snapshot.recipient.as_deref(), Some("Gwen Guest"));
    reading(&h, &view.order_number, &one.token).send().await.expect(200);
    // Nobody finds the token in what is stored or published.
    let stored: Vec<Option<String>> = h
        .db()
        .read::<_, platform::db::Error, _>(async |tx| tx.query("SELECT sealed_token FROM order_guests", &[], |row| row.next()).await)
        .await
        .unwrap();
    assert!(!stored[0].as_ref().unwrap().contains(&one.token));
    let published = serde_json::to_string(&h.emitted_of::<OrderCreated>().await).unwrap();
    assert!(!published.contains(&one.token) && !published.to_lowercase().contains("gwen@"));
    // The waiting answer has it as well.
    n.script().cart_id = h.id();
    let request = placing(&h, "w", &body("gwen@example.com")).header("prefer", "wait=10");
    let waited: OrderView = send_and_settle(&h, request).await.expect(201).read();
    assert!(waited.order_token.is_some());
    assert_eq!(waited.user_id, view.user_id, "one address is one customer");
}

#[tokio::test]
async fn a_token_opens_its_own_order_alone() {
    let n = Upstreams::new();
    let h = n.harness().await;
    let (one, two) = (placed(&n, &h, "1").await, placed(&n, &h, "2").await);
    let verb = |verb: &str, token: &str| {
        let body = if verb == "pay" { json!({"paymentMethod": "pm_ok"}) } else { json!({}) };
        h.post(&format!("/orders/{}/{verb}", two.id), &body).header("X-Order-Token", token)
    };
    let view: OrderView = reading(&h, two.id, &two.token).send().await.expect(200).read();
    let part = format!("fulfilments/{}/cancel", view.fulfilments[0].fulfilment_id);
    for wrong in [&one.token, &"x".repeat(43), &cart_token()] {
        verb(&part, wrong).send().await.expect_problem(404, "NOT_FOUND");
        reading(&h, two.id, wrong).send().await.expect_problem(404, "NOT_FOUND");
        verb("cancel", wrong).send().await.expect_problem(404, "NOT_FOUND");
        verb("pay", wrong).send().await.expect_problem(404, "NOT_FOUND");
        h.delete(&format!("/orders/{}/personal-data", two.id)).header("X-Order-Token", wrong).send().await.expect_problem(404, "NOT_FOUND");
    }
    reading(&h, two.id, "no token").send().await.expect_problem(401, "UNAUTHENTICATED");
    h.get(&format!("/orders/{}", two.id)).send().await.expect_problem(401, "UNAUTHENTICATED");
    h.get(&format!("/orders/{}", two.id)).customer(customer()).send().await.expect_problem(404, "NOT_FOUND");
    let find = |token: &str| h.post("/internal/orders/by-token", &json!({"orderToken": token})).service("shipping");
    assert_eq!(find(&two.token).send().await.expect(200).json()["orderId"], two.id.to_string());
    find(&cart_token()).send().await.expect_problem(404, "NOT_FOUND");
    verb(&part, &two.token).send().await.expect_problem(409, "FULFILMENT_NOT_CONFIRMED");
    verb("pay", &two.token).send().await.expect_problem(409, "ORDER_NOT_PAYABLE");
    let cancelled = verb("cancel", &two.token).key("c").send().await.expect(200);
    let repeated = verb("cancel", &two.token).key("c").send().await.expect(200);
    assert_eq!((repeated.header("idempotency-replayed"), &repeated.body), ("true", &cancelled.body));
    assert!(h.emitted_of::<OrderCancelled>().await[0].by_customer);
}

#[tokio::test]
async fn what_a_guest_sends_is_checked_at_once_and_places_nothing() {
    let n = Upstreams::new();
    let h = n.harness().await;
    let faults = |answer: TestResponse| -> Vec<String> {
        let errors = answer.json()["errors"].as_array().unwrap().clone();
        errors.iter().map(|fault| fault["pointer"].as_str().unwrap().to_owned()).collect()
    };
    let empty = placing(&h, "1", &json!({})).send().await.expect_problem(422, "INVALID_REQUEST");
    assert_eq!(faults(empty), ["/guest", "/shippingAddress", "/paymentMethod"]);
    let mut bad = body("gwen");
    bad["shippingAddress"]["street"] = "".into();
    let answer = placing(&h, "2", &bad).send().await.expect_problem(422, "INVALID_REQUEST");
    assert_eq!(faults(answer), ["/guest/email", "/shippingAddress/street"]);
    let mut bad = body("gwen@example.com");
    bad["shippingAddress"]["zip"] = "bad".into();
    bad["billingAddress"] = bad["shippingAddress"].clone();
    let answer = placing(&h, "3", &bad).send().await.expect_problem(422, "INVALID_REQUEST");
    assert_eq!(faults(answer), ["/shippingAddress/zip", "/billingAddress/zip"]);
    placing(&h, "4", &json!({"shippingAddressId": h.id::<OrderId>(), "paymentMethod": "pm_ok"})).send().await.expect(422);
    h.post("/orders", &body("gwen@example.com")).customer(customer()).key("5").send().await.expect(422);
    let unknown = h.post("/orders", &body("gwen@example.com")).header("X-Cart-Token", &"u".repeat(43)).key("6");
    unknown.send().await.expect_problem(401, "UNAUTHENTICATED");
    n.script().country_is_not_served = true;
    let answer = placing(&h, "7", &body("gwen@example.com")).send().await.expect_problem(422, "UNSUPPORTED_COUNTRY");
    assert_eq!(faults(answer), ["/shippingAddress/country"]);
    assert_eq!(h.emitted().await.len(), 0);
}

#[tokio::test]
async fn a_token_ends_half_a_year_after_the_last_change() {
    let n = Upstreams::new();
    let h = n.harness().await;
    let one = placed(&n, &h, "1").await;
    advance_orders(&h).await;
    h.advance(179 * DAY);
    reading(&h, one.id, &one.token).send().await.expect(200);
    h.advance(2 * DAY);
    reading(&h, one.id, &one.token).send().await.expect_problem(404, "NOT_FOUND");
}

#[tokio::test]
async fn the_account_that_verifies_the_address_claims_the_orders() {
    let n = Upstreams::new();
    let h = n.harness().await;
    let one = placed(&n, &h, "1").await;
    advance_orders(&h).await;
    h.deliver(EmailVerified { user_id: h.id(), email: "other@example.com".into() }).await;
    reading(&h, one.id, &one.token).send().await.expect(200);
    let changed = |by_reset| PasswordChanged { user_id: customer(), email: "gwen@example.com".into(), by_reset };
    h.deliver(changed(false)).await;
    reading(&h, one.id, &one.token).send().await.expect(200);
    for _ in 0..2 {
        h.deliver(EmailVerified { user_id: customer(), email: "gwen@example.com".into() }).await;
    }
    let view: OrderView = h.get(&format!("/orders/{}", one.id)).customer(customer()).send().await.expect(200).read();
    assert!(view.guest.is_none());
    assert_eq!(h.get("/orders").customer(customer()).send().await.expect(200).json()["items"].as_array().unwrap().len(), 1);
    reading(&h, one.id, &one.token).send().await.expect_problem(404, "NOT_FOUND");
    let claimed = h.emitted_of::<OrderClaimed>().await;
    assert_eq!((claimed.len(), claimed[0].user_id, claimed[0].guest_id.is_guest()), (1, customer(), true));
    h.get(&format!("/internal/orders/{}/guest-contact", one.id)).service("notification").send().await.expect_problem(404, "NOT_FOUND");
}

#[tokio::test]
async fn personal_data_is_erased_once_the_order_is_at_rest() {
    let n = Upstreams::new();
    let h = n.harness().await;
    let one = placed(&n, &h, "1").await;
    let contact = || h.get(&format!("/internal/orders/{}/guest-contact", one.id)).service("notification");
    assert_eq!(contact().send().await.expect(200).json(), json!({"email": "gwen@example.com", "orderToken": one.token}));
    let erasing = || h.delete(&format!("/orders/{}/personal-data", one.id));
    erasing().header("X-Order-Token", &one.token).send().await.expect_problem(409, "OPEN_ORDERS");
    let cancel = h.post(&format!("/orders/{}/cancel", one.id), &json!({"reason": "I am Gwen and changed my mind"}));
    cancel.header("X-Order-Token", &one.token).send().await.expect(200);
    for _ in 0..40 {
        advance_orders(&h).await;
        h.advance(Duration::from_millis(500));
    }
    // Answers are kept for keys: of the guest, who cancels, and of an administrator.
    let again = h.post(&format!("/orders/{}/cancel", one.id), &json!({}));
    again.header("X-Order-Token", &one.token).key("c").send().await.expect(200);
    h.post(&format!("/orders/{}/cancel", one.id), &json!({})).admin().key("c").send().await.expect(200);
    let answers = async || {
        let read = async |tx: &mut platform::db::Tx| tx.query("SELECT owner FROM idempotency", &[], |row| row.next::<Uuid>()).await;
        h.db().read::<_, platform::db::Error, _>(read).await.unwrap()
    };
    assert_eq!(answers().await.len(), 3);
    erasing().customer(customer()).send().await.expect_problem(403, "FORBIDDEN");
    erasing().header("X-Order-Token", &one.token).send().await.expect(204);
    reading(&h, one.id, &one.token).send().await.expect_problem(404, "NOT_FOUND");
    contact().send().await.expect_problem(404, "NOT_FOUND");
    assert!(answers().await.is_empty());
    let shown = h.get(&format!("/orders/{}", one.id)).admin().send().await.expect(200);
    let text = shown.json().to_string();
    for word in ["Gwen", "gwen", "Berlin", "10115", "Invaliden"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
    assert_eq!(shown.json()["shippingAddressSnapshot"]["country"], "DE");
    assert_eq!(h.emitted_of::<OrderPersonalDataErased>().await.len(), 1);
    erasing().admin().send().await.expect_problem(404, "NOT_FOUND");
    // An erased order is not claimed.
    h.deliver(EmailVerified { user_id: customer(), email: "gwen@example.com".into() }).await;
    assert!(h.emitted_of::<OrderClaimed>().await.is_empty());
    let records = crate::list_for_check(h.db(), OrderId(Uuid::nil()), 10).await.unwrap();
    assert!(records.iter().all(|record| record.faults().is_empty()), "{:?}", records[0].faults());
}

/// Places an order and brings it to rest.
async fn ended(n: &Upstreams, h: &Harness, key: &str) -> Placed {
    let one = placed(n, h, key).await;
    let cancel = h.post(&format!("/orders/{}/cancel", one.id), &json!({"reason": "I am Gwen and changed my mind"}));
    cancel.header("X-Order-Token", &one.token).send().await.expect(200);
    for _ in 0..40 {
        advance_orders(h).await;
        h.advance(Duration::from_millis(500));
    }
    one
}

#[tokio::test]
async fn an_erased_account_takes_what_it_ordered_as_a_guest_with_it() {
    let n = Upstreams::new();
    let h = n.harness().await;
    let claimed = ended(&n, &h, "1").await;
    h.deliver(EmailVerified { user_id: customer(), email: "gwen@example.com".into() }).await;
    let (unclaimed, open) = (ended(&n, &h, "2").await, placed(&n, &h, "3").await);
    let guest = h.emitted_of::<OrderClaimed>().await[0].guest_id;
    h.deliver(UserErased { user_id: customer(), guest_id: None }).await;
    let erased = async || h.emitted_of::<OrderPersonalDataErased>().await.iter().map(|event| event.order_id).collect::<Vec<_>>();
    assert_eq!(erased().await, [claimed.id]);
    reading(&h, unclaimed.id, &unclaimed.token).send().await.expect(200);
    // With the address that was verified. What is under way is delivered first.
    let other: UserId = h.id();
    h.deliver(UserErased { user_id: other, guest_id: Some(guest) }).await;
    assert_eq!(erased().await, [claimed.id, unclaimed.id]);
    reading(&h, unclaimed.id, &unclaimed.token).send().await.expect_problem(404, "NOT_FOUND");
    reading(&h, open.id, &open.token).send().await.expect(200);
    for id in [claimed.id, unclaimed.id] {
        let shown = h.get(&format!("/orders/{id}")).admin().send().await.expect(200).json().to_string();
        assert!(!shown.to_lowercase().contains("gwen") && !shown.contains("Invaliden"), "{shown}");
    }
    let keys = async || {
        let read = async |tx: &mut platform::db::Tx| tx.query("SELECT person FROM person_keys", &[], |row| row.next::<Uuid>()).await;
        h.db().read::<_, platform::db::Error, _>(read).await.unwrap()
    };
    assert_eq!(keys().await, [open.id.0], "each order of a guest has a key");
    // It is erased by itself when it has ended.
    h.advance(crate::store::personal::ERASE_PERIOD);
    h.complete().await;
    reading(&h, open.id, &open.token).send().await.expect(200);
    let cancel = h.post(&format!("/orders/{}/cancel", open.id), &json!({"reason": "I am Gwen and changed my mind"}));
    cancel.header("X-Order-Token", &open.token).send().await.expect(200);
    work(&h).await;
    h.advance(crate::store::personal::ERASE_PERIOD);
    h.complete().await;
    assert_eq!(erased().await, [claimed.id, unclaimed.id, open.id]);
    reading(&h, open.id, &open.token).send().await.expect_problem(404, "NOT_FOUND");
    let shown = h.get(&format!("/orders/{}", open.id)).admin().send().await.expect(200).json().to_string();
    assert!(!shown.to_lowercase().contains("gwen") && !shown.contains("Invaliden"), "{shown}");
    assert!(keys().await.is_empty());
    let records = crate::list_for_check(h.db(), OrderId(Uuid::nil()), 10).await.unwrap();
    assert!(records.iter().all(|record| record.faults().is_empty()));
}

#[tokio::test]
async fn an_order_that_somebody_claims_is_not_erased_with_its_former_guest() {
    let n = Upstreams::new();
    let h = n.harness().await;
    let open = placed(&n, &h, "1").await;
    let view: OrderView = reading(&h, open.id, &open.token).send().await.expect(200).read();
    h.deliver(UserErased { user_id: h.id(), guest_id: Some(view.user_id) }).await;
    // The address was verified again, for another account.
    h.deliver(EmailVerified { user_id: customer(), email: "gwen@example.com".into() }).await;
    let cancel = h.post(&format!("/orders/{}/cancel", open.id), &json!({}));
    cancel.customer(customer()).send().await.expect(200);
    work(&h).await;
    h.advance(crate::store::personal::ERASE_PERIOD);
    h.complete().await;
    assert!(h.emitted_of::<OrderPersonalDataErased>().await.is_empty());
    let view: OrderView = h.get(&format!("/orders/{}", open.id)).customer(customer()).send().await.expect(200).read();
    assert_eq!(view.shipping_address_snapshot.street, "Invalidenstraße");
}
