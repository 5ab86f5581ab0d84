//! What is special about a database on a server. These tests need one, named by `SOUK_TEST_DATABASE`.

mod pipeline;
mod proxy;

use super::*;
use crate::{
    db::{Db, Migration, OutdatedSchema, Place, storage::Storage},
    params,
    testing::{TestDatabase, test_server_text},
};
use contracts::{event::Event, ids::OrderId};
use proxy::Proxy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::atomic::AtomicU32;

const ITEMS: &[Migration] = &[Migration {
    name: "0001_items",
    sql: "CREATE TABLE items (item_id UUID PRIMARY KEY, name TEXT NOT NULL, place TEXT NOT NULL, quantity BIGINT NOT NULL, \
          CHECK (quantity >= 0), UNIQUE (name, place)); CREATE UNIQUE INDEX one_per_place ON items (place) WHERE quantity = 0",
}];

/// An event of the tests.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Moved {
    id: Uuid,
}

impl Event for Moved {
    const TYPE: &'static str = "Moved";
    const PRODUCER: &'static str = "shop";
    const AGGREGATE: &'static str = "ITEM";
    const VERSION: u32 = 1;
    fn aggregate_id(&self) -> Uuid {
        self.id
    }
}

fn env(number: u64) -> Env {
    Env::seeded(number, Timestamp(1_000_000))
}

async fn add(db: &Db, name: &'static str, place: &'static str, quantity: i64) -> Result<(), Error> {
    let insert = async move |tx: &mut Tx| {
        let id: OrderId = tx.new_id();
        let sql = "INSERT INTO items (item_id, name, place, quantity) VALUES ($1, $2, $3, $4)";
        tx.execute(sql, params![id, name, place, quantity]).await.map(|_| ())
    };
    db.write(insert).await
}

async fn quantity(db: &Db, name: &'static str) -> i64 {
    let read = async move |tx: &mut Tx| tx.query_one("SELECT quantity FROM items WHERE name = $1", params![name], |row| row.next()).await;
    db.read(read).await.unwrap()
}

#[tokio::test]
async fn a_constraint_is_named_by_its_columns() {
    let Some(database) = TestDatabase::make("shop", ITEMS) else { return };
    let db = database.open(env(1), ITEMS).unwrap();
    add(&db, "lamp", "hall", 0).await.unwrap();
    let name = |refused: Result<(), Error>| match refused {
        Err(Error::Constraint { name }) => name,
        other => panic!("{other:?}"),
    };
    assert_eq!(name(add(&db, "lamp", "hall", 1).await), "items.name, items.place");
    assert_eq!(name(add(&db, "chair", "hall", 0).await), "items.place");
    assert_eq!(name(add(&db, "chair", "yard", -1).await), "items_quantity_check");
    let unnamed = db.write(async |tx: &mut Tx| {
        let id: OrderId = tx.new_id();
        tx.execute("INSERT INTO items (item_id, place, quantity) VALUES ($1, 'x', 1)", params![id]).await.map(|_| ())
    });
    assert_eq!(name(unnamed.await), "items.name");
    add(&db, "chair", "yard", 1).await.unwrap();
}

/// Two units that lock two rows in opposite orders. The server ends one of them (40P01), which runs again.
#[tokio::test]
async fn a_unit_that_is_ended_for_a_deadlock_runs_again() {
    let Some(database) = TestDatabase::make("shop", ITEMS) else { return };
    let db = database.open(env(1), ITEMS).unwrap();
    add(&db, "lamp", "hall", 1).await.unwrap();
    add(&db, "chair", "hall", 1).await.unwrap();
    let (runs, both) = (Arc::new(AtomicU32::new(0)), Arc::new(tokio::sync::Barrier::new(2)));
    let swap = |names: [&'static str; 2]| {
        let (runs, both) = (runs.clone(), both.clone());
        db.write(async move |tx: &mut Tx| {
            let sql = "UPDATE items SET quantity = quantity + 1 WHERE name = $1";
            tx.execute(sql, params![names[0]]).await?;
            // The first two runs meet here, each with one row.
            if runs.fetch_add(1, Ordering::SeqCst) < 2 {
                both.wait().await;
            }
            tx.execute(sql, params![names[1]]).await.map(|_| ())
        })
    };
    let (one, other): (Result<(), Error>, Result<(), Error>) = tokio::join!(swap(["lamp", "chair"]), swap(["chair", "lamp"]));
    assert_eq!((one.is_ok(), other.is_ok(), runs.load(Ordering::SeqCst)), (true, true, 3));
    assert_eq!((quantity(&db, "lamp").await, quantity(&db, "chair").await), (3, 3));
}

/// A transaction that cannot be put in an order with another (40001) runs again, and one that never can ends with an error.
#[tokio::test]
async fn a_unit_that_loses_a_race_runs_again_a_few_times() {
    let Some(database) = TestDatabase::make("shop", ITEMS) else { return };
    let db = database.open(env(1), ITEMS).unwrap();
    add(&db, "lamp", "hall", 1).await.unwrap();
    let runs = Arc::new(AtomicU32::new(0));
    let lose = |times: u32| {
        let runs = runs.clone();
        runs.store(0, Ordering::SeqCst);
        db.write(async move |tx: &mut Tx| {
            tx.execute("UPDATE items SET quantity = quantity + 1 WHERE name = 'lamp'", &[]).await?;
            if runs.fetch_add(1, Ordering::SeqCst) < times {
                let raise = "DO 'BEGIN RAISE EXCEPTION SQLSTATE ''40001''; END'";
                // A unit may hide the error.
                let _ = tx.execute(raise, &[]).await;
            }
            Ok::<_, Error>(())
        })
    };
    lose(2).await.unwrap();
    assert_eq!((runs.load(Ordering::SeqCst), quantity(&db, "lamp").await), (3, 2));
    let lost = lose(u32::MAX).await.unwrap_err();
    assert!(matches!(&lost, Error::Failed(why) if why.contains("40001")), "{lost}");
    assert_eq!((runs.load(Ordering::SeqCst), quantity(&db, "lamp").await), (ATTEMPTS, 2));
}

#[tokio::test]
async fn a_unit_that_goes_on_after_a_failed_statement_is_refused() {
    let Some(database) = TestDatabase::make("shop", ITEMS) else { return };
    let db = database.open(env(1), ITEMS).unwrap();
    add(&db, "lamp", "hall", 1).await.unwrap();
    let goes_on = db.write(async |tx: &mut Tx| {
        tx.execute("UPDATE items SET quantity = 7", &[]).await?;
        let _ = tx.execute("UPDATE items SET quantity = -1", &[]).await;
        Ok::<_, Error>(())
    });
    assert!(matches!(goes_on.await, Err(Error::Failed(_))));
    let in_a_savepoint = db.write(async |tx: &mut Tx| {
        tx.execute("UPDATE items SET quantity = 7", &[]).await?;
        let refused = tx.savepoint(async |tx: &mut Tx| tx.execute("UPDATE items SET quantity = -1", &[]).await).await;
        assert!(matches!(refused, Err(Error::Constraint { .. })));
        Ok::<_, Error>(())
    });
    in_a_savepoint.await.unwrap();
    assert_eq!(quantity(&db, "lamp").await, 7);
}

/// The connection is cut when the commit arrives at the server, or before it does.
#[tokio::test]
async fn a_commit_without_an_answer_has_an_unknown_outcome() {
    let Some(database) = TestDatabase::make("shop", ITEMS) else { return };
    let direct = database.open(env(1), ITEMS).unwrap();
    add(&direct, "lamp", "hall", 1).await.unwrap();
    let proxy = Proxy::before(database.address()).await;
    let place = Place::Server(database.address().clone().at_port(proxy.port));
    let env = env(2);
    let storage = Storage::new(&env, None);
    let open = move || Db::open_at(env, "shop", &place, ITEMS, OutdatedSchema::Refuse, storage);
    let db = Env::system().spawn_blocking(open).await.unwrap().unwrap();
    let raise = async |tx: &mut Tx| {
        tx.execute("UPDATE items SET quantity = quantity + 1", &[]).await?;
        tx.execute("UPDATE items SET quantity = quantity + 1", &[]).await.map(|_| ())
    };
    db.write(raise).await.unwrap();
    assert_eq!(quantity(&direct, "lamp").await, 3);
    // The server commits, and its answer is lost.
    proxy.cut_answer_to(b"COMMIT");
    let unknown: Error = db.write(raise).await.unwrap_err();
    assert!(matches!(unknown, Error::Unknown(_)), "{unknown}");
    while quantity(&direct, "lamp").await == 3 {
        tokio::task::yield_now().await;
    }
    assert_eq!(quantity(&direct, "lamp").await, 5, "it was stored once, and not done again");
    // A connection that breaks before the commit is sent is replaced, and the unit runs again.
    proxy.cut_answer_to(b"BEGIN");
    db.write(raise).await.unwrap();
    assert_eq!(quantity(&direct, "lamp").await, 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_numbers_the_events_when_the_first_is_gone() {
    let Some(database) = TestDatabase::make("shop", ITEMS) else { return };
    let address = database.address().clone().with_numbering(Numbering::Sequencer);
    let open = |number: u64| {
        let env = env(number);
        let storage = Storage::new(&env, None);
        Db::open_at(env, "shop", &Place::Server(address.clone()), ITEMS, OutdatedSchema::Refuse, storage).unwrap()
    };
    let (first, second) = (open(1), open(2));
    let emit = async |db: &Db| {
        db.write(async |tx: &mut Tx| {
            let id = tx.new_id();
            tx.emit(Moved { id });
            Ok::<_, Error>(())
        })
        .await
        .unwrap();
    };
    let numbers = async || {
        let sql = "SELECT COALESCE(position, 0) FROM outbox ORDER BY inserted";
        second.read(async move |tx: &mut Tx| tx.query(sql, &[], |row| row.next::<i64>()).await).await.unwrap()
    };
    let (sender, stop) = crate::shutdown::channel();
    let numbering = first.env().spawn(first.clone().run_sequencer(stop));
    emit(&second).await;
    first.outbox_grew_elsewhere();
    while numbers().await != [1] {
        tokio::task::yield_now().await;
    }
    sender.stop();
    numbering.await.unwrap();
    emit(&second).await;
    emit(&first).await;
    assert_eq!(numbers().await, [1, 0, 0]);
    let (sender, stop) = crate::shutdown::channel();
    let numbering = second.env().spawn(second.clone().run_sequencer(stop));
    while numbers().await != [1, 2, 3] {
        // The server ends the connection of the first, which held the lock, a moment later.
        second.env().advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    sender.stop();
    numbering.await.unwrap();
}

#[tokio::test]
async fn a_schema_that_is_newer_older_or_altered_stops_the_start() {
    let newer = [ITEMS[0], Migration { name: "0002_more", sql: "CREATE TABLE more (id BIGINT PRIMARY KEY)" }];
    let Some(database) = TestDatabase::make("shop", &newer) else { return };
    let open = |migrations: &[Migration], outdated| {
        let env = env(1);
        let storage = Storage::new(&env, None);
        Db::open_at(env, "shop", &Place::Server(database.address().clone()), migrations, outdated, storage).err().map(|e| e.to_string())
    };
    assert_eq!(open(&newer, OutdatedSchema::Refuse), None);
    let refused = open(ITEMS, OutdatedSchema::Migrate).unwrap();
    assert!(refused.contains("newer") && refused.contains("0002_more"), "{refused}");
    let newest = [newer[0], newer[1], Migration { name: "0003_yet_more", sql: "CREATE TABLE yet_more (id BIGINT PRIMARY KEY)" }];
    let refused = open(&newest, OutdatedSchema::Refuse).unwrap();
    assert!(refused.contains("souk migrate") && refused.contains("0003_yet_more"), "{refused}");
    let altered = [ITEMS[0], Migration { name: "0002_more", sql: "CREATE TABLE more (id UUID PRIMARY KEY)" }];
    let refused = open(&altered, OutdatedSchema::Migrate).unwrap();
    assert!(refused.contains("0002_more"), "{refused}");
    assert_eq!(open(&newest, OutdatedSchema::Migrate), None);
}

/// Whether a connection to this address is encrypted, or why there is none.
async fn encrypted(address: &str) -> Result<bool, String> {
    let address: ServerAddress = address.parse().map_err(|error: BadAddress| error.to_string())?;
    let client = address.connect_to_server().await.map_err(|error| error.to_string())?;
    let row = client.query_one("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &[]).await;
    Ok(row.map_err(|error| error.to_string())?.get(0))
}

/// `scripts/postgres` starts a server with a certificate of its own for 127.0.0.1, and names its file in the address.
#[tokio::test]
async fn the_address_says_how_a_connection_is_encrypted() {
    let Some(text) = test_server_text() else { return };
    let (base, query) = text.split_once('?').unwrap_or((&text, ""));
    let Some(root) = query.split('&').find_map(|parameter| parameter.strip_prefix("sslrootcert=")) else { return };
    assert_eq!(encrypted(&format!("{base}?sslmode=disable")).await, Ok(false));
    for mode in ["sslmode=prefer", "sslmode=require", &format!("sslmode=verify-full&sslrootcert={root}")] {
        assert_eq!(encrypted(&format!("{base}?{mode}")).await, Ok(true), "{mode}");
    }
    assert_eq!(encrypted(base).await, Ok(true), "as with sslmode=prefer");
    let other_host = base.replace("127.0.0.1", "localhost");
    assert_eq!(encrypted(&format!("{other_host}?sslmode=require")).await, Ok(true), "any certificate will do");
    let refused = encrypted(&format!("{other_host}?sslmode=verify-full&sslrootcert={root}")).await.unwrap_err();
    assert!(refused.contains("certificate"), "{refused}");
    let refused = encrypted(&format!("{base}?sslmode=verify-full")).await.unwrap_err();
    assert!(refused.contains("sslrootcert"), "{refused}");
    let refused = encrypted(&format!("{base}?sslmode=verify-full&sslrootcert=/nowhere.pem")).await.unwrap_err();
    assert!(refused.contains("/nowhere.pem"), "{refused}");
}
