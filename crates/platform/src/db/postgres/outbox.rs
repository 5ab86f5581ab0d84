//! The events of a unit, written in one statement however many there are.

use super::Emitted;
use contracts::{ids::Uuid, time::Timestamp};
use std::collections::BTreeMap;
use tokio_postgres::types::ToSql;

/// Counts the events of each aggregate and appends them in the order of their emission. The ids of the aggregates are in order, so
/// that two units lock the rows in the same order. A row of the outbox needs the count of its aggregate, so it takes its identity when
/// that row is locked: events of one aggregate have identities in the order of their units.
pub(super) const INSERT: &str = "WITH counted AS (INSERT INTO aggregates (aggregate_id, sequence) \
                                 SELECT id, events FROM UNNEST($1::uuid[], $2::bigint[]) AS t (id, events) \
                                 ON CONFLICT (aggregate_id) DO UPDATE SET sequence = aggregates.sequence + excluded.sequence \
                                 RETURNING aggregate_id, sequence) \
                                 INSERT INTO outbox (event_id, event_type, aggregate_type, aggregate_id, sequence, payload, correlation_id, \
                                 causation_id, actor_id, schema_version, occurred_at) \
                                 SELECT a, b, c, d, counted.sequence - e, f, g, h, i, j, $13::bigint FROM UNNEST($3::uuid[], $4::text[], \
                                 $5::text[], $6::uuid[], $7::bigint[], $8::text[], $9::text[], $10::uuid[], $11::uuid[], $12::bigint[]) \
                                 WITH ORDINALITY AS t (a, b, c, d, e, f, g, h, i, j, n) JOIN counted ON counted.aggregate_id = d ORDER BY n";

/// How many events [`NUMBER`] numbers at most.
pub(super) const NUMBERED: usize = 1_000;

/// Gives the next numbers to the oldest events without one, in the order of their insertion. Events of one aggregate are
/// inserted one after the other, because the second waits for the row that counts them; so this order is the aggregate's order.
pub(super) const NUMBER: &str = "UPDATE outbox SET position = next.number FROM (SELECT inserted, \
                                 (SELECT COALESCE(MAX(position), 0) FROM outbox) + ROW_NUMBER() OVER (ORDER BY inserted) AS number \
                                 FROM (SELECT inserted FROM outbox WHERE position IS NULL ORDER BY inserted LIMIT 1000) AS oldest) AS next \
                                 WHERE outbox.inserted = next.inserted RETURNING next.number";

/// The parameters of [`INSERT`].
#[derive(Default)]
pub(super) struct Rows {
    counted: Vec<Uuid>,
    counts: Vec<i64>,
    ids: Vec<Uuid>,
    types: Vec<&'static str>,
    aggregate_types: Vec<&'static str>,
    aggregates: Vec<Uuid>,
    /// How many events of the same aggregate follow.
    following: Vec<i64>,
    payloads: Vec<String>,
    correlation_ids: Vec<String>,
    causation_ids: Vec<Option<Uuid>>,
    actor_ids: Vec<Option<Uuid>>,
    versions: Vec<i64>,
    now: i64,
}

impl Rows {
    pub fn of(events: Vec<Emitted>, now: Timestamp) -> Rows {
        let mut counts: BTreeMap<Uuid, i64> = BTreeMap::new();
        for event in &events {
            *counts.entry(event.aggregate_id).or_default() += 1;
        }
        let (counted, all) = counts.iter().map(|(id, count)| (*id, *count)).unzip();
        let mut rows = Rows { counted, counts: all, now: now.0, ..Rows::default() };
        for event in events {
            let following = counts.entry(event.aggregate_id).or_default();
            *following -= 1;
            rows.ids.push(event.id.into());
            rows.types.push(event.event_type);
            rows.aggregate_types.push(event.aggregate_type);
            rows.aggregates.push(event.aggregate_id);
            rows.following.push(*following);
            rows.payloads.push(event.payload);
            rows.correlation_ids.push(event.correlation_id.as_ref().to_owned());
            rows.causation_ids.push(event.causation_id.map(Into::into));
            rows.actor_ids.push(event.actor_id.map(Into::into));
            rows.versions.push(event.version.into());
        }
        rows
    }

    pub fn params(&self) -> [&(dyn ToSql + Sync); 13] {
        [
            &self.counted,
            &self.counts,
            &self.ids,
            &self.types,
            &self.aggregate_types,
            &self.aggregates,
            &self.following,
            &self.payloads,
            &self.correlation_ids,
            &self.causation_ids,
            &self.actor_ids,
            &self.versions,
            &self.now,
        ]
    }
}
