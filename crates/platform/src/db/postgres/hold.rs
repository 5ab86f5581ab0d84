//! Holds one piece of work between two statements, for tests of what others do meanwhile.

use crate::env::LockUnpoisoned as _;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// Where a piece of work is held. A database without it runs through.
#[derive(Debug, Default)]
pub struct Hold {
    wanted: Mutex<Wanted>,
    state: watch::Sender<State>,
}

#[derive(Debug, Default)]
struct Wanted {
    /// The work, by its correlation id.
    work: Option<String>,
    /// How many statements it begins before it is held.
    statements: usize,
    /// A part of the statements that lock no rows, as if a service did not ask for it.
    unlocked: Option<&'static str>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It was not held yet.
    #[default]
    Ahead,
    Held,
    Released,
}

impl Hold {
    /// Holds the units of the work with this correlation id before its statement with this number, counted from 0. The commit is a
    /// statement.
    pub fn set(&self, work: &str, statements: usize) {
        let mut wanted = self.wanted.lock_unpoisoned();
        (wanted.work, wanted.statements) = (Some(work.to_owned()), statements);
        self.state.send_replace(State::Ahead);
    }

    /// Has statements that contain this text lock nothing.
    pub fn lock_nothing(&self, text: &'static str) {
        self.wanted.lock_unpoisoned().unlocked = Some(text);
    }

    /// Waits until the work is held.
    pub async fn held(&self) {
        // The sender is this value.
        let _ = self.state.subscribe().wait_for(|state| *state == State::Held).await;
    }

    /// Lets the work go on.
    pub fn release(&self) {
        self.state.send_replace(State::Released);
    }

    pub(super) fn locks(&self, sql: &str) -> bool {
        self.wanted.lock_unpoisoned().unlocked.is_none_or(|text| !sql.contains(text))
    }

    /// Holds the work, unless it was held before.
    fn begin(&self) -> bool {
        let is_first = *self.state.borrow() == State::Ahead;
        if is_first {
            self.state.send_replace(State::Held);
        }
        is_first
    }

    /// Called before each statement of the work `correlation_id`.
    pub(super) async fn pass(&self, correlation_id: &Arc<str>) {
        let is_held = {
            let mut wanted = self.wanted.lock_unpoisoned();
            let of_worker = |work: &str| correlation_id.strip_prefix(work).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
            let is_wanted = wanted.work.as_deref().is_some_and(of_worker);
            if is_wanted && wanted.statements > 0 {
                wanted.statements -= 1;
                false
            } else {
                is_wanted && self.begin()
            }
        };
        if is_held {
            let _ = self.state.subscribe().wait_for(|state| *state == State::Released).await;
        }
    }
}
