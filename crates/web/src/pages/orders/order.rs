//! The page of an order: what happened, its parcels, and what can be done now.

use super::{Reader, tone, words};
use crate::{
    Site,
    api::{Caller, Failure},
    format,
    forms::Faults,
    pages::{Frame, account::addresses::AddressLine, enter, failed, page, refused_page, see_other, tokens::token_of},
    session::{Notice, Visitor},
    texts::{Language, Texts, code_words},
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use contracts::{
    cart::{ADD_CART_ITEM, CREATE_GUEST_CART},
    ids::{OrderId, Uuid},
    order::{CANCEL_FULFILMENT, CANCEL_ORDER, FulfilmentStatus, FulfilmentView, GET_ORDER, OrderItem, OrderStatus, OrderView, PAY_ORDER},
    returns::{LIST_RETURNS, Return},
    shipping::{LIST_SHIPMENTS_OF_ORDER, Shipment, ShipmentStatus},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// Returns of the customer that are looked through for those of the order.
const RETURNS: usize = 100;

/// A step of the timeline, or of a parcel's journey.
struct Step {
    words: String,
    moment: String,
    reason: String,
}

struct Line {
    title: String,
    href: String,
    /// Where a review of it is written.
    review: String,
    image: Option<String>,
    quantity: u32,
    unit: String,
    total: String,
    returned: u32,
}

/// The part of the order that one seller ships.
struct Part {
    id: String,
    status: &'static str,
    tone: &'static str,
    carrier: String,
    tracking_number: String,
    lines: Vec<Line>,
    steps: Vec<Step>,
    can_cancel: bool,
    can_return: bool,
    is_delivered: bool,
}

struct ReturnLink {
    href: String,
    status: &'static str,
    day: String,
}

#[derive(Template)]
#[template(path = "order.html")]
struct OrderPage {
    frame: Frame,
    base: String,
    is_guest: bool,
    order: OrderView,
    status: &'static str,
    tone: &'static str,
    day: String,
    steps: Vec<Step>,
    parts: Vec<Part>,
    returns: Vec<ReturnLink>,
    address: Vec<String>,
    /// Empty when it is the shipping address.
    billing: Vec<String>,
    can_cancel: bool,
    can_pay: bool,
    /// The address of the stream of changes; empty when nothing happens by itself any more.
    live: String,
    /// One for each time that the page is shown.
    form_key: String,
    faults: Faults,
}

#[derive(Template)]
#[template(path = "order_token.html")]
struct TokenPage {
    frame: Frame,
    id: String,
    faults: Faults,
}

pub async fn show(State(site): State<Site>, visitor: Visitor, Path(id): Path<String>) -> Response {
    show_with(&site, visitor, &id, false, None).await
}

/// The address in mails: it leads a customer to the order of the account, and a guest to that of the token.
pub async fn show_to_guest(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>) -> Response {
    if Reader::of(&visitor, &id, true).is_some() {
        return show_with(&site, visitor, &id, true, None).await;
    }
    if visitor.is_logged_in() && id.parse::<OrderId>().is_ok() {
        return see_other(&site, &visitor, &format!("/account/orders/{id}"));
    }
    let frame = Frame::of(&mut visitor);
    page(&site, &visitor, &TokenPage { frame, id, faults: Faults::default() })
}

#[derive(Deserialize)]
pub struct TokenForm {
    #[serde(default)]
    token: String,
}

/// Opens the order of a guest with the token of a mail.
pub async fn open(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>, Form(form): Form<TokenForm>) -> Response {
    let Ok(order_id) = id.parse::<OrderId>() else {
        return failed(&site, &mut visitor, &Failure::not_found());
    };
    let token = token_of(&form.token);
    let caller = Caller { order_token: Some(token.clone()), ..visitor.caller() };
    match site.0.api.call(&caller, &GET_ORDER).path(order_id).send().await {
        Ok(_) => {
            visitor.keep_order(order_id, token);
            see_other(&site, &visitor, &format!("/orders/{order_id}"))
        }
        Err(failure) if failure.is_about_the_form() || matches!(failure.status(), StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND) => {
            let frame = Frame::of(&mut visitor);
            let faults = Faults::at("token", frame.t.token_wrong);
            refused_page(&site, &visitor, StatusCode::UNPROCESSABLE_ENTITY, &TokenPage { frame, id, faults })
        }
        Err(failure) => failed(&site, &mut visitor, &failure),
    }
}

async fn show_with(site: &Site, mut visitor: Visitor, id: &str, is_guest: bool, refused: Option<Failure>) -> Response {
    let Some(reader) = Reader::of(&visitor, id, is_guest) else { return enter(site, &visitor) };
    let api = &site.0.api;
    let order = api.call(&reader.caller, &GET_ORDER).path(id).send();
    let shipments = api.call(&reader.caller, &LIST_SHIPMENTS_OF_ORDER).path(id).query("limit", RETURNS).send();
    let returns = async {
        match is_guest {
            // A guest finds a return by the link of its mail.
            true => Vec::new(),
            false => api
                .call(&reader.caller, &LIST_RETURNS)
                .query("limit", RETURNS)
                .send()
                .await
                .map_or_else(|_| Vec::new(), |found| found.items),
        }
    };
    let (order, shipments, returns) = tokio::join!(order, shipments, returns);
    let order = match order {
        Ok(order) => order,
        Err(failure) => return failed(site, &mut visitor, &failure),
    };
    // Parcels are left out while shipping does not answer.
    let shipments = shipments.map_or_else(|_| Vec::new(), |found| found.items);
    let faults = refused.as_ref().map(Faults::of).unwrap_or_default();
    let frame = Frame::of(&mut visitor);
    let template = order_page(frame, &reader, order, &shipments, &returns, site.0.env.new_id::<Uuid>(), faults);
    match refused {
        Some(failure) => refused_page(site, &visitor, failure.status(), &template),
        None => page(site, &visitor, &template),
    }
}

/// Names what the page shows: it is another text once the order or one of its parcels changed.
pub fn version(order: &OrderView, shipments: &[Shipment]) -> String {
    let parcels = shipments.iter().map(|shipment| shipment.updated_at.0).max().unwrap_or_default();
    format!("{}-{}-{parcels}", order.updated_at.0, shipments.len())
}

fn order_page(
    frame: Frame,
    reader: &Reader,
    order: OrderView,
    shipments: &[Shipment],
    returns: &[Return],
    key: Uuid,
    faults: Faults,
) -> OrderPage {
    let (t, lang) = (frame.t, frame.lang);
    let steps = order.timeline.iter().map(|entry| Step {
        words: words(t, entry.status).to_owned(),
        moment: format::moment(lang, entry.occurred_at),
        reason: reason_words(t, entry.reason.as_deref().unwrap_or_default()),
    });
    let before_shipping = matches!(
        order.status,
        OrderStatus::PendingPayment
            | OrderStatus::PaymentAuthorized
            | OrderStatus::InventoryReserved
            | OrderStatus::Confirmed
            | OrderStatus::PaymentFailed
    );
    let is_over = matches!(order.status, OrderStatus::Cancelled | OrderStatus::Refunded | OrderStatus::PaymentFailed);
    let is_on_its_way =
        |part: &FulfilmentView| matches!(part.status, FulfilmentStatus::Pending | FulfilmentStatus::Confirmed | FulfilmentStatus::Shipped);
    let is_moving = !is_over && order.fulfilments.iter().any(is_on_its_way);
    let parts: Vec<Part> = order.fulfilments.iter().map(|fulfilment| part(t, lang, &order, fulfilment, shipments)).collect();
    let base = format!("{}/{}", reader.base.rsplit_once('/').map_or("", |(before, _)| before), order.order_id);
    let returns = returns.iter().filter(|found| found.order_id == order.order_id).map(|found| ReturnLink {
        href: format!("{base}/returns/{}", found.return_id),
        status: return_words(t, found.status),
        day: format::day(lang, found.created_at),
    });
    OrderPage {
        status: words(t, order.status),
        tone: tone(order.status),
        day: format::day(lang, order.created_at),
        steps: steps.collect(),
        can_cancel: !order.cancellation_requested && before_shipping && !order.partially_shipped,
        can_pay: order.status == OrderStatus::PaymentFailed,
        live: if is_moving { format!("{base}/events?since={}", version(&order, shipments)) } else { String::new() },
        returns: returns.collect(),
        address: AddressLine::of_snapshot(lang, &order.shipping_address_snapshot),
        billing: match order.billing_address_snapshot == order.shipping_address_snapshot {
            true => Vec::new(),
            false => AddressLine::of_snapshot(lang, &order.billing_address_snapshot),
        },
        is_guest: reader.is_guest,
        form_key: key.to_string(),
        base,
        parts,
        order,
        frame,
        faults,
    }
}

fn part(t: &'static Texts, lang: Language, order: &OrderView, fulfilment: &FulfilmentView, shipments: &[Shipment]) -> Part {
    let shipment = shipments.iter().find(|shipment| shipment.fulfilment_id == fulfilment.fulfilment_id);
    let (status, tone) = match fulfilment.status {
        FulfilmentStatus::Pending => (t.part_pending, "few"),
        FulfilmentStatus::Confirmed => (t.part_confirmed, "few"),
        FulfilmentStatus::Shipped => (t.status_shipped, "good"),
        FulfilmentStatus::Delivered => (t.status_delivered, "good"),
        FulfilmentStatus::Cancelled => (t.status_cancelled, "bad"),
        FulfilmentStatus::Returned => (t.part_returned, "bad"),
    };
    let item_of = |id| order.items.iter().find(|item| item.order_item_id == id);
    let lines: Vec<Line> =
        fulfilment.items.iter().filter_map(|line| item_of(line.order_item_id)).map(|item| line(lang, order, item)).collect();
    let steps = shipment.map_or_else(Vec::new, |shipment| {
        let step = |event: &contracts::shipping::ShipmentEvent| Step {
            words: parcel_words(t, event.status).to_owned(),
            moment: format::moment(lang, event.occurred_at),
            reason: code_words(lang, &event.message).to_owned(),
        };
        shipment.events.iter().map(step).collect()
    });
    let delivered = matches!(fulfilment.status, FulfilmentStatus::Delivered);
    Part {
        id: fulfilment.fulfilment_id.to_string(),
        status,
        tone,
        carrier: fulfilment.carrier.clone().unwrap_or_default(),
        tracking_number: fulfilment.tracking_number.clone().unwrap_or_default(),
        is_delivered: delivered,
        can_return: delivered && lines.iter().any(|line| line.returned < line.quantity),
        lines,
        steps,
        can_cancel: order.fulfilments.len() > 1 && fulfilment.status == FulfilmentStatus::Confirmed && !fulfilment.cancellation_requested,
    }
}

fn line(lang: Language, order: &OrderView, item: &OrderItem) -> Line {
    Line {
        title: format::title(&item.title_snapshot),
        href: format!("/products/{}", item.product_id),
        review: format!("/account/reviews/new?product={}", item.product_id),
        image: item.image_url.clone(),
        quantity: item.quantity,
        unit: format::money(lang, item.unit_price_snapshot, order.currency),
        total: format::money(lang, item.line_total_amount, order.currency),
        returned: item.returned_quantity,
    }
}

fn parcel_words(t: &'static Texts, status: ShipmentStatus) -> &'static str {
    match status {
        ShipmentStatus::Created => t.parcel_created,
        ShipmentStatus::InTransit => t.status_shipped,
        ShipmentStatus::Delivered => t.status_delivered,
        ShipmentStatus::Returned => t.part_returned,
    }
}

/// Returns what a reason of the timeline means. A customer's own text stays as it is.
pub fn reason_words(t: &'static Texts, reason: &str) -> String {
    let known = match reason {
        "PAYMENT_DECLINED" | "CARD_DECLINED" => t.reason_declined,
        "INSUFFICIENT_FUNDS" => t.reason_funds,
        "OUT_OF_STOCK" | "INSUFFICIENT_STOCK" => t.reason_stock,
        "PARCEL_RETURNED" => t.part_returned,
        "CUSTOMER_REQUEST" => t.reason_customer,
        "ADMIN_REQUEST" => t.reason_shop,
        "SELLER_REQUEST" => t.reason_seller,
        "PAYMENT_WINDOW_CLOSED" => t.reason_window,
        other => other,
    };
    known.to_owned()
}

pub use contracts::returns::ReturnStatus;

/// Returns what a return's status means, in words.
pub fn return_words(t: &'static Texts, status: ReturnStatus) -> &'static str {
    match status {
        ReturnStatus::Requested => t.return_requested,
        ReturnStatus::Approved => t.return_approved,
        ReturnStatus::Rejected => t.return_rejected,
        ReturnStatus::Cancelled => t.return_cancelled,
        ReturnStatus::InTransit => t.return_in_transit,
        ReturnStatus::Received => t.return_received,
        ReturnStatus::Refunded => t.return_refunded,
        ReturnStatus::Closed => t.return_closed,
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct StepForm {
    /// The part to cancel; empty for the whole order.
    fulfilment_id: String,
    reason: String,
    payment_method: String,
    form_key: String,
}

pub async fn cancel(state: State<Site>, visitor: Visitor, id: Path<String>, form: Form<StepForm>) -> Response {
    cancel_as(state, visitor, id, form, false).await
}

pub async fn cancel_of_guest(state: State<Site>, visitor: Visitor, id: Path<String>, form: Form<StepForm>) -> Response {
    cancel_as(state, visitor, id, form, true).await
}

async fn cancel_as(
    State(site): State<Site>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<StepForm>,
    is_guest: bool,
) -> Response {
    let Some(reader) = Reader::of(&visitor, &id, is_guest) else { return enter(&site, &visitor) };
    let body = if form.reason.trim().is_empty() { json!({}) } else { json!({"reason": form.reason.trim()}) };
    let api = &site.0.api;
    let done = match &*form.fulfilment_id {
        "" => api.call(&reader.caller, &CANCEL_ORDER).path(&id).key(&form.form_key).raw_body(&body).send().await,
        part => api.call(&reader.caller, &CANCEL_FULFILMENT).path(&id).path(part).key(&form.form_key).raw_body(&body).send().await,
    };
    after(&site, visitor, &id, &reader, done, Some(Notice::Cancelled)).await
}

pub async fn pay(state: State<Site>, visitor: Visitor, id: Path<String>, form: Form<StepForm>) -> Response {
    pay_as(state, visitor, id, form, false).await
}

pub async fn pay_of_guest(state: State<Site>, visitor: Visitor, id: Path<String>, form: Form<StepForm>) -> Response {
    pay_as(state, visitor, id, form, true).await
}

async fn pay_as(
    State(site): State<Site>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<StepForm>,
    is_guest: bool,
) -> Response {
    let Some(reader) = Reader::of(&visitor, &id, is_guest) else { return enter(&site, &visitor) };
    let body = json!({"paymentMethod": form.payment_method});
    let call = site.0.api.call(&reader.caller, &PAY_ORDER).path(&id).key(&form.form_key);
    let paid = call.header("prefer", "wait=10").raw_body(&body).send().await;
    after(&site, visitor, &id, &reader, paid, None).await
}

/// Shows the order after a step, with what was wrong when it was refused.
async fn after(
    site: &Site,
    mut visitor: Visitor,
    id: &str,
    reader: &Reader,
    done: Result<OrderView, Failure>,
    notice: Option<Notice>,
) -> Response {
    match done {
        Ok(_) => {
            visitor.session.notice = notice;
            see_other(site, &visitor, &reader.base)
        }
        Err(failure) if failure.is_about_the_form() => show_with(site, visitor, id, reader.is_guest, Some(failure)).await,
        Err(failure) => failed(site, &mut visitor, &failure),
    }
}

pub async fn buy_again(state: State<Site>, visitor: Visitor, id: Path<String>, form: Form<StepForm>) -> Response {
    buy_again_as(state, visitor, id, form, false).await
}

pub async fn buy_again_of_guest(state: State<Site>, visitor: Visitor, id: Path<String>, form: Form<StepForm>) -> Response {
    buy_again_as(state, visitor, id, form, true).await
}

/// Puts what was ordered into the cart once more. What cannot be bought any more is left out.
async fn buy_again_as(
    State(site): State<Site>,
    mut visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<StepForm>,
    is_guest: bool,
) -> Response {
    let Some(reader) = Reader::of(&visitor, &id, is_guest) else { return enter(&site, &visitor) };
    let api = &site.0.api;
    let order = match api.call(&reader.caller, &GET_ORDER).path(&id).send().await {
        Ok(order) => order,
        Err(failure) => return failed(&site, &mut visitor, &failure),
    };
    if !visitor.is_logged_in() && visitor.session.cart_token.is_none() {
        match api.call(&visitor.caller(), &CREATE_GUEST_CART).send().await {
            Ok(cart) => visitor.session.cart_token = Some(cart.cart_token.reveal().to_owned()),
            Err(failure) => return failed(&site, &mut visitor, &failure),
        }
    }
    let caller = visitor.caller();
    let mut added = false;
    for item in &order.items {
        let body: Value = json!({"productId": item.product_id, "quantity": item.quantity});
        let key = format!("{}:{}", form.form_key, item.order_item_id);
        match api.call(&caller, &ADD_CART_ITEM).key(&key).raw_body(&body).send().await {
            Ok(cart) => {
                visitor.session.cart_count = cart.items.iter().map(|item| item.quantity).sum();
                added = true;
            }
            Err(failure) if failure.is_about_the_form() || failure.status() == StatusCode::NOT_FOUND => {}
            Err(failure) => return failed(&site, &mut visitor, &failure),
        }
    }
    visitor.session.notice = Some(if added { Notice::Added } else { Notice::NotAvailable });
    see_other(&site, &visitor, "/cart")
}
