//! The service through its entry points, with a scripted catalogue.

mod access;
mod bad_input;
mod contention;
mod import_and_check;
mod interleaving;
mod model;
mod partial_returns;
mod product_sync;
mod reservation_life;
mod stock_alerts;
mod stock_levels;

use crate::workers::Expiry;
use axum::{Json, Router, routing::post};
use contracts::{
    catalog::{Product, ProductList, ProductLookup, ProductStatus},
    ids::{OrderId, ProductId, ReservationId, UserId},
    inventory::{Reservation, StockItem},
    tax::Taxation,
    time::Timestamp,
};
use platform::{
    due::DueBatch as _,
    testing::{Harness, TestResponse},
};
use serde_json::{Value, json};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

/// A scripted catalogue that counts its calls.
#[derive(Clone, Default)]
struct Catalogue {
    products: Arc<Mutex<Vec<Product>>>,
    calls: Arc<AtomicUsize>,
}

impl Catalogue {
    fn add(&self, product: Product) {
        self.products.lock().unwrap().push(product);
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn router(&self) -> Router {
        let own = self.clone();
        let answer = move |Json(wanted): Json<ProductLookup>| async move {
            own.calls.fetch_add(1, Ordering::SeqCst);
            let all = own.products.lock().unwrap();
            let items = all.iter().filter(|product| wanted.product_ids.contains(&product.product_id)).cloned().collect();
            Json(ProductList { items, taxation: Taxation::default() })
        };
        Router::new().route("/internal/products/lookup", post(answer))
    }
}

async fn harness() -> Harness {
    Harness::of(crate::service()).upstream("catalog", Catalogue::default().router()).start().await
}

/// Starts a harness with these units of each SKU, entered by an administrator.
async fn stocked(items: &[(&str, i64)]) -> Harness {
    let h = harness().await;
    for (sku, quantity) in items {
        put(&h, sku, *quantity).await;
    }
    h
}

async fn put(h: &Harness, sku: &str, quantity: i64) -> StockItem {
    let body = json!({"availableQty": quantity, "productId": h.id::<ProductId>()});
    h.put(&format!("/inventory/stock/{sku}"), &body).admin().send().await.expect(201).read()
}

async fn stock_of(h: &Harness, sku: &str) -> StockItem {
    h.get(&format!("/inventory/stock/{sku}")).admin().send().await.expect(200).read()
}

/// Available and reserved units.
async fn quantities(h: &Harness, sku: &str) -> (i64, i64) {
    let item = stock_of(h, sku).await;
    (item.available_qty, item.reserved_qty)
}

fn reserve_body(order: OrderId, lines: &[(&str, u32)]) -> Value {
    let lines: Vec<_> = lines.iter().map(|(sku, quantity)| json!({"sku": sku, "quantity": quantity})).collect();
    json!({"orderId": order, "lines": lines})
}

/// Sends a reservation under a new key.
async fn request(h: &Harness, body: &Value) -> TestResponse {
    let key = h.id::<OrderId>().to_string();
    h.post("/inventory/reservations", body).service("order").key(&key).send().await
}

async fn reserved(h: &Harness, lines: &[(&str, u32)]) -> Reservation {
    request(h, &reserve_body(h.id(), lines)).await.expect(201).read()
}

/// Ends a reservation under a new key; `how` is the last part of the path.
async fn end(h: &Harness, id: ReservationId, how: &str) -> TestResponse {
    let key = h.id::<OrderId>().to_string();
    end_under(h, id, how, &key).await
}

async fn end_under(h: &Harness, id: ReservationId, how: &str, key: &str) -> TestResponse {
    h.post(&format!("/inventory/reservations/{id}/{how}"), &Value::Null).service("order").key(key).send().await
}

async fn reservation_of(h: &Harness, id: ReservationId) -> Reservation {
    h.get(&format!("/inventory/reservations/{id}")).service("order").send().await.expect(200).read()
}

/// Counts the emitted events of this type.
async fn count_emitted(h: &Harness, event_type: &str) -> usize {
    h.emitted().await.iter().filter(|event| event.event_type == event_type).count()
}

async fn assert_consistent(h: &Harness) {
    assert_eq!(crate::check_consistency(h.db()).await.unwrap(), Vec::<String>::new());
}

/// A product as the catalogue announces it, in the form of its events.
fn product(id: ProductId, seller: Option<UserId>, sku: &str, version: i64) -> Product {
    product_in(ProductStatus::Active, id, seller, sku, version)
}

fn product_in(status: ProductStatus, id: ProductId, seller: Option<UserId>, sku: &str, version: i64) -> Product {
    let at = Timestamp::EPOCH;
    let json = json!({
        "productId": id, "sellerId": seller, "sku": sku, "title": "Lamp", "description": "", "categoryId": null, "categoryPath": [],
        "brand": null, "status": status, "priceAmount": 1_000, "currency": "EUR", "images": [], "attributes": {},
        "productGroupId": null, "options": [], "version": version, "createdAt": at, "updatedAt": at,
    });
    serde_json::from_value(json).unwrap()
}

/// Returns the reservations that are due, one batch at most.
async fn list_due(h: &Harness) -> Vec<ReservationId> {
    h.db().read(async |tx| Expiry::QUEUE.list(tx, Expiry::SIZE).await).await.unwrap()
}

#[test]
fn statements_prepare() {
    platform::testing::assert_statements_prepare(&crate::service(), env!("CARGO_MANIFEST_DIR"));
}
