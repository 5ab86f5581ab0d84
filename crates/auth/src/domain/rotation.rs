//! When signing keys come and go.
//!
//! A key is published [`PUBLISH_LEAD`] before it signs, so that a verifier that asked for the keys a moment ago has it in time,
//! and every replica changes over at the same instant. It is retired when its successor begins, and goes when the
//! last token that it signed has ended.

use contracts::time::Timestamp;
use std::time::Duration;

/// How long a key is published before it signs. Verifiers may hold the published keys half as long.
pub const PUBLISH_LEAD: Duration = Duration::from_secs(10 * 60);
/// How far the clocks of signer and verifiers may differ.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(60);

/// What the schedule knows of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub signs_from: Timestamp,
    /// The longest that a token signed with it can live.
    pub longest_token: Duration,
}

/// Which of `keys`, oldest first, signs at `now`: the newest whose time has come. The oldest when the clock says that none has.
#[must_use]
pub fn signer(keys: &[Period], now: Timestamp) -> usize {
    keys.iter().rposition(|key| key.signs_from <= now).unwrap_or(0)
}

/// From when on a new key shall sign, if one is to be made at `now`: the first at once, another one `rotation` after the
/// newest began.
#[must_use]
pub fn next(newest: Option<Period>, rotation: Duration, now: Timestamp) -> Option<Timestamp> {
    let Some(newest) = newest else { return Some(now) };
    let due = newest.signs_from.after(rotation);
    (due <= now.after(PUBLISH_LEAD)).then(|| due.max(now.after(PUBLISH_LEAD)))
}

/// Whether every token that `key` signed has ended at `now`, when `successor` took over from it.
#[must_use]
pub fn is_over(key: Period, successor: Period, now: Timestamp) -> bool {
    successor.signs_from.after(key.longest_token).after(MAX_CLOCK_SKEW) <= now
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: Timestamp = Timestamp(1_767_225_600_000_000);

    proptest! {
        /// Plays the worker on any clock that goes forward: there is always one signer, every key was published long
        /// enough before it signed, and none goes while a token of it may live.
        #[test]
        fn keys_follow_each_other_without_a_gap(rotation in 3_600_u64..100_000, token in 60_u64..86_400, pauses in prop::collection::vec(1_u64..50_000, 1..200)) {
            let (rotation, longest_token) = (Duration::from_secs(rotation), Duration::from_secs(token));
            let mut now = START;
            // Keys with the instant each was published.
            let mut keys: Vec<(Period, Timestamp)> = Vec::new();
            let mut signed_until: Vec<(Timestamp, Timestamp)> = Vec::new();
            for pause in std::iter::once(0).chain(pauses) {
                now = now.after(Duration::from_secs(pause));
                if let Some(signs_from) = next(keys.last().map(|key| key.0), rotation, now) {
                    keys.push((Period { signs_from, longest_token }, now));
                }
                while keys.len() > 1 && is_over(keys[0].0, keys[1].0, now) {
                    let gone = keys.remove(0).0;
                    prop_assert!(signed_until.iter().all(|(signs_from, ends)| *signs_from != gone.signs_from || *ends <= now));
                }
                let periods: Vec<Period> = keys.iter().map(|key| key.0).collect();
                let (signing, published) = keys[signer(&periods, now)];
                prop_assert!(signing.signs_from <= now);
                prop_assert!(published == START || signing.signs_from >= published.after(PUBLISH_LEAD));
                signed_until.push((signing.signs_from, now.after(longest_token)));
                prop_assert!(keys.windows(2).all(|pair| pair[0].0.signs_from < pair[1].0.signs_from));
            }
        }
    }
}
