//! Abandoned carts.

use super::*;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn an_unused_cart_becomes_abandoned_and_is_deleted_later() {
    let shop = Shop::open().await;
    let cart = shop.add(shop.product(100, 5), 2).await;
    shop.advance(720 * HOUR);
    shop.settle().await;
    assert_eq!(shop.carts_in("ABANDONED").await, 0, "not before its time is over");
    shop.advance(Duration::from_secs(1));
    shop.settle().await;
    assert_eq!((shop.carts_in("ACTIVE").await, shop.carts_in("ABANDONED").await), (0, 1));
    let next = shop.cart().await;
    assert_ne!(next.cart_id, cart.cart_id);
    assert!(next.items.is_empty());
    shop.delete(&format!("/cart/items/{}", cart.items[0].cart_item_id))
        .customer(shop.customer_id)
        .send()
        .await
        .expect_problem(404, "NOT_FOUND");
    shop.advance(90 * 24 * HOUR + Duration::from_secs(1));
    shop.settle().await;
    assert_eq!(shop.carts_in("ABANDONED").await, 1, "the newer one; the older one is dropped");
    let lines = shop
        .db()
        .read::<i64, platform::db::Error, _>(async |tx| tx.query_one("SELECT COUNT(*) FROM cart_items", &[], |row| row.next()).await);
    assert_eq!(lines.await.unwrap(), 0);
}

#[tokio::test]
async fn reading_a_cart_keeps_it_active() {
    let shop = Shop::open_with(|harness| harness.setting("abandoned_after_hours", 10)).await;
    let cart = shop.add(shop.product(100, 5), 2).await;
    for _ in 0..5 {
        shop.advance(9 * HOUR);
        shop.settle().await;
        assert_eq!(shop.cart().await, cart, "a read changes nothing that is shown");
    }
    shop.internal_cart().await;
    shop.advance(10 * HOUR + Duration::from_secs(1));
    shop.settle().await;
    assert_eq!(shop.carts_in("ABANDONED").await, 1);
}

#[tokio::test]
async fn many_carts_are_abandoned_in_one_run() {
    let shop = Shop::open().await;
    for _ in 0..450 {
        shop.get("/cart").customer(shop.id()).send().await.expect(200);
    }
    shop.advance(721 * HOUR);
    shop.settle().await;
    assert_eq!((shop.carts_in("ACTIVE").await, shop.carts_in("ABANDONED").await), (0, 450));
}

#[test]
fn invalid_settings_stop_the_start() {
    let unset = platform::settings::Settings::default;
    let read = |settings: platform::settings::Settings| settings.section::<crate::settings::Settings>("cart");
    assert_eq!(read(unset()).unwrap().abandoned_after(), 720 * HOUR);
    for key in ["abandoned_after_hours", "closed_kept_days", "colour"] {
        assert!(read(unset().with("cart", key, 0)).unwrap_err().to_string().contains("cart"), "{key}");
    }
    assert!(read(unset().with("cart", "currency", "euro")).is_err());
}
