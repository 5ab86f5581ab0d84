//! Coupons and discounts.

use super::*;
use contracts::{
    ids::PromotionId,
    promotion::{CouponProblem, PromotionActivated, PromotionEnded, PromotionKind, PromotionPaused},
};
use std::time::Duration;

fn entering<'a>(shop: &'a Shop, code: &str) -> TestRequest<'a> {
    shop.post("/cart/coupons", &json!({"code": code})).customer(shop.customer_id)
}

fn codes(cart: &Cart) -> Vec<&str> {
    cart.coupons.iter().map(|coupon| &*coupon.code).collect()
}

#[tokio::test]
async fn a_coupon_is_entered_in_any_case_shown_with_its_discount_and_removed() {
    let shop = Shop::open().await;
    shop.add(shop.product(500, 5), 2).await;
    for _ in 0..2 {
        let cart: Cart = entering(&shop, " lamps10").send().await.expect(201).read();
        assert_eq!((codes(&cart), cart.discount_amount, cart.subtotal_amount), (vec!["LAMPS10"], 10, 1_000));
    }
    let cart = shop.cart().await;
    assert_eq!((cart.discounts[0].code.as_deref(), cart.discounts[0].lines[0].cart_item_id), (Some("LAMPS10"), cart.items[0].cart_item_id));
    assert_eq!((codes(&shop.internal_cart().await), shop.internal_cart().await.may_have_discounts), (vec!["LAMPS10"], true));
    shop.delete("/cart/coupons/Lamps10").customer(shop.customer_id).send().await.expect(204);
    shop.delete("/cart/coupons/LAMPS10").customer(shop.customer_id).send().await.expect_problem(404, "NOT_FOUND");
    let cart = shop.cart().await;
    assert_eq!((cart.coupons.len(), cart.discount_amount, cart.may_have_discounts), (0, 0, false));
}

#[tokio::test]
async fn an_unusable_code_is_refused_with_its_reason_and_not_kept() {
    let shop = Shop::open().await;
    shop.add(shop.product(500, 5), 1).await;
    for code in ["COUPON_UNKNOWN", "COUPON_EXPIRED", "COUPON_EXHAUSTED", "COUPON_NOT_APPLICABLE", "COUPON_NOT_COMBINABLE"] {
        shop.upstreams.problems.lock().unwrap().insert("BAD", code);
        entering(&shop, "bad").send().await.expect_problem(422, code);
    }
    entering(&shop, "not a code").send().await.expect_problem(422, "COUPON_UNKNOWN");
    assert_eq!(shop.cart().await.coupons.len(), 0);
    entering(&shop, "GOOD").send().await.expect(201);
    entering(&shop, "ALONE").send().await.expect_problem(422, "COUPON_NOT_COMBINABLE");
    assert_eq!(codes(&shop.cart().await), ["GOOD"]);
}

#[tokio::test]
async fn a_coupon_that_stopped_applying_stays_with_the_reason() {
    let shop = Shop::open().await;
    shop.add(shop.product(500, 5), 1).await;
    entering(&shop, "GOOD").send().await.expect(201);
    shop.upstreams.problems.lock().unwrap().insert("GOOD", "COUPON_EXPIRED");
    let cart = shop.cart().await;
    assert_eq!((cart.coupons[0].problem, &*cart.coupons[0].detail, cart.discount_amount), (Some(CouponProblem::Expired), "why", 0));
}

#[tokio::test]
async fn a_cart_is_shown_while_the_promotions_are_down_and_coupons_wait() {
    let shop = Shop::open().await;
    shop.add(shop.product(500, 5), 1).await;
    entering(&shop, "GOOD").send().await.expect(201);
    shop.upstreams.promotion_is_down.store(true, Ordering::SeqCst);
    let cart = shop.cart().await;
    assert_eq!((codes(&cart), cart.discount_amount, cart.may_have_discounts), (vec!["GOOD"], 0, true));
    entering(&shop, "MORE").send().await.expect_problem(503, "DEPENDENCY_UNAVAILABLE");
}

#[tokio::test]
async fn carts_ask_only_while_a_promotion_applies_by_itself() {
    let shop = Shop::open().await;
    shop.add(shop.product(500, 5), 1).await;
    let asked = async || {
        shop.upstreams.evaluations.store(0, Ordering::SeqCst);
        shop.cart().await;
        shop.upstreams.evaluations.load(Ordering::SeqCst) > 0
    };
    let (promotion_id, seller_id, title, kind): (PromotionId, _, _, _) = (shop.id(), None, "T".to_owned(), PromotionKind::FreeShipping);
    let activated = |code: Option<&str>, ends_at| PromotionActivated {
        promotion_id,
        seller_id,
        title: title.clone(),
        kind,
        code: code.map(str::to_owned),
        starts_at: None,
        ends_at,
    };
    assert!(!asked().await);
    shop.deliver(activated(Some("CODE"), None)).await;
    assert!(!asked().await);
    shop.deliver(activated(None, Some(shop.env.now().after(Duration::from_secs(60))))).await;
    assert!(asked().await);
    shop.advance(Duration::from_secs(60));
    assert!(!asked().await, "its time is over");
    shop.deliver(activated(None, None)).await;
    assert!(asked().await);
    shop.deliver(PromotionPaused { promotion_id, seller_id, title: title.clone(), kind, code: None }).await;
    assert!(!asked().await);
    shop.deliver(activated(None, None)).await;
    shop.deliver(PromotionEnded { promotion_id, seller_id, title: title.clone(), kind, code: None, used_count: 0 }).await;
    assert!(!asked().await);
}

/// A promotion that takes 10 off the first line by itself.
async fn ten_off(shop: &Shop) {
    shop.upstreams.automatic.store(true, Ordering::SeqCst);
    let title = "T".to_owned();
    let kind = PromotionKind::FixedAmount;
    shop.deliver(PromotionActivated { promotion_id: shop.id(), seller_id: None, title, kind, code: None, starts_at: None, ends_at: None })
        .await;
}

#[tokio::test]
async fn every_answer_with_a_cart_shows_its_discounts() {
    let shop = Shop::open().await;
    let mug = shop.product(500, 50);
    assert_eq!(shop.add(mug, 1).await.discount_amount, 0);
    ten_off(&shop).await;
    let added = shop.add(mug, 1).await;
    assert_eq!((added.discount_amount, added.discounts[0].lines[0].cart_item_id), (10, added.items[0].cart_item_id));
    let item = format!("/cart/items/{}", added.items[0].cart_item_id);
    let changed: Cart = shop.patch(&item, &json!({"quantity": 5})).customer(shop.customer_id).send().await.expect(200).read();
    assert_eq!((changed.discount_amount, quantities(&changed)), (10, vec![5]));
    let entered: Cart = entering(&shop, "GOOD").send().await.expect(201).read();
    assert_eq!((entered.discount_amount, shop.cart().await.discount_amount), (20, 20));
    shop.upstreams.promotion_is_down.store(true, Ordering::SeqCst);
    let added = shop.add(mug, 1).await;
    assert_eq!((added.discount_amount, quantities(&added), codes(&added)), (0, vec![6], vec!["GOOD"]));
}

#[tokio::test]
async fn an_addition_is_repeated_with_its_discounts_and_the_promotions_are_asked_once() {
    let shop = Shop::open().await;
    ten_off(&shop).await;
    let mug = shop.product(500, 50);
    let first = shop.adding(mug, 2).key("one").send().await.expect(201);
    let again = shop.adding(mug, 2).key("one").send().await.expect(201);
    assert_eq!(first.body, again.body);
    assert_eq!((first.read::<Cart>().discount_amount, quantities(&shop.internal_cart().await)), (10, vec![2]));
    assert_eq!(shop.upstreams.evaluations.load(Ordering::SeqCst), 1);
}
