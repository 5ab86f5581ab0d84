//! Power cuts and orderly shutdowns.

use super::server::{Person, Server, run};
use contracts::{
    ids::{OrderId, ProductId},
    inventory::GET_STOCK,
    order::{COUNT_ORDERS, LIST_ALL_ORDERS, OrderStatus},
    payment::PaymentMethod,
};
use platform::env::Env;
use souk::api_client::{add_to_cart, request};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::task::JoinSet;

/// Every answered order with the number of its buyer.
pub type Answered = Arc<Mutex<Vec<(usize, OrderId)>>>;

/// Orders repeatedly until the program is killed.
pub async fn buy_until_killed(buyer: Person, number: usize, product: ProductId, round: usize, answered: Answered) {
    for count in 0..1_000 {
        if buyer.api.send(add_to_cart(product, 1)).await.is_err() {
            return;
        }
        match buyer.api.send(buyer.ordering(PaymentMethod::Ok, &format!("{round}-{count}"))).await {
            Ok(reply) if reply.status == 201 => answered.lock().unwrap().push((number, reply.read().unwrap().order_id)),
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn power_cuts_under_load_lose_nothing_that_was_answered() {
    const STOCK: i64 = 100_000;
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let product = server.product(&admin, "CRASH-1", 1_000, STOCK).await;
    let mut buyers = Vec::new();
    for number in 0..8 {
        buyers.push(server.customer(&format!("survivor-{number}")).await);
    }
    let answered = Answered::default();
    let env = Env::system();
    for round in 0..5 {
        let mut tasks = JoinSet::new();
        for (number, buyer) in buyers.iter().enumerate() {
            tasks.spawn(buy_until_killed(buyer.at(&server), number, product, round, answered.clone()));
        }
        tokio::time::sleep(Duration::from_millis(200 + env.random_below(600))).await;
        server.kill_and_restart().await;
        tasks.join_all().await;
    }

    let admin = admin.at(&server);
    let answered = answered.lock().unwrap().clone();
    assert!(answered.len() > 20, "{} orders were answered", answered.len());
    for (number, id) in answered {
        let settled = |status| matches!(status, OrderStatus::Confirmed | OrderStatus::Cancelled);
        buyers[number].at(&server).order_until(id, "settled", |order| settled(order.status)).await;
    }
    // Orders that were stored and never answered settle too.
    let unsettled = [OrderStatus::PendingPayment, OrderStatus::PaymentAuthorized, OrderStatus::InventoryReserved];
    let totals = admin
        .until(request(&COUNT_ORDERS), "settled", |totals| totals.by_status.iter().all(|(status, _)| !unsettled.contains(status)))
        .await;
    assert!(totals.by_status.iter().all(|(status, _)| *status != OrderStatus::PaymentFailed), "{totals:#?}");
    // The stock was reduced once for every unit sold. A cart that was filled before a power cut has more than one unit.
    let sold = units_sold(&admin).await;
    let stock = admin.until(request(&GET_STOCK).path("CRASH-1"), "settled", |item| item.reserved_qty == 0).await;
    assert_eq!(stock.available_qty, STOCK - sold);
    server.stop_and_check().await;
}

/// The units of all confirmed orders, from their totals.
async fn units_sold(admin: &Person) -> i64 {
    let orders = admin.api.list(request(&LIST_ALL_ORDERS).query("status", OrderStatus::Confirmed), usize::MAX).await.expect("a list");
    orders.iter().map(|order| (order.total_amount - 490) / 1_000).sum()
}

#[tokio::test]
async fn an_orderly_shutdown_answers_requests_in_flight() {
    let mut server = Server::start_with(&[("SOUK_PAYMENT_SLOW_MS", "1500")]).await;
    let admin = server.admin().await;
    let product = server.product(&admin, "SLOW-1", 1_000, 5).await;
    let buyer = server.customer("patient").await;
    buyer.add(product, 1).await;
    let ordering = Env::system().spawn(async move { buyer.send(buyer.ordering(PaymentMethod::Slow, "k").wait()).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (ended, answer) = tokio::join!(server.terminate(), ordering);
    assert_eq!(answer.unwrap().status, 201);
    assert!(ended);
}

#[tokio::test]
async fn an_unknown_setting_is_named_and_stops_the_program() {
    let folder = platform::testing::TempFolder::new();
    std::fs::write(folder.path().join("souk.toml"), "[order]\ntax = 7\n").unwrap();
    let config = folder.path().join("souk.toml").display().to_string();
    let (started, output) = run(folder.path(), &["migrate", "--config", &config], "");
    assert!(!started && output.contains("tax"), "{output}");
    let (started, output) = run(folder.path(), &["migrate"], "");
    assert!(started, "{output}");
}
