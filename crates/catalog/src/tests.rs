//! The service through its doors; inventory is played.

mod access;
mod bad_input;
mod categories;
mod groups;
mod importing;
mod lists;
mod plans;
mod products;

use contracts::{
    catalog::{Category, Product, ProductStatus},
    ids::{CategoryId, UserId, Uuid},
    money::Currency,
    time::Timestamp,
};
use platform::testing::{Answer, Harness};
use serde_json::{Value, json};

/// A product for tests of rules.
pub fn sample() -> Product {
    Product {
        product_id: Uuid::from_u128(1).into(),
        seller_id: None,
        sku: "LAMP-1".into(),
        title: "Lamp".into(),
        description: String::new(),
        category_id: None,
        category_path: Vec::new(),
        brand: None,
        status: ProductStatus::Draft,
        price_amount: 1_999,
        currency: Currency::EUR,
        images: Vec::new(),
        attributes: [("size".to_owned(), "M".to_owned())].into(),
        product_group_id: None,
        options: Vec::new(),
        version: 1,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

async fn catalog() -> Harness {
    Harness::of(crate::service()).start().await
}

/// The least that a product is made of.
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

/// As `verb` says: activate, deactivate, archive.
async fn advance(h: &Harness, seller: UserId, product: &Product, verb: &str) -> Answer {
    h.post(&format!("/products/{}/{verb}", product.product_id), &json!({})).seller(seller).send().await
}

/// A product on sale.
async fn create_active(h: &Harness, seller: UserId, body: &Value) -> Product {
    let product = create(h, seller, body).await;
    advance(h, seller, &product, "activate").await.expect(200).read()
}

fn path(product: &Product) -> String {
    format!("/products/{}", product.product_id)
}

/// The SKUs of a page, in its order.
fn skus(answer: &Answer) -> Vec<String> {
    answer.json()["items"].as_array().expect("a page").iter().map(|item| item["sku"].as_str().expect("a SKU").to_owned()).collect()
}

/// Types of the events so far, in order.
async fn emitted_types(h: &Harness) -> Vec<String> {
    h.emitted().await.into_iter().map(|event| event.event_type).collect()
}
