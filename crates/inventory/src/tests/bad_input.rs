//! Bad input is refused and changes nothing.

use super::*;

#[tokio::test]
async fn bad_stock_is_refused() {
    let h = stocked(&[("LAMP-1", 10)]).await;
    let id = stock_of(&h, "LAMP-1").await.product_id;
    let set = [
        (json!({"availableQty": -1, "productId": id}), "/availableQty"),
        (json!({"availableQty": 1_000_000_001, "productId": id}), "/availableQty"),
        (json!({"availableQty": 1.5, "productId": id}), "/availableQty"),
        (json!({"availableQty": "1", "productId": id}), "/availableQty"),
        (json!({"availableQty": null, "productId": id}), "/availableQty"),
        (json!({"availableQty": 1, "productId": 7}), "/productId"),
        (json!({"availableQty": 1, "productId": "LAMP-1"}), "/productId"),
        (json!({"availableQty": 1, "productId": id, "lowStockThreshold": -1}), "/lowStockThreshold"),
        (json!({"availableQty": 1, "productId": id, "reservedQty": 0}), "/reservedQty"),
        (json!({"availableQty": 1, "productId": id, "sellerId": id}), "/sellerId"),
        (json!({"availableQty": 1}), "/productId"),
        (json!({}), "/availableQty"),
        (json!([]), ""),
    ];
    for (body, pointer) in set {
        let problem = h.put("/inventory/stock/LAMP-1", &body).admin().send().await.expect_problem(422, "INVALID_REQUEST").json();
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body} {problem}");
    }
    for body in [
        json!({"delta": 1}),
        json!({"delta": 1, "reason": ""}),
        json!({"delta": 1, "reason": "a\nb"}),
        json!({"delta": 1, "reason": "x".repeat(201)}),
        json!({"delta": 1_000_000_001, "reason": "x"}),
        json!({"delta": -1_000_000_001, "reason": "x"}),
        json!({"reason": "x"}),
    ] {
        h.post("/inventory/stock/LAMP-1/adjust", &body).admin().send().await.expect_problem(422, "INVALID_REQUEST");
    }
    for sku in ["ab", "-LAMP", "..%2F..%2Fetc", "LAMP%00", "%F0%9F%92%A1%F0%9F%92%A1", "LAMP-1'--"] {
        h.get(&format!("/inventory/stock/{sku}")).admin().send().await.expect_problem(404, "NOT_FOUND");
    }
    for query in ["lowStock=yes", "lowStock=true&lowStock=true", "limit=0", "limit=101", "page=2"] {
        h.get(&format!("/inventory/stock?{query}")).admin().send().await.expect_problem(422, "INVALID_REQUEST");
    }
    h.get("/inventory/stock?cursor=made-up").admin().send().await.expect_problem(400, "BAD_CURSOR");
    let text = h.request(axum::http::Method::PUT, "/inventory/stock/LAMP-1").raw("text/plain", "1");
    text.admin().send().await.expect_problem(415, "UNSUPPORTED_MEDIA_TYPE");
    h.put("/inventory/stock/LAMP-1", &Value::Null).admin().send().await.expect_problem(422, "INVALID_REQUEST");
    h.delete("/inventory/stock/LAMP-1").admin().send().await.expect_problem(405, "METHOD_NOT_ALLOWED");
    assert_eq!(quantities(&h, "LAMP-1").await, (10, 0));
    assert_eq!(count_emitted(&h, "StockChanged").await, 1);
}

#[tokio::test]
async fn bad_reservations_are_refused() {
    let h = stocked(&[("LAMP-1", 10)]).await;
    let order = h.id::<OrderId>();
    let one = json!([{"sku": "LAMP-1", "quantity": 1}]);
    let many: Vec<_> = (0..201).map(|n| json!({"sku": format!("LAMP-{n}"), "quantity": 1})).collect();
    for (body, pointer) in [
        (json!({"orderId": order, "lines": []}), "/lines"),
        (json!({"orderId": order, "lines": many}), "/lines"),
        (json!({"orderId": order, "lines": [{"sku": "LAMP-1", "quantity": 0}]}), "/lines/0/quantity"),
        (json!({"orderId": order, "lines": [{"sku": "LAMP-1", "quantity": 100_001}]}), "/lines/0/quantity"),
        (json!({"orderId": order, "lines": [{"sku": "LAMP-1", "quantity": -1}]}), "/lines/0/quantity"),
        (json!({"orderId": order, "lines": [{"sku": "a/b/c", "quantity": 1}]}), "/lines/0/sku"),
        (json!({"orderId": order, "lines": [{"sku": "LAMP-1", "quantity": 1}, {"sku": "lamp-1", "quantity": 1}]}), "/lines/1/sku"),
        (json!({"orderId": order, "lines": one, "ttlSeconds": 0}), "/ttlSeconds"),
        (json!({"orderId": order, "lines": one, "ttlSeconds": 604_801}), "/ttlSeconds"),
        (json!({"orderId": "7", "lines": one}), "/orderId"),
        (json!({"lines": one}), "/orderId"),
        (json!({"orderId": order, "lines": one, "status": "CONFIRMED"}), "/status"),
    ] {
        let problem = request(&h, &body).await.expect_problem(422, "INVALID_REQUEST").json();
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body} {problem}");
    }
    let body = reserve_body(order, &[("LAMP-1", 1)]);
    let request = || h.post("/inventory/reservations", &body).service("order");
    let broken = h.request(axum::http::Method::POST, "/inventory/reservations").raw("application/json", "{").service("order").key("k");
    broken.send().await.expect_problem(400, "MALFORMED_REQUEST");
    request().send().await.expect_problem(400, "IDEMPOTENCY_KEY_REQUIRED");
    request().key(&"k".repeat(256)).send().await.expect_problem(400, "BAD_IDEMPOTENCY_KEY");
    assert_eq!(quantities(&h, "LAMP-1").await, (10, 0));
}

#[tokio::test]
async fn ending_a_reservation_takes_no_body() {
    let h = stocked(&[("LAMP-1", 10)]).await;
    let id = reserved(&h, &[("LAMP-1", 1)]).await.reservation_id;
    for how in ["confirm", "release", "return"] {
        let path = format!("/inventory/reservations/{id}/{how}");
        h.post(&path, &json!({"lines": []})).service("order").key("a").send().await.expect_problem(422, "INVALID_REQUEST");
        h.post(&path, &Value::Null).service("order").send().await.expect_problem(400, "IDEMPOTENCY_KEY_REQUIRED");
        end(&h, h.id(), how).await.expect_problem(404, "NOT_FOUND");
        let no_id = format!("/inventory/reservations/seven/{how}");
        h.post(&no_id, &Value::Null).service("order").key("b").send().await.expect_problem(404, "NOT_FOUND");
    }
    assert_eq!(quantities(&h, "LAMP-1").await, (9, 1));
    // No body, `null` and an empty object mean the same.
    let path = format!("/inventory/reservations/{id}/confirm");
    h.request(axum::http::Method::POST, &path).service("order").key("c").send().await.expect(200);
    h.post(&path, &json!({})).service("order").key("d").send().await.expect(200);
}

#[tokio::test]
async fn a_lookup_is_bounded() {
    let h = harness().await;
    let many: Vec<_> = (0..201).map(|n| format!("LAMP-{n}")).collect();
    for body in [json!({"skus": []}), json!({"skus": many}), json!({"skus": ["a"]}), json!({})] {
        h.post("/internal/stock/lookup", &body).service("cart").send().await.expect_problem(422, "INVALID_REQUEST");
    }
}
