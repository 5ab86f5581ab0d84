//! The events of a unit, written in two statements however many there are.

use super::{Emitted, session::Session};
use crate::db::Error;
use contracts::{ids::Uuid, time::Timestamp};
use std::collections::BTreeMap;
use tokio_postgres::types::ToSql;

/// Counts the events of each aggregate. The ids are in order, so that two units lock the rows in the same order.
const COUNT: &str = "INSERT INTO aggregates (aggregate_id, sequence) SELECT id, events FROM UNNEST($1::uuid[], $2::bigint[]) AS t (id, events) \
                     ON CONFLICT (aggregate_id) DO UPDATE SET sequence = aggregates.sequence + excluded.sequence RETURNING aggregate_id, sequence";

/// Appends the events in the order of their emission.
pub(super) const INSERT: &str = "INSERT INTO outbox (event_id, event_type, aggregate_type, aggregate_id, sequence, payload, correlation_id, \
                                 causation_id, actor_id, schema_version, occurred_at) \
                                 SELECT a, b, c, d, e, f, g, h, i, j, $11::bigint FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::uuid[], \
                                 $5::bigint[], $6::text[], $7::text[], $8::uuid[], $9::uuid[], $10::bigint[]) WITH ORDINALITY \
                                 AS t (a, b, c, d, e, f, g, h, i, j, n) ORDER BY n";

/// How many events [`NUMBER`] numbers at most.
pub(super) const NUMBERED: usize = 1_000;

/// Gives the next numbers to the oldest events without one, in the order of their insertion. Events of one aggregate are
/// inserted one after the other, because the second waits for the row that counts them; so this order is the aggregate's order.
pub(super) const NUMBER: &str = "UPDATE outbox SET position = next.number FROM (SELECT inserted, \
                                 (SELECT COALESCE(MAX(position), 0) FROM outbox) + ROW_NUMBER() OVER (ORDER BY inserted) AS number \
                                 FROM (SELECT inserted FROM outbox WHERE position IS NULL ORDER BY inserted LIMIT 1000) AS oldest) AS next \
                                 WHERE outbox.inserted = next.inserted RETURNING next.number";

/// The columns of the rows.
#[derive(Default)]
pub(super) struct Rows {
    ids: Vec<Uuid>,
    types: Vec<&'static str>,
    aggregate_types: Vec<&'static str>,
    aggregates: Vec<Uuid>,
    sequences: Vec<i64>,
    payloads: Vec<String>,
    correlation_ids: Vec<String>,
    causation_ids: Vec<Option<Uuid>>,
    actor_ids: Vec<Option<Uuid>>,
    versions: Vec<i64>,
    now: i64,
}

impl Rows {
    pub fn params(&self) -> [&(dyn ToSql + Sync); 11] {
        [
            &self.ids,
            &self.types,
            &self.aggregate_types,
            &self.aggregates,
            &self.sequences,
            &self.payloads,
            &self.correlation_ids,
            &self.causation_ids,
            &self.actor_ids,
            &self.versions,
            &self.now,
        ]
    }
}

/// Numbers the events within their aggregates and returns the rows to insert.
pub(super) async fn insert(session: &Session, events: Vec<Emitted>, now: Timestamp) -> Result<Rows, Error> {
    let mut counts: BTreeMap<Uuid, i64> = BTreeMap::new();
    for event in &events {
        *counts.entry(event.aggregate_id).or_default() += 1;
    }
    let (aggregates, added): (Vec<Uuid>, Vec<i64>) = counts.iter().map(|(id, count)| (*id, *count)).unzip();
    let mut next: BTreeMap<Uuid, i64> = BTreeMap::new();
    for row in session.run_query(COUNT, &[&aggregates, &added]).await? {
        let (id, last): (Uuid, i64) = (row.get(0), row.get(1));
        next.insert(id, last - counts.get(&id).copied().unwrap_or_default());
    }
    let mut rows = Rows { now: now.0, ..Rows::default() };
    for event in events {
        let sequence = next.entry(event.aggregate_id).or_default();
        *sequence += 1;
        rows.ids.push(event.id.into());
        rows.types.push(event.event_type);
        rows.aggregate_types.push(event.aggregate_type);
        rows.aggregates.push(event.aggregate_id);
        rows.sequences.push(*sequence);
        rows.payloads.push(event.payload);
        rows.correlation_ids.push(event.correlation_id.as_ref().to_owned());
        rows.causation_ids.push(event.causation_id.map(Into::into));
        rows.actor_ids.push(event.actor_id.map(Into::into));
        rows.versions.push(event.version.into());
    }
    Ok(rows)
}
