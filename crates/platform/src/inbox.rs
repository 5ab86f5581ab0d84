//! Consuming events: each one's effect exactly once, however often it is delivered.
//!
//! The inbox row, the effect and the position are one commit. An event that fails is set aside with its error and
//! tried again with growing pauses, the later events of its aggregate waiting behind it in order; after
//! [`ATTEMPTS`] it is parked until an admin replays it. Nobody else waits for it.

use crate::{
    backoff::Backoff,
    context::Context,
    db::{Db, Error, Select, Tx},
    outbox::Published,
    params,
    worker::Pace,
};
use contracts::{
    column::Json,
    event::{Envelope, Event},
    ids::{EventId, Uuid},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeSet, HashMap},
    future::Future,
    ops::Deref,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

/// Attempts before an event is parked. With doubling pauses they span about two minutes.
pub const ATTEMPTS: u32 = 8;
const BACKOFF: Backoff = Backoff::doubling(Duration::from_secs(1), Duration::from_secs(60));

/// Why a consumer refused an event.
pub type Refusal = Box<dyn std::error::Error + Send + Sync>;

type Handler = Arc<dyn for<'a> Fn(&'a mut Tx, &'a Envelope) -> Pin<Box<dyn Future<Output = Result<(), Refusal>> + 'a>> + Send + Sync>;

/// An event as it arrived.
#[derive(Debug, Clone)]
pub struct Received<E> {
    pub event: E,
    pub event_id: EventId,
    /// Its number within its aggregate.
    pub sequence: i64,
    pub occurred_at: Timestamp,
}

impl<E> Deref for Received<E> {
    type Target = E;
    fn deref(&self) -> &E {
        &self.event
    }
}

/// What a service does with which events. One function per event, inside the inbox transaction.
#[derive(Clone, Default)]
pub struct Consumers {
    by_type: HashMap<&'static str, Handler>,
    every: Option<Handler>,
    producers: BTreeSet<&'static str>,
}

impl Consumers {
    #[must_use]
    pub fn new() -> Consumers {
        Consumers::default()
    }

    /// Consumes events of type `E` with `consume`. It runs in the transaction that records the event as consumed, and
    /// may run again after a failure.
    #[must_use]
    pub fn on<E, F, R>(mut self, consume: F) -> Consumers
    where
        E: Event,
        F: AsyncFn(&mut Tx, Received<E>) -> Result<(), R> + Send + Sync + 'static,
        R: Into<Refusal>,
    {
        let consume = Arc::new(consume);
        let handler: Handler = Arc::new(move |tx, envelope| {
            let consume = consume.clone();
            Box::pin(async move {
                let event = serde_json::from_str::<E>(envelope.payload.get())?;
                let received =
                    Received { event, event_id: envelope.event_id, sequence: envelope.sequence, occurred_at: envelope.occurred_at };
                consume(tx, received).await.map_err(Into::into)
            })
        });
        self.producers.insert(E::PRODUCER);
        self.by_type.insert(E::TYPE, handler);
        self
    }

    /// The types of events that are consumed by name, in no particular order.
    pub fn types(&self) -> impl Iterator<Item = &'static str> {
        self.by_type.keys().copied()
    }

    /// Consumes every event of `producers` with `consume`, whatever its type.
    #[must_use]
    pub fn on_every<F, R>(mut self, producers: &[&'static str], consume: F) -> Consumers
    where
        F: AsyncFn(&mut Tx, &Envelope) -> Result<(), R> + Send + Sync + 'static,
        R: Into<Refusal>,
    {
        let consume = Arc::new(consume);
        self.every = Some(Arc::new(move |tx, envelope| {
            let consume = consume.clone();
            Box::pin(async move { consume(tx, envelope).await.map_err(Into::into) })
        }));
        self.producers.extend(producers);
        self
    }

    /// The services whose events are consumed.
    #[must_use]
    pub fn producers(&self) -> &BTreeSet<&'static str> {
        &self.producers
    }

    /// Whether events of this type have an effect here.
    #[must_use]
    pub fn wants(&self, event_type: &str) -> bool {
        self.handler(event_type).is_some()
    }

    fn handler(&self, event_type: &str) -> Option<&Handler> {
        self.by_type.get(event_type).or(self.every.as_ref())
    }
}

/// How far `producer`'s outbox was consumed here.
///
/// # Errors
/// Those of the database.
pub async fn position(db: &Db, producer: &'static str) -> Result<i64, Error> {
    db.read(async move |tx| {
        let known = tx.query_opt("SELECT position FROM subscriptions WHERE producer = $1", params![producer], |row| row.next()).await?;
        Ok(known.unwrap_or(0))
    })
    .await
}

/// Sets how far `producer`'s outbox counts as consumed here. Moved back, its events are delivered again, and those
/// whose effect is known do nothing.
///
/// # Errors
/// Those of the database.
pub async fn set_position(db: &Db, producer: &'static str, position: i64) -> Result<(), Error> {
    db.write(async move |tx| {
        tx.execute(
            "INSERT INTO subscriptions (producer, position) VALUES ($1, $2) ON CONFLICT (producer) DO UPDATE SET position = excluded.position",
            params![producer, position],
        )
        .await
        .map(|_| ())
    })
    .await
}

/// Consumes a batch that was read from the position `from` on, in one commit; an event that fails is set aside and the
/// others go on without it. When the position was moved meanwhile, for a replay, nothing is done.
pub(crate) async fn consume(db: &Db, consumers: &Consumers, producer: &'static str, from: i64, batch: Vec<Published>) -> Result<(), Error> {
    let Some(to) = batch.last().map(|published| published.position) else { return Ok(()) };
    let wanted: Arc<[Envelope]> =
        batch.into_iter().map(|published| published.envelope).filter(|envelope| consumers.wants(&envelope.event_type)).collect();
    let step = Some(Step { producer, from, to });
    // Hardly any event fails, and keeping them apart has its price: that is the second try.
    let outcome = match unit(db, consumers, wanted.clone(), step, Care::Together).await {
        Err(Halt::Refused) => unit(db, consumers, wanted.clone(), step, Care::Apart).await,
        outcome => outcome,
    };
    match outcome {
        // One of them brought the whole unit down: find out which, each alone.
        Err(Halt::Db(Error::Panicked)) => {
            for envelope in wanted.iter() {
                let alone: Arc<[Envelope]> = Arc::new([envelope.clone()]);
                match unit(db, consumers, alone, None, Care::Apart).await {
                    Err(Halt::Db(Error::Panicked)) => panicked(db, envelope.clone()).await?,
                    outcome => outcome?,
                }
            }
            unit(db, consumers, Arc::new([]), step, Care::Apart).await.or_else(Halt::unless_moved)
        }
        outcome => outcome.or_else(Halt::unless_moved),
    }
}

/// How far a batch takes the consumer.
#[derive(Debug, Clone, Copy)]
struct Step {
    producer: &'static str,
    from: i64,
    to: i64,
}

/// How the events of a batch are kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Care {
    /// Not at all: one that is refused undoes all.
    Together,
    /// One that is refused is undone alone, and set aside.
    Apart,
}

/// Why nothing of a batch was consumed.
enum Halt {
    /// One of the events was refused, and none was set aside.
    Refused,
    /// The position is another one by now.
    Moved,
    Db(Error),
}

impl Halt {
    fn unless_moved(self) -> Result<(), Error> {
        if let Halt::Moved = self { Ok(()) } else { Err(self.into()) }
    }
}

impl From<Error> for Halt {
    fn from(error: Error) -> Halt {
        Halt::Db(error)
    }
}

impl From<Halt> for Error {
    fn from(halt: Halt) -> Error {
        match halt {
            Halt::Refused => Error::Failed("an event was refused".into()),
            Halt::Moved => Error::Failed("the position was moved".into()),
            Halt::Db(error) => error,
        }
    }
}

async fn unit(db: &Db, consumers: &Consumers, batch: Arc<[Envelope]>, step: Option<Step>, care: Care) -> Result<(), Halt> {
    let consumers = consumers.clone();
    db.write(async move |tx| {
        let any_aside = tx.query_opt("SELECT 1 FROM parked_events LIMIT 1", &[], |row| row.next::<i64>()).await?.is_some();
        let mut failed = false;
        for envelope in batch.iter() {
            if !is_new(tx, envelope).await? {
                continue;
            }
            if (any_aside || failed) && is_blocked(tx, envelope.aggregate_id).await? {
                set_aside(tx, envelope, Aside::Waiting, 0, "an earlier event of the aggregate is not consumed yet").await?;
                continue;
            }
            let Some(handler) = consumers.handler(&envelope.event_type) else { continue };
            let outcome = match care {
                Care::Together => handle(tx, handler, envelope).await,
                Care::Apart => attempt(tx, handler, envelope).await,
            };
            if let Err(refusal) = outcome {
                if care == Care::Together {
                    return Err(Halt::Refused);
                }
                report(tx.service(), envelope, 1, &refusal);
                set_aside(tx, envelope, Aside::Retrying, 1, &refusal.0).await?;
                failed = true;
            }
        }
        match step {
            Some(step) if !advance(tx, step).await? => Err(Halt::Moved),
            _ => Ok(()),
        }
    })
    .await
}

/// A consumer's refusal with its chain of causes, as text.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

impl std::ops::Deref for Refused {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Refused {
        Refused(error.to_string())
    }
}

/// Handles an event so that a refusal undoes what its handler did.
async fn attempt(tx: &mut Tx, handler: &Handler, envelope: &Envelope) -> Result<(), Refused> {
    tx.attempt(async |tx| handle(tx, handler, envelope).await).await
}

async fn handle(tx: &mut Tx, handler: &Handler, envelope: &Envelope) -> Result<(), Refused> {
    let mut context = Context::new(envelope.correlation_id.as_str());
    context.causation_id = Some(envelope.event_id);
    context.actor_id = envelope.actor_id;
    tx.set_context(context);
    handler(tx, envelope).await.map_err(|refusal| {
        let mut text = refusal.to_string();
        let mut source = refusal.source();
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        Refused(text)
    })
}

fn report(service: &str, envelope: &Envelope, attempts: u32, refusal: &str) {
    tracing::warn!(
        target: "inbox", service, event_type = envelope.event_type, event_id = %envelope.event_id,
        correlation_id = envelope.correlation_id, attempts, refusal, "an event could not be consumed"
    );
    metrics::counter!("souk_events_failed_total", "service" => service.to_owned()).increment(1);
}

async fn is_new(tx: &mut Tx, envelope: &Envelope) -> Result<bool, Error> {
    let now = tx.now();
    let rows = tx
        .execute(
            "INSERT INTO inbox (event_id, consumed_at) VALUES ($1, $2) ON CONFLICT (event_id) DO NOTHING",
            params![envelope.event_id, now],
        )
        .await?;
    Ok(rows == 1)
}

async fn is_blocked(tx: &mut Tx, aggregate: Uuid) -> Result<bool, Error> {
    let found =
        tx.query_opt("SELECT 1 FROM parked_events WHERE aggregate_id = $1 LIMIT 1", params![aggregate], |row| row.next::<i64>()).await?;
    Ok(found.is_some())
}

/// Whether the position was where the step began.
async fn advance(tx: &mut Tx, step: Step) -> Result<bool, Error> {
    let rows = tx
        .execute(
            "INSERT INTO subscriptions (producer, position) VALUES ($1, $2) ON CONFLICT (producer) DO UPDATE SET position = excluded.position \
             WHERE subscriptions.position = $3",
            params![step.producer, step.to, step.from],
        )
        .await?;
    Ok(rows == 1)
}

/// What becomes of an event that was set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Aside {
    /// It is tried again by itself.
    Retrying,
    /// It waits behind an earlier event of its aggregate.
    Waiting,
    /// It waits for an admin.
    Parked,
}

impl Aside {
    const ALL: [Aside; 3] = [Aside::Retrying, Aside::Waiting, Aside::Parked];

    const fn word(self) -> &'static str {
        match self {
            Aside::Retrying => "RETRYING",
            Aside::Waiting => "WAITING",
            Aside::Parked => "PARKED",
        }
    }
}

impl std::str::FromStr for Aside {
    type Err = ();
    fn from_str(word: &str) -> Result<Aside, ()> {
        Aside::ALL.into_iter().find(|aside| aside.word() == word).ok_or(())
    }
}

impl std::fmt::Display for Aside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

contracts::text_column!(Aside);

async fn set_aside(tx: &mut Tx, envelope: &Envelope, status: Aside, attempts: u32, error: &str) -> Result<(), Error> {
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
            now.after(tx.jitter(BACKOFF.after(attempts))),
            error,
            now
        ],
    )
    .await?;
    tx.wake(RETRY);
    Ok(())
}

/// What is said of a consumer that panicked.
const PANICKED: &str = "the consumer panicked";

async fn panicked(db: &Db, envelope: Envelope) -> Result<(), Error> {
    report(db.service(), &envelope, 1, PANICKED);
    db.write(async move |tx| {
        is_new(tx, &envelope).await?;
        set_aside(tx, &envelope, Aside::Retrying, 1, PANICKED).await
    })
    .await
}

/// The worker that tries again what was set aside.
pub(crate) const RETRY: &str = "inbox-retry";
/// Events that it takes in one turn at most.
pub(crate) const RETRIED: usize = 32;

/// Tries again the events whose pause is over, each in a commit of its own.
pub(crate) async fn retry_due(db: &Db, consumers: &Consumers) -> Result<Pace, Error> {
    for (status, count) in count_set_aside(db).await? {
        metrics::gauge!("souk_events_set_aside", "service" => db.service(), "status" => status.word()).set(count as f64);
    }
    let due: Vec<(EventId, u32)> = db
        .read(async |tx| {
            let now = tx.now();
            tx.query(
                "SELECT event_id, attempts FROM parked_events WHERE status = $1 AND next_attempt_at <= $2 ORDER BY next_attempt_at LIMIT $3",
                params![Aside::Retrying, now, RETRIED],
                |row| Ok((row.next()?, row.next()?)),
            )
            .await
        })
        .await?;
    let mut pace = Pace::after(due.len(), RETRIED);
    for (event_id, attempts) in due {
        let (attempts, consumers) = (attempts + 1, consumers.clone());
        match db.write(async move |tx| retry(tx, &consumers, event_id, attempts).await).await {
            // What waited behind it is due now.
            Ok(true) => pace = Pace::Again,
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
        .query_opt("SELECT envelope FROM parked_events WHERE event_id = $1 AND status = $2", params![event_id, Aside::Retrying], |row| {
            row.next::<Json<Envelope>>()
        })
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
        params![Aside::Retrying, now, envelope.aggregate_id, Aside::Waiting],
    )
    .await?;
    tx.wake(RETRY);
    Ok(true)
}

async fn failed_again(tx: &mut Tx, event_id: EventId, attempts: u32, error: &str) -> Result<(), Error> {
    let status = if attempts >= ATTEMPTS { Aside::Parked } else { Aside::Retrying };
    let next = tx.now().after(tx.jitter(BACKOFF.after(attempts)));
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
pub struct ParkedEvent {
    /// The service that could not consume it.
    pub service: String,
    pub status: Aside,
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
pub async fn list_set_aside(db: &Db, status: Option<Aside>, after: Option<EventId>, rows: i64) -> Result<Vec<ParkedEvent>, Error> {
    db.read(async move |tx| {
        let service = tx.service();
        Select::from("SELECT status, attempts, error, parked_at, next_attempt_at, envelope FROM parked_events")
            .filter_some("status = ?", status)
            .filter_some("event_id > ?", after)
            .limit("event_id", rows)
            .rows(tx, |row| {
                Ok(ParkedEvent {
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

/// How many events are set aside here, by what becomes of them; each status is told.
///
/// # Errors
/// Those of the database.
pub async fn count_set_aside(db: &Db) -> Result<[(Aside, u64); 3], Error> {
    let counts: Vec<(Aside, u64)> = db
        .read(async |tx| {
            let sql = "SELECT status, COUNT(*) FROM parked_events GROUP BY status";
            tx.query(sql, &[], |row| Ok((row.next()?, row.next()?))).await
        })
        .await?;
    let of = |status: Aside| counts.iter().find(|(of, _)| *of == status).map_or(0, |(_, count)| *count);
    Ok(Aside::ALL.map(|status| (status, of(status))))
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
                params![Aside::Retrying, now, event_id, Aside::Waiting],
            )
            .await?;
        tx.wake(RETRY);
        Ok(rows == 1)
    })
    .await
}

/// Forgets events consumed before `before`, the oldest `rows` at most. Call it with an instant older than any redelivery.
pub(crate) async fn purge(db: &Db, before: Timestamp, rows: usize) -> Result<u64, Error> {
    db.write(async move |tx| {
        tx.execute(
            "DELETE FROM inbox WHERE event_id IN (SELECT event_id FROM inbox WHERE consumed_at < $1 ORDER BY consumed_at LIMIT $2)",
            params![before, rows],
        )
        .await
    })
    .await
}
