//! Which promotions apply to a cart.

use super::*;
use contracts::promotion::CouponProblem;
use std::time::Duration;

async fn problem(shop: &Shop, code: &str) -> Option<CouponProblem> {
    shop.evaluate(shop.id(), 1000, &[code]).await.coupons[0].problem
}

#[tokio::test]
async fn active_promotions_without_a_code_apply_by_themselves_and_others_do_not() {
    let shop = Shop::open().await;
    let automatic = shop.active(ten_percent()).await;
    shop.create(ten_percent()).await;
    shop.active(ten_percent_with(json!({"code": "EXTRA"}))).await;
    let evaluation = shop.evaluate(shop.id(), 1000, &[]).await;
    assert_eq!(
        evaluation.discounts.iter().map(|discount| (discount.promotion_id, discount.amount)).collect::<Vec<_>>(),
        [(automatic.promotion_id, 100)]
    );
    assert_eq!(shop.evaluate(shop.id(), 1000, &["extra"]).await.discount_amount, 190);
    shop.change(automatic.promotion_id, "pause").await.expect(200);
    assert_eq!(shop.evaluate(shop.id(), 1000, &[]).await.discount_amount, 0);
}

#[tokio::test]
async fn a_coupon_is_refused_with_its_reason() {
    let shop = Shop::open().await;
    assert_eq!(problem(&shop, "NOBODY").await, Some(CouponProblem::Unknown));
    let made = shop.create(ten_percent_with(json!({"code": "SUMMER"}))).await;
    assert_eq!(problem(&shop, "SUMMER").await, Some(CouponProblem::Unknown));
    shop.change(made.promotion_id, "activate").await.expect(200);
    assert_eq!(problem(&shop, "summer").await, None);
    shop.change(made.promotion_id, "pause").await.expect(200);
    assert_eq!(problem(&shop, "SUMMER").await, Some(CouponProblem::NotApplicable));
    shop.change(made.promotion_id, "end").await.expect(200);
    assert_eq!(problem(&shop, "SUMMER").await, Some(CouponProblem::Expired));
    shop.active(ten_percent_with(json!({"code": "MUCH", "conditions": {"minSubtotalAmount": 5000}}))).await;
    let evaluation = shop.evaluate(shop.id(), 1000, &["MUCH"]).await;
    assert_eq!((evaluation.coupons[0].problem, evaluation.near_misses[0].missing_amount), (Some(CouponProblem::NotApplicable), Some(4000)));
}

#[tokio::test]
async fn a_promotion_applies_from_its_start_until_its_end() {
    let shop = Shop::open().await;
    let now = shop.env.now();
    let times = json!({"code": "NOON", "startsAt": now.after(Duration::from_secs(10)), "endsAt": now.after(Duration::from_secs(20))});
    shop.active(ten_percent_with(times)).await;
    assert_eq!(problem(&shop, "NOON").await, Some(CouponProblem::NotApplicable));
    shop.advance(Duration::from_secs(10));
    assert_eq!(problem(&shop, "NOON").await, None);
    shop.advance(Duration::from_secs(10));
    assert_eq!(problem(&shop, "NOON").await, Some(CouponProblem::Expired), "before the worker has run");
    shop.complete().await;
    assert_eq!(problem(&shop, "NOON").await, Some(CouponProblem::Expired));
}

#[tokio::test]
async fn the_order_service_says_who_has_ordered_before() {
    let shop = Shop::open().await;
    let (new, old): (UserId, UserId) = (shop.id(), shop.id());
    shop.upstreams.earlier.lock().unwrap().push(old);
    shop.active(ten_percent_with(json!({"conditions": {"firstOrderOnly": true}}))).await;
    assert_eq!(shop.evaluate(new, 1000, &[]).await.discount_amount, 100);
    assert_eq!(shop.evaluate(old, 1000, &[]).await.discount_amount, 0);
}

#[tokio::test]
async fn a_sum_past_the_bound_of_amounts_is_refused() {
    let shop = Shop::open().await;
    let line = |n: i64| {
        json!({
            "lineId": shop.id::<OrderId>(), "productId": shop.id::<ProductId>(), "categoryIds": [], "sellerId": null, "quantity": n,
            "unitPriceAmount": 10_000_000_000_000_i64,
        })
    };
    let body = json!({"userId": shop.id::<UserId>(), "currency": "EUR", "lines": [line(1), line(1)], "coupons": []});
    shop.post("/internal/promotions/evaluate", &body).service("order").send().await.expect_problem(422, "AMOUNT_TOO_LARGE");
}
