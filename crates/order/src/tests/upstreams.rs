//! Scripted upstreams over HTTP. They answer by the script, and record every call.

use super::model::{address, id};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use contracts::ids::{AddressId, CartId, FulfilmentId, PaymentId, ProductId, ReservationId, UserId};
use platform::testing::{Harness, HarnessBuilder};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::Notify;

/// The script and the recorded calls of all upstreams.
#[derive(Clone)]
pub struct Upstreams {
    script: Arc<Mutex<Script>>,
    faulted: Arc<Notify>,
}

pub struct Script {
    /// Lines of the active cart: quantity of the one product. Empty is an empty cart.
    pub cart: Option<u32>,
    pub cart_id: CartId,
    /// Sellers who have one more line each in the cart, of one unit.
    pub sellers: Vec<UserId>,
    /// Coupons of the cart; each takes 100 off the first line and 90 off each shipping fee, and one that begins with OWN takes both off
    /// the last seller, who made it.
    pub coupons: Vec<&'static str>,
    /// Why no coupon applies.
    pub coupon_problem: Option<&'static str>,
    /// What `reserve` of the promotions answers: nothing, or a problem code.
    pub uses: Option<&'static str>,
    /// Whether uses cannot be released.
    pub promotion_is_down: bool,
    pub price: i64,
    pub product_status: &'static str,
    /// What `authorize` answers: a payment's status, or a problem code.
    pub authorize: &'static str,
    pub capture: &'static str,
    pub refund: &'static str,
    pub void: &'static str,
    /// Whether the stock can be reserved.
    pub in_stock: bool,
    pub confirm_works: bool,
    /// What `cancel_shipment` answers: an outcome, or a problem code.
    pub cancel_shipment: &'static str,
    pub catalog_is_down: bool,
    /// Whether nothing is shipped to the customer's country.
    pub country_is_not_served: bool,
    pub currency_has_no_rate: bool,
    /// The states of the payment and of the reservation.
    pub payment: &'static str,
    pub reservation: &'static str,
    /// What was refunded of parts, in order.
    pub part_refunds: Vec<i64>,
    /// The units of single lines that went back on sale, in order.
    pub returned_units: Vec<(String, i64)>,
    /// Every new state of the payment or the reservation, in order.
    pub done: Vec<&'static str>,
    /// How the next calls of a verb fail, the last entry first.
    pub faults: BTreeMap<&'static str, Vec<Fault>>,
    /// Whether the order service was killed during a call.
    pub caller_died: bool,
    /// How often each write was called, by verb and idempotency key.
    pub calls: BTreeMap<String, u32>,
    /// The first answer to each write.
    stored: BTreeMap<String, Reply>,
}

/// An answer: its status and its body.
type Reply = (u16, Value);

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done, and the answer is an error.
    Down,
    /// It is done, and the connection breaks before the answer. The caller's client retries.
    Broken,
    /// It is done, and the answer is a timeout. The client retries.
    Slow,
    /// It is done, and the answer cannot be read. The client does not retry.
    Garbled,
    /// The caller is killed before it is done.
    DeathBefore,
    /// The caller is killed after it is done and before the answer.
    DeathAfter,
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

impl Upstreams {
    pub fn new() -> Upstreams {
        let script = Script {
            cart: Some(2),
            cart_id: id(3, 1),
            sellers: Vec::new(),
            coupons: Vec::new(),
            coupon_problem: None,
            uses: None,
            promotion_is_down: false,
            price: 1_000,
            product_status: "ACTIVE",
            authorize: "AUTHORIZED",
            capture: "CAPTURED",
            refund: "REFUNDED",
            void: "VOIDED",
            in_stock: true,
            confirm_works: true,
            cancel_shipment: "RECALLED",
            catalog_is_down: false,
            country_is_not_served: false,
            currency_has_no_rate: false,
            payment: "INITIATED",
            reservation: "NONE",
            part_refunds: Vec::new(),
            returned_units: Vec::new(),
            done: Vec::new(),
            faults: BTreeMap::new(),
            caller_died: false,
            calls: BTreeMap::new(),
            stored: BTreeMap::new(),
        };
        Upstreams { script: Arc::new(Mutex::new(script)), faulted: Arc::default() }
    }

    pub fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    /// Waits until a call meets a fault, if none did since the last time.
    pub async fn next_fault(&self) {
        self.faulted.notified().await;
    }

    /// Records a call, and returns the fault that it meets.
    fn begin(&self, verb: &str, call: &str) -> Option<Fault> {
        let mut script = self.script();
        *script.calls.entry(call.to_owned()).or_default() += 1;
        let fault = script.faults.get_mut(verb).and_then(Vec::pop);
        if fault.is_some() {
            self.faulted.notify_one();
        }
        fault
    }

    /// The states of the payment and of the reservation.
    pub fn holds(&self) -> (&'static str, &'static str) {
        let script = self.script();
        (script.payment, script.reservation)
    }

    /// Starts the order service with these upstreams.
    pub async fn harness(&self) -> Harness {
        self.around(Harness::of(crate::service())).start().await
    }

    pub fn around(&self, builder: HarnessBuilder) -> HarnessBuilder {
        let script = || self.clone();
        let cart = Router::new()
            .route("/internal/cart/{user}", get(cart))
            .route("/internal/cart/{user}/check-out", put(check_out))
            .route("/internal/carts/lookup", post(cart_of_guest))
            .with_state(script());
        let catalog = Router::new().route("/internal/products/lookup", post(lookup)).with_state(script());
        let user = Router::new()
            .route("/internal/users/{user}/addresses/{address}", get(find_address))
            .route("/internal/users/{user}/default-address", get(find_default_address))
            .route("/internal/users/by-email", post(find_by_email))
            .route("/internal/addresses/check", post(check_address));
        let shipping = Router::new()
            .route("/shipping/rates", get(rates))
            .route("/internal/shipments/{order}/recall", put(cancel_shipment))
            .route("/internal/shipments/{fulfilment}/ship", put(hand_over))
            .with_state(script());
        let payment = Router::new()
            .route("/payments", post(create))
            .route("/payments/{payment}", get(payment))
            .route("/payments/{payment}/{verb}", post(pay))
            .route("/internal/payments/{payment}/refunds", post(refund_part))
            .with_state(script());
        let inventory = Router::new()
            .route("/inventory/reservations", post(reserve))
            .route("/inventory/reservations/{reservation}/{verb}", post(stock))
            .route("/internal/reservations/{reservation}/returns", post(return_lines))
            .with_state(script());
        let promotion = Router::new()
            .route("/internal/promotions/evaluate", post(evaluate))
            .route("/internal/promotion-uses/{order}", put(reserve_uses).delete(release_uses))
            .with_state(script());
        builder
            // The clock does not advance, so a wait would end only with a change.
            .setting("cancel_wait_seconds", 0)
            .upstream("cart", cart)
            .upstream("catalog", catalog)
            .upstream("user", user)
            .upstream("promotion", promotion)
            .upstream("shipping", shipping.with_state(self.clone()))
            .upstream("payment", payment)
            .upstream("inventory", inventory)
    }

    /// Does one write, unless a fault prevents it. A known key does nothing, and returns its first answer.
    async fn write(&self, headers: &HeaderMap, verb: &str, work: impl FnOnce(&mut Script) -> Reply) -> Response {
        let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or("no key");
        let call = format!("{verb} {key}");
        let fault = self.begin(verb, &call);
        match fault {
            Some(Fault::Down) => return answer(refusal(503, "PROVIDER_UNAVAILABLE", true)),
            Some(Fault::DeathBefore) => return self.caller_dies().await,
            _ => {}
        }
        let reply = self.script().once(call, work);
        self.answer(reply, fault).await
    }

    /// Does a write without a key. Repeating it returns the latest state.
    async fn repeat(&self, verb: &str, work: impl FnOnce(&mut Script) -> Reply) -> Response {
        let fault = self.begin(verb, &format!("{verb} always"));
        match fault {
            Some(Fault::Down) => return answer(refusal(503, "DEPENDENCY_UNAVAILABLE", true)),
            Some(Fault::DeathBefore) => return self.caller_dies().await,
            _ => {}
        }
        let reply = work(&mut self.script());
        self.answer(reply, fault).await
    }

    async fn answer(&self, reply: Reply, fault: Option<Fault>) -> Response {
        match fault {
            Some(Fault::Broken) => StatusCode::BAD_GATEWAY.into_response(),
            Some(Fault::Slow) => answer(refusal(503, "TIMEOUT", true)),
            Some(Fault::Garbled) => "{\"half an".into_response(),
            Some(Fault::DeathAfter) => self.caller_dies().await,
            _ => answer(reply),
        }
    }

    /// The caller is gone, so there is no answer.
    async fn caller_dies(&self) -> Response {
        self.script().caller_died = true;
        std::future::pending().await
    }

    /// Returns the number of different keys that a verb was called with.
    pub fn keys_of(&self, what: &str) -> usize {
        self.script().calls.keys().filter(|call| call.starts_with(&format!("{what} "))).count()
    }
}

impl Script {
    fn once(&mut self, call: String, work: impl FnOnce(&mut Script) -> Reply) -> Reply {
        if let Some(stored) = self.stored.get(&call) {
            return stored.clone();
        }
        let reply = work(self);
        // A key does not keep server errors.
        if reply.0 < 500 {
            self.stored.insert(call, reply.clone());
        }
        reply
    }

    /// Changes the payment as the transition table allows. Returns false for a refusal; a repeated change is not refused.
    fn pay(&mut self, outcome: &'static str) -> bool {
        match (self.payment, outcome) {
            ("INITIATED", "AUTHORIZED" | "FAILED" | "VOIDED")
            | ("AUTHORIZED", "CAPTURED" | "FAILED" | "VOIDED")
            | ("CAPTURED", "REFUNDED") => {
                self.payment = outcome;
                self.done.push(outcome);
                true
            }
            ("INITIATED", "CAPTURED") | ("VOIDED", "AUTHORIZED" | "CAPTURED") | ("CAPTURED" | "REFUNDED", "VOIDED") => false,
            (_, "REFUNDED") => self.payment == "REFUNDED",
            _ => true,
        }
    }

    /// Changes the reservation in the same way.
    fn stock(&mut self, outcome: &'static str) -> bool {
        match (self.reservation, outcome) {
            ("NONE", "ACTIVE") | ("ACTIVE", "CONFIRMED" | "RELEASED") | ("CONFIRMED", "RETURNED") => {
                self.reservation = outcome;
                self.done.push(outcome);
                true
            }
            ("RELEASED", "CONFIRMED") | ("CONFIRMED" | "RETURNED", "RELEASED") | ("ACTIVE" | "RELEASED", "RETURNED") => false,
            _ => true,
        }
    }
}

fn refusal(status: u16, code: &str, retryable: bool) -> Reply {
    (
        status,
        json!({"type": "/problems/x", "title": code, "status": status, "detail": code, "code": code, "correlationId": "c", "retryable": retryable}),
    )
}

fn answer((status, body): Reply) -> Response {
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

async fn cart(State(n): State<Upstreams>, Path(user): Path<UserId>) -> Json<Value> {
    let script = n.script();
    let line = |number: u32, quantity: u32| {
        json!({"cartItemId": id::<CartId>(4, number), "productId": id::<ProductId>(6, number), "sku": format!("LAMP-{number}"),
               "titleSnapshot": "Lamp", "unitPriceSnapshot": 1_000, "currency": "EUR", "quantity": quantity,
               "lineTotalAmount": 1_000 * i64::from(quantity)})
    };
    let of_sellers = (2..).zip(&script.sellers).map(|(number, _)| line(number, 1));
    let items: Vec<Value> = script.cart.map(|quantity| line(1, quantity)).into_iter().chain(of_sellers).collect();
    Json(json!({"cartId": script.cart_id, "userId": user, "status": "ACTIVE", "currency": "EUR", "items": items, "subtotalAmount": 0,
                "coupons": script.coupons.iter().map(|code| json!({"code": code, "problem": null, "detail": ""})).collect::<Vec<_>>(),
                "mayHaveDiscounts": !script.coupons.is_empty(),
                "warnings": [], "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z"}))
}

/// A token of the letter u is unknown. Guests own their carts under an id of their own.
async fn cart_of_guest(State(n): State<Upstreams>, Json(body): Json<Value>) -> Response {
    if body["cartToken"].as_str().unwrap().starts_with('u') {
        return answer(refusal(404, "NOT_FOUND", false));
    }
    cart(State(n), Path(id::<UserId>(2, 77))).await.into_response()
}

/// A postal code that is `bad` is one.
async fn check_address(Json(mut body): Json<Value>) -> Response {
    if body["zip"] == "bad" {
        let (status, mut problem) = refusal(422, "INVALID_REQUEST", false);
        problem["errors"] = json!([{"pointer": "/zip", "code": "INVALID_ZIP", "detail": "must be a postal code"}]);
        return answer((status, problem));
    }
    for field in ["state", "city", "zip", "number", "complement"] {
        body[field] = body[field].as_str().unwrap_or_default().into();
    }
    Json(body).into_response()
}

async fn evaluate(State(n): State<Upstreams>, Json(body): Json<Value>) -> Json<Value> {
    n.begin("evaluate", "evaluate always");
    let script = n.script();
    let checked = |code: &&str| json!({"code": code, "problem": script.coupon_problem, "detail": "no"});
    let takes_off = |(at, code): (usize, &&str)| {
        let by = if code.starts_with("OWN") { script.sellers.last() } else { None };
        let lines = body["lines"].as_array().unwrap();
        let line = if by.is_some() { lines.last() } else { lines.first() }.unwrap();
        let fees = body["shipping"].as_array().unwrap().iter().filter(|fee| by.is_none_or(|by| fee["sellerId"] == json!(by)));
        let shipping: Vec<_> = fees.map(|fee| json!({"sellerId": fee["sellerId"], "amount": 90})).collect();
        json!({"promotionId": id::<CartId>(9, at as u32), "code": code, "title": code, "sellerId": by, "amount": 100 + 90 * shipping.len(),
               "lines": [{"lineId": line["lineId"], "amount": 100}], "shipping": shipping})
    };
    let applies = script.coupons.iter().enumerate().filter(|_| script.coupon_problem.is_none());
    let discounts: Vec<_> = applies.map(takes_off).collect();
    Json(json!({"discountAmount": 190 * discounts.len(), "discounts": discounts, "nearMisses": [],
                "coupons": script.coupons.iter().map(checked).collect::<Vec<_>>()}))
}

async fn reserve_uses(State(n): State<Upstreams>, Path(order): Path<String>) -> Response {
    n.begin("reserve-uses", &format!("reserve-uses {order}"));
    match n.script().uses {
        None => StatusCode::NO_CONTENT.into_response(),
        Some(code) => answer(refusal(409, code, false)),
    }
}

async fn release_uses(State(n): State<Upstreams>, Path(order): Path<String>) -> Response {
    n.begin("release-uses", &format!("release-uses {order}"));
    if n.script().promotion_is_down { StatusCode::NOT_IMPLEMENTED.into_response() } else { StatusCode::NO_CONTENT.into_response() }
}

async fn check_out(State(n): State<Upstreams>) -> StatusCode {
    n.begin("check-out", "check-out always");
    StatusCode::NO_CONTENT
}

async fn lookup(State(n): State<Upstreams>) -> Response {
    let script = n.script();
    if script.catalog_is_down {
        return answer(refusal(503, "DEPENDENCY_UNAVAILABLE", true));
    }
    let product = |(number, seller): (u32, Option<&UserId>)| {
        json!({"productId": id::<ProductId>(6, number), "sellerId": seller, "sku": format!("LAMP-{number}"), "title": "Lamp",
            "description": "", "categoryId": null, "categoryPath": [], "brand": null, "status": script.product_status,
            "priceAmount": script.price, "currency": "EUR", "images": ["/media/lamp.jpg", "/media/lamp-2.jpg"], "attributes": {},
            "productGroupId": null, "options": [], "version": 1, "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z"})
    };
    let sellers = std::iter::once(None).chain(script.sellers.iter().map(Some));
    Json(json!({"items": (1..).zip(sellers).map(product).collect::<Vec<_>>()})).into_response()
}

async fn find_address(Path((user, wanted)): Path<(UserId, AddressId)>) -> Response {
    if wanted != address_id() {
        return answer(refusal(404, "NOT_FOUND", false));
    }
    let mut body = serde_json::to_value(address()).unwrap();
    body["addressId"] = json!(wanted);
    body["userId"] = json!(user);
    body["label"] = json!("Home");
    body["isDefaultShipping"] = json!(true);
    body["isDefaultBilling"] = json!(true);
    Json(body).into_response()
}

/// Only the customer has addresses.
async fn find_default_address(Path(user): Path<UserId>) -> Response {
    if user == customer() { find_address(Path((user, address_id()))).await } else { answer(refusal(404, "NOT_FOUND", false)) }
}

async fn find_by_email(Json(body): Json<Value>) -> Json<Value> {
    let found = if body["email"] == "mara@shop.example" { vec![id::<UserId>(2, 99), customer()] } else { Vec::new() };
    Json(json!({"userIds": found}))
}

async fn rates(State(n): State<Upstreams>) -> Response {
    if n.script().country_is_not_served {
        return answer(refusal(422, "UNSUPPORTED_COUNTRY", false));
    }
    if n.script().currency_has_no_rate {
        return answer(refusal(422, "UNSUPPORTED_CURRENCY", false));
    }
    let standard = json!({"carrier": "MOCK", "name": "Standard", "shippingAmount": 490, "currency": "EUR", "freeFromAmount": null});
    Json(json!({"country": "DE", "items": [standard]})).into_response()
}

async fn cancel_shipment(State(n): State<Upstreams>) -> Response {
    let effect = |script: &mut Script| match script.cancel_shipment {
        code @ "DEPENDENCY_UNAVAILABLE" => refusal(503, code, true),
        outcome => (200, json!({"outcome": outcome})),
    };
    n.repeat("cancel_shipment", effect).await
}

async fn hand_over(State(n): State<Upstreams>, Path(fulfilment): Path<FulfilmentId>, Json(body): Json<Value>) -> Response {
    let shipment = json!({"shipmentId": fulfilment, "orderId": fulfilment, "fulfilmentId": fulfilment, "userId": customer(), "status": "IN_TRANSIT",
        "carrier": body["carrier"], "trackingNumber": body["trackingNumber"], "shippingAddressSnapshot": address(), "events": [],
        "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z"});
    n.repeat("hand_over", |_| (200, shipment)).await
}

fn payment_view(script: &Script) -> Value {
    let failure = (script.payment == "FAILED").then(|| json!({"code": "PAYMENT_DECLINED", "retryable": false}));
    json!({"paymentId": payment_id(), "orderId": id::<CartId>(1, 1), "userId": customer(), "status": script.payment, "amount": 2_490,
        "currency": "EUR", "capturedAmount": 0, "refundedAmount": 0, "provider": "MOCK", "paymentMethod": "pm_ok", "failure": failure,
        "transactions": [], "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z"})
}

async fn payment(State(n): State<Upstreams>) -> Json<Value> {
    Json(payment_view(&n.script()))
}

async fn create(State(n): State<Upstreams>, headers: HeaderMap) -> Response {
    n.write(&headers, "create", |script| (201, payment_view(script))).await
}

async fn pay(State(n): State<Upstreams>, headers: HeaderMap, Path((_, verb)): Path<(PaymentId, String)>) -> Response {
    let effect = |script: &mut Script| {
        let outcome = match verb.as_str() {
            "authorize" => script.authorize,
            "capture" => script.capture,
            "void" => script.void,
            _ => script.refund,
        };
        match outcome {
            "PROVIDER_UNAVAILABLE" => return refusal(503, outcome, true),
            "REFUND_FAILED" => return refusal(409, outcome, false),
            _ => {}
        }
        if script.pay(outcome) { (200, payment_view(script)) } else { refusal(409, "ILLEGAL_TRANSITION", false) }
    };
    n.write(&headers, &verb, effect).await
}

/// Refunds a part, once for its cause.
async fn refund_part(State(n): State<Upstreams>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let effect = |script: &mut Script| {
        script.part_refunds.push(body["amount"].as_i64().unwrap());
        let refund = json!({"transactionId": id::<CartId>(5, 1), "paymentId": payment_id(), "type": "REFUND", "status": "SUCCEEDED",
            "amount": body["amount"], "causeId": body["causeId"], "providerReference": "r", "failure": null,
            "createdAt": "2026-01-01T00:00:00Z"});
        let mut view = payment_view(script);
        view["transactions"] = json!([refund]);
        view["refundedAmount"] = json!(script.part_refunds.iter().sum::<i64>());
        (200, view)
    };
    n.write(&headers, "refund-part", effect).await
}

/// Takes units of single lines back.
async fn return_lines(State(n): State<Upstreams>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let effect = |script: &mut Script| {
        let lines = body["lines"].as_array().unwrap().iter();
        let units = lines.map(|line| (line["sku"].as_str().unwrap().to_owned(), line["quantity"].as_i64().unwrap()));
        script.returned_units.extend(units);
        (200, reservation_view("CONFIRMED"))
    };
    n.write(&headers, "return-lines", effect).await
}

fn reservation_view(status: &str) -> Value {
    json!({"reservationId": reservation_id(), "orderId": id::<CartId>(1, 1), "status": status, "lines": [],
        "expiresAt": "2026-01-02T00:00:00Z", "returnedAt": null, "createdAt": "2026-01-01T00:00:00Z"})
}

async fn reserve(State(n): State<Upstreams>, headers: HeaderMap) -> Response {
    let effect = |script: &mut Script| {
        if !script.in_stock {
            return refusal(409, "INSUFFICIENT_STOCK", false);
        }
        script.stock("ACTIVE");
        (201, reservation_view("ACTIVE"))
    };
    n.write(&headers, "reserve", effect).await
}

async fn stock(State(n): State<Upstreams>, headers: HeaderMap, Path((_, verb)): Path<(ReservationId, String)>) -> Response {
    let effect = |script: &mut Script| {
        let (outcome, shown) = match verb.as_str() {
            "confirm" if !script.confirm_works => return refusal(409, "RESERVATION_EXPIRED", false),
            "confirm" => ("CONFIRMED", "CONFIRMED"),
            "release" => ("RELEASED", "RELEASED"),
            // A returned reservation stays CONFIRMED.
            _ => ("RETURNED", "CONFIRMED"),
        };
        if script.stock(outcome) { (200, reservation_view(shown)) } else { refusal(409, "ILLEGAL_TRANSITION", false) }
    };
    n.write(&headers, &verb, effect).await
}
