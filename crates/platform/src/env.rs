//! Clock, chance and tasks. Nothing else in Souk asks the system for them, so a seed and a frozen clock replay a run.

use contracts::{ids::Uuid, time::Timestamp};
use rand::{Rng, SeedableRng, rngs::StdRng, rngs::SysRng};
use std::{
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

/// The environment of a process. Cheap to clone; clones share clock and chance.
#[derive(Clone)]
pub struct Env(Arc<Inner>);

struct Inner {
    clock: Clock,
    chance: Mutex<StdRng>,
}

enum Clock {
    System,
    /// Moves only when a test moves it, in microseconds since the epoch.
    Frozen(AtomicI64),
}

impl Env {
    /// The real clock, and chance from the operating system.
    ///
    /// # Panics
    /// When the operating system gives no randomness: nothing can be signed or named then.
    #[must_use]
    pub fn system() -> Env {
        let chance = StdRng::try_from_rng(&mut SysRng).expect("the operating system gives randomness");
        Env(Arc::new(Inner { clock: Clock::System, chance: Mutex::new(chance) }))
    }

    /// A frozen clock at `start`, and chance from `seed`.
    #[must_use]
    pub fn seeded(seed: u64, start: Timestamp) -> Env {
        Env(Arc::new(Inner { clock: Clock::Frozen(AtomicI64::new(start.0)), chance: Mutex::new(StdRng::seed_from_u64(seed)) }))
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0.clock {
            Clock::System => {
                #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the system for the time")]
                let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                Timestamp(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
            }
            Clock::Frozen(micros) => Timestamp(micros.load(Ordering::SeqCst)),
        }
    }

    /// Moves a frozen clock. The system's clock moves by itself.
    pub fn advance(&self, span: Duration) {
        if let Clock::Frozen(micros) = &self.0.clock {
            micros.fetch_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
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
        self.0.chance.lock_unpoisoned().fill_bytes(&mut bytes);
        bytes
    }

    /// A whole number below `bound`, evenly.
    #[must_use]
    pub fn random_below(&self, bound: u64) -> u64 {
        use rand::RngExt;
        if bound == 0 { 0 } else { self.0.chance.lock_unpoisoned().random_range(0..bound) }
    }

    /// `span` give or take up to a quarter of it: retries of many must not fall on one instant.
    #[must_use]
    pub fn jitter(&self, span: Duration) -> Duration {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX / 4);
        Duration::from_micros(micros - micros / 4 + self.random_below(micros / 2 + 1))
    }

    /// Runs `task` beside its caller, on the runtime.
    pub fn spawn<F>(&self, task: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that spawns")]
        tokio::spawn(task)
    }

    /// Runs `work` on a thread of its own with a name that debuggers show.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn spawn_thread(&self, name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<std::thread::JoinHandle<()>> {
        std::thread::Builder::new().name(name.to_owned()).spawn(work)
    }
}

/// A lock whose holder cannot leave it half-changed: a panic elsewhere does not poison it.
pub(crate) trait LockUnpoisoned<T> {
    fn lock_unpoisoned(&self) -> std::sync::MutexGuard<'_, T>;
}

impl<T> LockUnpoisoned<T> for Mutex<T> {
    fn lock_unpoisoned(&self) -> std::sync::MutexGuard<'_, T> {
        self.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
