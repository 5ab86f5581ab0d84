//! The service through its entry points, with a scripted catalog and inventory.

mod abandonment;
mod access;
mod coupons;
mod figures;
mod guests;
mod interleaving;
mod items;
mod orders;
mod reminding;
mod show;
mod wishing;

use axum::{
    Json, Router,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use contracts::{
    cart::{Cart, WarningCode},
    catalog::{Product, ProductList, ProductLookup, ProductStatus},
    ids::{ProductId, UserId},
    inventory::{StockItem, StockList, StockLookup},
    money::Currency,
    tax::Taxation,
    time::Timestamp,
};
use platform::testing::{Harness, HarnessBuilder, TestRequest, TestResponse};
use serde_json::json;
use std::{
    collections::BTreeMap,
    ops::Deref,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

#[test]
fn statements_prepare() {
    platform::testing::assert_statements_prepare(&crate::service(), env!("CARGO_MANIFEST_DIR"));
}

/// A scripted catalog and inventory.
#[derive(Default)]
struct Upstreams {
    products: Mutex<BTreeMap<ProductId, Product>>,
    /// Units by SKU; a SKU that is not in it has no stock item.
    stock: Mutex<BTreeMap<String, i64>>,
    catalog_is_down: AtomicBool,
    inventory_is_down: AtomicBool,
    promotion_is_down: AtomicBool,
    /// Whether a promotion takes 10 off the first line by itself.
    automatic: AtomicBool,
    /// Why a coupon does not apply, by code; one that is not in it takes 10 off the first line.
    problems: Mutex<BTreeMap<&'static str, &'static str>>,
    evaluations: AtomicUsize,
    calls: AtomicUsize,
}

impl Upstreams {
    fn change(&self, product: ProductId, change: impl FnOnce(&mut Product)) {
        change(self.products.lock().unwrap().get_mut(&product).unwrap());
    }

    fn stock(&self, product: ProductId, available: i64) {
        let sku = self.products.lock().unwrap()[&product].sku.clone();
        self.stock.lock().unwrap().insert(sku, available);
    }

    fn calls(&self) -> usize {
        self.calls.swap(0, Ordering::SeqCst)
    }
}

fn catalog(upstreams: Arc<Upstreams>) -> Router {
    let look_up = move |Json(wanted): Json<ProductLookup>| async move {
        upstreams.calls.fetch_add(1, Ordering::SeqCst);
        if upstreams.catalog_is_down.load(Ordering::SeqCst) {
            return down();
        }
        let products = upstreams.products.lock().unwrap();
        let items = wanted.product_ids.iter().filter_map(|id| products.get(id).cloned()).collect();
        Json(ProductList { items, taxation: Taxation { prices_include_tax: true, ..Taxation::default() } }).into_response()
    };
    Router::new().route("/internal/products/lookup", post(look_up))
}

fn inventory(upstreams: Arc<Upstreams>) -> Router {
    let look_up = move |Json(wanted): Json<StockLookup>| async move {
        upstreams.calls.fetch_add(1, Ordering::SeqCst);
        if upstreams.inventory_is_down.load(Ordering::SeqCst) {
            return down();
        }
        let stock = upstreams.stock.lock().unwrap();
        let item = |sku: &str| stock.get(sku).map(|available| stock_item(sku, *available));
        Json(StockList { items: wanted.skus.iter().filter_map(|sku| item(sku)).collect() }).into_response()
    };
    Router::new().route("/internal/stock/lookup", post(look_up))
}

fn promotion(upstreams: Arc<Upstreams>) -> Router {
    let evaluate = move |Json(body): Json<serde_json::Value>| async move {
        upstreams.evaluations.fetch_add(1, Ordering::SeqCst);
        if upstreams.promotion_is_down.load(Ordering::SeqCst) {
            return down();
        }
        let problems = upstreams.problems.lock().unwrap();
        let codes: Vec<&str> = body["coupons"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
        let problem = |code: &str| match problems.get(code).copied() {
            // A coupon that ends the other ones.
            None => codes.contains(&"ALONE").then_some("COUPON_NOT_COMBINABLE").filter(|_| code != "ALONE"),
            problem => problem,
        };
        let checked: Vec<_> = codes.iter().map(|code| json!({"code": code, "problem": problem(code), "detail": "why"})).collect();
        let applied = codes.iter().filter(|code| problem(code).is_none());
        let discount = |code: Option<&str>| {
            let line = json!({"lineId": body["lines"][0]["lineId"], "amount": 10});
            json!({"promotionId": ProductId(contracts::ids::Uuid::nil()), "code": code, "title": "T", "amount": 10, "lines": [line]})
        };
        let automatic = upstreams.automatic.load(Ordering::SeqCst).then(|| discount(None));
        let discounts: Vec<_> = applied.map(|code| discount(Some(code))).chain(automatic).collect();
        Json(json!({"discountAmount": 10 * discounts.len(), "discounts": discounts, "coupons": checked, "nearMisses": []})).into_response()
    };
    Router::new().route("/internal/promotions/evaluate", post(evaluate))
}

/// The answer of a proxy before a dead upstream. This status is not retried, so that tests need not wait.
fn down() -> Response {
    StatusCode::NOT_IMPLEMENTED.into_response()
}

fn stock_item(sku: &str, available_qty: i64) -> StockItem {
    StockItem {
        sku: sku.into(),
        product_id: ProductId(contracts::ids::Uuid::nil()),
        seller_id: None,
        available_qty,
        reserved_qty: 0,
        low_stock_threshold: 0,
        low_stock: false,
        updated_at: Timestamp::EPOCH,
    }
}

/// The cart service, its upstreams, and a customer.
struct Shop {
    harness: Harness,
    upstreams: Arc<Upstreams>,
    customer_id: UserId,
}

impl Deref for Shop {
    type Target = Harness;
    fn deref(&self) -> &Harness {
        &self.harness
    }
}

impl Shop {
    async fn open() -> Shop {
        Shop::open_with(|harness| harness).await
    }

    async fn open_with(configure: impl FnOnce(HarnessBuilder) -> HarnessBuilder) -> Shop {
        let upstreams = Arc::new(Upstreams::default());
        let harness = Harness::of(crate::service())
            .upstream("catalog", catalog(upstreams.clone()))
            .upstream("inventory", inventory(upstreams.clone()))
            .upstream("promotion", promotion(upstreams.clone()));
        let harness = configure(harness).start().await;
        let customer_id = harness.id();
        Shop { harness, upstreams, customer_id }
    }

    /// Lists a product at `price` with `available` units.
    fn product(&self, price: i64, available: i64) -> ProductId {
        let product_id: ProductId = self.id();
        let sku = format!("SKU-{}", self.upstreams.products.lock().unwrap().len());
        // Made from JSON, so that a new field of a product does not concern this test.
        let product = json!({
            "productId": product_id, "sku": sku, "title": format!("Thing {sku}"), "description": "", "categoryPath": [], "status": "ACTIVE",
            "priceAmount": price, "currency": "EUR", "images": [], "attributes": {}, "options": [], "version": 1,
            "createdAt": self.env.now(), "updatedAt": self.env.now(),
        });
        let product: Product = serde_json::from_value(product).unwrap();
        self.upstreams.products.lock().unwrap().insert(product_id, product);
        self.upstreams.stock(product_id, available);
        product_id
    }

    fn adding(&self, product: ProductId, quantity: i64) -> TestRequest<'_> {
        self.post("/cart/items", &json!({"productId": product, "quantity": quantity})).customer(self.customer_id)
    }

    async fn add(&self, product: ProductId, quantity: i64) -> Cart {
        self.adding(product, quantity).send().await.expect(201).read()
    }

    async fn cart(&self) -> Cart {
        self.get("/cart").customer(self.customer_id).send().await.expect(200).read()
    }

    async fn internal_cart(&self) -> Cart {
        self.get(&format!("/internal/cart/{}", self.customer_id)).service("order").send().await.expect(200).read()
    }

    /// Counts the carts of all users in this status.
    async fn carts_in(&self, status: &'static str) -> i64 {
        let count = self.db().read::<_, platform::db::Error, _>(async move |tx| {
            tx.query_one("SELECT COUNT(*) FROM carts WHERE status = $1", platform::params![status], |row| row.next()).await
        });
        count.await.unwrap()
    }
}

fn quantities(cart: &Cart) -> Vec<u32> {
    cart.items.iter().map(|item| item.quantity).collect()
}

fn warnings(cart: &Cart) -> Vec<WarningCode> {
    cart.warnings.iter().map(|warning| warning.code).collect()
}

/// Returns the lines of an `INSUFFICIENT_STOCK` answer.
fn shortages(answer: &TestResponse) -> serde_json::Value {
    answer.json()["lines"].clone()
}
