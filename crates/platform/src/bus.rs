//! The carrier of events inside one process: from a producer's outbox to a consumer's inbox.
//!
//! The consumer keeps how far it came in the transaction of its effects, so there is nothing to acknowledge and a
//! restart goes on where the last commit ended. Nothing waits in memory but the batch in hand.

use crate::{
    backoff::Backoff,
    db::{Db, Error},
    inbox::{self, Consumers},
    outbox,
    shutdown::Shutdown,
};
use std::time::Duration;

/// Events that share one commit of the consumer at most.
const BATCH: usize = 128;
/// How long to sleep without news. A notifier that was missed costs this much time and nothing else.
const LULL: Duration = Duration::from_secs(5);

/// The pauses after steps that failed.
const BACKOFF: Backoff = Backoff::doubling(Duration::from_millis(500), Duration::from_secs(30));

/// Carries events of `producer` to `consumer` until told to stop.
pub(crate) async fn carry(producer: Db, consumer: Db, consumers: Consumers, stop: Shutdown) {
    let (from, to) = (producer.service(), consumer.service());
    let mut news = producer.outbox_grew();
    let (mut skipped, mut failures) = (Skipped::default(), 0);
    while !stop.is_requested() {
        news.mark_unchanged();
        let carried = step(&producer, &consumer, &consumers, &mut skipped).await;
        failures = if carried.is_err() { failures + 1 } else { 0 };
        match carried {
            Ok(0) => {
                stop.sleep(consumer.env(), LULL, async {
                    // The producer going away ends the process; the pause ends then too.
                    let _ = news.changed().await;
                })
                .await;
            }
            Ok(carried) => {
                metrics::counter!("souk_events_carried_total", "producer" => from, "consumer" => to).increment(carried as u64);
            }
            Err(error) => {
                tracing::warn!(target: "bus", producer = from, consumer = to, %error, "events wait; trying again");
                stop.sleep(consumer.env(), consumer.env().jitter(BACKOFF.delay(failures)), std::future::pending()).await;
            }
        }
    }
}

/// Carries what waits and returns: how many events there were. For tests that drive each step.
pub(crate) async fn carry_waiting(producer: &Db, consumer: &Db, consumers: &Consumers) -> Result<usize, Error> {
    let (mut skipped, mut total) = (Skipped::default(), 0);
    loop {
        match step(producer, consumer, consumers, &mut skipped).await? {
            // What nobody wanted is passed over again next time, and is no movement.
            0 => return Ok(total),
            carried => total += if skipped.reached == skipped.stored { carried } else { 0 },
        }
    }
}

/// Events that nobody here wants are passed over in memory: their position is kept with the next that is wanted.
#[derive(Default)]
struct Skipped {
    stored: i64,
    reached: i64,
}

async fn step(producer: &Db, consumer: &Db, consumers: &Consumers, skipped: &mut Skipped) -> Result<usize, Error> {
    let stored = inbox::position(consumer, producer.service()).await?;
    if stored != skipped.stored {
        // Consumed further, or moved back for a replay.
        *skipped = Skipped { stored, reached: stored };
    }
    let batch = outbox::read_after(producer, skipped.reached, BATCH).await?;
    let Some(last) = batch.last() else { return Ok(0) };
    let (count, last) = (batch.len(), last.position);
    if batch.iter().any(|published| consumers.wants(&published.envelope.event_type)) || last - stored >= 10_000 {
        inbox::consume(consumer, consumers, producer.service(), stored, batch).await?;
        *skipped = Skipped { stored: last, reached: last };
    } else {
        skipped.reached = last;
    }
    Ok(count)
}
