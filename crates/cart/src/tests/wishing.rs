//! Wish lists.

use super::*;
use contracts::{auth::UserErased, catalog::ProductStatus};
use serde_json::Value;
use std::time::Duration;

impl Shop {
    fn wish(&self, product: ProductId) -> TestRequest<'_> {
        self.put(&format!("/wishlist/items/{product}"), &json!({})).customer(self.customer_id)
    }

    async fn wishes(&self, query: &str) -> Value {
        self.get(&format!("/wishlist{query}")).customer(self.customer_id).send().await.expect(200).json()
    }
}

fn products(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|item| item["productId"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_customer_remembers_products_with_their_present_price_and_stock() {
    let shop = Shop::open().await;
    let (lamp, chair) = (shop.product(100, 5), shop.product(200, 0));
    for product in [lamp, chair, lamp] {
        shop.wish(product).send().await.expect(204);
        shop.advance(Duration::from_secs(1));
    }
    shop.upstreams.change(lamp, |product| product.price_amount = 90);
    let page = shop.wishes("").await;
    assert_eq!(products(&page), [chair.to_string(), lamp.to_string()], "the last added first, each once");
    let [first, second] = [&page["items"][0], &page["items"][1]];
    assert_eq!((&second["priceAmount"], &second["currency"], &second["inStock"]), (&json!(90), &json!("EUR"), &json!(true)));
    assert_eq!((&first["isOnSale"], &first["inStock"], &first["sku"]), (&json!(true), &json!(false), &json!("SKU-1")));
    let first = shop.wishes("?limit=1").await;
    let next = shop.wishes(&format!("?limit=1&cursor={}", first["nextCursor"].as_str().unwrap())).await;
    assert_eq!([products(&first), products(&next)].concat(), products(&page));
    assert_eq!(next["nextCursor"], Value::Null);
    for _ in 0..2 {
        shop.delete(&format!("/wishlist/items/{chair}")).customer(shop.customer_id).send().await.expect(204);
    }
    assert_eq!(products(&shop.wishes("").await), [lamp.to_string()]);
}

#[tokio::test]
async fn a_product_that_is_not_on_sale_any_more_stays_and_an_upstream_may_be_down() {
    let shop = Shop::open().await;
    let lamp = shop.product(100, 5);
    shop.wish(lamp).send().await.expect(204);
    shop.upstreams.change(lamp, |product| product.status = ProductStatus::Inactive);
    let item = &shop.wishes("").await["items"][0];
    assert_eq!((&item["title"], &item["isOnSale"], &item["priceAmount"]), (&json!("Thing SKU-0"), &json!(false), &Value::Null));
    shop.wish(lamp).send().await.expect(204);
    shop.upstreams.change(lamp, |product| product.status = ProductStatus::Active);
    shop.upstreams.inventory_is_down.store(true, Ordering::SeqCst);
    let item = &shop.wishes("").await["items"][0];
    assert_eq!((&item["isOnSale"], &item["inStock"], &item["priceAmount"]), (&json!(true), &Value::Null, &json!(100)));
    shop.upstreams.catalog_is_down.store(true, Ordering::SeqCst);
    let item = &shop.wishes("").await["items"][0];
    assert_eq!((&item["title"], &item["isOnSale"], &item["inStock"]), (&json!("Thing SKU-0"), &Value::Null, &Value::Null));
    shop.wish(lamp).send().await.expect(204);
    shop.wish(shop.id()).send().await.expect_problem(503, "DEPENDENCY_UNAVAILABLE");
}

#[tokio::test]
async fn what_is_not_on_sale_is_not_added_and_a_list_has_an_end() {
    let shop = Shop::open().await;
    shop.wish(shop.id()).send().await.expect_problem(404, "NOT_FOUND");
    let draft = shop.product(100, 5);
    shop.upstreams.change(draft, |product| product.status = ProductStatus::Draft);
    shop.wish(draft).send().await.expect_problem(404, "NOT_FOUND");
    shop.put("/wishlist/items/lamp", &json!({})).customer(shop.customer_id).send().await.expect_problem(404, "NOT_FOUND");
    shop.put(&format!("/wishlist/items/{draft}"), &json!({"quantity": 1})).customer(shop.customer_id).send().await.expect(422);
    assert!(products(&shop.wishes("").await).is_empty());
    let mut last = shop.product(100, 5);
    for _ in 0..crate::actions::MAX_WISHES {
        last = shop.product(100, 5);
        shop.wish(last).send().await.expect(204);
    }
    shop.wish(shop.product(100, 5)).send().await.expect_problem(409, "WISHLIST_FULL");
    shop.wish(last).send().await.expect(204);
}

#[tokio::test]
async fn a_list_is_seen_by_its_owner_only_and_a_guest_has_none() {
    let shop = Shop::open().await;
    let lamp = shop.product(100, 5);
    shop.wish(lamp).send().await.expect(204);
    let stranger = shop.id();
    assert!(products(&shop.get("/wishlist").customer(stranger).send().await.expect(200).json()).is_empty());
    shop.delete(&format!("/wishlist/items/{lamp}")).customer(stranger).send().await.expect(204);
    assert_eq!(products(&shop.wishes("").await), [lamp.to_string()]);
    shop.get("/wishlist").send().await.expect_problem(401, "UNAUTHENTICATED");
    let guest: Value = shop.post("/carts", &json!({})).send().await.expect(201).json();
    let token = guest["cartToken"].as_str().unwrap();
    shop.get("/wishlist").header("x-cart-token", token).send().await.expect_problem(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn an_erased_customer_leaves_no_wish() {
    let shop = Shop::open().await;
    let lamp = shop.product(100, 5);
    shop.wish(lamp).send().await.expect(204);
    let path = format!("/internal/personal-data/{}", shop.customer_id);
    let export = shop.get(&path).service("user").send().await.expect(200).json();
    assert_eq!(export["wishlist"][0]["titleSnapshot"], "Thing SKU-0");
    shop.deliver(UserErased { user_id: shop.customer_id, guest_id: None }).await;
    assert!(products(&shop.wishes("").await).is_empty());
    shop.wish(lamp).send().await.expect(204);
    assert!(products(&shop.wishes("").await).is_empty(), "a token that is still valid stores nothing more");
}
