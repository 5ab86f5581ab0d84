//! From the search to the delivery, and the index and the shipments after power cuts.

use super::server::{Person, Server, cancelling, pricing, refunding, run};
use contracts::{
    catalog::{CREATE_CATEGORY, CreateCategory, DEACTIVATE_PRODUCT},
    ids::{OrderId, ProductId, ShipmentId},
    inventory::GET_STOCK,
    notification::{LIST_NOTIFICATIONS, NotificationType},
    order::{OrderStatus, OrderView},
    payment::{PaymentMethod, PaymentStatus},
    search::{SEARCH_PRODUCTS, SearchResults},
    shipping::{LIST_SHIPMENTS_OF_ORDER, RECORD_SHIPMENT_EVENT, RecordShipmentEvent, Shipment, ShipmentStatus},
    user::ADD_ADDRESS,
};
use platform::env::Env;
use souk::api_client::{ApiRequest, request, sample_address};
use std::{collections::BTreeSet, time::Duration};

fn searching(text: &str) -> ApiRequest<(), SearchResults> {
    request(&SEARCH_PRODUCTS).query("q", text)
}

fn is_found(found: &SearchResults) -> bool {
    !found.items.is_empty()
}

/// The request of the carrier that reports a status.
fn reporting(shipment: ShipmentId, status: ShipmentStatus) -> ApiRequest<RecordShipmentEvent, Shipment> {
    request(&RECORD_SHIPMENT_EVENT).path(shipment).body(&RecordShipmentEvent { status, message: None, occurred_at: None })
}

/// Waits until the order has a shipment.
async fn shipment_of(buyer: &Person, id: OrderId) -> (OrderView, ShipmentId) {
    let order = buyer.order_until(id, "with a shipment", |order| order.shipping.shipment_id.is_some()).await;
    let shipment = order.shipping.shipment_id.expect("a shipment");
    (order, shipment)
}

#[tokio::test]
async fn a_customer_searches_buys_and_gets_the_product_delivered() {
    let server = Server::start_with(&[("SOUK_SHIPPING_SIMULATE", "true"), ("SOUK_SHIPPING_SIMULATE_STEP_SECONDS", "1")]).await;
    let admin = server.admin().await;
    let product = server.product(&admin, "LANTERN-7", 4_900, 5).await;
    let guest = server.guest();
    guest.until(searching("lantren"), "found although misspelt", is_found).await;
    guest.until(searching("lantern").query("maxPrice", 5000).query("inStock", true), "known to be in stock", is_found).await;
    let found = guest.must(searching("LANTERN7")).await;
    assert_eq!(found.items.iter().map(|hit| hit.product_id).collect::<Vec<_>>(), [product]);

    let buyer = server.customer("finder").await;
    buyer.add(product, 1).await;
    let id = buyer.order(PaymentMethod::Ok, "k").await.order_id;
    let delivered = buyer.order_in(id, OrderStatus::Delivered).await;
    let path: Vec<OrderStatus> = delivered.timeline.iter().map(|entry| entry.status).collect();
    assert!(path.ends_with(&[OrderStatus::Confirmed, OrderStatus::Shipped, OrderStatus::Delivered]), "{path:?}");
    assert!(delivered.shipping.tracking_number.is_some());
    assert_eq!(buyer.must(request(&LIST_SHIPMENTS_OF_ORDER).path(id)).await.items.len(), 1);
    assert_eq!(buyer.send(cancelling(id)).await.problem(), (409, "ORDER_NOT_CANCELLABLE".to_owned()));
    buyer
        .until(request(&LIST_NOTIFICATIONS).query("limit", 100), "notified of each step", |list| {
            let has = |kind| list.items.iter().any(|notification| notification.r#type == kind);
            [NotificationType::OrderConfirmed, NotificationType::Shipped, NotificationType::Delivered].into_iter().all(has)
        })
        .await;
}

#[tokio::test]
async fn the_search_finds_only_active_products_with_their_present_price() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let product = server.product(&admin, "PARASOL-1", 4_900, 5).await;
    admin.until(searching("parasol"), "found", is_found).await;
    admin.must(pricing(product, 3_900)).await;
    admin.until(searching("parasol"), "cheaper", |found| found.items[0].price_amount == 3_900).await;
    admin.must(request(&DEACTIVATE_PRODUCT).path(product)).await;
    admin.until(searching("parasol"), "gone", |found| !is_found(found)).await;
}

#[tokio::test]
async fn shipping_that_fails_leaves_the_order_confirmed_and_is_retried() {
    let server = Server::start_with(&[("SOUK_SHIPPING_FIRST_PAUSE_MS", "50")]).await;
    let admin = server.admin().await;
    let product = server.product(&admin, "PIANO-1", 4_900, 5).await;
    let mut buyer = server.customer("patient").await;
    let mut address = sample_address();
    address.complement = "carrier:flaky".parse().unwrap();
    buyer.address = buyer.must(request(&ADD_ADDRESS).body(&address)).await.address_id;
    buyer.add(product, 1).await;
    let order = buyer.order(PaymentMethod::Ok, "k").await;
    assert_eq!((order.status, order.shipping.pending), (OrderStatus::Confirmed, true));
    let shipped = buyer.order_until(order.order_id, "with a parcel", |order| order.shipping.tracking_number.is_some()).await;
    assert_eq!((shipped.status, shipped.shipping.pending), (OrderStatus::Confirmed, false));
}

#[tokio::test]
async fn units_refunded_before_the_parcel_left_are_sold_again_and_others_are_not() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let product = server.product(&admin, "REFUND-1", 1_000, 10).await;
    let buyer = server.customer("content").await;
    for (number, left, parcel) in [(0, false, ShipmentStatus::Returned), (1, true, ShipmentStatus::InTransit)] {
        buyer.add(product, 1).await;
        let id = buyer.order(PaymentMethod::Ok, &format!("k{number}")).await.order_id;
        let (order, shipment) = shipment_of(&buyer, id).await;
        if left {
            admin.must(reporting(shipment, ShipmentStatus::InTransit)).await;
        }
        admin.must(refunding(order.payment_id.unwrap(), &format!("r{number}"))).await;
        let refunded = |order: &OrderView| order.status == OrderStatus::Refunded && order.shipping.status == Some(parcel);
        buyer.order_until(id, "refunded", refunded).await;
        let available = if left { 9 } else { 10 };
        admin.until(request(&GET_STOCK).path("REFUND-1"), "settled", |stock| stock.available_qty == available).await;
    }
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_carrier_and_a_cancellation_at_the_same_time_have_one_winner() {
    const ROUNDS: u64 = 30;
    let server = Server::start().await;
    let admin = server.admin().await;
    let product = server.product(&admin, "RACE-1", 1_000, 100).await;
    let buyer = server.customer("undecided").await;
    let (mut shipped, mut cancelled) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        buyer.add(product, 1).await;
        let id = buyer.order(PaymentMethod::Ok, &format!("k{round}")).await.order_id;
        let (_, shipment) = shipment_of(&buyer, id).await;
        let scan = async || admin.must(reporting(shipment, ShipmentStatus::InTransit)).await;
        let cancel = async || buyer.send(cancelling(id)).await;
        let (seen, answer) = match round {
            // The carrier reports later in each round, from before the request to cancel to after the cancellation.
            0 => (scan().await, cancel().await),
            _ if round == ROUNDS - 1 => {
                let answer = cancel().await;
                (scan().await, answer)
            }
            _ => tokio::join!(
                async {
                    tokio::time::sleep(Duration::from_millis(round)).await;
                    scan().await
                },
                cancel()
            ),
        };
        if answer.status == 200 {
            assert_eq!(answer.read().unwrap().status, OrderStatus::Cancelled);
            // The carrier took the parcel although the shipment is cancelled.
            assert_eq!(seen.status, ShipmentStatus::Returned, "{seen:#?}");
            cancelled.push((id, shipment));
        } else {
            assert_eq!(answer.problem(), (409, "ORDER_NOT_CANCELLABLE".to_owned()));
            assert_eq!(seen.status, ShipmentStatus::InTransit, "{seen:#?}");
            shipped.push((id, shipment));
        }
    }
    assert!(!shipped.is_empty() && !cancelled.is_empty(), "{} shipped, {} cancelled", shipped.len(), cancelled.len());
    for (orders, status, payment) in
        [(&shipped, OrderStatus::Shipped, PaymentStatus::Captured), (&cancelled, OrderStatus::Cancelled, PaymentStatus::Refunded)]
    {
        for (id, _) in orders {
            let order = buyer.order_in(*id, status).await;
            assert_eq!((order.cancellation_requested, order.shipping.pending), (false, false));
            buyer.payment_in(order.payment_id.unwrap(), payment).await;
        }
    }
    let left = 100 - i64::try_from(shipped.len()).unwrap();
    admin.until(request(&GET_STOCK).path("RACE-1"), "as many as did not leave", |stock| stock.available_qty == left).await;

    // Orders, money, units and shipments agree, except that the carrier contradicted the cancellations.
    let (healthy, report) = run(server.folder.path(), &["doctor"], "");
    let faults: Vec<&str> = report.lines().filter(|line| line.contains("was cancelled, but the carrier reported it IN_TRANSIT")).collect();
    assert!(!healthy && faults.len() == cancelled.len(), "{report}");
    assert!(cancelled.iter().all(|(id, _)| faults.iter().any(|line| line.contains(&id.to_string()))), "{report}");
    // The carrier returns the parcels.
    for (_, shipment) in &cancelled {
        admin.must(reporting(*shipment, ShipmentStatus::Returned)).await;
    }
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn index_and_shipments_survive_power_cuts_with_nothing_missing_and_nothing_twice() {
    let mut server = Server::start().await;
    let mut admin = server.admin().await;
    let category = CreateCategory { name: "Survivors".parse().unwrap(), parent_category_id: None };
    let category = admin.must(request(&CREATE_CATEGORY).body(&category)).await.category_id;
    let env = Env::system();
    let mut on_sale = BTreeSet::new();
    let mut orders = Vec::new();
    for round in 0..4 {
        let cut = tokio::time::Instant::now() + Duration::from_millis(300 + env.random_below(500));
        let buyer = server.customer(&format!("keeper-{round}")).await;
        for number in 0..200 {
            // Even a slow machine creates some products before the cut.
            if number > 4 && tokio::time::Instant::now() > cut {
                break;
            }
            let id = admin.sell(&format!("SURVIVOR-{round}-{number}"), &format!("Survivor {round} {number}"), category, 1_000, 9).await;
            on_sale.insert(id);
            if number % 3 == 0 {
                buyer.add(id, 1).await;
                orders.push((buyer.clone(), buyer.order(PaymentMethod::Ok, &format!("k{number}")).await.order_id));
            }
        }
        server.kill_and_restart().await;
        admin = admin.at(&server);
    }
    assert!(on_sale.len() > 10, "{} products", on_sale.len());
    let total = on_sale.len() as u64;
    admin.until(searching("survivor").query("limit", 1), "complete", |found| found.total == total).await;
    let first = searching("survivor").query("limit", 100).query("sort", "newest");
    let (mut found, mut page) = (Vec::<ProductId>::new(), first.clone());
    loop {
        let hits = admin.must(page).await;
        found.extend(hits.items.iter().map(|hit| hit.product_id));
        let Some(cursor) = hits.next_cursor else { break };
        page = first.clone().query("cursor", cursor);
    }
    assert_eq!(found.len(), on_sale.len(), "nothing twice");
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), on_sale, "nothing missing");
    for (buyer, id) in orders {
        let buyer = buyer.at(&server);
        shipment_of(&buyer, id).await;
        let shipments = buyer.must(request(&LIST_SHIPMENTS_OF_ORDER).path(id)).await;
        assert_eq!(shipments.items.len(), 1, "{shipments:#?}");
    }
    server.stop_and_check().await;
}
