//! Many requests at once.

use super::{marketplace::CHEAP_PASSWORDS, server::Server, servers};
use contracts::{
    order::{LIST_ORDERS, OrderStatus},
    payment::{LIST_PAYMENTS, PaymentMethod},
};
use souk::api_client::request;
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_buyers_of_ten_units_get_exactly_ten() {
    // An order is dear on servers, and each of these has to end within the time of a request.
    let count = if servers::are_used() { 50 } else { 200 };
    // The cheapest hashing, because two hundred accounts are created.
    let server = Server::start_with(&CHEAP_PASSWORDS).await;
    let admin = server.admin().await;
    let product = server.product(&admin, "LAST-TEN", 1_000, 10).await;
    let mut buyers = Vec::new();
    for number in 0..count {
        let buyer = server.customer(&format!("racer-{number}")).await;
        buyer.add(product, 1).await;
        buyers.push(buyer);
    }
    let mut tasks = JoinSet::new();
    for buyer in buyers {
        tasks.spawn(async move { buyer.order(PaymentMethod::Ok, "k").await });
    }
    let mut confirmed = 0;
    while let Some(order) = tasks.join_next().await {
        let order = order.unwrap();
        match order.status {
            OrderStatus::Confirmed => confirmed += 1,
            OrderStatus::Cancelled => assert_eq!(order.failure.unwrap().code, "INSUFFICIENT_STOCK"),
            _ => panic!("{order:#?}"),
        }
    }
    assert_eq!(confirmed, 10);
    assert_eq!(server.stock(&admin, "LAST-TEN").await, (0, 0));
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_sent_forty_times_at_once_makes_one_order_and_one_payment() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let product = server.product(&admin, "ONCE-1", 1_000, 100).await;
    let buyer = server.customer("impatient").await;
    buyer.add(product, 1).await;
    let mut tasks = JoinSet::new();
    for _ in 0..40 {
        let buyer = buyer.clone();
        tasks.spawn(async move { buyer.send(buyer.ordering(PaymentMethod::Ok, "same")).await });
    }
    let mut answers = Vec::new();
    while let Some(reply) = tasks.join_next().await {
        let reply = reply.unwrap();
        assert!(reply.status == 201 || reply.problem().1 == "IDEMPOTENCY_IN_PROGRESS", "{}", reply.json());
        if reply.status == 201 {
            answers.push(reply.body);
        }
    }
    assert!(!answers.is_empty() && answers.iter().all(|body| *body == answers[0]), "each is the first answer, byte for byte");
    let orders = buyer.must(request(&LIST_ORDERS)).await.items;
    assert_eq!(orders.len(), 1);
    buyer.order_in(orders[0].order_id, OrderStatus::Confirmed).await;
    assert_eq!(server.stock(&admin, "ONCE-1").await, (99, 0));
    let payments = admin.must(request(&LIST_PAYMENTS)).await.items;
    assert_eq!(payments.len(), 1, "{payments:#?}");
    server.stop_and_check().await;
}
