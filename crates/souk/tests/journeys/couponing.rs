//! Limits of promotions while many customers order at once.

use super::{
    marketplace::{CHEAP_PASSWORDS, promotion},
    server::{Person, Server},
};
use contracts::{
    cart::{ADD_COUPON, AddCoupon},
    ids::{ProductId, PromotionId},
    order::{LIST_ALL_ORDERS, LIST_ORDERS, OrderStatus, OrderView},
    payment::PaymentMethod,
    promotion::GET_PROMOTION,
};
use serde_json::json;
use souk::api_client::request;
use tokio::task::JoinSet;

/// Buyers at once, and the uses of the coupon. By hand with `SOUK_TEST_BUYERS=1000`, which is too slow for every run.
const BUYERS: usize = 200;
const LIMIT: usize = 20;

async fn buyers(server: &Server, count: usize, product: ProductId, code: &str) -> Vec<Person> {
    let coupon = AddCoupon { code: code.parse().unwrap() };
    let mut buyers = Vec::new();
    for number in 0..count {
        let buyer = server.customer(&format!("buyer-{number}")).await;
        buyer.add(product, 1).await;
        let cart = buyer.must(request(&ADD_COUPON).body(&coupon)).await;
        assert_eq!(cart.discount_amount, 500);
        buyers.push(buyer);
    }
    buyers
}

/// Orders that have a discount, by an administrator's list: each is paid at the reduced price.
async fn placed(admin: &Person) -> Vec<i64> {
    let orders = admin.api.list(request(&LIST_ALL_ORDERS), usize::MAX).await.expect("a list");
    orders.iter().filter(|order| order.status == OrderStatus::Confirmed).map(|order| order.total_amount).collect()
}

async fn used(admin: &Person, promotion: PromotionId) -> i64 {
    admin.must(request(&GET_PROMOTION).path(promotion)).await.used_count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limited_coupon_is_used_exactly_so_often_and_the_others_are_told() {
    let server = Server::start_with(&CHEAP_PASSWORDS).await;
    let admin = server.admin().await;
    let product = server.product(&admin, "LIMITED", 5_000, 100_000).await;
    let scale = std::env::var("SOUK_TEST_BUYERS").map_or(BUYERS, |count| count.parse().expect("a number"));
    let (count, limit) = (scale, scale * LIMIT / BUYERS);
    let limited = json!({"title": "Five", "kind": "PERCENTAGE", "value": 1_000, "code": "LIMITED", "totalLimit": limit});
    let limited = promotion(&admin, &limited).await.promotion_id;
    let mut tasks = JoinSet::new();
    for buyer in buyers(&server, count, product, "LIMITED").await {
        tasks.spawn(async move {
            let reply = buyer.send(buyer.ordering(PaymentMethod::Ok, "k").wait()).await;
            (buyer, reply)
        });
    }
    let (mut discounted, mut told) = (0, 0);
    while let Some(answer) = tasks.join_next().await {
        let (buyer, reply) = answer.unwrap();
        if reply.status == 201 {
            let order: OrderView = reply.read().unwrap();
            assert_eq!((order.discount_amount, order.status), (500, OrderStatus::Confirmed));
            discounted += 1;
        } else {
            assert_eq!(reply.problem(), (409, "COUPON_EXHAUSTED".to_owned()), "{}", reply.json());
            assert!(buyer.must(request(&LIST_ORDERS)).await.items.is_empty(), "nothing is placed");
            told += 1;
        }
    }
    assert_eq!((discounted, told), (limit, count - limit));
    assert_eq!(used(&admin, limited).await, i64::try_from(limit).unwrap());
    assert_eq!(placed(&admin).await, vec![5_000 - 500 + 490; limit]);
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_who_orders_twice_at_once_uses_a_coupon_once() {
    const CUSTOMERS: usize = 10;
    let server = Server::start_with(&CHEAP_PASSWORDS).await;
    let admin = server.admin().await;
    let product = server.product(&admin, "ONCE", 5_000, 1_000).await;
    let once = json!({"title": "Once", "kind": "PERCENTAGE", "value": 1_000, "code": "ONCE", "perCustomerLimit": 1});
    let once = promotion(&admin, &once).await.promotion_id;
    let mut tasks = JoinSet::new();
    for buyer in buyers(&server, CUSTOMERS, product, "ONCE").await {
        tasks.spawn(async move {
            let ordering = |key| buyer.send(buyer.ordering(PaymentMethod::Ok, key).wait());
            let (first, second) = tokio::join!(ordering("first"), ordering("second"));
            let statuses = [first.status.as_u16(), second.status.as_u16()];
            assert!(matches!(statuses, [201, 409] | [409, 201]), "{} {}", first.json(), second.json());
            // In a new cart the coupon is refused when it is entered.
            buyer.add(product, 1).await;
            let coupon = AddCoupon { code: "ONCE".parse().unwrap() };
            let refused = buyer.send(request(&ADD_COUPON).body(&coupon)).await.problem();
            assert_eq!(refused, (422, "COUPON_EXHAUSTED".to_owned()));
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(used(&admin, once).await, i64::try_from(CUSTOMERS).unwrap());
    assert_eq!(placed(&admin).await, [5_000 - 500 + 490; CUSTOMERS]);
    server.stop_and_check().await;
}
