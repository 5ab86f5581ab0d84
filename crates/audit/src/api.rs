//! Entry point 1: HTTP, for administrators.

use crate::{
    App,
    domain::{Entry, check_aggregate_type},
    store::{self, PageEnd},
};
use contracts::audit::{DomainEvent, EventFilter};
use platform::{
    db::Tx,
    http::{Paged, Paging, Problem, Query, Routes, State},
    identity::Admin,
};

pub fn routes() -> Routes<App> {
    Routes::new("audit").get("/audit/events", list_events, "The events of all services, the newest first")
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
