//! Events that could not be consumed. They are retried in order within their aggregate, and parked after the last attempt.

use super::{ATTEMPTS, Consumers, Refused, is_new, report};
use crate::{
    backoff::Backoff,
    db::{Db, Error, Select, Tx},
    due::{DueQueue, DueWork},
    params,
};
use contracts::{
    column::JsonText,
    event::Envelope,
    failed_event::{FailedEvent, FailedEventStatus},
    ids::EventId,
};
use std::time::Duration;

/// The pauses after attempts that failed.
const BACKOFF: Backoff = Backoff::doubling(Duration::from_secs(1), Duration::from_secs(60));

crate::table! {
    FailedEvents in "parked_events" of FailedEvent, key [event_id];
    columns { status, attempts, error, next_attempt_at, event = envelope as JsonText }
    insert_only { parked_at }
    default { service }
    extra { event_id, producer, aggregate_id, sequence, event_type }
}

pub(super) async fn record_failure(
    tx: &mut Tx,
    envelope: &Envelope,
    status: FailedEventStatus,
    attempts: u32,
    error: &str,
) -> Result<(), Error> {
    let failed = FailedEvent {
        service: tx.service().to_owned(),
        status,
        attempts,
        error: error.to_owned(),
        parked_at: tx.now(),
        next_attempt_at: tx.now().after(tx.jitter(BACKOFF.delay(attempts))),
        event: envelope.clone(),
    };
    let Envelope { event_id, producer, aggregate_id, sequence, event_type, .. } = envelope;
    tx.insert_if_absent_with::<FailedEvents>(
        &failed,
        "(event_id)",
        &[
            ("event_id", event_id),
            ("producer", producer),
            ("aggregate_id", aggregate_id),
            ("sequence", sequence),
            ("event_type", event_type),
        ],
    )
    .await?;
    tx.notify_worker(RetryFailedEvents::NAME);
    Ok(())
}

/// The recorded error of a consumer that panicked.
const PANICKED: &str = "the consumer panicked";

pub(super) async fn record_panic(db: &Db, envelope: Envelope) -> Result<(), Error> {
    db.write(async move |tx| {
        report(tx, &envelope, 1, PANICKED);
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
    let condition = "event_id = $1 AND status = $2";
    let found = tx.lock::<FailedEvents>(condition, params![event_id, FailedEventStatus::Retrying]).await?;
    let Some(FailedEvent { event: envelope, attempts, .. }) = found else { return Ok(()) };
    let outcome = if consumers.consumes(&envelope.event_type) {
        tx.savepoint(async |tx| consumers.consume_one(tx, &envelope).await).await
    } else {
        Err(Refused("this version of the program consumes no such event".into()))
    };
    if let Err(refusal) = outcome {
        report(tx, &envelope, attempts + 1, &refusal);
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
    let found = tx.lock_opt("SELECT attempts FROM parked_events WHERE event_id = $1", params![event_id], |row| row.next()).await?;
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

/// Sets the gauges of failed events.
pub(crate) async fn set_gauges(db: &Db) -> Result<(), Error> {
    for (status, count) in count_failed_events(db).await? {
        metrics::gauge!("souk_failed_events", "service" => db.service(), "status" => status.as_str()).set(count as f64);
    }
    Ok(())
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
        let select = Select::of::<FailedEvents>().filter_some("status = ?", status).filter_some("event_id > ?", after);
        let found = select.limit("event_id", rows).list(tx).await?;
        Ok(found.into_iter().map(|failed| FailedEvent { service: service.to_owned(), ..failed }).collect())
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
pub async fn count_failed_events(db: &Db) -> Result<Vec<(FailedEventStatus, u64)>, Error> {
    let counts: Vec<(FailedEventStatus, u64)> = db
        .read(async |tx| {
            let sql = "SELECT status, COUNT(*) FROM parked_events GROUP BY status";
            tx.query(sql, &[], |row| Ok((row.next()?, row.next()?))).await
        })
        .await?;
    let of = |status: FailedEventStatus| counts.iter().find(|(found, _)| *found == status).map_or(0, |(_, count)| *count);
    Ok(FailedEventStatus::ALL.iter().map(|status| (*status, of(*status))).collect())
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
