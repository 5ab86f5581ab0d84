//! Messages to users, with what became of them.

use super::{
    AdminRequest, PageFaults,
    admin_orders::{Parameters, Tally},
    names::People,
    screens::{Bulk, Cell, FormView, Link, Refused, Row, Saved, Screen, Sheet, Table},
    sent::Sent,
    words::badge,
};
use crate::{
    dashboard::{Head, Listing},
    format,
    pages::account::{channel_words, kind_words},
    session::AdminNotice,
};
use axum::{
    Form,
    extract::{Path, Query},
    http::StatusCode,
    response::Response,
};
use contracts::notification::{
    AttemptOutcome, LIST_ALL_NOTIFICATIONS, LIST_DELIVERY_ATTEMPTS, Notification, NotificationStatus, RESEND_NOTIFICATION,
};
use serde_json::Value;

const PATH: &str = "/admin/notifications";
const ATTEMPTS: usize = 50;
/// A message is looked for in so many pages of a hundred.
const PAGES: usize = 20;

/// What a message is about, as far as its data says.
fn about(message: &Notification) -> String {
    let text = |name: &str| message.payload[name].as_str();
    text("orderNumber").or_else(|| text("email")).unwrap_or_default().to_owned()
}

/// The row of a message, with the order that it is about unless all are about one.
pub fn cells(request: &AdminRequest, message: &Notification, has_orders: bool) -> Vec<Cell> {
    let t = request.t;
    let order = message.payload["orderNumber"].as_str();
    let about = order.map_or_else(|| Cell::text(about(message)), |number| Cell::link(number, format!("/admin/orders/{number}")));
    let mut cells = vec![
        Cell::link(kind_words(request.lang.texts(), message.r#type), format!("{PATH}/{}", message.notification_id))
            .over(message.last_error.as_deref().unwrap_or_default()),
        Cell::text(channel_words(request.lang.texts(), message.channel)),
    ];
    cells.extend(has_orders.then_some(about));
    cells.push(Cell::badge(badge(t, &message.status.to_string())));
    cells.push(Cell::number(message.attempts));
    cells.push(Cell::text(request.moment(message.created_at)));
    cells
}

pub fn heads(request: &AdminRequest, has_orders: bool) -> Vec<Head> {
    let t = request.t;
    let first = [Head::new(t.message), Head::new(t.channel)];
    let last = [Head::new(t.status), Head::number(t.attempts), Head::newest(t.time)];
    first.into_iter().chain(has_orders.then(|| Head::new(t.about))).chain(last).collect()
}

pub async fn list(request: AdminRequest, Query(parameters): Query<Parameters>) -> Response {
    show_list(request, parameters, None).await
}

async fn show_list(request: AdminRequest, parameters: Parameters, refused: PageFaults) -> Response {
    let t = request.t;
    let list = Listing::new(PATH, parameters, &["status", "userId"]);
    let (found, faults) = match request.fetch(&LIST_ALL_NOTIFICATIONS, &list).await {
        Ok(found) => found,
        Err(failure) => return request.failed(&failure),
    };
    let rows = found.items.iter().map(|message| {
        Row::of(cells(&request, message, true))
            .chosen_by(message.notification_id, format!("{} {}", request.d.choose, kind_words(request.lang.texts(), message.r#type)))
    });
    let rows = rows.collect();
    let saved = |label, status: &str| Saved { label, href: list.with("status", status), is_here: list.value("status") == status };
    let screen = Screen {
        title: t.messages,
        faults: refused.or(faults),
        saved: vec![
            saved(t.all, ""),
            saved(badge(t, "FAILED").words, "FAILED"),
            saved(badge(t, "PENDING").words, "PENDING"),
            saved(badge(t, "SENT").words, "SENT"),
        ],
        chips: [list.chip("status", badge(t, list.value("status")).words), list.chip("userId", t.one_customer)]
            .into_iter()
            .flatten()
            .collect(),
        table: Table {
            id: "messages",
            heads: std::iter::once(Head::choice(request.d)).chain(heads(&request, true)).collect(),
            rows,
            empty: t.no_messages,
            ..Table::default()
        },
        bulk: Some(Bulk { actions: vec![(t.resend, "/admin/notifications/resend")], reason: "" }),
        empty_step: Some(Link { label: t.orders, href: "/admin/orders".into() }),
        ..Screen::of(&list, found.next_cursor.as_ref())
    };
    request.list(screen)
}

pub async fn resend_many(request: AdminRequest, Form(sent): Form<Sent>) -> Response {
    let mut tally = Tally::default();
    for id in sent.chosen() {
        tally.count(id, request.call(&RESEND_NOTIFICATION).path(id).key(sent.key()).send().await);
    }
    match tally.faults(request.t.some_refused) {
        None => request.done(AdminNotice::Resent, PATH),
        Some(faults) => show_list(request, Parameters::new(), Some((StatusCode::CONFLICT, faults))).await,
    }
}

pub async fn show(request: AdminRequest, Path(id): Path<String>) -> Response {
    sheet(request, &id, None).await
}

async fn sheet(request: AdminRequest, id: &str, refused: Option<Refused>) -> Response {
    let t = request.t;
    let message = match request.find(&LIST_ALL_NOTIFICATIONS, PAGES, |message| message.notification_id.to_string() == id).await {
        Ok(Some(message)) => message,
        Ok(None) => return request.not_found(),
        Err(failure) => return request.failed(&failure),
    };
    let attempts = request.call(&LIST_DELIVERY_ATTEMPTS).path(id).query("limit", ATTEMPTS).send().await;
    let attempts = attempts.map(|page| page.items).unwrap_or_default();
    let rows = attempts.iter().map(|attempt| {
        let outcome = if attempt.outcome == AttemptOutcome::Delivered { "SENT" } else { "FAILED" };
        Row::of([
            Cell::text(attempt.attempt),
            Cell::badge(badge(t, outcome)),
            Cell::text(request.words(&attempt.detail)),
            Cell::text(request.moment(attempt.occurred_at)),
        ])
    });
    let form = FormView::new("resend", t.resend_title, format!("{PATH}/{id}/resend"), t.resend).hint(t.resend_hint).main();
    let payload = match &message.payload {
        Value::Object(fields) => fields.iter().flat_map(|(name, value)| lines(name, value)).collect(),
        other => vec![other.to_string()],
    };
    let view = Sheet {
        title: kind_words(request.lang.texts(), message.r#type).to_owned(),
        back: Some(Link { label: t.messages, href: PATH.into() }),
        badges: vec![badge(t, &message.status.to_string())],
        faults: Refused::page_faults(refused.as_ref()),
        facts: vec![
            (t.channel, Cell::text(channel_words(request.lang.texts(), message.channel))),
            (t.user, People::of(&request, [message.user_id]).await.cell(&request, message.user_id)),
            (t.time, Cell::text(request.moment(message.created_at))),
            (t.attempts, Cell::text(message.attempts)),
            (t.last_error, Cell::maybe(message.last_error.as_ref())),
            (t.data, Cell { lines: payload, ..Cell::default() }),
            (t.id, Cell::code(message.notification_id)),
        ],
        tables: vec![Table {
            id: "attempts",
            title: t.attempts,
            heads: vec![Head::new(t.number), Head::new(t.status), Head::new(t.details), Head::new(t.time)],
            rows: rows.collect(),
            empty: t.no_attempts,
            ..Table::default()
        }],
        forms: if message.status == NotificationStatus::Pending { Vec::new() } else { vec![form] },
        ..Sheet::default()
    };
    request.sheet(view)
}

/// A field of a message as lines: of a list of goods one for each.
fn lines(name: &str, value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => {
            let line = |item: &Value| Some(format!("{} × {}", item["quantity"], format::title(item["titleSnapshot"].as_str()?)));
            items.iter().filter_map(line).collect()
        }
        Value::Object(_) | Value::Null => Vec::new(),
        _ => vec![format!("{name}: {}", plain(value))],
    }
}

/// A value without quotation marks.
pub fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub async fn resend(request: AdminRequest, Path(id): Path<String>, Form(sent): Form<Sent>) -> Response {
    let result = request.call(&RESEND_NOTIFICATION).path(&id).key(sent.key()).send().await;
    let to = (AdminNotice::Resent, &*format!("{PATH}/{id}"));
    request.finish(result, ("resend", sent), to, |request, refused| sheet(request, &id, Some(refused))).await
}
