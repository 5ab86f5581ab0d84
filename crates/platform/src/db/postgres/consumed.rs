//! Records the events of a batch as consumed, in one statement.

use crate::{
    db::{Error, Tx},
    params,
};
use contracts::ids::EventId;
use std::collections::HashSet;

/// The ids travel in one text, so that there is one statement for every number of events.
const RECORD: &str = "WITH fresh AS (INSERT INTO inbox (event_id) SELECT CAST(id AS UUID) FROM UNNEST(STRING_TO_ARRAY($1, ',')) AS t (id) \
                      ON CONFLICT (event_id) DO NOTHING RETURNING event_id) \
                      SELECT event_id, EXISTS (SELECT 1 FROM parked_events) FROM fresh";

/// Returns the events that were not recorded before, and whether any event of the inbox failed.
pub(crate) async fn record(tx: &mut Tx, events: &[EventId]) -> Result<(HashSet<EventId>, bool), Error> {
    if events.is_empty() {
        return Ok((HashSet::new(), false));
    }
    let ids = events.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let fresh: Vec<(EventId, bool)> = tx.query(RECORD, params![ids], |row| Ok((row.next()?, row.next()?))).await?;
    let any_failed = fresh.first().is_some_and(|(_, any_failed)| *any_failed);
    Ok((fresh.into_iter().map(|(id, _)| id).collect(), any_failed))
}
