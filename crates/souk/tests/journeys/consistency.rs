//! After a day of everything at once the books agree, and what is damaged is found.

use super::server::{Person, Server, run, text};
use hyper::Method;
use platform::{
    db::{self, Db},
    env::Env,
    params,
    service::Service,
};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};
use tokio::task::JoinSet;

const METHODS: [&str; 8] =
    ["pm_ok", "pm_declined", "pm_insufficient_funds", "pm_capture_fails", "pm_refund_fails", "pm_timeout", "pm_flaky", "pm_slow"];
const ROUNDS: usize = 2;
const STOCK: i64 = 40;

/// What a buyer does after ordering.
#[derive(Clone, Copy)]
enum Then {
    Wait,
    /// Cancels at once, wherever the order is.
    CancelAtOnce,
    /// Waits for the outcome and cancels then.
    CancelLater,
    /// Pays again when the payment failed.
    PayAgain,
}

/// Buys once with a method, sending the order twice, and does what comes then. The order's id.
async fn buy(buyer: Person, product: String, method: &'static str, then: Then) -> String {
    buyer.add(&product, 1).await;
    let body = json!({"shippingAddressId": buyer.address, "paymentMethod": method});
    let headers = [("idempotency-key", "once")];
    let (first, second) = tokio::join!(
        buyer.api.send(Method::POST, "/orders", &headers, Some(&body)),
        buyer.api.send(Method::POST, "/orders", &headers, Some(&body)),
    );
    let placed = [first, second].into_iter().map(|reply| reply.expect("an answer")).find(|reply| reply.status == 201);
    let id = text(&placed.expect("one of them placed it").json(), "orderId");
    let cancel = async || buyer.send(Method::POST, &format!("/orders/{id}/cancel"), Some(json!({}))).await;
    match then {
        Then::Wait => {}
        Then::CancelAtOnce => assert_eq!(cancel().await.status, 200),
        Then::CancelLater => {
            buyer.order_until(&id, "at rest", is_at_rest).await;
            cancel().await;
        }
        Then::PayAgain => {
            let order = buyer.order_until(&id, "at rest", is_at_rest).await;
            if order["status"] == "PAYMENT_FAILED" {
                buyer.must(Method::POST, &format!("/orders/{id}/pay"), Some(json!({"paymentMethod": "pm_flaky"}))).await;
            }
        }
    }
    id
}

fn is_at_rest(order: &Value) -> bool {
    !["PENDING_PAYMENT", "PAYMENT_AUTHORIZED", "INVENTORY_RESERVED"].iter().any(|status| order["status"] == *status)
}

/// Whether nothing of the order's money moves any more, but what the provider refuses to give back.
async fn until_settled(buyer: &Person, id: &str) -> Value {
    let order = buyer.order_until(id, "at rest", is_at_rest).await;
    if let Some(payment) = order["paymentId"].as_str() {
        let path = format!("/payments/{payment}");
        buyer
            .until(&path, "settled", |payment| {
                let fits: &[&str] = match order["status"].as_str().expect("a status") {
                    "CONFIRMED" => &["CAPTURED"],
                    "REFUNDED" => &["REFUNDED"],
                    _ if payment["paymentMethod"] == "pm_refund_fails" => return true,
                    _ => &["INITIATED", "FAILED", "VOIDED", "REFUNDED"],
                };
                fits.iter().any(|status| payment["status"] == *status)
            })
            .await;
    }
    order
}

/// Changes rows of a service's database while nobody else has it open.
async fn damage(folder: &Path, service: Service, sql: &'static str, id: String) {
    let database = Db::open(Env::system(), service.name, &folder.join("db"), service.migrations).expect("a database");
    let id: contracts::ids::Uuid = id.parse().expect("an id");
    let rows = database.write(async move |tx| tx.execute(sql, params![id]).await).await;
    assert_eq!(rows.map_err(|error: db::Error| error.to_string()), Ok(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_mixed_load_the_books_agree_and_damage_is_found() {
    let mut server = Server::start_with(&[
        ("SOUK_PAYMENT_SLOW_MS", "100"),
        ("SOUK_PAYMENT_DEADLINE_MS", "400"),
        ("SOUK_PAYMENT_SETTLE_AFTER_MS", "100"),
        ("SOUK_ORDER_FIRST_PAUSE_MS", "50"),
        ("SOUK_AUTH_ARGON2_MEMORY_KIB", "64"),
        ("SOUK_AUTH_ARGON2_ITERATIONS", "1"),
    ])
    .await;
    let admin = server.admin().await;
    let product = server.product(&admin, "MIXED-1", 1_000, STOCK).await;
    let mut buyers = JoinSet::new();
    for (number, (method, then)) in (0..ROUNDS)
        .flat_map(|_| METHODS)
        .flat_map(|method| [Then::Wait, Then::CancelAtOnce, Then::CancelLater, Then::PayAgain].map(|then| (method, then)))
        .enumerate()
    {
        let (buyer, product) = (server.customer(&format!("mixed-{number}")).await, product.clone());
        buyers.spawn(async move {
            let id = buy(buyer.clone(), product, method, then).await;
            (buyer, id)
        });
    }
    // Beside the load, and while the catalogue changes, the doctor sees orders in progress and nothing wrong.
    let folder = server.folder.path().to_owned();
    let mut beside = tokio::task::spawn_blocking(move || (0..4).map(|_| run(&folder, &["doctor"], "")).collect::<Vec<_>>());
    let reports = loop {
        tokio::select! {
            reports = &mut beside => break reports.expect("it runs"),
            () = tokio::time::sleep(Duration::from_millis(20)) => {
                let seen = json!({"description": Env::system().now()});
                admin.must(Method::PATCH, &format!("/products/{product}"), Some(seen)).await;
            }
        }
    };
    for (healthy, report) in reports {
        assert!(healthy, "{report}");
    }
    let bought = buyers.join_all().await;

    let mut confirmed = Vec::new();
    for (buyer, id) in &bought {
        let order = until_settled(buyer, id).await;
        if order["status"] == "CONFIRMED" {
            confirmed.push(order);
        }
    }
    assert!(confirmed.len() > 10, "{} orders were confirmed", confirmed.len());
    // Some are given back by an administrator.
    for order in confirmed.iter().filter(|order| order["paymentMethod"] != "pm_refund_fails").take(2) {
        let (path, key) = (format!("/payments/{}/refund", text(order, "paymentId")), text(order, "orderId"));
        admin.api.must(Method::POST, &path, &[("idempotency-key", key.as_str())], Some(&json!({}))).await.expect("a refund");
        let path = format!("/admin/orders?status=REFUNDED&userId={}", text(order, "userId"));
        admin.until(&path, "refunded", |list| list["items"] != json!([])).await;
    }
    admin.until("/inventory/stock/MIXED-1", "settled", |item| item["reservedQty"] == 0).await;

    assert!(server.terminate());
    let folder = server.folder.path();
    let (healthy, report) = run(folder, &["doctor"], "");
    assert!(healthy, "{report}");
    assert!(report.contains(&format!("✓ orders: {} agree with", bought.len())), "{report}");
    // A provider that refuses to give back keeps those orders in progress, and they are named.
    let refusing = report.lines().filter(|line| line.contains("in progress: order") && line.contains("the refund of payment"));
    assert!(refusing.count() > 0, "{report}");

    // Each damage is told by those whose books it is in, in a sentence that names the order or the payment.
    let sold = confirmed.last().expect("one was confirmed");
    let (order, payment) = (text(sold, "orderId"), text(sold, "paymentId"));
    let back = async |service: fn() -> Service, hurt: &'static str, heal: &'static str, id: &str, told: &[&str]| {
        damage(folder, service(), hurt, id.to_owned()).await;
        let (healthy, report) = run(folder, &["doctor"], "");
        assert!(!healthy && report.contains("need") && report.contains('✗'), "{report}");
        for told in told {
            assert!(report.lines().any(|line| line.contains(id) && line.contains(told)), "{told}: {report}");
        }
        damage(folder, service(), heal, id.to_owned()).await;
    };
    back(
        payment::service,
        "UPDATE payments SET status = 'REFUNDED' WHERE payment_id = $1",
        "UPDATE payments SET status = 'CAPTURED' WHERE payment_id = $1",
        &payment,
        &["REFUNDED, but its transactions hold 0", "is REFUNDED, not CAPTURED (M1)"],
    )
    .await;
    back(
        order::service,
        "UPDATE orders SET total_amount = total_amount + 1 WHERE order_id = $1",
        "UPDATE orders SET total_amount = total_amount - 1 WHERE order_id = $1",
        &order,
        &["(M4)", "CONFIRMED over 14.91 EUR, but its payment"],
    )
    .await;
    back(
        inventory::service,
        "UPDATE reservations SET status = 'RELEASED' WHERE order_id = $1 AND status = 'CONFIRMED'",
        "UPDATE reservations SET status = 'CONFIRMED' WHERE order_id = $1 AND status = 'RELEASED'",
        &order,
        &["CONFIRMED over 1 of MIXED-1, but it has bought nothing (S3)"],
    )
    .await;
    let (healthy, report) = run(folder, &["doctor"], "");
    assert!(healthy, "{report}");
}
