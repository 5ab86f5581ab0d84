//! Load: many clients at once, each doing one turn after the other, and what is measured of it.

use super::server::{Memory, Server};
use anyhow::Result;
use hdrhistogram::Histogram;
use std::{collections::BTreeMap, future::Future, time::Duration};
use tokio::{task::JoinSet, time::Instant};

/// The longest turn that is told apart, in microseconds: a minute.
const MOST: u64 = 60_000_000;

/// One of many that use the platform at the same time.
pub trait Client: Send + 'static {
    /// Does one thing from its beginning to its end. What went wrong is a short text: failures are counted by it.
    fn run_once(&mut self) -> impl Future<Output = Result<(), String>> + Send;
}

/// How long each took, in microseconds.
pub struct Times(Histogram<u64>);

impl Times {
    /// # Errors
    /// Never: the bounds fit.
    pub fn new() -> Result<Times> {
        Ok(Times(Histogram::new_with_bounds(1, MOST, 3)?))
    }

    pub fn record(&mut self, took: Duration) {
        self.0.saturating_record(u64::try_from(took.as_micros()).unwrap_or(MOST));
    }

    fn add(&mut self, other: &Times) -> Result<()> {
        Ok(self.0.add(&other.0)?)
    }

    /// The time, in microseconds, that this share of all took at most: 0.5 is the median.
    #[must_use]
    pub fn micros(&self, share: f64) -> u64 {
        self.0.value_at_quantile(share)
    }

    /// As [`micros`](Self::micros), in milliseconds.
    #[must_use]
    pub fn millis(&self, share: f64) -> f64 {
        self.micros(share) as f64 / 1000.0
    }
}

/// What came of the turns that began in the measured time, however long they took.
pub struct Tally {
    pub done: u64,
    pub times: Times,
    pub errors: BTreeMap<String, u64>,
}

impl Tally {
    fn new() -> Result<Tally> {
        Ok(Tally { done: 0, times: Times::new()?, errors: BTreeMap::new() })
    }

    fn count(&mut self, outcome: Result<(), String>, took: Duration) {
        match outcome {
            Ok(()) => {
                self.done += 1;
                self.times.record(took);
            }
            Err(text) => *self.errors.entry(text).or_default() += 1,
        }
    }

    fn add(&mut self, other: Tally) -> Result<()> {
        self.done += other.done;
        self.times.add(&other.times)?;
        for (text, count) in other.errors {
            *self.errors.entry(text).or_default() += count;
        }
        Ok(())
    }
}

/// What was measured.
pub struct Measured {
    pub tally: Tally,
    /// The server's processor time in the measured time, in seconds; not known of one that somebody else started.
    pub processor_seconds: Option<f64>,
    /// The server's memory at the end of it; not known likewise.
    pub memory: Option<Memory>,
}

/// Has all clients do turns for `warm_up` and then for `measured`, and waits for the last of each: the slowest turns are those
/// that are under way at the end.
///
/// # Errors
/// When a client panics.
pub async fn drive<C: Client>(clients: Vec<C>, warm_up: Duration, measured: Duration, server: Option<&Server>) -> Result<Measured> {
    let begin = Instant::now() + warm_up;
    let end = begin + measured;
    let mut tasks = JoinSet::new();
    for client in clients {
        tasks.spawn(run_until(client, begin, end));
    }
    tokio::time::sleep_until(begin).await;
    let used_before = server.and_then(Server::processor_seconds);
    tokio::time::sleep_until(end).await;
    let used = server.and_then(Server::processor_seconds);
    let processor_seconds = used.zip(used_before).map(|(used, before)| used - before);
    let memory = server.and_then(Server::memory);
    let mut tally = Tally::new()?;
    while let Some(joined) = tasks.join_next().await {
        tally.add(joined??)?;
    }
    Ok(Measured { tally, processor_seconds, memory })
}

async fn run_until<C: Client>(mut client: C, begin: Instant, end: Instant) -> Result<Tally> {
    let mut tally = Tally::new()?;
    loop {
        let began = Instant::now();
        if began >= end {
            return Ok(tally);
        }
        let outcome = client.run_once().await;
        if began >= begin {
            tally.count(outcome, began.elapsed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes 10 ms a turn; every third turn fails.
    struct Slow(u64);

    impl Client for Slow {
        async fn run_once(&mut self) -> Result<(), String> {
            self.0 += 1;
            tokio::time::sleep(Duration::from_millis(10)).await;
            if self.0.is_multiple_of(3) { Err("third".into()) } else { Ok(()) }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn turns_that_began_in_the_measured_time_count() {
        let clients = (0..4).map(|_| Slow(0)).collect();
        // Turns 11 to 40 of each client; the clock's grain is a millisecond.
        let measured = drive(clients, Duration::from_millis(100), Duration::from_millis(300), None).await.unwrap();
        let failed = measured.tally.errors["third"];
        assert!((112..=120).contains(&(measured.tally.done + failed)), "{} and {failed}", measured.tally.done);
        assert!((36..=40).contains(&failed), "{failed}");
        assert!((9_900..=12_000).contains(&measured.tally.times.micros(0.5)));
        assert!(measured.processor_seconds.is_none() && measured.memory.is_none(), "of a server that is not ours");
    }

    /// Works once, and then hangs until it fails.
    struct Hanging(bool);

    impl Client for Hanging {
        async fn run_once(&mut self) -> Result<(), String> {
            let hangs = std::mem::replace(&mut self.0, true);
            tokio::time::sleep(if hangs { Duration::from_secs(30) } else { Duration::from_millis(10) }).await;
            if hangs { Err("no answer in time".into()) } else { Ok(()) }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_does_not_end_in_the_measured_time_is_waited_for() {
        let measured = drive(vec![Hanging(false)], Duration::ZERO, Duration::from_millis(300), None).await.unwrap();
        assert_eq!((measured.tally.done, measured.tally.errors["no answer in time"]), (1, 1));
    }
}
