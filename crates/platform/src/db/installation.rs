//! The databases of an installation as one: what it made is known to all of them.
//!
//! Each database stores the identities of all others. So a database that is missing, empty, damaged or of another
//! installation is a loss and no first start, and it stops the start until the operator accepts it. Before the end of the
//! first start no database knows another, and a first start that was interrupted is continued.

use super::{
    Db, Error, Migration, OutdatedSchema, Place,
    migrate::{Options, PLATFORM},
    postgres,
    storage::Storage,
    tx::db_error,
};
use crate::{env::Env, params};
use contracts::ids::Uuid;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// The services of the programs that stored no identities. In an installation of such a program all of them have a database.
const BEFORE_IDENTITIES: [&str; 11] =
    ["auth", "user", "catalog", "search", "cart", "order", "payment", "inventory", "shipping", "notification", "audit"];
/// A database up to this size is checked before the start. A larger one is checked while the services run.
const CHECKED_BEFORE: u64 = 128 << 20;
/// How long a statement waits for another process.
const BUSY: Duration = Duration::from_secs(10);

/// A database that is to be opened.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub service: &'static str,
    pub migrations: &'static [Migration],
    pub place: Place,
}

impl Wanted {
    /// The file of the database, or its name and server.
    fn shown(&self) -> String {
        match &self.place {
            Place::Folder(folder) => path(folder, self.service).display().to_string(),
            Place::Server(address) => address.shown(self.service),
        }
    }
}

/// How the databases of an installation are opened.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'a> {
    pub outdated: OutdatedSchema,
    /// Services whose lost database is made anew.
    pub accepted_losses: &'a [String],
    /// Whether the data directory was used before, even if it holds no database.
    pub used: bool,
}

impl Opening<'_> {
    /// For a data directory that may be new. No loss is accepted.
    #[must_use]
    pub fn new(outdated: OutdatedSchema) -> Opening<'static> {
        Opening { outdated, accepted_losses: &[], used: false }
    }
}

/// A database as it was found.
pub(super) enum Found {
    Missing,
    /// It holds no table of the platform.
    Empty,
    Damaged(String),
    Database(Contents),
}

#[derive(Default)]
pub(super) struct Contents {
    /// `None` in a database of a program that stored no identities.
    pub id: Option<Uuid>,
    pub owner: Option<String>,
    pub known: BTreeMap<Uuid, String>,
}

type Files = BTreeMap<&'static str, Found>;

/// Opens the databases, all at the same time.
///
/// # Errors
/// [`Error::Lost`] when one is lost and its loss is not accepted, otherwise those of [`Db::open_as`].
pub(crate) fn open_all(
    env: &Env,
    wanted: &[Wanted],
    opening: Opening<'_>,
    storage: &Arc<Storage>,
) -> Result<BTreeMap<&'static str, Db>, Error> {
    let files = {
        let all = Arc::<[Wanted]>::from(wanted);
        in_threads(env, wanted, move |one| inspect(one, &all))?
    };
    let losses = losses(&files, opening.used);
    let is_accepted = |service: &str| opening.accepted_losses.iter().any(|name| name == service);
    let mut refused = Vec::new();
    for one in wanted {
        let Some(why) = losses.get(one.service) else { continue };
        if !is_accepted(one.service) {
            refused.push(refusal_of(one, why));
        }
    }
    if !refused.is_empty() {
        refused.sort();
        return Err(Error::Lost(refused.join("\n")));
    }
    for one in wanted {
        let (Some(why), service) = (losses.get(one.service), one.service) else { continue };
        let file = one.shown();
        tracing::warn!(target: "db", service, file, why, "the loss of the database is accepted; it is made anew");
        rename_lost(env, one).map_err(|error| Error::Failed(format!("{file} cannot be renamed: {error}")))?;
    }
    for name in opening.accepted_losses.iter().filter(|name| !losses.contains_key(name.as_str())) {
        tracing::warn!(target: "db", service = name, "its database is not lost, so --accept-loss has no effect; remove it");
    }
    let lost: BTreeSet<&str> = losses.into_keys().collect();
    let opened = {
        let (env, storage, outdated) = (env.clone(), storage.clone(), opening.outdated);
        in_threads(&env.clone(), wanted, move |one| {
            let options = Options { migrations: one.migrations, outdated, replaces_lost: lost.contains(one.service) };
            let opened = Db::open_with(env.clone(), one.service, &one.place, options, storage.clone());
            opened.map_err(|error| match error {
                Error::Damaged(why) => Error::Lost(refusal_of(one, &why)),
                Error::StorageFull(why) => Error::StorageFull(format!("{}: {why}", one.shown())),
                other => Error::Schema(format!("the database of {}: {other}", one.service)),
            })
        })?
    };
    if opening.outdated == OutdatedSchema::Migrate {
        introduce(env, wanted, &files, &opened)?;
        check_large(env, wanted, storage)?;
    }
    Ok(opened)
}

fn refusal_of(one: &Wanted, why: &str) -> String {
    match &one.place {
        Place::Folder(folder) => refusal(&path(folder, one.service), one.service, why),
        Place::Server(address) => format!(
            "{}: {why}. Restore it on the server (`pg_restore`); or go on without its data and make it anew with `--accept-loss {}`",
            address.shown(one.service),
            one.service
        ),
    }
}

/// Returns the sentence with which a lost or damaged database refuses the start.
pub(super) fn refusal(file: &Path, service: &str, why: &str) -> String {
    format!(
        "{}: {why}. Restore it from a backup (`souk restore`); or go on without its data and make it anew with `--accept-loss {service}`",
        file.display()
    )
}

/// Checks the mark that databases store of the installation's secret, and stores `mark` where there is none. `mark` is derived
/// from the secret and does not reveal it.
///
/// # Errors
/// [`Error::Lost`] when a database was used with another secret.
pub async fn check_secret(databases: &BTreeMap<&'static str, Db>, file: &Path, mark: [u8; 16]) -> Result<(), Error> {
    for (service, db) in databases {
        let stored: Option<Vec<u8>> = db.read(async |tx| tx.query_one(SECRET_MARK, &[], |row| row.next()).await).await?;
        match stored {
            Some(known) if known == mark => {}
            Some(_) => {
                return Err(Error::Lost(format!(
                    "{} is not the secret that the database of {service} was used with. Restore the right one from a backup",
                    file.display()
                )));
            }
            None => {
                let set = "UPDATE database_identity SET secret_mark = $1";
                db.write(async move |tx| tx.execute(set, params![mark]).await).await.map(|_: u64| ())?;
            }
        }
    }
    Ok(())
}

/// Whether a database was used with a secret.
///
/// # Errors
/// Those of the databases.
pub async fn has_secret_mark(databases: &BTreeMap<&'static str, Db>) -> Result<bool, Error> {
    for db in databases.values() {
        let stored: Option<Vec<u8>> = db.read(async |tx| tx.query_one(SECRET_MARK, &[], |row| row.next()).await).await?;
        if stored.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

const SECRET_MARK: &str = "SELECT secret_mark FROM database_identity";

/// Reads what the database of a service holds.
fn inspect(one: &Wanted, all: &[Wanted]) -> Result<Found, Error> {
    match &one.place {
        Place::Folder(folder) => inspect_file(folder, one, all),
        Place::Server(address) => postgres::inspect(address, one.service),
    }
}

fn inspect_file(folder: &Path, one: &Wanted, all: &[Wanted]) -> Result<Found, Error> {
    let path = path(folder, one.service);
    let bytes = match fs::metadata(&path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Missing),
        Err(error) => return Err(Error::Failed(format!("{} cannot be read: {error}", path.display()))),
    };
    if bytes == 0 {
        return Ok(Found::Empty);
    }
    let read = connect(&path).and_then(|connection| {
        if bytes <= CHECKED_BEFORE {
            check(&connection)?;
        }
        contents(&connection, all)
    });
    match read {
        Ok(Some(contents)) => Ok(Found::Database(contents)),
        Ok(None) => Ok(Found::Empty),
        Err(Error::Damaged(why)) => Ok(Found::Damaged(why)),
        Err(error) => Err(Error::Failed(format!("{}: {error}", path.display()))),
    }
}

/// Reads the whole file and fails when a page is damaged.
fn check(connection: &Connection) -> Result<(), Error> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(db_error)?;
    if found == "ok" { Ok(()) } else { Err(Error::Damaged(found.split_whitespace().collect::<Vec<_>>().join(" "))) }
}

fn contents(connection: &Connection, all: &[Wanted]) -> Result<Option<Contents>, Error> {
    if !has_table(connection, "migrations")? {
        return Ok(None);
    }
    let migrations: BTreeSet<String> = list(connection, "SELECT name FROM migrations", |row| row.get(0))?.into_iter().collect();
    if !migrations.contains(PLATFORM[0].name) {
        return Ok(None);
    }
    let mut contents = Contents::default();
    if has_table(connection, "database_identity")? {
        let identity = connection
            .query_row("SELECT database_id, service FROM database_identity", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .map_err(db_error)?;
        let Some((id, owner)) = identity else { return Ok(None) };
        let known =
            list(connection, "SELECT database_id, service FROM known_databases", |row| Ok((Uuid::from_bytes(row.get(0)?), row.get(1)?)))?;
        contents = Contents { id: Some(Uuid::from_bytes(id)), owner: Some(owner), known: known.into_iter().collect() };
    } else {
        // The tables of an older database show which service it belongs to.
        let of = |wanted: &&Wanted| wanted.migrations.first().is_some_and(|first| migrations.contains(first.name));
        contents.owner = all.iter().find(of).map(|wanted| wanted.service.to_owned());
    }
    Ok(Some(contents))
}

/// The services whose databases are lost, and why.
fn losses(files: &Files, used: bool) -> BTreeMap<&'static str, String> {
    let databases = || files.values().filter_map(|found| if let Found::Database(contents) = found { Some(contents) } else { None });
    let mut expected: BTreeSet<&str> = databases().flat_map(|contents| contents.known.values().map(String::as_str)).collect();
    if databases().any(|contents| contents.id.is_none()) || (used && expected.is_empty()) {
        expected.extend(BEFORE_IDENTITIES);
    }
    let mut lost = BTreeMap::new();
    for (service, found) in files {
        let why = match found {
            Found::Missing if expected.contains(service) => "this database of the installation is missing".to_owned(),
            Found::Empty if expected.contains(service) => "this database of the installation is empty".to_owned(),
            Found::Missing | Found::Empty => continue,
            Found::Damaged(why) => format!("the database is damaged ({why})"),
            Found::Database(contents) => match contents.owner.as_deref().filter(|owner| owner != service) {
                Some(owner) => format!("it is the database of {owner}, and not of {service}"),
                None if is_foreign(service, contents, files) => "it is a database of another installation".to_owned(),
                None => continue,
            },
        };
        lost.insert(*service, why);
    }
    lost
}

/// Whether most of the other databases know another one of this service, and it knows few of them.
fn is_foreign(service: &str, contents: &Contents, files: &Files) -> bool {
    let Some(id) = contents.id else { return false };
    let (mut strangers, mut friends) = (0, 0);
    for (name, found) in files {
        let Found::Database(other) = found else { continue };
        let Some(other_id) = other.id.filter(|_| *name != service && other.known.values().any(|known| known == service)) else { continue };
        if other.known.contains_key(&id) || contents.known.contains_key(&other_id) { friends += 1 } else { strangers += 1 }
    }
    strangers > friends
}

/// Writes the identities of all databases into every database.
fn introduce(env: &Env, wanted: &[Wanted], files: &Files, opened: &BTreeMap<&'static str, Db>) -> Result<(), Error> {
    let mut all: BTreeMap<Uuid, String> = opened.values().map(|db| (db.identity(), db.service().to_owned())).collect();
    for found in files.values() {
        if let Found::Database(contents) = found {
            all.extend(contents.known.iter().map(|(id, service)| (*id, service.clone())));
        }
    }
    let is_told = |one: &Wanted| match &files[one.service] {
        Found::Database(contents) if contents.id == Some(opened[one.service].identity()) => contents.known.len() == all.len(),
        _ => false,
    };
    let untold: Vec<Wanted> = wanted.iter().filter(|one| !is_told(one)).cloned().collect();
    let all = Arc::new(all);
    in_threads(env, &untold, move |one| match &one.place {
        Place::Folder(folder) => introduce_to_file(&path(folder, one.service), &all),
        Place::Server(address) => postgres::introduce(address, one.service, &all),
    })
    .map(|_| ())
}

fn introduce_to_file(file: &Path, all: &BTreeMap<Uuid, String>) -> Result<(), Error> {
    let mut connection = connect(file)?;
    let tx = connection.transaction().map_err(db_error)?;
    for (id, service) in all {
        tx.execute(
            "INSERT INTO known_databases (database_id, service) VALUES ($1, $2) ON CONFLICT (database_id) DO NOTHING",
            rusqlite::params![id.as_bytes(), service],
        )
        .map_err(db_error)?;
    }
    tx.commit().map_err(db_error)?;
    // Without its log a database is older then, and not empty.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(db_error)
}

/// Checks the files that were too large to be checked before. A damaged one ends the process.
fn check_large(env: &Env, wanted: &[Wanted], storage: &Arc<Storage>) -> Result<(), Error> {
    for one in wanted {
        let Place::Folder(folder) = &one.place else { continue };
        let path = path(folder, one.service);
        if fs::metadata(&path).is_ok_and(|metadata| metadata.len() > CHECKED_BEFORE) {
            let (service, storage) = (one.service, storage.clone());
            let checks = move || {
                if let Err(error @ Error::Damaged(_)) = connect(&path).and_then(|connection| check(&connection)) {
                    storage.record_damaged(refusal(&path, service, &error.to_string()));
                }
            };
            env.spawn_thread(&format!("{service}-check"), checks).map_err(|error| Error::Failed(error.to_string()))?;
        }
    }
    Ok(())
}

/// Renames a lost database, so that it is neither used nor destroyed.
fn rename_lost(env: &Env, one: &Wanted) -> Result<(), Error> {
    match &one.place {
        Place::Folder(folder) => rename_file(env, &path(folder, one.service)).map_err(|error| Error::Failed(error.to_string())),
        Place::Server(address) => {
            let (env_there, address) = (env.clone(), address.clone());
            let renamed = in_threads(env, std::slice::from_ref(one), move |one| postgres::rename_lost(&env_there, &address, one.service));
            renamed.map(|_| ())
        }
    }
}

/// Renames a file and its log.
fn rename_file(env: &Env, path: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let with = |end: &str| {
            let mut name = OsString::from(path);
            name.push(end);
            name
        };
        match fs::rename(with(suffix), with(&format!(".lost-{}{suffix}", env.now().unix_seconds()))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn path(folder: &Path, service: &str) -> PathBuf {
    folder.join(format!("{service}.db"))
}

/// Opens a database that exists.
fn connect(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(db_error)?;
    connection.busy_timeout(BUSY).map_err(db_error)?;
    connection.execute_batch("PRAGMA synchronous=FULL").map_err(db_error)?;
    Ok(connection)
}

fn has_table(connection: &Connection, table: &str) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1";
    Ok(connection.query_row(sql, [table], |_| Ok(())).optional().map_err(db_error)?.is_some())
}

fn list<T>(connection: &Connection, sql: &str, read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>) -> Result<Vec<T>, Error> {
    connection.prepare(sql).and_then(|mut statement| statement.query_map([], read)?.collect()).map_err(db_error)
}

/// Runs `work` for each database in a thread of its own. Returns the first error in the order of the names.
fn in_threads<T: Send + 'static>(
    env: &Env,
    wanted: &[Wanted],
    work: impl Fn(&Wanted) -> Result<T, Error> + Send + Sync + 'static,
) -> Result<BTreeMap<&'static str, T>, Error> {
    let work = Arc::new(work);
    let (send, receive) = std::sync::mpsc::sync_channel(wanted.len());
    for one in wanted {
        let (one, send, work) = (one.clone(), send.clone(), work.clone());
        let name = format!("{}-open", one.service);
        let run = move || {
            // The receiver lives until every sender is gone.
            let _ = send.send((one.service, work(&one)));
        };
        env.spawn_thread(&name, run).map_err(|error| Error::Failed(format!("cannot start a thread: {error}")))?;
    }
    drop(send);
    let outcomes: BTreeMap<&'static str, Result<T, Error>> = receive.into_iter().collect();
    outcomes.into_iter().map(|(service, outcome)| Ok((service, outcome?))).collect()
}
