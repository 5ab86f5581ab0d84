//! Requests that wait for an order to change.

use crate::{Error, domain::is_settled, store};
use contracts::ids::OrderId;
use platform::db::{self, Db, Tx};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// How often a waiting request reads the order without a notification: another replica may have changed it.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// The requests of this process that wait for orders, with a notifier and a count per order.
#[derive(Default)]
pub struct OrderWaiters(Mutex<HashMap<OrderId, (Arc<Notify>, usize)>>);

impl OrderWaiters {
    /// Wakes the requests that wait for the order.
    pub fn notify(&self, id: OrderId) {
        if let Some((notifier, _)) = self.lock().get(&id) {
            notifier.notify_waiters();
        }
    }

    /// Waits until the order has settled, for `wait` at most.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn wait_until_settled(&self, db: &Db, id: OrderId, wait: Duration) -> Result<(), Error> {
        self.wait_until(db, id, wait, async move |tx: &mut Tx| Ok(store::find_status(tx, id).await?.is_none_or(is_settled))).await
    }

    /// Waits until `done` returns true, for `wait` at most.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn wait_until<F>(&self, db: &Db, id: OrderId, wait: Duration, done: F) -> Result<(), Error>
    where
        F: AsyncFn(&mut Tx) -> Result<bool, db::Error> + Clone + Send + 'static,
    {
        let env = db.env();
        let deadline = env.now().after(wait);
        let notifier = {
            let mut waiters = self.lock();
            let (notifier, count) = waiters.entry(id).or_default();
            *count += 1;
            notifier.clone()
        };
        let _guard = WaiterGuard { waiters: self, id };
        loop {
            // Registered before the read, so that a change just after it is not missed.
            let notified = notifier.notified();
            if db.read(done.clone()).await? || env.now() >= deadline {
                return Ok(());
            }
            let next_poll = env.now().after(POLL_INTERVAL).min(deadline);
            tokio::select! {
                biased;
                () = notified => {}
                () = env.sleep_until(next_poll) => {}
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OrderId, (Arc<Notify>, usize)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes a waiter however its wait ends.
struct WaiterGuard<'a> {
    waiters: &'a OrderWaiters,
    id: OrderId,
}

impl Drop for WaiterGuard<'_> {
    fn drop(&mut self) {
        let mut waiters = self.waiters.lock();
        if let Some((_, count)) = waiters.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                waiters.remove(&self.id);
            }
        }
    }
}
