//! One fulfilment: what goes into the parcel, where it goes, and the steps that its seller can take.

use super::{Shell, done, enter_shop, fulfilments, is_fatal};
use crate::{
    Site,
    api::Failure,
    dashboard::{Badge, Dashboard, Head, form_key, is_missing},
    format,
    forms::Faults,
    pages::{Frame, failed, not_found_page, page, refused_page},
    session::{SellerNotice, Visitor},
    texts::SellerTexts,
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    response::Response,
};
use contracts::order::{CANCEL_FULFILMENT, GET_FULFILMENT, SHIP_FULFILMENT, SellerFulfilment};
use serde::Deserialize;
use serde_json::{Map, Value};

struct Line {
    sku: String,
    title: String,
    quantity: u32,
    price: String,
    total: String,
    returned: u32,
}

/// What was typed.
#[derive(Deserialize, Default, Clone)]
#[serde(rename_all = "camelCase", default)]
pub struct StepForm {
    carrier: String,
    tracking_number: String,
    reason: String,
    key: String,
}

#[derive(Template)]
#[template(path = "seller/fulfilment.html")]
struct FulfilmentPage {
    frame: Frame,
    board: Dashboard,
    t: &'static SellerTexts,
    fulfilment: SellerFulfilment,
    badge: Badge,
    day: String,
    heads: Vec<Head>,
    lines: Vec<Line>,
    typed: StepForm,
    can_ship: bool,
    can_cancel: bool,
    key: String,
    faults: Faults,
}

#[derive(Template)]
#[template(path = "seller/slip.html")]
struct Slip {
    frame: Frame,
    board: Dashboard,
    t: &'static SellerTexts,
    shop_name: String,
    fulfilment: SellerFulfilment,
    day: String,
    heads: Vec<Head>,
    lines: Vec<Line>,
}

fn lines(visitor: &Visitor, fulfilment: &SellerFulfilment) -> Vec<Line> {
    let money = |minor| format::money(visitor.language, minor, fulfilment.currency);
    let line = |item: &contracts::order::OrderItem| Line {
        sku: item.sku.clone(),
        title: format::title(&item.title_snapshot),
        quantity: item.quantity,
        price: money(item.unit_price_snapshot),
        total: money(item.line_total_amount),
        returned: item.returned_quantity,
    };
    fulfilment.items.iter().map(line).collect()
}

async fn find(site: &Site, visitor: &mut Visitor, id: &str) -> Result<SellerFulfilment, Box<Response>> {
    let caller = visitor.caller();
    match site.0.api.call(&caller, &GET_FULFILMENT).path(id).send().await {
        Ok(fulfilment) => Ok(fulfilment),
        Err(failure) if is_missing(&failure) || !is_fatal(&failure) => Err(Box::new(not_found_page(site, visitor))),
        Err(failure) => Err(Box::new(failed(site, visitor, &failure))),
    }
}

pub async fn show(State(site): State<Site>, visitor: Visitor, Path(id): Path<String>) -> Response {
    show_fulfilment(&site, visitor, &id, StepForm::default(), None).await
}

async fn show_fulfilment(site: &Site, mut visitor: Visitor, id: &str, typed: StepForm, refused: Option<Failure>) -> Response {
    let (user, _) = match enter_shop(site, &mut visitor).await {
        Ok(found) => found,
        Err(answer) => return *answer,
    };
    let fulfilment = match find(site, &mut visitor, id).await {
        Ok(fulfilment) => fulfilment,
        Err(answer) => return *answer,
    };
    let Shell { frame, board, t } = Shell::of(&mut visitor, &user, true);
    let lines = lines(&visitor, &fulfilment);
    let status = fulfilment.status;
    let template = FulfilmentPage {
        badge: fulfilments::badge(t, status),
        day: format::moment(visitor.language, fulfilment.created_at),
        heads: vec![Head::new(t.product), Head::new(t.sku), Head::number(frame.t.quantity), Head::number(t.price), Head::number(t.total)],
        lines,
        typed,
        can_ship: fulfilments::can_ship(&fulfilment),
        can_cancel: fulfilments::can_ship(&fulfilment),
        key: form_key(site),
        faults: refused.as_ref().map(Faults::of).unwrap_or_default(),
        fulfilment,
        frame,
        board,
        t,
    };
    match refused {
        Some(failure) => refused_page(site, &visitor, failure.status(), &template),
        None => page(site, &visitor, &template),
    }
}

/// The packing slip, which the browser prints without the frame.
pub async fn slip(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>) -> Response {
    let (user, seller) = match enter_shop(&site, &mut visitor).await {
        Ok(found) => found,
        Err(answer) => return *answer,
    };
    let fulfilment = match find(&site, &mut visitor, &id).await {
        Ok(fulfilment) => fulfilment,
        Err(answer) => return *answer,
    };
    let Shell { frame, board, t } = Shell::of(&mut visitor, &user, true);
    let template = Slip {
        shop_name: seller.shop_name,
        day: format::day(visitor.language, fulfilment.created_at),
        heads: vec![Head::new(t.product), Head::new(t.sku), Head::number(frame.t.quantity)],
        lines: lines(&visitor, &fulfilment),
        fulfilment,
        frame,
        board,
        t,
    };
    page(&site, &visitor, &template)
}

pub async fn ship(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>, Form(form): Form<StepForm>) -> Response {
    if let Err(answer) = enter_shop(&site, &mut visitor).await {
        return *answer;
    }
    let typed = [("carrier", &form.carrier), ("trackingNumber", &form.tracking_number)];
    let body: Map<String, Value> = typed
        .into_iter()
        .filter(|(_, value)| !value.trim().is_empty())
        .map(|(name, value)| (name.to_owned(), value.trim().into()))
        .collect();
    let caller = visitor.caller();
    let shipped = site.0.api.call(&caller, &SHIP_FULFILMENT).path(&id).key(&form.key).raw_body(&Value::Object(body)).send().await;
    match shipped {
        Ok(_) => done(&site, visitor, SellerNotice::Shipped, &format!("/seller/fulfilments/{id}")),
        Err(failure) => refuse(&site, visitor, &id, form, failure).await,
    }
}

async fn refuse(site: &Site, mut visitor: Visitor, id: &str, form: StepForm, failure: Failure) -> Response {
    if is_missing(&failure) {
        return not_found_page(site, &mut visitor);
    }
    match is_fatal(&failure) {
        true => failed(site, &mut visitor, &failure),
        false => show_fulfilment(site, visitor, id, form, Some(failure)).await,
    }
}

/// Cancels the seller's part of the order.
pub async fn cancel(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>, Form(form): Form<StepForm>) -> Response {
    if let Err(answer) = enter_shop(&site, &mut visitor).await {
        return *answer;
    }
    let fulfilment = match find(&site, &mut visitor, &id).await {
        Ok(fulfilment) => fulfilment,
        Err(answer) => return *answer,
    };
    let mut body = Map::new();
    if !form.reason.trim().is_empty() {
        body.insert("reason".into(), form.reason.trim().into());
    }
    let caller = visitor.caller();
    let call = site.0.api.call(&caller, &CANCEL_FULFILMENT).path(fulfilment.order_id).path(&id).key(&form.key);
    // The answer is the whole order, of which nothing is shown here.
    match call.raw_body(&Value::Object(body)).open().await {
        Ok(_) => done(&site, visitor, SellerNotice::Cancelled, &format!("/seller/fulfilments/{id}")),
        Err(failure) => refuse(&site, visitor, &id, form, failure).await,
    }
}
