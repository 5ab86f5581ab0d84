//! The requests of one priority that wait for a slot.

use super::Slot;
use platform::http::Network;
use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};
use tokio::{sync::oneshot, time::Instant};

/// A queue in which the oldest request waits for longer than this does not get empty: the newest one goes first then, because
/// the client of an old one may not wait any more (adaptive LIFO; Maurer, "Fail at Scale", 2015).
const STANDING_AFTER: Duration = Duration::from_millis(200);

/// Clients take turns, so that one with many requests does not delay the others (fair queueing).
#[derive(Default)]
pub(super) struct Queue {
    /// The requests of each client in the order of their arrival; never empty.
    waiters: HashMap<Network, VecDeque<Waiter>>,
    /// The clients in the order of their turns.
    turns: VecDeque<Network>,
    len: usize,
}

pub(super) struct Waiter {
    /// Closed when the request is gone.
    pub turn: oneshot::Sender<Slot>,
    pub since: Instant,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether requests of this client wait.
    pub(super) fn has(&self, client: Network) -> bool {
        self.waiters.contains_key(&client)
    }

    pub(super) fn push(&mut self, client: Network, waiter: Waiter) {
        let waiters = self.waiters.entry(client).or_default();
        if waiters.is_empty() {
            self.turns.push_back(client);
        }
        waiters.push_back(waiter);
        self.len += 1;
    }

    /// Removes and returns the next request of a client that `admits` accepts.
    pub(super) fn next(&mut self, admits: impl Fn(Network) -> bool) -> Option<(Network, Waiter)> {
        for _ in 0..self.turns.len() {
            let client = *self.turns.front()?;
            self.forget_closed(client);
            if self.turns.front() != Some(&client) {
                continue;
            }
            self.turns.rotate_left(1);
            if !admits(client) {
                continue;
            }
            let waiters = self.waiters.get_mut(&client)?;
            let standing = waiters.front().is_some_and(|oldest| oldest.since.elapsed() > STANDING_AFTER);
            let waiter = if standing { waiters.pop_back() } else { waiters.pop_front() }?;
            self.len -= 1;
            self.forget_closed(client);
            return Some((client, waiter));
        }
        None
    }

    /// Removes the oldest requests of a client while they are gone. Those that gave up are the oldest, because all of a
    /// queue wait equally long; one whose client disconnected is removed when it is the oldest.
    pub(super) fn forget_closed(&mut self, client: Network) {
        let Some(waiters) = self.waiters.get_mut(&client) else { return };
        while waiters.front().is_some_and(|oldest| oldest.turn.is_closed()) {
            waiters.pop_front();
            self.len -= 1;
        }
        if waiters.is_empty() {
            self.waiters.remove(&client);
            self.turns.retain(|other| *other != client);
        }
    }
}
