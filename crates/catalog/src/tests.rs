//! Tests of the service through its entry points. Inventory is scripted.

mod access;
mod bad_input;
mod categories;
mod erasing;
mod groups;
mod importing;
mod lists;
mod plans;
mod products;
mod taken_off_sale;
mod taxes;
mod uploading;

use contracts::{
    catalog::{Category, Product, ProductStatus},
    ids::{CategoryId, UserId, Uuid},
    money::Currency,
    time::Timestamp,
};
use platform::testing::{Harness, TestResponse};
use serde_json::{Value, json};

/// A product for tests of the domain.
pub fn sample() -> Product {
    let product = json!({
        "productId": Uuid::from_u128(1), "sku": "LAMP-1", "title": "Lamp", "description": "", "categoryPath": [], "status": "DRAFT",
        "priceAmount": 1_999, "currency": "EUR", "images": [], "attributes": {"size": "M"}, "options": [], "version": 1,
        "createdAt": Timestamp(0), "updatedAt": Timestamp(0),
    });
    serde_json::from_value(product).unwrap()
}

async fn catalog() -> Harness {
    Harness::of(crate::service()).start().await
}

/// The smallest valid body of a new product.
fn lamp(sku: &str) -> Value {
    json!({"sku": sku, "title": "Lamp", "priceAmount": 1_999, "currency": "EUR"})
}

fn lamp_in(sku: &str, category: CategoryId) -> Value {
    let mut body = lamp(sku);
    body["categoryId"] = json!(category);
    body
}

async fn category(h: &Harness, name: &str, parent: Option<CategoryId>) -> CategoryId {
    let body = json!({"name": name, "parentCategoryId": parent});
    h.post("/categories", &body).admin().send().await.expect(201).read::<Category>().category_id
}

async fn create(h: &Harness, seller: UserId, body: &Value) -> Product {
    h.post("/products", body).seller(seller).send().await.expect(201).read()
}

/// Activates, deactivates or archives the product, as `verb` says.
async fn advance(h: &Harness, seller: UserId, product: &Product, verb: &str) -> TestResponse {
    h.post(&format!("/products/{}/{verb}", product.product_id), &json!({})).seller(seller).send().await
}

/// Creates and activates a product.
async fn create_active(h: &Harness, seller: UserId, body: &Value) -> Product {
    let product = create(h, seller, body).await;
    advance(h, seller, &product, "activate").await.expect(200).read()
}

fn path(product: &Product) -> String {
    format!("/products/{}", product.product_id)
}

/// The SKUs of a page, in its order.
fn skus(answer: &TestResponse) -> Vec<String> {
    answer.json()["items"].as_array().expect("a page").iter().map(|item| item["sku"].as_str().expect("a SKU").to_owned()).collect()
}

/// The types of all events emitted so far, in order.
async fn emitted_types(h: &Harness) -> Vec<String> {
    h.emitted().await.into_iter().map(|event| event.event_type).collect()
}
