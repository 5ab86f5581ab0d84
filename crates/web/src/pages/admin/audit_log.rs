//! The audit log: every event of every service, and the check of its chain.

use super::{
    AdminRequest,
    admin_messages::plain,
    admin_orders::Parameters,
    names::People,
    screens::{Cell, Field, Link, Row, Screen, Sheet, Table},
};
use crate::{
    dashboard::{Badge, Figure, Head, Listing, Tone, is_bad_filter},
    forms::Faults,
};
use axum::{extract::Query, http::StatusCode, response::Response};
use contracts::{
    audit::{CHECK_AUDIT_LOG, DomainEvent, LIST_AUDIT_EVENTS},
    page::Page,
    registry,
    time::Timestamp,
};
use serde_json::Value;
use std::collections::BTreeSet;

pub const PATH: &str = "/admin/audit";
const FILTERS: [&str; 9] = ["userId", "actorId", "orderId", "aggregateType", "aggregateId", "eventType", "correlationId", "from", "to"];
/// Fields of an event that a row shows at most.
const FIELDS: usize = 6;

/// The fields of an event that are short, as lines.
fn fields(event: &DomainEvent) -> Vec<String> {
    let Value::Object(fields) = &event.payload else { return vec![event.payload.to_string()] };
    let short = fields.iter().map(|(name, value)| format!("{name}: {}", plain(value))).filter(|line| line.chars().count() <= 80);
    short.take(FIELDS).collect()
}

/// Every type of event with its words, for the filter. The first choice is all of them.
fn kinds(request: &AdminRequest) -> Vec<(&'static str, &str)> {
    let mut kinds: Vec<_> = registry::events().map(|event| (event.event_type, request.words(event.event_type))).collect();
    kinds.sort_unstable_by_key(|(_, words)| *words);
    std::iter::once(("", request.t.all)).chain(kinds).collect()
}

/// What events are about, for the filter.
fn things(request: &AdminRequest) -> Vec<(&'static str, &str)> {
    let known: BTreeSet<&str> = registry::events().map(|event| event.aggregate).collect();
    let mut things: Vec<_> = known.into_iter().map(|thing| (thing, request.words(thing))).collect();
    things.sort_unstable_by_key(|(_, words)| *words);
    std::iter::once(("", request.t.all)).chain(things).collect()
}

/// Events with what caused them.
pub async fn table(request: &AdminRequest, id: &'static str, events: &[DomainEvent]) -> Table {
    let t = request.t;
    let people = People::of(request, events.iter().filter_map(|event| event.actor_id)).await;
    let rows = events.iter().map(|event| {
        let short: String = event.correlation_id.chars().rev().take(8).collect::<Vec<_>>().into_iter().rev().collect();
        let actor = event.actor_id.map_or_else(|| Cell::text("–"), |id| people.cell(request, id));
        Row::of([
            Cell::text(request.words(&event.event_type)).over(&event.event_type),
            Cell::text(request.moment(event.occurred_at)).over(format!("{}, {} {}", event.producer, t.position, event.position)),
            actor,
            Cell::link(format!("…{short}"), format!("{PATH}?correlationId={}", event.correlation_id)),
            Cell { lines: fields(event), ..Cell::default() },
        ])
    });
    Table {
        id,
        title: t.events,
        heads: vec![Head::new(t.event), Head::new(t.time), Head::new(t.actor), Head::new(t.correlation), Head::new(t.data)],
        rows: rows.collect(),
        empty: t.no_events,
        note: String::new(),
    }
}

pub async fn list(request: AdminRequest, Query(parameters): Query<Parameters>) -> Response {
    let t = request.t;
    let list = Listing::new(PATH, parameters, &FILTERS);
    let mut call = request.call(&LIST_AUDIT_EVENTS).query("limit", AdminRequest::ROWS);
    for (name, value) in list.parameters() {
        // A day stands for its first instant.
        let instant = format!("{value}T00:00:00Z");
        let is_day = matches!(name, "from" | "to") && instant.parse::<Timestamp>().is_ok();
        call = call.query(name, if is_day { &instant } else { value });
    }
    let (found, faults) = match call.send().await {
        Ok(found) => (found, None),
        Err(failure) if is_bad_filter(&failure) => {
            (Page { items: Vec::new(), next_cursor: None }, Some((failure.status(), Faults::of(&failure))))
        }
        Err(failure) => return request.failed(&failure),
    };
    let label = |name: &str| match name {
        "userId" => t.user,
        "actorId" => t.actor,
        "orderId" => t.order,
        "aggregateType" => t.aggregate_type,
        "aggregateId" => t.id,
        "eventType" => t.event,
        "correlationId" => t.correlation,
        "from" => t.from,
        _ => t.to,
    };
    let words = |name: &str| request.words(list.value(name)).to_owned();
    let chips = FILTERS.iter().filter_map(|name| list.chip(name, format!("{}: {}", label(name), words(name)))).collect();
    let screen = Screen {
        title: t.audit,
        intro: t.audit_intro,
        faults,
        links: vec![Link { label: t.check_chain, href: format!("{PATH}/check") }],
        filters: vec![
            Field::select("eventType", t.event, list.value("eventType"), kinds(&request)),
            Field::text("orderId", t.order_id, list.value("orderId")),
            Field::text("userId", t.user_id, list.value("userId")),
            Field::text("actorId", t.actor_id, list.value("actorId")),
            Field::select("aggregateType", t.aggregate_type, list.value("aggregateType"), things(&request)),
            Field::text("correlationId", t.correlation, list.value("correlationId")),
            Field::new("from", t.from, "date", list.value("from")),
            Field::new("to", t.before, "date", list.value("to")),
        ],
        chips,
        table: table(&request, "events", &found.items).await,
        ..Screen::of(&list, found.next_cursor.as_ref())
    };
    request.list(screen)
}

pub async fn check(request: AdminRequest, Query(parameters): Query<Parameters>) -> Response {
    let t = request.t;
    let list = Listing::new(format!("{PATH}/check"), parameters, &["head"]);
    let mut call = request.call(&CHECK_AUDIT_LOG);
    if !list.value("head").is_empty() {
        call = call.query("head", list.value("head"));
    }
    let form = || {
        super::screens::FormView::new("head", t.known_head, format!("{PATH}/check"), t.check_chain)
            .hint(t.known_head_hint)
            .field(Field::text("head", t.head, list.value("head")))
            .by_get()
    };
    let view = Sheet {
        title: t.check_chain.to_owned(),
        back: Some(Link { label: t.audit, href: PATH.into() }),
        lead: t.check_chain_lead.to_owned(),
        forms: vec![form()],
        ..Sheet::default()
    };
    let found = match call.send().await {
        Ok(found) => found,
        Err(failure) if is_bad_filter(&failure) || failure.status() == StatusCode::SERVICE_UNAVAILABLE => {
            return request.sheet(Sheet { faults: Some((failure.status(), Faults::of(&failure))), ..view });
        }
        Err(failure) => return request.failed(&failure),
    };
    let verdict = if found.intact { Badge::new(t.chain_intact, Tone::Good) } else { Badge::new(t.chain_broken, Tone::Bad) };
    let head = found.head.as_ref().map_or_else(|| Cell::text("–"), Cell::code);
    let view = Sheet {
        badges: vec![verdict],
        figures: vec![Figure::new(t.entries_checked, request.count(found.checked))],
        facts: vec![(t.head, head)],
        text: found.faults.iter().chain(&found.notes).cloned().collect::<Vec<_>>().join("\n"),
        ..view
    };
    request.sheet(view)
}
