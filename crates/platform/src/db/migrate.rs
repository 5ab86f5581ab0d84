//! Numbered SQL files. Each is applied once and is never edited after it shipped.

use super::{Error, tx::db_error};
use crate::{env::Env, hex};
use contracts::ids::Uuid;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, config::DbConfig};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// One file of a service's `migrations/` folder, such as `0001_orders`. They are applied in the order of their names.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    pub name: &'static str,
    pub sql: &'static str,
}

/// The tables of the platform in every service's database.
pub(super) const PLATFORM: &[Migration] = &[
    Migration { name: "platform_0001_messages", sql: include_str!("../../migrations/platform_0001_messages.sql") },
    Migration { name: "platform_0002_actors", sql: include_str!("../../migrations/platform_0002_actors.sql") },
    Migration { name: "platform_0003_blocked", sql: include_str!("../../migrations/platform_0003_blocked.sql") },
    Migration { name: "platform_0005_holders", sql: include_str!("../../migrations/platform_0005_holders.sql") },
    Migration { name: "platform_0006_identity", sql: include_str!("../../migrations/platform_0006_identity.sql") },
    Migration { name: "platform_0007_key_order", sql: include_str!("../../migrations/platform_0007_key_order.sql") },
    Migration { name: "platform_0008_leases", sql: include_str!("../../migrations/platform_0008_leases.sql") },
    Migration { name: "platform_0009_person_keys", sql: include_str!("../../migrations/platform_0009_person_keys.sql") },
    Migration { name: "platform_0010_answer_owners", sql: include_str!("../../migrations/platform_0010_answer_owners.sql") },
    Migration { name: "platform_0011_erased_persons", sql: include_str!("../../migrations/platform_0011_erased_persons.sql") },
];

/// What happens to a database with an older schema than the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutdatedSchema {
    /// It is migrated.
    Migrate,
    /// It is refused: a tool that inspects an installation must not make it unusable for the running program.
    Refuse,
}

/// How one database is opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options<'a> {
    pub migrations: &'a [Migration],
    pub outdated: OutdatedSchema,
    /// Whether a database that is made now replaces a lost one.
    pub replaces_lost: bool,
}

/// Migrates the database to the current schema, or checks that it has that schema, and returns its identity. It runs in a
/// write transaction, so a second process waits and then finds nothing to do.
pub(super) fn apply(connection: &mut Connection, env: &Env, service: &str, options: Options<'_>) -> Result<Uuid, Error> {
    let Options { migrations, outdated, replaces_lost } = options;
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(db_error)?;
    tx.execute_batch(
        "CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL) WITHOUT ROWID",
    )
    .map_err(db_error)?;
    let applied: HashMap<String, String> = tx
        .prepare("SELECT name, checksum FROM migrations")
        .and_then(|mut statement| statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
        .map_err(db_error)?;
    for migration in pending(applied, PLATFORM.iter().chain(migrations), outdated)? {
        tx.execute_batch(migration.sql).map_err(|error| Error::Schema(format!("migration {}: {error}", migration.name)))?;
        tx.execute(
            "INSERT INTO migrations (name, checksum, applied_at) VALUES ($1, $2, $3)",
            rusqlite::params![migration.name, checksum(migration.sql), env.now().0],
        )
        .map_err(db_error)?;
    }
    let known = tx.query_row("SELECT database_id FROM database_identity", [], |row| row.get(0)).optional().map_err(db_error)?;
    let id = match known {
        Some(bytes) => Uuid::from_bytes(bytes),
        None => {
            // Databases are opened at the same time, which would make the ids of a seeded environment depend on their order.
            let id: Uuid = Env::system().new_id();
            tx.execute(
                "INSERT INTO database_identity (database_id, service, replaces_lost) VALUES ($1, $2, $3)",
                rusqlite::params![id.as_bytes(), service, replaces_lost],
            )
            .map_err(db_error)?;
            id
        }
    };
    tx.commit().map_err(db_error)?;
    Ok(id)
}

/// Returns the migrations that are to be applied, for a database with those in `applied`: their names and checksums.
pub(super) fn pending<'a>(
    mut applied: HashMap<String, String>,
    known: impl Iterator<Item = &'a Migration>,
    outdated: OutdatedSchema,
) -> Result<Vec<&'a Migration>, Error> {
    let mut pending = Vec::new();
    for migration in known {
        match applied.remove(migration.name) {
            Some(before) if before == checksum(migration.sql) => {}
            Some(_) => {
                return Err(Error::Schema(format!(
                    "migration {} was applied in another version: a migration that shipped is never edited",
                    migration.name
                )));
            }
            None if outdated == OutdatedSchema::Refuse => {
                return Err(Error::Schema(format!("migration {} is not applied yet; `souk migrate` does it", migration.name)));
            }
            None => pending.push(migration),
        }
    }
    match applied.keys().min() {
        Some(name) => {
            Err(Error::Schema(format!("the database holds migration {name}, which this program does not know: it was used by a newer one")))
        }
        None => Ok(pending),
    }
}

/// Opens an empty database in memory that has the current schema, for tests that prepare statements. A name in double
/// quotes that no column has is an error in it, and not a text.
pub(crate) fn in_memory(migrations: &[Migration]) -> Result<Connection, Error> {
    let mut connection = Connection::open_in_memory().map_err(db_error)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false).map_err(db_error)?;
    let options = Options { migrations, outdated: OutdatedSchema::Migrate, replaces_lost: false };
    apply(&mut connection, &Env::system(), "memory", options)?;
    Ok(connection)
}

pub(super) fn checksum(sql: &str) -> String {
    hex::encode(&Sha256::digest(sql.as_bytes()))
}
