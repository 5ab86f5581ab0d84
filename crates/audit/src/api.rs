//! Entry point 1: HTTP, for administrators.

use crate::{
    App,
    domain::{ChainKey, Entry, Head, check_aggregate_type},
    store::{self, PageEnd},
    verify::{Report, verify},
};
use contracts::{
    audit::{AuditCheck, CheckFilter, DomainEvent, EventFilter},
    problem::{Code, Fault},
};
use platform::{
    db::Tx,
    http::{Json, Paged, Paging, Problem, Query, Routes, State},
    identity::Admin,
};

pub fn routes() -> Routes<App> {
    Routes::new("audit").get("/audit/events", list_events, "The events of all services, the newest first").get(
        "/audit/check",
        check,
        "Checks the chain of the log",
    )
}

async fn list_events(
    _: Admin,
    State(app): State<App>,
    Query(filter): Query<EventFilter>,
    paging: Paging,
) -> Result<Paged<DomainEvent>, Problem> {
    if let Some(aggregate_type) = &filter.aggregate_type {
        check_aggregate_type(aggregate_type).map_err(|fault| Problem::invalid(vec![fault]))?;
    }
    let tag = format!("audit {filter:?}");
    let read = async move |tx: &mut Tx, after: Option<PageEnd>, rows| store::list_events(tx, filter.clone(), after, rows).await;
    let page = paging.list(&app.ctx.db, &tag, read, |entry| (entry.envelope.occurred_at, entry.position)).await?;
    let events: Result<Vec<_>, _> = page.items.into_iter().map(Entry::view).collect();
    Ok(Paged(contracts::page::Page { items: events.map_err(|error| Problem::internal(&error))?, next_cursor: page.next_cursor }))
}

/// One check runs at a time: each reads the whole log.
async fn check(_: Admin, State(app): State<App>, Query(CheckFilter { head }): Query<CheckFilter>) -> Result<Json<AuditCheck>, Problem> {
    let noted = head.map(|text| text.as_str().parse::<Head>()).transpose();
    let noted = noted.map_err(|_| Problem::invalid(vec![Fault::parameter("head", "NOT_A_HEAD", "must be a head such as 17:0f3a…")]))?;
    let Ok(_turn) = app.checks.try_acquire() else {
        return Err(Problem::new(Code::OVERLOADED).detail("another check of the log is running"));
    };
    let Report { checked, head, faults, notes } = verify(&app.ctx.db, &ChainKey::new(&app.ctx.master_key), noted).await?;
    Ok(Json(AuditCheck { intact: faults.is_empty(), checked, head: head.map(|head| head.to_string()), faults, notes }))
}
