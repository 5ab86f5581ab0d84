//! The unit of work over a service's own database.
//!
//! [`Db::write`] runs a closure as one transaction, [`Db::read`] as a read-only one on a consistent snapshot. The
//! closure may run more than once, so it touches nothing but its [`Tx`]: no call, no channel, no clock but
//! [`Tx::now`], no chance but [`Tx::new_id`]. The closure travels to the database's own thread and its future stays
//! there; so a unit never waits for anything but its database, and a slow caller never holds a transaction open.
//!
//! Guarantees: when `write` answers `Ok`, the unit is on stable storage, its events with it. When it answers `Err`,
//! nothing of it is there — except after [`Error::Unknown`], where only the database knows.

mod migrate;
mod rows;
mod select;
mod sqlite;
pub mod table;
mod tx;

pub use migrate::{Migration, OutdatedSchema};
pub use select::{Select, id_at, id_from};
pub use table::{Columns, Extra, Statements, Table};
pub use tx::{Row, Tx};

use crate::{
    context::Context,
    env::{Env, LockUnpoisoned},
    http::Problem,
};
use contracts::{
    column::{BadColumn, Column},
    problem::Code,
    time::Timestamp,
};
use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::{Notify, watch};

/// What a statement binds: `params![order.id, now]`.
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
    /// Too many units wait already: try again later.
    #[error("too many units of work wait for the database")]
    Busy,
    /// A constraint refused the statement; `name` is its name, or the columns of a unique index as `table.column`.
    #[error("the constraint {name} refused it")]
    Constraint { name: String },
    #[error("the database failed: {0}")]
    Failed(String),
    /// The commit was sent and its answer lost.
    #[error("the outcome of the commit is unknown: {0}")]
    Unknown(String),
    #[error(transparent)]
    Column(#[from] BadColumn),
    /// A schema that this program does not know.
    #[error("{0}")]
    Schema(String),
    #[error("the unit of work panicked")]
    Panicked,
}

impl Error {
    /// Whether the constraint over `columns`, such as `products.sku`, refused the statement.
    #[must_use]
    pub fn violates(&self, columns: &str) -> bool {
        matches!(self, Error::Constraint { name } if name == columns)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match error {
            Error::Busy => Problem::new(Code::OVERLOADED).detail("too many writes are waiting").retry_after(Duration::from_secs(1)),
            other => Problem::internal(&other),
        }
    }
}

/// A service's database. Cheap to clone.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    service: &'static str,
    env: Env,
    sqlite: sqlite::Sqlite,
    signals: Signals,
}

/// What a commit sets going.
struct Signals {
    /// The outbox grew: the position of its newest event.
    outbox: watch::Sender<i64>,
    /// A notifier for each worker, by name.
    workers: Mutex<HashMap<&'static str, Arc<Notify>>>,
}

impl Db {
    /// Opens the database of `service` in `folder` and brings it to the current schema.
    ///
    /// # Errors
    /// [`Error::Schema`] when an applied migration is unknown or was altered, [`Error::Failed`] otherwise.
    pub fn open(env: Env, service: &'static str, folder: &Path, migrations: &[Migration]) -> Result<Db, Error> {
        Db::open_as(env, service, folder, migrations, OutdatedSchema::Migrate)
    }

    /// [`Db::open`] that does with an older database what `older` says.
    ///
    /// # Errors
    /// As [`Db::open`]; [`Error::Schema`] for an older one that is refused.
    pub fn open_as(
        env: Env,
        service: &'static str,
        folder: &Path,
        migrations: &[Migration],
        outdated: OutdatedSchema,
    ) -> Result<Db, Error> {
        let signals = Signals { outbox: watch::Sender::new(0), workers: Mutex::default() };
        let sqlite = sqlite::Sqlite::open(&env, service, folder, migrations, outdated)?;
        let db = Db(Arc::new(Inner { service, env, sqlite, signals }));
        db.0.sqlite.start(&db.0)?;
        Ok(db)
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

    /// Runs `unit` as one transaction and answers after it is durable. Units that wait at the same time share one
    /// commit; a unit that fails rolls back alone.
    ///
    /// # Errors
    /// What the unit refused with, or an [`Error`] of the database.
    pub async fn write<T, E, F>(&self, unit: F) -> Result<T, E>
    where
        F: AsyncFn(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.0.sqlite.write(Context::current(), unit).await
    }

    /// Runs `unit` on a consistent snapshot. It never waits for writers; what it writes is refused.
    ///
    /// # Errors
    /// As [`Db::write`].
    #[expect(clippy::unused_async, reason = "over a network a read waits; callers must not depend on that it does not here")]
    pub async fn read<T, E, F>(&self, unit: F) -> Result<T, E>
    where
        F: AsyncFn(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.0.sqlite.read(&self.0, Context::current(), unit)
    }

    /// Wakes when this service's outbox grew.
    #[must_use]
    pub fn outbox_grew(&self) -> watch::Receiver<i64> {
        self.0.signals.outbox.subscribe()
    }

    /// The notifier of the worker `name`: [`Tx::notify_worker`] rings it.
    #[must_use]
    pub fn worker_notifier(&self, name: &'static str) -> Arc<Notify> {
        self.0.signals.workers.lock_unpoisoned().entry(name).or_default().clone()
    }

    /// Checks the files: the database's own integrity check and foreign keys.
    ///
    /// # Errors
    /// With what is wrong.
    pub async fn check(&self) -> Result<(), Error> {
        self.read(async |tx| {
            let mut faults: Vec<String> = tx.query("PRAGMA integrity_check(5)", &[], |row| row.next()).await?;
            faults.retain(|line| line != "ok");
            let orphans: Vec<String> = tx.query("SELECT \"table\" FROM pragma_foreign_key_check", &[], |row| row.next()).await?;
            faults.extend(orphans.iter().take(5).map(|table| format!("a row of {table} belongs to one that is not there")));
            if faults.is_empty() { Ok(()) } else { Err(Error::Failed(faults.join("; "))) }
        })
        .await
    }
}

impl Inner {
    /// Rings what a committed unit asked for.
    fn run_commit_effects(&self, committed: tx::CommitEffects) {
        if let Some(position) = committed.newest_position {
            self.signals.outbox.send_if_modified(|newest| {
                let grew = position > *newest;
                *newest = position.max(*newest);
                grew
            });
        }
        for worker in committed.wake {
            self.signals.workers.lock_unpoisoned().entry(worker).or_default().notify_one();
        }
    }
}

#[cfg(test)]
mod tests;
