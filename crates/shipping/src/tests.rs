//! The service through its entry points.

mod access;
mod admin;
mod booking;
mod cancelling;
mod demonstration;
mod erasing;
mod fulfilments;
mod migrations;
mod shipping_rates;
mod simulation;
mod tracking;

use contracts::{
    ids::{OrderId, ShipmentId, UserId},
    money::Currency,
    order::{CancelReason, OrderCancelled, OrderConfirmed, OrderCreated, OrderRefunded},
    payment::PaymentMethod,
    shipping::Shipment,
    user::AddressSnapshot,
};
use platform::testing::{Harness, TestResponse};
use serde_json::{Value, json};

#[test]
fn statements_prepare() {
    platform::testing::assert_statements_prepare(&crate::service(), env!("CARGO_MANIFEST_DIR"));
}

async fn start() -> Harness {
    Harness::of(crate::service()).start().await
}

/// The service with a short timeout, for tests in which the carrier does not answer.
async fn start_with_short_timeout() -> Harness {
    Harness::of(crate::service()).setting("carrier_timeout_ms", 250).start().await
}

/// An order of a customer, with its events.
#[derive(Clone, Copy)]
struct Order {
    order_id: OrderId,
    user_id: UserId,
}

impl Order {
    fn new(h: &Harness) -> Order {
        Order { order_id: h.id(), user_id: h.id() }
    }

    fn created(self, h: &Harness, complement: &str) -> OrderCreated {
        OrderCreated {
            fulfilments: Vec::new(),
            order_id: self.order_id,
            order_number: "SK-1".into(),
            user_id: self.user_id,
            cart_id: h.id(),
            currency: Currency::EUR,
            subtotal_amount: 1000,
            shipping_amount: 490,
            tax_amount: 0,
            prices_include_tax: false,
            discount_amount: 0,
            total_amount: 1490,
            payment_method: PaymentMethod::ALL[0],
            items: Vec::new(),
            shipping_address_snapshot: address(complement),
            billing_address_snapshot: address(""),
        }
    }

    fn confirmed(self, h: &Harness, complement: &str) -> OrderConfirmed {
        OrderConfirmed {
            fulfilments: Vec::new(),
            order_id: self.order_id,
            order_number: "SK-1".into(),
            user_id: self.user_id,
            payment_id: h.id(),
            reservation_id: h.id(),
            currency: Currency::EUR,
            subtotal_amount: 1000,
            shipping_amount: 490,
            tax_amount: 0,
            prices_include_tax: false,
            discount_amount: 0,
            total_amount: 1490,
            items: Vec::new(),
            shipping_address_snapshot: address(complement),
        }
    }

    fn cancelled(self, h: &Harness) -> OrderCancelled {
        OrderCancelled {
            order_id: self.order_id,
            order_number: "SK-1".into(),
            user_id: self.user_id,
            reason: CancelReason::CustomerRequest,
            note: None,
            by_customer: true,
            lines_return: false,
            cart_id: h.id(),
            items: Vec::new(),
            currency: Currency::EUR,
            total_amount: 1490,
            refund_due: true,
        }
    }

    fn refunded(self, h: &Harness) -> OrderRefunded {
        OrderRefunded {
            order_id: self.order_id,
            order_number: "SK-1".into(),
            user_id: self.user_id,
            payment_id: h.id(),
            currency: Currency::EUR,
            total_amount: 1490,
            refunded_amount: 1490,
        }
    }
}

fn address(complement: &str) -> AddressSnapshot {
    AddressSnapshot {
        country: "DE".into(),
        state: String::new(),
        city: "Bremen".into(),
        zip: "28195".into(),
        street: "Am Wall".into(),
        number: "7".into(),
        complement: complement.into(),
        ..AddressSnapshot::default()
    }
}

/// Delivers a confirmed order that goes to an address with this complement.
async fn confirm(h: &Harness, complement: &str) -> Order {
    let order = Order::new(h);
    h.deliver(order.confirmed(h, complement)).await;
    order
}

/// Confirms an order and books its parcel.
async fn ship(h: &Harness) -> (Order, ShipmentId) {
    let order = confirm(h, "").await;
    h.complete().await;
    (order, shipments(h, order).await[0].shipment_id)
}

/// Returns the shipments that the order's customer sees.
async fn shipments(h: &Harness, order: Order) -> Vec<Shipment> {
    let path = format!("/orders/{}/shipments", order.order_id);
    let items = h.get(&path).customer(order.user_id).send().await.expect(200).json()["items"].clone();
    serde_json::from_value(items).unwrap()
}

/// Returns what administrators see of an order.
async fn overview(h: &Harness, order: Order) -> Value {
    let list = h.get("/admin/shipments?limit=100").admin().send().await.expect(200).json();
    let found = list["items"].as_array().unwrap().iter().find(|item| item["orderId"] == order.order_id.to_string()).cloned();
    found.unwrap_or(Value::Null)
}

async fn report(h: &Harness, shipment: ShipmentId, status: &str, message: &str) -> TestResponse {
    let body = json!({"status": status, "message": message});
    h.post(&format!("/shipments/{shipment}/events"), &body).admin().send().await
}

async fn retry(h: &Harness, order: Order) -> TestResponse {
    h.request(axum::http::Method::POST, &format!("/admin/shipments/{}/retry", order.order_id)).admin().send().await
}

/// Cancels the shipment as the order service does, and returns the outcome.
async fn cancel_shipment(h: &Harness, order: Order) -> String {
    let path = format!("/internal/shipments/{}/recall", order.order_id);
    let answer = h.request(axum::http::Method::PUT, &path).service("order").send().await.expect(200);
    answer.json()["outcome"].as_str().unwrap().to_owned()
}
