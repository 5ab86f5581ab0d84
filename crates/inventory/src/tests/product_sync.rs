//! Products and sellers: events of the catalogue and lookups.

use super::*;
use contracts::{
    catalog::{ProductActivated, ProductArchived, ProductCreated, ProductUpdated},
    inventory::Availability,
    page::Page,
};

struct Shop {
    h: Harness,
    catalogue: Catalogue,
    seller: UserId,
    lamp: ProductId,
}

async fn shop() -> Shop {
    let catalogue = Catalogue::default();
    let h = Harness::of(crate::service()).upstream("catalog", catalogue.router()).start().await;
    let (seller, lamp) = (h.id(), h.id());
    Shop { h, catalogue, seller, lamp }
}

impl Shop {
    async fn announce(&self, product: Product) {
        self.h.deliver(ProductCreated { product_id: product.product_id, product }).await;
    }

    async fn put(&self, seller: UserId, sku: &str, quantity: i64, id: ProductId) -> TestResponse {
        let body = json!({"availableQty": quantity, "productId": id});
        self.h.put(&format!("/inventory/stock/{sku}"), &body).seller(seller).send().await
    }

    async fn see(&self, id: ProductId) -> Availability {
        self.h.get(&format!("/products/{id}/availability")).send().await.expect(200).read()
    }
}

#[tokio::test]
async fn a_seller_stocks_a_product_that_was_announced() {
    let s = shop().await;
    s.announce(product(s.lamp, Some(s.seller), "LAMP-1", 1)).await;
    let item: StockItem = s.put(s.seller, "lamp-1", 7, s.lamp).await.expect(201).read();
    assert_eq!(item.seller_id, Some(s.seller));
    assert_eq!(s.catalogue.calls(), 0);
}

#[tokio::test]
async fn a_product_whose_event_is_on_its_way_is_looked_up_once() {
    let s = shop().await;
    let made = product(s.lamp, Some(s.seller), "LAMP-1", 1);
    s.catalogue.add(made.clone());
    s.put(s.seller, "LAMP-1", 7, s.lamp).await.expect(201);
    s.put(s.seller, "LAMP-1", 8, s.lamp).await.expect(200);
    assert_eq!(s.catalogue.calls(), 1);
    s.announce(made).await;
    assert_eq!(stock_of(&s.h, "LAMP-1").await.seller_id, Some(s.seller));
    s.h.nothing_is_parked().await;
}

#[tokio::test]
async fn stock_of_another_seller_is_not_found() {
    let s = shop().await;
    let (stranger, chair) = (s.h.id::<UserId>(), s.h.id::<ProductId>());
    s.announce(product(s.lamp, Some(s.seller), "LAMP-1", 1)).await;
    s.catalogue.add(product(chair, Some(stranger), "CHAIR-1", 1));
    s.put(s.seller, "LAMP-1", 7, s.lamp).await.expect(201);

    // Unknown to the catalogue, another seller's, and the marketplace's own.
    s.put(s.seller, "SOFA-1", 7, s.h.id()).await.expect_problem(404, "NOT_FOUND");
    s.put(s.seller, "CHAIR-1", 7, chair).await.expect_problem(404, "NOT_FOUND");
    s.announce(product(s.h.id(), None, "DESK-1", 1)).await;
    s.put(stranger, "LAMP-1", 0, s.lamp).await.expect_problem(404, "NOT_FOUND");

    let read = |sku: &str, who: UserId| s.h.get(&format!("/inventory/stock/{sku}")).seller(who).send();
    read("LAMP-1", s.seller).await.expect(200);
    read("LAMP-1", stranger).await.expect_problem(404, "UNKNOWN_SKU");
    let adjust = json!({"delta": -1, "reason": "mine now"});
    s.h.post("/inventory/stock/LAMP-1/adjust", &adjust).seller(stranger).send().await.expect_problem(404, "UNKNOWN_SKU");
    let list = async |who: UserId| s.h.get("/inventory/stock").seller(who).send().await.expect(200).read::<Page<StockItem>>().items;
    assert_eq!(list(s.seller).await.len(), 1);
    assert!(list(stranger).await.is_empty());
    assert_eq!(quantities(&s.h, "LAMP-1").await, (7, 0));
}

#[tokio::test]
async fn stock_is_kept_under_the_sku_of_its_product() {
    let s = shop().await;
    s.announce(product(s.lamp, Some(s.seller), "LAMP-1", 1)).await;
    let refused = s.put(s.seller, "LAMP-2", 7, s.lamp).await.expect_problem(422, "INVALID_REQUEST");
    assert_eq!(refused.json()["errors"][0]["pointer"], "/productId");
    // An administrator may not use the SKU of another product either.
    let body = json!({"availableQty": 7, "productId": s.h.id::<ProductId>()});
    s.h.put("/inventory/stock/LAMP-1", &body).admin().send().await.expect_problem(422, "INVALID_REQUEST");
}

#[tokio::test]
async fn an_unknown_product_is_refused_while_the_catalogue_is_down() {
    let h = Harness::of(crate::service()).start().await;
    let body = json!({"availableQty": 7, "productId": h.id::<ProductId>()});
    let answer = h.put("/inventory/stock/LAMP-1", &body).seller(h.id()).send().await;
    let answer = answer.expect_problem(503, "DEPENDENCY_UNAVAILABLE");
    assert_ne!(answer.header("retry-after"), "");
    h.put("/inventory/stock/LAMP-1", &body).admin().send().await.expect(201);
}

#[tokio::test]
async fn stock_that_was_there_first_follows_the_product() {
    let s = shop().await;
    // Entered by an administrator before any event, once for a wrong product.
    let body = json!({"availableQty": 7, "productId": s.lamp});
    s.h.put("/inventory/stock/LAMP-1", &body).admin().send().await.expect(201);
    s.h.put("/inventory/stock/CHAIR-1", &json!({"availableQty": 2, "productId": s.h.id::<ProductId>()})).admin().send().await.expect(201);
    let chair = s.h.id();
    s.announce(product(s.lamp, Some(s.seller), "LAMP-1", 1)).await;
    s.announce(product(chair, Some(s.seller), "CHAIR-1", 1)).await;
    assert_eq!(stock_of(&s.h, "LAMP-1").await.seller_id, Some(s.seller));
    assert_eq!(stock_of(&s.h, "CHAIR-1").await.product_id, chair);
    assert_eq!(s.see(chair).await, Availability { in_stock: true, available_qty: 2 });
    s.put(s.seller, "CHAIR-1", 3, chair).await.expect(200);
    assert_consistent(&s.h).await;
}

#[tokio::test]
async fn stock_follows_a_draft_to_its_new_sku_and_frees_the_old_one() {
    let s = shop().await;
    s.announce(product(s.lamp, Some(s.seller), "LAMP-1", 1)).await;
    s.put(s.seller, "LAMP-1", 7, s.lamp).await.expect(201);
    let held = reserved(&s.h, &[("LAMP-1", 2)]).await;
    let product_id = s.lamp;
    s.h.deliver(ProductUpdated { product_id, product: product(s.lamp, Some(s.seller), "LAMP-9", 2) }).await;
    assert_eq!(quantities(&s.h, "LAMP-9").await, (5, 2));
    s.h.get("/inventory/stock/LAMP-1").admin().send().await.expect_problem(404, "UNKNOWN_SKU");
    // A reservation under the old SKU can still be released.
    end(&s.h, held.reservation_id, "release").await.expect(200);
    assert_eq!(quantities(&s.h, "LAMP-9").await, (7, 0));
    // Another seller may use the old SKU now.
    let (other, torch) = (s.h.id(), s.h.id());
    s.announce(product(torch, Some(other), "LAMP-1", 1)).await;
    s.put(other, "LAMP-1", 1, torch).await.expect(201);
    assert_eq!(quantities(&s.h, "LAMP-9").await, (7, 0));
    assert_consistent(&s.h).await;
}

#[tokio::test]
async fn an_item_of_the_new_sku_is_assigned_and_the_item_of_the_old_sku_stays() {
    let s = shop().await;
    s.announce(product(s.lamp, Some(s.seller), "LAMP-1", 1)).await;
    s.put(s.seller, "LAMP-1", 7, s.lamp).await.expect(201);
    let body = json!({"availableQty": 2, "productId": s.h.id::<ProductId>()});
    s.h.put("/inventory/stock/LAMP-9", &body).admin().send().await.expect(201);
    let before = count_emitted(&s.h, "StockChanged").await;
    let other = s.h.id();
    s.h.deliver(ProductUpdated { product_id: s.lamp, product: product(s.lamp, Some(other), "LAMP-9", 2) }).await;
    let items = [stock_of(&s.h, "LAMP-1").await, stock_of(&s.h, "LAMP-9").await];
    assert!(items.iter().all(|item| (item.product_id, item.seller_id) == (s.lamp, Some(other))));
    assert_eq!(count_emitted(&s.h, "StockChanged").await, before + 1, "only one item moved");
    assert_eq!(s.see(s.lamp).await.available_qty, 9);
}

#[tokio::test]
async fn events_of_two_products_that_swap_a_sku_may_come_in_any_order() {
    let s = shop().await;
    let torch = s.h.id();
    s.announce(product(s.lamp, Some(s.seller), "LAMP-1", 1)).await;
    s.put(s.seller, "LAMP-1", 7, s.lamp).await.expect(201);
    // The torch got the former SKU of the lamp, but the event of the lamp arrives later.
    s.announce(product(torch, Some(s.seller), "LAMP-1", 1)).await;
    assert_eq!(stock_of(&s.h, "LAMP-1").await.product_id, s.lamp);
    let product_id = s.lamp;
    s.h.deliver(ProductUpdated { product_id, product: product(s.lamp, Some(s.seller), "LAMP-9", 2) }).await;
    s.h.advance(std::time::Duration::from_secs(5));
    s.h.settle().await;
    s.h.nothing_is_parked().await;
    assert_eq!(quantities(&s.h, "LAMP-9").await, (7, 0));
    s.put(s.seller, "LAMP-1", 1, torch).await.expect(201);
}

#[tokio::test]
async fn old_and_repeated_events_change_nothing() {
    let s = shop().await;
    let created = ProductCreated { product_id: s.lamp, product: product(s.lamp, None, "LAMP-1", 1) };
    let created = s.h.deliver(created).await;
    let newer = product(s.lamp, Some(s.seller), "LAMP-1", 3);
    s.h.deliver(ProductActivated { product_id: s.lamp, product: newer }).await;
    s.put(s.seller, "LAMP-1", 7, s.lamp).await.expect(201);
    let before = s.h.emitted().await.len();
    s.h.deliver_envelope(created).await;
    let stale = product(s.lamp, Some(s.h.id()), "LAMP-2", 2);
    s.h.deliver(ProductUpdated { product_id: s.lamp, product: stale }).await;
    assert_eq!(stock_of(&s.h, "LAMP-1").await.seller_id, Some(s.seller));
    assert_eq!(s.h.emitted().await.len(), before);
}

#[tokio::test]
async fn the_stock_of_an_archived_product_is_kept_and_not_offered() {
    let s = shop().await;
    s.announce(product(s.lamp, Some(s.seller), "LAMP-1", 1)).await;
    s.put(s.seller, "LAMP-1", 7, s.lamp).await.expect(201);
    assert!(s.see(s.lamp).await.in_stock);
    let gone = product_in(ProductStatus::Archived, s.lamp, Some(s.seller), "LAMP-1", 2);
    s.h.deliver(ProductArchived { product_id: s.lamp, product: gone }).await;
    s.h.get(&format!("/products/{}/availability", s.lamp)).send().await.expect_problem(404, "NOT_FOUND");
    assert_eq!(quantities(&s.h, "LAMP-1").await, (7, 0));
    // An order that was placed before can still reserve.
    reserved(&s.h, &[("LAMP-1", 1)]).await;
}

#[tokio::test]
async fn what_administrators_took_off_sale_has_no_availability() {
    use contracts::{
        catalog::{Moderation, ModerationStatus, ProductBlocked, ProductUnblocked},
        seller::{SellerReinstated, SellerSuspended},
    };
    let s = shop().await;
    let mut made = product(s.lamp, Some(s.seller), "LAMP-1", 1);
    made.status = contracts::catalog::ProductStatus::Active;
    s.h.deliver(ProductActivated { product_id: s.lamp, product: made.clone() }).await;
    s.put(s.seller, "LAMP-1", 7, s.lamp).await.expect(201);
    assert_eq!(s.see(s.lamp).await.available_qty, 7);
    let url = format!("/products/{}/availability", s.lamp);
    s.h.deliver(SellerSuspended { seller_id: s.seller, reason: None, suspended_by: None }).await;
    s.h.get(&url).send().await.expect_problem(404, "NOT_FOUND");
    s.h.deliver(SellerReinstated { seller_id: s.seller, reinstated_by: None }).await;
    assert_eq!(s.see(s.lamp).await.available_qty, 7);
    made.version += 1;
    made.moderation = Moderation { status: ModerationStatus::Blocked, reason: None };
    s.h.deliver(ProductBlocked { product_id: s.lamp, product: made.clone() }).await;
    s.h.get(&url).send().await.expect_problem(404, "NOT_FOUND");
    made.version += 1;
    made.moderation = Moderation::default();
    s.h.deliver(ProductUnblocked { product_id: s.lamp, product: made }).await;
    assert_eq!(s.see(s.lamp).await.available_qty, 7);
}
