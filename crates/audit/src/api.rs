//! Entry point 1: HTTP, for administrators.

use crate::{
    App,
    domain::Entry,
    store::{self, Filter, PageEnd},
};
use contracts::audit::DomainEvent;
use platform::{
    http::{Paged, Paging, Problem, Query, Routes, State},
    identity::Admin,
};

pub fn routes() -> Routes<App> {
    Routes::new("audit").get("/audit/events", list_events, "The events of all services, the newest first")
}

async fn list_events(
    _: Admin,
    State(app): State<App>,
    Query(filter): Query<Filter>,
    paging: Paging,
) -> Result<Paged<DomainEvent>, Problem> {
    let tag = format!("audit {filter:?}");
    let (after, rows) = (paging.after::<PageEnd>(&tag)?, paging.fetch());
    let found: Vec<Entry> = app.ctx.db.read(async move |tx| store::list_events(tx, filter.clone(), after, rows).await).await?;
    let page = paging.page(&tag, found, |entry| (entry.envelope.occurred_at, entry.position));
    let events: Result<Vec<_>, _> = page.items.into_iter().map(Entry::view).collect();
    Ok(Paged(contracts::page::Page { items: events.map_err(|error| Problem::internal(&error))?, next_cursor: page.next_cursor }))
}
