//! Events that could not be consumed. They are retried in order within their aggregate, and parked after the last attempt.

use super::{ATTEMPTS, Consumers, Refused, handle_in_savepoint, is_new, report};
use crate::{
    backoff::Backoff,
    db::{Db, Error, Select, Tx},
    due::{DueQueue, DueWork},
    params,
    worker::{Next, Worker},
};
use contracts::{column::Json, event::Envelope, ids::EventId, time::Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The pauses after attempts that failed.
const BACKOFF: Backoff = Backoff::doubling(Duration::from_secs(1), Duration::from_secs(60));

/// What happens next with an event that could not be consumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FailedEventStatus {
    /// It is retried when its pause is over.
    Retrying,
    /// It is retried after an earlier event of its aggregate was consumed.
    #[serde(alias = "WAITING")]
    Blocked,
    /// It is retried when an admin replays it.
    Parked,
}

impl FailedEventStatus {
    pub const ALL: [FailedEventStatus; 3] = [FailedEventStatus::Retrying, FailedEventStatus::Blocked, FailedEventStatus::Parked];

    const fn as_str(self) -> &'static str {
        match self {
            FailedEventStatus::Retrying => "RETRYING",
            FailedEventStatus::Blocked => "BLOCKED",
            FailedEventStatus::Parked => "PARKED",
        }
    }
}

impl std::str::FromStr for FailedEventStatus {
    type Err = ();
    fn from_str(text: &str) -> Result<FailedEventStatus, ()> {
        FailedEventStatus::ALL.into_iter().find(|status| status.as_str() == text).ok_or(())
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
    tx.notify_worker(RetryFailedEvents::NAME);
    Ok(())
}

/// The recorded error of a consumer that panicked.
const PANICKED: &str = "the consumer panicked";

pub(super) async fn record_panic(db: &Db, envelope: Envelope) -> Result<(), Error> {
    report(db.service(), &envelope, 1, PANICKED);
    db.write(async move |tx| {
        is_new(tx, &envelope).await?;
        record_failure(tx, &envelope, FailedEventStatus::Retrying, 1, PANICKED).await
    })
    .await
}

/// Retries the failed events whose pause is over, each in a commit of its own.
#[derive(Clone)]
pub(crate) struct RetryFailedEvents {
    pub db: Db,
    pub consumers: Consumers,
}

impl DueWork for RetryFailedEvents {
    const NAME: &'static str = "inbox-retry";
    const PERIOD: Duration = Duration::from_secs(1);
    const QUEUE: DueQueue<EventId> = DueQueue::new("parked_events", "event_id").due_at("next_attempt_at").filter("status = 'RETRYING'");
    type Key = EventId;
    type Partition = EventId;
    type Error = Error;

    /// A consumer that refuses the event or panics is an attempt that failed, recorded with its error; only a failure of the
    /// database is an error here.
    async fn run(self, event_id: EventId) -> Result<(), Error> {
        let RetryFailedEvents { db, consumers } = self;
        match db.write(async move |tx| retry(tx, &consumers, event_id).await).await {
            Err(Error::Panicked) => {
                tracing::warn!(target: "inbox", service = db.service(), %event_id, "{PANICKED}");
                metrics::counter!("souk_events_failed_total", "service" => db.service()).increment(1);
                db.write(async move |tx| {
                    let attempts = attempts_of(tx, event_id).await?;
                    record_attempt(tx, event_id, attempts + 1, PANICKED).await
                })
                .await
            }
            outcome => outcome,
        }
    }

    fn slots(&self) -> usize {
        8
    }

    fn backoff(&self) -> Backoff {
        BACKOFF
    }
}

async fn retry(tx: &mut Tx, consumers: &Consumers, event_id: EventId) -> Result<(), Error> {
    let found = tx
        .query_opt(
            "SELECT envelope, attempts FROM parked_events WHERE event_id = $1 AND status = $2",
            params![event_id, FailedEventStatus::Retrying],
            |row| Ok((row.next::<Json<Envelope>>()?, row.next::<u32>()?)),
        )
        .await?;
    let Some((Json(envelope), attempts)) = found else { return Ok(()) };
    let outcome = match consumers.handler(&envelope.event_type) {
        Some(handler) => handle_in_savepoint(tx, handler, &envelope).await,
        None => Err(Refused("this version of the program consumes no such event".into())),
    };
    if let Err(refusal) = outcome {
        report(tx.service(), &envelope, attempts + 1, &refusal);
        return record_attempt(tx, event_id, attempts + 1, &refusal).await;
    }
    let now = tx.now();
    tx.execute("DELETE FROM parked_events WHERE event_id = $1", params![event_id]).await?;
    tx.execute(
        "UPDATE parked_events SET status = $1, next_attempt_at = $2 WHERE event_id = (SELECT event_id FROM parked_events \
         WHERE aggregate_id = $3 AND status = $4 ORDER BY sequence LIMIT 1)",
        params![FailedEventStatus::Retrying, now, envelope.aggregate_id, FailedEventStatus::Blocked],
    )
    .await?;
    tx.notify_worker(RetryFailedEvents::NAME);
    Ok(())
}

async fn attempts_of(tx: &mut Tx, event_id: EventId) -> Result<u32, Error> {
    let found = tx.query_opt("SELECT attempts FROM parked_events WHERE event_id = $1", params![event_id], |row| row.next()).await?;
    Ok(found.unwrap_or(0))
}

/// Records an attempt that failed. The last one parks the event.
async fn record_attempt(tx: &mut Tx, event_id: EventId, attempts: u32, error: &str) -> Result<(), Error> {
    let status = if attempts >= ATTEMPTS { FailedEventStatus::Parked } else { FailedEventStatus::Retrying };
    let next = tx.now().after(tx.jitter(BACKOFF.delay(attempts)));
    tx.execute(
        "UPDATE parked_events SET status = $1, attempts = $2, next_attempt_at = $3, error = $4 WHERE event_id = $5",
        params![status, attempts, next, error, event_id],
    )
    .await
    .map(|_| ())
}

/// The worker that keeps the gauge of failed events.
pub(crate) fn gauge_worker(db: &Db) -> Worker {
    Worker::new("failed-events-gauge", Duration::from_secs(5), db.clone(), |db| async move {
        for (status, count) in count_failed_events(&db).await? {
            metrics::gauge!("souk_events_set_aside", "service" => db.service(), "status" => status.as_str()).set(count as f64);
        }
        Ok::<_, Error>(Next::Idle)
    })
}

/// An event that could not be consumed, as admins see it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailedEvent {
    /// The service that could not consume it.
    pub service: String,
    pub status: FailedEventStatus,
    pub attempts: u32,
    /// The consumer's error.
    pub error: String,
    pub parked_at: Timestamp,
    pub next_attempt_at: Timestamp,
    pub event: Envelope,
}

/// Failed events that were not consumed since, in the order of their ids, that is of their time: those after `after`, `rows`
/// at most.
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

/// Calls `visit` with every failed event, in the order of [`list_failed_events`].
///
/// # Errors
/// Those of the database.
pub async fn walk_failed_events(db: &Db, mut visit: impl FnMut(&FailedEvent)) -> Result<(), Error> {
    let mut after = None;
    loop {
        let page = list_failed_events(db, None, after, 100).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.event.event_id);
        page.iter().for_each(&mut visit);
    }
}

/// How many failed events there are of each status.
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

/// Makes a failed event that is not blocked due at once, with a fresh count of attempts. Returns whether there was one.
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
        tx.notify_worker(RetryFailedEvents::NAME);
        Ok(rows == 1)
    })
    .await
}
