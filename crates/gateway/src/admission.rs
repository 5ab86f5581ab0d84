//! Admits requests to the services. A request whose body is complete takes a slot, or waits for one in the queue of its
//! priority for a short time and is then refused with 503. Under overload the higher priority goes first, and each client
//! address gets its turn: clients of one priority take turns, and none holds more slots than are free.

mod queue;

use crate::{concurrency::Concurrency, priority::Priority};
use contracts::problem::Code;
use platform::{
    env::LockUnpoisoned as _,
    http::{Network, Problem, Share, Shares, may_take},
};
use queue::{Queue, Waiter};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock},
};
use tokio::{sync::oneshot, time::Instant};

/// The slots for concurrent requests and the queues before them. Clones share them.
#[derive(Clone)]
pub(crate) struct Admission(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    places: Shares,
    gauges: OnceLock<Gauges>,
}

struct Gauges {
    in_flight: metrics::Gauge,
    waiting: metrics::Gauge,
    concurrency: metrics::Gauge,
    queued: [metrics::Gauge; Priority::COUNT],
}

struct State {
    all: Slots,
    /// The slots of [`Priority::WaitingOrder`] are counted here as well. There are fewer of these, so that clients who wait for
    /// their orders never block the requests that complete them.
    waiting: Slots,
    /// The slots of [`Priority::Change`], counted as well.
    changes: Slots,
    concurrency: Concurrency,
    queues: [Queue; Priority::COUNT],
}

struct Slots {
    total: usize,
    per_client: usize,
    taken: usize,
    by_client: HashMap<Network, usize>,
}

/// One slot. It is released on drop, also when the caller disconnects.
pub(crate) struct Slot {
    /// `None` once the slot was given back.
    admission: Option<Admission>,
    priority: Priority,
    client: Network,
}

/// A request in a queue. It leaves the queue on drop.
struct Queued<'a> {
    admission: &'a Admission,
    priority: Priority,
    client: Network,
    /// `Some` until it is dropped.
    turn: Option<oneshot::Receiver<Slot>>,
    _place: Share,
}

impl Admission {
    /// `most` slots, `per_client` of them for one client at most, and places for `queued` requests that wait.
    pub(crate) fn new(most: usize, per_client: usize, queued: usize) -> Admission {
        let slots = |total, per_client| Slots { total, per_client, taken: 0, by_client: HashMap::new() };
        let waiting = (most - most / 4).min(most.saturating_sub(1));
        let state = State {
            all: slots(most, per_client),
            waiting: slots(waiting, waiting),
            changes: slots(most, most),
            concurrency: Concurrency::new(most, Instant::now()),
            queues: std::array::from_fn(|_| Queue::default()),
        };
        Admission(Arc::new(Inner { state: Mutex::new(state), places: Shares::new(queued, Some(queued)), gauges: OnceLock::new() }))
    }

    /// Takes a slot for one request, after its turn has come.
    ///
    /// # Errors
    /// 503 `OVERLOADED` when it did not come in [`Priority::queue_time`], or when the queues are full.
    pub(crate) async fn enter(&self, priority: Priority, client: Network) -> Result<Slot, Problem> {
        self.sample_delay().await;
        let mut queued = match self.take_or_queue(priority, client) {
            Some(Ok(slot)) => return Ok(slot),
            Some(Err(queued)) => queued,
            None => return Err(shed(priority)),
        };
        let turn = queued.turn.as_mut().expect("it is there until the drop");
        match tokio::time::timeout(priority.queue_time(), turn).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_)) | Err(_) => Err(shed(priority)),
        }
    }

    /// Takes a slot if one is free and nobody waits, or else a place in the queue. `None` when there is no place.
    fn take_or_queue(&self, priority: Priority, client: Network) -> Option<Result<Slot, Queued<'_>>> {
        let mut state = self.0.state.lock_unpoisoned();
        if !state.someone_waits() && state.admits(priority, client) {
            state.take(priority, client);
            self.report(&state);
            return Some(Ok(Slot { admission: Some(self.clone()), priority, client }));
        }
        let place = self.0.places.take(client, 1)?;
        let (sender, turn) = oneshot::channel();
        state.queues[priority as usize].push(client, Waiter { turn: sender, since: Instant::now() });
        self.admit_queued(&mut state);
        self.report_queues(&state);
        self.report(&state);
        Some(Err(Queued { admission: self, priority, client, turn: Some(turn), _place: place }))
    }

    /// Gives free slots to requests in the queues.
    fn admit_queued(&self, state: &mut State) {
        for priority in Priority::ALL {
            // The queue is taken out, because its choice depends on the rest of the state.
            let mut queue = std::mem::take(&mut state.queues[priority as usize]);
            while state.all.free() > 0
                && let Some((client, waiter)) = queue.next(|client| state.admits(priority, client))
            {
                state.take(priority, client);
                let slot = Slot { admission: Some(self.clone()), priority, client };
                if let Err(mut slot) = waiter.turn.send(slot) {
                    // The request is gone. The slot is given back here, because its drop would lock the state again.
                    slot.admission = None;
                    state.release(priority, client);
                }
            }
            state.queues[priority as usize] = queue;
        }
    }

    fn release(&self, priority: Priority, client: Network) {
        let mut state = self.0.state.lock_unpoisoned();
        state.release(priority, client);
        if state.someone_waits() {
            self.admit_queued(&mut state);
            self.report_queues(&state);
        }
        self.report(&state);
    }

    /// Measures now and then how long a task waits for a processor.
    async fn sample_delay(&self) {
        let began = Instant::now();
        if !self.0.state.lock_unpoisoned().concurrency.wants_sample(began) {
            return;
        }
        tokio::task::yield_now().await;
        let now = Instant::now();
        self.0.state.lock_unpoisoned().concurrency.record(now - began, now);
    }

    fn gauges(&self) -> &Gauges {
        self.0.gauges.get_or_init(|| Gauges {
            in_flight: metrics::gauge!("souk_gateway_requests_in_flight", "kind" => "all"),
            waiting: metrics::gauge!("souk_gateway_requests_in_flight", "kind" => "waiting"),
            concurrency: metrics::gauge!("souk_gateway_concurrency_limit"),
            queued: Priority::ALL.map(|priority| metrics::gauge!("souk_gateway_queued_requests", "priority" => priority.as_str())),
        })
    }

    fn report(&self, state: &State) {
        let gauges = self.gauges();
        gauges.in_flight.set(state.all.taken as f64);
        gauges.waiting.set(state.waiting.taken as f64);
        gauges.concurrency.set(state.concurrency.limit() as f64);
    }

    fn report_queues(&self, state: &State) {
        for (gauge, queue) in self.gauges().queued.iter().zip(&state.queues) {
            gauge.set(queue.len() as f64);
        }
    }
}

fn shed(priority: Priority) -> Problem {
    metrics::counter!("souk_gateway_shed_total", "priority" => priority.as_str()).increment(1);
    Problem::new(Code::OVERLOADED)
}

impl State {
    fn someone_waits(&self) -> bool {
        !self.queues.iter().all(Queue::is_empty)
    }

    /// Whether a request may start now.
    fn admits(&self, priority: Priority, client: Network) -> bool {
        self.all.has_room(client)
            && match priority {
                Priority::WaitingOrder => self.waiting.has_room(client),
                Priority::Order => true,
                // The order of a filled cart is to be accepted, so a cart is filled only while there is room for the order.
                Priority::Change => self.has_capacity(priority) && !self.orders_wait(client) && self.has_room_for_order(client),
                _ => self.has_capacity(priority),
            }
    }

    /// Whether fewer requests do work than this priority allows.
    fn has_capacity(&self, priority: Priority) -> bool {
        let working = self.all.taken - self.waiting.taken;
        working < (self.concurrency.limit() * priority.eighths() / 8).max(1)
    }

    /// Whether orders of this client wait for a slot, or orders of anyone while there is none. A client that holds its share
    /// does not keep others from filling their carts.
    fn orders_wait(&self, client: Network) -> bool {
        let queue = &self.queues[Priority::WaitingOrder as usize];
        queue.has(client) || (self.waiting.free() == 0 && !queue.is_empty())
    }

    /// Whether the orders that follow the changes under way, and one more, would find a slot.
    fn has_room_for_order(&self, client: Network) -> bool {
        let expected = self.waiting.held(client) + self.changes.held(client);
        self.waiting.total == 0 || may_take(expected, self.waiting.free().saturating_sub(self.changes.taken))
    }

    fn take(&mut self, priority: Priority, client: Network) {
        self.all.take(client);
        match priority {
            Priority::WaitingOrder => self.waiting.take(client),
            Priority::Change => self.changes.take(client),
            _ => {}
        }
    }

    fn release(&mut self, priority: Priority, client: Network) {
        self.all.release(client);
        match priority {
            Priority::WaitingOrder => self.waiting.release(client),
            Priority::Change => self.changes.release(client),
            _ => {}
        }
    }
}

impl Slots {
    fn free(&self) -> usize {
        self.total - self.taken
    }

    fn held(&self, client: Network) -> usize {
        self.by_client.get(&client).copied().unwrap_or(0)
    }

    fn has_room(&self, client: Network) -> bool {
        let held = self.held(client);
        held < self.per_client && may_take(held, self.free())
    }

    fn take(&mut self, client: Network) {
        self.taken += 1;
        *self.by_client.entry(client).or_default() += 1;
    }

    fn release(&mut self, client: Network) {
        self.taken -= 1;
        if let Some(held) = self.by_client.get_mut(&client) {
            *held -= 1;
            if *held == 0 {
                self.by_client.remove(&client);
            }
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(admission) = self.admission.take() {
            admission.release(self.priority, self.client);
        }
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        // First the receiver: a slot that was sent to it is released, and the queue sees that the request is gone.
        drop(self.turn.take());
        let mut state = self.admission.0.state.lock_unpoisoned();
        state.queues[self.priority as usize].forget_closed(self.client);
        self.admission.report_queues(&state);
    }
}

#[cfg(test)]
mod tests;
