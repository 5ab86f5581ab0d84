//! Power cuts and orderly shutdowns.

use super::{
    marketplace::{cancelling_part, category, promotion, reporting, returning, seller},
    server::{Person, Server, run},
};
use contracts::{
    body::BoundedVec,
    cart::{ADD_COUPON, AddCoupon},
    ids::{OrderId, ProductId, PromotionId},
    inventory::GET_STOCK,
    order::{COUNT_ORDERS, FulfilmentStatus, GET_ORDER, LIST_ALL_ORDERS, OrderStatus, OrderView},
    payment::PaymentMethod,
    payout::{CHECK_LEDGER, LIST_LEDGER_ACCOUNTS},
    promotion::GET_PROMOTION,
    returns::{APPROVE_RETURN, Disposition, LIST_ALL_RETURNS, RECEIVE_RETURN, ReceiveReturn, ReceiveReturnLine, ReturnStatus},
    shipping::{LIST_SHIPMENTS_OF_ORDER, ShipmentStatus},
    text::Quantity,
};
use platform::{db, env::Env, params};
use serde_json::json;
use souk::api_client::{add_to_cart, request};
use std::{
    collections::BTreeMap,
    path::Path,
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

/// What three sellers have on sale, and who takes part.
#[derive(Clone)]
struct Market {
    admin: Person,
    /// Of the shop and of two sellers, with their SKUs.
    products: [(ProductId, &'static str); 3],
}

impl Market {
    /// Orders of every kind until the program is killed: of one seller and of three, with a coupon and without; then parts are
    /// cancelled, or delivered and returned.
    async fn trade_until_killed(self, buyer: Person, number: usize, round: usize, answered: Answered) {
        for count in 0.. {
            if self.trade(&buyer, number, &format!("{round}-{count}"), number + round + count, &answered).await.is_err() {
                return;
            }
        }
    }

    /// Fails once the program is killed. What it refuses is no failure.
    async fn trade(&self, buyer: &Person, number: usize, key: &str, count: usize, answered: &Answered) -> anyhow::Result<()> {
        let wanted = if count.is_multiple_of(2) { &self.products[..] } else { &self.products[count % 3..=count % 3] };
        for (product, _) in wanted {
            buyer.api.send(add_to_cart(*product, 1)).await?;
        }
        if !count.is_multiple_of(3) {
            let coupon = AddCoupon { code: "CRASH".parse().unwrap() };
            buyer.api.send(request(&ADD_COUPON).body(&coupon)).await?;
        }
        let ordering = buyer.ordering(PaymentMethod::Ok, key);
        let placed = buyer.api.send(if count % 4 < 2 { ordering.wait() } else { ordering }).await?;
        if placed.status != 201 {
            return Ok(());
        }
        let order = placed.read()?;
        answered.lock().unwrap().push((number, order.order_id));
        if order.status != OrderStatus::Confirmed {
            return Ok(());
        }
        if count.is_multiple_of(4) {
            let part = order.fulfilments[count % order.fulfilments.len()].fulfilment_id;
            buyer.api.send(cancelling_part(order.order_id, part)).await?;
            return Ok(());
        }
        // Everything is delivered, and the first line comes back.
        let shipments = loop {
            let booked = buyer.api.send(request(&LIST_SHIPMENTS_OF_ORDER).path(order.order_id)).await?;
            // Until the event of the order arrives there is nothing.
            let booked = if booked.status == 200 { booked.read()?.items } else { Vec::new() };
            if booked.len() == order.fulfilments.len() {
                break booked;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        for shipment in shipments {
            self.admin.api.send(reporting(shipment.shipment_id, ShipmentStatus::InTransit)).await?;
            self.admin.api.send(reporting(shipment.shipment_id, ShipmentStatus::Delivered)).await?;
        }
        // The service of returns consumes the event of the delivery a moment later.
        let asked = loop {
            let asked = buyer.api.send(returning(&order, 0, 1)).await?;
            match asked.problem().1.as_str() {
                "NOT_DELIVERED" | "INVALID_REQUEST" => tokio::time::sleep(Duration::from_millis(20)).await,
                _ => break asked.read()?,
            }
        };
        self.admin.api.send(request(&APPROVE_RETURN).path(asked.return_id)).await?;
        let line = ReceiveReturnLine {
            order_item_id: asked.lines[0].order_item_id,
            quantity: Quantity::new(1).unwrap(),
            disposition: Disposition::Restock,
        };
        let received = ReceiveReturn { lines: BoundedVec::new(vec![line]).unwrap() };
        self.admin.api.send(request(&RECEIVE_RETURN).path(asked.return_id).body(&received)).await?;
        Ok(())
    }
}

/// What the orders say that was sold, taken and used.
#[derive(Debug, Default, PartialEq)]
struct Sold {
    units: BTreeMap<String, i64>,
    /// Captured and not given back.
    money: i64,
    uses: i64,
}

impl Sold {
    /// Also how many parts were cancelled and how many units were returned.
    async fn by_orders(admin: &Person, market: &Market) -> (Sold, usize, u32) {
        let mut sold = Sold { units: market.products.iter().map(|(_, sku)| ((*sku).to_owned(), 0)).collect(), ..Sold::default() };
        let (mut cancelled, mut returned) = (0, 0);
        for summary in admin.api.list(request(&LIST_ALL_ORDERS), usize::MAX).await.expect("a list") {
            let order = admin.must(request(&GET_ORDER).path(summary.order_id)).await;
            cancelled += order.fulfilments.iter().filter(|part| part.status == FulfilmentStatus::Cancelled).count();
            returned += order.items.iter().map(|line| line.returned_quantity).sum::<u32>();
            if order.status == OrderStatus::Cancelled {
                continue;
            }
            sold.money += order.total_amount - order.refunded_amount;
            sold.uses += i64::from(!order.discounts.is_empty());
            for part in order.fulfilments.iter().filter(|part| part.status != FulfilmentStatus::Cancelled) {
                for item in &part.items {
                    let line = order.items.iter().find(|line| line.order_item_id == item.order_item_id).expect("its line");
                    *sold.units.get_mut(&line.sku).expect("one of the products") +=
                        i64::from(item.quantity) - i64::from(line.returned_quantity);
                }
            }
        }
        (sold, cancelled, returned)
    }

    /// What inventory, the ledger and the promotion say.
    async fn by_others(admin: &Person, market: &Market, coupon: PromotionId) -> Sold {
        let mut sold = Sold { uses: admin.must(request(&GET_PROMOTION).path(coupon)).await.used_count, ..Sold::default() };
        for (_, sku) in market.products {
            let stock = admin.until(request(&GET_STOCK).path(sku), "settled", |item| item.reserved_qty == 0).await;
            sold.units.insert(sku.to_owned(), STOCK - stock.available_qty);
        }
        let accounts = admin.api.list(request(&LIST_LEDGER_ACCOUNTS), usize::MAX).await.expect("a list");
        sold.money = accounts.iter().filter(|account| account.account == "provider_clearing").map(|account| -account.balance_amount).sum();
        sold
    }
}

const STOCK: i64 = 100_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn power_cuts_under_load_lose_nothing_that_was_answered() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let lamps = category(&admin, "Lamps").await;
    let (mara, _) = seller(&server, &admin, "mara").await;
    let (ole, _) = seller(&server, &admin, "ole").await;
    let products = [
        (admin.sell("CRASH-1", "Lamp of the shop", lamps, 1_000, STOCK).await, "CRASH-1"),
        (mara.sell("CRASH-2", "Lamp of Mara", lamps, 2_001, STOCK).await, "CRASH-2"),
        (ole.sell("CRASH-3", "Lamp of Ole", lamps, 3_002, STOCK).await, "CRASH-3"),
    ];
    let coupon = json!({"title": "Seven percent", "kind": "PERCENTAGE", "value": 700, "code": "CRASH", "totalLimit": 100_000});
    let coupon = promotion(&admin, &coupon).await.promotion_id;
    let mut buyers = Vec::new();
    for number in 0..8 {
        buyers.push(server.customer(&format!("survivor-{number}")).await);
    }
    let answered = Answered::default();
    let env = Env::system();
    for round in 0..5 {
        let mut tasks = JoinSet::new();
        let market = Market { admin: admin.at(&server), products };
        for (number, buyer) in buyers.iter().enumerate() {
            tasks.spawn(market.clone().trade_until_killed(buyer.at(&server), number, round, answered.clone()));
        }
        tokio::time::sleep(Duration::from_millis(1_000 + env.random_below(1_500))).await;
        server.kill();
        tasks.join_all().await;
        // The uses of orders that a power cut kept from being written are asked for after 15 minutes; these are over at once.
        ask_for_uses(server.folder.path()).await;
        server.restart().await;
    }

    let admin = admin.at(&server);
    let market = Market { admin: admin.clone(), products };
    // On a slow machine no round comes as far as a cancellation and a return.
    for count in [0, 1] {
        market.trade(&buyers[0].at(&server), 0, &format!("whole-{count}"), count, &answered).await.expect("the program runs");
    }
    let answered = answered.lock().unwrap().clone();
    assert!(answered.len() > 20, "{} orders were answered", answered.len());
    let unsettled = [OrderStatus::PendingPayment, OrderStatus::PaymentAuthorized, OrderStatus::InventoryReserved];
    for (number, id) in answered {
        let settled =
            |order: &OrderView| !unsettled.contains(&order.status) && !order.fulfilments.iter().any(|part| part.cancellation_requested);
        buyers[number].at(&server).order_until(id, "settled", settled).await;
    }
    // Orders that were stored and never answered settle too.
    let totals = admin
        .until(request(&COUNT_ORDERS), "settled", |totals| totals.by_status.iter().all(|(status, _)| !unsettled.contains(status)))
        .await;
    assert!(totals.by_status.iter().all(|(status, _)| *status != OrderStatus::PaymentFailed), "{totals:#?}");
    // The money of every return that was received goes back.
    let received = request(&LIST_ALL_RETURNS).query("status", ReturnStatus::Received);
    admin.until(received, "refunded", |list| list.items.is_empty()).await;
    // Stock, ledger and uses agree with the orders: once for every unit, cent and use. A cart that was filled before a power cut has
    // more than one unit.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    let (sold, cancelled, returned) = loop {
        let others = Sold::by_others(&admin, &market, coupon).await;
        let (orders, cancelled, returned) = Sold::by_orders(&admin, &market).await;
        if orders == others {
            break (orders, cancelled, returned);
        }
        assert!(tokio::time::Instant::now() < deadline, "by the orders {orders:#?}, by the others {others:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert!(sold.uses > 0 && sold.money > 0 && sold.units.values().all(|units| *units > 0), "{sold:#?}");
    assert!(cancelled > 0 && returned > 0, "{cancelled} parts were cancelled, and {returned} units returned");
    assert!(admin.must(request(&CHECK_LEDGER)).await.balanced);
    server.stop_and_check().await;
}

/// Makes the reserved uses due while the program is stopped.
async fn ask_for_uses(folder: &Path) {
    let service = ::promotion::service();
    let database = super::servers::open(folder, &service);
    let sql = "UPDATE promotion_uses SET due_at = 1 WHERE due_at IS NOT NULL";
    database
        .write(async move |tx| tx.execute(sql, params![]).await)
        .await
        .map_err(|error: db::Error| error.to_string())
        .expect("it is written");
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
