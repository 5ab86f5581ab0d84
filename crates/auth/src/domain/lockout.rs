//! How wrong passwords slow down whoever guesses, without locking the owner out for long.
//!
//! The first failures cost nothing: people mistype. From the fifth on the next guess has to wait, 1, 2, 4 … 16 seconds; the
//! tenth in a row, and every fifth after it, locks for minutes. A guess made too early is not looked at and changes
//! nothing, so nobody can prolong a wait, and the longest wait is known. A success forgets everything, and so does a day
//! without failures. Logins that exist go on; a reset by mail ends a lock at once.

use contracts::time::Timestamp;
use std::time::Duration;

/// Failures before the next guess has to wait.
const FREE: u32 = 4;
const LONGEST_DELAY: Duration = Duration::from_secs(16);
/// After the first lock, every so many failures lock again.
const LOCK_EVERY: u32 = 5;
/// After this time without a failure the count begins anew.
pub const FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 3600);

/// The part of the policy that is configured.
#[derive(Debug, Clone, Copy)]
pub struct Lockout {
    /// Failures in a row before the first lock.
    pub lock_after: u32,
    /// How long a lock lasts.
    pub lock: Duration,
}

/// The failures in a row that are known of one account, or of one address without an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    pub count: u32,
    pub last_at: Timestamp,
    /// Until when guesses are not looked at.
    pub blocked_until: Timestamp,
    /// The same instant when this is a lock, and nothing when it is a short delay.
    pub locked_until: Option<Timestamp>,
}

/// What becomes of a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It came too early: right or wrong, nothing changes.
    Blocked { until: Timestamp },
    /// It was right, and the failures before it are forgotten.
    Admitted,
    /// It was wrong; this is to be remembered.
    Failed(Failures),
}

impl Lockout {
    /// Decides on a guess at `now`, after `known` failures.
    #[must_use]
    pub fn decide(&self, known: Option<Failures>, right: bool, now: Timestamp) -> Decision {
        let known = known.filter(|failures| now.since(failures.last_at) < FORGOTTEN_AFTER);
        match known {
            Some(failures) if self.blocks(&failures, now) => Decision::Blocked { until: failures.blocked_until },
            _ if right => Decision::Admitted,
            known => Decision::Failed(self.after_failure(known.map_or(0, |failures| failures.count), now)),
        }
    }

    /// Whether guesses are not looked at for now. A wait longer than the policy knows is a clock that was set back.
    fn blocks(&self, failures: &Failures, now: Timestamp) -> bool {
        let rest = failures.blocked_until.since(now);
        !rest.is_zero() && rest <= self.longest_wait()
    }

    fn after_failure(&self, before: u32, now: Timestamp) -> Failures {
        let count = before.saturating_add(1);
        let locks = count >= self.lock_after && (count - self.lock_after).is_multiple_of(LOCK_EVERY);
        let blocked_until = now.after(if locks { self.lock } else { delay(count) });
        Failures { count, last_at: now, blocked_until, locked_until: locks.then_some(blocked_until) }
    }

    /// No wait is longer than this.
    #[must_use]
    pub fn longest_wait(&self) -> Duration {
        self.lock.max(LONGEST_DELAY)
    }
}

fn delay(count: u32) -> Duration {
    match count.checked_sub(FREE + 1) {
        None => Duration::ZERO,
        Some(over) => Duration::from_secs(1 << over.min(31)).min(LONGEST_DELAY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POLICY: Lockout = Lockout { lock_after: 10, lock: Duration::from_secs(300) };
    const START: Timestamp = Timestamp(1_767_225_600_000_000);

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn the_waits_grow_and_then_a_lock_of_minutes_comes() {
        let (mut known, mut now, mut waits) = (None, START, Vec::new());
        for _ in 0..16 {
            let Decision::Failed(failures) = POLICY.decide(known, false, now) else { panic!("a guess in time is looked at") };
            waits.push(failures.blocked_until.since(now).as_secs());
            assert_eq!(failures.locked_until.is_some(), waits.last() == Some(&300));
            now = failures.blocked_until;
            known = Some(failures);
        }
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 300, 16, 16, 16, 16, 300, 16]);
    }

    #[test]
    fn a_clock_that_was_set_back_locks_nobody_out() {
        let failures = Failures { count: 10, last_at: START, blocked_until: START.after(seconds(300)), locked_until: None };
        let hours_before = START.before(seconds(7200));
        assert_eq!(POLICY.decide(Some(failures), true, hours_before), Decision::Admitted);
        assert!(matches!(POLICY.decide(Some(failures), true, START), Decision::Blocked { .. }));
    }

    /// Guesses as an attacker may make them: pauses in seconds, and now and then the owner with the right password.
    fn guesses() -> impl Strategy<Value = Vec<(u64, bool)>> {
        prop::collection::vec(
            (prop_oneof![4 => 0_u64..3, 3 => 0_u64..20, 2 => 0_u64..400, 1 => 0_u64..200_000], prop::bool::weighted(0.05)),
            0..300,
        )
    }

    proptest! {
        #[test]
        fn whatever_happens_the_policy_holds(guesses in guesses(), lock_after in 5_u32..30, lock in 60_u64..3600) {
            let policy = Lockout { lock_after, lock: seconds(lock) };
            let (mut known, mut now) = (None::<Failures>, START);
            let mut wrong_looked_at: Vec<Timestamp> = Vec::new();
            for (pause, right) in guesses {
                now = now.after(seconds(pause));
                let before = known;
                match policy.decide(known, right, now) {
                    Decision::Blocked { until } => {
                        // Bounded, and not prolonged by trying: `known` stays as it is.
                        prop_assert!(until > now && until.since(now) <= policy.longest_wait());
                        prop_assert_eq!(before.map(|failures| failures.blocked_until), Some(until));
                    }
                    Decision::Admitted => {
                        prop_assert!(right);
                        known = None;
                        wrong_looked_at.clear();
                    }
                    Decision::Failed(failures) => {
                        prop_assert!(!right);
                        prop_assert!(failures.count >= 1 && failures.last_at == now);
                        prop_assert!(before.is_none_or(|before| failures.count == before.count + 1 || now.since(before.last_at) >= FORGOTTEN_AFTER));
                        prop_assert!(failures.locked_until.is_none_or(|until| until == now.after(policy.lock)));
                        known = Some(failures);
                        wrong_looked_at.push(now);
                    }
                }
            }
            // An attacker gets no more than the free ones and five for each lock within a day in a row.
            if let Some(first) = wrong_looked_at.first() {
                let within_a_day = wrong_looked_at.iter().filter(|at| at.since(*first) < FORGOTTEN_AFTER).count() as u64;
                prop_assert!(within_a_day <= u64::from(lock_after) + u64::from(LOCK_EVERY) * (86_400 / lock + 1));
            }
        }

        #[test]
        fn the_owner_gets_in_as_soon_as_the_wait_is_over(count in 1_u32..10_000, pause in 0_u64..86_399) {
            let failures = POLICY.after_failure(count - 1, START);
            let at = START.after(seconds(pause)).max(failures.blocked_until);
            prop_assert_eq!(POLICY.decide(Some(failures), true, at), Decision::Admitted);
        }
    }
}
