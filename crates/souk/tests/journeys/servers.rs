//! The servers of an installation, where the journeys run on PostgreSQL and JetStream.
//!
//! `SOUK_TEST_DATABASE` and `SOUK_TEST_EVENTS` say so. Each data directory has databases with names of its own and a NATS server of
//! its own, which keeps its streams in the directory. `SOUK_TEST_REPLICAS=2` starts two processes of everything on them.

use super::server::output_of;
use platform::{
    db::{Db, OutdatedSchema, Place, Storage},
    env::Env,
    service::Service,
};
use std::path::{Path, PathBuf};

/// Whether the journeys run on servers. What is about files of the databases is not run then.
pub fn are_used() -> bool {
    std::env::var_os("SOUK_TEST_DATABASE").is_some() && std::env::var_os("SOUK_TEST_EVENTS").is_some()
}

/// How many processes run everything on the same servers.
pub fn replicas() -> usize {
    let wanted = std::env::var("SOUK_TEST_REPLICAS").ok().and_then(|count| count.parse().ok());
    wanted.filter(|_| are_used()).unwrap_or(1)
}

/// Returns the data directory of one more process of the installation in `folder`, made if it is not there. It shares the installation's
/// secret, the mailbox and the pictures; a search index is its own.
pub fn folder_of_replica(folder: &Path, number: usize) -> PathBuf {
    const SECRET: &str = "installation.secret";
    let own = folder.join(format!("replica-{number}"));
    if !own.exists() {
        std::fs::create_dir(&own).expect("the data directory can be written");
        std::fs::copy(folder.join(SECRET), own.join(SECRET)).expect("the first process made the secret");
        for shared in ["mailbox", "catalog"] {
            std::fs::create_dir_all(folder.join(shared)).expect("the data directory can be written");
            std::os::unix::fs::symlink(folder.join(shared), own.join(shared)).expect("a link can be made");
        }
    }
    own
}

/// Starts the servers of an installation in this data directory, as far as they do not run yet.
pub fn start(folder: &Path) -> Vec<(&'static str, String)> {
    if are_used() {
        std::fs::create_dir_all(streams(folder)).expect("the data directory can be written");
    }
    environment_of(folder)
}

/// What names the servers of the installation in this data directory, as environment variables; nothing if it has none.
pub fn environment_of(folder: &Path) -> Vec<(&'static str, String)> {
    if !are_used() || !streams(folder).exists() {
        return Vec::new();
    }
    vec![("SOUK_DATABASE", address(&prefix(folder))), ("SOUK_EVENTS", nats(&["start", &streams(folder).display().to_string()]))]
}

/// The server for tests, with databases whose names begin with `prefix`.
pub fn address(prefix: &str) -> String {
    let server = std::env::var("SOUK_TEST_DATABASE").expect("it is set");
    let separator = if server.contains('?') { '&' } else { '?' };
    format!("{server}{separator}prefix={prefix}")
}

/// Opens the database of a service of the installation in this data directory.
pub fn open(folder: &Path, service: &Service) -> Db {
    let place = match environment_of(folder).into_iter().find(|(name, _)| *name == "SOUK_DATABASE") {
        Some((_, address)) => Place::Server(address.parse().expect("the address of a server")),
        None => Place::Folder(folder.join("db")),
    };
    let (env, name, migrations) = (Env::system(), service.name, service.migrations);
    let storage = Storage::new(&env, None);
    Db::open_at(env, name, &place, migrations, OutdatedSchema::Refuse, storage).expect("a database")
}

/// Stops what [`start`] started, and drops the databases.
pub fn remove(folder: &Path) {
    if are_used() && streams(folder).exists() {
        nats(&["stop", &streams(folder).display().to_string()]);
        platform::testing::drop_databases(&prefix(folder), &contracts::SERVICE_NAMES);
    }
}

/// A report of the doctor without the fault that every server for tests has: it does not flush what it stores.
pub fn without_fault_of_tests(report: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for line in report.lines() {
        if are_used() && line.contains("a crash of it loses what was committed") {
            kept.pop_if(|heading| heading.contains("✗ database "));
        } else {
            kept.push(line);
        }
    }
    kept.join("\n") + "\n"
}

/// The beginning of the names of the databases: the name of the folder, which is unique on this machine.
pub fn prefix(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).chain(['_']).collect()
}

fn streams(folder: &Path) -> PathBuf {
    folder.join("nats")
}

/// Runs `scripts/nats`, which starts a server that runs already no second time.
fn nats(arguments: &[&str]) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/nats");
    output_of(std::process::Command::new(script).args(arguments))
}
