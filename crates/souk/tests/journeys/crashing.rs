//! Power cuts and polite ends.

use super::server::{Person, Server, run, text};
use hyper::Method;
use platform::env::Env;
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::task::JoinSet;

/// What a buyer was answered: the order's id.
type Promised = Arc<Mutex<Vec<(usize, String)>>>;

/// Orders again and again, whatever happens to the program, and remembers every order that was answered.
async fn buy_until_cut(buyer: Person, number: usize, product: String, round: usize, promised: Promised) {
    for count in 0..1_000 {
        let added = buyer.api.send(Method::POST, "/cart/items", &[], Some(&json!({"productId": product, "quantity": 1}))).await;
        if added.is_err() {
            return;
        }
        let body = json!({"shippingAddressId": buyer.address, "paymentMethod": "pm_ok"});
        let key = format!("{round}-{count}");
        match buyer.api.send(Method::POST, "/orders", &[("idempotency-key", &key)], Some(&body)).await {
            Ok(reply) if reply.status == 201 => promised.lock().unwrap().push((number, text(&reply.json(), "orderId"))),
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
    let promised = Promised::default();
    let env = Env::system();
    for round in 0..5 {
        let mut tasks = JoinSet::new();
        for (number, buyer) in buyers.iter().enumerate() {
            tasks.spawn(buy_until_cut(buyer.at(&server), number, product.clone(), round, promised.clone()));
        }
        tokio::time::sleep(Duration::from_millis(200 + env.random_below(600))).await;
        server.kill_and_restart().await;
        tasks.join_all().await;
    }

    let admin = admin.at(&server);
    let promised = promised.lock().unwrap().clone();
    assert!(promised.len() > 20, "{} orders were answered", promised.len());
    for (number, id) in &promised {
        buyers[*number]
            .at(&server)
            .order_until(id, "at rest", |order| matches!(order["status"].as_str(), Some("CONFIRMED" | "CANCELLED")))
            .await;
    }
    // Orders that were written and never answered end as well.
    admin
        .until("/admin/orders/totals", "all at rest", |totals| {
            ["PENDING_PAYMENT", "PAYMENT_AUTHORIZED", "INVENTORY_RESERVED"].iter().all(|status| totals["byStatus"][status].is_null())
        })
        .await;
    let totals = admin.must(Method::GET, "/admin/orders/totals", None).await;
    assert_eq!(totals["byStatus"]["PAYMENT_FAILED"], Value::Null, "{totals:#}");
    // What every confirmed order took was taken once: a cart that was filled before a cut holds more than one unit.
    let sold = units_sold(&admin).await;
    let stock = admin.until("/inventory/stock/CRASH-1", "settled", |item| item["reservedQty"] == 0).await;
    assert_eq!(stock["availableQty"].as_i64().unwrap(), STOCK - sold);
    assert!(server.terminate());
    let (healthy, report) = run(server.folder.path(), &["doctor"], "");
    assert!(healthy, "{report}");
}

/// The units of all confirmed orders, by what they cost.
async fn units_sold(admin: &Person) -> i64 {
    let (mut units, mut cursor) = (0, String::new());
    loop {
        let page = admin.must(Method::GET, &format!("/admin/orders?status=CONFIRMED&limit=100{cursor}"), None).await;
        let totals = page["items"].as_array().unwrap().iter().map(|order| order["totalAmount"].as_i64().unwrap());
        units += totals.map(|total| (total - 490) / 1_000).sum::<i64>();
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return units,
        }
    }
}

#[tokio::test]
async fn a_polite_end_answers_what_is_in_flight() {
    let mut server = Server::start_with(&[("SOUK_PAYMENT_SLOW_MS", "1500")]).await;
    let admin = server.admin().await;
    let product = server.product(&admin, "SLOW-1", 1_000, 5).await;
    let buyer = server.customer("patient").await;
    buyer.add(&product, 1).await;
    let ordering = Env::system().spawn(async move { buyer.order("pm_slow", "k").await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let ended = tokio::task::spawn_blocking(move || (server.terminate(), server));
    let answer = ordering.await.unwrap();
    assert_eq!(answer.status, 201);
    assert!(ended.await.unwrap().0);
}

#[tokio::test]
async fn a_second_program_on_altered_data_says_what_is_wrong() {
    let folder = platform::testing::TempFolder::new();
    std::fs::write(folder.path().join("souk.toml"), "[order]\ntax = 7\n").unwrap();
    let config = folder.path().join("souk.toml").display().to_string();
    let (started, said) = run(folder.path(), &["migrate", "--config", &config], "");
    assert!(!started && said.contains("tax"), "{said}");
    let (started, said) = run(folder.path(), &["migrate"], "");
    assert!(started, "{said}");
}
