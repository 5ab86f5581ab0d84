//! The fulfilments of a seller: what has to be shipped, and what became of it.

use super::SellerRequest;
use crate::{
    dashboard::{
        Badge, Head, Listing, Parameters, Tone,
        screens::{Cell, Link, Row, Saved, Screen, Table},
    },
    format,
    texts::SellerTexts,
};
use axum::{extract::Query, response::Response};
use contracts::order::{FulfilmentStatus, LIST_FULFILMENTS, OrderItem};

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

pub async fn list(SellerRequest { request, t }: SellerRequest, Query(parameters): Query<Parameters>) -> Response {
    let list = Listing::new("/seller/fulfilments", parameters, &["status"]);
    let (found, faults) = match request.fetch(&LIST_FULFILMENTS, &list).await {
        Ok(found) => found,
        Err(failure) => return request.failed(&failure),
    };
    let rows = found.items.iter().map(|fulfilment| {
        let to = &fulfilment.shipping_address_snapshot;
        Row::of([
            Cell::link(&fulfilment.order_number, format!("/seller/fulfilments/{}", fulfilment.fulfilment_id)),
            Cell::text(items(&fulfilment.items)),
            Cell::text(format::day(request.lang, fulfilment.created_at)),
            Cell::text(format!("{}, {}", to.city, to.country)),
            Cell::badge(badge(t, fulfilment.status)),
            Cell::number(request.money(fulfilment.total_amount, fulfilment.currency)),
        ])
    });
    let status = list.value("status").parse::<FulfilmentStatus>().ok();
    let screen = Screen {
        title: t.fulfilments,
        faults,
        saved: Saved::by_status(t.all, &list, |status| badge(t, status).words),
        chips: status.and_then(|status| list.chip("status", badge(t, status).words)).into_iter().collect(),
        bare: list.bare(),
        table: Table {
            id: "fulfilments",
            heads: vec![
                Head::new(t.order),
                Head::new(t.goods),
                Head::newest(t.ordered),
                Head::new(t.ships_to),
                Head::new(request.d.status),
                Head::number(t.total),
            ],
            rows: rows.collect(),
            empty: t.no_fulfilments,
            ..Table::default()
        },
        empty_text: t.nothing_to_ship_text,
        empty_step: Some(Link { label: t.to_products, href: "/seller/products".into() }),
        first: list.first(),
        next: list.next(found.next_cursor.as_ref()),
        is_filtered: list.is_filtered(),
        ..Screen::default()
    };
    request.list(screen)
}
