//! The unit of work over a service's own database.
//!
//! [`Db::write`] runs a closure as one transaction, [`Db::read`] as a read-only one on a consistent snapshot. The
//! closure may run more than once, so it uses nothing but its [`Tx`]: no call, no channel, no clock but [`Tx::now`], no
//! random values but those of [`Tx`]. It runs on the database's own thread, so a unit waits only for its database, and a
//! slow caller never keeps a transaction open.
//!
//! Guarantees: when `write` returns `Ok`, the unit and its events are on stable storage. When it returns `Err`, nothing of
//! it is stored, except after [`Error::Unknown`], where only a read shows the outcome.
//!
//! Tables are declared once, in the form that [`table`] describes.
//!
//! # Locks
//! A decision depends only on rows that [`Tx::lock`], [`Tx::lock_list`], [`Tx::lock_opt`], [`Tx::lock_all`] or [`Select::lock`]
//! read: they stay as they are until the commit. Units lock rows in one order, so that none waits for another in a
//! circle: first the row of the aggregate itself, then the rows of its child tables, then rows of other aggregates; rows of
//! one table by ascending key. The platform locks the rows of the idempotency key and of the inbox before them, and writes
//! the outbox after them. A number is taken by [`Tx::next_number`] or `UPDATE … RETURNING`, a row that may exist is written by
//! [`Tx::insert_if_absent`] or [`Tx::upsert`]: a read before the write proves nothing while others write. A decision that depends on
//! the absence of rows is made behind [`Tx::lock_absent`].
//!
//! # Statements that are only sent
//! On a server each statement that is waited for costs an exchange. [`Tx::insert`], [`Tx::upsert`], [`Tx::replace`] and
//! [`Tx::execute_pipelined`] are sent and not waited for; an error of one arrives with the next statement that is waited for, with the
//! end of its savepoint, or with the commit. A write that a constraint may refuse on purpose waits: [`Tx::insert_if_absent`],
//! [`Tx::update`], [`Tx::execute`].

pub mod installation;
mod migrate;
pub mod person_keys;
pub(crate) mod postgres;
mod rows;
mod select;
pub mod snapshot;
mod sqlite;
pub mod storage;
pub mod table;
mod tx;
mod unit;

use migrate::Options;
pub(crate) use migrate::in_memory;
pub use migrate::{Migration, OutdatedSchema};
pub use postgres::{BadAddress, ServerAddress};
pub(crate) use rows::next_number_sql;
pub use select::{Select, id_at, id_from};
pub use storage::Storage;
pub use table::{Columns, Extra, Statements, Table};
pub use tx::{Row, Tx};
use unit::Access;

use crate::{
    bus::WakeUps,
    context::Context,
    env::{Env, LockUnpoisoned},
    http::Problem,
    outbox::RecentEvents,
    shutdown::Shutdown,
};
use contracts::{
    column::{BadColumn, Column},
    ids::Uuid,
    problem::Code,
    time::Timestamp,
};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};
use tokio::sync::{Notify, oneshot, watch};

/// The values of a statement's parameters: `params![order.id, now]`.
pub type Params<'a> = &'a [&'a dyn Column];

/// Binds values to `$1`, `$2` … in order.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$(&$value as &dyn contracts::column::Column),*] };
}

/// Embeds numbered SQL files of the service's `migrations/` folder: `migrations!["0001_orders"]`.
#[macro_export]
macro_rules! migrations {
    ($($name:literal),* $(,)?) => {
        &[$($crate::db::Migration { name: $name, sql: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/", $name, ".sql")) }),*]
    };
}

/// What can go wrong with a database.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Too many units are queued. The caller may retry later.
    #[error("too many units of work wait for the database")]
    Busy,
    /// A constraint refused the statement. `name` is its name, or the columns of a unique index as `table.column`.
    #[error("the constraint {name} refused the statement")]
    Constraint { name: String },
    /// The disk is full or fails. Nothing is stored.
    #[error("the disk is full or fails: {0}")]
    StorageFull(String),
    /// The file does not hold what the database wrote.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// Databases of the installation are missing, empty or of another one: a sentence for each.
    #[error("{0}")]
    Lost(String),
    #[error("the database failed: {0}")]
    Failed(String),
    /// The server of the database cannot be reached. Nothing is stored.
    #[error("{0}")]
    Unavailable(String),
    /// The commit was sent, and its result was lost.
    #[error("the outcome of the commit is unknown: {0}")]
    Unknown(String),
    #[error(transparent)]
    Column(#[from] BadColumn),
    /// The schema is not one that this program knows.
    #[error("{0}")]
    Schema(String),
    #[error("the unit of work panicked")]
    Panicked,
}

impl Error {
    /// Returns whether the constraint over `columns`, such as `products.sku`, refused the statement.
    #[must_use]
    pub fn violates(&self, columns: &str) -> bool {
        matches!(self, Error::Constraint { name } if name == columns)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match error {
            Error::Busy => Problem::new(Code::OVERLOADED).detail("too many writes are waiting").retry_after(Duration::from_secs(1)),
            Error::Unavailable(_) => Problem::new(Code::DEPENDENCY_UNAVAILABLE).retry_after(Duration::from_secs(2)),
            // The failure was logged where it happened.
            Error::StorageFull(_) => Code::STORAGE_FULL.into(),
            Error::Unknown(_) => Problem::new(Code::STORAGE_FULL)
                .detail("whether the change was stored is not known; repeat it with the same Idempotency-Key"),
            other => Problem::internal(&other),
        }
    }
}

/// A service's database. Cheap to clone.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    service: &'static str,
    identity: Uuid,
    env: Env,
    engine: Engine,
    signals: Arc<Signals>,
    storage: Arc<Storage>,
    recent_events: RecentEvents,
}

/// Waits for the result of a unit.
async fn answered<T, E: From<Error>>(answer: oneshot::Receiver<Result<T, E>>) -> Result<T, E> {
    answer.await.unwrap_or_else(|_| Err(Error::Failed("the thread of the database stopped".into()).into()))
}

/// What runs the units. Services do not know which.
enum Engine {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

/// Where a database is.
#[derive(Debug, Clone)]
pub enum Place {
    /// In this folder.
    Folder(PathBuf),
    /// On this server.
    Server(ServerAddress),
}

/// The tasks that a commit wakes.
struct Signals {
    /// The position of the newest event in the outbox.
    outbox: watch::Sender<i64>,
    /// Notified when events were committed that have no position yet.
    unnumbered: Notify,
    /// A notifier for each worker, by name.
    workers: Mutex<HashMap<&'static str, Arc<Notify>>>,
    /// Where the other processes of the service are notified of commits, if there may be others.
    elsewhere: OnceLock<WakeUps>,
}

impl Db {
    /// Opens the database of `service` in `folder` and migrates it to the current schema.
    ///
    /// # Errors
    /// [`Error::Schema`] when an applied migration is unknown or was altered, [`Error::Failed`] otherwise.
    pub fn open(env: Env, service: &'static str, folder: &Path, migrations: &[Migration]) -> Result<Db, Error> {
        Db::open_as(env, service, folder, migrations, OutdatedSchema::Migrate)
    }

    /// [`Db::open`] with a choice of what happens to a database with an older schema.
    ///
    /// # Errors
    /// As [`Db::open`], and [`Error::Schema`] when an older schema is refused.
    pub fn open_as(
        env: Env,
        service: &'static str,
        folder: &Path,
        migrations: &[Migration],
        outdated: OutdatedSchema,
    ) -> Result<Db, Error> {
        let storage = Storage::new(&env, None);
        let options = Options { migrations, outdated, replaces_lost: false };
        Db::open_with(env, service, &Place::Folder(folder.to_owned()), options, storage)
    }

    /// [`Db::open_as`] in any place, over this storage.
    ///
    /// # Errors
    /// As [`Db::open_as`], and [`Error::Unavailable`] when the server cannot be reached.
    pub fn open_at(
        env: Env,
        service: &'static str,
        place: &Place,
        migrations: &[Migration],
        outdated: OutdatedSchema,
        storage: Arc<Storage>,
    ) -> Result<Db, Error> {
        Db::open_with(env, service, place, Options { migrations, outdated, replaces_lost: false }, storage)
    }

    fn open_with(env: Env, service: &'static str, place: &Place, options: Options<'_>, storage: Arc<Storage>) -> Result<Db, Error> {
        let signals = Arc::new(Signals {
            outbox: watch::Sender::new(0),
            unnumbered: Notify::new(),
            workers: Mutex::default(),
            elsewhere: OnceLock::new(),
        });
        let (signals_there, storage_there) = (signals.clone(), storage.clone());
        let (engine, identity) = match place {
            Place::Folder(folder) => {
                let (sqlite, identity) = sqlite::Sqlite::open(&env, service, folder, options, signals_there, storage_there)?;
                (Engine::Sqlite(sqlite), identity)
            }
            Place::Server(address) => {
                let (postgres, identity) = postgres::Postgres::open(&env, service, address, options, signals_there, storage_there)?;
                (Engine::Postgres(postgres), identity)
            }
        };
        Ok(Db(Arc::new(Inner { service, identity, env, engine, signals, storage, recent_events: RecentEvents::default() })))
    }

    /// Whether the database is a file of this program, and not on a server.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        matches!(self.0.engine, Engine::Sqlite(_))
    }

    /// Gives the events that were committed their positions until the shutdown, or waits to take over from the process that
    /// does. In an embedded database an event has its position at once, and nothing is to be done.
    pub(crate) async fn run_sequencer(self, stop: Shutdown) {
        if let Engine::Postgres(postgres) = &self.0.engine {
            postgres::run_sequencer(&self, &postgres.address, &self.0.signals, &stop).await;
        }
    }

    /// The disk under the database.
    #[must_use]
    pub fn storage(&self) -> &Arc<Storage> {
        &self.0.storage
    }

    /// The identity of the database. It is made with the database, and a copy has the same one.
    #[must_use]
    pub fn identity(&self) -> Uuid {
        self.0.identity
    }

    #[must_use]
    pub fn service(&self) -> &'static str {
        self.0.service
    }

    #[must_use]
    pub fn env(&self) -> &Env {
        &self.0.env
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.env.now()
    }

    /// Runs `unit` as one transaction and returns after it is durable. Units that are queued at the same time share one
    /// commit; a unit that fails rolls back alone.
    ///
    /// # Errors
    /// The error of the unit, or an [`Error`] of the database.
    pub async fn write<T, E, F>(&self, unit: F) -> Result<T, E>
    where
        F: AsyncFn(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (unit, answer) = unit::queued(Access::Write, Context::current(), unit);
        match &self.0.engine {
            Engine::Sqlite(sqlite) => sqlite.queue(unit)?,
            Engine::Postgres(postgres) => postgres.queue(unit)?,
        }
        answered(answer).await
    }

    /// Runs `unit` on a consistent snapshot. It never waits for writers, and its writes are refused.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub async fn read<T, E, F>(&self, unit: F) -> Result<T, E>
    where
        F: AsyncFn(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (mut unit, answer) = unit::queued(Access::Read, Context::current(), unit);
        match &self.0.engine {
            Engine::Sqlite(sqlite) => {
                let read = sqlite.read(&mut *unit);
                unit.answer(read);
            }
            Engine::Postgres(postgres) => postgres.queue(unit)?,
        }
        answered(answer).await
    }

    /// Moves the write-ahead log into the database and empties its file. Returns whether it did: a reader may need the log still.
    /// PostgreSQL recycles its log itself.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub async fn truncate_log(&self) -> Result<bool, Error> {
        match &self.0.engine {
            Engine::Sqlite(sqlite) => sqlite.truncate_log().await,
            Engine::Postgres(_) => Ok(true),
        }
    }

    /// How many units of work wait for the writer.
    #[must_use]
    pub fn queued_units(&self) -> usize {
        match &self.0.engine {
            Engine::Sqlite(sqlite) => sqlite.queued_units(),
            Engine::Postgres(postgres) => postgres.queued_units(),
        }
    }

    /// The newest events of the outbox.
    pub(crate) fn recent_events(&self) -> &RecentEvents {
        &self.0.recent_events
    }

    /// Returns a receiver that changes whenever the outbox of this service grows.
    pub(crate) fn outbox_grew(&self) -> watch::Receiver<i64> {
        self.0.signals.outbox.subscribe()
    }

    /// Has commits of this process wake other processes of the service. A second call has no effect.
    pub(crate) fn report_commits_to(&self, others: WakeUps) {
        let _ = self.0.signals.elsewhere.set(others);
    }

    /// Wakes the sequencer and the deliveries of this process: another one added events.
    pub(crate) fn outbox_grew_elsewhere(&self) {
        self.0.signals.unnumbered.notify_one();
        self.0.signals.outbox.send_modify(|_| ());
    }

    /// Wakes a worker of this process, if it has one of this name.
    pub(crate) fn wake_worker(&self, name: &str) {
        if let Some(worker) = self.0.signals.workers.lock_unpoisoned().get(name) {
            worker.notify_one();
        }
    }

    /// Returns the notifier of the worker `name`, which [`Tx::notify_worker`] notifies.
    #[must_use]
    pub fn worker_notifier(&self, name: &'static str) -> Arc<Notify> {
        self.0.signals.worker(name)
    }

    /// Runs the database's own check of its files and a check of the foreign keys; on a server, a check of the settings that
    /// keep data safe.
    ///
    /// # Errors
    /// [`Error::Failed`] with the first faults found.
    pub async fn check(&self) -> Result<(), Error> {
        match &self.0.engine {
            Engine::Sqlite(_) => sqlite::check(self).await,
            Engine::Postgres(_) => postgres::check(self).await,
        }
    }
}

impl Signals {
    fn worker(&self, name: &'static str) -> Arc<Notify> {
        self.workers.lock_unpoisoned().entry(name).or_default().clone()
    }

    /// Wakes the sequencer, in whichever process it runs.
    fn report_unnumbered(&self) {
        self.unnumbered.notify_one();
        if let Some(elsewhere) = self.elsewhere.get() {
            elsewhere.add(&[], true);
        }
    }

    /// Wakes the deliveries if the outbox was shorter before.
    fn outbox_reached(&self, position: i64) {
        self.outbox.send_if_modified(|newest| {
            let grew = position > *newest;
            *newest = position.max(*newest);
            grew
        });
    }

    /// Wakes the deliveries and the workers that a committed unit notifies.
    fn run_commit_effects(&self, committed: tx::CommitEffects) {
        if let Some(elsewhere) = self.elsewhere.get() {
            elsewhere.add(&committed.wake, committed.newest_position.is_some());
        }
        if let Some(position) = committed.newest_position {
            self.outbox_reached(position);
        }
        for worker in committed.wake {
            self.worker(worker).notify_one();
        }
    }
}

#[cfg(test)]
mod tests;
