//! Access to every route.

use super::*;
use axum::http::Method;

/// Routes that anyone may call.
const OPEN: &[&str] = &["/products/{productId}/availability"];
/// Routes of sellers and administrators; all others are for services.
const STOCK: &str = "/inventory/stock";

#[tokio::test]
async fn every_route_refuses_anonymous_callers_and_wrong_roles() {
    let h = stocked(&[("LAMP-1", 10)]).await;
    let held = reserved(&h, &[("LAMP-1", 2)]).await.reservation_id.to_string();
    let before = h.emitted().await.len();
    let [customer, seller, admin] = [&["CUSTOMER"][..], &["CUSTOMER", "SELLER"], &["ADMIN"]].map(|roles| h.token(h.id(), roles));
    let [order, cart, shipping] = ["order", "cart", "shipping"].map(|client| h.service_token(client));
    let mut closed = 0;
    for (_, operation) in h.runtime.operations.iter().filter(|(_, operation)| operation.tag == "inventory") {
        let path = operation.path.replace("{sku}", "LAMP-1").replace("{productId}", &held).replace("{reservationId}", &held);
        if OPEN.contains(&operation.path) {
            // Nobody is refused; this product is not known.
            h.get(&path).send().await.expect_problem(404, "NOT_FOUND");
            continue;
        }
        closed += 1;
        let refused: Vec<&String> = match operation.path {
            path if path.starts_with(STOCK) || path == "/exports/stock.csv" => vec![&customer, &order, &cart, &shipping],
            "/products/{productId}/stock-alert" => vec![&admin, &order, &cart, &shipping],
            "/internal/stock/lookup" => vec![&customer, &seller, &admin, &shipping],
            _ => vec![&customer, &seller, &admin, &cart, &shipping],
        };
        let request = || {
            let request = h.request(operation.method.clone(), &path).key("k");
            if operation.method == Method::GET { request } else { request.json(&json!({})) }
        };
        request().send().await.expect_problem(401, "UNAUTHENTICATED");
        request().bearer("made-up").send().await.expect_problem(401, "UNAUTHENTICATED");
        for token in refused {
            let answer = request().bearer(token).send().await;
            assert_eq!(answer.status, 403, "{} {}", operation.method, operation.path);
        }
    }
    assert_eq!(closed, 16);
    assert_eq!(h.emitted().await.len(), before);
    assert_eq!(quantities(&h, "LAMP-1").await, (8, 2));
}
