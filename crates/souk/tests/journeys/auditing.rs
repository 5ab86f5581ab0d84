//! Who did what: the log answers for people, across services.

use super::server::{Person, Server, text};
use hyper::Method;
use serde_json::{Value, json};

fn types(log: &Value) -> Vec<&str> {
    log["items"].as_array().unwrap().iter().map(|event| event["eventType"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_log_tells_what_somebody_did_from_what_was_done_to_them() {
    let server = Server::start().await;
    let (admin, mara) = (server.admin().await, server.customer("mara").await);
    let me = async |person: &Person| text(&person.must(Method::GET, "/users/me", None).await, "userId");
    let (admin_id, mara_id) = (me(&admin).await, me(&mara).await);
    let product = server.product(&admin, "DESK-1", 9_900, 3).await;
    mara.add(&product, 1).await;
    let order = text(&mara.order("pm_ok", "k").await.json(), "orderId");
    admin.must(Method::PUT, &format!("/auth/users/{mara_id}/roles"), Some(json!({"roles": ["CUSTOMER", "SELLER"]}))).await;
    admin.send(Method::POST, &format!("/auth/users/{mara_id}/lock"), None).await;

    let done = ["CategoryChanged", "ProductCreated", "ProductActivated", "StockChanged", "RolesChanged", "UserLocked"];
    let log = admin
        .until(&format!("/audit/events?actorId={admin_id}&limit=100"), "whole", |log| done.iter().all(|kind| types(log).contains(kind)))
        .await;
    assert!(log["items"].as_array().unwrap().iter().all(|event| event["actorId"] == json!(admin_id)), "{log:#}");
    assert!(!types(&log).contains(&"OrderCreated"));
    let log = admin.must(Method::GET, &format!("/audit/events?userId={admin_id}&limit=100"), None).await;
    assert!(!types(&log).contains(&"UserLocked"), "that happened to somebody else: {log:#}");
    let log =
        admin.until(&format!("/audit/events?actorId={mara_id}&orderId={order}"), "hers", |log| types(log).contains(&"OrderCreated")).await;
    assert!(!types(&log).contains(&"UserLocked"), "{log:#}");
    server.stop_and_check();
}
