//! PostgreSQL: a database of a service on a server.
//!
//! The futures of units are not `Send`, so each database has a thread with a runtime of its own. It runs units on a few
//! connections, one unit on each at a time. A unit is one transaction at READ COMMITTED; a read is a snapshot. A read of one
//! statement has its snapshot without a transaction: each read is tried so at first, and runs again in a transaction when it asks for
//! a second statement, the first time only. A unit that lost a race (40001, 40P01) or its connection before the commit was sent runs
//! again.

mod address;
pub(crate) mod claims;
pub(crate) mod consumed;
mod hold;
mod migrate;
mod outbox;
mod sequencer;
mod session;
mod tls;

pub use address::{BadAddress, ServerAddress};
pub use hold::Hold;
pub(super) use migrate::{inspect, introduce, rename_lost};
pub(crate) use migrate::{make_template, migrations, prepare_all, run_on_server};
pub(super) use sequencer::run as run_sequencer;
pub(super) use session::{Session, value};

use super::{
    Db, Error, Signals,
    migrate::Options,
    storage::Storage,
    tx::{self, CommitEffects, Emitted, Origin, Tx},
    unit::{Access, MAX_QUEUED_UNITS, Unit},
};
use crate::env::Env;
use contracts::{ids::Uuid, time::Timestamp};
use session::SessionFault;
use std::{
    any::TypeId,
    cell::RefCell,
    collections::{HashMap, HashSet},
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};
use tokio::sync::{Mutex as AsyncMutex, mpsc};

/// The connections of one database in one process. All services of one process stay below the 100 that a server allows
/// unless it is configured otherwise.
const CONNECTIONS: usize = 4;
/// How often a unit runs that loses races.
const ATTEMPTS: u32 = 6;
/// The first pause before a unit runs again. It doubles.
const PAUSE: Duration = Duration::from_millis(5);
/// Begins a read of several statements.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// The version of the server that is needed at least, as `server_version_num` gives it.
pub(crate) const MIN_VERSION: i64 = 150_000;

/// Who gives the events of the outbox their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbering {
    /// The sequencer that runs beside the services.
    Sequencer,
    /// Each unit, after its commit and before its result is returned: for tests that drive each step.
    AtCommit,
}

pub(super) struct Postgres {
    pub address: ServerAddress,
    queue: mpsc::Sender<Box<dyn Unit>>,
    running: Arc<AtomicUsize>,
}

/// What the connections of one database share.
pub(super) struct Shared {
    address: ServerAddress,
    origin: Arc<Origin>,
    signals: Arc<Signals>,
    numbering: Numbering,
    /// The columns of each unique constraint or index, by its name.
    unique: HashMap<String, String>,
    /// The reads that have more than one statement, each found out by its first run.
    snapshots: RefCell<HashSet<TypeId>>,
}

/// What became of a run of a unit.
enum Ran {
    /// Its changes are ready to be committed, with these events.
    Ready(Timestamp, Vec<Emitted>, CommitEffects),
    /// It failed with an error of its own, which it keeps.
    Failed,
}

/// Runs a unit inside a transaction.
async fn run(unit: &mut dyn Unit, session: Rc<Session>, origin: Arc<Origin>) -> Ran {
    let context = unit.context().clone();
    let mut tx = Tx::new(tx::Session::Postgres(session), origin, context.clone());
    let ran = catch(context.scope(async {
        match unit.run(&mut tx).await {
            true => tx.encrypt_personal_fields().await.map_err(Some),
            false => Err(None),
        }
    }));
    match ran.await.unwrap_or(Err(Some(Error::Panicked))) {
        Ok(()) => {
            let (events, effects) = tx.take_effects();
            Ran::Ready(tx.now(), events, effects)
        }
        Err(error) => {
            if let Some(error) = error {
                unit.fail(error);
            }
            Ran::Failed
        }
    }
}

/// Returns the value of a future, or `None` when it panicked.
async fn catch<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Ready(value)) => Poll::Ready(Some(value)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(_) => Poll::Ready(None),
    })
    .await
}

impl Postgres {
    /// Opens the database on a thread of its own, which ends when the last handle is dropped and the queue is empty.
    pub fn open(
        env: &Env,
        service: &'static str,
        address: &ServerAddress,
        options: Options<'_>,
        signals: Arc<Signals>,
        storage: Arc<Storage>,
    ) -> Result<(Postgres, Uuid), Error> {
        let (queue, queued) = mpsc::channel(MAX_QUEUED_UNITS);
        let running = Arc::new(AtomicUsize::new(0));
        let (opened, opens) = std::sync::mpsc::sync_channel(1);
        let origin = Arc::new(Origin { service, env: env.clone(), path: address.shown(service).into(), storage });
        let (address_there, env_there, running_there) = (address.clone(), env.clone(), running.clone());
        let (migrations, outdated, replaces_lost) = (options.migrations.to_vec(), options.outdated, options.replaces_lost);
        let run = move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(opened.send(Err(Error::Failed(format!("cannot start a runtime: {error}"))))),
            };
            let local = tokio::task::LocalSet::new();
            runtime.block_on(local.run_until(async move {
                let options = Options { migrations: &migrations, outdated, replaces_lost };
                let (unique, identity) = match migrate::open(&address_there, &env_there, service, options).await {
                    Ok(found) => found,
                    Err(error) => return drop(opened.send(Err(error))),
                };
                let numbering = address_there.numbering;
                let shared = Rc::new(Shared { address: address_there, origin, signals, numbering, unique, snapshots: RefCell::default() });
                // The opener waits for this.
                let _ = opened.send(Ok(identity));
                run_until_closed(shared, queued, running_there).await;
            }));
        };
        env.spawn_thread(&format!("{service}-postgres"), run).map_err(|error| Error::Failed(format!("cannot start a thread: {error}")))?;
        let identity = opens.recv().map_err(|_| Error::Failed("the thread of the database ended".into()))??;
        Ok((Postgres { address: address.clone(), queue, running }, identity))
    }

    /// Queues a unit for the connections.
    pub fn queue(&self, unit: Box<dyn Unit>) -> Result<(), Error> {
        self.queue.try_send(unit).map_err(|_| Error::Busy)
    }

    /// How many units wait or run.
    pub fn queued_units(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity() + self.running.load(Ordering::Relaxed)
    }
}

/// Runs `work` on a thread with a runtime of its own and waits for it. For the start and for tools.
fn block_on<T: Send>(work: impl Future<Output = Result<T, Error>> + Send) -> Result<T, Error> {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| Error::Failed(format!("cannot start a runtime: {error}")))?.block_on(work)
    };
    std::thread::scope(|scope| scope.spawn(run).join()).unwrap_or(Err(Error::Panicked))
}

/// Runs queued units on the connections until every handle of the database is gone.
async fn run_until_closed(shared: Rc<Shared>, queued: mpsc::Receiver<Box<dyn Unit>>, running: Arc<AtomicUsize>) {
    let queued = Rc::new(AsyncMutex::new(queued));
    let mut connections = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (queued, running) = (queued.clone(), running.clone());
        let mut connection = Connection { shared: shared.clone(), session: None };
        #[expect(clippy::disallowed_methods, reason = "the futures of units are not Send, and this set ends with its thread")]
        connections.spawn_local(async move {
            loop {
                let next = queued.lock().await.recv().await;
                let Some(unit) = next else { return };
                running.fetch_add(1, Ordering::Relaxed);
                connection.perform(unit).await;
                running.fetch_sub(1, Ordering::Relaxed);
            }
        });
    }
    while connections.join_next().await.is_some() {}
}

/// One connection, made when a unit needs it and made again when it was lost.
struct Connection {
    shared: Rc<Shared>,
    session: Option<Rc<Session>>,
}

/// How an attempt to run a unit ended.
enum Attempt {
    Ended(Result<(), Error>),
    /// The unit lost a race or its connection, and nothing of it is stored.
    Repeat(Error),
}

impl Connection {
    async fn perform(&mut self, mut unit: Box<dyn Unit>) {
        let (mut pause, env) = (PAUSE, self.shared.origin.env.clone());
        for attempt in 1.. {
            if unit.is_abandoned() {
                return;
            }
            match self.attempt(&mut *unit).await {
                Attempt::Repeat(error) if attempt < ATTEMPTS => {
                    tracing::debug!(target: "db", service = self.shared.origin.service, attempt, %error, "a unit of work runs again");
                    metrics::counter!("souk_db_units_repeated_total", "service" => self.shared.origin.service).increment(1);
                    #[expect(clippy::disallowed_methods, reason = "the other side of the race runs by the real clock")]
                    tokio::time::sleep(env.jitter(pause)).await;
                    pause *= 2;
                }
                Attempt::Repeat(error) => return unit.answer(Err(error)),
                Attempt::Ended(outcome) => {
                    if let Err(error) = &outcome {
                        self.shared.origin.record(error, unit.correlation_id());
                    }
                    unit.answer(outcome);
                    return self.end_read().await;
                }
            }
        }
    }

    async fn attempt(&mut self, unit: &mut dyn Unit) -> Attempt {
        let session = match self.session().await {
            Ok(session) => session,
            Err(error @ Error::Unavailable(_)) => return Attempt::Repeat(error),
            Err(error) => return Attempt::Ended(Err(error)),
        };
        session.belongs_to(unit.correlation_id());
        match unit.access() {
            Access::Write => session.begin("BEGIN READ WRITE"),
            Access::Read if self.shared.snapshots.borrow().contains(&unit.closure()) => session.begin(SNAPSHOT),
            Access::Read => session.begin_alone(),
        }
        let mut ran = run(unit, session.clone(), self.shared.origin.clone()).await;
        if matches!(session.fault(), Some(SessionFault::NeedsSnapshot)) {
            self.shared.snapshots.borrow_mut().insert(unit.closure());
            session.begin(SNAPSHOT);
            ran = run(unit, session.clone(), self.shared.origin.clone()).await;
        }
        match (session.fault(), ran) {
            (Some(SessionFault::Lost(error)), _) => {
                self.session = None;
                Attempt::Repeat(error)
            }
            (Some(SessionFault::Race(error)), _) => {
                self.roll_back(&session).await;
                Attempt::Repeat(error)
            }
            (_, Ran::Failed) => {
                self.roll_back(&session).await;
                Attempt::Ended(Ok(()))
            }
            // A transaction began, so nothing can need one.
            (Some(SessionFault::NeedsSnapshot), Ran::Ready(..)) => Attempt::Ended(Err(Error::Failed("a read has no transaction".into()))),
            (Some(SessionFault::Aborted(error)), Ran::Ready(..)) => {
                self.roll_back(&session).await;
                Attempt::Ended(Err(Error::Failed(format!("a statement failed, and the unit of work went on: {error}"))))
            }
            // A read has its result; its transaction ends after the answer.
            (None, Ran::Ready(..)) if unit.access() == Access::Read => Attempt::Ended(Ok(())),
            (None, Ran::Ready(now, events, effects)) => self.commit(&session, now, events, effects).await,
        }
    }

    async fn commit(&mut self, session: &Rc<Session>, now: Timestamp, events: Vec<Emitted>, mut effects: CommitEffects) -> Attempt {
        let env = &self.shared.origin.env;
        let (begun, has_events) = (env.now(), !events.is_empty());
        let committed = session.commit(events, now).await;
        let seconds = env.now().since(begun).as_secs_f64();
        metrics::histogram!("souk_db_commit_duration_seconds", "service" => self.shared.origin.service).record(seconds);
        if let Err(error) = committed {
            return match session.fault() {
                Some(SessionFault::Race(race)) => {
                    self.roll_back(session).await;
                    Attempt::Repeat(race)
                }
                Some(SessionFault::Lost(lost)) => {
                    self.session = None;
                    if matches!(error, Error::Unknown(_)) { Attempt::Ended(Err(error)) } else { Attempt::Repeat(lost) }
                }
                _ => {
                    self.roll_back(session).await;
                    Attempt::Ended(Err(error))
                }
            };
        }
        if has_events {
            match self.shared.numbering {
                Numbering::Sequencer => self.shared.signals.report_unnumbered(),
                // What is not numbered now is numbered with the next event.
                Numbering::AtCommit => effects.newest_position = session.number_outbox().await.unwrap_or_default(),
            }
        }
        self.shared.signals.run_commit_effects(effects);
        Attempt::Ended(Ok(()))
    }

    /// Ends the transaction of a read. Whether that succeeds matters to the next unit only.
    async fn end_read(&mut self) {
        if let Some(session) = self.session.clone()
            && session.is_open()
        {
            self.roll_back(&session).await;
        }
    }

    async fn roll_back(&mut self, session: &Rc<Session>) {
        if session.roll_back().await.is_err() {
            self.session = None;
        }
    }

    async fn session(&mut self) -> Result<Rc<Session>, Error> {
        if let Some(session) = self.session.take().filter(|session| !session.is_closed()) {
            self.session = Some(session.clone());
            return Ok(session);
        }
        let client = self.shared.address.connect_for_units(self.shared.origin.service).await?;
        let session = Rc::new(Session::new(client, self.shared.clone()));
        self.session = Some(session.clone());
        Ok(session)
    }
}

/// Returns an error for each setting of the server with which a crash of it loses what was committed.
pub(super) async fn check(db: &Db) -> Result<(), Error> {
    let sql = "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off' \
               ORDER BY name";
    let unsafe_settings: Vec<String> =
        db.read(async move |tx| tx.query(sql, &[], |row| Ok(format!("{}={}", row.next::<String>()?, row.next::<String>()?))).await).await?;
    match unsafe_settings.is_empty() {
        true => Ok(()),
        false => Err(Error::Failed(format!("the server has {}: a crash of it loses what was committed", unsafe_settings.join(", ")))),
    }
}

#[cfg(test)]
mod tests;
