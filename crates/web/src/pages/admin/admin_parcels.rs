//! Parcels: where they are, which are not booked yet, and what a carrier reported late.

use super::{
    AdminRequest, PageFaults,
    admin_orders::{Parameters, Tally},
    screens::{Bulk, Cell, Field, Link, Row, Saved, Screen, Table},
    sent::Sent,
    words::{badge, choices},
};
use crate::{
    dashboard::{Head, Listing},
    forms::Faults,
    session::AdminNotice,
    texts::failure_words,
};
use axum::{
    Form,
    extract::{Path, Query},
    http::StatusCode,
    response::Response,
};
use contracts::shipping::{LIST_SHIPMENTS, RECORD_SHIPMENT_EVENT, RETRY_SHIPMENT, ShipmentStatus};
use serde_json::json;

const PATH: &str = "/admin/parcels";

pub async fn list(request: AdminRequest, Query(parameters): Query<Parameters>) -> Response {
    show(request, parameters, None).await
}

async fn show(request: AdminRequest, parameters: Parameters, refused: PageFaults) -> Response {
    let t = request.t;
    let list = Listing::new(PATH, parameters, &["status", "trackingNumber", "pending"]);
    let (found, faults) = match request.fetch(&LIST_SHIPMENTS, &list).await {
        Ok(found) => found,
        Err(failure) => return request.failed(&failure),
    };
    let rows = found.items.iter().map(|parcel| {
        let state = match parcel.status {
            Some(status) => Cell::badge(badge(t, &status.to_string())),
            None => Cell::badge(badge(t, "PENDING"))
                .over(parcel.failure.as_ref().map(|why| failure_words(request.lang, &why.code)).unwrap_or_default()),
        };
        let book = if parcel.pending { Cell::button(t.book_again, format!("{PATH}/{}/book", parcel.order_id)) } else { Cell::text("–") };
        let row = Row::of([
            Cell::link(&parcel.order_number, format!("/admin/orders/{}", parcel.order_id)),
            Cell::maybe(parcel.tracking_number.as_ref()).over(request.words(&parcel.carrier)),
            state,
            Cell::number(parcel.attempts),
            Cell::text(request.moment(parcel.updated_at)),
            book,
        ]);
        // A parcel that is not booked cannot move; its box does nothing.
        let id = parcel.shipment_id.map_or_else(|| parcel.fulfilment_id.to_string(), |id| id.to_string());
        row.chosen_by(id, format!("{} {}", request.d.choose, parcel.order_number))
    });
    let rows = rows.collect();
    let saved = |label, query: &str| {
        let href = if query.is_empty() { PATH.to_owned() } else { format!("{PATH}?{query}") };
        Saved { label, is_here: list.here() == href, href }
    };
    let screen = Screen {
        title: t.parcels,
        intro: t.parcels_intro,
        faults: refused.or(faults),
        saved: vec![
            saved(t.all, ""),
            saved(t.saved_not_booked, "pending=true"),
            saved(badge(t, "CREATED").words, "status=CREATED"),
            saved(badge(t, "IN_TRANSIT").words, "status=IN_TRANSIT"),
            saved(badge(t, "RETURNED").words, "status=RETURNED"),
        ],
        filters: vec![
            Field::new("trackingNumber", t.tracking_number, "search", list.value("trackingNumber")),
            Field::select("status", t.status, list.value("status"), choices::<ShipmentStatus>(t)),
        ],
        chips: [
            list.chip("trackingNumber", list.value("trackingNumber")),
            list.chip("status", badge(t, list.value("status")).words),
            list.chip("pending", t.saved_not_booked),
        ]
        .into_iter()
        .flatten()
        .collect(),
        table: Table {
            id: "parcels",
            heads: vec![
                Head::choice(request.d),
                Head::new(t.order),
                Head::new(t.tracking_number),
                Head::new(t.status),
                Head::number(t.attempts),
                Head::new(t.changed),
                Head::new(request.d.actions),
            ],
            rows,
            empty: t.no_parcels,
            ..Table::default()
        },
        bulk: Some(Bulk {
            actions: vec![
                (t.parcel_sent, "/admin/parcels/in-transit"),
                (t.parcel_delivered, "/admin/parcels/delivered"),
                (t.parcel_returned, "/admin/parcels/returned"),
            ],
            reason: "",
        }),
        empty_step: Some(Link { label: t.orders, href: "/admin/orders".into() }),
        ..Screen::of(&list, found.next_cursor.as_ref())
    };
    request.list(screen)
}

/// Records that the chosen parcels moved, as their carrier would report it.
async fn move_on(request: AdminRequest, sent: Sent, status: ShipmentStatus) -> Response {
    let mut tally = Tally::default();
    for id in sent.chosen() {
        let call = request.call(&RECORD_SHIPMENT_EVENT).path(id).key(sent.key()).raw_body(&json!({"status": status}));
        tally.count(id, call.send().await);
    }
    match tally.faults(request.t.some_refused) {
        None => request.done(AdminNotice::Done, PATH),
        Some(faults) => show(request, Parameters::new(), Some((StatusCode::CONFLICT, faults))).await,
    }
}

pub async fn in_transit(request: AdminRequest, Form(sent): Form<Sent>) -> Response {
    move_on(request, sent, ShipmentStatus::InTransit).await
}

pub async fn delivered(request: AdminRequest, Form(sent): Form<Sent>) -> Response {
    move_on(request, sent, ShipmentStatus::Delivered).await
}

pub async fn returned(request: AdminRequest, Form(sent): Form<Sent>) -> Response {
    move_on(request, sent, ShipmentStatus::Returned).await
}

pub async fn book(request: AdminRequest, Path(order): Path<String>) -> Response {
    let result = request.call(&RETRY_SHIPMENT).path(&order).send().await;
    match result {
        Ok(_) => request.done(AdminNotice::Requested, PATH),
        Err(failure) => {
            let refused = Some((failure.status(), Faults::of(&failure)));
            show(request, Parameters::new(), refused).await
        }
    }
}
