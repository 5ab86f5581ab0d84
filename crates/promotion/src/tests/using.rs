//! Uses: reserved, confirmed, released.

use super::*;
use contracts::{
    event::Event,
    order::{OrderCancelled, OrderConfirmed},
    promotion::{ASK_ORDER_AFTER, PromotionUseReserved},
};
use std::time::Duration;

/// An event of the order service, made of its sample.
fn sample<E: Event>(sample: &str, order: OrderId, more: Value) -> E {
    let mut event: Value = serde_json::from_str(sample).unwrap();
    event["orderId"] = json!(order);
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(event).unwrap()
}

fn confirmed(order: OrderId) -> OrderConfirmed {
    sample(include_str!("../../../contracts/samples/events/OrderConfirmed.v1.json"), order, json!({"discountAmount": 100}))
}

fn cancelled(order: OrderId) -> OrderCancelled {
    sample(include_str!("../../../contracts/samples/events/OrderCancelled.v1.json"), order, json!({}))
}

#[tokio::test]
async fn a_use_is_reserved_once_per_order_and_confirmed_by_the_order() {
    let shop = Shop::open().await;
    let id = shop.active(ten_percent()).await.promotion_id;
    let (order, user): (OrderId, UserId) = (shop.id(), shop.id());
    for _ in 0..2 {
        shop.reserve(order, user, &[id]).await.expect(204);
        assert_eq!(shop.used(id).await, 1);
    }
    let event = shop.emitted_of::<PromotionUseReserved>().await.remove(0);
    assert_eq!((event.promotion_id, event.order_id, event.user_id, event.amount), (id, order, user, 100));
    for _ in 0..2 {
        shop.deliver(confirmed(order)).await;
    }
    assert_eq!(shop.used(id).await, 1);
    assert_eq!(shop.use_events().await, ["PromotionUseReserved", "PromotionUseConfirmed"]);
}

#[tokio::test]
async fn a_use_that_only_waives_a_shipping_fee_is_confirmed_with_the_order() {
    let shop = Shop::open().await;
    let free_shipping = json!({"title": "Ships free", "kind": "FREE_SHIPPING", "code": "SHIP"});
    let id = shop.active(free_shipping).await.promotion_id;
    let sample = include_str!("../../../contracts/samples/events/OrderConfirmed.v1.2.json");
    let mut parts = serde_json::from_str::<Value>(sample).unwrap()["fulfilments"].clone();
    let charged = parts[0].clone();
    parts[0]["shippingAmount"] = json!(0);
    parts.as_array_mut().unwrap().push(charged);
    let several = json!({"discountAmount": 0, "fulfilments": parts});
    for (waived, confirms) in [
        (several, true),
        (json!({"discountAmount": 0, "shippingAmount": 0, "fulfilments": []}), true),
        (json!({"discountAmount": 0}), false),
    ] {
        let order: OrderId = shop.id();
        shop.reserve(order, shop.id(), &[id]).await.expect(204);
        shop.deliver(self::sample::<OrderConfirmed>(sample, order, waived.clone())).await;
        let last = shop.use_events().await.pop().unwrap();
        assert_eq!(last == "PromotionUseConfirmed", confirms, "{waived}");
    }
}

#[tokio::test]
async fn a_cancelled_order_gives_its_uses_back_once_also_after_its_confirmation() {
    let shop = Shop::open().await;
    let id = shop.active(ten_percent_with(json!({"totalLimit": 1, "perCustomerLimit": 1}))).await.promotion_id;
    let user: UserId = shop.id();
    for confirms in [false, true] {
        let order: OrderId = shop.id();
        shop.reserve(order, user, &[id]).await.expect(204);
        if confirms {
            shop.deliver(confirmed(order)).await;
        }
        shop.reserve(shop.id(), user, &[id]).await.expect_problem(409, "COUPON_EXHAUSTED");
        shop.deliver(cancelled(order)).await;
        shop.deliver(cancelled(order)).await;
        assert_eq!(shop.used(id).await, 0);
        shop.reserve(order, user, &[id]).await.expect_problem(409, "ILLEGAL_TRANSITION");
    }
}

#[tokio::test]
async fn all_uses_of_an_order_are_reserved_or_none() {
    let shop = Shop::open().await;
    let free = shop.active(ten_percent()).await.promotion_id;
    let full = shop.active(ten_percent_with(json!({"code": "FULL", "totalLimit": 1}))).await.promotion_id;
    shop.reserve(shop.id(), shop.id(), &[full]).await.expect(204);
    let problem = shop.reserve(shop.id(), shop.id(), &[free, full]).await.expect_problem(409, "COUPON_EXHAUSTED").json();
    assert_eq!((problem["promotionId"].as_str(), problem["coupon"].as_str()), (Some(&*full.to_string()), Some("FULL")));
    assert_eq!((shop.used(free).await, shop.used(full).await), (0, 1));
    assert_eq!(shop.use_events().await, ["PromotionUseReserved"]);
}

#[tokio::test]
async fn a_promotion_that_was_paused_meanwhile_is_not_used() {
    let shop = Shop::open().await;
    let id = shop.active(ten_percent()).await.promotion_id;
    shop.change(id, "pause").await.expect(200);
    shop.reserve(shop.id(), shop.id(), &[id]).await.expect_problem(422, "COUPON_EXPIRED");
    assert_eq!(shop.used(id).await, 0);
}

#[tokio::test]
async fn a_customer_has_one_first_order_however_many_promotions_are_for_it() {
    let shop = Shop::open().await;
    let first = json!({"conditions": {"firstOrderOnly": true}});
    let one = shop.active(ten_percent_with(first.clone())).await.promotion_id;
    let two = shop.active(ten_percent_with(first)).await.promotion_id;
    let (order, user): (OrderId, UserId) = (shop.id(), shop.id());
    shop.reserve(order, user, &[one, two]).await.expect(204);
    shop.reserve(shop.id(), user, &[two]).await.expect_problem(409, "COUPON_EXHAUSTED");
    shop.deliver(cancelled(order)).await;
    shop.reserve(shop.id(), user, &[two]).await.expect(204);
}

#[tokio::test]
async fn uses_of_an_order_that_was_never_written_are_released_and_others_stay() {
    let shop = Shop::open().await;
    let id = shop.active(ten_percent()).await.promotion_id;
    let (lost, failed, sold, cancelled): (OrderId, OrderId, OrderId, OrderId) = (shop.id(), shop.id(), shop.id(), shop.id());
    for order in [lost, failed, sold, cancelled] {
        shop.reserve(order, shop.id(), &[id]).await.expect(204);
    }
    let known = [(failed, OrderStatus::PaymentFailed), (sold, OrderStatus::Shipped), (cancelled, OrderStatus::Cancelled)];
    shop.upstreams.orders.lock().unwrap().extend(known);
    shop.advance(ASK_ORDER_AFTER - Duration::from_secs(1));
    shop.complete().await;
    assert_eq!(shop.used(id).await, 4);
    shop.advance(Duration::from_secs(1));
    shop.complete().await;
    assert_eq!(shop.used(id).await, 2, "those of the lost and of the cancelled order");
    let mut events = shop.use_events().await.split_off(4);
    events.sort();
    assert_eq!(events, ["PromotionUseConfirmed", "PromotionUseReleased", "PromotionUseReleased"]);
    shop.reserve(lost, shop.id(), &[id]).await.expect_problem(409, "ILLEGAL_TRANSITION");
}

#[tokio::test]
async fn the_order_service_gives_back_what_it_does_not_use() {
    let shop = Shop::open().await;
    let id = shop.active(ten_percent()).await.promotion_id;
    let order: OrderId = shop.id();
    shop.reserve(order, shop.id(), &[id]).await.expect(204);
    for _ in 0..2 {
        shop.delete(&format!("/internal/promotion-uses/{order}")).service("order").send().await.expect(204);
        assert_eq!(shop.used(id).await, 0);
    }
}
