//! The effects of orders on carts.

use super::*;
use contracts::{
    cart::CartStatus,
    ids::{CartId, OrderId},
    order::{CancelReason, OrderCancelled, OrderCreated, OrderItem},
    user::AddressSnapshot,
};

fn items(cart: &Cart) -> Vec<OrderItem> {
    let item = |item: &contracts::cart::CartItem| OrderItem {
        order_item_id: item.cart_item_id.0.into(),
        product_id: item.product_id,
        sku: item.sku.clone(),
        title_snapshot: item.title_snapshot.clone(),
        unit_price_snapshot: item.unit_price_snapshot,
        quantity: item.quantity,
        line_total_amount: item.line_total_amount,
        image_url: item.image_url.clone(),
        seller_id: None,
        discount_amount: 0,
        seller_discount_amount: 0,
        tax_amount: 0,
        tax_basis_points: None,
        returned_quantity: 0,
    };
    cart.items.iter().map(item).collect()
}

fn address() -> AddressSnapshot {
    let text = str::to_owned;
    AddressSnapshot {
        country: text("DE"),
        state: text(""),
        city: text("Berlin"),
        zip: text("10115"),
        street: text("Invalidenstraße"),
        number: text("1"),
        complement: text(""),
        ..AddressSnapshot::default()
    }
}

pub(super) fn created(cart: &Cart, order_id: OrderId) -> OrderCreated {
    OrderCreated {
        fulfilments: Vec::new(),
        order_id,
        order_number: "N-1".into(),
        user_id: cart.user_id,
        cart_id: cart.cart_id,
        currency: cart.currency,
        subtotal_amount: cart.subtotal_amount,
        shipping_amount: 0,
        tax_amount: 0,
        prices_include_tax: false,
        discount_amount: 0,
        total_amount: cart.subtotal_amount,
        payment_method: "pm_ok".parse().unwrap(),
        items: items(cart),
        shipping_address_snapshot: address(),
        billing_address_snapshot: address(),
    }
}

pub(super) fn cancelled(cart: &Cart, order_id: OrderId, lines_return: bool) -> OrderCancelled {
    OrderCancelled {
        order_id,
        order_number: "N-1".into(),
        user_id: cart.user_id,
        reason: CancelReason::OutOfStock,
        note: None,
        by_customer: false,
        lines_return,
        cart_id: cart.cart_id,
        items: items(cart),
        currency: cart.currency,
        total_amount: cart.subtotal_amount,
        refund_due: false,
    }
}

impl Shop {
    async fn check_out(&self, cart: &Cart, order: OrderId) -> TestResponse {
        let items: Vec<_> = cart.items.iter().map(|item| json!({"productId": item.product_id, "quantity": item.quantity})).collect();
        let body = json!({"cartId": cart.cart_id, "orderId": order, "items": items});
        self.put(&format!("/internal/cart/{}/check-out", cart.user_id), &body).service("order").send().await
    }

    async fn status(&self, cart: CartId) -> (CartStatus, Option<OrderId>, i64) {
        let read = self.db().read::<_, platform::db::Error, _>(async move |tx| {
            tx.query_one(
                "SELECT status, order_id, (SELECT COALESCE(CAST(SUM(quantity) AS BIGINT), 0) FROM cart_items i WHERE i.cart_id = c.cart_id) \
                 FROM carts c WHERE cart_id = $1",
                platform::params![cart],
                |row| Ok((row.next()?, row.next()?, row.next()?)),
            )
            .await
        });
        read.await.unwrap()
    }
}

#[tokio::test]
async fn an_ordered_cart_is_checked_out_by_the_call_or_the_event_whichever_comes_first() {
    for call_first in [true, false] {
        let shop = Shop::open().await;
        let cart = shop.add(shop.product(100, 5), 2).await;
        let order: OrderId = shop.id();
        if call_first {
            assert!(shop.check_out(&cart, order).await.expect(204).body.is_empty());
            let fresh = shop.cart().await;
            assert_ne!(fresh.cart_id, cart.cart_id, "the customer sees another, empty cart at once");
            assert!(fresh.items.is_empty());
        }
        let envelope = shop.deliver(created(&cart, order)).await;
        let kept = shop.add(shop.product(70, 5), 1).await;
        shop.check_out(&cart, order).await.expect(204);
        shop.deliver_envelope(envelope).await;
        assert_eq!(shop.status(cart.cart_id).await, (CartStatus::CheckedOut, Some(order), 2));
        assert_eq!(shop.cart().await, kept, "what comes later changes nothing");
        shop.nothing_is_parked().await;
    }
}

#[tokio::test]
async fn lines_added_after_the_order_read_the_cart_move_into_a_new_one() {
    let shop = Shop::open().await;
    let (mug, plate) = (shop.product(100, 50), shop.product(70, 50));
    let read = shop.add(mug, 2).await;
    shop.add(mug, 3).await;
    let late = shop.add(plate, 1).await;
    let order: OrderId = shop.id();
    shop.check_out(&read, order).await.expect(204);
    let cart = shop.cart().await;
    assert_ne!(cart.cart_id, read.cart_id);
    assert_eq!((quantities(&cart), cart.subtotal_amount), (vec![3, 1], 370));
    let ids = |cart: &Cart| cart.items.iter().map(|item| item.cart_item_id).collect::<Vec<_>>();
    assert_eq!(ids(&cart), ids(&late), "an open page still names the lines");
    assert_eq!(shop.status(read.cart_id).await, (CartStatus::CheckedOut, Some(order), 2));
}

#[tokio::test]
async fn a_check_out_of_anothers_or_an_unknown_cart_changes_nothing() {
    let shop = Shop::open().await;
    let cart = shop.add(shop.product(100, 5), 2).await;
    let wrong_owner = Cart { user_id: shop.id(), ..cart.clone() };
    let unknown = Cart { cart_id: shop.id(), ..cart.clone() };
    for other in [wrong_owner, unknown] {
        shop.check_out(&other, shop.id()).await.expect(204);
        shop.deliver(created(&other, shop.id())).await;
    }
    assert_eq!(shop.cart().await, cart);
    let path = format!("/internal/cart/{}/check-out", shop.customer_id);
    for body in [json!({}), json!({"cartId": cart.cart_id, "orderId": shop.customer_id, "items": [{"productId": "x", "quantity": 1}]})] {
        shop.put(&path, &body).service("order").send().await.expect_problem(422, "INVALID_REQUEST");
    }
}

#[tokio::test]
async fn the_lines_of_a_failed_order_are_restored_once_with_warnings() {
    let shop = Shop::open().await;
    let (mug, plate, bowl) = (shop.product(100, 50), shop.product(70, 50), shop.product(30, 50));
    shop.add(mug, 2).await;
    shop.add(plate, 4).await;
    let cart = shop.add(bowl, 1).await;
    let order: OrderId = shop.id();
    shop.check_out(&cart, order).await.expect(204);
    let fresh = shop.add(mug, 5).await;
    shop.upstreams.stock(plate, 3);
    shop.upstreams.change(bowl, |product| product.status = ProductStatus::Archived);
    let envelope = shop.deliver(cancelled(&cart, order, true)).await;
    shop.deliver_envelope(envelope).await;
    let back = shop.cart().await;
    assert_eq!(back.cart_id, fresh.cart_id);
    assert_eq!((quantities(&back), back.subtotal_amount), (vec![7, 3, 1], 910));
    assert_eq!(warnings(&back), [WarningCode::QuantityCapped, WarningCode::Unavailable]);
    assert_eq!(shop.status(cart.cart_id).await.0, CartStatus::CheckedOut, "the ordered cart stays as it was");
    shop.nothing_is_parked().await;
}

#[tokio::test]
async fn the_coupons_of_a_failed_order_return_with_its_lines_and_those_of_a_cancelled_one_do_not() {
    for lines_return in [true, false] {
        let shop = Shop::open().await;
        let enter = |code: &str| shop.post("/cart/coupons", &json!({"code": code})).customer(shop.customer_id);
        shop.add(shop.product(100, 50), 2).await;
        enter("SUMMER").send().await.expect(201);
        let cart: Cart = enter("LAMPS").send().await.expect(201).read();
        let order: OrderId = shop.id();
        shop.check_out(&cart, order).await.expect(204);
        shop.add(shop.product(70, 50), 1).await;
        enter("LAMPS").send().await.expect(201);
        let envelope = shop.deliver(cancelled(&cart, order, lines_return)).await;
        shop.deliver_envelope(envelope).await;
        let back = shop.cart().await;
        let codes: Vec<_> = back.coupons.iter().map(|coupon| &*coupon.code).collect();
        let expected = if lines_return { (vec!["LAMPS", "SUMMER"], 2) } else { (vec!["LAMPS"], 1) };
        assert_eq!((codes, back.items.len()), expected);
        shop.nothing_is_parked().await;
    }
}

#[tokio::test]
async fn a_cancelled_order_brings_no_coupons_of_anothers_cart() {
    let shop = Shop::open().await;
    shop.add(shop.product(100, 50), 2).await;
    let cart: Cart = shop.post("/cart/coupons", &json!({"code": "MINE"})).customer(shop.customer_id).send().await.expect(201).read();
    let other: UserId = shop.id();
    shop.deliver(OrderCancelled { user_id: other, ..cancelled(&cart, shop.id(), true) }).await;
    let back: Cart = shop.get("/cart").customer(other).send().await.expect(200).read();
    assert_eq!((back.items.len(), back.coupons.len()), (1, 0));
}

#[tokio::test]
async fn lines_are_restored_without_an_active_cart_and_past_999() {
    let shop = Shop::open().await;
    let mug = shop.product(100, 5_000);
    let cart = shop.add(mug, 600).await;
    let (first, second): (OrderId, OrderId) = (shop.id(), shop.id());
    shop.check_out(&cart, first).await.expect(204);
    shop.deliver(cancelled(&cart, first, true)).await;
    let back = shop.cart().await;
    assert_ne!(back.cart_id, cart.cart_id);
    assert_eq!((quantities(&back), back.warnings.len()), (vec![600], 0));
    shop.deliver(cancelled(&cart, second, true)).await;
    let back = shop.cart().await;
    assert_eq!((quantities(&back), warnings(&back)), (vec![999], vec![WarningCode::QuantityCapped]));
}

#[tokio::test]
async fn lines_of_an_order_that_the_customer_cancelled_are_not_restored() {
    let shop = Shop::open().await;
    let cart = shop.add(shop.product(100, 5), 2).await;
    let order: OrderId = shop.id();
    shop.deliver(created(&cart, order)).await;
    shop.deliver(cancelled(&cart, order, false)).await;
    assert!(shop.cart().await.items.is_empty());
    assert!(shop.emitted().await.is_empty(), "the cart emits no event");
}
