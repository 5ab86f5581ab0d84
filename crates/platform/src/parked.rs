//! The view of events that were set aside, which every service has: admins see them and let them be tried again.

use crate::{
    db::Db,
    http::{Json, NoContent, Path, Problem, Query, Routes, State},
    identity::Admin,
    inbox::{self, ParkedEvent},
};
use contracts::{ids::EventId, page::Page, problem::Code};

/// The routes, the same in every service; the service's name in the path tells the gateway whose they are.
pub(crate) fn routes() -> Routes<Db> {
    Routes::new("parked-events")
        .get("/admin/parked-events/{service}", list, "Events that a service could not consume yet, the oldest first; up to 100")
        .post("/admin/parked-events/{service}/{eventId}/replay", replay, "Lets a service try an event again at once")
}

async fn list(
    _: Admin,
    State(db): State<Db>,
    Path(service): Path<String>,
    Query(()): Query<()>,
) -> Result<Json<Page<ParkedEvent>>, Problem> {
    own(&db, &service)?;
    Ok(Json(Page { items: inbox::list_parked(&db).await?, next_cursor: None }))
}

async fn replay(_: Admin, State(db): State<Db>, Path((service, event_id)): Path<(String, EventId)>) -> Result<NoContent, Problem> {
    own(&db, &service)?;
    match inbox::replay(&db, event_id).await? {
        true => Ok(NoContent),
        false => Err(Problem::new(Code::NOT_FOUND).detail("no such event was set aside, or it waits behind another")),
    }
}

fn own(db: &Db, service: &str) -> Result<(), Problem> {
    if service == db.service() { Ok(()) } else { Err(Code::NOT_FOUND.into()) }
}
