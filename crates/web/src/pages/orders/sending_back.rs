//! Returns: what goes back and why, and how far a return is.

use super::{Reader, order::return_words};
use crate::{
    Site,
    api::Failure,
    format,
    forms::Faults,
    pages::{Frame, enter, failed, page, refused_page, see_other},
    session::{Notice, Visitor},
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    response::Response,
};
use contracts::{
    ids::Uuid,
    order::{GET_ORDER, OrderView},
    returns::{CANCEL_RETURN, GET_RETURN, REQUEST_RETURN, Return, ReturnReason, ReturnStatus},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// A line that can go back, and what was chosen for it.
struct Line {
    id: String,
    title: String,
    image: Option<String>,
    most: u32,
    quantity: String,
    reason: String,
    note: String,
    fault: String,
}

#[derive(Template)]
#[template(path = "return_form.html")]
struct FormPage {
    frame: Frame,
    base: String,
    number: String,
    part: String,
    lines: Vec<Line>,
    reasons: [(&'static str, &'static str); 5],
    form_key: String,
    faults: Faults,
}

#[derive(Template)]
#[template(path = "return.html")]
struct ReturnPage {
    frame: Frame,
    base: String,
    found: Return,
    status: &'static str,
    day: String,
    until: String,
    lines: Vec<(String, u32, &'static str, String)>,
    can_cancel: bool,
    form_key: String,
}

type Fields = Vec<(String, String)>;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Chosen {
    part: String,
}

fn reason_words(t: &'static crate::texts::Texts, reason: ReturnReason) -> &'static str {
    match reason {
        ReturnReason::Damaged => t.reason_damaged,
        ReturnReason::WrongItem => t.reason_wrong_item,
        ReturnReason::NotAsDescribed => t.reason_not_as_described,
        ReturnReason::ChangedMind => t.reason_changed_mind,
        ReturnReason::Other => t.reason_other,
    }
}

pub async fn show_form(State(site): State<Site>, visitor: Visitor, Path(id): Path<String>, Query(chosen): Query<Chosen>) -> Response {
    form(&site, visitor, &id, false, vec![("part".into(), chosen.part)], None).await
}

pub async fn show_form_to_guest(
    State(site): State<Site>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(chosen): Query<Chosen>,
) -> Response {
    form(&site, visitor, &id, true, vec![("part".into(), chosen.part)], None).await
}

fn field<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    fields.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
}

async fn form(site: &Site, mut visitor: Visitor, id: &str, is_guest: bool, typed: Fields, refused: Option<Failure>) -> Response {
    let Some(reader) = Reader::of(&visitor, id, is_guest) else { return enter(site, &visitor) };
    let order = match site.0.api.call(&reader.caller, &GET_ORDER).path(id).send().await {
        Ok(order) => order,
        Err(failure) => return failed(site, &mut visitor, &failure),
    };
    let part = field(&typed, "part");
    let Some(fulfilment) = order.fulfilments.iter().find(|fulfilment| fulfilment.fulfilment_id.to_string() == part) else {
        return failed(site, &mut visitor, &Failure::not_found());
    };
    let faults = refused.as_ref().map(Faults::of).unwrap_or_default();
    let sent = chosen_lines(&order, part, &typed);
    let lines = fulfilment.items.iter().filter_map(|line| {
        let item = order.items.iter().find(|item| item.order_item_id == line.order_item_id)?;
        let id = item.order_item_id.to_string();
        let at = sent.iter().position(|line| line["orderItemId"] == id.as_str());
        let fault = at.map(|at| ["quantity", "reason", "note"].map(|name| faults.field(&format!("lines/{at}/{name}")).to_owned()).concat());
        Some(Line {
            title: format::title(&item.title_snapshot),
            image: item.image_url.clone(),
            most: item.quantity.saturating_sub(item.returned_quantity),
            quantity: field(&typed, &format!("quantity-{id}")).to_owned(),
            reason: field(&typed, &format!("reason-{id}")).to_owned(),
            note: field(&typed, &format!("note-{id}")).to_owned(),
            fault: fault.unwrap_or_default(),
            id,
        })
    });
    let frame = Frame::of(&mut visitor);
    let t = frame.t;
    let template = FormPage {
        base: reader.base.clone(),
        number: order.order_number.clone(),
        part: part.to_owned(),
        lines: lines.filter(|line| line.most > 0).collect(),
        reasons: [
            ReturnReason::Damaged,
            ReturnReason::WrongItem,
            ReturnReason::NotAsDescribed,
            ReturnReason::ChangedMind,
            ReturnReason::Other,
        ]
        .map(|reason| (reason.as_str(), reason_words(t, reason))),
        form_key: site.0.env.new_id::<Uuid>().to_string(),
        frame,
        faults,
    };
    match refused {
        Some(failure) => refused_page(site, &visitor, failure.status(), &template),
        None => page(site, &visitor, &template),
    }
}

/// The lines of which something goes back, as the API takes them.
fn chosen_lines(order: &OrderView, part: &str, typed: &[(String, String)]) -> Vec<Value> {
    let fulfilment = order.fulfilments.iter().filter(|fulfilment| fulfilment.fulfilment_id.to_string() == part);
    let lines = fulfilment.flat_map(|fulfilment| &fulfilment.items).filter_map(|line| {
        let id = line.order_item_id.to_string();
        let quantity = field(typed, &format!("quantity-{id}")).trim();
        if quantity.is_empty() || quantity == "0" {
            return None;
        }
        let quantity = quantity.parse::<i64>().map_or_else(|_| quantity.into(), Value::from);
        let mut line = json!({"orderItemId": id, "quantity": quantity, "reason": field(typed, &format!("reason-{id}"))});
        let note = field(typed, &format!("note-{id}")).trim();
        if !note.is_empty() {
            line["note"] = note.into();
        }
        Some(line)
    });
    lines.collect()
}

pub async fn request(state: State<Site>, visitor: Visitor, id: Path<String>, form: Form<Fields>) -> Response {
    request_as(state, visitor, id, form, false).await
}

pub async fn request_of_guest(state: State<Site>, visitor: Visitor, id: Path<String>, form: Form<Fields>) -> Response {
    request_as(state, visitor, id, form, true).await
}

async fn request_as(
    State(site): State<Site>,
    mut visitor: Visitor,
    Path(id): Path<String>,
    Form(typed): Form<Fields>,
    is_guest: bool,
) -> Response {
    let Some(reader) = Reader::of(&visitor, &id, is_guest) else { return enter(&site, &visitor) };
    let order = match site.0.api.call(&reader.caller, &GET_ORDER).path(&id).send().await {
        Ok(order) => order,
        Err(failure) => return failed(&site, &mut visitor, &failure),
    };
    let body = json!({"lines": chosen_lines(&order, field(&typed, "part"), &typed)});
    let call = site.0.api.call(&reader.caller, &REQUEST_RETURN).path(order.order_id).key(field(&typed, "formKey"));
    match call.raw_body(&body).send().await {
        Ok(found) => see_other(&site, &visitor, &format!("{}/returns/{}", reader.base, found.return_id)),
        Err(failure) if failure.is_about_the_form() => form(&site, visitor, &id, is_guest, typed, Some(failure)).await,
        Err(failure) => failed(&site, &mut visitor, &failure),
    }
}

pub async fn show(state: State<Site>, visitor: Visitor, ids: Path<(String, String)>) -> Response {
    show_as(state, visitor, ids, false).await
}

pub async fn show_to_guest(state: State<Site>, visitor: Visitor, ids: Path<(String, String)>) -> Response {
    show_as(state, visitor, ids, true).await
}

async fn show_as(
    State(site): State<Site>,
    mut visitor: Visitor,
    Path((id, return_id)): Path<(String, String)>,
    is_guest: bool,
) -> Response {
    let Some(reader) = Reader::of(&visitor, &id, is_guest) else { return enter(&site, &visitor) };
    let found = match site.0.api.call(&reader.caller, &GET_RETURN).path(&return_id).send().await {
        Ok(found) => found,
        Err(failure) => return failed(&site, &mut visitor, &failure),
    };
    let frame = Frame::of(&mut visitor);
    let (t, lang) = (frame.t, frame.lang);
    let lines = found.lines.iter().map(|line| {
        (
            format::title(&line.title_snapshot),
            line.quantity,
            reason_words(t, line.reason),
            format::money(lang, line.refund_amount, found.currency),
        )
    });
    let template = ReturnPage {
        base: reader.base,
        status: return_words(t, found.status),
        day: format::day(lang, found.created_at),
        until: found.send_until.map(|until| format::day(lang, until)).unwrap_or_default(),
        lines: lines.collect(),
        can_cancel: matches!(found.status, ReturnStatus::Requested | ReturnStatus::Approved) && !found.by_carrier,
        form_key: site.0.env.new_id::<Uuid>().to_string(),
        found,
        frame,
    };
    page(&site, &visitor, &template)
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct KeyForm {
    form_key: String,
}

pub async fn cancel(state: State<Site>, visitor: Visitor, ids: Path<(String, String)>, form: Form<KeyForm>) -> Response {
    cancel_as(state, visitor, ids, form, false).await
}

pub async fn cancel_of_guest(state: State<Site>, visitor: Visitor, ids: Path<(String, String)>, form: Form<KeyForm>) -> Response {
    cancel_as(state, visitor, ids, form, true).await
}

async fn cancel_as(
    State(site): State<Site>,
    mut visitor: Visitor,
    Path((id, return_id)): Path<(String, String)>,
    Form(form): Form<KeyForm>,
    is_guest: bool,
) -> Response {
    let Some(reader) = Reader::of(&visitor, &id, is_guest) else { return enter(&site, &visitor) };
    match site.0.api.call(&reader.caller, &CANCEL_RETURN).path(&return_id).key(&form.form_key).send().await {
        Ok(_) => {
            visitor.session.notice = Some(Notice::Saved);
            see_other(&site, &visitor, &format!("{}/returns/{return_id}", reader.base))
        }
        Err(failure) => failed(&site, &mut visitor, &failure),
    }
}
