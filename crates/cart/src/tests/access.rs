//! Access: who may call, and that no caller reaches the cart of another.

use super::*;
use axum::http::Method;
use std::collections::HashSet;

const PUBLIC: [(Method, &str); 10] = [
    (Method::GET, "/cart"),
    (Method::DELETE, "/cart"),
    (Method::POST, "/cart/items"),
    (Method::PATCH, "/cart/items/{id}"),
    (Method::DELETE, "/cart/items/{id}"),
    (Method::POST, "/cart/coupons"),
    (Method::DELETE, "/cart/coupons/{id}"),
    (Method::GET, "/wishlist"),
    (Method::PUT, "/wishlist/items/{id}"),
    (Method::DELETE, "/wishlist/items/{id}"),
];
const INTERNAL: [(Method, &str); 4] = [
    (Method::GET, "/internal/cart/{id}"),
    (Method::PUT, "/internal/cart/{id}/check-out"),
    (Method::PUT, "/internal/cart/{id}/merge"),
    (Method::POST, "/internal/carts/lookup"),
];
/// Administrators may.
const OF_ADMINISTRATORS: [(Method, &str); 1] = [(Method::GET, "/admin/carts/daily")];
/// Anyone may.
const OPEN: [(Method, &str); 1] = [(Method::POST, "/carts")];

#[tokio::test]
async fn every_route_is_in_the_table_and_refuses_anonymous_callers_and_wrong_roles() {
    let shop = Shop::open().await;
    let own = shop.runtime.operations.iter().filter(|(_, operation)| !operation.path.starts_with("/admin/parked-events"));
    let template = |path: &str| {
        ["{cartItemId}", "{code}", "{userId}", "{productId}"].iter().fold(path.to_owned(), |path, name| path.replace(name, "{id}"))
    };
    let served: HashSet<_> = own.map(|(_, operation)| (operation.method.clone(), template(operation.path))).collect();
    let tried: HashSet<_> = PUBLIC
        .iter()
        .chain(&INTERNAL)
        .chain(&OF_ADMINISTRATORS)
        .chain(&OPEN)
        .map(|(method, path)| (method.clone(), (*path).to_owned()))
        .collect();
    assert_eq!(served, tried);
    for (method, path) in PUBLIC.iter().chain(&INTERNAL).chain(&OF_ADMINISTRATORS) {
        let path = path.replace("{id}", &shop.customer_id.to_string());
        let request = || shop.request(method.clone(), &path).json(&json!({}));
        request().send().await.expect_problem(401, "UNAUTHENTICATED");
        request().bearer("made-up").send().await.expect_problem(401, "UNAUTHENTICATED");
    }
    for (method, path) in PUBLIC {
        let path = path.replace("{id}", &shop.customer_id.to_string());
        let request = || shop.request(method.clone(), &path).json(&json!({}));
        request().service("order").send().await.expect_problem(403, "FORBIDDEN");
        let token = shop.token(shop.customer_id, &["SELLER"]);
        request().bearer(&token).send().await.expect_problem(403, "FORBIDDEN");
    }
    for (method, path) in INTERNAL {
        let path = path.replace("{id}", &shop.customer_id.to_string());
        let request = || shop.request(method.clone(), &path).json(&json!({}));
        request().customer(shop.customer_id).send().await.expect_problem(403, "FORBIDDEN");
        request().admin().send().await.expect_problem(403, "FORBIDDEN");
        request().service("payment").send().await.expect_problem(403, "FORBIDDEN");
    }
}

#[tokio::test]
async fn another_customers_line_is_not_found() {
    let shop = Shop::open().await;
    let cart = shop.add(shop.product(100, 5), 1).await;
    let stranger: UserId = shop.id();
    let theirs: Cart = shop.get("/cart").customer(stranger).send().await.expect(200).read();
    assert_ne!(theirs.cart_id, cart.cart_id);
    let path = format!("/cart/items/{}", cart.items[0].cart_item_id);
    shop.patch(&path, &json!({"quantity": 2})).customer(stranger).send().await.expect_problem(404, "NOT_FOUND");
    shop.delete(&path).customer(stranger).send().await.expect_problem(404, "NOT_FOUND");
    shop.delete("/cart").customer(stranger).send().await.expect(204);
    assert_eq!(shop.cart().await, cart);
}
