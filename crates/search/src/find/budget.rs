//! Bounds what one search may cost: its time, its corrections of spelling, and the other searches that it tries.

use platform::env::Env;
use std::time::Duration;

/// The maximum number of passes over the dictionary for similar spellings. The last word may need two, so at least four words
/// that no product has are corrected.
const MOST_CORRECTIONS: u32 = 5;
/// How many of them are kept for words that no product has. The others are only probably misspelt.
const KEPT: u32 = 3;
/// The maximum number of passes for suggestions, after a search without hits.
const MOST_SUGGESTION_CORRECTIONS: u32 = 4;
/// The maximum number of other searches that are tried for suggestions.
const MOST_TRIES: u32 = 12;
/// Reading this many entries of posting lists costs as much as a usual search.
const POSTINGS_PER_UNIT: u64 = 100_000;

/// What a search may still do, and what it has cost.
pub struct Budget {
    is_late: Box<dyn Fn() -> bool>,
    corrections: u32,
    tries: u32,
    /// Corrections and tries so far.
    spent: u32,
    postings: u64,
    partial: bool,
}

impl Budget {
    /// Gives a search this much time from now.
    #[must_use]
    pub fn new(env: Env, time: Duration) -> Budget {
        let end = env.now().after(time);
        Budget::until(move || env.now() >= end)
    }

    /// Gives a search time until `is_late`.
    pub fn until(is_late: impl Fn() -> bool + 'static) -> Budget {
        let is_late = Box::new(is_late);
        Budget { is_late, corrections: MOST_CORRECTIONS, tries: MOST_TRIES, spent: 0, postings: 0, partial: false }
    }

    /// Whether the time is over. From then on the result is partial.
    pub fn is_over(&mut self) -> bool {
        self.partial |= (self.is_late)();
        self.partial
    }

    /// Whether the result lacks what was not reached in time.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.partial
    }

    /// Takes one correction. Returns whether there was one. Some are kept for words that no product has.
    pub fn take_correction(&mut self, is_known: bool) -> bool {
        (!is_known || self.corrections > KEPT) && Budget::take(&mut self.corrections, &mut self.spent)
    }

    /// Takes one try of another search. Returns whether there was one.
    pub fn take_try(&mut self) -> bool {
        Budget::take(&mut self.tries, &mut self.spent)
    }

    fn take(left: &mut u32, spent: &mut u32) -> bool {
        let had = *left > 0;
        *left -= u32::from(had);
        *spent += u32::from(had);
        had
    }

    /// Allows the corrections of suggestions.
    pub fn start_suggestions(&mut self) {
        self.corrections = MOST_SUGGESTION_CORRECTIONS;
    }

    /// Counts entries of posting lists that are read.
    pub fn count_postings(&mut self, entries: u64) {
        self.postings += entries;
    }

    /// Returns the cost so far in units of a usual search, at least 1.
    #[must_use]
    pub fn cost(&self) -> u32 {
        u32::try_from(self.postings / POSTINGS_PER_UNIT).unwrap_or(u32::MAX).saturating_add(self.spent).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::time::Timestamp;

    #[test]
    fn corrections_and_tries_run_out_and_are_counted() {
        let mut budget = Budget::until(|| false);
        assert_eq!((0..9).filter(|_| budget.take_correction(true)).count(), 2);
        assert_eq!((0..9).filter(|_| budget.take_correction(false)).count(), 3);
        assert_eq!((0..99).filter(|_| budget.take_try()).count(), 12);
        budget.start_suggestions();
        assert!(budget.take_correction(false));
        budget.count_postings(2 * POSTINGS_PER_UNIT);
        assert_eq!((budget.cost(), budget.is_over()), (1 + 5 + 12 + 1 + 2, false));
    }

    #[test]
    fn the_time_ends_once_and_for_all() {
        let env = Env::seeded(1, Timestamp::EPOCH);
        let mut budget = Budget::new(env.clone(), Duration::from_millis(5));
        env.advance(Duration::from_millis(4));
        assert!(!budget.is_over());
        env.advance(Duration::from_millis(1));
        assert!(budget.is_over() && budget.is_partial());
    }
}
