//! Delivers events from a producer to the inbox of a consumer.
//!
//! Within one process the outbox of the producer is read. Between processes its copy is read, a stream of JetStream with the same
//! numbers, which [`publisher`] fills. The consumer stores its position in the transaction of its effects. So nothing is
//! acknowledged, and a restart goes on after the last commit. Memory holds one batch at most, and what a stream sends ahead.

mod broker;
mod feed;
mod lease;
mod publisher;
mod stream;
mod values;
mod wake;

pub use broker::{Broker, OLDEST_SERVER, ServerReport, StreamState, name as stream_name};
pub(crate) use feed::Feed;
pub(crate) use lease::Lease;
pub(crate) use publisher::{PublishedPosition, Publisher};
pub(crate) use stream::StreamFeed;
pub use values::{SharedValues, StoredValue};
pub(crate) use wake::{WakeUps, exchange as exchange_wake_ups};

use crate::{
    backoff::Backoff,
    db::{Db, Error},
    inbox::{self, Consumers, Outcome, Source},
    outbox, personal,
    shutdown::Shutdown,
};
use contracts::time::Timestamp;
use feed::Batch;
use std::time::Duration;
use stream::{Read, Reader};

/// Events that share one commit of the consumer at most.
const BATCH: usize = 128;
/// How long to wait while there are no events. A missed notification costs this much time and nothing else.
const IDLE: Duration = Duration::from_secs(5);
/// How long events gather after a batch that was not full, so that under load they share a commit. The first event after a quiet time
/// is delivered at once. It takes a sixth off the processor time of an order (`souk bench checkout`, three pairs of runs).
const GATHER: Duration = Duration::from_millis(50);
/// Events that are passed over in memory until their position is stored.
const PASSED_OVER: i64 = 10_000;
/// How long the position in a stream may be stored late. It is shorter than a stream keeps its events: a consumer for whom there
/// were none must not take their end for a loss.
const STORED_LATE: Duration = Duration::from_secs(3600);
/// How often a stream is asked that ends before the position, until the consumer goes back: its publisher fills it meanwhile, if
/// the broker lost its newest messages.
const REFILLS: u32 = 6;
/// How long the stored position counts as known after it was read or stored. If it is moved meanwhile, for a replay, the next commit
/// finds out.
const POSITION_KNOWN: Duration = Duration::from_secs(1);
/// The pauses after steps that failed or made no progress.
const BACKOFF: Backoff = Backoff::doubling(Duration::from_millis(500), Duration::from_secs(30));
/// How often in a row a test's delivery may make no progress.
const STEPS_WITHOUT_PROGRESS: u32 = 3;

/// What a step of the delivery did.
enum Step {
    NoEvents,
    /// So many events were consumed.
    Consumed(usize),
    /// So many events were passed over, which the consumer does not consume.
    PassedOver(usize),
    /// Nothing was consumed: the position was moved meanwhile, or went back.
    PositionMoved,
    /// The stream ends before the position.
    AwaitsRefill,
}

/// The delivery of the events of one producer to one consumer.
pub(crate) struct Delivery {
    feed: Feed,
    consumer: Db,
    consumers: Consumers,
    /// `None` before the producer was asked about the stored position.
    positions: Option<Positions>,
    /// When the stored position was read or stored last.
    known_at: Option<Timestamp>,
    reader: Reader,
    refills: u32,
}

/// The position that is stored, and the one reached in memory. Events that are not consumed only move the latter: their
/// position is stored with the next event that is consumed.
#[derive(Clone, Copy)]
struct Positions {
    /// Where the events come from.
    source: Source,
    stored: i64,
    reached: i64,
    /// `None` before this delivery stored it.
    stored_at: Option<Timestamp>,
}

impl Delivery {
    pub fn new(feed: Feed, consumer: Db, consumers: Consumers) -> Delivery {
        Delivery { feed, consumer, consumers, positions: None, known_at: None, reader: Reader::default(), refills: 0 }
    }

    /// Delivers until the shutdown, and among replicas only while this process holds the lease.
    pub async fn run(mut self, lease: Option<Lease>, stop: Shutdown) {
        let (from, to, env) = (self.feed.producer(), self.consumer.service(), self.consumer.env().clone());
        let mut growth = match &self.feed {
            Feed::Outbox(producer) => Some(producer.outbox_grew()),
            Feed::Stream(_) => None,
        };
        let mut failures = 0;
        while !stop.is_requested() {
            if let Some(lease) = &lease
                && !lease.hold_or_wait(&stop).await
            {
                self.reader = Reader::default();
                continue;
            }
            if let Some(growth) = &mut growth {
                growth.mark_unchanged();
            }
            let outcome = tokio::select! {
                biased;
                // A step that is left before its commit is done again.
                () = stop.requested(), if growth.is_none() => return,
                outcome = self.step() => outcome,
            };
            failures = if matches!(outcome, Err(_) | Ok(Step::PositionMoved | Step::AwaitsRefill)) { failures + 1 } else { 0 };
            match outcome {
                Ok(Step::Consumed(events) | Step::PassedOver(events)) => {
                    metrics::counter!("souk_events_delivered_total", "producer" => from, "consumer" => to).increment(events as u64);
                    if events < BATCH {
                        stop.sleep(&env, GATHER, std::future::pending()).await;
                    }
                    continue;
                }
                Ok(Step::NoEvents) => {
                    // A stream was waited for already.
                    if let Some(growth) = &mut growth {
                        let grew = async {
                            // An error means that the database of the producer was closed, which ends the process.
                            let _ = growth.changed().await;
                        };
                        stop.sleep(&env, IDLE, grew).await;
                    }
                    continue;
                }
                Ok(Step::AwaitsRefill) => {
                    tracing::info!(target: "bus", producer = from, consumer = to, "the stream ends before the position; waiting for its publisher");
                    stop.sleep(&env, IDLE, std::future::pending()).await;
                    continue;
                }
                Ok(Step::PositionMoved) => {
                    tracing::warn!(target: "bus", producer = from, consumer = to, failures, "the position was moved; reading again from there");
                }
                // The database reports a full disk itself.
                Err(Error::StorageFull(_)) => {}
                Err(error) => {
                    tracing::warn!(target: "bus", producer = from, consumer = to, %error, failures, "events were not delivered; trying again");
                }
            }
            metrics::counter!("souk_delivery_failures_total", "producer" => from, "consumer" => to).increment(1);
            stop.sleep(&env, env.jitter(BACKOFF.delay(failures)), std::future::pending()).await;
        }
    }

    /// Delivers the events that are there, for tests that drive each step. Returns how many were consumed.
    pub async fn deliver_present(&mut self) -> Result<usize, Error> {
        let (mut total, mut without_progress) = (0, 0);
        loop {
            self.known_at = None;
            if let Feed::Stream(stream) = &self.feed
                && stream.state().await?.last
                    <= inbox::position(&self.consumer, stream.producer).await?.max(self.positions.map_or(0, |positions| positions.reached))
            {
                return Ok(total);
            }
            match self.step().await? {
                Step::NoEvents => return Ok(total),
                Step::Consumed(events) => (total, without_progress) = (total + events, 0),
                Step::PassedOver(_) => {}
                Step::PositionMoved | Step::AwaitsRefill if without_progress < STEPS_WITHOUT_PROGRESS => without_progress += 1,
                Step::PositionMoved | Step::AwaitsRefill => {
                    let (from, to) = (self.feed.producer(), self.consumer.service());
                    return Err(Error::Failed(format!("the position of {to} in the outbox of {from} does not advance")));
                }
            }
        }
    }

    /// Delivers one batch. A stream is waited for, for [`IDLE`] at most.
    async fn step(&mut self) -> Result<Step, Error> {
        let stored = self.stored_position().await?;
        let positions = match self.positions {
            Some(positions) if positions.stored == stored => positions,
            // This is the first step, or the position was moved, for example for a replay.
            _ => {
                if let Feed::Stream(stream) = &self.feed
                    && stream.state().await?.last < stored
                    && self.refills < REFILLS
                {
                    self.refills += 1;
                    return Ok(Step::AwaitsRefill);
                }
                let verified = inbox::verify(&self.consumer, &self.feed, &self.consumers).await?;
                let positions = Positions { source: self.feed.source().await?, stored: verified, reached: verified, stored_at: None };
                (self.refills, self.positions) = (0, Some(positions));
                if verified != stored {
                    self.known_at = None;
                    return Ok(Step::PositionMoved);
                }
                positions
            }
        };
        let Some(Batch { events, count }) = self.read(positions.reached).await? else { return Ok(Step::NoEvents) };
        let Some(last) = events.last() else { return Ok(Step::NoEvents) };
        let last = last.position;
        if !self.is_to_be_stored(positions, last) && !events.iter().any(|event| self.consumers.consumes(&event.envelope.event_type)) {
            self.positions = Some(Positions { reached: last, ..positions });
            return Ok(Step::PassedOver(count));
        }
        personal::copy_keys(&self.feed, &self.consumer, &self.consumers, &events).await?;
        // An error leaves open whether the position was stored.
        self.known_at = None;
        match inbox::consume(&self.consumer, &self.consumers, positions.source, stored, events).await? {
            Outcome::Consumed => {
                let stored_at = Some(self.consumer.now());
                self.known_at = stored_at;
                self.positions = Some(Positions { stored: last, reached: last, stored_at, ..positions });
                Ok(Step::Consumed(count))
            }
            Outcome::PositionMoved => Ok(Step::PositionMoved),
        }
    }

    async fn stored_position(&mut self) -> Result<i64, Error> {
        let now = self.consumer.now();
        if let (Some(positions), Some(at)) = (self.positions, self.known_at)
            && now.since(at) < POSITION_KNOWN
        {
            return Ok(positions.stored);
        }
        let stored = inbox::position(&self.consumer, self.feed.producer()).await?;
        self.known_at = Some(now);
        Ok(stored)
    }

    /// Whether the position `last` is stored although no event up to it is consumed.
    fn is_to_be_stored(&self, positions: Positions, last: i64) -> bool {
        let is_late = match (&self.feed, positions.stored_at) {
            (Feed::Outbox(_), _) => false,
            (Feed::Stream(_), None) => true,
            (Feed::Stream(_), Some(at)) => self.consumer.now().since(at) > STORED_LATE,
        };
        last.saturating_sub(positions.stored) >= PASSED_OVER || is_late
    }

    async fn read(&mut self, position: i64) -> Result<Option<Batch>, Error> {
        let stream = match &self.feed {
            Feed::Outbox(producer) => return Ok(Some(outbox::next_after(producer, position, BATCH).await?.into())),
            Feed::Stream(stream) => stream,
        };
        match self.reader.read(stream, &self.consumers, position, BATCH, IDLE).await? {
            Read::Batch(batch) => Ok(Some(batch)),
            Read::Nothing => Ok(None),
            Read::MadeAnew => {
                self.positions = None;
                Ok(None)
            }
        }
    }
}

/// How many events of `feed` that `consumer` consumes are not delivered yet.
pub(crate) async fn count_undelivered(feed: &Feed, consumer: &Db, consumers: &Consumers) -> Result<u64, Error> {
    let position = inbox::position(consumer, feed.producer()).await?;
    Ok(feed.count_after(position, consumers).await?.0)
}

#[cfg(test)]
mod tests;
