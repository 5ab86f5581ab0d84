//! Consuming events: each one's effect exactly once, however often it is delivered.
//!
//! The inbox row, the effect and the position are one commit. An event that fails is set aside with its error and
//! tried again with growing pauses, the later events of its aggregate waiting behind it in order; after
//! [`ATTEMPTS`] it is parked until an admin replays it. Nobody else waits for it.

mod failed;

pub use failed::{FailedEvent, FailedEventStatus, count_failed_events, list_failed_events, replay, walk_failed_events};
pub(crate) use failed::{RETRY, retry_due};

use crate::{
    context::Context,
    db::{Db, Error, Tx},
    outbox::Published,
    params,
};
use contracts::{
    event::{Envelope, Event},
    ids::{EventId, Uuid},
    time::Timestamp,
};
use failed::{panicked, record_failure};
use std::{
    collections::{BTreeSet, HashMap},
    future::Future,
    ops::Deref,
    pin::Pin,
    sync::Arc,
};

/// Attempts before an event is parked. With doubling pauses they span about two minutes.
pub const ATTEMPTS: u32 = 8;

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
    let outcome = match unit(db, consumers, wanted.clone(), step, Isolation::Shared).await {
        Err(BatchError::Refused) => unit(db, consumers, wanted.clone(), step, Isolation::Savepoint).await,
        outcome => outcome,
    };
    match outcome {
        // One of them brought the whole unit down: find out which, each alone.
        Err(BatchError::Db(Error::Panicked)) => {
            for envelope in wanted.iter() {
                let alone: Arc<[Envelope]> = Arc::new([envelope.clone()]);
                match unit(db, consumers, alone, None, Isolation::Savepoint).await {
                    Err(BatchError::Db(Error::Panicked)) => panicked(db, envelope.clone()).await?,
                    outcome => outcome?,
                }
            }
            unit(db, consumers, Arc::new([]), step, Isolation::Savepoint).await.or_else(BatchError::unless_moved)
        }
        outcome => outcome.or_else(BatchError::unless_moved),
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
enum Isolation {
    /// Not at all: one that is refused undoes all.
    Shared,
    /// One that is refused is undone alone, and set aside.
    Savepoint,
}

/// Why nothing of a batch was consumed.
enum BatchError {
    /// One of the events was refused, and none was set aside.
    Refused,
    /// The position is another one by now.
    Moved,
    Db(Error),
}

impl BatchError {
    fn unless_moved(self) -> Result<(), Error> {
        if let BatchError::Moved = self { Ok(()) } else { Err(self.into()) }
    }
}

impl From<Error> for BatchError {
    fn from(error: Error) -> BatchError {
        BatchError::Db(error)
    }
}

impl From<BatchError> for Error {
    fn from(halt: BatchError) -> Error {
        match halt {
            BatchError::Refused => Error::Failed("an event was refused".into()),
            BatchError::Moved => Error::Failed("the position was moved".into()),
            BatchError::Db(error) => error,
        }
    }
}

async fn unit(db: &Db, consumers: &Consumers, batch: Arc<[Envelope]>, step: Option<Step>, care: Isolation) -> Result<(), BatchError> {
    let consumers = consumers.clone();
    db.write(async move |tx| {
        let any_aside = tx.query_opt("SELECT 1 FROM parked_events LIMIT 1", &[], |row| row.next::<i64>()).await?.is_some();
        let mut failed = false;
        for envelope in batch.iter() {
            if !is_new(tx, envelope).await? {
                continue;
            }
            if (any_aside || failed) && is_blocked(tx, envelope.aggregate_id).await? {
                record_failure(tx, envelope, FailedEventStatus::Blocked, 0, "an earlier event of the aggregate is not consumed yet")
                    .await?;
                continue;
            }
            let Some(handler) = consumers.handler(&envelope.event_type) else { continue };
            let outcome = match care {
                Isolation::Shared => handle(tx, handler, envelope).await,
                Isolation::Savepoint => attempt(tx, handler, envelope).await,
            };
            if let Err(refusal) = outcome {
                if care == Isolation::Shared {
                    return Err(BatchError::Refused);
                }
                report(tx.service(), envelope, 1, &refusal);
                record_failure(tx, envelope, FailedEventStatus::Retrying, 1, &refusal.0).await?;
                failed = true;
            }
        }
        match step {
            Some(step) if !advance(tx, step).await? => Err(BatchError::Moved),
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
    tx.savepoint(async |tx| handle(tx, handler, envelope).await).await
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
