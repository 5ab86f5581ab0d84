//! The index follows the events.

use super::Shop;
use contracts::catalog::{ProductActivated, ProductArchived, ProductStatus, ProductUpdated};

#[tokio::test]
async fn a_product_is_found_from_activation_to_deactivation_as_it_is_now() {
    let shop = Shop::open().await;
    let mut lamp = shop.product("LAMP", "IndexManager lamp");
    shop.activate(lamp.clone()).await;
    assert_eq!(shop.hit("q=lamp").await.price_amount, 1_000);
    shop.reprice(&mut lamp, 900).await;
    assert_eq!(shop.hit("q=lamp&maxPrice=900").await.price_amount, 900);
    lamp.product.title = "Floor light".into();
    shop.update(&mut lamp).await;
    assert_eq!((shop.search("q=lamp").await.total, shop.hit("q=light").await.title.as_str()), (1, "Floor light"), "the SKU is LAMP still");
    assert_eq!(shop.search("q=desk").await.total, 0);
    shop.deactivate(&mut lamp).await;
    assert_eq!(shop.search("").await.total, 0);
    lamp.product.status = ProductStatus::Active;
    lamp.product.version += 1;
    shop.activate(lamp.clone()).await;
    assert_eq!(shop.hit("").await.price_amount, 900);
    lamp.product.status = ProductStatus::Archived;
    lamp.product.version += 1;
    shop.h.deliver(ProductArchived { product_id: lamp.product.product_id, product: lamp.product.clone() }).await;
    shop.h.settle().await;
    assert_eq!(shop.search("").await.total, 0);
}

#[tokio::test]
async fn a_draft_is_never_found() {
    let shop = Shop::open().await;
    let mut draft = shop.product("DRAFT", "Secret").with(|product| product.status = ProductStatus::Draft);
    shop.update(&mut draft).await;
    draft.product.version += 1;
    shop.h.deliver(ProductUpdated { product_id: draft.product.product_id, product: draft.product.clone() }).await;
    shop.h.settle().await;
    assert_eq!(shop.search("").await.total, 0);
}

#[tokio::test]
async fn repeated_and_late_events_change_nothing() {
    let shop = Shop::open().await;
    let lamp = shop.product("LAMP", "IndexManager lamp");
    let id = lamp.product.product_id;
    let first = shop.h.envelope(&ProductActivated { product_id: id, product: lamp.product.clone() });
    let newer = lamp.clone().with(|product| (product.version, product.price_amount) = (2, 500));
    let second = shop.h.envelope(&ProductUpdated { product_id: id, product: newer.product });
    for envelope in [&second, &first, &second, &first] {
        shop.h.deliver_envelope(envelope.clone()).await;
        shop.h.settle().await;
        assert_eq!(shop.hit("").await.price_amount, 500);
    }
    shop.h.nothing_is_parked().await;
}

#[tokio::test]
async fn a_change_invalidates_cached_answers() {
    let shop = Shop::open().await;
    let mut lamp = shop.product("LAMP", "IndexManager lamp");
    shop.activate(lamp.clone()).await;
    for price in [700, 600, 500] {
        shop.reprice(&mut lamp, price).await;
        for _ in 0..3 {
            assert_eq!(shop.hit("q=lamp").await.price_amount, price);
        }
    }
}
