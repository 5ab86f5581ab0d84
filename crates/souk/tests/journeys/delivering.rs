//! From the search to the doorstep, and the index and the parcels through power cuts.

use super::server::{Person, Server, run, text};
use hyper::Method;
use platform::env::Env;
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};

/// Ids of the hits of a search.
async fn hits(person: &Person, query: &str) -> Vec<String> {
    let found = person.must(Method::GET, &format!("/search?{query}"), None).await;
    found["items"].as_array().unwrap().iter().map(|hit| text(hit, "productId")).collect()
}

#[tokio::test]
async fn a_customer_searches_buys_and_holds_it_in_hands() {
    let server = Server::start_with(&[("SOUK_SHIPPING_SIMULATE", "true"), ("SOUK_SHIPPING_SIMULATE_STEP_SECONDS", "1")]).await;
    let admin = server.admin().await;
    let product = server.product(&admin, "LANTERN-7", 4_900, 5).await;
    let guest = Person { api: server.api.clone(), address: String::new() };
    guest.until("/search?q=lantren", "found although misspelt", |found| found["items"] != json!([])).await;
    guest.until("/search?q=lantern&maxPrice=5000&inStock=true", "known to be in stock", |found| found["items"] != json!([])).await;
    assert_eq!(hits(&guest, "q=LANTERN7").await, std::slice::from_ref(&product));

    let buyer = server.customer("finder").await;
    buyer.add(&product, 1).await;
    let id = text(&buyer.order("pm_ok", "k").await.json(), "orderId");
    let delivered = buyer.order_until(&id, "DELIVERED", |order| order["status"] == "DELIVERED").await;
    let path: Vec<&str> = delivered["timeline"].as_array().unwrap().iter().map(|entry| entry["status"].as_str().unwrap()).collect();
    assert!(path.ends_with(&["CONFIRMED", "SHIPPED", "DELIVERED"]), "{path:?}");
    assert!(delivered["shipping"]["trackingNumber"].is_string());
    let shipments = buyer.must(Method::GET, &format!("/orders/{id}/shipments"), None).await;
    assert_eq!(shipments["items"].as_array().unwrap().len(), 1);
    let refused = buyer.send(Method::POST, &format!("/orders/{id}/cancel"), None).await;
    assert_eq!((refused.status.as_u16(), refused.json()["code"].clone()), (409, json!("ORDER_NOT_CANCELLABLE")));
    buyer
        .until("/notifications?limit=100", "told of each step", |list| {
            let told = |kind: &str| list["items"].as_array().unwrap().iter().any(|n| n["type"] == kind);
            ["ORDER_CONFIRMED", "SHIPPED", "DELIVERED"].into_iter().all(told)
        })
        .await;
}

#[tokio::test]
async fn a_product_is_gone_from_the_search_when_it_is_not_on_sale_and_its_price_is_the_present_one() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let product = server.product(&admin, "PARASOL-1", 4_900, 5).await;
    admin.until("/search?q=parasol", "found", |found| found["items"] != json!([])).await;
    admin.must(Method::PATCH, &format!("/products/{product}"), Some(json!({"priceAmount": 3_900}))).await;
    admin.until("/search?q=parasol", "cheaper", |found| found["items"][0]["priceAmount"] == 3_900).await;
    admin.must(Method::POST, &format!("/products/{product}/deactivate"), None).await;
    admin.until("/search?q=parasol", "gone", |found| found["items"] == json!([])).await;
}

#[tokio::test]
async fn shipping_that_fails_leaves_the_order_confirmed_and_is_tried_again() {
    let server = Server::start_with(&[("SOUK_SHIPPING_FIRST_PAUSE_MS", "50")]).await;
    let admin = server.admin().await;
    let product = server.product(&admin, "PIANO-1", 4_900, 5).await;
    let buyer = server.customer("patient").await;
    let address = json!({"country": "DE", "city": "Berlin", "zip": "10115", "street": "Invalidenstraße", "number": "1", "complement": "carrier:flaky"});
    let address = buyer.must(Method::POST, "/users/me/addresses", Some(address)).await;
    let buyer = Person { address: text(&address, "addressId"), ..buyer };
    buyer.add(&product, 1).await;
    let order = buyer.order("pm_ok", "k").await.json();
    assert_eq!((&order["status"], &order["shipping"]["pending"]), (&json!("CONFIRMED"), &json!(true)));
    let id = text(&order, "orderId");
    let shipped = buyer.order_until(&id, "with a parcel", |order| order["shipping"]["trackingNumber"].is_string()).await;
    assert_eq!((&shipped["status"], &shipped["shipping"]["pending"]), (&json!("CONFIRMED"), &json!(false)));
}

#[tokio::test]
async fn what_is_refunded_before_it_left_goes_back_on_sale_and_what_left_does_not() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let product = server.product(&admin, "REFUND-1", 1_000, 10).await;
    let buyer = server.customer("content").await;
    for (number, left, parcel) in [(0, false, "RETURNED"), (1, true, "IN_TRANSIT")] {
        buyer.add(&product, 1).await;
        let id = text(&buyer.order("pm_ok", &format!("k{number}")).await.json(), "orderId");
        let order = buyer.order_until(&id, "with a parcel", |order| order["shipping"]["shipmentId"].is_string()).await;
        if left {
            let events = format!("/shipments/{}/events", text(&order["shipping"], "shipmentId"));
            admin.must(Method::POST, &events, Some(json!({"status": "IN_TRANSIT"}))).await;
        }
        let (path, key) = (format!("/payments/{}/refund", text(&order, "paymentId")), format!("r{number}"));
        admin.api.must(Method::POST, &path, &[("idempotency-key", key.as_str())], Some(&json!({}))).await.expect("a refund");
        buyer.order_until(&id, "refunded", |order| order["status"] == "REFUNDED" && order["shipping"]["status"] == parcel).await;
        let available = if left { 9 } else { 10 };
        admin.until("/inventory/stock/REFUND-1", "settled", |stock| stock["availableQty"] == available).await;
    }
    server.stop_and_check();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_carrier_and_a_cancellation_at_the_same_time_have_one_winner() {
    const ROUNDS: u64 = 30;
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let product = server.product(&admin, "RACE-1", 1_000, 100).await;
    let buyer = server.customer("undecided").await;
    let (mut shipped, mut cancelled) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        buyer.add(&product, 1).await;
        let id = text(&buyer.order("pm_ok", &format!("k{round}")).await.json(), "orderId");
        let order = buyer.order_until(&id, "with a parcel", |order| order["shipping"]["shipmentId"].is_string()).await;
        let shipment = text(&order["shipping"], "shipmentId");
        let (events, cancel) = (format!("/shipments/{shipment}/events"), format!("/orders/{id}/cancel"));
        let scan = async |status: &str| admin.must(Method::POST, &events, Some(json!({"status": status}))).await;
        let cancel = async || buyer.send(Method::POST, &cancel, None).await;
        let (seen, answer) = match round {
            // The carrier comes ever later, from before the wish to after the recall.
            0 => (scan("IN_TRANSIT").await, cancel().await),
            _ if round == ROUNDS - 1 => {
                let answer = cancel().await;
                (scan("IN_TRANSIT").await, answer)
            }
            _ => tokio::join!(
                async {
                    tokio::time::sleep(Duration::from_millis(round)).await;
                    scan("IN_TRANSIT").await
                },
                cancel()
            ),
        };
        if answer.status == 200 {
            assert_eq!(answer.json()["status"], "CANCELLED", "{}", answer.json());
            // The carrier took it in spite of the recall.
            assert_eq!(seen["status"], "RETURNED", "{seen:#}");
            cancelled.push((id, events));
        } else {
            assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (409, &json!("ORDER_NOT_CANCELLABLE")));
            assert_eq!(seen["status"], "IN_TRANSIT", "{seen:#}");
            shipped.push((id, events));
        }
    }
    assert!(!shipped.is_empty() && !cancelled.is_empty(), "{} shipped, {} cancelled", shipped.len(), cancelled.len());
    for (ids, status, payment) in [(&shipped, "SHIPPED", "CAPTURED"), (&cancelled, "CANCELLED", "REFUNDED")] {
        for (id, _) in ids {
            let order = buyer.order_until(id, status, |order| order["status"] == status).await;
            assert_eq!((&order["cancellationRequested"], &order["shipping"]["pending"]), (&json!(false), &json!(false)));
            let path = format!("/payments/{}", text(&order, "paymentId"));
            buyer.until(&path, payment, |found| found["status"] == payment).await;
        }
    }
    let left = 100 - shipped.len();
    admin.until("/inventory/stock/RACE-1", "as many as did not leave", |stock| stock["availableQty"] == left).await;

    // Orders, money, units and parcels agree but for what the carrier did against its word, and that is told.
    let (healthy, report) = run(server.folder.path(), &["doctor"], "");
    let told: Vec<&str> = report.lines().filter(|line| line.contains("was recalled, but the carrier reported it IN_TRANSIT")).collect();
    assert!(!healthy && told.len() == cancelled.len(), "{report}");
    assert!(cancelled.iter().all(|(id, _)| told.iter().any(|line| line.contains(id.as_str()))), "{report}");
    // It brings back what it took.
    for (_, events) in &cancelled {
        admin.must(Method::POST, events, Some(json!({"status": "RETURNED"}))).await;
    }
    assert!(server.terminate());
    let (healthy, report) = run(server.folder.path(), &["doctor"], "");
    assert!(healthy, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn index_and_parcels_survive_power_cuts_with_nothing_missing_and_nothing_twice() {
    let mut server = Server::start().await;
    let mut admin = server.admin().await;
    let category = text(&admin.must(Method::POST, "/categories", Some(json!({"name": "Survivors"}))).await, "categoryId");
    let env = Env::system();
    let mut on_sale = BTreeSet::new();
    let mut orders = Vec::new();
    for round in 0..4 {
        let cut = tokio::time::Instant::now() + Duration::from_millis(300 + env.random_below(500));
        let buyer = server.customer(&format!("keeper-{round}")).await;
        for number in 0..200 {
            // A slow machine makes some, too, before the power goes.
            if number > 4 && tokio::time::Instant::now() > cut {
                break;
            }
            let sku = format!("SURVIVOR-{round}-{number}");
            let body = json!({"sku": sku, "title": format!("Survivor {round} {number}"), "description": "", "categoryId": category, "priceAmount": 1_000, "currency": "EUR"});
            let id = text(&admin.must(Method::POST, "/products", Some(body)).await, "productId");
            admin.must(Method::POST, &format!("/products/{id}/activate"), None).await;
            admin.must(Method::PUT, &format!("/inventory/stock/{sku}"), Some(json!({"availableQty": 9, "productId": id}))).await;
            on_sale.insert(id.clone());
            if number % 3 == 0 {
                buyer.add(&id, 1).await;
                orders.push((buyer.clone(), text(&buyer.order("pm_ok", &format!("k{number}")).await.json(), "orderId")));
            }
        }
        server.kill_and_restart().await;
        admin = admin.at(&server);
    }
    assert!(on_sale.len() > 10, "{} products", on_sale.len());
    let total = on_sale.len();
    admin.until("/search?q=survivor&limit=1", "whole", |found| found["total"] == total).await;
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = admin.must(Method::GET, &format!("/search?q=survivor&limit=100&sort=newest{cursor}"), None).await;
        found.extend(page["items"].as_array().unwrap().iter().map(|hit| text(hit, "productId")));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found.len(), total, "nothing twice");
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), on_sale, "nothing missing");
    for (buyer, id) in &orders {
        let buyer = buyer.at(&server);
        buyer.order_until(id, "with one parcel", |order| order["shipping"]["shipmentId"].is_string()).await;
        let shipments: Value = buyer.must(Method::GET, &format!("/orders/{id}/shipments"), None).await;
        assert_eq!(shipments["items"].as_array().unwrap().len(), 1, "{shipments:#}");
    }
    assert!(server.terminate());
    let (healthy, report) = run(server.folder.path(), &["doctor"], "");
    assert!(healthy, "{report}");
}
