//! The third entry point of a service, the schedule: a worker does what is due when it is notified and at least once in a
//! period.

use crate::{
    backoff::Backoff,
    context::Context,
    db::Db,
    env::{Env, LockUnpoisoned as _},
    shutdown::Shutdown,
};
use contracts::{ids::Uuid, time::Timestamp};
use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::watch;

/// How long a woken worker waits for further notifications, which then share its turn: each turn costs a read.
const GATHERING: Duration = Duration::from_millis(1);
/// The pause after the first turn that failed.
const FIRST_PAUSE: Duration = Duration::from_millis(400);
/// Turns in a row without a pause. No backlog needs more, so only a worker that makes no progress pauses.
const TURNS_IN_A_ROW: u32 = 10_000;
/// How many failures are kept for tests.
const FAILURES_KEPT: usize = 16;

/// Why a turn failed.
pub type TurnError = Box<dyn std::error::Error + Send + Sync>;

/// When a worker has its next turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// At once: there may be more to do.
    Immediately,
    /// When it is notified, or the period is over: nothing is due.
    Idle,
    /// At this instant, when the next row is due.
    At(Timestamp),
}

impl Next {
    /// [`Next::Immediately`] when a turn that takes at most `limit` found that many.
    #[must_use]
    pub fn after_batch(done: usize, limit: usize) -> Next {
        if done >= limit { Next::Immediately } else { Next::Idle }
    }
}

type Turn<T> = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<T, TurnError>> + Send>> + Send + Sync>;

/// Work that is done when it is notified or due.
#[derive(Clone)]
pub struct Worker {
    pub(crate) name: &'static str,
    period: Duration,
    turn: Turn<Next>,
    /// How many of its tasks run, for a worker whose turns start tasks.
    tasks: Option<watch::Receiver<usize>>,
    /// Sees the tasks that ran since a test asked.
    ran: Option<Arc<Mutex<watch::Receiver<usize>>>>,
    /// How long a shutdown waits for those tasks.
    grace: Duration,
    /// What is done after the last turn.
    end: Option<Turn<()>>,
    failures: Failures,
}

/// What failed in the turns and tasks of a worker, the latest few. Tests read it.
#[derive(Clone, Default)]
pub(crate) struct Failures(Arc<Mutex<Vec<String>>>);

impl Failures {
    pub(crate) fn add(&self, failure: String) {
        let mut failures = self.0.lock_unpoisoned();
        if failures.len() == FAILURES_KEPT {
            failures.remove(0);
        }
        failures.push(failure);
    }
}

fn boxed<T, C, F, R, E>(own: C, call: F) -> Turn<T>
where
    C: Clone + Send + Sync + 'static,
    F: Fn(C) -> R + Send + Sync + 'static,
    R: Future<Output = Result<T, E>> + Send + 'static,
    E: Into<TurnError> + 'static,
{
    Arc::new(move || {
        let call = call(own.clone());
        Box::pin(async move { call.await.map_err(Into::into) })
    })
}

impl Worker {
    /// A worker whose turns call `turn`. A crash may interrupt any turn; the next one continues from the database.
    /// A turn begins when [`crate::db::Tx::notify_worker`] names the worker, and at least once in `period`.
    pub fn new<C, F, R, E>(name: &'static str, period: Duration, own: C, turn: F) -> Worker
    where
        C: Clone + Send + Sync + 'static,
        F: Fn(C) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Next, E>> + Send + 'static,
        E: Into<TurnError> + 'static,
    {
        Worker {
            name,
            period,
            turn: boxed(own, turn),
            tasks: None,
            ran: None,
            grace: Duration::ZERO,
            end: None,
            failures: Failures::default(),
        }
    }

    /// A worker that calls `end` after its last turn, when it stops.
    pub(crate) fn with_end<C, F, R, E>(self, own: C, end: F) -> Worker
    where
        C: Clone + Send + Sync + 'static,
        F: Fn(C) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<TurnError> + 'static,
    {
        Worker { end: Some(boxed(own, end)), ..self }
    }

    /// A worker whose turns start tasks: `tasks` counts those that run, `failures` holds what failed in them.
    pub(crate) fn with_tasks(self, tasks: watch::Receiver<usize>, failures: Failures, grace: Duration) -> Worker {
        let ran = Some(Arc::new(Mutex::new(tasks.clone())));
        Worker { tasks: Some(tasks), ran, grace, failures, ..self }
    }

    /// How many of its tasks run.
    pub(crate) fn running_tasks(&self) -> usize {
        self.tasks.as_ref().map_or(0, |tasks| *tasks.borrow())
    }

    /// Waits until none of its tasks runs. Returns whether one ran since the last call, even if it ended before this one.
    pub(crate) async fn tasks_end(&self) -> bool {
        self.tasks_end_but(0).await;
        let Some(ran) = &self.ran else { return false };
        let mut ran = ran.lock_unpoisoned();
        let any = ran.has_changed().unwrap_or(false);
        ran.mark_unchanged();
        any
    }

    /// Waits until no more than `count` of its tasks run.
    pub(crate) async fn tasks_end_but(&self, count: usize) {
        if let Some(mut tasks) = self.tasks.clone() {
            // The sender lives as long as the turn does.
            let _ = tasks.wait_for(|running| *running <= count).await;
        }
    }

    /// Takes what failed in its turns and tasks since the last call.
    pub(crate) fn take_failures(&self) -> Vec<String> {
        std::mem::take(&mut self.failures.0.lock_unpoisoned())
    }

    /// Runs one turn, in a context of its own.
    ///
    /// # Errors
    /// Those of the turn.
    pub async fn run_once(&self, db: &Db) -> Result<Next, TurnError> {
        let correlation_id = format!("{}-{}", self.name, db.env().new_id::<Uuid>());
        let outcome = Context::new(correlation_id).scope((self.turn)()).await;
        if let Err(error) = &outcome {
            self.failures.add(crate::error_chain(&**error));
        }
        outcome
    }

    pub(crate) async fn run(self, db: Db, stop: Shutdown) {
        let (notifier, env) = (db.worker_notifier(self.name), db.env().clone());
        let (mut failures, mut in_a_row) = (0_u32, 0_u32);
        while !stop.is_requested() {
            let next = self.run_once(&db).await;
            failures = if next.is_err() { failures + 1 } else { 0 };
            in_a_row = if matches!(next, Ok(Next::Immediately)) { in_a_row + 1 } else { 0 };
            let pause = match next {
                Ok(Next::Immediately) if in_a_row < TURNS_IN_A_ROW => continue,
                Ok(Next::Immediately) => {
                    self.pause_without_progress(&env, db.service(), &stop).await;
                    in_a_row = 0;
                    continue;
                }
                Ok(Next::Idle) => self.period,
                Ok(Next::At(instant)) => instant.since(env.now()).min(self.period),
                Err(error) => {
                    // The databases report a full disk themselves, once for all workers.
                    if !db.storage().is_full() {
                        tracing::warn!(target: "worker", service = db.service(), worker = self.name, error = &*error, failures, "a turn failed; trying again");
                    }
                    metrics::counter!("souk_worker_failures_total", "service" => db.service(), "worker" => self.name).increment(1);
                    let backoff = Backoff::doubling(FIRST_PAUSE, self.period.max(Duration::from_secs(5)));
                    stop.sleep(&env, env.jitter(backoff.delay(failures)), std::future::pending()).await;
                    continue;
                }
            };
            stop.sleep(&env, pause, notifier.notified()).await;
            #[expect(clippy::disallowed_methods, reason = "it only gathers notifications, whatever the clock of the services says")]
            tokio::time::sleep(GATHERING).await;
        }
        self.finish_tasks(&db).await;
        if let Some(end) = &self.end
            && let Err(error) = end().await
        {
            tracing::debug!(target: "worker", service = db.service(), worker = self.name, error = &*error, "a worker did not end as it should");
        }
    }

    async fn pause_without_progress(&self, env: &Env, service: &'static str, stop: &Shutdown) {
        tracing::warn!(target: "worker", service, worker = self.name, turns = TURNS_IN_A_ROW, "there is always more to do; pausing");
        metrics::counter!("souk_worker_pauses_total", "service" => service, "worker" => self.name).increment(1);
        stop.sleep(env, self.period.min(Duration::from_secs(1)), std::future::pending()).await;
    }

    /// Waits for the tasks that run, as long as a shutdown may wait for them.
    async fn finish_tasks(&self, db: &Db) {
        if !self.grace.is_zero() && tokio::time::timeout(self.grace, self.tasks_end()).await.is_err() {
            let tasks = self.running_tasks();
            tracing::warn!(target: "worker", service = db.service(), worker = self.name, tasks, "tasks did not end in time; their rows stay due");
        }
    }
}
