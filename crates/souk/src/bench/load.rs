//! Runs many clients at once and measures them.

use super::server::{Memory, Server};
use anyhow::Result;
use hdrhistogram::Histogram;
use std::{collections::BTreeMap, future::Future, time::Duration};
use tokio::{task::JoinSet, time::Instant};

/// The longest time that is recorded, in microseconds: a minute.
const MOST: u64 = 60_000_000;

/// One of many concurrent users.
pub trait Client: Send + 'static {
    /// Runs one operation from start to end. Failures are counted by their text, so it is short.
    fn run_once(&mut self) -> impl Future<Output = Result<(), String>> + Send;
}

/// A histogram of times in microseconds.
pub struct Times(Histogram<u64>);

impl Times {
    pub fn new() -> Result<Times> {
        Ok(Times(Histogram::new_with_bounds(1, MOST, 3)?))
    }

    pub fn record(&mut self, took: Duration) {
        self.0.saturating_record(u64::try_from(took.as_micros()).unwrap_or(MOST));
    }

    fn add(&mut self, other: &Times) -> Result<()> {
        Ok(self.0.add(&other.0)?)
    }

    /// The quantile in microseconds: 0.5 is the median.
    pub fn micros(&self, share: f64) -> u64 {
        self.0.value_at_quantile(share)
    }

    /// The quantile in milliseconds.
    pub fn millis(&self, share: f64) -> f64 {
        self.micros(share) as f64 / 1000.0
    }
}

/// The outcomes of the operations that began in the measured time.
pub struct Tally {
    pub done: u64,
    pub times: Times,
    pub errors: BTreeMap<String, u64>,
}

impl Tally {
    pub fn new() -> Result<Tally> {
        Ok(Tally { done: 0, times: Times::new()?, errors: BTreeMap::new() })
    }

    /// Counts an operation that took so long.
    pub fn count(&mut self, outcome: Result<(), String>, took: Duration) {
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

/// The result of a run.
pub struct Measured {
    pub tally: Tally,
    /// The server's processor time in the measured time, in seconds; unknown for a server of `--url`.
    pub processor_seconds: Option<f64>,
    /// The server's memory at the end of that time; unknown for a server of `--url`.
    pub memory: Option<Memory>,
}

/// Runs all clients for `warm_up` and then `measured`. Operations in flight at the end count too: they are the slowest ones.
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

    /// Takes 10 ms; every third operation fails.
    struct Slow(u64);

    impl Client for Slow {
        async fn run_once(&mut self) -> Result<(), String> {
            self.0 += 1;
            tokio::time::sleep(Duration::from_millis(10)).await;
            if self.0.is_multiple_of(3) { Err("third".into()) } else { Ok(()) }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn operations_that_began_in_the_measured_time_count() {
        let clients = (0..4).map(|_| Slow(0)).collect();
        // Operations 11 to 40 of each client; the clock has a resolution of a millisecond.
        let measured = drive(clients, Duration::from_millis(100), Duration::from_millis(300), None).await.unwrap();
        let failed = measured.tally.errors["third"];
        assert!((112..=120).contains(&(measured.tally.done + failed)), "{} and {failed}", measured.tally.done);
        assert!((36..=40).contains(&failed), "{failed}");
        assert!((9_900..=12_000).contains(&measured.tally.times.micros(0.5)));
        assert!(measured.processor_seconds.is_none() && measured.memory.is_none(), "there is no server");
    }

    /// Succeeds once, and then fails after 30 seconds.
    struct Hanging(bool);

    impl Client for Hanging {
        async fn run_once(&mut self) -> Result<(), String> {
            let hangs = std::mem::replace(&mut self.0, true);
            tokio::time::sleep(if hangs { Duration::from_secs(30) } else { Duration::from_millis(10) }).await;
            if hangs { Err("no answer in time".into()) } else { Ok(()) }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_operation_in_flight_at_the_end_counts() {
        let measured = drive(vec![Hanging(false)], Duration::ZERO, Duration::from_millis(300), None).await.unwrap();
        assert_eq!((measured.tally.done, measured.tally.errors["no answer in time"]), (1, 1));
    }
}
