//! The service through its entry points, with a scripted catalog.

mod access;
mod lists;
mod moderation;
mod votes;
mod writing;

use axum::{Json, Router, http::StatusCode, response::IntoResponse, routing::post};
use contracts::{
    catalog::{Product, ProductList, ProductLookup},
    ids::{OrderId, ProductId, UserId, Uuid},
    money::Currency,
    order::{FulfilmentDelivered, OrderConfirmed, OrderDelivered, OrderItem},
    review::{ProductRatingChanged, Review},
    tax::Taxation,
    time::Timestamp,
    user::AddressSnapshot,
};
use platform::testing::{Harness, TestResponse};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

#[test]
fn statements_prepare() {
    platform::testing::assert_statements_prepare(&crate::service(), env!("CARGO_MANIFEST_DIR"));
}

/// The seller of each product that the scripted catalog knows; `None` while it is down.
type Products = Arc<Mutex<Option<HashMap<ProductId, Option<UserId>>>>>;

/// The service with its catalog, and products that anyone may buy.
struct Shop {
    h: Harness,
    products: Products,
}

impl std::ops::Deref for Shop {
    type Target = Harness;
    fn deref(&self) -> &Harness {
        &self.h
    }
}

fn catalog(products: Products) -> Router {
    let look_up = move |Json(wanted): Json<ProductLookup>| async move {
        let known = products.lock().unwrap();
        // This status is not retried, so that tests need not wait.
        let Some(known) = known.as_ref() else { return StatusCode::NOT_IMPLEMENTED.into_response() };
        let items = wanted.product_ids.iter().filter_map(|id| known.get(id).map(|seller| product(*id, *seller))).collect();
        Json(ProductList { items, taxation: Taxation::default() }).into_response()
    };
    Router::new().route("/internal/products/lookup", post(look_up))
}

fn product(id: ProductId, seller: Option<UserId>) -> Product {
    let product = json!({
        "productId": id, "sellerId": seller, "sku": "LAMP-1", "title": "Lamp", "description": "", "categoryPath": [], "status": "ACTIVE",
        "priceAmount": 1_999, "currency": "EUR", "images": [], "attributes": {}, "options": [], "version": 1,
        "createdAt": Timestamp(0), "updatedAt": Timestamp(0),
    });
    serde_json::from_value(product).unwrap()
}

impl Shop {
    async fn open(publish_at_once: bool) -> Shop {
        let products = Products::new(Mutex::new(Some(HashMap::new())));
        let harness = Harness::of(crate::service()).upstream("catalog", catalog(products.clone()));
        Shop { h: harness.setting("publish_at_once", publish_at_once).start().await, products }
    }

    /// A product of this seller that nobody reviewed.
    fn product(&self, seller: Option<UserId>) -> ProductId {
        let id = self.id();
        self.products.lock().unwrap().as_mut().unwrap().insert(id, seller);
        id
    }

    /// Delivers an order with these products to a customer.
    async fn deliver_order(&self, customer: UserId, products: &[ProductId]) {
        let order = self.confirm_order(customer, products).await;
        self.deliver(delivered(self, order, customer)).await;
    }

    async fn confirm_order(&self, customer: UserId, products: &[ProductId]) -> OrderId {
        let order_id = self.id();
        let confirmed = OrderConfirmed {
            order_id,
            order_number: "SK-1".into(),
            user_id: customer,
            payment_id: self.id(),
            reservation_id: self.id(),
            currency: Currency::EUR,
            subtotal_amount: 1_999,
            shipping_amount: 0,
            tax_amount: 0,
            prices_include_tax: false,
            discount_amount: 0,
            total_amount: 1_999,
            items: products.iter().map(|product| item(self, *product)).collect(),
            fulfilments: Vec::new(),
            shipping_address_snapshot: AddressSnapshot::default(),
        };
        self.deliver(confirmed).await;
        order_id
    }

    /// A customer to whom the product was delivered.
    async fn buyer(&self, product: ProductId) -> UserId {
        let customer = self.id();
        self.deliver_order(customer, &[product]).await;
        customer
    }

    async fn try_review(&self, customer: UserId, product: ProductId, body: &Value) -> TestResponse {
        self.post(&format!("/products/{product}/reviews"), body).customer(customer).send().await
    }

    /// A new buyer reviews the product.
    async fn review(&self, product: ProductId, stars: i64) -> Review {
        let customer = self.buyer(product).await;
        self.try_review(customer, product, &json!({"rating": stars})).await.expect(201).read()
    }

    /// The author of a review that was answered to its author.
    fn author(review: &Review) -> UserId {
        review.user_id.expect("the author sees it")
    }

    async fn decide(&self, review: &Review, decision: &str, body: &Value) -> TestResponse {
        self.post(&format!("/admin/reviews/{}/{decision}", review.review_id), body).admin().send().await
    }

    async fn reviews_of(&self, product: ProductId, query: &str) -> Value {
        self.get(&format!("/products/{product}/reviews{query}")).send().await.expect(200).json()
    }

    /// Returns the last rating of a product that was announced: its average, count and how many changes there were.
    async fn announced(&self, product: ProductId) -> Option<(i64, i64, usize)> {
        let all = self.emitted_of::<ProductRatingChanged>().await;
        let own: Vec<_> = all.into_iter().filter(|event| event.product_id == product).collect();
        own.last().map(|last| (last.rating.average_hundredths, last.rating.count, own.len()))
    }
}

fn item(h: &Harness, product_id: ProductId) -> OrderItem {
    let item = json!({
        "orderItemId": h.id::<Uuid>(), "productId": product_id, "sku": "LAMP-1", "titleSnapshot": "Lamp", "unitPriceSnapshot": 1_999,
        "quantity": 1, "lineTotalAmount": 1_999,
    });
    serde_json::from_value(item).unwrap()
}

fn delivered(h: &Harness, order_id: OrderId, user_id: UserId) -> OrderDelivered {
    let (shipment_id, currency) = (h.id(), Currency::EUR);
    OrderDelivered { order_id, order_number: "SK-1".into(), user_id, fulfilment_id: None, shipment_id, currency, total_amount: 1_999 }
}

fn path(review: &Review) -> String {
    format!("/reviews/{}", review.review_id)
}

/// The delivery of one part of an order.
fn part_delivered(h: &Harness, order_id: OrderId, user_id: UserId, product: ProductId) -> FulfilmentDelivered {
    FulfilmentDelivered {
        fulfilment_id: h.id(),
        order_id,
        order_number: "SK-1".into(),
        user_id,
        seller_id: None,
        currency: Currency::EUR,
        items: vec![item(h, product)],
        subtotal_amount: 1_999,
        discount_amount: 0,
        shipping_amount: 0,
        shipping_tax_amount: 0,
        tax_amount: 0,
        prices_include_tax: false,
        total_amount: 1_999,
        fulfilment_count: 1,
        shipment_id: h.id(),
        carrier: "MOCK".into(),
        tracking_number: "T-1".into(),
    }
}
