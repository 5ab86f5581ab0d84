//! After a mixed load the data of all services is consistent, and the doctor finds damage.

use super::server::{Person, Server, cancelling, refunding, run};
use contracts::{
    body::Patch,
    catalog::{UPDATE_PRODUCT, UpdateProduct},
    ids::{OrderId, ProductId, Uuid},
    inventory::GET_STOCK,
    order::{LIST_ALL_ORDERS, OrderStatus, OrderView, PAY_ORDER, PayOrder},
    payment::{GET_PAYMENT, PaymentMethod, PaymentStatus},
};
use platform::{db, env::Env, params, service::Service};
use souk::api_client::request;
use std::{path::Path, time::Duration};
use tokio::task::JoinSet;

const ROUNDS: usize = 2;
const STOCK: i64 = 40;

/// What a buyer does after ordering.
#[derive(Clone, Copy)]
enum Then {
    Wait,
    /// Cancels at once, in whatever status the order is.
    CancelAtOnce,
    /// Waits for the outcome and then cancels.
    CancelLater,
    /// Pays again if the payment failed.
    PayAgain,
}

/// Buys one unit, sending the order twice, and then does `then`. Returns the id of the order.
async fn buy(buyer: Person, product: ProductId, method: PaymentMethod, then: Then) -> OrderId {
    buyer.add(product, 1).await;
    let (first, second) = tokio::join!(buyer.send(buyer.ordering(method, "once")), buyer.send(buyer.ordering(method, "once")));
    let placed = [first, second].into_iter().find(|reply| reply.status == 201).expect("one of them placed it");
    let id = placed.read().expect("an order").order_id;
    match then {
        Then::Wait => {}
        Then::CancelAtOnce => assert_eq!(buyer.send(cancelling(id)).await.status, 200),
        Then::CancelLater => {
            buyer.order_until(id, "settled", is_settled).await;
            buyer.send(cancelling(id)).await;
        }
        Then::PayAgain => {
            if buyer.order_until(id, "settled", is_settled).await.status == OrderStatus::PaymentFailed {
                buyer.must(request(&PAY_ORDER).path(id).body(&PayOrder { payment_method: PaymentMethod::Flaky })).await;
            }
        }
    }
    id
}

fn is_settled(order: &OrderView) -> bool {
    !matches!(order.status, OrderStatus::PendingPayment | OrderStatus::PaymentAuthorized | OrderStatus::InventoryReserved)
}

/// Waits until order and payment are settled. A refund that the provider refuses is never settled.
async fn until_settled(buyer: &Person, id: OrderId) -> OrderView {
    let order = buyer.order_until(id, "settled", is_settled).await;
    if let Some(payment) = order.payment_id {
        buyer
            .until(request(&GET_PAYMENT).path(payment), "settled", |payment| match order.status {
                OrderStatus::Confirmed => payment.status == PaymentStatus::Captured,
                OrderStatus::Refunded => payment.status == PaymentStatus::Refunded,
                _ if payment.payment_method == PaymentMethod::RefundFails => true,
                _ => !matches!(payment.status, PaymentStatus::Authorized | PaymentStatus::Captured),
            })
            .await;
    }
    order
}

/// Changes a row of a service's database while the program is stopped.
async fn damage(folder: &Path, service: Service, sql: &'static str, id: Uuid) {
    let database = super::servers::open(folder, &service);
    let rows = database.write(async move |tx| tx.execute(sql, params![id]).await).await;
    assert_eq!(rows.map_err(|error: db::Error| error.to_string()), Ok(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_mixed_load_the_data_is_consistent_and_damage_is_found() {
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
        .flat_map(|_| PaymentMethod::ALL)
        .flat_map(|method| [Then::Wait, Then::CancelAtOnce, Then::CancelLater, Then::PayAgain].map(|then| (*method, then)))
        .enumerate()
    {
        let buyer = server.customer(&format!("mixed-{number}")).await;
        buyers.spawn(async move {
            let id = buy(buyer.clone(), product, method, then).await;
            (buyer, id)
        });
    }
    // During the load, and while a product changes, the doctor finds orders in progress and no fault.
    let folder = server.folder.path().to_owned();
    let mut doctor = tokio::task::spawn_blocking(move || (0..4).map(|_| run(&folder, &["doctor"], "")).collect::<Vec<_>>());
    let reports = loop {
        tokio::select! {
            reports = &mut doctor => break reports.expect("it runs"),
            () = tokio::time::sleep(Duration::from_millis(20)) => {
                let description = Patch(Some(Env::system().now().to_string().parse().expect("a text")));
                let update = UpdateProduct { description, ..UpdateProduct::default() };
                admin.must(request(&UPDATE_PRODUCT).path(product).body(&update)).await;
            }
        }
    };
    for (healthy, report) in reports {
        assert!(healthy, "{report}");
    }
    let bought = buyers.join_all().await;

    let mut confirmed = Vec::new();
    for (buyer, id) in &bought {
        let order = until_settled(buyer, *id).await;
        if order.status == OrderStatus::Confirmed {
            confirmed.push(order);
        }
    }
    assert!(confirmed.len() > 10, "{} orders were confirmed", confirmed.len());
    // An administrator refunds some.
    for order in confirmed.iter().filter(|order| order.payment_method != PaymentMethod::RefundFails).take(2) {
        admin.must(refunding(order.payment_id.expect("a payment"), &order.order_id.to_string())).await;
        let refunded = request(&LIST_ALL_ORDERS).query("status", OrderStatus::Refunded).query("userId", order.user_id);
        admin.until(refunded, "refunded", |list| !list.items.is_empty()).await;
    }
    admin.until(request(&GET_STOCK).path("MIXED-1"), "settled", |item| item.reserved_qty == 0).await;

    assert!(server.terminate().await);
    let folder = server.folder.path();
    let (healthy, report) = run(folder, &["doctor"], "");
    assert!(healthy, "{report}");
    assert!(report.contains(&format!("✓ orders: {} agree with", bought.len())), "{report}");
    // Orders whose refund the provider refuses stay in progress and are named.
    let refusing = report.lines().filter(|line| line.contains("in progress: order") && line.contains("the refund of payment"));
    assert!(refusing.count() > 0, "{report}");

    // Each check that reads the damaged row prints a line that names the order or the payment.
    let sold = confirmed.last().expect("one was confirmed");
    let (order, payment) = (sold.order_id.0, sold.payment_id.expect("a payment").0);
    let finds = async |service: fn() -> Service, damaging: &'static str, repairing: &'static str, id: Uuid, texts: &[&str]| {
        damage(folder, service(), damaging, id).await;
        let (healthy, report) = run(folder, &["doctor"], "");
        assert!(!healthy && report.contains("need") && report.contains('✗'), "{report}");
        for text in texts {
            assert!(report.lines().any(|line| line.contains(&id.to_string()) && line.contains(text)), "{text}: {report}");
        }
        damage(folder, service(), repairing, id).await;
    };
    finds(
        payment::service,
        "UPDATE payments SET status = 'REFUNDED' WHERE payment_id = $1",
        "UPDATE payments SET status = 'CAPTURED' WHERE payment_id = $1",
        payment,
        &["REFUNDED, but its transactions hold 0", "is REFUNDED, not CAPTURED (M1)"],
    )
    .await;
    finds(
        order::service,
        "UPDATE orders SET total_amount = total_amount + 1 WHERE order_id = $1",
        "UPDATE orders SET total_amount = total_amount - 1 WHERE order_id = $1",
        order,
        &["(M4)", "CONFIRMED over 14.91 EUR, but its payment"],
    )
    .await;
    finds(
        inventory::service,
        "UPDATE reservations SET status = 'RELEASED' WHERE order_id = $1 AND status = 'CONFIRMED'",
        "UPDATE reservations SET status = 'CONFIRMED' WHERE order_id = $1 AND status = 'RELEASED'",
        order,
        &["CONFIRMED over 1 of MIXED-1, but it has bought nothing (S3)"],
    )
    .await;
    let (healthy, report) = run(folder, &["doctor"], "");
    assert!(healthy, "{report}");
}
