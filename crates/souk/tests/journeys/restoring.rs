//! Databases that are older than what others know of them, lost, or damaged.

use super::server::{Person, Server, run};
use contracts::{
    ids::{OrderId, ProductId},
    inventory::GET_STOCK,
    notification::{LIST_ALL_NOTIFICATIONS, Notification, NotificationType},
    order::{COUNT_ORDERS, LIST_ORDERS, OrderStatus},
    page::Page,
    payment::{PaymentMethod, PaymentStatus},
};
use platform::testing::TempFolder;
use souk::api_client::{add_to_cart, request};
use std::{
    fs,
    path::Path,
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
};
use tokio::task::JoinSet;

const UNSETTLED: [OrderStatus; 3] = [OrderStatus::PendingPayment, OrderStatus::PaymentAuthorized, OrderStatus::InventoryReserved];

async fn buy(buyer: &Person, product: ProductId, key: &str) -> OrderId {
    buyer.add(product, 1).await;
    buyer.order(PaymentMethod::Ok, key).await.order_id
}

#[tokio::test]
async fn an_older_order_database_ships_new_orders_and_lets_go_of_those_it_lost() {
    // It is about files of embedded databases.
    if super::servers::are_used() {
        return;
    }
    let environment = &[("SOUK_ORDER_ORPHAN_GRACE_SECONDS", "0")];
    let mut server = Server::start_with(environment).await;
    let admin = server.admin().await;
    let product = server.product(&admin, "OLD-1", 1_000, 10).await;
    let buyer = server.customer("mara").await;
    let mut lost = Vec::new();
    for key in ["a", "b", "c"] {
        buyer.add(product, 1).await;
        let order = buyer.order(PaymentMethod::Ok, key).await;
        assert_eq!(order.status, OrderStatus::Confirmed);
        lost.push(order);
    }
    server.kill();
    // The log holds all that happened since the first start.
    for suffix in ["-wal", "-shm"] {
        fs::remove_file(server.folder.path().join("db").join(format!("order.db{suffix}"))).unwrap();
    }
    server.restart().await;
    let (admin, buyer) = (admin.at(&server), buyer.at(&server));
    assert!(admin.api.list(request(&LIST_ORDERS), 10).await.unwrap().is_empty(), "the orders are lost");

    let order = buy(&buyer, product, "d").await;
    buyer.order_until(order, "shipped", |order| order.shipping.shipment_id.is_some()).await;
    for order in &lost {
        admin.payment_in(order.payment_id.unwrap(), PaymentStatus::Refunded).await;
    }
    let stock = admin.until(request(&GET_STOCK).path("OLD-1"), "returned", |item| item.available_qty == 9).await;
    assert_eq!(stock.reserved_qty, 0);
    assert!(server.terminate().await);
    let (healthy, report) = run(server.folder.path(), &["doctor", "--verbose"], "");
    assert!(healthy, "{report}");
    assert!(report.contains("went back from position"), "{report}");
}

/// Buys until told to stop.
async fn buy_until(buyer: Person, product: ProductId, stop: Arc<AtomicBool>) {
    for count in 0..10_000 {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        buyer.send(add_to_cart(product, 1)).await;
        buyer.send(buyer.ordering(PaymentMethod::Ok, &format!("load-{count}"))).await;
    }
}

/// Copies a folder file by file, as `cp -r` does.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    let mut entries: Vec<_> = fs::read_dir(from).unwrap().map(|entry| entry.unwrap()).collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        // A log that ended meanwhile is gone.
        let _ = fs::copy(entry.path(), to.join(entry.file_name()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_made_file_by_file_under_load_heals_by_itself() {
    // It is about files of embedded databases.
    if super::servers::are_used() {
        return;
    }
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let product = server.product(&admin, "COPY-1", 1_000, 100_000).await;
    let mut buyers = Vec::new();
    for number in 0..4 {
        buyers.push(server.customer(&format!("copied-{number}")).await);
    }
    let (stop, mut tasks) = (Arc::<AtomicBool>::default(), JoinSet::new());
    for buyer in &buyers {
        tasks.spawn(buy_until(buyer.clone(), product, stop.clone()));
    }
    admin.until(request(&COUNT_ORDERS), "busy", |totals| totals.total > 40).await;
    let folder = TempFolder::new();
    copy(&server.folder.path().join("db"), &folder.path().join("db"));
    fs::copy(server.folder.path().join("installation.secret"), folder.path().join("installation.secret")).unwrap();
    stop.store(true, Ordering::SeqCst);
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    server.kill();

    let mut copied = Server::start_on(folder, &[]).await;
    let (admin, buyer) = (admin.at(&copied), buyers[0].at(&copied));
    admin.until(request(&COUNT_ORDERS), "settled", |totals| totals.by_status.iter().all(|(status, _)| !UNSETTLED.contains(status))).await;
    let order = buy(&buyer, product, "after the copy").await;
    buyer.order_until(order, "shipped", |order| order.shipping.shipment_id.is_some()).await;
    assert!(copied.terminate().await);
    let (_, report) = run(copied.folder.path(), &["doctor"], "");
    // Services that were copied earlier than others miss what those know. All else is well.
    for fault in report.lines().filter(|line| line.starts_with('✗')) {
        assert!(fault.contains("orders: "), "{report}");
    }
}

#[tokio::test]
async fn a_lost_or_damaged_database_refuses_the_start_until_its_loss_is_accepted() {
    // It is about files of embedded databases.
    if super::servers::are_used() {
        return;
    }
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let product = server.product(&admin, "LOST-1", 1_000, 10).await;
    let buyer = server.customer("mara").await;
    buy(&buyer, product, "a").await;
    admin.until(request(&LIST_ALL_NOTIFICATIONS), "sent", |list| list.items.len() >= 3).await;
    server.kill();
    let path = server.folder.path().to_owned();
    let file = |name: &str| path.join("db").join(name);
    let serve = ["serve", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"];
    let refuses = |what: &str, why: &str| {
        for arguments in [&serve[..], &["doctor"]] {
            let (started, output) = run(&path, arguments, "");
            assert!(!started && output.contains(why), "{what}: {output}");
            assert!(output.contains(&file("notification.db").display().to_string()), "{what}: {output}");
            assert!(output.contains("souk restore") && output.contains("--accept-loss notification"), "{what}: {output}");
        }
    };
    for suffix in ["-wal", "-shm"] {
        fs::remove_file(file(&format!("notification.db{suffix}"))).unwrap();
    }
    fs::write(file("notification.db"), "x".repeat(9_000)).unwrap();
    refuses("overwritten", "is damaged");
    fs::copy(file("cart.db"), file("notification.db")).unwrap();
    refuses("swapped", "it is the database of cart");
    fs::write(file("notification.db"), "").unwrap();
    refuses("emptied", "is empty");
    fs::remove_file(file("notification.db")).unwrap();
    refuses("removed", "is missing");
    assert!(!file("notification.db").exists(), "nothing is made");

    let (secret, hidden) = (path.join("installation.secret"), path.join("hidden"));
    fs::rename(&secret, &hidden).unwrap();
    let (started, output) = run(&path, &[&serve[..], &["--accept-loss", "notification"]].concat(), "");
    assert!(!started && output.contains("the secret of this installation is missing"), "{output}");
    assert!(!secret.exists(), "none is made");
    fs::rename(&hidden, &secret).unwrap();

    // The attempt above made the database anew.
    server.restart().await;
    let (admin, buyer) = (admin.at(&server), buyer.at(&server));
    let order = buy(&buyer, product, "b").await;
    buyer.order_until(order, "shipped", |order| order.shipping.shipment_id.is_some()).await;
    let count = |list: &Page<Notification>, kind| list.items.iter().filter(|one| one.r#type == kind).count();
    let list = request(&LIST_ALL_NOTIFICATIONS).query("limit", 100);
    let sent = admin.until(list, "sent", |list| count(list, NotificationType::OrderConfirmed) > 0).await;
    assert_eq!(count(&sent, NotificationType::Registered), 0, "no old message is sent again");
    assert_eq!(count(&sent, NotificationType::OrderCreated), 1, "{sent:#?}");
    server.stop_and_check().await;
}
