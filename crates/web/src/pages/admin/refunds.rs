//! A refund: its amount, then what it would do, then the refund.

use super::{
    AdminRequest,
    admin_orders::{PATH, Parameters},
    screens::{Cell, Field, FormView, Link, Refused, Sheet},
    sent::{Sent, amount},
};
use crate::{api::Failure, dashboard::Figure, session::AdminNotice};
use axum::{
    Form,
    extract::{Path, Query},
    response::Response,
};
use contracts::{
    order::{GET_ORDER, OrderView},
    payment::{GET_PAYMENT, Payment, PaymentStatus, REFUND_PAYMENT},
};
use serde_json::json;

/// The order, and the payment that money can go back from.
async fn read(request: &AdminRequest, id: &str) -> Result<(OrderView, Option<Payment>), Failure> {
    let order = request.call(&GET_ORDER).path(id).send().await?;
    let payment = match order.payment_id {
        Some(id) => Some(request.call(&GET_PAYMENT).path(id).send().await?),
        None => None,
    };
    Ok((order, payment))
}

/// What is left of the captured money.
pub fn refundable(payment: &Payment) -> i64 {
    if payment.status == PaymentStatus::Captured { payment.captured_amount - payment.refunded_amount } else { 0 }
}

pub async fn form(request: AdminRequest, Path(id): Path<String>) -> Response {
    ask(request, &id, None).await
}

async fn ask(request: AdminRequest, id: &str, refused: Option<Refused>) -> Response {
    let t = request.t;
    let (order, payment) = match read(&request, id).await {
        Ok(read) => read,
        Err(failure) => return request.failed(&failure),
    };
    let left = payment.as_ref().map_or(0, refundable);
    let view = sheet(&request, &order, payment.as_ref());
    if left == 0 {
        return request.sheet(Sheet { lead: t.nothing_to_refund.to_owned(), ..view });
    }
    let parts = [("all", t.refund_all), ("part", t.refund_part)];
    let form = FormView::new("refund", t.refund_how_much, format!("{PATH}/{}/refund/preview", order.order_id), t.refund_to_preview)
        .hint(t.refund_hint)
        .field(Field::select("part", t.refund_what, "all", parts))
        .field(Field::text("amount", t.amount, "").hint(t.refund_amount_hint))
        .by_get()
        .main()
        .again(refused.as_ref());
    request.sheet(Sheet { faults: Refused::page_faults(refused.as_ref()), forms: vec![form], ..view })
}

fn sheet(request: &AdminRequest, order: &OrderView, payment: Option<&Payment>) -> Sheet {
    let t = request.t;
    let money = |minor| request.money(minor, order.currency);
    let (captured, refunded) = payment.map_or((0, 0), |payment| (payment.captured_amount, payment.refunded_amount));
    Sheet {
        title: format!("{} {}", t.refund_of, order.order_number),
        back: Some(Link { label: t.order, href: format!("{PATH}/{}", order.order_id) }),
        figures: vec![
            Figure::new(t.captured, money(captured)),
            Figure::new(t.refunded, money(refunded)),
            Figure::new(t.refundable, money(payment.map_or(0, refundable))),
        ],
        ..Sheet::default()
    }
}

pub async fn preview(request: AdminRequest, Path(id): Path<String>, Query(parameters): Query<Parameters>) -> Response {
    let t = request.t;
    let (order, payment) = match read(&request, &id).await {
        Ok((order, Some(payment))) if refundable(&payment) > 0 => (order, payment),
        Ok(_) => return ask(request, &id, None).await,
        Err(failure) => return request.failed(&failure),
    };
    let left = refundable(&payment);
    let sent = Sent(parameters);
    let is_all = sent.text("part") != "part";
    let minor = if is_all { Some(left) } else { amount(sent.text("amount"), order.currency.decimals()) };
    let minor = match minor {
        Some(minor) if (1..=left).contains(&minor) => minor,
        None | Some(..1) => {
            let refused = Refused::unread("refund", sent, "amount", t.not_an_amount);
            return ask(request, &id, Some(refused)).await;
        }
        Some(_) => {
            let refused = Refused::unread("refund", sent, "amount", t.more_than_left);
            return ask(request, &id, Some(refused)).await;
        }
    };
    let money = |minor| request.money(minor, order.currency);
    let is_whole = minor == payment.captured_amount;
    let confirm = FormView::new("confirm", t.refund_confirm, format!("{PATH}/{}/refund", order.order_id), t.refund_now)
        .hint(t.refund_confirm_hint)
        .field(Field::hidden("amount", minor))
        .main();
    let view = Sheet {
        lead: t.refund_preview_lead.to_owned(),
        facts: vec![
            (t.this_refund, Cell::text(money(minor))),
            (t.refunded_afterwards, Cell::text(money(payment.refunded_amount + minor))),
            (t.kept_afterwards, Cell::text(money(left - minor))),
            (t.order_afterwards, Cell::text(if minor == left { t.order_becomes_refunded } else { t.order_stays })),
            (t.booked_as, Cell::text(if is_whole { t.booked_by_part } else { t.booked_as_expense })),
            (t.goods, Cell::text(t.refund_keeps_goods)),
        ],
        links: vec![Link { label: t.another_amount, href: format!("{PATH}/{}/refund", order.order_id) }],
        forms: vec![confirm],
        ..sheet(&request, &order, Some(&payment))
    };
    request.sheet(view)
}

pub async fn refund(request: AdminRequest, Path(id): Path<String>, Form(sent): Form<Sent>) -> Response {
    let payment = match request.call(&GET_ORDER).path(&id).send().await {
        Ok(order) => order.payment_id,
        Err(failure) => return request.failed(&failure),
    };
    let Some(payment) = payment else { return ask(request, &id, None).await };
    let minor: i64 = sent.text("amount").parse().unwrap_or(0);
    let result = request.call(&REFUND_PAYMENT).path(payment).key(sent.key()).raw_body(&json!({"amount": minor})).send().await;
    let to = (AdminNotice::Refunded, &*format!("{PATH}/{id}"));
    request.finish(result, ("refund", sent), to, |request, refused| ask(request, &id, Some(refused))).await
}
