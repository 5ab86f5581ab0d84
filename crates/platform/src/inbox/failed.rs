//! Events that could not be consumed: tried again by themselves, in order within their aggregate, and parked at last.

use super::{ATTEMPTS, Consumers, Refused, attempt, is_new, report};
use crate::{
    backoff::Backoff,
    db::{Db, Error, Select, Tx},
    params,
    worker::Next,
};
use contracts::{column::Json, event::Envelope, ids::EventId, time::Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The pauses after attempts that failed.
const BACKOFF: Backoff = Backoff::doubling(Duration::from_secs(1), Duration::from_secs(60));

/// What becomes of an event that was set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FailedEventStatus {
    /// It is tried again by itself.
    Retrying,
    /// It waits behind an earlier event of its aggregate.
    Blocked,
    /// It waits for an admin.
    Parked,
}

impl FailedEventStatus {
    pub const ALL: [FailedEventStatus; 3] = [FailedEventStatus::Retrying, FailedEventStatus::Blocked, FailedEventStatus::Parked];

    const fn as_str(self) -> &'static str {
        match self {
            FailedEventStatus::Retrying => "RETRYING",
            FailedEventStatus::Blocked => "WAITING",
            FailedEventStatus::Parked => "PARKED",
        }
    }
}

impl std::str::FromStr for FailedEventStatus {
    type Err = ();
    fn from_str(word: &str) -> Result<FailedEventStatus, ()> {
        FailedEventStatus::ALL.into_iter().find(|aside| aside.as_str() == word).ok_or(())
    }
}

impl std::fmt::Display for FailedEventStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

contracts::text_column!(FailedEventStatus);

pub(super) async fn record_failure(
    tx: &mut Tx,
    envelope: &Envelope,
    status: FailedEventStatus,
    attempts: u32,
    error: &str,
) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO parked_events (event_id, producer, aggregate_id, sequence, event_type, envelope, status, attempts, next_attempt_at, \
         error, parked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (event_id) DO NOTHING",
        params![
            envelope.event_id,
            envelope.producer,
            envelope.aggregate_id,
            envelope.sequence,
            envelope.event_type,
            Json(envelope.clone()),
            status,
            attempts,
            now.after(tx.jitter(BACKOFF.delay(attempts))),
            error,
            now
        ],
    )
    .await?;
    tx.notify_worker(RETRY);
    Ok(())
}

/// What is said of a consumer that panicked.
const PANICKED: &str = "the consumer panicked";

pub(super) async fn panicked(db: &Db, envelope: Envelope) -> Result<(), Error> {
    report(db.service(), &envelope, 1, PANICKED);
    db.write(async move |tx| {
        is_new(tx, &envelope).await?;
        record_failure(tx, &envelope, FailedEventStatus::Retrying, 1, PANICKED).await
    })
    .await
}

/// The worker that tries again what was set aside.
pub(crate) const RETRY: &str = "inbox-retry";
/// Events that it takes in one turn at most.
pub(crate) const RETRIED: usize = 32;

/// Tries again the events whose pause is over, each in a commit of its own.
pub(crate) async fn retry_due(db: &Db, consumers: &Consumers) -> Result<Next, Error> {
    for (status, count) in count_failed_events(db).await? {
        metrics::gauge!("souk_events_set_aside", "service" => db.service(), "status" => status.as_str()).set(count as f64);
    }
    let due: Vec<(EventId, u32)> = db
        .read(async |tx| {
            let now = tx.now();
            tx.query(
                "SELECT event_id, attempts FROM parked_events WHERE status = $1 AND next_attempt_at <= $2 ORDER BY next_attempt_at LIMIT $3",
                params![FailedEventStatus::Retrying, now, RETRIED],
                |row| Ok((row.next()?, row.next()?)),
            )
            .await
        })
        .await?;
    let mut pace = Next::after_batch(due.len(), RETRIED);
    for (event_id, attempts) in due {
        let (attempts, consumers) = (attempts + 1, consumers.clone());
        match db.write(async move |tx| retry(tx, &consumers, event_id, attempts).await).await {
            // What waited behind it is due now.
            Ok(true) => pace = Next::Immediately,
            Ok(false) => {}
            Err(Error::Panicked) => {
                tracing::warn!(target: "inbox", service = db.service(), %event_id, attempts, "{PANICKED}");
                metrics::counter!("souk_events_failed_total", "service" => db.service()).increment(1);
                db.write(async move |tx| failed_again(tx, event_id, attempts, PANICKED).await).await?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(pace)
}

/// Whether the event was consumed.
async fn retry(tx: &mut Tx, consumers: &Consumers, event_id: EventId, attempts: u32) -> Result<bool, Error> {
    let found = tx
        .query_opt(
            "SELECT envelope FROM parked_events WHERE event_id = $1 AND status = $2",
            params![event_id, FailedEventStatus::Retrying],
            |row| row.next::<Json<Envelope>>(),
        )
        .await?;
    let Some(Json(envelope)) = found else { return Ok(false) };
    let outcome = match consumers.handler(&envelope.event_type) {
        Some(handler) => attempt(tx, handler, &envelope).await,
        None => Err(Refused("this version of the program consumes no such event".into())),
    };
    if let Err(refusal) = outcome {
        report(tx.service(), &envelope, attempts, &refusal);
        failed_again(tx, event_id, attempts, &refusal).await?;
        return Ok(false);
    }
    let now = tx.now();
    tx.execute("DELETE FROM parked_events WHERE event_id = $1", params![event_id]).await?;
    tx.execute(
        "UPDATE parked_events SET status = $1, next_attempt_at = $2 WHERE event_id = (SELECT event_id FROM parked_events \
         WHERE aggregate_id = $3 AND status = $4 ORDER BY sequence LIMIT 1)",
        params![FailedEventStatus::Retrying, now, envelope.aggregate_id, FailedEventStatus::Blocked],
    )
    .await?;
    tx.notify_worker(RETRY);
    Ok(true)
}

async fn failed_again(tx: &mut Tx, event_id: EventId, attempts: u32, error: &str) -> Result<(), Error> {
    let status = if attempts >= ATTEMPTS { FailedEventStatus::Parked } else { FailedEventStatus::Retrying };
    let next = tx.now().after(tx.jitter(BACKOFF.delay(attempts)));
    tx.execute(
        "UPDATE parked_events SET status = $1, attempts = $2, next_attempt_at = $3, error = $4 WHERE event_id = $5",
        params![status, attempts, next, error, event_id],
    )
    .await
    .map(|_| ())
}

/// An event that was set aside, as admins see it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailedEvent {
    /// The service that could not consume it.
    pub service: String,
    pub status: FailedEventStatus,
    pub attempts: u32,
    /// What the consumer said.
    pub error: String,
    pub parked_at: Timestamp,
    pub next_attempt_at: Timestamp,
    pub event: Envelope,
}

/// What was set aside here and not consumed since, in the order of the events' ids, that is of their time; those after
/// `after`, `rows` at most.
///
/// # Errors
/// Those of the database.
pub async fn list_failed_events(
    db: &Db,
    status: Option<FailedEventStatus>,
    after: Option<EventId>,
    rows: i64,
) -> Result<Vec<FailedEvent>, Error> {
    db.read(async move |tx| {
        let service = tx.service();
        Select::from("SELECT status, attempts, error, parked_at, next_attempt_at, envelope FROM parked_events")
            .filter_some("status = ?", status)
            .filter_some("event_id > ?", after)
            .limit("event_id", rows)
            .rows(tx, |row| {
                Ok(FailedEvent {
                    service: service.to_owned(),
                    status: row.next()?,
                    attempts: row.next()?,
                    error: row.next()?,
                    parked_at: row.next()?,
                    next_attempt_at: row.next()?,
                    event: row.next::<Json<Envelope>>()?.0,
                })
            })
            .await
    })
    .await
}

/// Walks everything that is set aside here and shows it to `seen`, in the order of [`list_failed_events`].
///
/// # Errors
/// Those of the database.
pub async fn walk_failed_events(db: &Db, mut seen: impl FnMut(&FailedEvent)) -> Result<(), Error> {
    let mut after = None;
    loop {
        let aside = list_failed_events(db, None, after, 100).await?;
        let Some(last) = aside.last() else { return Ok(()) };
        after = Some(last.event.event_id);
        aside.iter().for_each(&mut seen);
    }
}

/// How many events are set aside here, by what becomes of them; each status is told.
///
/// # Errors
/// Those of the database.
pub async fn count_failed_events(db: &Db) -> Result<[(FailedEventStatus, u64); 3], Error> {
    let counts: Vec<(FailedEventStatus, u64)> = db
        .read(async |tx| {
            let sql = "SELECT status, COUNT(*) FROM parked_events GROUP BY status";
            tx.query(sql, &[], |row| Ok((row.next()?, row.next()?))).await
        })
        .await?;
    let of = |status: FailedEventStatus| counts.iter().find(|(of, _)| *of == status).map_or(0, |(_, count)| *count);
    Ok(FailedEventStatus::ALL.map(|status| (status, of(status))))
}

/// Lets a parked event be tried again at once, with a fresh count of attempts. Whether there was one.
///
/// # Errors
/// Those of the database.
pub async fn replay(db: &Db, event_id: EventId) -> Result<bool, Error> {
    db.write(async move |tx| {
        let now = tx.now();
        let rows = tx
            .execute(
                "UPDATE parked_events SET status = $1, attempts = 0, next_attempt_at = $2 WHERE event_id = $3 AND status <> $4",
                params![FailedEventStatus::Retrying, now, event_id, FailedEventStatus::Blocked],
            )
            .await?;
        tx.notify_worker(RETRY);
        Ok(rows == 1)
    })
    .await
}
