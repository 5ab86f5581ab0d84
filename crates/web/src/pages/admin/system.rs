//! The services of the installation, as far as they show themselves by the public API.

use super::{
    Desk, Trouble,
    parked::{self, span},
    screens::{Cell, FormView, Link, Row, Sheet, Table},
};
use crate::{
    dashboard::{Badge, Figure, Head, Tone},
    forms::Faults,
    session::AdminNotice,
};
use axum::response::Response;
use contracts::{
    SERVICES,
    failed_event::FailedEventStatus,
    search::{GET_SEARCH_INDEX, REBUILD_SEARCH_INDEX},
};

const PATH: &str = "/admin/system";

pub async fn show(desk: Desk) -> Response {
    sheet(desk, None).await
}

async fn sheet(desk: Desk, refused: Trouble) -> Response {
    let t = desk.t;
    let limits = async { desk.call(&GET_SEARCH_INDEX).policy().await };
    let (answers, lag, index) = tokio::join!(parked::of_all(&desk, ""), parked::lag(&desk), limits);
    let (policy, index) = index;
    let mut silent = 0;
    let rows = answers.into_iter().map(|(service, answer)| {
        let about = SERVICES.iter().find(|spec| spec.name == service).map_or("", |spec| spec.description);
        let (state, retrying, parked) = match &answer {
            Ok(page) => {
                let parked = page.items.iter().filter(|event| event.status == FailedEventStatus::Parked).count();
                let more = if page.next_cursor.is_some() { "+" } else { "" };
                (Badge::new(t.answers, Tone::Good), format!("{}{more}", page.items.len() - parked), format!("{parked}{more}"))
            }
            Err(_) => {
                silent += 1;
                (Badge::new(t.silent, Tone::Bad), "–".to_owned(), "–".to_owned())
            }
        };
        Row::of([
            Cell::link(service, format!("/admin/events?service={service}")).over(about),
            Cell::badge(state),
            Cell::number(retrying),
            Cell::number(parked),
        ])
    });
    let rows: Vec<Row> = rows.collect();
    let lag = lag.unwrap_or_default();
    let mut facts = vec![
        (t.version, Cell::code(env!("CARGO_PKG_VERSION"))),
        (t.limits, policy.map_or_else(|| Cell::text(t.no_limits), |policy| Cell { lines: vec![policy], ..Cell::default() })),
    ];
    if let Ok(index) = &index {
        facts.push((t.index_products, Cell::text(index.products)));
        facts.push((t.index_waiting, Cell::text(index.waiting)));
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
            Figure::new(t.lag_median, span(lag.median)),
            Figure::new(t.lag_longest, span(lag.longest)),
        ],
        facts,
        tables: vec![Table {
            id: "services",
            title: t.services,
            heads: vec![Head::new(t.service), Head::new(t.status), Head::number(t.retried_events), Head::number(t.parked_events)],
            rows,
            empty: t.none,
            ..Table::default()
        }],
        forms: vec![FormView::new("index", t.rebuild_title, "/admin/system/index", t.rebuild).hint(t.rebuild_hint)],
        ..Sheet::default()
    };
    desk.sheet(view)
}

pub async fn rebuild_index(desk: Desk) -> Response {
    let result = desk.call(&REBUILD_SEARCH_INDEX).send().await;
    match result {
        Ok(()) => desk.done(AdminNotice::Requested, PATH),
        Err(failure) => {
            let refused = Some((failure.status(), Faults::of(&failure)));
            sheet(desk, refused).await
        }
    }
}
