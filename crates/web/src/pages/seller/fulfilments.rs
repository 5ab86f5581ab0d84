//! The fulfilments of a seller: what has to be shipped, and what became of it.

use super::{Shell, Tab, enter_shop, read_list, status_tabs};
use crate::{
    Site,
    dashboard::{Badge, Chip, Dashboard, Head, Listing, Tone},
    format,
    pages::{Frame, failed, page},
    session::Visitor,
    texts::SellerTexts,
};
use askama::Template;
use axum::{
    extract::{Query, State},
    response::Response,
};
use contracts::order::{FulfilmentStatus, LIST_FULFILMENTS, OrderItem, SellerFulfilment};

const ROWS: usize = 25;

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

struct Row {
    href: String,
    order_number: String,
    items: String,
    day: String,
    destination: String,
    badge: Badge,
    total: String,
}

#[derive(Template)]
#[template(path = "seller/fulfilments.html")]
struct FulfilmentsPage {
    frame: Frame,
    board: Dashboard,
    t: &'static SellerTexts,
    tabs: Vec<Tab>,
    chips: Vec<Chip>,
    bare: String,
    heads: Vec<Head>,
    rows: Vec<Row>,
    first: Option<String>,
    next: Option<String>,
}

pub async fn list(State(site): State<Site>, mut visitor: Visitor, Query(sent): Query<Vec<(String, String)>>) -> Response {
    let (user, _) = match enter_shop(&site, &mut visitor).await {
        Ok(found) => found,
        Err(answer) => return *answer,
    };
    let list = Listing::new("/seller/fulfilments", sent, &["status"]);
    let caller = visitor.caller();
    let found = match read_list(&site, &caller, &LIST_FULFILMENTS, &list, ROWS).await {
        Ok(found) => found,
        Err(failure) => return failed(&site, &mut visitor, &failure),
    };
    let Shell { frame, board, t } = Shell::of(&mut visitor, &user, true);
    let language = visitor.language;
    let row = |fulfilment: &SellerFulfilment| Row {
        href: format!("/seller/fulfilments/{}", fulfilment.fulfilment_id),
        order_number: fulfilment.order_number.clone(),
        items: items(&fulfilment.items),
        day: format::day(language, fulfilment.created_at),
        destination: format!("{}, {}", fulfilment.shipping_address_snapshot.city, fulfilment.shipping_address_snapshot.country),
        badge: badge(t, fulfilment.status),
        total: format::money(language, fulfilment.total_amount, fulfilment.currency),
    };
    let status = list.value("status").parse::<FulfilmentStatus>().ok();
    let template = FulfilmentsPage {
        tabs: status_tabs(t, &list, |status| badge(t, status).words),
        chips: status.and_then(|status| list.chip("status", badge(t, status).words)).into_iter().collect(),
        bare: list.bare(),
        heads: vec![
            Head::new(t.order),
            Head::new(t.goods),
            Head::new(t.ordered),
            Head::new(t.ships_to),
            Head::new(board.t.status),
            Head::number(t.total),
        ],
        rows: found.items.iter().map(row).collect(),
        first: list.first(),
        next: list.next(found.next_cursor.as_ref()),
        frame,
        board,
        t,
    };
    page(&site, &visitor, &template)
}
