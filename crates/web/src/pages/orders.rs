//! The orders of a customer, and the pages of one order, of a customer or of a guest.

pub mod live;
mod order;
mod sending_back;

use super::{Frame, failed, page, to_login};
use crate::{Site, api::Caller, format, session::Visitor, texts::Texts};
use askama::Template;
use axum::{
    Router,
    extract::{Query, State},
    response::Response,
    routing::{get, post},
};
use contracts::{
    order::{LIST_ORDERS, OrderStatus, OrderSummary},
    page::Page,
};
pub use order::reason_words;
use serde::Deserialize;

const ORDERS: usize = 20;

/// The same pages for customers below `/account/orders` and for guests below `/orders`.
pub fn routes() -> Router<Site> {
    Router::new()
        .route("/account/orders", get(list))
        .route("/account/orders/{orderId}", get(order::show))
        .route("/account/orders/{orderId}/events", get(live::events))
        .route("/account/orders/{orderId}/cancel", post(order::cancel))
        .route("/account/orders/{orderId}/pay", post(order::pay))
        .route("/account/orders/{orderId}/again", post(order::buy_again))
        .route("/account/orders/{orderId}/return", get(sending_back::show_form).post(sending_back::request))
        .route("/account/orders/{orderId}/returns/{returnId}", get(sending_back::show))
        .route("/account/orders/{orderId}/returns/{returnId}/cancel", post(sending_back::cancel))
        .route("/orders/{orderId}", get(order::show_to_guest).post(order::open))
        .route("/orders/{orderId}/events", get(live::events_of_guest))
        .route("/orders/{orderId}/cancel", post(order::cancel_of_guest))
        .route("/orders/{orderId}/pay", post(order::pay_of_guest))
        .route("/orders/{orderId}/again", post(order::buy_again_of_guest))
        .route("/orders/{orderId}/return", get(sending_back::show_form_to_guest).post(sending_back::request_of_guest))
        .route("/orders/{orderId}/returns/{returnId}", get(sending_back::show_to_guest))
        .route("/orders/{orderId}/returns/{returnId}/cancel", post(sending_back::cancel_of_guest))
}

/// Returns what an order's status means, in words.
pub fn words(t: &'static Texts, status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::PendingPayment => t.status_waiting,
        OrderStatus::PaymentAuthorized | OrderStatus::InventoryReserved => t.status_paid,
        OrderStatus::Confirmed => t.status_confirmed,
        OrderStatus::Shipped => t.status_shipped,
        OrderStatus::Delivered => t.status_delivered,
        OrderStatus::PaymentFailed => t.status_payment_failed,
        OrderStatus::Cancelled => t.status_cancelled,
        OrderStatus::Refunded => t.status_refunded,
    }
}

/// Returns the class of the pill of a status.
pub fn tone(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::PaymentFailed | OrderStatus::Cancelled => "bad",
        OrderStatus::Delivered | OrderStatus::Confirmed | OrderStatus::Shipped => "good",
        _ => "few",
    }
}

/// Who reads an order: its customer below `/account/orders`, or a guest with its token below `/orders`.
pub struct Reader {
    pub caller: Caller,
    /// The address of the order's page.
    pub base: String,
    pub is_guest: bool,
}

impl Reader {
    /// `None` when the visitor has to log in first, or to show the token.
    pub fn of(visitor: &Visitor, id: &str, is_guest: bool) -> Option<Reader> {
        let caller = match is_guest {
            true => visitor.caller_of_order(id.parse().ok()?)?,
            false => visitor.customer()?,
        };
        let base = if is_guest { format!("/orders/{id}") } else { format!("/account/orders/{id}") };
        Some(Reader { caller, base, is_guest })
    }
}

#[derive(Template)]
#[template(path = "orders.html")]
struct OrdersPage {
    frame: Frame,
    here: &'static str,
    orders: Page<OrderSummary>,
}

impl OrdersPage {
    fn words(&self, order: &OrderSummary) -> &'static str {
        words(self.frame.t, order.status)
    }
    fn tone(&self, order: &OrderSummary) -> &'static str {
        tone(order.status)
    }
    fn day(&self, order: &OrderSummary) -> String {
        format::day(self.frame.lang, order.created_at)
    }
    fn names(&self, order: &OrderSummary) -> String {
        let names = order.items.iter().take(2).map(|item| format::title(&item.title_snapshot));
        names.collect::<Vec<_>>().join(", ")
    }
    fn more(&self, order: &OrderSummary) -> u32 {
        order.item_count.saturating_sub(2)
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct At {
    cursor: String,
}

pub async fn list(State(site): State<Site>, mut visitor: Visitor, Query(at): Query<At>) -> Response {
    let Some(caller) = visitor.customer() else { return to_login(&site, &visitor, "/account/orders") };
    let mut call = site.0.api.call(&caller, &LIST_ORDERS).query("limit", ORDERS);
    if !at.cursor.is_empty() {
        call = call.query("cursor", &at.cursor);
    }
    match call.send().await {
        Ok(orders) => {
            let frame = Frame::of(&mut visitor);
            page(&site, &visitor, &OrdersPage { frame, here: "orders", orders })
        }
        Err(failure) => failed(&site, &mut visitor, &failure),
    }
}
