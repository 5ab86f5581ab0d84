//! The rotation of signing keys.
//!
//! A key is published [`PUBLISH_LEAD`] before it signs, so that every verifier has it in time and every replica
//! switches at the same instant. It stops signing when its successor starts, and is deleted when the last token that it
//! signed has expired.

use contracts::time::Timestamp;
use std::time::Duration;

/// How long a key is published before it signs. Verifiers may cache the published keys for half of this time.
pub const PUBLISH_LEAD: Duration = Duration::from_secs(10 * 60);
/// The largest difference between the clocks of signers and verifiers.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(60);

/// The part of a key that matters to the rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub signs_from: Timestamp,
    /// The longest lifetime of a token signed with it.
    pub longest_token: Duration,
}

/// Returns the index of the key that signs at `now`, of `keys` from the oldest: the newest whose time has come, or the
/// oldest when there is none.
#[must_use]
pub fn signer(keys: &[Period], now: Timestamp) -> usize {
    keys.iter().rposition(|key| key.signs_from <= now).unwrap_or(0)
}

/// Returns when a new key starts to sign if one must be created at `now`: the first at once, later ones `rotation`
/// after the newest started.
#[must_use]
pub fn next(newest: Option<Period>, rotation: Duration, now: Timestamp) -> Option<Timestamp> {
    let Some(newest) = newest else { return Some(now) };
    // A key is created when it can still be published in time, so a late one starts later than `rotation`.
    let earliest = now.after(PUBLISH_LEAD);
    (newest.signs_from.after(rotation) <= earliest).then_some(earliest)
}

/// Returns whether every token that `key` signed has expired at `now`. `successor` took over from it.
#[must_use]
pub fn is_over(key: Period, successor: Period, now: Timestamp) -> bool {
    successor.signs_from.after(key.longest_token).after(MAX_CLOCK_SKEW) <= now
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: Timestamp = Timestamp(1_767_225_600_000_000);

    fn key(signs_from: u64, token: u64) -> Period {
        Period { signs_from: START.after(Duration::from_secs(signs_from)), longest_token: Duration::from_secs(token) }
    }

    #[test]
    fn the_newest_key_whose_time_has_come_signs() {
        let keys = [key(0, 60), key(100, 60), key(200, 60)];
        for (now, expected) in [(0, 0), (99, 0), (100, 1), (199, 1), (200, 2)] {
            assert_eq!(signer(&keys, START.after(Duration::from_secs(now))), expected, "{now}");
        }
        assert_eq!(signer(&keys[1..], START), 0, "the oldest while none has started");
    }

    #[test]
    fn a_key_is_created_as_soon_as_its_publication_must_begin() {
        let (newest, rotation) = (Some(key(0, 60)), Duration::from_secs(3600));
        let due = START.after(rotation);
        let publish = due.before(PUBLISH_LEAD);
        assert_eq!(next(None, rotation, START), Some(START));
        assert_eq!(next(newest, rotation, publish.before(Duration::from_micros(1))), None);
        assert_eq!(next(newest, rotation, publish), Some(due));
        assert_eq!(next(newest, rotation, due), Some(due.after(PUBLISH_LEAD)), "a late one is published in time too");
    }

    #[test]
    fn a_key_is_over_when_its_last_token_has_expired_on_every_clock() {
        let (former, successor) = (key(0, 60), key(1_000, 90));
        let end = successor.signs_from.after(former.longest_token).after(MAX_CLOCK_SKEW);
        assert!(!is_over(former, successor, end.before(Duration::from_micros(1))));
        assert!(is_over(former, successor, end));
    }

    proptest! {
        /// Runs the worker with any clock that moves forward: there is always one signer, every key was published long
        /// enough before it signed, and no key is deleted while a token of it may be valid.
        #[test]
        fn keys_follow_each_other_without_a_gap(rotation in 3_600_u64..100_000, token in 60_u64..86_400, pauses in prop::collection::vec(1_u64..50_000, 1..200)) {
            let (rotation, longest_token) = (Duration::from_secs(rotation), Duration::from_secs(token));
            let mut now = START;
            // Keys with the time of their publication.
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
