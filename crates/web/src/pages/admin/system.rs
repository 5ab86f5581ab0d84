//! The services of the installation, as far as they show themselves by the public API.

use super::{
    AdminRequest, PageFaults,
    parked::{self, span},
    screens::{Cell, FormView, Link, Row, Sheet, Table},
    today::micros,
};
use crate::{
    dashboard::{Badge, Figure, Head, Tone},
    forms::Faults,
    session::AdminNotice,
};
use axum::response::Response;
use contracts::{
    search::{GET_SEARCH_INDEX, REBUILD_SEARCH_INDEX},
    system::GET_SYSTEM,
};

const PATH: &str = "/admin/system";

pub async fn show(request: AdminRequest) -> Response {
    sheet(request, None).await
}

async fn sheet(request: AdminRequest, refused: PageFaults) -> Response {
    let t = request.t;
    let limits = async { request.call(&GET_SEARCH_INDEX).policy().await };
    let (system, lag, (policy, index)) = tokio::join!(request.call(&GET_SYSTEM).send(), parked::lag(&request), limits);
    let system = match system {
        Ok(system) => system,
        Err(failure) => return request.failed(&failure),
    };
    let silent = system.services.iter().filter(|service| !service.answers).count();
    let rows = system.services.iter().map(|service| {
        let state = if service.answers { Badge::new(t.answers, Tone::Good) } else { Badge::new(t.silent, Tone::Bad) };
        let failed = service.failed_events;
        let more = if failed.has_more { "+" } else { "" };
        let count = |count: u32| if service.answers { format!("{count}{more}") } else { "–".to_owned() };
        Row::of([
            Cell::link(&service.service, format!("/admin/events?service={}", service.service)).over(request.words(&service.service)),
            Cell::badge(state),
            Cell::number(format!("{} / {}", service.ready_replicas, service.replicas)),
            Cell::number(count(failed.retrying)),
            Cell::number(count(failed.parked)),
        ])
    });
    let rows: Vec<Row> = rows.collect();
    let lag = lag.unwrap_or_default();
    let requests = system.requests;
    let failed = if requests.failed > 0 { format!("{} {}", requests.failed, t.failed_requests) } else { String::new() };
    let mut facts = vec![
        (t.version, Cell::code(&system.version)),
        (t.serving_since, Cell::text(request.moment(system.serving_since))),
        (t.limits, policy.map_or_else(|| Cell::text(t.no_limits), |policy| Cell { lines: vec![policy], ..Cell::default() })),
    ];
    if let Ok(index) = &index {
        facts.push((t.index_products, Cell::text(request.count(index.products))));
        facts.push((t.index_waiting, Cell::text(request.count(index.waiting))));
        facts.push((t.index_generation, Cell::text(index.generation)));
        let rebuild = index.rebuild.as_ref().map(|rebuild| format!("{} ({})", rebuild.generation, rebuild.waiting));
        facts.push((t.index_rebuild, Cell::maybe(rebuild)));
    }
    let view = Sheet {
        title: t.system.to_owned(),
        lead: t.system_lead.to_owned(),
        faults: refused,
        links: vec![Link { label: t.events, href: "/admin/events".into() }, Link { label: t.api, href: "/api/docs".into() }],
        figures: vec![
            Figure::new(t.services, rows.len() - silent)
                .changed(if silent > 0 { format!("{silent} {}", t.silent) } else { String::new() }, Tone::Bad),
            Figure::new(t.requests, request.count(requests.requests)).changed(failed, Tone::Bad),
            Figure::new(t.median_time, micros(request.lang, requests.median_micros)),
            Figure::new(t.p95_time, micros(request.lang, requests.p95_micros)),
            Figure::new(t.p99_time, micros(request.lang, requests.p99_micros)),
            Figure::new(t.lag_median, span(request.lang, lag.median)),
            Figure::new(t.lag_longest, span(request.lang, lag.longest)),
        ],
        facts,
        tables: vec![Table {
            id: "services",
            title: t.services,
            heads: vec![
                Head::new(t.service),
                Head::new(t.status),
                Head::number(t.replicas),
                Head::number(t.retried_events),
                Head::number(t.parked_events),
            ],
            rows,
            empty: t.none,
            ..Table::default()
        }],
        is_wide: true,
        forms: vec![FormView::new("index", t.rebuild_title, "/admin/system/index", t.rebuild).hint(t.rebuild_hint)],
        ..Sheet::default()
    };
    request.sheet(view)
}

pub async fn rebuild_index(request: AdminRequest) -> Response {
    let result = request.call(&REBUILD_SEARCH_INDEX).send().await;
    match result {
        Ok(()) => request.done(AdminNotice::Requested, PATH),
        Err(failure) => {
            let refused = Some((failure.status(), Faults::of(&failure)));
            sheet(request, refused).await
        }
    }
}
