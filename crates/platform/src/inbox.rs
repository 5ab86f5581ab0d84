//! Consumes events: the effect of each happens exactly once, however often it is delivered.
//!
//! The inbox row, the effect and the position are one commit. An event that fails is recorded with its error and retried
//! with growing pauses. The later events of its aggregate are blocked until it is consumed, so their order holds; all other
//! events go on. After [`ATTEMPTS`] the event is parked until an admin replays it.

mod failed;
mod position;

pub use contracts::failed_event::{FailedEvent, FailedEventStatus};
pub(crate) use failed::{RetryFailedEvents, set_gauges};
pub use failed::{count_failed_events, list_failed_events, replay, walk_failed_events};
pub use position::{Rewind, find_disagreement, list_rewinds, position, set_position};
pub(crate) use position::{Source, begin, verify};

use crate::{
    context::Context,
    db::{Db, Error, Tx, id_from, postgres::consumed},
    error_chain,
    outbox::Published,
    params, personal,
};
use contracts::{
    event::{Envelope, Event},
    ids::{EventId, Uuid},
    time::Timestamp,
};
use failed::{record_failure, record_panic};
use position::{Step, advance};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    future::Future,
    ops::Deref,
    pin::Pin,
    sync::Arc,
};

/// Attempts until an event is parked. With doubling pauses they span about two minutes.
pub const ATTEMPTS: u32 = 8;

/// Why a consumer refused an event.
pub type Refusal = Box<dyn std::error::Error + Send + Sync>;

type Handler = Arc<dyn for<'a> Fn(&'a mut Tx, &'a Envelope) -> Pin<Box<dyn Future<Output = Result<(), Refusal>> + 'a>> + Send + Sync>;

type BatchHandler =
    Arc<dyn for<'a> Fn(&'a mut Tx, &'a [&'a Envelope]) -> Pin<Box<dyn Future<Output = Result<(), Refusal>> + 'a>> + Send + Sync>;

type Choice = Arc<
    dyn for<'a> Fn(&'a mut Tx, &'a [&'a Envelope]) -> Pin<Box<dyn Future<Output = Result<HashSet<EventId>, Refusal>> + 'a>> + Send + Sync,
>;

type RewindHandler = Arc<dyn for<'a> Fn(&'a mut Tx) -> Pin<Box<dyn Future<Output = Result<(), Refusal>> + 'a>> + Send + Sync>;

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

/// The events that a service consumes, with one function for each. It runs inside the inbox transaction.
#[derive(Clone, Default)]
pub struct Consumers {
    by_type: HashMap<&'static str, Handler>,
    /// The types whose personal fields are not read.
    without_personal: HashSet<&'static str>,
    every: Option<BatchHandler>,
    choose: Option<Choice>,
    producers: BTreeSet<&'static str>,
    /// By producer.
    on_rewind: HashMap<&'static str, RewindHandler>,
    from_start: bool,
}

impl Consumers {
    #[must_use]
    pub fn new() -> Consumers {
        Consumers::default()
    }

    /// Consumes events of type `E` with `consume`. It runs in the transaction that records the event as consumed, and runs
    /// again after a failure.
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

    /// Declares that the function for events of type `E` does not read what they say about persons. It reads what
    /// [`contracts::personal::Erased`] says in its place, and the service stores no key for it.
    #[must_use]
    pub fn without_personal_fields<E: Event>(mut self) -> Consumers {
        self.without_personal.insert(E::TYPE);
        self
    }

    /// The types of events that are consumed by type, in no particular order.
    pub fn types(&self) -> impl Iterator<Item = &'static str> {
        self.by_type.keys().copied()
    }

    /// Consumes the events of `producers` that no other function consumes, whatever their type, one call for those of a batch. A
    /// batch that is refused is tried again one event at a time.
    #[must_use]
    pub fn on_every<F, R>(mut self, producers: &[&'static str], consume: F) -> Consumers
    where
        F: AsyncFn(&mut Tx, &[&Envelope]) -> Result<(), R> + Send + Sync + 'static,
        R: Into<Refusal>,
    {
        let consume = Arc::new(consume);
        self.every = Some(Arc::new(move |tx, envelopes| {
            let consume = consume.clone();
            Box::pin(async move { consume(tx, envelopes).await.map_err(Into::into) })
        }));
        self.producers.extend(producers);
        self
    }

    /// Consumes only the events of a batch that `choose` returns, and those that another function consumes. The others are passed over and leave no record, so they cost no
    /// write. `choose` only reads, in the transaction that consumes the batch. A batch whose choice fails is tried again.
    #[must_use]
    pub fn choosing<F, R>(mut self, choose: F) -> Consumers
    where
        F: AsyncFn(&mut Tx, &[&Envelope]) -> Result<HashSet<EventId>, R> + Send + Sync + 'static,
        R: Into<Refusal>,
    {
        let choose = Arc::new(choose);
        self.choose = Some(Arc::new(move |tx, envelopes| {
            let choose = choose.clone();
            Box::pin(async move { choose(tx, envelopes).await.map_err(Into::into) })
        }));
        self
    }

    /// The ids of the events of a batch that are chosen; `None` for all of them.
    async fn choose(&self, tx: &mut Tx, batch: &[Arc<Published>]) -> Result<Option<HashSet<EventId>>, Error> {
        let Some(choose) = self.choose.as_ref().filter(|_| !batch.is_empty()) else { return Ok(None) };
        let envelopes: Vec<&Envelope> = batch.iter().map(|published| &published.envelope).collect();
        choose(tx, &envelopes).await.map(Some).map_err(|refusal| Error::Failed(error_chain(&*refusal)))
    }

    /// Calls `forget` when the position goes back because the database of `producer` is older than it was, in the same
    /// transaction. A consumer that compares numbers of the producer, such as versions, forgets them there: the producer
    /// counts on from lower ones.
    #[must_use]
    pub fn on_rewind<F, R>(mut self, producer: &'static str, forget: F) -> Consumers
    where
        F: AsyncFn(&mut Tx) -> Result<(), R> + Send + Sync + 'static,
        R: Into<Refusal>,
    {
        let forget = Arc::new(forget);
        let handler: RewindHandler = Arc::new(move |tx| {
            let forget = forget.clone();
            Box::pin(async move { forget(tx).await.map_err(Into::into) })
        });
        self.on_rewind.insert(producer, handler);
        self
    }

    /// Declares that the service begins with the oldest event when its database was lost and is made anew, because it only
    /// derives data from events. Any other service begins at the end then, so that no mail, call or shipment is repeated.
    #[must_use]
    pub fn rebuild_from_start(mut self) -> Consumers {
        self.from_start = true;
        self
    }

    /// Whether [`Consumers::rebuild_from_start`] was declared.
    pub(crate) fn rebuilds_from_start(&self) -> bool {
        self.from_start
    }

    /// The services whose events are consumed.
    #[must_use]
    pub fn producers(&self) -> &BTreeSet<&'static str> {
        &self.producers
    }

    /// Whether events of every type are consumed.
    pub(crate) fn consumes_every(&self) -> bool {
        self.every.is_some()
    }

    /// Whether events of this type are consumed.
    #[must_use]
    pub fn consumes(&self, event_type: &str) -> bool {
        self.consumes_every() || self.by_type.contains_key(event_type)
    }

    /// Whether a function for events of this type reads what they say about persons, if they do.
    pub(crate) fn reads_personal_fields(&self, event_type: &str) -> bool {
        self.by_type.contains_key(event_type) && !self.without_personal.contains(event_type)
    }

    /// Consumes one event.
    async fn consume_one(&self, tx: &mut Tx, envelope: &Envelope) -> Result<(), Refused> {
        tx.set_context(Context::of_event(envelope));
        let outcome = match (self.by_type.get(&*envelope.event_type), &self.every) {
            (Some(handler), _) => {
                let decrypted = personal::decrypted(tx, envelope).await?;
                handler(tx, decrypted.as_ref().unwrap_or(envelope)).await
            }
            (None, Some(every)) => every(tx, &[envelope]).await,
            (None, None) => Ok(()),
        };
        outcome.map_err(|refusal| Refused(error_chain(&*refusal)))
    }
}

/// Returns how far each producer's outbox was consumed here, and how many events before that failed and were not consumed.
///
/// # Errors
/// Those of the database.
pub async fn progress(tx: &mut Tx) -> Result<HashMap<String, (i64, i64)>, Error> {
    let sql = "SELECT producer, position, (SELECT COUNT(*) FROM parked_events WHERE parked_events.producer = subscriptions.producer) \
               FROM subscriptions";
    let rows = tx.query(sql, &[], |row| Ok((row.next()?, (row.next()?, row.next()?)))).await?;
    Ok(rows.into_iter().collect())
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Outcome {
    Consumed,
    /// Nothing was done: the position was moved after the batch was read, for a replay or by another process.
    PositionMoved,
}

/// Consumes a batch that was read from the position `from` on, in one commit. An event that fails is recorded, and the others
/// are consumed without it.
pub(crate) async fn consume(
    db: &Db,
    consumers: &Consumers,
    source: Source,
    from: i64,
    batch: Vec<Arc<Published>>,
) -> Result<Outcome, Error> {
    let Some(last) = batch.last() else { return Ok(Outcome::Consumed) };
    let step = Some(Step { source, from, to: last.position, event: last.envelope.event_id });
    let events: Arc<[Arc<Published>]> = batch.into_iter().filter(|published| consumers.consumes(&published.envelope.event_type)).collect();
    // Hardly any event fails, and a savepoint for each has its price, so only the second try has them.
    let outcome = match try_consume(db, consumers, events.clone(), step, Isolation::Shared).await {
        Err(BatchError::Refused) => try_consume(db, consumers, events.clone(), step, Isolation::Savepoint).await,
        outcome => outcome,
    };
    match outcome {
        // A consumer panicked and rolled back the whole unit. Each event in a unit of its own shows which one it was.
        Err(BatchError::Db(Error::Panicked)) => {
            for event in events.iter() {
                let alone: Arc<[Arc<Published>]> = Arc::new([event.clone()]);
                match try_consume(db, consumers, alone, None, Isolation::Savepoint).await {
                    Err(BatchError::Db(Error::Panicked)) => record_panic(db, event.envelope.clone()).await?,
                    outcome => outcome?,
                }
            }
            outcome_of(try_consume(db, consumers, Arc::new([]), step, Isolation::Savepoint).await)
        }
        outcome => outcome_of(outcome),
    }
}

fn outcome_of(consumed: Result<(), BatchError>) -> Result<Outcome, Error> {
    match consumed {
        Ok(()) => Ok(Outcome::Consumed),
        Err(BatchError::PositionMoved) => Ok(Outcome::PositionMoved),
        Err(error) => Err(error.into()),
    }
}

/// How the events of a batch are isolated from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Isolation {
    /// Not at all: one that is refused rolls back all.
    Shared,
    /// One that is refused rolls back alone, and is recorded.
    Savepoint,
}

/// Why nothing of a batch was consumed.
enum BatchError {
    /// An event was refused. It was not recorded.
    Refused,
    PositionMoved,
    Db(Error),
}

impl From<Error> for BatchError {
    fn from(error: Error) -> BatchError {
        BatchError::Db(error)
    }
}

impl From<BatchError> for Error {
    fn from(error: BatchError) -> Error {
        match error {
            BatchError::Refused => Error::Failed("an event was refused".into()),
            BatchError::PositionMoved => Error::Failed("the position was moved".into()),
            BatchError::Db(error) => error,
        }
    }
}

/// Consumes events in one unit, and moves the position if `step` is given.
async fn try_consume(
    db: &Db,
    consumers: &Consumers,
    batch: Arc<[Arc<Published>]>,
    step: Option<Step>,
    isolation: Isolation,
) -> Result<(), BatchError> {
    let consumers = consumers.clone();
    db.write(async move |tx| {
        let (mut failed, mut together) = (false, Vec::new());
        let chosen = consumers.choose(tx, &batch).await?;
        let is_chosen = |envelope: &Envelope| {
            consumers.by_type.contains_key(&*envelope.event_type)
                || chosen.as_ref().is_none_or(|chosen| chosen.contains(&envelope.event_id))
        };
        let batch: Vec<&Arc<Published>> = batch.iter().filter(|published| is_chosen(&published.envelope)).collect();
        // Only this delivery records failed events of the aggregates in the batch, so no lock is needed to find none.
        let (mut fresh, any_failed) = record_consumed(tx, &batch).await?;
        for published in batch {
            let envelope = &published.envelope;
            if !fresh.remove(&envelope.event_id) {
                continue;
            }
            if (any_failed || failed) && is_blocked(tx, envelope.aggregate_id).await? {
                record_failure(tx, envelope, FailedEventStatus::Blocked, 0, "an earlier event of the aggregate is not consumed yet")
                    .await?;
                continue;
            }
            if let Some(fault) = &published.fault {
                // A retry would read the same, so it is parked at once.
                report(tx, envelope, 1, fault);
                record_failure(tx, envelope, FailedEventStatus::Parked, 1, fault).await?;
                failed = true;
                continue;
            }
            let outcome = match isolation {
                Isolation::Shared if !consumers.by_type.contains_key(&*envelope.event_type) => {
                    together.push(envelope);
                    continue;
                }
                Isolation::Shared => consumers.consume_one(tx, envelope).await,
                Isolation::Savepoint => tx.savepoint(async |tx| consumers.consume_one(tx, envelope).await).await,
            };
            if let Err(refusal) = outcome {
                if isolation == Isolation::Shared {
                    return Err(BatchError::Refused);
                }
                report(tx, envelope, 1, &refusal);
                record_failure(tx, envelope, FailedEventStatus::Retrying, 1, &refusal.0).await?;
                failed = true;
            }
        }
        if let Some(every) = consumers.every.as_ref().filter(|_| !together.is_empty()) {
            every(tx, &together).await.map_err(|_| BatchError::Refused)?;
        }
        // The error may be that of an event, whose statements were only sent.
        let refused = |error| if isolation == Isolation::Shared { BatchError::Refused } else { BatchError::Db(error) };
        match step {
            Some(step) if !advance(tx, step).await.map_err(refused)? => Err(BatchError::PositionMoved),
            _ => Ok(()),
        }
    })
    .await
}

/// A consumer's error with its causes, as text.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

impl Deref for Refused {
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

fn report(tx: &Tx, envelope: &Envelope, attempts: u32, refusal: &str) {
    // Without room nothing can be consumed, and nothing of this attempt is stored.
    if tx.storage_is_full() {
        return;
    }
    tracing::warn!(
        target: "inbox", service = tx.service(), event_type = envelope.event_type, event_id = %envelope.event_id,
        correlation_id = envelope.correlation_id, attempts, refusal, "an event could not be consumed"
    );
    metrics::counter!("souk_events_failed_total", "service" => tx.service()).increment(1);
}

/// Records the events of a batch as consumed. Returns those that were not before, and whether any event of the inbox failed.
async fn record_consumed(tx: &mut Tx, batch: &[&Arc<Published>]) -> Result<(HashSet<EventId>, bool), Error> {
    if tx.is_shared() {
        return consumed::record(tx, &batch.iter().map(|published| published.envelope.event_id).collect::<Vec<_>>()).await;
    }
    let any_failed = tx.query_opt("SELECT 1 FROM parked_events LIMIT 1", &[], |row| row.next::<i64>()).await?.is_some();
    let mut fresh = HashSet::with_capacity(batch.len());
    for published in batch {
        if is_new(tx, &published.envelope).await? {
            fresh.insert(published.envelope.event_id);
        }
    }
    Ok((fresh, any_failed))
}

async fn is_new(tx: &mut Tx, envelope: &Envelope) -> Result<bool, Error> {
    let rows = tx.execute("INSERT INTO inbox (event_id) VALUES ($1) ON CONFLICT (event_id) DO NOTHING", params![envelope.event_id]).await?;
    Ok(rows == 1)
}

/// Whether a failed event of the aggregate is there. It stays there until the commit, so the retry that consumes it finds the
/// event that is blocked by it.
async fn is_blocked(tx: &mut Tx, aggregate: Uuid) -> Result<bool, Error> {
    let sql = "SELECT sequence FROM parked_events WHERE aggregate_id = $1 ORDER BY sequence LIMIT 1";
    Ok(tx.lock_opt(sql, params![aggregate], |row| row.next::<i64>()).await?.is_some())
}

/// Deletes the records of consumed events that occurred before `before`, the oldest `rows` at most. No event may be delivered
/// again that is older than `before`. Ids of events sort by time.
pub(crate) async fn purge(db: &Db, before: Timestamp, rows: usize) -> Result<u64, Error> {
    let before = id_from(before);
    db.write(async move |tx| {
        tx.execute(
            "DELETE FROM inbox WHERE event_id IN (SELECT event_id FROM inbox WHERE event_id < $1 ORDER BY event_id LIMIT $2)",
            params![before, rows],
        )
        .await
    })
    .await
}
