//! The events that a service committed, read in the order of their commits.
//!
//! The outbox is the source of truth, and the bus only transports events: rows are kept for some time after every consumer
//! processed them, and can be read again from any position.

mod recent;

pub(crate) use recent::RecentEvents;

use crate::{
    db::{Db, Error, Row, Select, Tx},
    inbox::Consumers,
};
use contracts::{
    event::Envelope,
    ids::{EventId, Uuid},
    time::Timestamp,
};
use recent::Found;
use serde_json::value::RawValue;
use std::sync::Arc;

/// An event and its position in the outbox of its producer.
#[derive(Debug, Clone)]
pub struct Published {
    pub position: i64,
    /// With its payload as a JSON text if the stored one is not JSON.
    pub envelope: Envelope,
    /// What is wrong with the stored row.
    pub fault: Option<String>,
}

/// Returns the next events after `position`, oldest first.
///
/// # Errors
/// Those of the database.
pub async fn read_after(db: &Db, position: i64, limit: usize) -> Result<Vec<Published>, Error> {
    let producer = db.service();
    db.read(async move |tx| {
        tx.query(
            "SELECT position, event_id, event_type, aggregate_type, aggregate_id, sequence, payload, correlation_id, causation_id, \
             actor_id, schema_version, occurred_at FROM outbox WHERE position > $1 ORDER BY position LIMIT $2",
            crate::params![position, limit],
            |row| published(row, producer),
        )
        .await
    })
    .await
}

/// Which events [`list`] returns; what is `None` limits nothing.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    pub event_type: Option<String>,
    pub aggregate: Option<Uuid>,
    pub correlation_id: Option<String>,
    /// Only events that occurred at this instant or later.
    pub since: Option<Timestamp>,
}

/// Returns the newest events of the outbox that fit, newest first.
///
/// # Errors
/// Those of the database.
pub async fn list(db: &Db, filter: EventFilter, limit: usize) -> Result<Vec<Published>, Error> {
    let producer = db.service();
    db.read(async move |tx| {
        let EventFilter { event_type, aggregate, correlation_id, since } = filter.clone();
        // A row without a position was committed a moment ago, and is not numbered yet.
        Select::from(
            "SELECT position, event_id, event_type, aggregate_type, aggregate_id, sequence, payload, correlation_id, causation_id, \
             actor_id, schema_version, occurred_at FROM outbox WHERE position IS NOT NULL",
        )
        .filter_some("event_type = ?", event_type)
        .filter_some("aggregate_id = ?", aggregate)
        .filter_some("correlation_id = ?", correlation_id)
        .filter_some("occurred_at >= ?", since)
        .limit("position DESC", i64::try_from(limit).unwrap_or(i64::MAX))
        .rows(tx, |row| published(row, producer))
        .await
    })
    .await
}

/// [`read_after`] from memory where the events are recent: all consumers of a service read the same events, so one of them
/// reads the database for all.
///
/// # Errors
/// Those of the database.
pub(crate) async fn next_after(db: &Db, position: i64, limit: usize) -> Result<Vec<Arc<Published>>, Error> {
    let recent = db.recent_events();
    let _reading = match recent.find(position, limit) {
        Found::Events(events) => return Ok(events),
        Found::Older => None,
        Found::End => Some(recent.reading.lock().await),
    };
    if let Found::Events(events) = recent.find(position, limit) {
        return Ok(events);
    }
    let events: Vec<_> = read_after(db, position, limit).await?.into_iter().map(Arc::new).collect();
    recent.append(position, &events);
    Ok(events)
}

/// What a search for an event compares.
#[derive(Debug, Clone)]
pub(crate) struct EventHead {
    pub position: i64,
    pub event_id: EventId,
    pub event_type: String,
    pub occurred_at: Timestamp,
}

/// Returns the heads of the events after `after` up to `upto`, oldest first.
///
/// # Errors
/// Those of the database.
pub(crate) async fn list_heads(db: &Db, after: i64, upto: i64) -> Result<Vec<EventHead>, Error> {
    let sql =
        "SELECT position, event_id, event_type, occurred_at FROM outbox WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3";
    db.read(async move |tx| {
        tx.query(sql, crate::params![after, upto, upto.saturating_sub(after)], |row| {
            Ok(EventHead { position: row.next()?, event_id: row.next()?, event_type: row.next()?, occurred_at: row.next()? })
        })
        .await
    })
    .await
}

/// Returns the id of the event at this position.
///
/// # Errors
/// Those of the database.
pub(crate) async fn event_at(db: &Db, position: i64) -> Result<Option<EventId>, Error> {
    let sql = "SELECT event_id FROM outbox WHERE position = $1";
    db.read(async move |tx| tx.query_opt(sql, crate::params![position], |row| row.next()).await).await
}

/// Returns the positions of the oldest and the newest event; `None` before the first.
///
/// # Errors
/// Those of the database.
pub(crate) async fn bounds(db: &Db) -> Result<Option<(i64, i64)>, Error> {
    let sql = "SELECT MIN(position), MAX(position) FROM outbox";
    let (oldest, newest): (Option<i64>, Option<i64>) =
        db.read(async move |tx| tx.query_one(sql, &[], |row| Ok((row.next()?, row.next()?))).await).await?;
    Ok(oldest.zip(newest))
}

/// Counts the events after `position` that `consumers` consume, and returns when the oldest of them occurred.
///
/// # Errors
/// Those of the database.
pub(crate) async fn count_after(db: &Db, position: i64, consumers: &Consumers) -> Result<(u64, Option<Timestamp>), Error> {
    let by_type: Vec<(String, u64, Timestamp)> = db
        .read(async move |tx| {
            let sql = "SELECT event_type, COUNT(*), MIN(occurred_at) FROM outbox WHERE position > $1 GROUP BY event_type";
            tx.query(sql, crate::params![position], |row| Ok((row.next()?, row.next()?, row.next()?))).await
        })
        .await?;
    let consumed = by_type.iter().filter(|(event_type, ..)| consumers.consumes(event_type));
    Ok(consumed.fold((0, None), |(events, oldest), (_, count, first)| {
        (events + count, Some(oldest.map_or(*first, |oldest: Timestamp| oldest.min(*first))))
    }))
}

/// Returns the position before the first event that occurred at `since` or later.
///
/// # Errors
/// Those of the database.
pub async fn position_before(db: &Db, since: Timestamp) -> Result<i64, Error> {
    db.read(async move |tx| {
        tx.query_one(
            "SELECT COALESCE(MIN(position) - 1, (SELECT COALESCE(MAX(position), 0) FROM outbox)) FROM outbox WHERE occurred_at >= $1",
            crate::params![since],
            |row| row.next(),
        )
        .await
    })
    .await
}

/// Deletes up to `rows` of the oldest events that are older than `before` and that every consumer processed: `consumed` is
/// the least position of all consumers. The newest event stays, so that no position is used twice.
///
/// # Errors
/// Those of the database.
pub(crate) async fn purge(db: &Db, before: Timestamp, consumed: i64, rows: usize) -> Result<u64, Error> {
    db.write(async move |tx| {
        tx.execute(
            "DELETE FROM outbox WHERE occurred_at < $1 AND position IN (SELECT position FROM outbox WHERE position <= $2 \
             AND position < (SELECT MAX(position) FROM outbox) ORDER BY position LIMIT $3)",
            crate::params![before, consumed, rows],
        )
        .await
    })
    .await
}

fn published(row: &mut Row<'_>, producer: &str) -> Result<Published, Error> {
    let mut fault = None;
    Ok(Published {
        position: row.next()?,
        envelope: Envelope {
            event_id: row.next()?,
            event_type: row.next()?,
            aggregate_type: row.next()?,
            aggregate_id: row.next()?,
            sequence: row.next()?,
            payload: payload(row.next_text()?, &mut fault)?,
            correlation_id: row.next()?,
            causation_id: row.next()?,
            actor_id: row.next()?,
            producer: producer.to_owned(),
            schema_version: row.next()?,
            occurred_at: row.next()?,
        },
        fault,
    })
}

/// Reads a payload. One that is not JSON must not keep back the events of other aggregates, so it becomes a JSON text and a
/// fault.
fn payload(stored: String, fault: &mut Option<String>) -> Result<Box<RawValue>, Error> {
    match serde_json::from_str::<&RawValue>(&stored) {
        Ok(json) => Ok(json.to_owned()),
        Err(error) => {
            *fault = Some(format!("the payload in the outbox is not JSON: {error}"));
            serde_json::value::to_raw_value(&stored).map_err(|error| Error::Failed(error.to_string()))
        }
    }
}

/// Returns the newest event, if there is one.
///
/// # Errors
/// Those of the database.
pub async fn newest(db: &Db) -> Result<Option<Envelope>, Error> {
    let last: i64 = db.read(async |tx| tx.query_one("SELECT COALESCE(MAX(position), 0) FROM outbox", &[], |row| row.next()).await).await?;
    Ok(read_after(db, last - 1, 1).await?.pop().map(|published| published.envelope))
}

/// Returns the position of the newest event, 0 before the first.
///
/// # Errors
/// Those of the database.
pub async fn newest_position(db: &Db) -> Result<i64, Error> {
    Ok(bounds(db).await?.map_or(0, |(_, newest)| newest))
}

/// Returns how many events each aggregate after `after`, up to and including `up_to`, has emitted, in the order of their
/// ids. The counts are kept for ever, unlike the events.
///
/// # Errors
/// Those of the database.
pub async fn list_counts(tx: &mut Tx, after: Uuid, up_to: Uuid) -> Result<Vec<(Uuid, i64)>, Error> {
    tx.query(
        "SELECT aggregate_id, sequence FROM aggregates WHERE aggregate_id > $1 AND aggregate_id <= $2 ORDER BY aggregate_id",
        crate::params![after, up_to],
        |row| Ok((row.next()?, row.next()?)),
    )
    .await
}

/// How many events a service announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announced {
    /// Since the installation began, whether they are still in the outbox or not.
    pub total: i64,
    /// Those of them that are in the outbox after a position.
    pub after: i64,
}

/// Returns how many events the service announced, in all and after `position`, at one instant. The counts of the aggregates
/// are kept for ever, so deleting old events does not lower them.
///
/// # Errors
/// Those of the database.
pub async fn count_announced(db: &Db, position: i64) -> Result<Announced, Error> {
    db.read(async move |tx| {
        let sql = "SELECT CAST(COALESCE(SUM(sequence), 0) AS BIGINT), (SELECT COUNT(*) FROM outbox WHERE position > $1) FROM aggregates";
        tx.query_one(sql, crate::params![position], |row| Ok(Announced { total: row.next()?, after: row.next()? })).await
    })
    .await
}
