//! The service through its entry points, with a scripted catalogue and order service.

mod access;
mod contention;
mod evaluating;
mod interleaving;
mod managing;
mod using;

use axum::{
    Json, Router,
    response::IntoResponse as _,
    routing::{get, post},
};
use contracts::{
    catalog::{Product, ProductList, ProductLookup},
    ids::{CategoryId, OrderId, ProductId, PromotionId, UserId},
    order::{OrderHistory, OrderStatus, StatusOfOrder},
    problem::Code,
    promotion::{Evaluation, Promotion, PromotionStatus},
    tax::Taxation,
    time::Timestamp,
};
use platform::{
    http::{Path, Problem},
    testing::{Harness, TestResponse},
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    ops::Deref,
    sync::{Arc, Mutex},
};

#[test]
fn statements_prepare() {
    platform::testing::assert_statements_prepare(&crate::service(), env!("CARGO_MANIFEST_DIR"));
}

/// A scripted catalogue and order service.
#[derive(Default)]
struct Upstreams {
    /// Products with their sellers.
    products: Mutex<HashMap<ProductId, Option<UserId>>>,
    categories: Mutex<Vec<CategoryId>>,
    sellers: Mutex<Vec<UserId>>,
    orders: Mutex<HashMap<OrderId, OrderStatus>>,
    /// Customers who ordered before.
    earlier: Mutex<Vec<UserId>>,
}

fn catalog(upstreams: Arc<Upstreams>) -> Router {
    let of_tree = upstreams.clone();
    let tree = move || async move {
        // Each is below the one before.
        let nest = |children: Vec<Value>, id: &CategoryId| {
            vec![json!({"categoryId": id, "name": "Lamps", "parentCategoryId": null, "children": children})]
        };
        let items = of_tree.categories.lock().unwrap().iter().rev().fold(Vec::new(), nest);
        Json(json!({"items": items, "nextCursor": null}))
    };
    let look_up = move |Json(wanted): Json<ProductLookup>| async move {
        let products = upstreams.products.lock().unwrap();
        let found = wanted.product_ids.iter().filter_map(|id| Some(product(*id, *products.get(id)?)));
        Json(ProductList { items: found.collect(), taxation: Taxation::default() })
    };
    Router::new().route("/internal/products/lookup", post(look_up)).route("/categories", get(tree))
}

fn product(id: ProductId, seller: Option<UserId>) -> Product {
    let at = Timestamp::EPOCH;
    serde_json::from_value(json!({
        "productId": id, "sellerId": seller, "sku": "SKU-1", "title": "Lamp", "description": "", "categoryPath": [], "status": "ACTIVE",
        "priceAmount": 1_000, "currency": "EUR", "images": [], "attributes": {}, "options": [], "version": 1, "createdAt": at,
        "updatedAt": at,
    }))
    .unwrap()
}

fn seller(upstreams: Arc<Upstreams>) -> Router {
    let profile = move |Path(seller_id): Path<UserId>| async move {
        if !upstreams.sellers.lock().unwrap().contains(&seller_id) {
            return Problem::new(Code::NOT_FOUND).into_response();
        }
        let rating = json!({"averageHundredths": 0, "count": 0});
        let profile = json!({"sellerId": seller_id, "shopName": "S", "slug": "s", "description": "", "country": "DE", "rating": rating,
            "since": Timestamp::EPOCH});
        Json(profile).into_response()
    };
    Router::new().route("/sellers/{sellerId}", get(profile))
}

fn order(upstreams: Arc<Upstreams>) -> Router {
    let (orders, customers) = (upstreams.clone(), upstreams);
    let status = move |Path(order_id): Path<OrderId>| async move {
        match orders.orders.lock().unwrap().get(&order_id) {
            Some(status) => Json(StatusOfOrder { order_id, status: *status }).into_response(),
            None => Problem::new(Code::NOT_FOUND).into_response(),
        }
    };
    let history = move |Path(user_id): Path<UserId>| async move {
        Json(OrderHistory { user_id, has_ordered: customers.earlier.lock().unwrap().contains(&user_id) })
    };
    Router::new().route("/internal/orders/{orderId}/status", get(status)).route("/internal/customers/{userId}/order-history", get(history))
}

/// The promotion service and its upstreams.
struct Shop {
    harness: Harness,
    upstreams: Arc<Upstreams>,
}

impl Deref for Shop {
    type Target = Harness;
    fn deref(&self) -> &Harness {
        &self.harness
    }
}

impl Shop {
    async fn open() -> Shop {
        let upstreams = Arc::new(Upstreams::default());
        let harness = Harness::of(crate::service()).upstream("catalog", catalog(upstreams.clone()));
        let harness = harness.upstream("seller", seller(upstreams.clone()));
        let harness = harness.upstream("order", order(upstreams.clone())).start().await;
        Shop { harness, upstreams }
    }

    async fn create(&self, body: Value) -> Promotion {
        self.post("/promotions", &body).admin().send().await.expect(201).read()
    }

    async fn change(&self, id: PromotionId, how: &str) -> TestResponse {
        self.post(&format!("/promotions/{id}/{how}"), &json!({})).admin().send().await
    }

    async fn active(&self, body: Value) -> Promotion {
        let draft = self.create(body).await;
        self.change(draft.promotion_id, "activate").await.expect(200).read()
    }

    async fn promotion(&self, id: PromotionId) -> Promotion {
        self.get(&format!("/promotions/{id}")).admin().send().await.expect(200).read()
    }

    /// Evaluates one line of `price` of the shop for a customer.
    async fn evaluate(&self, user: UserId, price: i64, coupons: &[&str]) -> Evaluation {
        let line = json!({
            "lineId": self.id::<OrderId>(), "productId": self.id::<ProductId>(), "categoryIds": [], "sellerId": null, "quantity": 1,
            "unitPriceAmount": price,
        });
        let body = json!({"userId": user, "currency": "EUR", "lines": [line], "coupons": coupons});
        self.post("/internal/promotions/evaluate", &body).service("cart").send().await.expect(200).read()
    }

    async fn reserve(&self, order: OrderId, user: UserId, promotions: &[PromotionId]) -> TestResponse {
        let uses: Vec<_> = promotions.iter().map(|id| json!({"promotionId": id, "amount": 100})).collect();
        let body = json!({"userId": user, "currency": "EUR", "uses": uses});
        self.put(&format!("/internal/promotion-uses/{order}"), &body).service("order").send().await
    }

    async fn used(&self, id: PromotionId) -> i64 {
        self.promotion(id).await.used_count
    }

    /// The types of the events so far, without those of other aggregates than `PROMOTION_USE`.
    async fn use_events(&self) -> Vec<String> {
        let all = self.emitted().await.into_iter().filter(|event| event.aggregate_type == "PROMOTION_USE");
        all.map(|event| event.event_type).collect()
    }
}

fn ten_percent() -> Value {
    json!({"title": "Ten percent", "kind": "PERCENTAGE", "value": 1000, "priority": 0, "exclusive": false, "conditions": {}})
}

/// [`ten_percent`] with more fields.
fn ten_percent_with(more: Value) -> Value {
    let mut body = ten_percent();
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}
