//! Returns of a seller's goods: what customers send back, and what is decided about it.

use super::{SellerRequest, Shell, done, enter_shop, is_fatal};
use crate::{
    Site,
    api::Failure,
    dashboard::{
        Badge, Dashboard, Head, Listing, Parameters, Tone, form_key, is_missing,
        screens::{Cell, Link, Row, Saved, Screen, Table},
    },
    format,
    forms::Faults,
    pages::{Frame, failed, not_found_page, page, refused_page},
    session::{SellerNotice, Visitor},
    texts::SellerTexts,
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use contracts::returns::{
    APPROVE_RETURN, GET_RETURN, LIST_SELLER_RETURNS, RECEIVE_RETURN, REJECT_RETURN, Return, ReturnReason, ReturnStatus,
};
use serde::Deserialize;
use serde_json::{Value, json};

fn badge(t: &SellerTexts, status: ReturnStatus) -> Badge {
    match status {
        ReturnStatus::Requested => Badge::new(t.return_requested, Tone::Waiting),
        ReturnStatus::Approved => Badge::new(t.return_approved, Tone::Plain),
        ReturnStatus::Rejected => Badge::new(t.return_rejected, Tone::Bad),
        ReturnStatus::Cancelled => Badge::new(t.return_cancelled, Tone::Plain),
        ReturnStatus::InTransit => Badge::new(t.return_in_transit, Tone::Waiting),
        ReturnStatus::Received => Badge::new(t.return_received, Tone::Good),
        ReturnStatus::Refunded => Badge::new(t.return_refunded, Tone::Good),
        ReturnStatus::Closed => Badge::new(t.return_closed, Tone::Plain),
    }
}

fn reason(t: &SellerTexts, reason: ReturnReason) -> &'static str {
    match reason {
        ReturnReason::Damaged => t.reason_damaged,
        ReturnReason::WrongItem => t.reason_wrong_item,
        ReturnReason::NotAsDescribed => t.reason_not_as_described,
        ReturnReason::ChangedMind => t.reason_changed_mind,
        ReturnReason::Other => t.reason_other,
    }
}

pub async fn list(SellerRequest { request, t }: SellerRequest, Query(parameters): Query<Parameters>) -> Response {
    let list = Listing::new("/seller/returns", parameters, &["status"]);
    let (found, faults) = match request.fetch(&LIST_SELLER_RETURNS, &list).await {
        Ok(found) => found,
        Err(failure) => return request.failed(&failure),
    };
    let rows = found.items.iter().map(|one| {
        let goods: Vec<_> = one.lines.iter().map(|line| format!("{} × {}", line.quantity, format::title(&line.title_snapshot))).collect();
        Row::of([
            Cell::link(&one.order_number, format!("/seller/returns/{}", one.return_id)),
            Cell::text(goods.join(", ")),
            Cell::text(format::day(request.lang, one.created_at)),
            Cell::badge(badge(t, one.status)),
            Cell::number(request.money(one.refunded_amount.unwrap_or(one.refund_amount), one.currency)),
        ])
    });
    let status = list.value("status").parse::<ReturnStatus>().ok();
    let screen = Screen {
        title: t.returns,
        faults,
        saved: Saved::by_status(t.all, &list, |status| badge(t, status).words),
        chips: status.and_then(|status| list.chip("status", badge(t, status).words)).into_iter().collect(),
        table: Table {
            id: "returns",
            heads: vec![
                Head::new(t.order),
                Head::new(t.goods),
                Head::newest(t.requested_on),
                Head::new(request.d.status),
                Head::number(t.refund),
            ],
            rows: rows.collect(),
            empty: t.no_returns,
            ..Table::default()
        },
        empty_text: t.no_returns_text,
        empty_step: Some(Link { label: t.fulfilments, href: "/seller/fulfilments".into() }),
        ..Screen::of(&list, found.next_cursor.as_ref())
    };
    request.list(screen)
}

/// A line with what was typed about it.
struct Line {
    id: String,
    title: String,
    sku: String,
    quantity: u32,
    reason: &'static str,
    note: Option<String>,
    restocked: u32,
    written_off: u32,
    restock: String,
    write_off: String,
    fault: String,
}

#[derive(Template)]
#[template(path = "seller/return.html")]
struct ReturnPage {
    frame: Frame,
    board: Dashboard,
    t: &'static SellerTexts,
    one: Return,
    badge: Badge,
    day: String,
    send_until: String,
    refund: String,
    refunded: String,
    heads: Vec<Head>,
    lines: Vec<Line>,
    can_decide: bool,
    can_receive: bool,
    typed_reason: String,
    key: String,
    faults: Faults,
}

/// What was refused, with what was typed.
#[derive(Default)]
struct Refused {
    status: StatusCode,
    faults: Faults,
    reason: String,
    received: Vec<Received>,
}

pub async fn show(State(site): State<Site>, visitor: Visitor, Path(id): Path<String>) -> Response {
    show_return(&site, visitor, &id, None).await
}

async fn find(site: &Site, visitor: &mut Visitor, id: &str) -> Result<(contracts::user::User, Return), Box<Response>> {
    let (user, seller) = enter_shop(site, visitor).await?;
    let caller = visitor.caller();
    match site.0.api.call(&caller, &GET_RETURN).path(id).send().await {
        Ok(one) if one.seller_id == Some(seller.seller_id) => Ok((user, one)),
        Err(failure) if is_fatal(&failure) => Err(Box::new(failed(site, visitor, &failure))),
        Ok(_) | Err(_) => Err(Box::new(not_found_page(site, visitor))),
    }
}

async fn show_return(site: &Site, mut visitor: Visitor, id: &str, refused: Option<Refused>) -> Response {
    let (user, one) = match find(site, &mut visitor, id).await {
        Ok(found) => found,
        Err(answer) => return *answer,
    };
    let Shell { frame, board, t } = Shell::of(&mut visitor, &user, true);
    let language = visitor.language;
    let can_receive = matches!(one.status, ReturnStatus::Approved | ReturnStatus::InTransit);
    let typed = |id: &str| refused.as_ref().and_then(|refused| refused.received.iter().find(|line| line.id == id));
    let line = |line: &contracts::returns::ReturnLine| {
        let id = line.order_item_id.to_string();
        let typed = typed(&id);
        Line {
            title: format::title(&line.title_snapshot),
            sku: line.sku.clone(),
            quantity: line.quantity,
            reason: reason(t, line.reason),
            note: line.note.clone(),
            restocked: line.restocked_quantity,
            written_off: line.written_off_quantity,
            restock: typed.map_or_else(|| line.quantity.to_string(), |typed| typed.restock.clone()),
            write_off: typed.map_or_else(|| "0".to_owned(), |typed| typed.write_off.clone()),
            fault: typed.map_or_else(String::new, |typed| typed.fault.clone()),
            id,
        }
    };
    let mut heads = vec![Head::new(t.product), Head::number(frame.t.quantity), Head::new(t.reason)];
    heads.extend([Head::number(t.restock), Head::number(t.write_off)]);
    let template = ReturnPage {
        badge: badge(t, one.status),
        day: format::moment(language, one.created_at),
        send_until: one.send_until.map(|at| format::day(language, at)).unwrap_or_default(),
        refund: format::money(language, one.refund_amount, one.currency),
        refunded: one.refunded_amount.map(|minor| format::money(language, minor, one.currency)).unwrap_or_default(),
        heads,
        lines: one.lines.iter().map(line).collect(),
        can_decide: one.status == ReturnStatus::Requested,
        can_receive,
        typed_reason: refused.as_ref().map(|refused| refused.reason.clone()).unwrap_or_default(),
        key: form_key(site),
        faults: refused.as_ref().map(|refused| refused.faults.clone()).unwrap_or_default(),
        one,
        frame,
        board,
        t,
    };
    match refused {
        Some(refused) => refused_page(site, &visitor, refused.status, &template),
        None => page(site, &visitor, &template),
    }
}

async fn answer(
    site: &Site,
    mut visitor: Visitor,
    id: &str,
    answered: Result<Return, Failure>,
    notice: SellerNotice,
    typed: Refused,
) -> Response {
    match answered {
        Ok(_) => done(site, visitor, notice, &format!("/seller/returns/{id}")),
        Err(failure) if is_missing(&failure) => not_found_page(site, &mut visitor),
        Err(failure) if is_fatal(&failure) => failed(site, &mut visitor, &failure),
        Err(failure) => {
            let refused = Refused { status: failure.status(), faults: Faults::of(&failure), ..typed };
            show_return(site, visitor, id, Some(refused)).await
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct DecisionForm {
    reason: String,
    key: String,
}

pub async fn approve(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>, Form(form): Form<DecisionForm>) -> Response {
    if let Err(answer) = find(&site, &mut visitor, &id).await {
        return *answer;
    }
    let caller = visitor.caller();
    let approved = site.0.api.call(&caller, &APPROVE_RETURN).path(&id).key(&form.key).send().await;
    answer(&site, visitor, &id, approved, SellerNotice::ReturnApproved, Refused::default()).await
}

pub async fn reject(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>, Form(form): Form<DecisionForm>) -> Response {
    if let Err(answer) = find(&site, &mut visitor, &id).await {
        return *answer;
    }
    let caller = visitor.caller();
    let body = json!({"reason": form.reason});
    let rejected = site.0.api.call(&caller, &REJECT_RETURN).path(&id).key(&form.key).raw_body(&body).send().await;
    answer(&site, visitor, &id, rejected, SellerNotice::ReturnRejected, Refused { reason: form.reason, ..Refused::default() }).await
}

/// What was typed about one line.
#[derive(Default, Debug, PartialEq, Eq)]
struct Received {
    id: String,
    restock: String,
    write_off: String,
    fault: String,
}

/// Reads the lines of the form: the field `item` begins each of them.
fn received(fields: &[(String, String)]) -> Vec<Received> {
    let mut lines: Vec<Received> = Vec::new();
    for (name, value) in fields {
        match (&**name, lines.last_mut()) {
            ("item", _) => lines.push(Received { id: value.clone(), ..Received::default() }),
            ("restock", Some(line)) => line.restock.clone_from(value),
            ("writeOff", Some(line)) => line.write_off.clone_from(value),
            _ => {}
        }
    }
    lines
}

/// Writes what arrived: an item stands once for each disposition. What is no number is a fault of its line.
fn dispositions(t: &SellerTexts, lines: &mut [Received]) -> Vec<Value> {
    let mut items = Vec::new();
    for line in lines {
        for (typed, disposition) in [(&line.restock, "RESTOCK"), (&line.write_off, "WRITE_OFF")] {
            match typed.trim().parse::<u32>() {
                Ok(0) => {}
                Ok(units) => items.push(json!({"orderItemId": line.id, "quantity": units, "disposition": disposition})),
                Err(_) if typed.trim().is_empty() => {}
                Err(_) => t.not_a_number.clone_into(&mut line.fault),
            }
        }
    }
    items
}

pub async fn receive(
    State(site): State<Site>,
    mut visitor: Visitor,
    Path(id): Path<String>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Response {
    if let Err(answer) = find(&site, &mut visitor, &id).await {
        return *answer;
    }
    let t = SellerTexts::of(visitor.language);
    let key = fields.iter().find(|(name, _)| name == "key").map_or("", |(_, value)| value.as_str());
    let mut lines = received(&fields);
    let items = dispositions(t, &mut lines);
    if items.is_empty() || lines.iter().any(|line| !line.fault.is_empty()) {
        let faults = Faults::about_all(if items.is_empty() { t.nothing_received } else { t.not_a_number });
        let refused = Refused { status: StatusCode::UNPROCESSABLE_ENTITY, faults, reason: String::new(), received: lines };
        return show_return(&site, visitor, &id, Some(refused)).await;
    }
    let caller = visitor.caller();
    let arrived = site.0.api.call(&caller, &RECEIVE_RETURN).path(&id).key(key).raw_body(&json!({"lines": items})).send().await;
    answer(&site, visitor, &id, arrived, SellerNotice::ReturnReceived, Refused { received: lines, ..Refused::default() }).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Language;

    #[test]
    fn an_item_stands_once_for_each_disposition() {
        let fields = [("key", "k"), ("item", "a"), ("restock", "2"), ("writeOff", "1"), ("item", "b"), ("restock", "0"), ("writeOff", "x")];
        let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut lines = received(&fields);
        let items = dispositions(SellerTexts::of(Language::English), &mut lines);
        assert_eq!(
            items,
            [
                json!({"orderItemId": "a", "quantity": 2, "disposition": "RESTOCK"}),
                json!({"orderItemId": "a", "quantity": 1, "disposition": "WRITE_OFF"})
            ]
        );
        assert_eq!((lines[0].fault.is_empty(), lines[1].fault.is_empty()), (true, false));
    }
}
