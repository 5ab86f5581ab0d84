//! Events: how late they are, and those that a service could not consume.

use super::{
    AdminRequest, PageFaults,
    admin_orders::{Parameters, Tally},
    screens::{Bulk, Cell, Field, Link, Row, Screen, Table},
    sent::Sent,
    words::badge,
};
use crate::{
    api::Failure,
    dashboard::{Figure, Head, Listing, Tone},
    format,
    forms::Faults,
    session::AdminNotice,
    texts::Language,
};
use axum::{
    Form,
    extract::{Path, Query},
    http::StatusCode,
    response::Response,
};
use contracts::{
    SERVICE_NAMES,
    audit::{DomainEvent, LIST_AUDIT_EVENTS},
    call::Call,
    failed_event::{FailedEvent, FailedEventStatus},
    page::Page,
};
use futures_util::future::join_all;
use std::time::Duration;

const PATH: &str = "/admin/events";
/// Events of one service that are shown at most.
const EACH: usize = 100;
/// Events whose way to the log is measured.
const MEASURED: usize = 100;

/// The operations that every service has, which no service declares.
pub const LIST_FAILED_EVENTS: Call<(), Page<FailedEvent>> = Call::get("", "/admin/parked-events/{service}");
const REPLAY_FAILED_EVENT: Call<(), ()> = Call::post_unkeyed("", "/admin/parked-events/{service}/{eventId}/replay");

/// What one service could not consume; an error when it does not answer.
pub type OfService = (&'static str, Result<Page<FailedEvent>, Failure>);

/// Asks every service for what it could not consume, all at the same time.
pub async fn of_all(request: &AdminRequest, status: &str) -> Vec<OfService> {
    let of_one = |service: &'static str| async move {
        let mut call = request.call(&LIST_FAILED_EVENTS).path(service).query("limit", EACH);
        if !status.is_empty() {
            call = call.query("status", status);
        }
        (service, call.send().await)
    };
    join_all(SERVICE_NAMES.into_iter().map(of_one)).await
}

/// How long the newest events took until they were in the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lag {
    pub median: Duration,
    pub longest: Duration,
    pub events: usize,
}

impl Lag {
    pub fn of(events: &[DomainEvent]) -> Lag {
        let mut spans: Vec<Duration> = events.iter().map(|event| event.recorded_at.since(event.occurred_at)).collect();
        spans.sort_unstable();
        let at = |index: usize| spans.get(index).copied().unwrap_or_default();
        Lag { median: at(spans.len() / 2), longest: at(spans.len().saturating_sub(1)), events: spans.len() }
    }
}

/// Measures the way of the newest events to the log, which consumes the events of every service.
pub async fn lag(request: &AdminRequest) -> Result<Lag, Failure> {
    let newest = request.call(&LIST_AUDIT_EVENTS).query("limit", MEASURED).send().await?;
    Ok(Lag::of(&newest.items))
}

/// Writes a span for people.
pub fn span(language: Language, duration: Duration) -> String {
    match duration.as_millis() {
        ms @ 0..1_000 => format!("{ms}\u{a0}ms"),
        1_000..60_000 => {
            format!("{}\u{a0}s", format::tenths(language, duration.as_secs() * 10 + u64::from(duration.subsec_millis() / 100)))
        }
        ms => format!("{}\u{a0}min", ms / 60_000),
    }
}

pub async fn list(request: AdminRequest, Query(parameters): Query<Parameters>) -> Response {
    show(request, parameters, None).await
}

async fn show(request: AdminRequest, parameters: Parameters, refused: PageFaults) -> Response {
    let t = request.t;
    let list = Listing::new(PATH, parameters, &["status", "service"]);
    let is_status = FailedEventStatus::ALL.iter().any(|status| status.as_str() == list.value("status"));
    let status = if is_status { list.value("status") } else { "" };
    let (answers, lag) = tokio::join!(of_all(&request, status), lag(&request));
    let wanted = list.value("service");
    let mut silent = Vec::new();
    let mut rows = Vec::new();
    let mut parked = 0;
    for (service, answer) in answers {
        let Ok(page) = answer else {
            silent.push(service);
            continue;
        };
        parked += page.items.iter().filter(|event| event.status == FailedEventStatus::Parked).count();
        for event in page.items.into_iter().filter(|_| wanted.is_empty() || wanted == service) {
            let id = event.event.event_id;
            let replay = Cell::button(t.replay, format!("{PATH}/{service}/{id}/replay"));
            let cells = [
                Cell::text(request.words(&event.event.event_type)).over(&event.error),
                Cell::text(service),
                Cell::badge(badge(t, if event.status == FailedEventStatus::Blocked { "PENDING" } else { event.status.as_str() })),
                Cell::number(event.attempts),
                Cell::text(request.moment(event.parked_at)),
                Cell::link(t.same_request, format!("/admin/audit?correlationId={}", event.event.correlation_id)),
                if event.status == FailedEventStatus::Blocked { Cell::text("–") } else { replay },
            ];
            rows.push(Row::of(cells).chosen_by(format!("{service}/{id}"), format!("{} {}", request.d.choose, event.event.event_type)));
        }
    }
    let faults = refused.or_else(|| {
        let text = || format!("{} {}", t.silent_services, silent.join(", "));
        (!silent.is_empty()).then(|| (StatusCode::OK, Faults::about_all(&text())))
    });
    let lag = lag.unwrap_or_default();
    let tone = if parked > 0 { Tone::Bad } else { Tone::Good };
    let services = std::iter::once(("", t.all)).chain(SERVICE_NAMES.iter().map(|service| (*service, *service)));
    let statuses = FailedEventStatus::ALL
        .iter()
        .map(|status| (status.as_str(), badge(t, if *status == FailedEventStatus::Blocked { "PENDING" } else { status.as_str() }).words));
    let screen = Screen {
        title: t.events,
        intro: t.events_intro,
        faults,
        links: vec![Link { label: t.audit, href: "/admin/audit".into() }],
        figures: vec![
            Figure::new(t.parked_events, parked).changed(String::new(), tone),
            Figure::new(t.lag_median, span(request.lang, lag.median)),
            Figure::new(t.lag_longest, span(request.lang, lag.longest)),
            Figure::new(t.lag_events, lag.events),
        ],
        filters: vec![
            Field::select("service", t.service, wanted, services),
            Field::select("status", t.status, status, std::iter::once(("", t.all)).chain(statuses)),
        ],
        chips: [list.chip("service", wanted), list.chip("status", badge(t, status).words)].into_iter().flatten().collect(),
        table: Table {
            id: "events",
            heads: vec![
                Head::choice(request.d),
                Head::new(t.event),
                Head::new(t.service),
                Head::new(t.status),
                Head::number(t.attempts),
                Head::new(t.failed_at),
                Head::new(t.correlation),
                Head::new(request.d.actions),
            ],
            rows,
            empty: t.no_failed_events,
            ..Table::default()
        },
        bulk: Some(Bulk { actions: vec![(t.replay, "/admin/events/replay")], reason: "" }),
        empty_text: t.no_failed_events_text,
        empty_step: Some(Link { label: t.audit, href: "/admin/audit".into() }),
        ..Screen::of(&list, None)
    };
    request.list(screen)
}

pub async fn replay(request: AdminRequest, Path((service, id)): Path<(String, String)>) -> Response {
    let result = request.call(&REPLAY_FAILED_EVENT).path(&service).path(&id).send().await;
    match result {
        Ok(()) => request.done(AdminNotice::Replayed, PATH),
        Err(failure) => {
            let refused = Some((failure.status(), Faults::of(&failure)));
            show(request, Parameters::new(), refused).await
        }
    }
}

pub async fn replay_many(request: AdminRequest, Form(sent): Form<Sent>) -> Response {
    let mut tally = Tally::default();
    for chosen in sent.chosen() {
        let (service, id) = chosen.split_once('/').unwrap_or((chosen, ""));
        tally.count(chosen, request.call(&REPLAY_FAILED_EVENT).path(service).path(id).send().await);
    }
    match tally.faults(request.t.some_refused) {
        None => request.done(AdminNotice::Replayed, PATH),
        Some(faults) => show(request, Parameters::new(), Some((StatusCode::CONFLICT, faults))).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_written_in_a_fitting_unit() {
        let written = [15, 1_250, 61_000].map(|ms| span(Language::English, Duration::from_millis(ms)).replace('\u{a0}', " "));
        assert_eq!(written, ["15 ms", "1.2 s", "1 min"]);
    }
}
