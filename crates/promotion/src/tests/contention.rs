//! Many buyers at once.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_buyers_of_a_hundred_uses_get_exactly_a_hundred() {
    let shop = Arc::new(Shop::open().await);
    let id = shop.active(ten_percent_with(json!({"code": "RUSH", "totalLimit": 100}))).await.promotion_id;
    let mut buyers = shop.env.task_set();
    for _ in 0..1000 {
        let shop = shop.clone();
        buyers.spawn(async move { shop.reserve(shop.id(), shop.id(), &[id]).await });
    }
    let (served, refused): (Vec<_>, Vec<_>) = buyers.join_all().await.into_iter().partition(|answer| answer.status == 204);
    assert_eq!((served.len(), refused.len()), (100, 900));
    for answer in refused {
        answer.expect_problem(409, "COUPON_EXHAUSTED");
    }
    assert_eq!((shop.used(id).await, shop.use_events().await.len()), (100, 100));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_orders_of_one_customer_at_once_one_gets_the_only_use() {
    let shop = Arc::new(Shop::open().await);
    let id = shop.active(ten_percent_with(json!({"code": "ONCE", "perCustomerLimit": 1}))).await.promotion_id;
    for _ in 0..10 {
        let (user, used_before): (UserId, i64) = (shop.id(), shop.used(id).await);
        let mut orders = shop.env.task_set();
        for _ in 0..2 {
            let shop = shop.clone();
            orders.spawn(async move { shop.reserve(shop.id(), user, &[id]).await.status.as_u16() });
        }
        let mut statuses = orders.join_all().await;
        statuses.sort_unstable();
        assert_eq!((statuses, shop.used(id).await), (vec![204, 409], used_before + 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reservations_and_releases_at_once_end_with_the_right_count() {
    let shop = Arc::new(Shop::open().await);
    let one = shop.active(ten_percent_with(json!({"totalLimit": 30}))).await.promotion_id;
    let two = shop.active(ten_percent_with(json!({"totalLimit": 40}))).await.promotion_id;
    let mut buyers = shop.env.task_set();
    for n in 0..120 {
        let shop = shop.clone();
        buyers.spawn(async move {
            let order: OrderId = shop.id();
            let promotions = if n % 2 == 0 { [one, two] } else { [two, one] };
            let is_served = shop.reserve(order, shop.id(), &promotions).await.status == 204;
            if is_served && n % 3 == 0 {
                shop.delete(&format!("/internal/promotion-uses/{order}")).service("order").send().await.expect(204);
            }
            is_served && n % 3 != 0
        });
    }
    let kept = buyers.join_all().await.into_iter().filter(|kept| *kept).count();
    let used = shop.used(one).await;
    assert_eq!((used, shop.used(two).await), (i64::try_from(kept).unwrap(), used));
    assert!(used <= 30, "{used}");
}
