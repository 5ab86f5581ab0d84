//! Copies databases as they all are at one instant, while programs write to them.
//!
//! A copy of one database after the other would hold consumers that know more than their producers. So all databases are
//! locked for writing at once, for the moment in which a read transaction begins in each; the copies are made of what these
//! transactions see, while the writers go on. It is the state that a power failure at that instant would have left.

use super::{Error, tx::db_error};
use crate::env::Env;
use rusqlite::{Connection, ErrorCode, OpenFlags, backup::Backup};
use std::{
    fs::{self, File},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::Instant;

/// How long the writers may be stopped at most. Their own wait for a lock is longer.
const MAX_PAUSE: Duration = Duration::from_secs(2);
/// How often all locks are tried.
const ATTEMPTS: u32 = 10;
/// The pause before a lock is tried again: a busy writer leaves it free for some microseconds between two commits.
const LOCK_RETRY: Duration = Duration::from_micros(100);
/// The pause before all locks are tried again.
const ATTEMPT_RETRY: Duration = Duration::from_millis(500);
/// Pages that are copied in one step.
const STEP_PAGES: i32 = 4_096;

/// Copies the database files `names` of the folder `from` into the folder `into`, readable by their owner alone. They are
/// on stable storage when this returns. It blocks its thread.
///
/// # Errors
/// When a file cannot be read or written, or the databases cannot be locked in time.
pub fn copy_databases(env: &Env, from: &Path, names: &[String], into: &Path) -> Result<(), Error> {
    let snapshots = begin_snapshots(env, &names.iter().map(|name| from.join(name)).collect::<Vec<_>>())?;
    for (name, snapshot) in names.iter().zip(snapshots) {
        copy(&snapshot, &into.join(name)).map_err(|error| Error::Failed(format!("{name} cannot be copied: {error}")))?;
    }
    File::open(into).and_then(|folder| folder.sync_all()).map_err(io_error)
}

fn copy(snapshot: &Connection, to: &Path) -> Result<(), Error> {
    File::options().write(true).create_new(true).mode(0o600).open(to).map_err(io_error)?;
    let mut copy = open(to)?;
    // Nobody uses the copy before it is complete, and its pages are flushed below.
    copy.execute_batch("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;").map_err(db_error)?;
    Backup::new(snapshot, &mut copy).and_then(|backup| backup.run_to_completion(STEP_PAGES, Duration::ZERO, None)).map_err(db_error)?;
    copy.close().map_err(|(_, error)| db_error(error))?;
    File::open(to).and_then(|file| file.sync_all()).map_err(io_error)
}

/// Begins a read transaction in each database, all at one instant.
fn begin_snapshots(env: &Env, files: &[PathBuf]) -> Result<Vec<Connection>, Error> {
    let readers = files.iter().map(|file| open(file)).collect::<Result<Vec<_>, _>>()?;
    let writers = files.iter().map(|file| open(file)).collect::<Result<Vec<_>, _>>()?;
    for attempt in 1.. {
        let locked = lock_all(&writers)?;
        let begun = if locked { readers.iter().try_for_each(begin_read) } else { Ok(()) };
        for writer in writers.iter().filter(|writer| !writer.is_autocommit()) {
            writer.execute_batch("ROLLBACK").map_err(db_error)?;
        }
        match begun {
            Ok(()) if locked => break,
            Ok(()) if attempt < ATTEMPTS => pause(env.jitter(ATTEMPT_RETRY)),
            Ok(()) => return Err(Error::Failed("the databases are too busy: they could not be locked at one instant".into())),
            Err(error) => return Err(error),
        }
    }
    Ok(readers)
}

/// Locks all databases for writing. Returns false when that takes too long.
fn lock_all(writers: &[Connection]) -> Result<bool, Error> {
    let deadline = Instant::now() + MAX_PAUSE;
    for writer in writers {
        writer.busy_timeout(Duration::ZERO).map_err(db_error)?;
        while let Err(error) = writer.execute_batch("BEGIN IMMEDIATE") {
            if error.sqlite_error_code() != Some(ErrorCode::DatabaseBusy) {
                return Err(db_error(error));
            }
            if Instant::now() > deadline {
                return Ok(false);
            }
            pause(LOCK_RETRY);
        }
    }
    Ok(true)
}

/// Begins a read transaction. The snapshot is taken by its first read.
fn begin_read(reader: &Connection) -> Result<(), Error> {
    reader.execute_batch("BEGIN; SELECT COUNT(*) FROM sqlite_schema;").map_err(db_error)
}

#[expect(clippy::disallowed_methods, reason = "another process holds the lock, and nothing announces that it is free")]
fn pause(span: Duration) {
    std::thread::sleep(span);
}

fn open(file: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).map_err(|error| Error::Failed(format!("{}: {error}", file.display())))?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(db_error)?;
    Ok(connection)
}

/// The names of the database files in a folder, in the order in which they are locked.
///
/// # Errors
/// When the folder cannot be read.
pub fn list_databases(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        if let Ok(name) = entry?.file_name().into_string()
            && name.ends_with(".db")
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

#[expect(clippy::needless_pass_by_value, reason = "map_err passes it")]
fn io_error(error: io::Error) -> Error {
    Error::Failed(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TempFolder;
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    const NAMES: [&str; 2] = ["consumer.db", "producer.db"];

    fn make(folder: &Path) {
        for name in NAMES {
            let connection = Connection::open(folder.join(name)).unwrap();
            connection.execute_batch("PRAGMA journal_mode=WAL; CREATE TABLE events (position INTEGER PRIMARY KEY);").unwrap();
        }
    }

    fn count(folder: &Path, name: &str) -> i64 {
        let connection = Connection::open(folder.join(name)).unwrap();
        connection.query_row("SELECT COUNT(*) FROM events", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_consumer_never_knows_more_than_its_producer_in_a_copy() {
        let (folder, env) = (TempFolder::new(), Env::system());
        make(folder.path());
        let names = list_databases(folder.path()).unwrap();
        assert_eq!(names, NAMES, "the order in which copies would be made one after the other");
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, path) = (stop.clone(), folder.path().to_owned());
        let writer = env.spawn_thread("writer", move || {
            let [consumer, producer] = NAMES.map(|name| open(&path.join(name)).unwrap());
            while !stopped.load(Ordering::SeqCst) {
                for database in [&producer, &consumer] {
                    database.execute_batch("INSERT INTO events DEFAULT VALUES").unwrap();
                }
            }
        });
        let mut seen = 0;
        while seen < 200 {
            let copies = TempFolder::new();
            copy_databases(&env, folder.path(), &names, copies.path()).unwrap();
            let [consumed, announced] = NAMES.map(|name| count(copies.path(), name));
            assert!(consumed == announced || consumed + 1 == announced, "{consumed} of {announced}");
            assert!(announced >= seen);
            seen = announced;
        }
        stop.store(true, Ordering::SeqCst);
        writer.unwrap().join().unwrap();
    }

    #[test]
    fn a_file_that_exists_is_not_overwritten_and_one_that_is_missing_is_named() {
        let (folder, copies, env) = (TempFolder::new(), TempFolder::new(), Env::system());
        make(folder.path());
        let missing = copy_databases(&env, folder.path(), &["other.db".to_owned()], copies.path()).unwrap_err();
        assert!(missing.to_string().contains("other.db"), "{missing}");
        assert!(!folder.path().join("other.db").exists());
        fs::write(copies.path().join(NAMES[0]), "kept").unwrap();
        copy_databases(&env, folder.path(), &[NAMES[0].to_owned()], copies.path()).unwrap_err();
        assert_eq!(fs::read_to_string(copies.path().join(NAMES[0])).unwrap(), "kept");
    }
}
