//! The lockout: failed attempts slow down an attacker without locking the owner out.
//!
//! Failures are counted for each network that tries an account, and for the account as a whole.
//!
//! **A network** with failures is slowed down and then locked out of the account for minutes. The first four failures
//! cost nothing, because people mistype. From the fifth on the next attempt must wait 1, 2, 4 … 16 seconds; the tenth
//! in a row, and every fifth after it, locks for minutes. Other networks are not affected.
//!
//! **An account** with many failures from any number of networks is under attack, because an attacker may have
//! thousands of networks. From then on a network that is new to the account must wait as long as a lock before its
//! first attempt is checked, and each failure of a network doubles its wait, up to an hour. No wait depends on what
//! other networks do. So **with the right password the owner gets in at once from a network without failures, and
//! within the duration of one lock while the account is under attack.**
//!
//! An attempt before the end of a wait is not checked and changes nothing, so no attempt prolongs a wait, and the
//! longest wait is known. A success deletes the counters of its network and of the account, and so does a day without
//! failures. Existing logins are not affected; a reset by mail ends every wait.

use contracts::time::Timestamp;
use std::time::Duration;

/// Failures that cost nothing.
const FREE_ATTEMPTS: u32 = 4;
const MAX_DELAY: Duration = Duration::from_secs(16);
/// The number of failures from one lock to the next.
const LOCK_EVERY: u32 = 5;
/// The longest wait of a network with failures at an account under attack, unless a lock is longer.
const MAX_ATTACK_DELAY: Duration = Duration::from_secs(3600);
/// The time without a failure after which a counter starts again.
pub const FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 3600);

/// The configured part of the policy.
#[derive(Debug, Clone, Copy)]
pub struct Lockout {
    /// Failures of a network in a row before its first lock.
    pub lock_after: u32,
    /// The duration of a lock.
    pub lock: Duration,
    /// Failures in a row, from all networks, that count as an attack.
    pub attack_after: u32,
}

/// The failures in a row at an account, or at an address without one: of all networks, or of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptCounter {
    pub count: u32,
    pub last_at: Timestamp,
    /// Until when the attempts of the network are not checked. Not used for the account as a whole.
    pub blocked_until: Timestamp,
    /// Until when a network is locked out; for an account, the latest of its networks. `None` for a short wait.
    pub locked_until: Option<Timestamp>,
}

/// The decision on an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It came before the end of a wait: nothing changes, whether the password is right or wrong.
    Blocked { until: Timestamp },
    /// It is the first of its network at an account under attack: it is not checked, and this wait is stored.
    Delayed(AttemptCounter),
    /// The password is right, and the counters are deleted.
    Accepted,
    /// The password is wrong; this counter is stored for its network.
    Failed(AttemptCounter),
}

impl Lockout {
    /// Decides on an attempt at `now`, after the `known` failures of its network.
    #[must_use]
    pub fn decide(&self, known: Option<AttemptCounter>, under_attack: bool, right: bool, now: Timestamp) -> Decision {
        match known.filter(|counter| is_remembered(counter, now)) {
            Some(counter) if self.blocks(&counter, now) => Decision::Blocked { until: counter.blocked_until },
            None if under_attack => {
                Decision::Delayed(AttemptCounter { count: 0, last_at: now, blocked_until: now.after(self.lock), locked_until: None })
            }
            _ if right => Decision::Accepted,
            known => Decision::Failed(self.after_failure(known.map_or(0, |counter| counter.count), under_attack, now)),
        }
    }

    /// Returns whether an account has so many failures that every new network must wait.
    #[must_use]
    pub fn is_under_attack(&self, account: Option<AttemptCounter>, now: Timestamp) -> bool {
        account.is_some_and(|counter| is_remembered(&counter, now) && counter.count >= self.attack_after)
    }

    /// Returns whether attempts are not checked now. A wait longer than the policy allows comes from a clock that was
    /// set back, and is ignored.
    fn blocks(&self, counter: &AttemptCounter, now: Timestamp) -> bool {
        let rest = counter.blocked_until.since(now);
        !rest.is_zero() && rest <= self.max_wait()
    }

    fn after_failure(&self, before: u32, under_attack: bool, now: Timestamp) -> AttemptCounter {
        let count = before.saturating_add(1);
        let locks = count >= self.lock_after && (count - self.lock_after).is_multiple_of(LOCK_EVERY);
        let wait = match (under_attack, locks) {
            (true, _) => self.attack_delay(count),
            (false, true) => self.lock,
            (false, false) => delay(count),
        };
        let blocked_until = now.after(wait);
        AttemptCounter { count, last_at: now, blocked_until, locked_until: locks.then_some(blocked_until) }
    }

    fn attack_delay(&self, count: u32) -> Duration {
        self.lock.saturating_mul(1 << count.saturating_sub(1).min(16)).min(self.max_wait())
    }

    /// Returns the longest possible wait.
    #[must_use]
    pub fn max_wait(&self) -> Duration {
        self.lock.max(MAX_ATTACK_DELAY)
    }
}

/// Returns the counter of an account after one more failure, where `latest` is the counter of its network.
#[must_use]
pub fn count_failure(account: Option<AttemptCounter>, latest: &AttemptCounter) -> AttemptCounter {
    let now = latest.last_at;
    let known = account.filter(|counter| is_remembered(counter, now));
    let count = known.map_or(0, |counter| counter.count).saturating_add(1);
    let current = account.and_then(|counter| counter.locked_until).filter(|until| *until > now);
    AttemptCounter { count, last_at: now, blocked_until: now, locked_until: current.max(latest.locked_until) }
}

fn is_remembered(counter: &AttemptCounter, now: Timestamp) -> bool {
    now.since(counter.last_at) < FORGOTTEN_AFTER
}

fn delay(count: u32) -> Duration {
    match count.checked_sub(FREE_ATTEMPTS + 1) {
        None => Duration::ZERO,
        Some(over) => Duration::from_secs(1 << over.min(31)).min(MAX_DELAY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const POLICY: Lockout = Lockout { lock_after: 10, lock: Duration::from_secs(300), attack_after: 100 };
    const START: Timestamp = Timestamp(1_767_225_600_000_000);

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    /// Returns the waits of a network that tries again at the end of each wait.
    fn waits(under_attack: bool, attempts: usize) -> Vec<u64> {
        let (mut known, mut now, mut waits) = (None, START, Vec::new());
        for _ in 0..attempts {
            let counter = match POLICY.decide(known, under_attack, false, now) {
                Decision::Failed(counter) | Decision::Delayed(counter) => counter,
                other => panic!("an attempt in time is checked or delayed: {other:?}"),
            };
            waits.push(counter.blocked_until.since(now).as_secs());
            now = counter.blocked_until;
            known = Some(counter);
        }
        waits
    }

    #[test]
    fn the_waits_grow_and_then_a_lock_of_minutes_comes() {
        assert_eq!(waits(false, 16), [0, 0, 0, 0, 1, 2, 4, 8, 16, 300, 16, 16, 16, 16, 300, 16]);
    }

    #[test]
    fn a_new_network_waits_before_the_first_attempt_during_an_attack_and_longer_after_each() {
        assert_eq!(waits(true, 8), [300, 300, 600, 1200, 2400, 3600, 3600, 3600]);
    }

    #[test]
    fn a_lock_has_an_end_and_a_short_wait_has_none() {
        let locked = |before| POLICY.after_failure(before, false, START).locked_until;
        assert_eq!((locked(8), locked(9), locked(10)), (None, Some(START.after(POLICY.lock)), None));
    }

    #[test]
    fn an_attack_ends_after_a_day_without_failures() {
        let counter = |count| Some(AttemptCounter { count, last_at: START, blocked_until: START, locked_until: None });
        assert!(POLICY.is_under_attack(counter(100), START.after(FORGOTTEN_AFTER - Duration::from_micros(1))));
        assert!(!POLICY.is_under_attack(counter(100), START.after(FORGOTTEN_AFTER)));
        assert!(!POLICY.is_under_attack(counter(99), START));
        assert!(!POLICY.is_under_attack(None, START));
    }

    #[test]
    fn the_longest_wait_blocks_and_a_longer_one_is_ignored() {
        let slow = Lockout { lock: seconds(7200), ..POLICY };
        for (policy, longest) in [(POLICY, seconds(3600)), (slow, seconds(7200))] {
            let decide = |wait| {
                let counter = AttemptCounter { count: 10, last_at: START, blocked_until: START.after(wait), locked_until: None };
                policy.decide(Some(counter), false, true, START)
            };
            assert_eq!(decide(longest), Decision::Blocked { until: START.after(longest) });
            assert_eq!(decide(longest + Duration::from_micros(1)), Decision::Accepted);
        }
    }

    #[test]
    fn a_clock_that_was_set_back_locks_nobody_out() {
        let counter = AttemptCounter { count: 10, last_at: START, blocked_until: START.after(seconds(300)), locked_until: None };
        let hours_before = START.before(seconds(7200));
        assert_eq!(POLICY.decide(Some(counter), false, true, hours_before), Decision::Accepted);
        assert!(matches!(POLICY.decide(Some(counter), false, true, START), Decision::Blocked { .. }));
    }

    /// The counters of one account as the database stores them.
    #[derive(Default)]
    struct AccountState {
        networks: BTreeMap<u32, AttemptCounter>,
        account: Option<AttemptCounter>,
    }

    impl AccountState {
        fn attempt(&mut self, policy: &Lockout, network: u32, right: bool, now: Timestamp) -> Decision {
            let under_attack = policy.is_under_attack(self.account, now);
            let decision = policy.decide(self.networks.get(&network).copied(), under_attack, right, now);
            match decision {
                Decision::Blocked { .. } => {}
                Decision::Delayed(counter) => drop(self.networks.insert(network, counter)),
                Decision::Accepted => {
                    self.networks.remove(&network);
                    self.account = None;
                }
                Decision::Failed(counter) => {
                    self.account = Some(count_failure(self.account, &counter));
                    self.networks.insert(network, counter);
                }
            }
            decision
        }
    }

    fn pause() -> impl Strategy<Value = u64> {
        prop_oneof![6 => Just(0_u64), 4 => 0_u64..3, 3 => 0_u64..20, 2 => 0_u64..400, 1 => 0_u64..200_000]
    }

    const OWNER: u32 = 0;

    proptest! {
        /// Attackers try from any number of networks, in any rhythm, before the owner logs in and while the owner
        /// waits.
        #[test]
        fn the_owner_gets_in_within_one_lock_whatever_others_do(
            before in prop::collection::vec((pause(), 1_u32..300), 0..600),
            meanwhile in prop::collection::vec((0_u64..20, 1_u32..300), 0..200),
            lock in 60_u64..3600,
            attack_after in 10_u32..200,
        ) {
            let policy = Lockout { lock: seconds(lock), attack_after, ..POLICY };
            let (mut state, mut now) = (AccountState::default(), START);
            for (pause, network) in before {
                now = now.after(seconds(pause));
                state.attempt(&policy, network, false, now);
            }
            let came = now;
            let under_attack = policy.is_under_attack(state.account, now);
            match state.attempt(&policy, OWNER, true, now) {
                Decision::Accepted => prop_assert!(!under_attack),
                Decision::Delayed(wait) => {
                    prop_assert!(under_attack);
                    for (pause, network) in meanwhile {
                        let next = now.after(seconds(pause));
                        if next >= wait.blocked_until {
                            break;
                        }
                        now = next;
                        state.attempt(&policy, network, false, now);
                        // An early attempt prolongs nothing.
                        let until = wait.blocked_until;
                        prop_assert_eq!(state.attempt(&policy, OWNER, true, now), Decision::Blocked { until });
                    }
                    prop_assert!(wait.blocked_until <= came.after(policy.lock));
                    prop_assert_eq!(state.attempt(&policy, OWNER, true, wait.blocked_until), Decision::Accepted);
                }
                other => prop_assert!(false, "the owner's network did nothing wrong: {:?}", other),
            }
        }

        /// Attempts of one network, sometimes with the right password.
        #[test]
        fn the_policy_holds_whatever_a_network_does(
            attempts in prop::collection::vec((pause(), prop::bool::weighted(0.05)), 0..300),
            lock_after in 5_u32..30,
            lock in 60_u64..3600,
        ) {
            let policy = Lockout { lock_after, lock: seconds(lock), ..POLICY };
            let (mut state, mut now) = (AccountState::default(), START);
            let mut wrong_checked: Vec<Timestamp> = Vec::new();
            for (pause, right) in attempts {
                now = now.after(seconds(pause));
                let before = state.networks.get(&1).copied();
                match state.attempt(&policy, 1, right, now) {
                    Decision::Blocked { until } => {
                        prop_assert!(until > now && until.since(now) <= policy.max_wait());
                        prop_assert_eq!(before.map(|counter| counter.blocked_until), Some(until));
                    }
                    Decision::Delayed(_) => prop_assert!(policy.is_under_attack(state.account, now)),
                    Decision::Accepted => {
                        prop_assert!(right);
                        wrong_checked.clear();
                    }
                    Decision::Failed(counter) => {
                        prop_assert!(!right);
                        prop_assert!(counter.count >= 1 && counter.last_at == now);
                        prop_assert!(before.is_none_or(|before| counter.count == before.count + 1 || now.since(before.last_at) >= FORGOTTEN_AFTER));
                        prop_assert!(counter.locked_until.is_none_or(|until| until >= now.after(policy.lock)));
                        wrong_checked.push(now);
                    }
                }
            }
            // Within a day in a row a network gets no more than the attempts before the first lock and five for each
            // lock.
            if let Some(first) = wrong_checked.first() {
                let within_a_day = wrong_checked.iter().filter(|at| at.since(*first) < FORGOTTEN_AFTER).count() as u64;
                prop_assert!(within_a_day <= u64::from(lock_after) + u64::from(LOCK_EVERY) * (86_400 / lock + 1));
            }
        }

        #[test]
        fn an_attempt_is_checked_as_soon_as_the_wait_of_its_network_is_over(count in 1_u32..10_000, under_attack: bool, pause in 0_u64..86_399) {
            let counter = POLICY.after_failure(count - 1, under_attack, START);
            let at = START.after(seconds(pause)).max(counter.blocked_until);
            prop_assert_eq!(POLICY.decide(Some(counter), under_attack, true, at), Decision::Accepted);
        }

        /// Each network gets at most some two dozen checked attempts a day.
        #[test]
        fn an_account_under_attack_gets_few_attempts_per_network(network in 1_u32..10_000) {
            let account = Some(AttemptCounter { count: 100, last_at: START, blocked_until: START, locked_until: None });
            let (mut state, mut now, mut checked) = (AccountState { account, ..AccountState::default() }, START, 0);
            while now.since(START) < FORGOTTEN_AFTER {
                checked += u32::from(matches!(state.attempt(&POLICY, network, false, now), Decision::Failed(_)));
                now = now.after(seconds(60));
            }
            prop_assert!(checked <= 28, "{}", checked);
        }
    }

    #[test]
    fn an_account_counts_every_network_and_is_locked_as_long_as_one_is() {
        let failure = |at: u64, lock: Option<u64>| AttemptCounter {
            count: 1,
            last_at: START.after(seconds(at)),
            blocked_until: START,
            locked_until: lock.map(|until| START.after(seconds(until))),
        };
        let one = count_failure(None, &failure(0, Some(300)));
        let two = count_failure(Some(one), &failure(10, None));
        assert_eq!((two.count, two.locked_until), (2, Some(START.after(seconds(300)))));
        let three = count_failure(Some(two), &failure(20, Some(320)));
        assert_eq!((three.count, three.locked_until), (3, Some(START.after(seconds(320)))));
        assert_eq!(count_failure(Some(three), &failure(400, None)).locked_until, None);
        assert_eq!(count_failure(Some(three), &failure(90_000, None)).count, 1);
        assert_eq!(count_failure(Some(one), &failure(299, None)).locked_until, Some(START.after(seconds(300))));
        assert_eq!(count_failure(Some(one), &failure(300, None)).locked_until, None, "a lock is over at its end");
    }
}
