//! Pauses between attempts that fail.

use std::time::Duration;

/// Pauses that grow by a factor from the first to the longest. The caller adds [`Env::jitter`](crate::env::Env::jitter), so that
/// the attempts of many do not fall on one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    factor: u32,
    first: Duration,
    longest: Duration,
}

impl Backoff {
    /// A `longest` shorter than `first` counts as `first`.
    #[must_use]
    pub const fn growing(factor: u32, first: Duration, longest: Duration) -> Backoff {
        Backoff { factor, first, longest: if longest.as_nanos() < first.as_nanos() { first } else { longest } }
    }

    #[must_use]
    pub const fn doubling(first: Duration, longest: Duration) -> Backoff {
        Backoff::growing(2, first, longest)
    }

    /// The pause after the failed attempt with this number, counted from 1.
    #[must_use]
    pub const fn delay(self, attempt: u32) -> Duration {
        let pause = self.first.saturating_mul(self.factor.saturating_pow(attempt.saturating_sub(1)));
        if pause.as_nanos() < self.longest.as_nanos() { pause } else { self.longest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_pause_doubles_from_the_first_to_the_longest() {
        let backoff = Backoff::doubling(Duration::from_secs(1), Duration::from_secs(60));
        assert_eq!([0, 1, 2, 3, 6, 7, 8, u32::MAX].map(|attempt| backoff.delay(attempt).as_secs()), [1, 1, 2, 4, 32, 60, 60, 60]);
        let upside_down = Backoff::doubling(Duration::from_secs(9), Duration::from_secs(1));
        assert_eq!(upside_down.delay(5), Duration::from_secs(9));
    }

    proptest! {
        #[test]
        fn pauses_grow_by_the_factor_within_their_bounds(attempt in 1_u32..10_000, factor in 1_u32..6, first in 1_u64..60, longest in 60_u64..7_200) {
            let (first, longest) = (Duration::from_secs(first), Duration::from_secs(longest));
            let backoff = Backoff::growing(factor, first, longest);
            let pause = backoff.delay(attempt);
            prop_assert!(first <= pause && pause <= longest);
            prop_assert_eq!(backoff.delay(attempt + 1), (pause * factor).min(longest));
        }
    }
}
