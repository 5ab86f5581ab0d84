//! Databases on PostgreSQL for tests.
//!
//! With `SOUK_TEST_DATABASE=postgres://…` the harness keeps the database of its service there. Each test has a database of its
//! own, made of a template with the schema, and dropped with the test.

use crate::{
    db::{
        self, Db, Migration, OutdatedSchema, Place, ServerAddress,
        postgres::{Hold, Numbering},
        storage::Storage,
    },
    env::Env,
    hex,
};
use sha2::{Digest, Sha256};
use std::sync::{
    Arc, LazyLock, Mutex,
    atomic::{AtomicU32, Ordering},
};

/// The server for tests, if one is named.
static SERVER: LazyLock<Option<ServerAddress>> =
    LazyLock::new(|| Some(server_text()?.parse().expect("SOUK_TEST_DATABASE holds the address of a server")));

/// Templates that this process made or found.
static TEMPLATES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Returns what names the server for tests, if one is named.
#[must_use]
pub fn server_text() -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "one switch runs the tests of every crate on a server")]
    std::env::var("SOUK_TEST_DATABASE").ok()
}

/// Returns the server for tests, if one is named.
#[must_use]
pub fn server() -> Option<ServerAddress> {
    SERVER.clone()
}

/// A database of one test. It is dropped with the value.
pub struct TestDatabase {
    address: ServerAddress,
    service: &'static str,
    hold: Arc<Hold>,
}

impl TestDatabase {
    /// Makes a database with the schema of these migrations, if a server for tests is named.
    ///
    /// # Panics
    /// When the server refuses it.
    #[must_use]
    pub fn make(service: &'static str, migrations: &[Migration]) -> Option<Arc<TestDatabase>> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let server = server()?;
        let template = template(&server, service, migrations);
        let prefix = format!("souk_test_{}_{}_", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let address = server.with_prefix(&prefix).with_numbering(Numbering::AtCommit);
        let hold = Arc::<Hold>::default();
        let address = address.with_hold(hold.clone());
        let sql = format!("CREATE DATABASE {} TEMPLATE {template}", address.database(service));
        db::postgres::run_on_server(&address, &[sql]).expect("the server makes a database for the test");
        Some(Arc::new(TestDatabase { address, service, hold }))
    }

    /// Opens it.
    ///
    /// # Errors
    /// As [`Db::open`].
    pub fn open(&self, env: Env, migrations: &[Migration]) -> Result<Db, db::Error> {
        let storage = Storage::new(&env, None);
        Db::open_at(env, self.service, &Place::Server(self.address.clone()), migrations, OutdatedSchema::Migrate, storage)
    }

    /// Holds units between their statements.
    #[must_use]
    pub fn hold(&self) -> &Hold {
        &self.hold
    }

    /// Its server, with names of databases for this test.
    #[must_use]
    pub fn address(&self) -> &ServerAddress {
        &self.address
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // What cannot be dropped stays on a server that is for tests.
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.address.database(self.service));
        let _ = db::postgres::run_on_server(&self.address, &[drop]);
    }
}

/// Drops the databases of these services whose names begin with `prefix`, on the server for tests.
///
/// # Panics
/// When the server refuses it.
pub fn drop_databases(prefix: &str, services: &[&str]) {
    let Some(server) = server() else { return };
    let address = server.with_prefix(prefix);
    let drop = |service: &&str| format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", address.database(service));
    let statements: Vec<String> = services.iter().map(drop).collect();
    db::postgres::run_on_server(&address, &statements).expect("the server drops the databases");
}

/// Returns the name of a database with the schema and without rows, made by the first test that needs it.
fn template(server: &ServerAddress, service: &'static str, migrations: &[Migration]) -> String {
    let mut hash = Sha256::new();
    for migration in db::postgres::migrations(migrations) {
        hash.update(migration.name);
        hash.update(migration.sql);
    }
    let prefix = format!("souk_template_{}_", &hex::encode(&hash.finalize())[..12]);
    let address = server.clone().with_prefix(&prefix);
    let name = address.database(service);
    let mut templates = TEMPLATES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !templates.contains(&name) {
        db::postgres::make_template(&Env::system(), &address, service, migrations).expect("the server makes a template");
        templates.push(name.clone());
    }
    name
}
