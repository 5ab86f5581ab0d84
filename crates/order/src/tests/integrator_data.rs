//! What integrators save with an order.

use super::{
    entry_points::{order, place, until},
    model::id,
    upstreams::{Upstreams, address_id, customer},
};
use contracts::{
    ids::{OrderId, UserId},
    order::{OrderSummary, OrderView},
    page::Page,
};
use platform::testing::{Harness, TestResponse};
use serde_json::{Value, json};

/// Places an order with these fields beside the usual ones, for another cart each time.
async fn place_with(h: &Harness, upstreams: &Upstreams, number: u32, more: &Value) -> TestResponse {
    upstreams.script().cart_id = id(3, number);
    let mut body = json!({"shippingAddressId": address_id(), "paymentMethod": "pm_ok"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    h.post("/orders", &body).customer(customer()).key(&number.to_string()).send().await
}

async fn found(h: &Harness, path: &str) -> Vec<OrderId> {
    let request = if path.starts_with("/admin") { h.get(path).admin() } else { h.get(path).customer(customer()) };
    let page: Page<OrderSummary> = request.send().await.expect(200).read();
    page.items.iter().map(|order| order.order_id).collect()
}

#[tokio::test]
async fn an_order_keeps_what_it_was_placed_with_and_is_found_by_it() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let saved = json!({"externalId": "ERP-1", "metadata": {"channel": "app", "note": "a\nb"}});
    let placed: OrderView = place_with(&h, &upstreams, 1, &saved).await.expect(201).read();
    let shown = serde_json::to_value(until(&h, placed.order_id, "CONFIRMED").await).unwrap();
    assert_eq!((&shown["externalId"], &shown["metadata"]), (&saved["externalId"], &saved["metadata"]));
    let plain: OrderView = place_with(&h, &upstreams, 2, &json!({})).await.expect(201).read();
    assert_eq!((plain.external_id, plain.metadata.len()), (None, 0));
    for path in ["/orders?externalId=ERP-1", "/admin/orders?externalId=ERP-1", "/admin/orders?externalId=ERP-1&status=CONFIRMED"] {
        assert_eq!(found(&h, path).await, [placed.order_id], "{path}");
    }
    assert!(found(&h, "/orders?externalId=ERP-2").await.is_empty());
    let other = h.get("/orders?externalId=ERP-1").customer(h.id::<UserId>()).send().await.expect(200);
    assert_eq!(other.json()["items"], json!([]));
}

#[tokio::test]
async fn a_name_that_another_order_of_the_customer_has_is_refused_and_nothing_is_placed() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let first: OrderView = place_with(&h, &upstreams, 1, &json!({"externalId": "ERP-1"})).await.expect(201).read();
    let refused = place_with(&h, &upstreams, 2, &json!({"externalId": "ERP-1"})).await.expect_problem(409, "EXTERNAL_ID_TAKEN");
    assert_eq!(refused.json()["errors"][0]["pointer"], "/externalId");
    assert_eq!(found(&h, "/orders").await, [first.order_id]);
    let second: OrderView = place_with(&h, &upstreams, 3, &json!({"externalId": "ERP-2"})).await.expect(201).read();
    let path = format!("/orders/{}", second.order_id);
    h.patch(&path, &json!({"externalId": "ERP-1"})).admin().send().await.expect_problem(409, "EXTERNAL_ID_TAKEN");
    h.patch(&format!("/orders/{}", first.order_id), &json!({"externalId": null})).admin().send().await.expect(200);
    let moved: OrderView = h.patch(&path, &json!({"externalId": "ERP-1"})).admin().send().await.expect(200).read();
    assert_eq!(moved.external_id.as_deref(), Some("ERP-1"));
}

#[tokio::test]
async fn its_customer_and_administrators_change_it_and_the_saga_keeps_it() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let placed: OrderView = place(&h, "k").await.expect(201).read();
    let path = format!("/orders/{}", placed.order_id);
    h.advance(std::time::Duration::from_secs(1));
    let mine: OrderView = h.patch(&path, &json!({"metadata": {"a": "1", "b": "2"}})).customer(customer()).send().await.expect(200).read();
    assert_eq!((mine.metadata.len(), mine.updated_at), (2, h.env.now()));
    let theirs: OrderView = h.patch(&path, &json!({"externalId": "ERP-1"})).admin().send().await.expect(200).read();
    assert_eq!((theirs.external_id.as_deref(), theirs.metadata.len()), (Some("ERP-1"), 2), "what is not named stays");
    let confirmed = until(&h, placed.order_id, "CONFIRMED").await;
    assert_eq!((confirmed.external_id.as_deref(), confirmed.metadata.len()), (Some("ERP-1"), 2));
    let replaced: OrderView = h.patch(&path, &json!({"metadata": {"c": "3"}})).admin().send().await.expect(200).read();
    assert_eq!(replaced.metadata.keys().collect::<Vec<_>>(), ["c"]);
    h.patch(&path, &json!({"externalId": "X"})).customer(h.id()).send().await.expect_problem(404, "NOT_FOUND");
    h.patch(&path, &json!({"externalId": "X"})).send().await.expect_problem(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn what_is_out_of_bounds_is_refused_with_every_fault() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let placed: OrderView = place_with(&h, &upstreams, 1, &json!({"externalId": "ERP-1"})).await.expect(201).read();
    let path = format!("/orders/{}", placed.order_id);
    let many: serde_json::Map<_, _> = (0..51).map(|n| (format!("k{n}"), json!("v"))).collect();
    for (bad, pointer) in [
        (json!({"externalId": ""}), "/externalId"),
        (json!({"externalId": "x".repeat(101)}), "/externalId"),
        (json!({"externalId": 7}), "/externalId"),
        (json!({"metadata": many}), "/metadata"),
        (json!({"metadata": {"a b": "c"}}), "/metadata"),
        (json!({"metadata": {"a": "x".repeat(501)}}), "/metadata/a"),
        (json!({"metadata": {"a": {"b": "c"}}}), "/metadata/a"),
        (json!({"metadata": null}), "/metadata"),
        (json!({"status": "SHIPPED"}), "/status"),
    ] {
        let refused = h.patch(&path, &bad).admin().send().await.expect_problem(422, "INVALID_REQUEST").json();
        assert!(refused["errors"][0]["pointer"].as_str().is_some_and(|at| at.starts_with(pointer)), "{refused}");
    }
    let both = h.patch(&path, &json!({"externalId": "", "metadata": {"a": 1}})).admin().send().await;
    assert_eq!(both.expect_problem(422, "INVALID_REQUEST").json()["errors"].as_array().unwrap().len(), 2);
    place_with(&h, &upstreams, 2, &json!({"metadata": {"": "x"}})).await.expect_problem(422, "INVALID_REQUEST");
    let kept = order(&h, placed.order_id).await;
    assert_eq!((kept.external_id.as_deref(), kept.metadata.len()), (Some("ERP-1"), 0));
    h.patch("/orders/x", &json!({})).admin().send().await.expect_problem(404, "NOT_FOUND");
}
