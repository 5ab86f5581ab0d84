//! Many at once.

use super::server::Server;
use hyper::Method;
use serde_json::json;
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_buyers_of_ten_units_get_exactly_ten() {
    // Hashing two hundred passwords is not what is tried here.
    let server = Server::start_with(&[("SOUK_AUTH_ARGON2_MEMORY_KIB", "64"), ("SOUK_AUTH_ARGON2_ITERATIONS", "1")]).await;
    let admin = server.admin().await;
    let product = server.product(&admin, "LAST-TEN", 1_000, 10).await;
    let mut buyers = Vec::new();
    for number in 0..200 {
        let buyer = server.customer(&format!("racer-{number}")).await;
        buyer.add(&product, 1).await;
        buyers.push(buyer);
    }
    let mut tasks = JoinSet::new();
    for buyer in buyers {
        tasks.spawn(async move { buyer.order("pm_ok", "k").await.json() });
    }
    let mut confirmed = 0;
    while let Some(order) = tasks.join_next().await {
        let order = order.unwrap();
        match order["status"].as_str() {
            Some("CONFIRMED") => confirmed += 1,
            Some("CANCELLED") => assert_eq!(order["failure"]["code"], "INSUFFICIENT_STOCK"),
            other => panic!("{other:?}: {order:#}"),
        }
    }
    assert_eq!(confirmed, 10);
    assert_eq!(server.stock(&admin, "LAST-TEN").await, (0, 0));
    server.stop_and_check();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_sent_forty_times_at_once_makes_one_order_and_one_charge() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let product = server.product(&admin, "ONCE-1", 1_000, 100).await;
    let buyer = server.customer("impatient").await;
    buyer.add(&product, 1).await;
    let mut tasks = JoinSet::new();
    for _ in 0..40 {
        let buyer = buyer.clone();
        let body = json!({"shippingAddressId": buyer.address, "paymentMethod": "pm_ok"});
        tasks.spawn(async move { buyer.api.send(Method::POST, "/orders", &[("idempotency-key", "same")], Some(&body)).await.unwrap() });
    }
    let mut answers = Vec::new();
    while let Some(reply) = tasks.join_next().await {
        let reply = reply.unwrap();
        assert!(reply.status == 201 || reply.json()["code"] == "IDEMPOTENCY_IN_PROGRESS", "{}", reply.json());
        if reply.status == 201 {
            answers.push(reply.body);
        }
    }
    assert!(!answers.is_empty() && answers.iter().all(|body| *body == answers[0]), "each the first answer, byte for byte");
    let list = buyer.must(Method::GET, "/orders", None).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    let id = list["items"][0]["orderId"].as_str().unwrap().to_owned();
    buyer.order_until(&id, "CONFIRMED", |order| order["status"] == "CONFIRMED").await;
    assert_eq!(server.stock(&admin, "ONCE-1").await, (99, 0));
    let payments = admin.must(Method::GET, "/admin/payments", None).await;
    assert_eq!(payments["items"].as_array().unwrap().len(), 1, "{payments:#}");
    server.stop_and_check();
}
