//! The neighbours, played over HTTP: they answer what the test tells them to, and remember what they were asked.

use super::world::{address, id};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use contracts::ids::{AddressId, CartId, PaymentId, ProductId, ReservationId, UserId};
use platform::testing::{Harness, HarnessBuilder};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

/// What the neighbours are and were asked.
#[derive(Clone)]
pub struct Neighbours(Arc<Mutex<Script>>);

pub struct Script {
    /// Lines of the active cart: quantity of the one product. Empty is an empty cart.
    pub cart: Option<u32>,
    pub cart_id: CartId,
    pub price: i64,
    pub product_status: &'static str,
    /// What `authorize` answers: a payment's status, or a problem code.
    pub authorize: &'static str,
    pub capture: &'static str,
    /// Whether the stock can be reserved.
    pub in_stock: bool,
    pub confirm_works: bool,
    pub catalog_is_down: bool,
    pub payment: &'static str,
    /// Every write: path and idempotency key, and how often.
    pub asked: BTreeMap<String, u32>,
}

pub const CUSTOMER: u32 = 1;

pub fn customer() -> UserId {
    id(2, CUSTOMER)
}
pub fn address_id() -> AddressId {
    id(9, 1)
}
pub fn payment_id() -> PaymentId {
    id(7, 1)
}
pub fn reservation_id() -> ReservationId {
    id(8, 1)
}

impl Neighbours {
    pub fn new() -> Neighbours {
        Neighbours(Arc::new(Mutex::new(Script {
            cart: Some(2),
            cart_id: id(3, 1),
            price: 1_000,
            product_status: "ACTIVE",
            authorize: "AUTHORIZED",
            capture: "CAPTURED",
            in_stock: true,
            confirm_works: true,
            catalog_is_down: false,
            payment: "INITIATED",
            asked: BTreeMap::new(),
        })))
    }

    pub fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap()
    }

    /// The order service among them.
    pub async fn harness(&self) -> Harness {
        self.around(Harness::of(crate::service())).start().await
    }

    pub fn around(&self, builder: HarnessBuilder) -> HarnessBuilder {
        let script = || self.clone();
        let cart = Router::new()
            .route("/internal/cart/{user}", get(cart))
            .route("/internal/cart/{user}/check-out", put(|| async { StatusCode::NO_CONTENT }))
            .with_state(script());
        let catalog = Router::new().route("/internal/products/lookup", post(lookup)).with_state(script());
        let user = Router::new().route("/internal/users/{user}/addresses/{address}", get(find_address));
        let shipping = Router::new().route("/shipping/rates", get(rates));
        let payment = Router::new().route("/payments", post(create)).route("/payments/{payment}/{verb}", post(pay)).with_state(script());
        let inventory = Router::new()
            .route("/inventory/reservations", post(reserve))
            .route("/inventory/reservations/{reservation}/{verb}", post(stock))
            .with_state(script());
        builder
            .neighbour("cart", cart)
            .neighbour("catalog", catalog)
            .neighbour("user", user)
            .neighbour("shipping", shipping)
            .neighbour("payment", payment)
            .neighbour("inventory", inventory)
    }

    fn note(&self, headers: &HeaderMap, what: &str) {
        let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or("no key").to_owned();
        *self.script().asked.entry(format!("{what} {key}")).or_default() += 1;
    }

    /// How many different keys a verb was asked under.
    pub fn keys_of(&self, what: &str) -> usize {
        self.script().asked.keys().filter(|asked| asked.starts_with(&format!("{what} "))).count()
    }
}

fn refuse(status: u16, code: &str, retryable: bool) -> Response {
    let body = json!({"type": "/problems/x", "title": code, "status": status, "detail": code, "code": code, "correlationId": "c", "retryable": retryable});
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

async fn cart(State(n): State<Neighbours>, Path(user): Path<UserId>) -> Json<Value> {
    let script = n.script();
    let items: Vec<Value> = script
        .cart
        .into_iter()
        .map(|quantity| {
            json!({"cartItemId": id::<CartId>(4, 1), "productId": id::<ProductId>(6, 1), "sku": "LAMP-1", "titleSnapshot": "Lamp",
                   "unitPriceSnapshot": 1_000, "currency": "EUR", "quantity": quantity, "lineTotalAmount": 1_000 * i64::from(quantity)})
        })
        .collect();
    Json(json!({"cartId": script.cart_id, "userId": user, "status": "ACTIVE", "currency": "EUR", "items": items, "subtotalAmount": 0,
                "warnings": [], "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z"}))
}

async fn lookup(State(n): State<Neighbours>) -> Response {
    let script = n.script();
    if script.catalog_is_down {
        return refuse(503, "DEPENDENCY_UNAVAILABLE", true);
    }
    Json(json!({"items": [{"productId": id::<ProductId>(6, 1), "sellerId": null, "sku": "LAMP-1", "title": "Lamp", "description": "",
        "categoryId": null, "categoryPath": [], "brand": null, "status": script.product_status, "priceAmount": script.price, "currency": "EUR",
        "images": [], "attributes": {}, "productGroupId": null, "options": [], "version": 1,
        "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z"}]}))
    .into_response()
}

async fn find_address(Path((user, wanted)): Path<(UserId, AddressId)>) -> Response {
    if wanted != address_id() {
        return refuse(404, "NOT_FOUND", false);
    }
    let mut body = serde_json::to_value(address()).unwrap();
    body["addressId"] = json!(wanted);
    body["userId"] = json!(user);
    body["label"] = json!("Home");
    body["isDefaultShipping"] = json!(true);
    body["isDefaultBilling"] = json!(true);
    Json(body).into_response()
}

async fn rates() -> Json<Value> {
    Json(
        json!({"country": "DE", "items": [{"carrier": "MOCK", "name": "Standard", "shippingAmount": 490, "currency": "EUR", "freeFromAmount": null}]}),
    )
}

fn payment_view(script: &Script) -> Json<Value> {
    let failure = (script.payment == "FAILED").then(|| json!({"code": "PAYMENT_DECLINED", "retryable": false}));
    Json(json!({"paymentId": payment_id(), "orderId": id::<CartId>(1, 1), "userId": customer(), "status": script.payment, "amount": 2_490,
        "currency": "EUR", "capturedAmount": 0, "refundedAmount": 0, "provider": "MOCK", "paymentMethod": "pm_ok", "failure": failure,
        "transactions": [], "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z"}))
}

async fn create(State(n): State<Neighbours>, headers: HeaderMap) -> Response {
    n.note(&headers, "create");
    (StatusCode::CREATED, payment_view(&n.script())).into_response()
}

async fn pay(State(n): State<Neighbours>, headers: HeaderMap, Path((_, verb)): Path<(PaymentId, String)>) -> Response {
    n.note(&headers, &verb);
    let mut script = n.script();
    let outcome = match verb.as_str() {
        "authorize" => script.authorize,
        "capture" => script.capture,
        "void" => "VOIDED",
        _ => "REFUNDED",
    };
    if outcome == "PROVIDER_UNAVAILABLE" {
        return refuse(503, outcome, true);
    }
    script.payment = outcome;
    payment_view(&script).into_response()
}

fn reservation_view(status: &str) -> Json<Value> {
    Json(json!({"reservationId": reservation_id(), "orderId": id::<CartId>(1, 1), "status": status, "lines": [],
        "expiresAt": "2026-01-02T00:00:00Z", "returnedAt": null, "createdAt": "2026-01-01T00:00:00Z"}))
}

async fn reserve(State(n): State<Neighbours>, headers: HeaderMap) -> Response {
    n.note(&headers, "reserve");
    if n.script().in_stock { reservation_view("ACTIVE").into_response() } else { refuse(409, "INSUFFICIENT_STOCK", false) }
}

async fn stock(State(n): State<Neighbours>, headers: HeaderMap, Path((_, verb)): Path<(ReservationId, String)>) -> Response {
    n.note(&headers, &verb);
    if verb == "confirm" && !n.script().confirm_works {
        return refuse(409, "RESERVATION_EXPIRED", false);
    }
    reservation_view("CONFIRMED").into_response()
}
