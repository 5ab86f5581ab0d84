//! The fulfilments of a seller: what has to be shipped, and what became of it.

use super::{SellerRequest, changes::words};
use crate::{
    dashboard::{
        Badge, Head, Listing, Parameters, Tone,
        screens::{Bulk, Cell, Link, PageFaults, Row, Saved, Screen, Table},
        sent::Sent,
    },
    format,
    forms::Faults,
    session::{Notice, SellerNotice},
    texts::SellerTexts,
};
use axum::{Form, extract::Query, http::StatusCode, response::Response};
use contracts::order::{FulfilmentStatus, LIST_FULFILMENTS, OrderItem, SHIP_FULFILMENT, SellerFulfilment};
use serde_json::json;
use std::collections::HashMap;

const PATH: &str = "/seller/fulfilments";

pub fn badge(t: &SellerTexts, status: FulfilmentStatus) -> Badge {
    match status {
        FulfilmentStatus::Pending => Badge::new(t.fulfilment_pending, Tone::Plain),
        FulfilmentStatus::Confirmed => Badge::new(t.fulfilment_confirmed, Tone::Waiting),
        FulfilmentStatus::Shipped => Badge::new(t.fulfilment_shipped, Tone::Good),
        FulfilmentStatus::Delivered => Badge::new(t.fulfilment_delivered, Tone::Good),
        FulfilmentStatus::Cancelled => Badge::new(t.fulfilment_cancelled, Tone::Bad),
        FulfilmentStatus::Returned => Badge::new(t.fulfilment_returned, Tone::Plain),
    }
}

/// Writes the lines of an order in one line.
pub fn items(items: &[OrderItem]) -> String {
    let lines: Vec<_> = items.iter().map(|item| format!("{} × {}", item.quantity, format::title(&item.title_snapshot))).collect();
    lines.join(", ")
}

/// Whether its seller can mark it as shipped.
pub fn can_ship(fulfilment: &SellerFulfilment) -> bool {
    fulfilment.status == FulfilmentStatus::Confirmed && !fulfilment.cancellation_requested
}

pub async fn list(request: SellerRequest, Query(parameters): Query<Parameters>) -> Response {
    show(request, parameters, None, &HashMap::new()).await
}

/// `refused` is what is wrong with some of the list, by their ids.
async fn show(request: SellerRequest, parameters: Parameters, page_faults: PageFaults, refused: &HashMap<String, String>) -> Response {
    let SellerRequest { request, t } = request;
    let list = Listing::new(PATH, parameters, &["status"]);
    let (found, faults) = match request.fetch(&LIST_FULFILMENTS, &list).await {
        Ok(found) => found,
        Err(failure) => return request.failed(&failure),
    };
    let rows = found.items.iter().map(|fulfilment| {
        let to = &fulfilment.shipping_address_snapshot;
        let id = fulfilment.fulfilment_id.to_string();
        let row = Row::of([
            Cell::link(&fulfilment.order_number, format!("{PATH}/{id}")).fault(refused.get(&id).map_or("", String::as_str)),
            Cell::text(items(&fulfilment.items)),
            Cell::text(format::day(request.lang, fulfilment.created_at)),
            Cell::text(format!("{}, {}", to.city, request.country(&to.country))),
            Cell::badge(badge(t, fulfilment.status)),
            Cell::number(request.money(fulfilment.total_amount, fulfilment.currency)),
        ]);
        let choose = format!("{} {}", request.d.choose, fulfilment.order_number);
        if can_ship(fulfilment) { row.chosen_by(id, choose) } else { row }
    });
    let is_open = found.items.iter().any(can_ship);
    let choice = is_open.then(|| Head::choice(request.d));
    let heads = [
        Head::new(t.order),
        Head::new(t.goods),
        Head::newest(t.ordered),
        Head::new(t.ships_to),
        Head::new(request.d.status),
        Head::number(t.total),
    ];
    let status = list.value("status").parse::<FulfilmentStatus>().ok();
    let screen = Screen {
        title: t.fulfilments,
        faults: page_faults.or(faults),
        saved: Saved::by_status(t.all, &list, |status| badge(t, status).words),
        chips: status.and_then(|status| list.chip("status", badge(t, status).words)).into_iter().collect(),
        table: Table {
            id: "fulfilments",
            heads: choice.into_iter().chain(heads).collect(),
            rows: rows.collect(),
            empty: t.no_fulfilments,
            ..Table::default()
        },
        bulk: is_open.then(|| Bulk { actions: vec![(t.mark_shipped, "/seller/fulfilments/ship")], reason: "" }),
        empty_text: t.nothing_to_ship_text,
        empty_step: Some(Link { label: t.to_products, href: "/seller/products".into() }),
        ..Screen::of(&list, found.next_cursor.as_ref())
    };
    request.list(screen)
}

/// Marks the chosen ones as shipped, each with the parcel that is booked for it.
pub async fn ship_many(request: SellerRequest, Form(sent): Form<Sent>) -> Response {
    let t = request.t;
    let mut refused = HashMap::new();
    let mut chosen = 0;
    for id in sent.chosen() {
        chosen += 1;
        // A key belongs to one request, and each parcel is one.
        let key = format!("{}-{id}", sent.key());
        if let Err(failure) = request.call(&SHIP_FULFILMENT).path(id).key(&key).raw_body(&json!({})).send().await {
            refused.insert(id.to_owned(), words(&failure));
        }
    }
    let page_faults = |words| Some((StatusCode::CONFLICT, Faults::about_all(words)));
    match (chosen, refused.len()) {
        (0, _) => show(request, Parameters::new(), page_faults(t.choose_orders), &refused).await,
        (_, 0) => request.request.done(Notice::Seller(SellerNotice::AllShipped), PATH),
        _ => show(request, Parameters::new(), page_faults(t.some_not_shipped), &refused).await,
    }
}
