//! A circuit breaker in three states: callers of an upstream that is down are refused at once.

use crate::env::{Env, LockUnpoisoned as _};
use std::{sync::Mutex, time::Duration};
use tokio::time::Instant;

/// How many failures in a row open the breaker.
const FAILURES: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

pub(super) struct Breaker {
    env: Env,
    state: Mutex<State>,
}

#[derive(Clone, Copy)]
enum State {
    /// Calls are permitted. Holds the number of failures in a row.
    Closed(u32),
    /// No call is permitted until then; the pause doubles each time.
    Open(Instant, Duration),
    /// One call is permitted, as a probe.
    HalfOpen(Duration),
}

/// Permit for one call. One that is dropped without an outcome counts as no call.
pub(super) struct Permit<'a> {
    breaker: &'a Breaker,
    probe: bool,
    recorded: bool,
}

impl Breaker {
    pub(super) fn new(env: Env) -> Breaker {
        Breaker { env, state: Mutex::new(State::Closed(0)) }
    }

    /// A permit, unless the breaker is open.
    pub(super) fn try_acquire(&self) -> Option<Permit<'_>> {
        let mut state = self.state.lock_unpoisoned();
        let probe = match *state {
            State::Closed(_) => false,
            State::Open(until, pause) if Instant::now() >= until => {
                *state = State::HalfOpen(pause);
                true
            }
            State::Open(..) | State::HalfOpen(_) => return None,
        };
        Some(Permit { breaker: self, probe, recorded: false })
    }

    /// Permits calls again: a probe beside the calls says that the upstream is back.
    pub(super) fn close(&self) {
        *self.state.lock_unpoisoned() = State::Closed(0);
    }

    fn open(&self, pause: Duration) -> State {
        State::Open(Instant::now() + self.env.jitter(pause), pause)
    }
}

impl Permit<'_> {
    pub(super) fn record(mut self, failed: bool) {
        self.recorded = true;
        let mut state = self.breaker.state.lock_unpoisoned();
        *state = match *state {
            State::HalfOpen(pause) if self.probe => match failed {
                true => self.breaker.open((pause * 2).min(LONGEST_PAUSE)),
                false => State::Closed(0),
            },
            State::Closed(failures) if failed && failures + 1 >= FAILURES => self.breaker.open(FIRST_PAUSE),
            State::Closed(failures) => State::Closed(if failed { failures + 1 } else { 0 }),
            // The call began before the breaker opened.
            other => other,
        };
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.probe && !self.recorded {
            let mut state = self.breaker.state.lock_unpoisoned();
            if let State::HalfOpen(pause) = *state {
                // The next call may be the probe at once.
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
            breaker.try_acquire().unwrap().record(true);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_failures_in_a_row_and_permits_one_probe() {
        let breaker = breaker();
        fail(&breaker, FAILURES - 1);
        breaker.try_acquire().unwrap().record(false);
        fail(&breaker, FAILURES);
        assert!(breaker.try_acquire().is_none());
        tokio::time::advance(FIRST_PAUSE * 2).await;
        let probe = breaker.try_acquire().unwrap();
        assert!(breaker.try_acquire().is_none(), "there is one probe");
        probe.record(false);
        breaker.try_acquire().unwrap().record(false);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_closed_permits_calls_at_once() {
        let breaker = breaker();
        let before = breaker.try_acquire().unwrap();
        fail(&breaker, FAILURES);
        assert!(breaker.try_acquire().is_none());
        breaker.close();
        before.record(true);
        fail(&breaker, FAILURES - 1);
        assert!(breaker.try_acquire().is_none(), "its failures are counted from there");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_probe_doubles_the_pause_and_a_dropped_one_permits_another() {
        let breaker = breaker();
        fail(&breaker, FAILURES);
        tokio::time::advance(FIRST_PAUSE * 2).await;
        drop(breaker.try_acquire().unwrap());
        breaker.try_acquire().unwrap().record(true);
        tokio::time::advance(FIRST_PAUSE).await;
        assert!(breaker.try_acquire().is_none());
        tokio::time::advance(FIRST_PAUSE * 2).await;
        assert!(breaker.try_acquire().is_some());
    }
}
