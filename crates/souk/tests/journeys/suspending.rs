//! A seller is suspended while an order is open, and comes back.

use super::{
    marketplace::{category, reporting, seller},
    server::{PASSWORD, Server, pricing},
};
use contracts::{
    cart::GET_CART,
    catalog::{ACTIVATE_PRODUCT, BLOCK_PRODUCT, BlockProduct, DEACTIVATE_PRODUCT, GET_PRODUCT, LIST_PRODUCTS, UNBLOCK_PRODUCT},
    ids::ProductId,
    order::{FulfilmentStatus, GET_FULFILMENT, LIST_FULFILMENTS, OrderStatus, SHIP_FULFILMENT},
    payment::PaymentMethod,
    payout::{CHECK_LEDGER, GET_SELLER_BALANCE, LIST_SELLER_PAYOUTS, PayoutStatus, RUN_PAYOUTS},
    search::SEARCH_PRODUCTS,
    seller::{DecideSeller, REINSTATE_SELLER, SUSPEND_SELLER},
    shipping::{HandOverParcel, ShipmentStatus},
};
use souk::api_client::request;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

#[tokio::test]
async fn a_suspended_seller_serves_open_orders_and_comes_back_with_what_was_on_sale() {
    let server = Server::start_with(&[("SOUK_PAYOUT_RETURN_WINDOW_DAYS", "0")]).await;
    let admin = server.admin().await;
    let (mut mara, mara_id) = seller(&server, &admin, "mara").await;
    let lamps = category(&admin, "Lamps").await;
    let [on_sale, off_sale, blocked] = {
        let lamp = async |name: &str| mara.sell(&name.to_uppercase(), &format!("Lamp {name}"), lamps, 5_000, 10).await;
        [lamp("on-sale").await, lamp("off-sale").await, lamp("blocked").await]
    };
    mara.must(request(&DEACTIVATE_PRODUCT).path(off_sale)).await;
    let reason = BlockProduct { reason: "It was recalled.".parse().unwrap() };
    admin.must(request(&BLOCK_PRODUCT).path(blocked).body(&reason)).await;
    let (buyer, shopper) = (server.customer("buyer").await, server.customer("shopper").await);
    buyer.add(on_sale, 2).await;
    let open = buyer.order(PaymentMethod::Ok, "open").await;
    let open = buyer.order_until(open.order_id, "booked", |order| order.fulfilments[0].shipment_id.is_some()).await;
    let (part, shipment) = (open.fulfilments[0].fulfilment_id, open.fulfilments[0].shipment_id.unwrap());
    shopper.add(on_sale, 1).await;
    let search = request(&SEARCH_PRODUCTS).query("q", "lamp");
    // What can be found by search, in the catalogue and by its id.
    let found = async || {
        let searched: BTreeSet<ProductId> = shopper.must(search.clone()).await.items.iter().map(|hit| hit.product_id).collect();
        let listed: BTreeSet<ProductId> = shopper.must(request(&LIST_PRODUCTS)).await.items.iter().map(|it| it.product_id).collect();
        let mut read = BTreeSet::new();
        for product in [on_sale, off_sale, blocked] {
            if shopper.send(request(&GET_PRODUCT).path(product)).await.status == 200 {
                read.insert(product);
            }
        }
        (searched, listed, read)
    };
    let only = |product| (BTreeSet::from([product]), BTreeSet::from([product]), BTreeSet::from([product]));
    let deadline = Instant::now() + Duration::from_secs(60);
    while found().await != only(on_sale) {
        assert!(Instant::now() < deadline, "not only what is on sale is found: {:?}", found().await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    admin.must(request(&SUSPEND_SELLER).path(mara_id).body(&DecideSeller::default())).await;
    let deadline = Instant::now() + Duration::from_secs(1);
    let mut attempts = 0;
    let gone = async |attempt: u32| {
        let cart = shopper.must(request(&GET_CART)).await;
        let ordered = shopper.send(shopper.ordering(PaymentMethod::Ok, &format!("attempt-{attempt}"))).await;
        let put = shopper.send(souk::api_client::add_to_cart(on_sale, 1)).await;
        let nothing = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        found().await == nothing && cart.subtotal_amount == 0 && !cart.warnings.is_empty() && ordered.status == 409 && put.status == 409
    };
    while !gone(attempts).await {
        attempts += 1;
        assert!(Instant::now() < deadline, "a suspended seller is on sale after a second");
    }
    // Without the role nothing of the own can be changed; the token loses it within seconds.
    let deadline = Instant::now() + Duration::from_secs(10);
    while mara.send(pricing(on_sale, 1)).await.status != 403 {
        assert!(Instant::now() < deadline, "a suspended seller changes products");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    // The open order is served to its end, and its money is held.
    assert_eq!(mara.must(request(&LIST_FULFILMENTS)).await.items.len(), 1);
    assert_eq!(mara.must(request(&GET_FULFILMENT).path(part)).await.status, FulfilmentStatus::Confirmed);
    mara.must(request(&SHIP_FULFILMENT).path(part).body(&HandOverParcel::default())).await;
    buyer.order_in(open.order_id, OrderStatus::Shipped).await;
    admin.must(reporting(shipment, ShipmentStatus::Delivered)).await;
    buyer.order_in(open.order_id, OrderStatus::Delivered).await;
    let balance = mara.until(request(&GET_SELLER_BALANCE), "available", |balance| balance.available_amount > 0).await;
    assert_eq!(admin.must(request(&RUN_PAYOUTS).key("held")).await.items, [], "payouts of a suspended seller are held");
    assert_eq!(mara.must(request(&GET_SELLER_BALANCE)).await, balance);

    // What was on sale is back, and nothing else; the block stays until an administrator lifts it.
    admin.must(request(&REINSTATE_SELLER).path(mara_id).body(&DecideSeller::default())).await;
    let deadline = Instant::now() + Duration::from_secs(60);
    while found().await != only(on_sale) {
        assert!(Instant::now() < deadline, "what was on sale is not back: {:?}", found().await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let cart = shopper.until(request(&GET_CART), "orderable", |cart| cart.subtotal_amount > 0).await;
    let units: i64 = cart.items.iter().map(|item| item.line_total_amount / item.unit_price_snapshot).sum();
    shopper.order(PaymentMethod::Ok, "after").await;
    let mut activate_again = async || {
        mara.api = server.api.log_in(("mara@example.com", PASSWORD)).await.expect("a login");
        mara.send(request(&ACTIVATE_PRODUCT).path(blocked)).await.status
    };
    let deadline = Instant::now() + Duration::from_secs(10);
    while activate_again().await == 403 {
        assert!(Instant::now() < deadline, "the next token of a reinstated seller has no role");
    }
    assert_eq!(found().await, only(on_sale), "activating a blocked product does not put it on sale");
    admin.must(request(&UNBLOCK_PRODUCT).path(blocked)).await;
    shopper.until(search.clone(), "found", |page| page.items.iter().any(|hit| hit.product_id == blocked)).await;
    admin.must(request(&RUN_PAYOUTS).key("after")).await;
    let paid = mara.until(request(&LIST_SELLER_PAYOUTS), "paid", |page| page.items.iter().any(|it| it.status == PayoutStatus::Paid)).await;
    assert_eq!(paid.items[0].amount, balance.available_amount);
    assert_eq!(server.stock(&admin, "ON-SALE").await, (8 - units, 0));
    assert!(admin.must(request(&CHECK_LEDGER)).await.balanced);
    server.stop_and_check().await;
}
