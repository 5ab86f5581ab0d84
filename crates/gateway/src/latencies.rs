//! How long requests took: minute by minute for the last hour, and in spans of five minutes for the last day.

use contracts::{
    system::{RequestFigures, RequestSpan},
    time::Timestamp,
};
use platform::env::LockUnpoisoned as _;
use std::{sync::Mutex, time::Duration};
use tokio::time::Instant;

/// Minutes of an hour.
const MINUTES: usize = 60;
/// Spans of a day.
const SPANS: usize = 288;
const MINUTES_OF_SPAN: u64 = 5;
/// Eight buckets for each power of two of microseconds up to two minutes, so that a figure is at most an eighth too high.
const BUCKETS: usize = 208;
const LONGEST_MICROS: u64 = (1 << 27) - 1;

/// The last hour and the last day of one gateway, which take 300 kB.
pub(crate) struct Latencies {
    began: Instant,
    rings: Mutex<Rings>,
}

struct Rings {
    minutes: Ring<MINUTES>,
    spans: Ring<SPANS>,
}

/// The last `N` times of the same length. A new one takes the place of the oldest.
struct Ring<const N: usize>(Vec<Slot>);

#[derive(Clone)]
struct Slot {
    /// Which of its kind since the beginning it is.
    number: u64,
    counts: [u32; BUCKETS],
    failed: u32,
}

impl Slot {
    const EMPTY: Slot = Slot { number: 0, counts: [0; BUCKETS], failed: 0 };
}

impl<const N: usize> Ring<N> {
    fn new() -> Ring<N> {
        Ring(vec![Slot::EMPTY; N])
    }

    fn record(&mut self, number: u64, micros: u64, has_failed: bool) {
        let at = usize::try_from(number % N as u64).unwrap_or(0);
        let Some(slot) = self.0.get_mut(at) else { return };
        if slot.number != number {
            *slot = Slot { number, ..Slot::EMPTY };
        }
        if let Some(count) = slot.counts.get_mut(bucket(micros)) {
            *count = count.saturating_add(1);
        }
        slot.failed = slot.failed.saturating_add(u32::from(has_failed));
    }

    /// Those that are not too old, in no order.
    fn present(&self, now: u64) -> impl Iterator<Item = &Slot> {
        self.0.iter().filter(move |slot| slot.number + N as u64 > now)
    }
}

/// The figures of some slots together.
fn figures<'a>(slots: impl Iterator<Item = &'a Slot>) -> RequestFigures {
    let (mut counts, mut failed) = ([0_u64; BUCKETS], 0_u64);
    for slot in slots {
        failed += u64::from(slot.failed);
        for (sum, count) in counts.iter_mut().zip(slot.counts) {
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

impl Latencies {
    pub(crate) fn new() -> Latencies {
        Latencies { began: Instant::now(), rings: Mutex::new(Rings { minutes: Ring::new(), spans: Ring::new() }) }
    }

    fn minute(&self) -> u64 {
        self.began.elapsed().as_secs() / 60
    }

    /// Counts a request that took so long. It failed when it was this program's fault.
    pub(crate) fn record(&self, took: Duration, has_failed: bool) {
        self.record_in(self.minute(), took, has_failed);
    }

    fn record_in(&self, minute: u64, took: Duration, has_failed: bool) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let mut rings = self.rings.lock_unpoisoned();
        rings.minutes.record(minute, micros, has_failed);
        rings.spans.record(minute / MINUTES_OF_SPAN, micros, has_failed);
    }

    /// The figures of the last hour.
    pub(crate) fn figures(&self) -> RequestFigures {
        self.figures_at(self.minute())
    }

    fn figures_at(&self, now: u64) -> RequestFigures {
        figures(self.rings.lock_unpoisoned().minutes.present(now))
    }

    /// The spans of the last day that had requests, the oldest first. `began` is when this program began to count.
    pub(crate) fn last_day(&self, began: Timestamp) -> Vec<RequestSpan> {
        self.last_day_at(self.minute(), began)
    }

    fn last_day_at(&self, now: u64, began: Timestamp) -> Vec<RequestSpan> {
        let rings = self.rings.lock_unpoisoned();
        let mut slots: Vec<&Slot> = rings.spans.present(now / MINUTES_OF_SPAN).collect();
        slots.sort_unstable_by_key(|slot| slot.number);
        let span = |slot: &Slot| {
            let RequestFigures { requests, median_micros, p99_micros, .. } = figures(std::iter::once(slot));
            let from = began.after(Duration::from_secs(slot.number * MINUTES_OF_SPAN * 60));
            Some(RequestSpan { from, requests, median_micros: median_micros?, p99_micros: p99_micros? })
        };
        slots.into_iter().filter_map(span).collect()
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

    #[test]
    fn the_last_day_has_the_spans_with_requests() {
        let (latencies, began) = (Latencies::new(), Timestamp(1_767_225_600_000_000));
        assert!(latencies.last_day_at(0, began).is_empty());
        for (minute, micros) in [(0, 100), (11, 9), (10, 3), (14, 200)] {
            latencies.record_in(minute, Duration::from_micros(micros), false);
        }
        let spans = latencies.last_day_at(14, began);
        let times: Vec<_> = spans.iter().map(|span| (span.from.since(began).as_secs(), span.requests, span.p99_micros)).collect();
        assert_eq!(times, [(0, 1, 103), (600, 3, 207)]);
        assert_eq!(spans[1].median_micros, 9);
        assert_eq!(latencies.last_day_at(24 * 60 - 1, began).len(), 2);
        assert_eq!(latencies.last_day_at(24 * 60, began).len(), 1, "a day later");
    }
}
