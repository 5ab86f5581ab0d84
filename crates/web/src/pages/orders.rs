//! The orders of a customer, and the story of one of them.

use super::{Frame, failed, page, see_other, to_login};
use crate::{
    Site, format,
    session::{Notice, Visitor},
    texts::Texts,
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    response::Response,
};
use contracts::{
    order::{CANCEL_ORDER, GET_ORDER, LIST_ORDERS, OrderStatus, OrderSummary, OrderView, PAY_ORDER},
    page::Page,
};
use serde::Deserialize;
use serde_json::json;

const ORDERS: usize = 20;

/// What an order's status means, in words.
fn words(t: &'static Texts, status: OrderStatus) -> &'static str {
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

#[derive(Template)]
#[template(path = "orders.html")]
struct OrdersPage {
    frame: Frame,
    orders: Page<OrderSummary>,
}

impl OrdersPage {
    fn words(&self, order: &OrderSummary) -> &'static str {
        words(self.frame.t, order.status)
    }
    fn day(&self, order: &OrderSummary) -> String {
        format::day(self.frame.lang, order.created_at)
    }
}

pub async fn list(State(site): State<Site>, mut visitor: Visitor) -> Response {
    if !visitor.is_logged_in() {
        return to_login(&site, &visitor, "/account/orders");
    }
    let caller = visitor.caller();
    match site.0.api.call(&caller, &LIST_ORDERS).query("limit", ORDERS).send().await {
        Ok(orders) => {
            let frame = Frame::of(&mut visitor);
            page(&site, &visitor, &OrdersPage { frame, orders })
        }
        Err(failure) => failed(&site, &mut visitor, &failure),
    }
}

/// A step of the timeline.
struct Step {
    words: &'static str,
    moment: String,
    reason: String,
}

#[derive(Template)]
#[template(path = "order.html")]
struct OrderPage {
    frame: Frame,
    order: OrderView,
    status: &'static str,
    day: String,
    steps: Vec<Step>,
    can_cancel: bool,
    can_pay: bool,
}

impl OrderPage {
    fn title(&self, text: &str) -> String {
        format::title(text)
    }
}

pub async fn show(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>) -> Response {
    if !visitor.is_logged_in() {
        let here = visitor.here.clone();
        return to_login(&site, &visitor, &here);
    }
    let caller = visitor.caller();
    let order = match site.0.api.call(&caller, &GET_ORDER).path(&id).send().await {
        Ok(order) => order,
        Err(failure) => return failed(&site, &mut visitor, &failure),
    };
    let frame = Frame::of(&mut visitor);
    let (t, lang) = (frame.t, frame.lang);
    let steps = order.timeline.iter().map(|entry| Step {
        words: words(t, entry.status),
        moment: format::moment(lang, entry.occurred_at),
        reason: entry.reason.clone().unwrap_or_default(),
    });
    let template = OrderPage {
        status: words(t, order.status),
        day: format::day(lang, order.created_at),
        steps: steps.collect(),
        can_cancel: !order.cancellation_requested
            && matches!(
                order.status,
                OrderStatus::PendingPayment
                    | OrderStatus::PaymentAuthorized
                    | OrderStatus::InventoryReserved
                    | OrderStatus::Confirmed
                    | OrderStatus::PaymentFailed
            ),
        can_pay: order.status == OrderStatus::PaymentFailed,
        order,
        frame,
    };
    page(&site, &visitor, &template)
}

pub async fn cancel(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>) -> Response {
    let caller = visitor.caller();
    match site.0.api.call(&caller, &CANCEL_ORDER).path(&id).raw_body(&json!({})).send().await {
        Ok(order) => {
            visitor.session.notice = Some(Notice::Cancelled);
            see_other(&site, &visitor, &format!("/account/orders/{}", order.order_id))
        }
        Err(failure) => failed(&site, &mut visitor, &failure),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PayForm {
    payment_method: String,
}

pub async fn pay(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>, Form(form): Form<PayForm>) -> Response {
    let caller = visitor.caller();
    let body = json!({"paymentMethod": form.payment_method});
    match site.0.api.call(&caller, &PAY_ORDER).path(&id).header("prefer", "wait=10").raw_body(&body).send().await {
        Ok(order) => see_other(&site, &visitor, &format!("/account/orders/{}", order.order_id)),
        Err(failure) => failed(&site, &mut visitor, &failure),
    }
}
