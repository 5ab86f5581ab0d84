//! Delivers events inside one process, from the outbox of a producer to the inbox of a consumer.
//!
//! The consumer stores its position in the transaction of its effects. So nothing is acknowledged, and a restart goes on
//! after the last commit. Memory holds one batch at most.

use crate::{
    backoff::Backoff,
    db::{Db, Error},
    inbox::{self, Consumers, Outcome, Source},
    outbox,
    shutdown::Shutdown,
};
use std::time::Duration;

/// Events that share one commit of the consumer at most.
const BATCH: usize = 128;
/// How long to wait while the outbox does not grow. A missed notification costs this much time and nothing else.
const IDLE: Duration = Duration::from_secs(5);
/// How long events gather after a batch that was not full, so that under load they share a commit. The first event after a quiet time
/// is delivered at once. It takes a sixth off the processor time of an order (`souk bench checkout`, three pairs of runs).
const GATHER: Duration = Duration::from_millis(50);
/// Events that are passed over in memory until their position is stored.
const PASSED_OVER: i64 = 10_000;
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
}

/// Delivers events of `producer` to `consumer` until the shutdown.
pub(crate) async fn deliver(producer: Db, consumer: Db, consumers: Consumers, stop: Shutdown) {
    let (from, to, env) = (producer.service(), consumer.service(), consumer.env());
    let mut growth = producer.outbox_grew();
    let (mut positions, mut failures) = (Positions::default(), 0);
    while !stop.is_requested() {
        growth.mark_unchanged();
        let outcome = step(&producer, &consumer, &consumers, &mut positions).await;
        failures = if matches!(outcome, Err(_) | Ok(Step::PositionMoved)) { failures + 1 } else { 0 };
        match outcome {
            Ok(Step::Consumed(events) | Step::PassedOver(events)) => {
                metrics::counter!("souk_events_delivered_total", "producer" => from, "consumer" => to).increment(events as u64);
                if events < BATCH {
                    stop.sleep(env, GATHER, std::future::pending()).await;
                }
                continue;
            }
            Ok(Step::NoEvents) => {
                let grew = async {
                    // An error means that the database of the producer was closed, which ends the process.
                    let _ = growth.changed().await;
                };
                stop.sleep(env, IDLE, grew).await;
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
        stop.sleep(env, env.jitter(BACKOFF.delay(failures)), std::future::pending()).await;
    }
}

/// Delivers the events that are in the outbox, for tests that drive each step. Returns how many were consumed.
pub(crate) async fn deliver_present(producer: &Db, consumer: &Db, consumers: &Consumers) -> Result<usize, Error> {
    let (mut positions, mut total, mut without_progress) = (Positions::default(), 0, 0);
    loop {
        match step(producer, consumer, consumers, &mut positions).await? {
            Step::NoEvents => return Ok(total),
            Step::Consumed(events) => (total, without_progress) = (total + events, 0),
            Step::PassedOver(_) => {}
            Step::PositionMoved if without_progress < STEPS_WITHOUT_PROGRESS => without_progress += 1,
            Step::PositionMoved => {
                let (from, to) = (producer.service(), consumer.service());
                return Err(Error::Failed(format!("the position of {to} in the outbox of {from} does not advance")));
            }
        }
    }
}

/// How many events of `producer` that `consumer` consumes are not delivered yet.
pub(crate) async fn count_undelivered(producer: &Db, consumer: &Db, consumers: &Consumers) -> Result<usize, Error> {
    let position = inbox::position(consumer, producer.service()).await?;
    let events = outbox::read_after(producer, position, usize::MAX >> 1).await?;
    Ok(events.iter().filter(|published| consumers.consumes(&published.envelope.event_type)).count())
}

/// The position that is stored, and the one reached in memory. Events that are not consumed only move the latter: their
/// position is stored with the next event that is consumed.
#[derive(Default)]
struct Positions {
    /// `None` before the producer was asked about it.
    stored: Option<i64>,
    reached: i64,
}

impl Positions {
    fn at(position: i64) -> Positions {
        Positions { stored: Some(position), reached: position }
    }
}

async fn step(producer: &Db, consumer: &Db, consumers: &Consumers, positions: &mut Positions) -> Result<Step, Error> {
    let stored = inbox::position(consumer, producer.service()).await?;
    if positions.stored != Some(stored) {
        // This is the first step, or the position was moved, for example for a replay.
        let verified = inbox::verify(consumer, producer, consumers).await?;
        *positions = Positions::at(verified);
        if verified != stored {
            return Ok(Step::PositionMoved);
        }
    }
    let batch = outbox::next_after(producer, positions.reached, BATCH).await?;
    let Some(last) = batch.last() else { return Ok(Step::NoEvents) };
    let (count, last) = (batch.len(), last.position);
    if last.saturating_sub(stored) < PASSED_OVER && !batch.iter().any(|published| consumers.consumes(&published.envelope.event_type)) {
        positions.reached = last;
        return Ok(Step::PassedOver(count));
    }
    match inbox::consume(consumer, consumers, Source::of(producer), stored, batch).await? {
        Outcome::Consumed => {
            *positions = Positions::at(last);
            Ok(Step::Consumed(count))
        }
        Outcome::PositionMoved => Ok(Step::PositionMoved),
    }
}
