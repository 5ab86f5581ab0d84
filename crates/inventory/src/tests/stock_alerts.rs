//! Customers who wait for a product.

use super::*;
use contracts::{
    auth::UserErased,
    catalog::{ProductActivated, ProductBlocked, ProductCreated, ProductUnblocked, ProductUpdated},
    inventory::BackInStockAlertTriggered,
    seller::{SellerReinstated, SellerSuspended},
};
use platform::testing::HarnessBuilder;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// A lamp of a seller, on sale and sold out, with a customer.
struct Shop {
    h: Harness,
    catalogue: Catalogue,
    seller: UserId,
    mara: UserId,
    lamp: ProductId,
}

async fn shop() -> Shop {
    shop_with(|harness| harness).await
}

async fn shop_with(configure: impl FnOnce(HarnessBuilder) -> HarnessBuilder) -> Shop {
    let catalogue = Catalogue::default();
    let h = configure(Harness::of(crate::service()).upstream("catalog", catalogue.router())).start().await;
    let shop = Shop { seller: h.id(), mara: h.id(), lamp: h.id(), h, catalogue };
    let lamp = shop.lamp(1);
    shop.catalogue.add(lamp.clone());
    shop.h.deliver(ProductCreated { product_id: shop.lamp, product: lamp }).await;
    shop.stock(0).await;
    shop
}

impl Shop {
    fn lamp(&self, version: i64) -> Product {
        product(self.lamp, Some(self.seller), "LAMP-1", version)
    }

    async fn stock(&self, quantity: i64) {
        let body = json!({"availableQty": quantity, "productId": self.lamp});
        self.h.put("/inventory/stock/LAMP-1", &body).seller(self.seller).send().await;
        self.h.complete().await;
    }

    async fn wait(&self, user: UserId) -> TestResponse {
        self.h.put(&format!("/products/{}/stock-alert", self.lamp), &json!({})).customer(user).send().await
    }

    async fn told(&self) -> Vec<UserId> {
        self.h.complete().await;
        self.h.emitted_of::<BackInStockAlertTriggered>().await.into_iter().map(|event| event.user_id).collect()
    }

    async fn alerts(&self) -> i64 {
        let sql = "SELECT COUNT(*) FROM stock_alerts";
        self.h.db().read::<_, platform::db::Error, _>(async move |tx| tx.query_one(sql, &[], |row| row.next()).await).await.unwrap()
    }
}

#[tokio::test]
async fn a_customer_is_told_once_when_there_is_stock_again() {
    let s = shop().await;
    for _ in 0..2 {
        s.wait(s.mara).await.expect(204);
    }
    assert_eq!(s.catalogue.calls(), 1, "a repetition asks nobody");
    assert!(s.told().await.is_empty());
    s.stock(5).await;
    let told = s.h.emitted_of::<BackInStockAlertTriggered>().await;
    assert_eq!((told.len(), told[0].user_id, told[0].product_id, told[0].title_snapshot.as_str()), (1, s.mara, s.lamp, "Lamp"));
    s.stock(0).await;
    s.stock(5).await;
    assert_eq!(s.told().await, [s.mara], "once");
    // A new wish is a new alert. It waits until the product was sold out and came back.
    s.wait(s.mara).await.expect(204);
    s.stock(7).await;
    assert_eq!(s.told().await.len(), 1);
    s.stock(0).await;
    s.stock(1).await;
    assert_eq!(s.told().await, [s.mara, s.mara]);
}

#[tokio::test]
async fn whoever_takes_the_wish_back_or_is_erased_is_not_told() {
    let s = shop().await;
    let (tom, lea): (UserId, UserId) = (s.h.id(), s.h.id());
    for user in [s.mara, tom, lea] {
        s.wait(user).await.expect(204);
    }
    for _ in 0..2 {
        s.h.delete(&format!("/products/{}/stock-alert", s.lamp)).customer(tom).send().await.expect(204);
    }
    let export = s.h.get(&format!("/internal/personal-data/{lea}")).service("user").send().await.expect(200).json();
    assert_eq!(export["stockAlerts"][0]["productId"], s.lamp.to_string());
    s.h.deliver(UserErased { user_id: lea, guest_id: None }).await;
    s.wait(lea).await.expect(204);
    assert_eq!(s.alerts().await, 1, "a token that is still valid stores nothing more");
    s.stock(5).await;
    assert_eq!(s.told().await, [s.mara]);
}

#[tokio::test]
async fn units_that_go_back_on_sale_are_told_and_other_changes_are_not() {
    let s = shop().await;
    s.stock(2).await;
    let reservation = reserved(&s.h, &[("LAMP-1", 2)]).await;
    s.wait(s.mara).await.expect(204);
    end(&s.h, reservation.reservation_id, "release").await.expect(200);
    assert_eq!(s.told().await, [s.mara]);
    s.wait(s.mara).await.expect(204);
    s.h.post("/inventory/stock/LAMP-1/adjust", &json!({"delta": 3, "reason": "delivery"})).seller(s.seller).send().await.expect(200);
    s.h.deliver(ProductUpdated { product_id: s.lamp, product: s.lamp(2) }).await;
    assert_eq!(s.told().await.len(), 1, "it could be bought all the time");
}

#[tokio::test]
async fn the_sale_has_to_begin_again_too() {
    let s = shop().await;
    s.wait(s.mara).await.expect(204);
    let mut blocked = s.lamp(2);
    blocked.moderation.status = contracts::catalog::ModerationStatus::Blocked;
    s.h.deliver(ProductBlocked { product_id: s.lamp, product: blocked }).await;
    s.stock(5).await;
    assert!(s.told().await.is_empty(), "an administrator blocked it");
    s.h.deliver(ProductUnblocked { product_id: s.lamp, product: s.lamp(3) }).await;
    assert_eq!(s.told().await, [s.mara]);

    s.wait(s.mara).await.expect(204);
    s.h.deliver(SellerSuspended { seller_id: s.seller, reason: None, suspended_by: None }).await;
    s.stock(0).await;
    s.stock(5).await;
    assert_eq!(s.told().await.len(), 1, "its seller is suspended");
    s.h.deliver(SellerReinstated { seller_id: s.seller, reinstated_by: None }).await;
    assert_eq!(s.told().await.len(), 2);

    s.wait(s.mara).await.expect(204);
    s.h.deliver(ProductUpdated { product_id: s.lamp, product: product_in(ProductStatus::Inactive, s.lamp, Some(s.seller), "LAMP-1", 4) })
        .await;
    s.h.deliver(ProductActivated { product_id: s.lamp, product: s.lamp(5) }).await;
    assert_eq!(s.told().await.len(), 3);
}

#[tokio::test]
async fn many_customers_are_told_in_turns_and_each_once() {
    let s = shop().await;
    for _ in 0..450 {
        s.wait(s.h.id()).await.expect(204);
    }
    s.stock(1).await;
    let mut told = s.told().await;
    told.sort();
    told.dedup();
    assert_eq!((told.len(), s.h.emitted_of::<BackInStockAlertTriggered>().await.len(), s.alerts().await), (450, 450, 0));
}

#[tokio::test]
async fn what_is_not_on_sale_cannot_be_waited_for_and_a_customer_has_a_limit() {
    let s = shop().await;
    let wait = async |product: String| s.h.put(&format!("/products/{product}/stock-alert"), &json!({})).customer(s.mara).send().await;
    wait(s.h.id::<ProductId>().to_string()).await.expect_problem(404, "NOT_FOUND");
    wait("lamp".into()).await.expect_problem(404, "NOT_FOUND");
    let draft: ProductId = s.h.id();
    s.catalogue.add(product_in(ProductStatus::Draft, draft, None, "DRAFT-1", 1));
    wait(draft.to_string()).await.expect_problem(404, "NOT_FOUND");
    s.h.put(&format!("/products/{}/stock-alert", s.lamp), &json!({"email": "a@b.c"})).customer(s.mara).send().await.expect(422);
    s.h.put(&format!("/products/{}/stock-alert", s.lamp), &json!({})).send().await.expect_problem(401, "UNAUTHENTICATED");
    assert_eq!(s.alerts().await, 0);
    for number in 0..crate::actions::MAX_ALERTS {
        let other: ProductId = s.h.id();
        s.catalogue.add(product(other, None, &format!("CHAIR-{number}"), 1));
        wait(other.to_string()).await.expect(204);
    }
    s.wait(s.mara).await.expect_problem(409, "TOO_MANY_STOCK_ALERTS");
    assert_eq!(s.alerts().await, crate::actions::MAX_ALERTS);
}

#[tokio::test]
async fn an_alert_expires_unless_it_is_repeated() {
    let s = shop_with(|harness| harness.setting("stock_alert_days", 10)).await;
    let tom: UserId = s.h.id();
    s.wait(s.mara).await.expect(204);
    s.wait(tom).await.expect(204);
    s.h.advance(9 * DAY);
    s.wait(tom).await.expect(204);
    s.h.advance(DAY);
    s.stock(5).await;
    assert_eq!(s.told().await, [tom]);
    s.h.advance(DAY);
    s.h.complete().await;
    assert_eq!(s.alerts().await, 0, "the expired one was deleted");
}

#[tokio::test]
async fn a_sale_that_begins_without_a_unit_and_an_alert_that_expired_tell_nobody() {
    let s = shop_with(|harness| harness.setting("stock_alert_days", 10)).await;
    s.wait(s.mara).await.expect(204);
    let inactive = product_in(ProductStatus::Inactive, s.lamp, Some(s.seller), "LAMP-1", 2);
    s.h.deliver(ProductUpdated { product_id: s.lamp, product: inactive }).await;
    s.h.deliver(ProductActivated { product_id: s.lamp, product: s.lamp(3) }).await;
    assert!(s.told().await.is_empty() && s.alerts().await == 1);
    // It may not be deleted yet when its product is back.
    s.h.advance(11 * DAY);
    let lamp = s.lamp;
    let taken = s.h.db().write(async move |tx| crate::store::alerts::take(tx, lamp, 10).await).await.unwrap();
    assert!(taken.is_empty());
}
