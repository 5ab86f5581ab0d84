//! The orders of everyone.

use super::{
    AdminRequest,
    screens::{Bulk, Cell, Field, Link, Row, Saved, Screen, Table},
    sent::Sent,
    words::{badge, choices},
};
use crate::{
    api::Failure,
    dashboard::{Head, Listing, is_bad_filter},
    forms::Faults,
    session::AdminNotice,
};
use axum::{Form, extract::Query, http::StatusCode, response::Response};
use contracts::{
    order::{CANCEL_ORDER, LIST_ALL_ORDERS, OrderStatus},
    page::Page,
    payout::Day,
    time::Timestamp,
};
use std::time::Duration;

pub use crate::dashboard::Parameters;

pub const PATH: &str = "/admin/orders";
const FILTERS: [&str; 6] = ["orderNumber", "email", "status", "from", "to", "userId"];
const DAY: Duration = Duration::from_secs(86_400);

pub async fn list(request: AdminRequest, Query(parameters): Query<Parameters>) -> Response {
    show(request, parameters, None).await
}

async fn show(request: AdminRequest, parameters: Parameters, refused: Option<(StatusCode, Faults)>) -> Response {
    let t = request.t;
    let list = Listing::new(PATH, parameters, &FILTERS);
    let mut call = request.call(&LIST_ALL_ORDERS).query("limit", AdminRequest::ROWS);
    for (name, value) in list.parameters() {
        call = match name {
            "from" => call.query(name, start_of(value).map_or_else(|| value.to_owned(), |at| at.to_string())),
            // The last day of the filter belongs to it.
            "to" => call.query(name, start_of(value).map_or_else(|| value.to_owned(), |at| at.after(DAY).to_string())),
            _ => call.query(name, value),
        };
    }
    let (found, faults) = match call.send().await {
        Ok(found) => (found, refused),
        Err(failure) if is_bad_filter(&failure) => {
            (Page { items: Vec::new(), next_cursor: None }, Some((failure.status(), Faults::of(&failure))))
        }
        Err(failure) => return request.failed(&failure),
    };
    let rows = found.items.iter().map(|order| {
        let goods = order.items.iter().map(|item| format!("{} × {}", item.quantity, item.title_snapshot)).collect::<Vec<_>>().join(", ");
        Row::of([
            Cell::link(&order.order_number, format!("{PATH}/{}", order.order_id)).over(shortened(&goods)),
            Cell::text(request.moment(order.created_at)),
            Cell::badge(badge(t, &order.status.to_string())),
            Cell::number(order.item_count),
            Cell::number(request.money(order.total_amount, order.currency)),
        ])
        .chosen_by(order.order_id, format!("{} {}", request.d.choose, order.order_number))
    });
    let rows = rows.collect();
    let today = Day::of(request.now());
    let saved = |label, query: &str| {
        let href = if query.is_empty() { PATH.to_owned() } else { format!("{PATH}?{query}") };
        Saved { label, is_here: list.with("sort", "") == href, href }
    };
    let screen = Screen {
        title: t.orders,
        faults,
        saved: vec![
            saved(t.all, ""),
            saved(t.saved_today, &format!("from={today}")),
            saved(t.saved_failed, "status=PAYMENT_FAILED"),
            saved(t.saved_unpaid, "status=PENDING_PAYMENT"),
            saved(t.saved_to_ship, "status=CONFIRMED"),
            saved(t.saved_refunded, "status=REFUNDED"),
        ],
        filters: vec![
            Field::text("orderNumber", t.order_number, list.value("orderNumber")),
            Field::new("email", t.email, "search", list.value("email")),
            Field::select("status", t.status, list.value("status"), choices::<OrderStatus>(t)),
            Field::new("from", t.from, "date", list.value("from")),
            Field::new("to", t.to, "date", list.value("to")),
        ],
        chips: [
            list.chip("orderNumber", format!("{}: {}", t.order_number, list.value("orderNumber"))),
            list.chip("email", list.value("email")),
            list.chip("status", badge(t, list.value("status")).words),
            list.chip("from", format!("{} {}", t.from, list.value("from"))),
            list.chip("to", format!("{} {}", t.to, list.value("to"))),
            list.chip("userId", t.one_customer),
        ]
        .into_iter()
        .flatten()
        .collect(),
        table: Table {
            id: "orders",
            heads: vec![
                Head::choice(request.d),
                Head::new(t.order),
                list.times_head(t.placed),
                Head::new(t.status),
                Head::number(t.lines),
                list.head(t.total, "", "-totalAmount").of_numbers(),
            ],
            rows,
            empty: t.no_orders,
            ..Table::default()
        },
        bulk: Some(Bulk { actions: vec![(t.cancel_chosen, "/admin/orders/cancel")], reason: t.reason }),
        empty_text: t.no_orders_text,
        empty_step: Some(Link { label: t.in_the_shop, href: "/".into() }),
        ..Screen::of(&list, found.next_cursor.as_ref())
    };
    request.list(screen)
}

/// The first instant of a day such as `2026-11-28`.
fn start_of(day: &str) -> Option<Timestamp> {
    format!("{day}T00:00:00Z").parse().ok()
}

/// A list of goods as one line.
fn shortened(text: &str) -> String {
    const MOST: usize = 80;
    match text.char_indices().nth(MOST) {
        Some((cut, _)) => format!("{}…", text[..cut].trim_end()),
        None => text.to_owned(),
    }
}

pub async fn cancel_many(request: AdminRequest, Form(sent): Form<Sent>) -> Response {
    let mut tally = Tally::default();
    for id in sent.chosen() {
        let call = request.call(&CANCEL_ORDER).path(id).key(sent.key()).raw_body(&sent.body(&["reason"]));
        tally.count(id, call.send().await);
    }
    match tally.faults(request.t.some_refused) {
        None => request.done(AdminNotice::Done, PATH),
        Some(faults) => show(request, Parameters::new(), Some((StatusCode::CONFLICT, faults))).await,
    }
}

/// What became of the chosen rows.
#[derive(Default)]
pub struct Tally {
    done: usize,
    refused: Vec<String>,
}

impl Tally {
    pub fn count<A>(&mut self, what: &str, result: Result<A, Failure>) {
        match result {
            Ok(_) => self.done += 1,
            Err(failure) => {
                let why = Faults::of(&failure).summary.unwrap_or_default();
                self.refused.push(if why.is_empty() { what.to_owned() } else { why });
            }
        }
    }

    /// Says how many were done and why others were not; `None` when all were.
    pub fn faults(self, words: &str) -> Option<Faults> {
        let Tally { done, mut refused } = self;
        if refused.is_empty() {
            return None;
        }
        let total = done + refused.len();
        refused.dedup();
        Some(Faults::about_all(&format!("{done} / {total}. {words} {}", refused.join("; "))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_utc() {
        assert_eq!(start_of("2026-11-28").unwrap().to_string(), "2026-11-28T00:00:00.000000Z");
        assert_eq!(start_of("28.11.2026"), None);
    }

    #[test]
    fn a_long_list_of_goods_is_cut_between_characters() {
        assert_eq!(shortened("short"), "short");
        let cut = shortened(&"ä".repeat(200));
        assert!(cut.ends_with('…') && cut.chars().count() == 81, "{cut}");
    }

    #[test]
    fn a_tally_says_what_was_refused() {
        let mut tally = Tally::default();
        tally.count("1", Ok(()));
        assert!(Tally::default().faults("").is_none());
        tally.count::<()>("2", Err(Failure::Unreadable(String::new())));
        assert_eq!(tally.faults("Refused:").unwrap().summary.unwrap(), "1 / 2. Refused: 2");
    }
}
