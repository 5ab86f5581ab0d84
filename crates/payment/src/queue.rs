//! Requests that wait for the open transaction of a payment, one at a time per payment.
//!
//! A payment has one open transaction. Requests that come meanwhile take turns in the order of their arrival: without turns
//! each of them would ask the provider about the same transaction, and all but one would then have to wait again.

use contracts::ids::Uuid;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    sync::{Mutex as FairMutex, OwnedMutexGuard},
    time::{Instant, timeout_at},
};

/// The queues of this process, by payment or by order. A queue exists while a request is in it.
#[derive(Default)]
pub struct Queues(Mutex<HashMap<Uuid, Arc<FairMutex<()>>>>);

/// The turn of a request. The next one has its turn when it is dropped.
pub struct Turn<'a> {
    _held: OwnedMutexGuard<()>,
    _place: Place<'a>,
}

/// A place in a queue. The last one that leaves removes the queue.
struct Place<'a> {
    queues: &'a Queues,
    id: Uuid,
}

impl Queues {
    /// Waits for a turn, until `deadline` at most.
    pub async fn turn(&self, id: Uuid, deadline: Instant) -> Option<Turn<'_>> {
        // Fields and variables are dropped such that the mutex is released before the slot is.
        let place = Place { queues: self, id };
        let queue = self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default().clone();
        let held = timeout_at(deadline, queue.lock_owned()).await.ok()?;
        Some(Turn { _held: held, _place: place })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut queues = self.queues.0.lock().unwrap_or_else(PoisonError::into_inner);
        if queues.get(&self.id).is_some_and(|queue| Arc::strong_count(queue) == 1) {
            queues.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn turns_are_taken_one_at_a_time_and_leave_nothing_behind() {
        let (queues, id) = (Queues::default(), Uuid::from_u128(1));
        let (soon, later) = (Instant::now, || Instant::now() + Duration::from_secs(60));
        let first = queues.turn(id, later()).await.expect("nobody waits");
        assert!(queues.turn(Uuid::from_u128(2), later()).await.is_some(), "another payment has another queue");
        assert!(queues.turn(id, soon()).await.is_none(), "the wait ends at the deadline");
        let (second, ()) = tokio::join!(queues.turn(id, later()), async {
            tokio::task::yield_now().await;
            drop(first);
        });
        assert!(second.is_some());
        assert_eq!(queues.0.lock().unwrap_or_else(PoisonError::into_inner).len(), 1);
        drop(second);
        assert!(queues.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty());
    }
}
