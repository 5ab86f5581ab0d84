//! The limit of concurrent requests that do work, as opposed to those that wait for an outcome. It follows the delay of the
//! scheduler: when every task waits for a processor for a while, more concurrent requests only make all of them slower, and
//! those that begin something take time from those that end it. The signal and the goal are those of CoDel (RFC 8289, the least
//! delay of an interval), the change is additive increase and multiplicative decrease.

use std::time::Duration;
use tokio::time::Instant;

/// A delay that is normal on a busy machine.
const TARGET: Duration = Duration::from_millis(10);
const INTERVAL: Duration = Duration::from_millis(100);
/// Between two samples.
const SAMPLE_EVERY: Duration = Duration::from_millis(5);
/// Enough to keep every processor of a small machine busy.
const LEAST: usize = 32;

#[derive(Debug)]
pub(crate) struct Concurrency {
    limit: usize,
    most: usize,
    interval_began: Instant,
    /// The least delay of the interval, if there was a sample.
    least_delay: Option<Duration>,
    sampled: Option<Instant>,
}

impl Concurrency {
    pub(crate) fn new(most: usize, now: Instant) -> Concurrency {
        Concurrency { limit: most, most, interval_began: now, least_delay: None, sampled: None }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Whether the caller measures the delay and calls [`record`](Self::record).
    pub(crate) fn wants_sample(&mut self, now: Instant) -> bool {
        let wanted = self.sampled.is_none_or(|last| now - last >= SAMPLE_EVERY);
        if wanted {
            self.sampled = Some(now);
        }
        wanted
    }

    /// Takes a delay of the scheduler into account.
    pub(crate) fn record(&mut self, delay: Duration, now: Instant) {
        let least = self.least_delay.map_or(delay, |least| least.min(delay));
        self.least_delay = Some(least);
        if now - self.interval_began < INTERVAL {
            return;
        }
        self.limit = if least > TARGET {
            (self.limit * 3 / 4).max(LEAST.min(self.most))
        } else {
            (self.limit + (self.most / 16).max(1)).min(self.most)
        };
        self.least_delay = None;
        self.interval_began = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records one delay in each of so many intervals.
    fn run(concurrency: &mut Concurrency, now: &mut Instant, intervals: usize, delay: Duration) -> usize {
        for _ in 0..intervals {
            *now += INTERVAL;
            concurrency.record(delay, *now);
        }
        concurrency.limit()
    }

    #[test]
    fn the_limit_falls_while_the_scheduler_is_late_and_recovers() {
        let mut now = Instant::now();
        let mut concurrency = Concurrency::new(1024, now);
        assert_eq!(run(&mut concurrency, &mut now, 1, Duration::from_millis(50)), 768);
        assert_eq!(run(&mut concurrency, &mut now, 100, Duration::from_millis(50)), LEAST);
        assert_eq!(run(&mut concurrency, &mut now, 1, Duration::from_millis(1)), LEAST + 64);
        assert_eq!(run(&mut concurrency, &mut now, 100, Duration::from_millis(1)), 1024);
        let mut small = Concurrency::new(2, now);
        assert_eq!(run(&mut small, &mut now, 100, Duration::from_secs(1)), 2, "a lower setting is the least");
    }

    #[test]
    fn one_quick_turn_in_an_interval_shows_that_there_is_no_standing_queue() {
        let mut now = Instant::now();
        let mut concurrency = Concurrency::new(1024, now);
        concurrency.record(Duration::from_millis(1), now);
        assert_eq!(run(&mut concurrency, &mut now, 1, Duration::from_secs(1)), 1024);
        assert_eq!(run(&mut concurrency, &mut now, 1, Duration::from_secs(1)), 768, "the next interval begins anew");
    }

    #[test]
    fn the_delay_is_sampled_now_and_then() {
        let now = Instant::now();
        let mut concurrency = Concurrency::new(8, now);
        assert!(concurrency.wants_sample(now) && !concurrency.wants_sample(now));
        assert!(concurrency.wants_sample(now + SAMPLE_EVERY));
    }
}
