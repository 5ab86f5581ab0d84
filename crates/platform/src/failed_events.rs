//! The API of failed events, which every service has: admins list the events that could not be consumed, and replay them.

use crate::{
    db::Db,
    http::{NoContent, Paged, Paging, Path, Problem, Query, Routes, State},
    identity::Admin,
    inbox,
};
use contracts::{
    failed_event::{FailedEvent, FailedEventFilter},
    ids::EventId,
    problem::Code,
};

/// The routes, the same in every service. The gateway routes them by the service's name in the path.
pub(crate) fn routes() -> Routes<Db> {
    Routes::new("parked-events")
        .get("/admin/parked-events/{service}", list, "Events that a service could not consume yet, the oldest first")
        .post("/admin/parked-events/{service}/{eventId}/replay", replay, "Lets a service try an event again at once")
}

async fn list(
    _: Admin,
    State(db): State<Db>,
    Path(service): Path<String>,
    Query(FailedEventFilter { status }): Query<FailedEventFilter>,
    paging: Paging,
) -> Result<Paged<FailedEvent>, Problem> {
    check_service(&db, &service)?;
    let tag = format!("parked events of {service} {status:?}");
    let found = inbox::list_failed_events(&db, status, paging.after(&tag)?, paging.fetch()).await?;
    Ok(Paged(paging.page(&tag, found, |last| last.event.event_id)))
}

async fn replay(_: Admin, State(db): State<Db>, Path((service, event_id)): Path<(String, EventId)>) -> Result<NoContent, Problem> {
    check_service(&db, &service)?;
    match inbox::replay(&db, event_id).await? {
        true => Ok(NoContent),
        false => Err(Problem::new(Code::NOT_FOUND).detail("no such event failed, or it is blocked by another")),
    }
}

fn check_service(db: &Db, service: &str) -> Result<(), Problem> {
    if service == db.service() { Ok(()) } else { Err(Code::NOT_FOUND.into()) }
}
