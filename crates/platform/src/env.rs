//! Clock, randomness and tasks. Nothing else in Souk takes them from the system, so a seed and a frozen clock repeat a run.

use contracts::{ids::Uuid, time::Timestamp};
use rand::{Rng, RngExt as _, SeedableRng, rngs::StdRng, rngs::SysRng};
use std::{
    future::Future,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};
use tokio::{
    sync::watch,
    task::{JoinError, JoinHandle, JoinSet},
};

/// The environment of a process. Cheap to clone; clones share clock and randomness.
#[derive(Clone)]
pub struct Env(Arc<Inner>);

struct Inner {
    clock: Clock,
    random: Mutex<StdRng>,
    process_id: Uuid,
}

enum Clock {
    System,
    /// Moves only when a test moves it.
    Frozen {
        now: watch::Sender<Timestamp>,
        /// The instants that tasks sleep until.
        sleepers: watch::Sender<Vec<Timestamp>>,
    },
}

impl Env {
    /// The real clock, and randomness of the operating system.
    ///
    /// # Panics
    /// When the operating system gives no randomness: ids and keys cannot be made then.
    #[must_use]
    pub fn system() -> Env {
        let mut random = StdRng::try_from_rng(&mut SysRng).expect("the operating system gives randomness");
        let process_id = Uuid::from_u128(random.random());
        Env(Arc::new(Inner { clock: Clock::System, random: Mutex::new(random), process_id }))
    }

    /// A frozen clock at `start`, and randomness from `seed`.
    #[must_use]
    pub fn seeded(seed: u64, start: Timestamp) -> Env {
        let clock = Clock::Frozen { now: watch::Sender::new(start), sleepers: watch::Sender::default() };
        let (random, process_id) = (Mutex::new(StdRng::seed_from_u64(seed)), Uuid::from_u64_pair(0, seed));
        Env(Arc::new(Inner { clock, random, process_id }))
    }

    /// Identifies this run of the program: what it left in a database differs by this id from what an earlier run left.
    #[must_use]
    pub fn process_id(&self) -> Uuid {
        self.0.process_id
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0.clock {
            Clock::System => {
                #[expect(clippy::disallowed_methods, reason = "the clock of all other code is this function")]
                let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                Timestamp(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
            }
            Clock::Frozen { now, .. } => *now.borrow(),
        }
    }

    /// Moves a frozen clock and wakes the tasks that sleep until then. It does nothing to the system's clock.
    pub fn advance(&self, span: Duration) {
        if let Clock::Frozen { now, .. } = &self.0.clock {
            now.send_modify(|now| *now = now.after(span));
        }
    }

    /// Waits for `span`. Under a frozen clock it ends when a test has moved the clock that far.
    pub async fn sleep(&self, span: Duration) {
        self.sleep_until(self.now().after(span)).await;
    }

    /// Waits until `instant`, as [`Env::sleep`].
    pub async fn sleep_until(&self, instant: Timestamp) {
        match &self.0.clock {
            Clock::System => {
                #[expect(clippy::disallowed_methods, reason = "the sleep of all other code is this function")]
                tokio::time::sleep(instant.since(self.now())).await;
            }
            Clock::Frozen { now, sleepers } => {
                let _sleeper = Sleeper::new(sleepers, instant);
                // The sender lives as long as this environment.
                let _ = now.subscribe().wait_for(|now| *now >= instant).await;
            }
        }
    }

    /// Waits until a task sleeps under a frozen clock, and returns the earliest instant that one sleeps until.
    pub(crate) async fn next_sleeper(&self) -> Timestamp {
        let Clock::Frozen { sleepers, .. } = &self.0.clock else { return std::future::pending().await };
        let mut sleepers = sleepers.subscribe();
        let found = sleepers.wait_for(|sleepers| !sleepers.is_empty()).await.map(|sleepers| sleepers.iter().min().copied());
        found.ok().flatten().unwrap_or_else(|| self.now())
    }

    /// A fresh UUIDv7 of the present millisecond.
    #[must_use]
    pub fn new_id<T: From<Uuid>>(&self) -> T {
        let random = self.random_bytes::<10>();
        T::from(uuid::Builder::from_unix_timestamp_millis(self.now().unix_millis(), &random).into_uuid())
    }

    /// Bytes fit for secrets: the generator is a CSPRNG seeded by the operating system.
    #[must_use]
    pub fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.random.lock_unpoisoned().fill_bytes(&mut bytes);
        bytes
    }

    /// A whole number below `bound`, evenly distributed.
    #[must_use]
    pub fn random_below(&self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.0.random.lock_unpoisoned().random_range(0..bound) }
    }

    /// `span` plus or minus up to a quarter of it, so that the retries of many do not fall on one instant.
    #[must_use]
    pub fn jitter(&self, span: Duration) -> Duration {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX / 4);
        Duration::from_micros(micros - micros / 4 + self.random_below(micros / 2 + 1))
    }

    /// Runs `task` beside its caller, on the runtime.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        #[expect(clippy::disallowed_methods, reason = "all other code spawns by this function")]
        tokio::spawn(task)
    }

    /// Runs `work`, which blocks, on a thread that the runtime keeps for such work. For work that callers can request at
    /// any rate, use a [`Pool`](crate::pool::Pool), which is bounded.
    pub fn spawn_blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        #[expect(clippy::disallowed_methods, reason = "all other code spawns by this function")]
        tokio::task::spawn_blocking(work)
    }

    /// An empty set of tasks.
    #[must_use]
    pub fn task_set<T: Send + 'static>(&self) -> TaskSet<T> {
        TaskSet(JoinSet::new())
    }

    /// Runs `work` on a thread of its own with a name that debuggers show.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn spawn_thread(&self, name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<std::thread::JoinHandle<()>> {
        std::thread::Builder::new().name(name.to_owned()).spawn(work)
    }
}

/// Tasks that belong together, made by [`Env::task_set`]. Dropping the set aborts those that still run.
pub struct TaskSet<T>(JoinSet<T>);

impl<T: Send + 'static> TaskSet<T> {
    /// Runs `task` beside its caller.
    pub fn spawn(&mut self, task: impl Future<Output = T> + Send + 'static) {
        #[expect(clippy::disallowed_methods, reason = "all other code spawns by this function")]
        self.0.spawn(task);
    }

    /// The outcome of the next task that ends; `None` when no task is left.
    ///
    /// # Errors
    /// When the task panicked.
    pub async fn join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.0.join_next().await
    }

    /// The outcomes of all tasks, in the order in which they end.
    ///
    /// # Panics
    /// When a task panicked.
    pub async fn join_all(self) -> Vec<T> {
        self.0.join_all().await
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The entry of a task that sleeps under a frozen clock.
struct Sleeper<'a> {
    sleepers: &'a watch::Sender<Vec<Timestamp>>,
    until: Timestamp,
}

impl Sleeper<'_> {
    fn new(sleepers: &watch::Sender<Vec<Timestamp>>, until: Timestamp) -> Sleeper<'_> {
        sleepers.send_modify(|all| all.push(until));
        Sleeper { sleepers, until }
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.sleepers.send_modify(|all| {
            if let Some(index) = all.iter().position(|until| *until == self.until) {
                all.swap_remove(index);
            }
        });
    }
}

/// Locks even after a panic of another holder: no holder leaves the value half-changed.
pub trait LockUnpoisoned<T> {
    fn lock_unpoisoned(&self) -> std::sync::MutexGuard<'_, T>;
}

impl<T> LockUnpoisoned<T> for Mutex<T> {
    fn lock_unpoisoned(&self) -> std::sync::MutexGuard<'_, T> {
        self.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleep_under_a_frozen_clock_ends_when_the_clock_is_moved_that_far() {
        let env = Env::seeded(1, Timestamp(1_000_000));
        let mut tasks = env.task_set();
        for seconds in [5_u64, 3] {
            let env = env.clone();
            tasks.spawn(async move {
                env.sleep(Duration::from_secs(seconds)).await;
                seconds
            });
        }
        env.sleep(Duration::ZERO).await;
        assert_eq!(tasks.len(), 2);
        while env.next_sleeper().await != Timestamp(4_000_000) {
            tokio::task::yield_now().await;
        }
        env.advance(Duration::from_secs(3));
        assert_eq!(tasks.join_next().await.unwrap().unwrap(), 3);
        while env.next_sleeper().await != Timestamp(6_000_000) {
            tokio::task::yield_now().await;
        }
        env.advance(Duration::from_secs(2));
        assert_eq!(tasks.join_all().await, [5]);
    }

    #[tokio::test]
    async fn dropping_a_set_of_tasks_aborts_them() {
        let env = Env::seeded(1, Timestamp::EPOCH);
        let (held, dropped) = tokio::sync::oneshot::channel::<()>();
        let mut tasks = env.task_set();
        tasks.spawn(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        assert!(!tasks.is_empty());
        drop(tasks);
        assert!(dropped.await.is_err(), "the task is gone and what it held with it");
    }
}
