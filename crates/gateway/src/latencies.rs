//! How long requests took, minute by minute for the last hour.

use contracts::system::RequestFigures;
use platform::env::LockUnpoisoned as _;
use std::{sync::Mutex, time::Duration};
use tokio::time::Instant;

const MINUTES: usize = 60;
/// Eight buckets for each power of two of microseconds up to two minutes, so that a figure is at most an eighth too high.
const BUCKETS: usize = 208;
const LONGEST_MICROS: u64 = (1 << 27) - 1;

/// The last hour of one gateway, which takes 50 kB.
pub(crate) struct Latencies {
    began: Instant,
    minutes: Mutex<Vec<Minute>>,
}

#[derive(Clone)]
struct Minute {
    /// Which minute since the beginning it is.
    number: u64,
    counts: [u32; BUCKETS],
    failed: u32,
}

impl Minute {
    const EMPTY: Minute = Minute { number: 0, counts: [0; BUCKETS], failed: 0 };
}

impl Latencies {
    pub(crate) fn new() -> Latencies {
        Latencies { began: Instant::now(), minutes: Mutex::new(vec![Minute::EMPTY; MINUTES]) }
    }

    fn minute(&self) -> u64 {
        self.began.elapsed().as_secs() / 60
    }

    /// Counts a request that took so long. It failed when it was this program's fault.
    pub(crate) fn record(&self, took: Duration, has_failed: bool) {
        self.record_in(self.minute(), took, has_failed);
    }

    fn record_in(&self, number: u64, took: Duration, has_failed: bool) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let mut minutes = self.minutes.lock_unpoisoned();
        let at = usize::try_from(number % MINUTES as u64).unwrap_or(0);
        let Some(minute) = minutes.get_mut(at) else { return };
        if minute.number != number {
            *minute = Minute { number, ..Minute::EMPTY };
        }
        if let Some(count) = minute.counts.get_mut(bucket(micros)) {
            *count = count.saturating_add(1);
        }
        minute.failed = minute.failed.saturating_add(u32::from(has_failed));
    }

    /// The figures of the last hour.
    pub(crate) fn figures(&self) -> RequestFigures {
        self.figures_at(self.minute())
    }

    fn figures_at(&self, now: u64) -> RequestFigures {
        let (mut counts, mut failed) = ([0_u64; BUCKETS], 0_u64);
        for minute in self.minutes.lock_unpoisoned().iter().filter(|minute| minute.number + MINUTES as u64 > now) {
            failed += u64::from(minute.failed);
            for (sum, count) in counts.iter_mut().zip(minute.counts) {
                *sum += u64::from(count);
            }
        }
        let total: u64 = counts.iter().sum();
        RequestFigures {
            requests: total,
            failed,
            median_micros: percentile(&counts, total, 50),
            p95_micros: percentile(&counts, total, 95),
            p99_micros: percentile(&counts, total, 99),
        }
    }
}

/// The bucket of a time.
fn bucket(micros: u64) -> usize {
    let micros = micros.min(LONGEST_MICROS);
    if micros < 8 {
        return usize::try_from(micros).unwrap_or(0);
    }
    let shift = 60 - micros.leading_zeros();
    usize::try_from(u64::from(shift) * 8 + (micros >> shift)).unwrap_or(BUCKETS - 1)
}

/// The longest time of a bucket.
fn longest_of(bucket: usize) -> u64 {
    match bucket {
        0..16 => bucket as u64,
        _ => ((bucket as u64 % 8 + 9) << (bucket / 8 - 1)) - 1,
    }
}

/// The time within which `percent` of the requests were answered; `None` without requests.
fn percentile(counts: &[u64; BUCKETS], total: u64, percent: u64) -> Option<u64> {
    let wanted = (total * percent).div_ceil(100);
    let mut seen = 0;
    let found = counts.iter().position(|count| {
        seen += count;
        seen >= wanted
    });
    found.filter(|_| total > 0).map(longest_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_times_that_differ_by_an_eighth_at_most() {
        let mut last = 0;
        for micros in [0, 1, 7, 8, 15, 16, 17, 31, 32, 33, 1_000, 999_999, 12_345_678, LONGEST_MICROS, u64::MAX] {
            let at = bucket(micros);
            assert!(at >= last && at < BUCKETS, "{micros}");
            last = at;
            let longest = longest_of(at);
            let micros = micros.min(LONGEST_MICROS);
            assert!(longest >= micros && longest - micros <= micros / 8, "{micros}: {longest}");
            assert_eq!(bucket(longest), at, "{micros}");
        }
    }

    #[test]
    fn figures_are_those_of_the_last_hour() {
        let latencies = Latencies::new();
        assert_eq!(latencies.figures_at(0).median_micros, None);
        for micros in 1..=100 {
            latencies.record_in(3, Duration::from_micros(micros), micros == 100);
        }
        let figures = latencies.figures_at(62);
        assert_eq!((figures.requests, figures.failed), (100, 1));
        assert_eq!((figures.median_micros, figures.p95_micros, figures.p99_micros), (Some(51), Some(95), Some(103)));
        assert_eq!(latencies.figures_at(63).requests, 0, "an hour later");
        latencies.record_in(63, Duration::from_secs(500), false);
        let figures = latencies.figures_at(63);
        assert_eq!((figures.requests, figures.p99_micros), (1, Some(LONGEST_MICROS)), "the minute took the place of the older one");
    }
}
