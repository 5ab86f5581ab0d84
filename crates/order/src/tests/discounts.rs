//! What promotions take off an order.

use super::{
    entry_points::{order, place},
    upstreams::Upstreams,
};
use contracts::order::OrderView;
use platform::testing::Harness;

async fn placed(h: &Harness) -> OrderView {
    place(h, "one").await.expect(201).read()
}

#[tokio::test]
async fn an_order_freezes_its_discounts_and_the_parts_add_up() {
    let n = Upstreams::new();
    n.script().coupons = vec!["LAMPS10", "MORE"];
    let h = n.harness().await;
    let placed = placed(&h).await;
    assert_eq!((placed.subtotal_amount, placed.discount_amount, placed.shipping_amount), (2_000, 200, 310));
    assert_eq!(placed.total_amount, placed.subtotal_amount + placed.shipping_amount + placed.tax_amount - placed.discount_amount);
    assert_eq!(placed.items[0].discount_amount, 200);
    let shown: Vec<_> =
        placed.discounts.iter().map(|discount| (discount.code.as_deref(), discount.amount, discount.shipping_amount)).collect();
    assert_eq!(shown, [(Some("LAMPS10"), 100, 90), (Some("MORE"), 100, 90)]);
    assert_eq!(placed.discounts[0].lines[0].order_item_id, placed.items[0].order_item_id);
    assert_eq!(order(&h, placed.order_id).await.discounts, placed.discounts);
    assert_eq!(n.script().calls[&format!("reserve-uses {}", placed.order_id)], 1);
}

#[tokio::test]
async fn a_cart_without_promotions_makes_no_call_for_them() {
    let n = Upstreams::new();
    let h = n.harness().await;
    placed(&h).await;
    assert!(n.script().calls.keys().all(|call| !call.starts_with("evaluate") && !call.starts_with("reserve-uses")));
}

#[tokio::test]
async fn an_order_whose_coupon_was_used_up_is_not_placed() {
    let n = Upstreams::new();
    n.script().coupons = vec!["LAMPS10"];
    let h = n.harness().await;
    n.script().uses = Some("COUPON_EXHAUSTED");
    place(&h, "one").await.expect_problem(409, "COUPON_EXHAUSTED");
    n.script().coupon_problem = Some("COUPON_EXHAUSTED");
    place(&h, "two").await.expect_problem(409, "COUPON_EXHAUSTED");
    n.script().coupon_problem = Some("COUPON_EXPIRED");
    place(&h, "three").await.expect_problem(422, "COUPON_EXPIRED");
    assert_eq!(h.emitted().await.len(), 0);
}

#[tokio::test]
async fn a_coupon_that_the_cart_shows_as_not_applicable_takes_nothing_off() {
    let n = Upstreams::new();
    n.script().coupons = vec!["LAMPS10"];
    n.script().coupon_problem = Some("COUPON_NOT_APPLICABLE");
    let h = n.harness().await;
    let placed = placed(&h).await;
    assert_eq!((placed.discount_amount, placed.discounts.len()), (0, 0));
}

#[tokio::test]
async fn the_uses_of_an_order_that_was_not_written_are_released_at_once() {
    let n = Upstreams::new();
    n.script().coupons = vec!["LAMPS10"];
    let h = n.harness().await;
    let written = placed(&h).await.order_id;
    // The cart service still answers the cart that was ordered.
    place(&h, "two").await.expect_problem(409, "CART_EMPTY");
    n.script().promotion_is_down = true;
    place(&h, "three").await.expect_problem(409, "CART_EMPTY");
    let orders_of = |verb: &str| {
        let calls = n.script().calls.keys().filter_map(|call| call.strip_prefix(verb).map(str::to_owned)).collect::<Vec<_>>();
        calls.into_iter().filter(|order| *order != written.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(orders_of("release-uses "), orders_of("reserve-uses "));
    assert_eq!(orders_of("release-uses ").len(), 2);
    assert!(!n.script().calls.contains_key(&format!("release-uses {written}")));
}
