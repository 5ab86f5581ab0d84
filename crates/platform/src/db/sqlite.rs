//! The embedded database: one file, one writer thread, and readers on the threads of their callers.
//!
//! Group commit: the writer runs all queued units in one transaction, commits, and only then returns their results. Many
//! callers share one fsync, and no caller gets a result before it is on the disk. With WAL and `synchronous=FULL` a
//! power loss costs no result that was returned.

use super::{
    Db, Error, Signals,
    migrate::{self, Options},
    storage::Storage,
    tx::{CommitEffects, Origin, Session, Tx, check_in_transaction, db_error},
    unit::{MAX_QUEUED_UNITS, Unit},
};
use crate::env::{Env, LockUnpoisoned};
use contracts::ids::Uuid;
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    pin::pin,
    rc::Rc,
    sync::{Arc, Mutex},
    task::{Poll, Waker},
};
use tokio::sync::mpsc;

/// The most units that share one commit, which bounds how long the first of them waits.
const MAX_GROUP_UNITS: usize = 256;
/// The most idle reader connections that are kept.
const MAX_IDLE_READERS: usize = 8;

pub(super) struct Sqlite {
    origin: Arc<Origin>,
    file: DatabaseFile,
    queue: mpsc::Sender<Box<dyn Unit>>,
    readers: Mutex<Vec<Connection>>,
}

/// Units in the order in which they were queued.
type UnitQueue = mpsc::Receiver<Box<dyn Unit>>;

/// The file that every connection opens.
struct DatabaseFile(PathBuf);

/// A unit failed, so its changes must be rolled back.
struct RolledBack;

/// Runs a unit inside the transaction of its group.
fn run(unit: &mut dyn Unit, connection: &Rc<Connection>, origin: &Arc<Origin>) -> Result<CommitEffects, RolledBack> {
    if unit.is_abandoned() {
        return Ok(CommitEffects::default());
    }
    let context = unit.context().clone();
    let ran = catch_unwind(AssertUnwindSafe(|| {
        let mut tx = Tx::new(Session::Sqlite(connection.clone()), origin.clone(), context.clone());
        let succeeded = context.sync_scope(|| poll_once(unit.run(&mut tx)));
        match succeeded {
            true => poll_once(tx.encrypt_personal_fields()).and_then(|()| tx.write_outbox(connection)).map_err(Some),
            false => Err(None),
        }
    }));
    ran.unwrap_or(Err(Some(Error::Panicked))).map_err(|error| {
        if let Some(error) = error {
            unit.fail(error);
        }
        RolledBack
    })
}

/// Returns the value of a future that never waits: each statement of a unit is complete when it returns.
fn poll_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut std::task::Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a unit of work waited for something other than its transaction"),
    }
}

impl Sqlite {
    /// Opens the database and starts its writer thread, which ends when the last handle is dropped and the queue is empty.
    pub fn open(
        env: &Env,
        service: &'static str,
        folder: &Path,
        options: Options<'_>,
        signals: Arc<Signals>,
        storage: Arc<Storage>,
    ) -> Result<(Sqlite, Uuid), Error> {
        std::fs::create_dir_all(folder).map_err(|error| Error::Failed(format!("cannot create {}: {error}", folder.display())))?;
        let file = DatabaseFile(folder.join(format!("{service}.db")));
        let mut writer = file.connect()?;
        let identity = migrate::apply(&mut writer, env, service, options)?;
        let (queue, queued) = mpsc::channel(MAX_QUEUED_UNITS);
        let origin = Arc::new(Origin { service, env: env.clone(), path: file.0.clone(), storage });
        let of = origin.clone();
        env.spawn_thread(&format!("{service}-writer"), move || write_until_closed(writer, queued, &signals, &of))
            .map_err(|error| Error::Failed(format!("cannot start the writer: {error}")))?;
        Ok((Sqlite { origin, file, queue, readers: Mutex::default() }, identity))
    }

    /// Queues a unit for the writer.
    pub fn queue(&self, unit: Box<dyn Unit>) -> Result<(), Error> {
        self.queue.try_send(unit).map_err(|_| Error::Busy)
    }

    /// Writers wait meanwhile, so it gives up after a second.
    pub async fn truncate_log(&self) -> Result<bool, Error> {
        let path = self.origin.path.clone();
        let truncate = move || {
            let connection = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(db_error)?;
            connection.busy_timeout(std::time::Duration::from_secs(1)).map_err(db_error)?;
            let is_busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(db_error)?;
            Ok(!is_busy)
        };
        self.origin.env.spawn_blocking(truncate).await.map_err(|error| Error::Failed(error.to_string()))?
    }

    pub fn queued_units(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// Runs a unit that reads, on the thread of its caller.
    pub fn read(&self, unit: &mut dyn Unit) -> Result<(), Error> {
        let correlation_id = unit.correlation_id().clone();
        let idle = self.readers.lock_unpoisoned().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.file.connect_read_only().inspect_err(|error| self.origin.record(error, &correlation_id))?,
        };
        let connection = Rc::new(connection);
        let begun = execute(&connection, "BEGIN").inspect_err(|error| self.origin.record(error, &correlation_id));
        if begun.is_ok() {
            let mut tx = Tx::new(Session::Sqlite(connection.clone()), self.origin.clone(), unit.context().clone());
            // The unit keeps what it read, and its error.
            poll_once(unit.run(&mut tx));
        }
        // An open read transaction lets the write-ahead log grow, so it ends whatever happened.
        let ended = execute(&connection, "COMMIT");
        if let (Ok(()), Some(connection)) = (ended, Rc::into_inner(connection)) {
            let mut readers = self.readers.lock_unpoisoned();
            if readers.len() < MAX_IDLE_READERS {
                readers.push(connection);
            }
        }
        begun
    }
}

impl DatabaseFile {
    fn connect(&self) -> Result<Connection, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.0, flags).map_err(db_error)?;
        // `temp_store=MEMORY`: the pages of a savepoint would go to a temporary file, a fifth of a busy writer's time.
        // Without QPSG this SQLite prepares a cached statement again whenever a bound value could change its plan.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(db_error)?;
        connection.set_prepared_statement_cache_capacity(256);
        connection.busy_timeout(std::time::Duration::from_secs(10)).map_err(db_error)?;
        connection
            .execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON; PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-2000;")
            .map_err(db_error)?;
        Ok(connection)
    }

    fn connect_read_only(&self) -> Result<Connection, Error> {
        let connection = self.connect()?;
        // Many readers read the same pages: the system caches them once, each connection would cache them again.
        connection.execute_batch("PRAGMA query_only=ON; PRAGMA cache_size=-1000;").map_err(db_error)?;
        Ok(connection)
    }
}

fn execute(connection: &Connection, sql: &str) -> Result<(), Error> {
    connection.prepare_cached(sql).and_then(|mut statement| statement.raw_execute()).map(|_| ()).map_err(db_error)
}

/// Runs the database's own check, and a check of the foreign keys.
pub(super) async fn check(db: &Db) -> Result<(), Error> {
    db.read(async |tx| {
        let mut faults: Vec<String> = tx.query("PRAGMA integrity_check(5)", &[], |row| row.next()).await?;
        faults.retain(|line| line != "ok");
        let orphans: Vec<String> = tx.query("SELECT \"table\" FROM pragma_foreign_key_check", &[], |row| row.next()).await?;
        faults.extend(orphans.iter().take(5).map(|table| format!("a row of {table} refers to a row that does not exist")));
        if faults.is_empty() { Ok(()) } else { Err(Error::Failed(faults.join("; "))) }
    })
    .await
}

fn write_until_closed(connection: Connection, mut queued: UnitQueue, signals: &Signals, origin: &Arc<Origin>) {
    let connection = Rc::new(connection);
    let mut group = Vec::with_capacity(MAX_GROUP_UNITS);
    while let Some(first) = queued.blocking_recv() {
        group.push(first);
        let (commit, effects) = commit_group(&connection, &mut group, &mut queued, origin);
        signals.run_commit_effects(effects);
        metrics::histogram!("souk_db_group_units", "service" => origin.service).record(group.len() as f64);
        for unit in group.drain(..) {
            unit.answer(commit.clone());
        }
    }
}

/// Runs the units of `group`, and those that are queued meanwhile, in one transaction.
///
/// Few units fail, and a savepoint copies every page that its unit changes. So units run without savepoints first. When
/// one fails after others, the transaction is rolled back, and all run again with a savepoint each.
fn commit_group(
    connection: &Rc<Connection>,
    group: &mut Vec<Box<dyn Unit>>,
    queued: &mut UnitQueue,
    origin: &Arc<Origin>,
) -> (Result<(), Error>, CommitEffects) {
    let run = |unit: &mut Box<dyn Unit>| run(&mut **unit, connection, origin);
    let outcome = run_without_savepoints(connection, group, queued, run).and_then(|together| match together {
        Some(effects) => Ok(effects),
        None => run_with_savepoints(connection, group, run),
    });
    match outcome.and_then(|effects| commit(connection, origin).map(|()| effects)) {
        Ok(effects) => (Ok(()), effects),
        Err(error) => {
            // Without a transaction there is nothing to roll back, which is an error too.
            let _ = execute(connection, "ROLLBACK");
            match &error {
                Error::StorageFull(_) | Error::Unknown(_) | Error::Damaged(_) => {
                    group.iter().for_each(|unit| origin.record(&error, unit.correlation_id()));
                }
                _ => tracing::error!(target: "db", service = origin.service, %error, "a commit failed; all of its units fail with it"),
            }
            (Err(error), CommitEffects::default())
        }
    }
}

/// Commits. The outcome is unknown only when the statement itself fails: the next start may then find the changes. Without
/// room the log lacks the end of the transaction, so nothing of it is found.
fn commit(connection: &Connection, origin: &Origin) -> Result<(), Error> {
    check_in_transaction(connection)?;
    let begun = origin.env.now();
    let statement = connection.prepare_cached("COMMIT").and_then(|mut statement| statement.raw_execute());
    let seconds = origin.env.now().since(begun).as_secs_f64();
    metrics::histogram!("souk_db_commit_duration_seconds", "service" => origin.service).record(seconds);
    match statement {
        Ok(_) => Ok(()),
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull) => Err(db_error(error)),
        Err(error) => Err(Error::Unknown(error.to_string())),
    }
}

/// Begins a transaction and runs the units in it. Returns `None` when one failed after others; all is rolled back then.
fn run_without_savepoints(
    connection: &Connection,
    group: &mut Vec<Box<dyn Unit>>,
    queued: &mut UnitQueue,
    run: impl Fn(&mut Box<dyn Unit>) -> Result<CommitEffects, RolledBack>,
) -> Result<Option<CommitEffects>, Error> {
    let mut all: Option<CommitEffects> = None;
    let mut next = 0;
    execute(connection, "BEGIN IMMEDIATE")?;
    while next < group.len() {
        match run(&mut group[next]) {
            Ok(effects) => all.get_or_insert_default().merge(effects),
            Err(RolledBack) => {
                // A full disk ended the transaction already, with the changes of the units before.
                if !connection.is_autocommit() {
                    execute(connection, "ROLLBACK")?;
                } else if all.is_some() {
                    check_in_transaction(connection)?;
                }
                if all.is_some() {
                    return Ok(None);
                }
                execute(connection, "BEGIN IMMEDIATE")?;
            }
        }
        next += 1;
        if next == group.len()
            && group.len() < MAX_GROUP_UNITS
            && let Ok(unit) = queued.try_recv()
        {
            group.push(unit);
        }
    }
    Ok(Some(all.unwrap_or_default()))
}

/// Begins a transaction and runs each unit in a savepoint of its own.
fn run_with_savepoints(
    connection: &Connection,
    group: &mut [Box<dyn Unit>],
    run: impl Fn(&mut Box<dyn Unit>) -> Result<CommitEffects, RolledBack>,
) -> Result<CommitEffects, Error> {
    let mut all = CommitEffects::default();
    execute(connection, "BEGIN IMMEDIATE")?;
    for unit in group {
        execute(connection, "SAVEPOINT unit")?;
        match run(unit) {
            Ok(effects) => all.merge(effects),
            Err(RolledBack) => {
                check_in_transaction(connection)?;
                execute(connection, "ROLLBACK TO unit")?;
            }
        }
        execute(connection, "RELEASE unit")?;
    }
    Ok(all)
}
