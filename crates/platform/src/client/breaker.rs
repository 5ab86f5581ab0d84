//! A circuit breaker in three states, so that a upstream that is down costs its callers nothing but an answer.

use crate::env::{Env, LockUnpoisoned as _};
use std::{sync::Mutex, time::Duration};
use tokio::time::Instant;

/// How many failures in a row open it.
const FAILURES: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

pub(super) struct Breaker {
    env: Env,
    state: Mutex<State>,
}

#[derive(Clone, Copy)]
enum State {
    /// Everyone passes; so many failures in a row.
    Closed(u32),
    /// Nobody passes until then; the pause doubles each time.
    Open(Instant, Duration),
    /// One is trying.
    HalfOpen(Duration),
}

/// Permit for one call. Dropped without an outcome, it counts as none: a caller that gave up knows nothing.
pub(super) struct Permit<'a> {
    breaker: &'a Breaker,
    probe: bool,
    told: bool,
}

impl Breaker {
    pub(super) fn new(env: Env) -> Breaker {
        Breaker { env, state: Mutex::new(State::Closed(0)) }
    }

    /// Permit to call, unless it is open.
    pub(super) fn enter(&self) -> Option<Permit<'_>> {
        let mut state = self.state.lock_unpoisoned();
        let probe = match *state {
            State::Closed(_) => false,
            State::Open(until, pause) if Instant::now() >= until => {
                *state = State::HalfOpen(pause);
                true
            }
            State::Open(..) | State::HalfOpen(_) => return None,
        };
        Some(Permit { breaker: self, probe, told: false })
    }
}

impl Permit<'_> {
    pub(super) fn tell(mut self, failed: bool) {
        self.told = true;
        let mut state = self.breaker.state.lock_unpoisoned();
        *state = match *state {
            State::HalfOpen(pause) if self.probe => match failed {
                true => self.breaker.open((pause * 2).min(LONGEST_PAUSE)),
                false => State::Closed(0),
            },
            State::Closed(failures) if failed && failures + 1 >= FAILURES => self.breaker.open(FIRST_PAUSE),
            State::Closed(failures) => State::Closed(if failed { failures + 1 } else { 0 }),
            // An answer to a call from before it opened.
            late => late,
        };
    }
}

impl Breaker {
    fn open(&self, pause: Duration) -> State {
        State::Open(Instant::now() + self.env.jitter(pause), pause)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.probe && !self.told {
            let mut state = self.breaker.state.lock_unpoisoned();
            if let State::HalfOpen(pause) = *state {
                // The next may try at once.
                *state = State::Open(Instant::now(), pause);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::time::Timestamp;

    fn breaker() -> Breaker {
        Breaker::new(Env::seeded(1, Timestamp::EPOCH))
    }

    fn fail(breaker: &Breaker, times: u32) {
        for _ in 0..times {
            breaker.enter().unwrap().tell(true);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_failures_in_a_row_and_lets_one_try() {
        let breaker = breaker();
        fail(&breaker, FAILURES - 1);
        breaker.enter().unwrap().tell(false);
        fail(&breaker, FAILURES);
        assert!(breaker.enter().is_none());
        tokio::time::advance(FIRST_PAUSE * 2).await;
        let probe = breaker.enter().unwrap();
        assert!(breaker.enter().is_none(), "only one tries");
        probe.tell(false);
        breaker.enter().unwrap().tell(false);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_try_doubles_the_pause_and_a_dropped_one_frees_the_place() {
        let breaker = breaker();
        fail(&breaker, FAILURES);
        tokio::time::advance(FIRST_PAUSE * 2).await;
        drop(breaker.enter().unwrap());
        breaker.enter().unwrap().tell(true);
        tokio::time::advance(FIRST_PAUSE).await;
        assert!(breaker.enter().is_none());
        tokio::time::advance(FIRST_PAUSE * 2).await;
        assert!(breaker.enter().is_some());
    }
}
