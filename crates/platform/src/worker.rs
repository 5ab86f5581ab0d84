//! The third door of a service: time. A worker looks for due work when its notifier rings and now and then without it.

use crate::{backoff::Backoff, context::Context, db::Db, shutdown::Shutdown};
use contracts::{ids::Uuid, time::Timestamp};
use std::{future::Future, pin::Pin, sync::Arc, time::Duration};
use tokio::sync::watch;

/// The pause after the first turn that failed.
const FIRST_PAUSE: Duration = Duration::from_millis(400);

/// What a worker wants after a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// There may be more to do: go on at once.
    Immediately,
    /// Nothing is due: sleep until the notifier rings, or the period is over.
    Idle,
    /// Nothing is due before this instant.
    At(Timestamp),
}

impl Next {
    /// [`Next::Immediately`] when a turn that takes at most `limit` found that many.
    #[must_use]
    pub fn after_batch(done: usize, limit: usize) -> Next {
        if done >= limit { Next::Immediately } else { Next::Idle }
    }
}

type Turn =
    Arc<dyn Fn(Shutdown) -> Pin<Box<dyn Future<Output = Result<Next, Box<dyn std::error::Error + Send + Sync>>> + Send>> + Send + Sync>;

/// Work that is due by time or by a notifier.
#[derive(Clone)]
pub struct Worker {
    pub(crate) name: &'static str,
    period: Duration,
    turn: Turn,
    /// How many tasks its turns left going.
    tasks: Option<watch::Receiver<usize>>,
}

impl Worker {
    /// `turn` looks for due work and does it; every turn may be the one that a crash interrupts, and the next finds what
    /// it left. It runs when [`crate::db::Tx::notify_worker`] names it, and at least once in `period`.
    pub fn new<C, F, R, E>(name: &'static str, period: Duration, own: C, turn: F) -> Worker
    where
        C: Clone + Send + Sync + 'static,
        F: Fn(C) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Next, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        Worker::lasting(name, period, own, move |own, _| turn(own))
    }

    /// As [`Worker::new`], for turns that go on as long as there is work: they hear the order to stop, and end soon after.
    pub fn lasting<C, F, R, E>(name: &'static str, period: Duration, own: C, turn: F) -> Worker
    where
        C: Clone + Send + Sync + 'static,
        F: Fn(C, Shutdown) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Next, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let turn: Turn = Arc::new(move |stop| {
            let turn = turn(own.clone(), stop);
            Box::pin(async move { turn.await.map_err(Into::into) })
        });
        Worker { name, period, turn, tasks: None }
    }

    /// One whose turns leave tasks going, `tasks` of them at each moment.
    pub(crate) fn with_tasks(self, tasks: watch::Receiver<usize>) -> Worker {
        Worker { tasks: Some(tasks), ..self }
    }

    /// Waits until no task is going. Whether one was.
    pub(crate) async fn tasks_end(&self) -> bool {
        let Some(mut tasks) = self.tasks.clone() else { return false };
        let any = *tasks.borrow() > 0;
        // The sender lives as long as the turn does.
        let _ = tasks.wait_for(|count| *count == 0).await;
        any
    }

    /// One turn, in a context of its own.
    ///
    /// # Errors
    /// What the turn answered.
    pub async fn run_once(&self, db: &Db, stop: &Shutdown) -> Result<Next, Box<dyn std::error::Error + Send + Sync>> {
        let correlation_id = format!("{}-{}", self.name, db.env().new_id::<Uuid>());
        Context::new(correlation_id).scope((self.turn)(stop.clone())).await
    }

    pub(crate) async fn run(self, db: Db, stop: Shutdown) {
        let notifier = db.worker_notifier(self.name);
        let mut failures = 0_u32;
        while !stop.is_requested() {
            let pause = match self.run_once(&db, &stop).await {
                Ok(Next::Immediately) => {
                    failures = 0;
                    continue;
                }
                Ok(Next::Idle) => {
                    failures = 0;
                    self.period
                }
                Ok(Next::At(instant)) => {
                    failures = 0;
                    instant.since(db.now()).min(self.period)
                }
                Err(error) => {
                    failures += 1;
                    tracing::warn!(target: "worker", service = db.service(), worker = self.name, error = &*error, failures, "a turn failed; trying again");
                    metrics::counter!("souk_worker_failures_total", "service" => db.service(), "worker" => self.name).increment(1);
                    let backoff = Backoff::doubling(FIRST_PAUSE, self.period.max(Duration::from_secs(5)));
                    stop.sleep(db.env().jitter(backoff.delay(failures)), std::future::pending()).await;
                    continue;
                }
            };
            stop.sleep(pause, notifier.notified()).await;
        }
    }
}
