//! What customers do, and how each way of ending leaves money, stock and the cart.

use super::server::{Person, Server, text};
use hyper::Method;
use serde_json::{Value, json};

/// One shop for the journeys of this file; each has products of its own.
async fn shop() -> (Server, Person) {
    let server = Server::start_with(&[("SOUK_PAYMENT_SLOW_MS", "300"), ("SOUK_PAYMENT_SETTLE_AFTER_MS", "200")]).await;
    let admin = server.admin().await;
    (server, admin)
}

fn path_of(order: &Value) -> Vec<String> {
    order["timeline"].as_array().unwrap().iter().map(|entry| text(entry, "status")).collect()
}

async fn payment_of(person: &Person, order: &Value) -> Value {
    person.must(Method::GET, &format!("/payments/{}", text(order, "paymentId")), None).await
}

#[tokio::test]
async fn a_customer_registers_fills_a_cart_and_sees_a_confirmed_order() {
    let (server, admin) = shop().await;
    let product = server.product(&admin, "CHAIR-1", 12_990, 10).await;
    let mara = server.customer("mara").await;
    assert_eq!(text(&mara.must(Method::GET, "/users/me", None).await, "name"), "mara");
    let cart = mara.add(&product, 2).await;
    assert_eq!(cart["subtotalAmount"], 25_980);

    let placed = mara.order("pm_ok", "k1").await;
    assert_eq!(placed.status, 201, "{}", placed.json());
    let order = placed.json();
    assert_eq!(order["status"], "CONFIRMED");
    assert_eq!(order["totalAmount"], 25_980 + 490);
    assert_eq!(path_of(&order).last().unwrap(), "CONFIRMED");
    assert_eq!(server.stock(&admin, "CHAIR-1").await, (8, 0));
    let payment = payment_of(&mara, &order).await;
    assert_eq!((&payment["status"], &payment["amount"]), (&json!("CAPTURED"), &order["totalAmount"]));
    assert_eq!(mara.must(Method::GET, "/cart", None).await["items"], json!([]));

    // Mail of the whole way lies in the mailbox; the audit log has all of it under the order.
    let id = text(&order, "orderId");
    mara.until("/notifications", "told of the confirmation", |list| {
        let sent = |kind: &str| list["items"].as_array().unwrap().iter().any(|n| n["type"] == kind && n["status"] == "SENT");
        sent("REGISTERED") && sent("ORDER_CREATED") && sent("ORDER_CONFIRMED")
    })
    .await;
    let mails: Vec<String> = std::fs::read_dir(server.folder.path().join("mailbox"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(mails.iter().any(|name| name.contains("ORDER_CONFIRMED") && name.ends_with(".eml")), "{mails:?}");
    admin
        .until(&format!("/audit/events?orderId={id}&limit=100"), "whole", |log| {
            let has = |kind: &str| log["items"].as_array().unwrap().iter().any(|event| event["eventType"] == kind);
            ["OrderCreated", "PaymentAuthorized", "StockReserved", "PaymentCaptured", "StockConfirmed", "OrderConfirmed"]
                .into_iter()
                .all(has)
        })
        .await;
}

#[tokio::test]
async fn every_payment_method_ends_as_it_says() {
    let (server, admin) = shop().await;
    let product = server.product(&admin, "LAMP-1", 5_000, 100).await;
    for (method, status, payment, left) in [
        ("pm_declined", "PAYMENT_FAILED", "FAILED", 100),
        ("pm_insufficient_funds", "PAYMENT_FAILED", "FAILED", 100),
        ("pm_capture_fails", "PAYMENT_FAILED", "FAILED", 100),
        ("pm_timeout", "CONFIRMED", "CAPTURED", 99),
        ("pm_flaky", "CONFIRMED", "CAPTURED", 98),
        ("pm_slow", "CONFIRMED", "CAPTURED", 97),
        ("pm_refund_fails", "CONFIRMED", "CAPTURED", 96),
    ] {
        let buyer = server.customer(&format!("buyer-{}", method.replace('_', "-"))).await;
        buyer.add(&product, 1).await;
        let order = buyer.order(method, "k").await.json();
        assert_eq!(order["status"], status, "{method}: {order:#}");
        assert_eq!(payment_of(&buyer, &order).await["status"], payment, "{method}");
        if status == "PAYMENT_FAILED" {
            assert!(order["failure"]["code"].is_string(), "{method}: {order:#}");
        }
        // Stock that was set aside is let go of soon after.
        admin.until("/inventory/stock/LAMP-1", method, |item| item["availableQty"] == left && item["reservedQty"] == 0).await;
    }
}

#[tokio::test]
async fn a_failed_order_is_paid_again() {
    let (server, admin) = shop().await;
    let product = server.product(&admin, "DESK-1", 5_000, 3).await;
    let buyer = server.customer("again").await;
    buyer.add(&product, 2).await;
    let failed = buyer.order("pm_declined", "k").await.json();
    let id = text(&failed, "orderId");
    assert_eq!(failed["status"], "PAYMENT_FAILED");
    // The lines do not come back: the customer can still pay.
    assert_eq!(buyer.must(Method::GET, "/cart", None).await["items"], json!([]));
    let paying = buyer.must(Method::POST, &format!("/orders/{id}/pay"), Some(json!({"paymentMethod": "pm_ok"}))).await;
    assert_eq!(paying["status"], "PENDING_PAYMENT");
    let paid = buyer.order_until(&id, "CONFIRMED", |order| order["status"] == "CONFIRMED").await;
    assert_ne!(paid["paymentId"], failed["paymentId"]);
    assert_eq!(paid["failure"], Value::Null);
    assert_eq!(server.stock(&admin, "DESK-1").await, (1, 0));
    let late = buyer.send(Method::POST, &format!("/orders/{id}/pay"), Some(json!({"paymentMethod": "pm_ok"}))).await;
    assert_eq!((late.status.as_u16(), late.json()["code"].clone()), (409, json!("ORDER_NOT_PAYABLE")));
}

#[tokio::test]
async fn paying_again_can_wait_for_the_outcome() {
    let (server, admin) = shop().await;
    let product = server.product(&admin, "STOOL-1", 5_000, 3).await;
    let buyer = server.customer("waits").await;
    buyer.add(&product, 1).await;
    let failed = buyer.order("pm_declined", "k").await.json();
    let path = format!("/orders/{}/pay", text(&failed, "orderId"));
    let pay = async |method: &str, key: &[(&str, &str)]| {
        let headers = [&[("prefer", "wait=20")], key].concat();
        buyer.api.send(Method::POST, &path, &headers, Some(&json!({"paymentMethod": method}))).await.expect("an answer")
    };
    let again = pay("pm_insufficient_funds", &[]).await;
    assert_eq!(again.json()["status"], "PAYMENT_FAILED");
    assert_eq!(again.json()["failure"]["code"], "INSUFFICIENT_FUNDS");
    let paid = pay("pm_ok", &[("idempotency-key", "p")]).await;
    assert_eq!((paid.status.as_u16(), &paid.json()["status"]), (200, &json!("CONFIRMED")));
    assert_eq!(pay("pm_ok", &[("idempotency-key", "p")]).await.body, paid.body);
    assert_eq!(server.stock(&admin, "STOOL-1").await, (2, 0));
}

#[tokio::test]
async fn an_order_that_is_not_paid_in_time_is_cancelled_and_its_lines_come_back() {
    let server = Server::start_with(&[("SOUK_ORDER_PAY_AGAIN_SECONDS", "1")]).await;
    let admin = server.admin().await;
    let product = server.product(&admin, "SOFA-1", 5_000, 3).await;
    let buyer = server.customer("late").await;
    buyer.add(&product, 2).await;
    let failed = buyer.order("pm_declined", "k").await.json();
    buyer.order_until(&text(&failed, "orderId"), "CANCELLED", |order| order["status"] == "CANCELLED").await;
    let cart = buyer.until("/cart", "filled again", |cart| cart["items"] != json!([])).await;
    assert_eq!((&cart["items"][0]["productId"], &cart["items"][0]["quantity"]), (&json!(product), &json!(2)));
}

#[tokio::test]
async fn without_stock_the_order_is_cancelled_the_hold_voided_and_the_lines_come_back() {
    let (server, admin) = shop().await;
    let product = server.product(&admin, "RARE-1", 5_000, 5).await;
    let (first, second) = (server.customer("first").await, server.customer("second").await);
    first.add(&product, 4).await;
    second.add(&product, 4).await;
    assert_eq!(first.order("pm_ok", "k").await.json()["status"], "CONFIRMED");
    let lost = second.order("pm_ok", "k").await.json();
    assert_eq!(lost["status"], "CANCELLED", "{lost:#}");
    assert_eq!(lost["failure"]["code"], "INSUFFICIENT_STOCK");
    let id = text(&lost, "orderId");
    let order = second.order_until(&id, "with its payment", |order| order["paymentId"].is_string()).await;
    second.until(&format!("/payments/{}", text(&order, "paymentId")), "VOIDED", |payment| payment["status"] == "VOIDED").await;
    let cart = second.until("/cart", "filled again", |cart| cart["items"] != json!([])).await;
    assert!(cart["warnings"].as_array().unwrap().iter().any(|warning| warning["code"] == "QUANTITY_CAPPED"), "{cart:#}");
    assert_eq!(server.stock(&admin, "RARE-1").await, (1, 0));
}

#[tokio::test]
async fn a_cancelled_order_is_refunded_and_its_stock_returned() {
    let (server, admin) = shop().await;
    let product = server.product(&admin, "SHELF-1", 5_000, 3).await;
    let buyer = server.customer("changes-mind").await;
    buyer.add(&product, 1).await;
    let order = buyer.order("pm_ok", "k").await.json();
    let id = text(&order, "orderId");
    let cancelled = buyer.must(Method::POST, &format!("/orders/{id}/cancel"), Some(json!({"reason": "too late"}))).await;
    assert_eq!(cancelled["status"], "CANCELLED");
    let payment = text(&order, "paymentId");
    buyer.until(&format!("/payments/{payment}"), "REFUNDED", |payment| payment["status"] == "REFUNDED").await;
    admin.until("/inventory/stock/SHELF-1", "returned", |item| item["availableQty"] == 3).await;
    assert_eq!(buyer.must(Method::GET, "/cart", None).await["items"], json!([]), "who cancels does not get the lines back");
    buyer
        .until("/notifications", "told", |list| {
            ["CANCELLED", "REFUNDED"].iter().all(|kind| list["items"].as_array().unwrap().iter().any(|n| n["type"] == *kind))
        })
        .await;
}

#[tokio::test]
async fn a_price_that_changed_is_told_before_it_is_paid() {
    let (server, admin) = shop().await;
    let product = server.product(&admin, "CLOCK-1", 5_000, 3).await;
    let buyer = server.customer("careful").await;
    buyer.add(&product, 1).await;
    admin.must(Method::PATCH, &format!("/products/{product}"), Some(json!({"priceAmount": 6_000}))).await;
    let cart = buyer.must(Method::GET, "/cart", None).await;
    assert_eq!(cart["warnings"][0]["code"], "PRICE_CHANGED", "{cart:#}");
    let body = json!({"shippingAddressId": buyer.address, "paymentMethod": "pm_ok", "expectedTotalAmount": 5_490});
    let refused = buyer.api.send(Method::POST, "/orders", &[("idempotency-key", "a")], Some(&body)).await.unwrap();
    assert_eq!((refused.status.as_u16(), refused.json()["totalAmount"].clone()), (409, json!(6_490)));
    assert_eq!(buyer.order("pm_ok", "b").await.json()["totalAmount"], 6_490);
}

#[tokio::test]
async fn guests_browse_and_buyers_never_see_each_other() {
    let (server, admin) = shop().await;
    let product = server.product(&admin, "BOOK-1", 900, 3).await;
    let guest = Person { api: server.api.clone(), address: String::new() };
    assert_eq!(guest.must(Method::GET, "/products", None).await["items"][0]["productId"], json!(product));
    assert_eq!(guest.must(Method::GET, &format!("/products/{product}/availability"), None).await["inStock"], true);
    let (mara, nosy) = (server.customer("mara").await, server.customer("nosy").await);
    mara.add(&product, 1).await;
    let order = mara.order("pm_ok", "k").await.json();
    let (id, payment) = (text(&order, "orderId"), text(&order, "paymentId"));
    for path in [format!("/orders/{id}"), format!("/payments/{payment}"), format!("/users/me/addresses/{}", mara.address)] {
        assert_eq!(nosy.send(Method::GET, &path, None).await.status, 404, "{path}");
        assert_eq!(guest.send(Method::GET, &path, None).await.status, 401, "{path}");
    }
    assert_eq!(nosy.send(Method::POST, &format!("/orders/{id}/cancel"), None).await.status, 404);
    assert_eq!(nosy.send(Method::POST, &format!("/payments/{payment}/refund"), Some(json!({}))).await.status, 403);
    assert_eq!(mara.find_order(&id).await["status"], "CONFIRMED");
}
