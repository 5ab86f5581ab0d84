//! Who may do what.

use super::{Order, confirm, ship, shipments, start};
use contracts::ids::OrderId;
use serde_json::json;

#[tokio::test]
async fn every_operation_but_the_rates_refuses_anonymous_callers() {
    let h = start().await;
    let own: Vec<_> = h.runtime.operations.iter().filter(|(_, operation)| operation.tag == "shipping").collect();
    assert!(own.len() >= 6);
    for (_, operation) in own.into_iter().filter(|(_, operation)| operation.path != "/shipping/rates") {
        let id = h.id::<OrderId>().to_string();
        let path = operation.path.replace("{orderId}", &id).replace("{shipmentId}", &id);
        h.request(operation.method.clone(), &path).json(&json!({})).send().await.expect_problem(401, "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn wrong_roles_are_refused() {
    let h = start().await;
    let (order, shipment) = ship(&h).await;
    let (events, retry) = (format!("/shipments/{shipment}/events"), format!("/admin/shipments/{}/retry", order.order_id));
    let body = json!({"status": "IN_TRANSIT"});
    h.post(&events, &body).customer(order.user_id).send().await.expect_problem(403, "FORBIDDEN");
    h.post(&events, &body).seller(order.user_id).send().await.expect_problem(403, "FORBIDDEN");
    h.post(&events, &body).service("order").send().await.expect_problem(403, "FORBIDDEN");
    h.post(&events, &body).bearer(&h.scoped_token("parcels", "orders:read")).send().await.expect_problem(403, "FORBIDDEN");
    h.post(&retry, &json!({})).customer(order.user_id).send().await.expect_problem(403, "FORBIDDEN");
    h.get("/admin/shipments").customer(order.user_id).send().await.expect_problem(403, "FORBIDDEN");
    let cancel_shipment = format!("/internal/shipments/{}/recall", order.order_id);
    h.request(axum::http::Method::PUT, &cancel_shipment).customer(order.user_id).send().await.expect_problem(403, "FORBIDDEN");
    h.request(axum::http::Method::PUT, &cancel_shipment).service("payment").send().await.expect_problem(403, "FORBIDDEN");
    assert_eq!(shipments(&h, order).await[0].events.len(), 1);
    h.post(&events, &body).bearer(&h.scoped_token("parcels", "other shipping:events")).send().await.expect(200);
}

#[tokio::test]
async fn the_shipment_of_another_user_is_not_found() {
    let h = start().await;
    let (order, shipment) = ship(&h).await;
    let (stranger, _) = ship(&h).await;
    let (list, one) = (format!("/orders/{}/shipments", order.order_id), format!("/shipments/{shipment}"));
    for path in [&list, &one] {
        h.get(path).customer(stranger.user_id).send().await.expect_problem(404, "NOT_FOUND");
        h.get(path).seller(stranger.user_id).send().await.expect_problem(404, "NOT_FOUND");
        h.get(path).admin().send().await.expect(200);
        h.get(path).customer(order.user_id).send().await.expect(200);
    }
    // A pending order of another user looks like an unknown one.
    let pending = confirm(&h, "carrier:fail").await;
    h.get(&format!("/orders/{}/shipments", pending.order_id)).customer(stranger.user_id).send().await.expect_problem(404, "NOT_FOUND");
}

#[tokio::test]
async fn unknown_ids_are_not_found() {
    let h = start().await;
    let order = Order::new(&h);
    for path in [
        format!("/orders/{}/shipments", order.order_id),
        format!("/shipments/{}", order.order_id),
        "/orders/1/shipments".into(),
        "/shipments/..%2f..%2fetc".into(),
    ] {
        h.get(&path).customer(order.user_id).send().await.expect_problem(404, "NOT_FOUND");
        h.get(&path).admin().send().await.expect_problem(404, "NOT_FOUND");
    }
    let pending = confirm(&h, "").await;
    let path = format!("/orders/{}/shipments?cursor=made-up", pending.order_id);
    h.get(&path).customer(pending.user_id).send().await.expect_problem(400, "BAD_CURSOR");
}
