//! Products that administrators take off sale: one by one, or with their seller.

use super::*;
use contracts::{
    catalog::{ModerationStatus, ProductBlocked, ProductList, ProductUnblocked},
    seller::{SellerReinstated, SellerSuspended},
};

async fn suspend(h: &Harness, seller_id: UserId) {
    h.deliver(SellerSuspended { seller_id, reason: None, suspended_by: None }).await;
}

async fn look_up(h: &Harness, product: &Product) -> Product {
    let body = json!({"productIds": [product.product_id]});
    let found: ProductList = h.post("/internal/products/lookup", &body).service("order").send().await.expect(200).read();
    found.items.into_iter().next().expect("it is found in any status")
}

/// Asserts whether everyone finds the product, by every way.
async fn is_public(h: &Harness, product: &Product, seller: UserId, category: CategoryId, public: bool) {
    let status = if public { 200 } else { 404 };
    for read in [path(product), format!("/products/by-sku/{}", product.sku), format!("{}/price-history", path(product))] {
        h.get(&read).send().await.expect(status);
        h.get(&read).customer(h.id()).send().await.expect(status);
        h.get(&read).seller(seller).send().await.expect(200);
        h.get(&read).suspended_seller(seller).send().await.expect(200);
        h.get(&read).admin().send().await.expect(200);
    }
    for list in [
        "/products?limit=50".to_owned(),
        format!("/products?category={category}"),
        format!("/products?sellerId={seller}"),
        format!("/products?ids={}", product.product_id),
    ] {
        let shown = skus(&h.get(&list).send().await.expect(200));
        assert_eq!(shown.contains(&product.sku), public, "{list}: {shown:?}");
        assert!(skus(&h.get(&list).admin().send().await.expect(200)).contains(&product.sku), "{list}");
    }
    let own = format!("/products?sellerId={seller}&sort=title");
    assert!(skus(&h.get(&own).seller(seller).send().await.expect(200)).contains(&product.sku));
    assert_eq!(look_up(h, product).await.is_on_sale(), public);
}

#[tokio::test]
async fn a_suspension_hides_what_was_on_sale_and_its_end_brings_back_nothing_else() {
    let h = catalog().await;
    let (seller, other) = (h.id(), h.id());
    let lamps = category(&h, "Lamps", None).await;
    let active = create_active(&h, seller, &lamp_in("LAMP-1", lamps)).await;
    let inactive = create_active(&h, seller, &lamp_in("LAMP-2", lamps)).await;
    advance(&h, seller, &inactive, "deactivate").await.expect(200);
    let others = create_active(&h, other, &lamp_in("LAMP-3", lamps)).await;
    let emitted = h.emitted().await.len();
    let tag = h.get(&path(&active)).seller(seller).send().await.header("etag").to_owned();
    for _ in 0..2 {
        suspend(&h, seller).await;
        is_public(&h, &active, seller, lamps, false).await;
        is_public(&h, &others, other, lamps, true).await;
        let shown = h.get(&path(&active)).suspended_seller(seller).send().await.expect(200);
        assert_eq!((shown.json()["isSellerSuspended"].clone(), shown.json()["status"].clone()), (json!(true), json!("ACTIVE")));
        assert_ne!(shown.header("etag"), tag, "a copy without the suspension is stale");
        h.patch(&path(&active), &json!({"priceAmount": 1})).suspended_seller(seller).send().await.expect_problem(403, "FORBIDDEN");
        h.deliver(SellerReinstated { seller_id: seller, reinstated_by: None }).await;
        is_public(&h, &active, seller, lamps, true).await;
        is_public(&h, &inactive, seller, lamps, false).await;
    }
    assert_eq!(h.get(&path(&active)).seller(seller).send().await.header("etag"), tag);
    assert_eq!(h.emitted().await.len(), emitted, "a suspension changes no product");
}

#[tokio::test]
async fn a_blocked_product_stays_off_sale_whatever_its_seller_does() {
    let h = catalog().await;
    let seller = h.id();
    let lamps = category(&h, "Lamps", None).await;
    let product = create_active(&h, seller, &lamp_in("LAMP-1", lamps)).await;
    let block = || h.post(&format!("{}/block", path(&product)), &json!({"reason": "Recalled."})).admin().send();
    let blocked: Product = block().await.expect(200).read();
    assert_eq!((blocked.moderation.status, blocked.moderation.reason.as_deref()), (ModerationStatus::Blocked, Some("Recalled.")));
    assert_eq!((blocked.status, blocked.version), (ProductStatus::Active, product.version + 1));
    block().await.expect_problem(409, "ILLEGAL_TRANSITION");
    is_public(&h, &product, seller, lamps, false).await;
    assert_eq!(h.get(&path(&product)).seller(seller).send().await.json()["moderation"]["reason"], "Recalled.");

    advance(&h, seller, &product, "deactivate").await.expect(200);
    advance(&h, seller, &product, "activate").await.expect(200);
    h.patch(&path(&product), &json!({"title": "Other lamp"})).seller(seller).send().await.expect(200);
    is_public(&h, &product, seller, lamps, false).await;

    // The seller is suspended and reinstated meanwhile: the block stays.
    suspend(&h, seller).await;
    h.deliver(SellerReinstated { seller_id: seller, reinstated_by: None }).await;
    is_public(&h, &product, seller, lamps, false).await;

    let unblock = || h.request(axum::http::Method::POST, &format!("{}/unblock", path(&product))).admin().send();
    assert_eq!(unblock().await.expect(200).json()["moderation"], json!({"status": "CLEAR", "reason": null}));
    unblock().await.expect_problem(409, "ILLEGAL_TRANSITION");
    is_public(&h, &product, seller, lamps, true).await;
    assert_eq!(h.emitted_of::<ProductBlocked>().await[0].product.moderation, blocked.moderation);
    assert!(h.emitted_of::<ProductUnblocked>().await[0].product.is_on_sale());
}

#[tokio::test]
async fn only_administrators_block_and_they_say_why() {
    let h = catalog().await;
    let seller = h.id();
    let product = create(&h, seller, &lamp("LAMP-1")).await;
    for verb in ["block", "unblock"] {
        let url = format!("{}/{verb}", path(&product));
        h.post(&url, &json!({"reason": "x"})).send().await.expect_problem(401, "UNAUTHENTICATED");
        h.post(&url, &json!({"reason": "x"})).seller(seller).send().await.expect_problem(403, "FORBIDDEN");
        let unknown = format!("/products/{}/{verb}", h.id::<Uuid>());
        let body = if verb == "block" { json!({"reason": "x"}) } else { json!({}) };
        h.post(&unknown, &body).admin().send().await.expect_problem(404, "NOT_FOUND");
    }
    let url = format!("{}/block", path(&product));
    for body in
        [json!({}), json!({"reason": ""}), json!({"reason": null}), json!({"reason": "x".repeat(201)}), json!({"reason": "x", "until": 1})]
    {
        h.post(&url, &body).admin().send().await.expect_problem(422, "INVALID_REQUEST");
    }
    let admin = h.token(h.id(), &["ADMIN"]);
    let send = || h.post(&url, &json!({"reason": "x"})).bearer(&admin).key("k-1").send();
    let (one, two) = tokio::join!(send(), send());
    assert_eq!(one.expect(200).body, two.expect(200).body, "twice under one key");
    assert_eq!(h.emitted_of::<ProductBlocked>().await.len(), 1);
}
