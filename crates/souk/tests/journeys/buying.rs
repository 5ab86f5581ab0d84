//! What customers do, and how each outcome leaves money, stock and the cart.

use super::server::{Person, Server, cancelling, pricing, refunding};
use contracts::{
    audit::LIST_AUDIT_EVENTS,
    body::Metadata,
    cart::{GET_CART, WarningCode},
    catalog::LIST_PRODUCTS,
    inventory::{GET_AVAILABILITY, GET_STOCK},
    notification::{LIST_NOTIFICATIONS, NotificationStatus, NotificationType},
    order::{CancelOrder, GET_ORDER, OrderStatus, OrderView, PAY_ORDER, PLACE_ORDER, PayOrder, PlaceOrder},
    payment::{GET_PAYMENT, Payment, PaymentMethod, PaymentStatus},
    text::Amount,
    user::{GET_ADDRESS, GET_PROFILE},
};
use serde_json::json;
use souk::api_client::{ApiRequest, request};

/// A shop with an administrator.
async fn shop() -> (Server, Person) {
    let server = Server::start_with(&[("SOUK_PAYMENT_SLOW_MS", "300"), ("SOUK_PAYMENT_SETTLE_AFTER_MS", "200")]).await;
    let admin = server.admin().await;
    (server, admin)
}

async fn payment_of(person: &Person, order: &OrderView) -> Payment {
    person.must(request(&GET_PAYMENT).path(order.payment_id.expect("a payment"))).await
}

fn paying(order: &OrderView, payment_method: PaymentMethod) -> ApiRequest<PayOrder, OrderView> {
    request(&PAY_ORDER).path(order.order_id).body(&PayOrder { payment_method })
}

#[tokio::test]
async fn a_customer_registers_fills_a_cart_and_sees_a_confirmed_order() {
    let (server, admin) = shop().await;
    let product = server.product(&admin, "CHAIR-1", 12_990, 10).await;
    let mara = server.customer("mara").await;
    assert_eq!(mara.must(request(&GET_PROFILE)).await.name, "mara");
    assert_eq!(mara.add(product, 2).await.subtotal_amount, 25_980);

    let placed = mara.send(mara.ordering(PaymentMethod::Ok, "k1").wait()).await;
    assert_eq!(placed.status, 201, "{}", placed.json());
    let order = placed.read().unwrap();
    assert_eq!((order.status, order.total_amount), (OrderStatus::Confirmed, 25_980 + 490));
    assert_eq!(order.timeline.last().unwrap().status, OrderStatus::Confirmed);
    assert_eq!(server.stock(&admin, "CHAIR-1").await, (8, 0));
    let payment = payment_of(&mara, &order).await;
    assert_eq!((payment.status, payment.amount), (PaymentStatus::Captured, order.total_amount));
    assert_eq!(mara.must(request(&GET_CART)).await.items, []);

    // The mailbox has a mail for each step; the audit log has the events of the order.
    mara.until(request(&LIST_NOTIFICATIONS), "notified of the confirmation", |list| {
        let sent = |kind| list.items.iter().any(|n| n.r#type == kind && n.status == NotificationStatus::Sent);
        [NotificationType::Registered, NotificationType::OrderCreated, NotificationType::OrderConfirmed].into_iter().all(sent)
    })
    .await;
    let mails: Vec<String> = std::fs::read_dir(server.folder.path().join("mailbox"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(mails.iter().any(|name| name.contains("ORDER_CONFIRMED") && name.ends_with(".eml")), "{mails:?}");
    let events = request(&LIST_AUDIT_EVENTS).query("orderId", order.order_id).query("limit", 100);
    admin
        .until(events, "complete", |log| {
            ["OrderCreated", "PaymentAuthorized", "StockReserved", "PaymentCaptured", "StockConfirmed", "OrderConfirmed"]
                .iter()
                .all(|kind| log.items.iter().any(|event| event.event_type == *kind))
        })
        .await;
}

#[tokio::test]
async fn every_payment_method_has_its_documented_outcome() {
    let (server, admin) = shop().await;
    let product = server.product(&admin, "LAMP-1", 5_000, 100).await;
    for (method, status, payment, left) in [
        (PaymentMethod::Declined, OrderStatus::PaymentFailed, PaymentStatus::Failed, 100),
        (PaymentMethod::InsufficientFunds, OrderStatus::PaymentFailed, PaymentStatus::Failed, 100),
        (PaymentMethod::CaptureFails, OrderStatus::PaymentFailed, PaymentStatus::Failed, 100),
        (PaymentMethod::Timeout, OrderStatus::Confirmed, PaymentStatus::Captured, 99),
        (PaymentMethod::Flaky, OrderStatus::Confirmed, PaymentStatus::Captured, 98),
        (PaymentMethod::Slow, OrderStatus::Confirmed, PaymentStatus::Captured, 97),
        (PaymentMethod::RefundFails, OrderStatus::Confirmed, PaymentStatus::Captured, 96),
    ] {
        let buyer = server.customer(&format!("buyer-{}", method.to_string().replace('_', "-"))).await;
        buyer.add(product, 1).await;
        let order = buyer.order(method, "k").await;
        assert_eq!(order.status, status, "{method}: {order:#?}");
        assert_eq!(payment_of(&buyer, &order).await.status, payment, "{method}");
        assert_eq!(order.failure.is_some(), status == OrderStatus::PaymentFailed, "{method}: {order:#?}");
        // Reserved stock is released soon after.
        let fits = |item: &contracts::inventory::StockItem| (item.available_qty, item.reserved_qty) == (left, 0);
        admin.until(request(&GET_STOCK).path("LAMP-1"), "settled", fits).await;
    }
}

#[tokio::test]
async fn a_failed_order_can_be_paid_again() {
    let (server, admin) = shop().await;
    let product = server.product(&admin, "DESK-1", 5_000, 3).await;
    let buyer = server.customer("again").await;
    buyer.add(product, 2).await;
    let failed = buyer.order(PaymentMethod::Declined, "k").await;
    assert_eq!(failed.status, OrderStatus::PaymentFailed);
    // The cart stays empty, because the customer can still pay.
    assert_eq!(buyer.must(request(&GET_CART)).await.items, []);
    let pending = buyer.must(paying(&failed, PaymentMethod::Ok)).await;
    assert_eq!(pending.status, OrderStatus::PendingPayment);
    let paid = buyer.order_in(failed.order_id, OrderStatus::Confirmed).await;
    assert_ne!(paid.payment_id, failed.payment_id);
    assert_eq!(paid.failure, None);
    assert_eq!(server.stock(&admin, "DESK-1").await, (1, 0));
    let late = buyer.send(paying(&failed, PaymentMethod::Ok)).await;
    assert_eq!(late.problem(), (409, "ORDER_NOT_PAYABLE".to_owned()));
}

#[tokio::test]
async fn paying_again_can_wait_for_the_outcome() {
    let (server, admin) = shop().await;
    let product = server.product(&admin, "STOOL-1", 5_000, 3).await;
    let buyer = server.customer("waits").await;
    buyer.add(product, 1).await;
    let failed = buyer.order(PaymentMethod::Declined, "k").await;
    let again = buyer.must(paying(&failed, PaymentMethod::InsufficientFunds).wait()).await;
    assert_eq!((again.status, again.failure.unwrap().code.as_str()), (OrderStatus::PaymentFailed, "INSUFFICIENT_FUNDS"));
    let pay = async || buyer.send(paying(&failed, PaymentMethod::Ok).wait().key("p")).await;
    let paid = pay().await;
    assert_eq!((paid.status.as_u16(), paid.read().unwrap().status), (200, OrderStatus::Confirmed));
    assert_eq!(pay().await.body, paid.body);
    assert_eq!(server.stock(&admin, "STOOL-1").await, (2, 0));
}

#[tokio::test]
async fn an_order_that_is_not_paid_in_time_is_cancelled_and_its_lines_are_restored_to_the_cart() {
    let server = Server::start_with(&[("SOUK_ORDER_PAY_AGAIN_SECONDS", "1")]).await;
    let admin = server.admin().await;
    let product = server.product(&admin, "SOFA-1", 5_000, 3).await;
    let buyer = server.customer("late").await;
    buyer.add(product, 2).await;
    let failed = buyer.order(PaymentMethod::Declined, "k").await;
    buyer.order_in(failed.order_id, OrderStatus::Cancelled).await;
    let cart = buyer.until(request(&GET_CART), "filled again", |cart| !cart.items.is_empty()).await;
    assert_eq!((cart.items[0].product_id, cart.items[0].quantity), (product, 2));
}

#[tokio::test]
async fn without_stock_the_order_is_cancelled_the_payment_voided_and_the_cart_restored() {
    let (server, admin) = shop().await;
    let product = server.product(&admin, "RARE-1", 5_000, 5).await;
    let (first, second) = (server.customer("first").await, server.customer("second").await);
    first.add(product, 4).await;
    second.add(product, 4).await;
    assert_eq!(first.order(PaymentMethod::Ok, "k").await.status, OrderStatus::Confirmed);
    let lost = second.order(PaymentMethod::Ok, "k").await;
    assert_eq!(lost.status, OrderStatus::Cancelled, "{lost:#?}");
    assert_eq!(lost.failure.unwrap().code, "INSUFFICIENT_STOCK");
    let order = second.order_until(lost.order_id, "with its payment", |order| order.payment_id.is_some()).await;
    second.payment_in(order.payment_id.unwrap(), PaymentStatus::Voided).await;
    let cart = second.until(request(&GET_CART), "filled again", |cart| !cart.items.is_empty()).await;
    assert!(cart.warnings.iter().any(|warning| warning.code == WarningCode::QuantityCapped), "{cart:#?}");
    assert_eq!(server.stock(&admin, "RARE-1").await, (1, 0));
}

#[tokio::test]
async fn a_cancelled_order_is_refunded_and_its_stock_returned() {
    let (server, admin) = shop().await;
    let product = server.product(&admin, "SHELF-1", 5_000, 3).await;
    let buyer = server.customer("changes-mind").await;
    buyer.add(product, 1).await;
    let order = buyer.order(PaymentMethod::Ok, "k").await;
    let reason = CancelOrder { reason: Some("too late".parse().unwrap()) };
    assert_eq!(buyer.must(cancelling(order.order_id).body(&reason)).await.status, OrderStatus::Cancelled);
    buyer.payment_in(order.payment_id.unwrap(), PaymentStatus::Refunded).await;
    admin.until(request(&GET_STOCK).path("SHELF-1"), "returned", |item| item.available_qty == 3).await;
    assert_eq!(buyer.must(request(&GET_CART)).await.items, [], "the lines are not restored after a cancellation by the customer");
    buyer
        .until(request(&LIST_NOTIFICATIONS), "notified", |list| {
            let has = |kind| list.items.iter().any(|notification| notification.r#type == kind);
            has(NotificationType::Cancelled) && has(NotificationType::Refunded)
        })
        .await;
}

#[tokio::test]
async fn a_changed_price_is_shown_before_it_is_paid() {
    let (server, admin) = shop().await;
    let product = server.product(&admin, "CLOCK-1", 5_000, 3).await;
    let buyer = server.customer("careful").await;
    buyer.add(product, 1).await;
    admin.must(pricing(product, 6_000)).await;
    let cart = buyer.must(request(&GET_CART)).await;
    assert_eq!(cart.warnings[0].code, WarningCode::PriceChanged, "{cart:#?}");
    let expecting = PlaceOrder {
        shipping_address_id: buyer.address,
        billing_address_id: None,
        payment_method: PaymentMethod::Ok,
        expected_total_amount: Some(Amount::new(5_490).unwrap()),
        external_id: None,
        metadata: Metadata::default(),
    };
    let refused = buyer.send(request(&PLACE_ORDER).key("a").body(&expecting)).await;
    assert_eq!((refused.status.as_u16(), refused.json()["totalAmount"].clone()), (409, json!(6_490)));
    assert_eq!(buyer.order(PaymentMethod::Ok, "b").await.total_amount, 6_490);
}

#[tokio::test]
async fn guests_browse_and_buyers_never_see_data_of_each_other() {
    let (server, admin) = shop().await;
    let product = server.product(&admin, "BOOK-1", 900, 3).await;
    let guest = server.guest();
    assert_eq!(guest.must(request(&LIST_PRODUCTS)).await.items[0].product_id, product);
    assert!(guest.must(request(&GET_AVAILABILITY).path(product)).await.in_stock);
    let (mara, other) = (server.customer("mara").await, server.customer("nosy").await);
    mara.add(product, 1).await;
    let order = mara.order(PaymentMethod::Ok, "k").await;
    let (id, payment) = (order.order_id, order.payment_id.unwrap());
    let own = [
        request(&GET_ORDER).path(id).untyped(),
        request(&GET_PAYMENT).path(payment).untyped(),
        request(&GET_ADDRESS).path(mara.address).untyped(),
    ];
    for read in own {
        assert_eq!(other.send(read.clone()).await.status, 404, "{}", read.path);
        assert_eq!(guest.send(read.clone()).await.status, 401, "{}", read.path);
    }
    assert_eq!(other.send(cancelling(id)).await.status, 404);
    assert_eq!(other.send(refunding(payment, "r")).await.status, 403);
    assert_eq!(mara.must(request(&GET_ORDER).path(id)).await.status, OrderStatus::Confirmed);
}
