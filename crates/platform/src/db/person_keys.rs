//! The keys of persons in the database files of a backup. They are kept apart: without them the copies of events say nothing about
//! anybody, and a person that was erased since stays so when the copies are restored.

use super::{Error, tx::db_error};
use contracts::ids::Uuid;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, path::Path};

/// A key of a person in one database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPersonKey {
    /// The name of the file.
    pub database: String,
    pub producer: String,
    pub person: Uuid,
    pub key: [u8; 32],
}

/// Removes the keys from the database files `names` of `folder`, which nobody else uses, and returns them.
///
/// # Errors
/// When a file cannot be read or written.
pub fn take(folder: &Path, names: &[String]) -> Result<Vec<StoredPersonKey>, Error> {
    let mut keys = Vec::new();
    for name in names {
        let database = open(&folder.join(name))?;
        if !has_table(&database, "person_keys")? {
            continue;
        }
        let mut statement =
            database.prepare("SELECT producer, person, key FROM person_keys ORDER BY producer, person").map_err(db_error)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, [u8; 16]>(1)?, row.get(2)?))).map_err(db_error)?;
        for row in rows {
            let (producer, person, key) = row.map_err(db_error)?;
            keys.push(StoredPersonKey { database: name.clone(), producer, person: Uuid::from_bytes(person), key });
        }
        database.execute("DELETE FROM person_keys", []).map_err(db_error)?;
    }
    Ok(keys)
}

/// Puts keys into the database files of `folder`, except those of persons that were `erased`, whose keys are removed.
///
/// # Errors
/// When a file cannot be read or written.
pub fn put(folder: &Path, names: &[String], keys: &[StoredPersonKey], erased: &BTreeSet<Uuid>) -> Result<(), Error> {
    for name in names {
        let mut database = open(&folder.join(name))?;
        if !has_table(&database, "person_keys")? {
            continue;
        }
        let tx = database.transaction().map_err(db_error)?;
        for StoredPersonKey { producer, person, key, .. } in keys.iter().filter(|key| key.database == *name) {
            let sql = "INSERT OR REPLACE INTO person_keys (producer, person, key) VALUES (?1, ?2, ?3)";
            tx.execute(sql, (producer, &person.as_bytes()[..], &key[..])).map_err(db_error)?;
        }
        for person in erased {
            tx.execute("DELETE FROM person_keys WHERE person = ?1", [&person.as_bytes()[..]]).map_err(db_error)?;
        }
        tx.commit().map_err(db_error)?;
    }
    Ok(())
}

/// Returns the persons that were erased, as a database file knows them. A database of an earlier version knows none.
///
/// # Errors
/// When the file cannot be read.
pub fn list_erased(file: &Path) -> Result<BTreeSet<Uuid>, Error> {
    let database = open(file)?;
    if !has_table(&database, "erased_persons")? {
        return Ok(BTreeSet::new());
    }
    let mut statement = database.prepare("SELECT person FROM erased_persons").map_err(db_error)?;
    let rows = statement.query_map([], |row| row.get::<_, [u8; 16]>(0)).map_err(db_error)?;
    rows.map(|row| row.map(Uuid::from_bytes).map_err(db_error)).collect()
}

fn has_table(database: &Connection, table: &str) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    Ok(database.query_row(sql, [table], |_| Ok(())).optional().map_err(db_error)?.is_some())
}

fn open(file: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(file, flags).map_err(|error| Error::Failed(format!("{}: {error}", file.display())))?;
    database.execute_batch("PRAGMA secure_delete=ON").map_err(db_error)?;
    Ok(database)
}
