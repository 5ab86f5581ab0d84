//! A visitor of the web pages, with a browser that runs no scripts.

use super::{browser::Browser, server::Server};
use souk::api_client::raw;

#[tokio::test]
async fn a_visitor_fills_a_cart_registers_and_orders() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let lamp = server.product(&admin, "LAMP-1", 4_900, 5).await;
    let mut browser = Browser::new(&server);
    let product = browser.open(&format!("/products/{lamp}")).await;
    assert_eq!(product.status, 200);
    assert!(product.shows("€49.00") && product.shows("5 left"), "{}", product.html);

    let cart = browser.post("/cart", &[("productId", &lamp.to_string()), ("quantity", "2")]).await;
    assert_eq!((cart.status, &*cart.path), (200, "/cart"));
    assert!(cart.shows("€98.00") && cart.shows("It is in your cart."), "{}", cart.html);
    let checkout = browser.post("/register", &[("email", "mara@example.com"), ("password", "short"), ("name", "Mara")]).await;
    assert_eq!(checkout.status, 422);
    assert!(checkout.shows("password-fault") && checkout.shows("mara@example.com") && !checkout.shows("value=\"short\""));
    let fields = [("email", "mara@example.com"), ("password", "a long enough password"), ("name", "Mara"), ("next", "/checkout")];
    let checkout = browser.post("/register", &fields).await;
    assert_eq!((checkout.status, &*checkout.path), (200, "/checkout"));
    assert!(checkout.shows("2 × "), "the guest's cart moved into the account: {}", checkout.html);

    let key = checkout.between("name=\"orderKey\" value=\"", "\"").to_owned();
    let fields =
        [("orderKey", &*key), ("paymentMethod", "pm_ok"), ("city", "Berlin"), ("zip", "10115"), ("country", "DE"), ("number", "1")];
    let refused = browser.post("/checkout", &fields).await;
    assert_eq!(refused.status, 422);
    assert!(refused.shows("street-fault") && refused.shows("value=\"10115\""), "what was typed stays: {}", refused.html);
    let key = refused.between("name=\"orderKey\" value=\"", "\"").to_owned();
    let fields = [&fields[1..], &[("orderKey", &*key), ("street", "Invalidenstraße")]].concat();
    let order = browser.post("/checkout", &fields).await;
    assert_eq!(order.status, 200);
    assert!(
        order.path.starts_with("/account/orders/") && order.shows("Invalidenstraße 1") && order.shows("<ol class=\"timeline\">"),
        "{}",
        order.html
    );
    let again = browser.post("/checkout", &fields).await;
    assert!(again.path.starts_with("/account/orders/") || again.path == "/cart", "a second click orders nothing: {}", again.path);
    let orders = browser.open("/account/orders").await;
    assert_eq!(orders.html.matches("<li class=\"line\">").count(), 1, "{}", orders.html);

    let mut stranger = Browser::new(&server);
    let to_login = stranger.open(&order.path).await;
    assert_eq!(to_login.status, 303);
    server.stop_and_check().await;
}

#[tokio::test]
async fn pages_refuse_other_sites_and_say_what_is_missing() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let home = browser.open("/").await;
    assert_eq!(home.status, 200);
    assert!(!home.shows("<script>") && !home.shows("style=\""), "nothing inline");
    let missing = browser.open("/nowhere").await;
    assert_eq!(missing.status, 404);
    assert!(missing.shows("There is no such page"));
    let search = browser.open("/search?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E").await;
    assert_eq!(search.status, 200);
    assert!(search.shows("Nothing found") && !search.shows("<script>alert"), "{}", search.html);

    let forged = raw("POST".parse().unwrap(), "//logout").header("sec-fetch-site", "cross-site");
    assert_eq!(server.api.send(forged).await.unwrap().status, 403);
    let api = server.api.send(raw("GET".parse().unwrap(), "//nowhere")).await.unwrap();
    assert_eq!(api.problem(), (404, "NOT_FOUND".to_owned()));
    server.stop_and_check().await;
}
