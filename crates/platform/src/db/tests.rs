use super::*;
use crate::testing::TempFolder;
use contracts::ids::Uuid;

const ITEMS: &[Migration] = &[Migration {
    name: "0001_items",
    sql: "CREATE TABLE items (item_id UUID PRIMARY KEY, name TEXT NOT NULL UNIQUE, quantity BIGINT NOT NULL CHECK (quantity >= 0))",
}];

fn open(folder: &TempFolder) -> Db {
    Db::open(Env::seeded(7, Timestamp(1_000_000)), "shop", folder.path(), ITEMS).expect("a fresh database opens")
}

async fn add(db: &Db, name: &'static str, quantity: i64) -> Result<Uuid, Error> {
    db.write(async move |tx| {
        let id: Uuid = tx.new_id();
        tx.execute("INSERT INTO items (item_id, name, quantity) VALUES ($1, $2, $3)", params![id, name, quantity]).await?;
        Ok(id)
    })
    .await
}

async fn names(db: &Db) -> Vec<String> {
    db.read(async |tx| tx.query("SELECT name FROM items ORDER BY name", &[], |row| row.next()).await).await.unwrap()
}

#[tokio::test]
async fn a_committed_row_is_there_after_reopening() {
    let folder = TempFolder::new();
    add(&open(&folder), "lamp", 3).await.unwrap();
    assert_eq!(names(&open(&folder)).await, ["lamp"]);
}

#[tokio::test]
async fn a_parameter_gets_the_value_of_its_number() {
    let folder = TempFolder::new();
    let db = open(&folder);
    let id = add(&db, "lamp", 1).await.unwrap();
    let rows = db
        .write(async move |tx| tx.execute("UPDATE items SET name = $3, quantity = $2 WHERE item_id = $1", params![id, 5, "chair"]).await)
        .await;
    assert_eq!(rows.unwrap(), 1);
    assert_eq!(names(&db).await, ["chair"]);
    let missing = db.write(async move |tx| tx.execute("DELETE FROM items WHERE item_id = $2", params![id]).await).await;
    assert!(matches!(missing, Err(Error::Failed(_))));
}

#[tokio::test]
async fn a_unit_that_fails_rolls_back_alone() {
    let folder = TempFolder::new();
    let db = open(&folder);
    let (first, duplicate, third) = tokio::join!(add(&db, "lamp", 1), add(&db, "lamp", 2), add(&db, "chair", 3));
    assert!(first.is_ok() && third.is_ok());
    assert!(duplicate.unwrap_err().violates("items.name"));
    assert_eq!(names(&db).await, ["chair", "lamp"]);
}

#[tokio::test]
async fn units_of_one_group_commit_without_those_that_fail() {
    let folder = TempFolder::new();
    let db = open(&folder);
    let (go, wait) = std::sync::mpsc::sync_channel::<()>(1);
    let wait = std::sync::Mutex::new(wait);
    let runs = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = runs.clone();
    // The first unit blocks the writer until the others are queued behind it, so they are one group.
    let holding = db.write(async move |tx| {
        if counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 {
            wait.lock_unpoisoned().recv().expect("the test goes on");
        }
        tx.execute("INSERT INTO items (item_id, name, quantity) VALUES ($1, 'first', 1)", params![tx.new_id::<Uuid>()]).await?;
        tx.notify_worker("worker");
        Ok::<_, Error>(())
    });
    let failing = db.write(async |tx| {
        tx.execute("INSERT INTO items (item_id, name, quantity) VALUES ($1, 'rolled back', 1)", params![tx.new_id::<Uuid>()]).await?;
        Err::<(), _>(Error::Failed("on purpose".into()))
    });
    let releasing = async {
        go.send(()).expect("the writer waits");
        Ok::<_, Error>(())
    };
    let outcomes = tokio::join!(holding, add(&db, "lamp", 1), failing, add(&db, "lamp", 2), add(&db, "chair", 3), releasing);
    assert!(outcomes.0.is_ok() && outcomes.1.is_ok() && outcomes.4.is_ok());
    assert!(matches!(outcomes.2, Err(Error::Failed(reason)) if reason == "on purpose"));
    assert!(outcomes.3.unwrap_err().violates("items.name"));
    assert_eq!(names(&db).await, ["chair", "first", "lamp"]);
    assert_eq!(runs.load(std::sync::atomic::Ordering::Relaxed), 2, "once without savepoints, then with them");
}

#[tokio::test]
async fn a_unit_that_panics_rolls_back_alone() {
    let folder = TempFolder::new();
    let db = open(&folder);
    let panicking = db.write(async |tx| {
        tx.execute("INSERT INTO items (item_id, name, quantity) VALUES ($1, 'ghost', 1)", params![tx.new_id::<Uuid>()]).await?;
        assert!(tx.now() < contracts::time::Timestamp(0), "panics on purpose");
        Ok::<_, Error>(())
    });
    let (panicked, other) = tokio::join!(panicking, add(&db, "lamp", 1));
    assert!(matches!(panicked, Err(Error::Panicked)));
    assert!(other.is_ok());
    assert_eq!(names(&db).await, ["lamp"]);
}

#[tokio::test]
async fn a_savepoint_that_fails_rolls_back_only_its_own_part() {
    let folder = TempFolder::new();
    let db = open(&folder);
    db.write(async |tx| {
        tx.execute("INSERT INTO items (item_id, name, quantity) VALUES ($1, 'kept', 1)", params![tx.new_id::<Uuid>()]).await?;
        let refused: Result<(), Error> = tx
            .savepoint(async |tx| {
                tx.execute("INSERT INTO items (item_id, name, quantity) VALUES ($1, 'rolled back', 1)", params![tx.new_id::<Uuid>()])
                    .await?;
                Err(Error::Failed("on purpose".into()))
            })
            .await;
        assert!(refused.is_err());
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    assert_eq!(names(&db).await, ["kept"]);
}

#[tokio::test]
async fn nothing_is_written_after_the_database_ended_the_transaction() {
    let folder = TempFolder::new();
    let db = open(&folder);
    add(&db, "lamp", 1).await.unwrap();
    let refused = db
        .write(async |tx| {
            tx.execute("UPDATE items SET quantity = 7", &[]).await?;
            let pages: i64 = tx.query_one("PRAGMA page_count", &[], |row| row.next()).await?;
            tx.query_one(["PRAGMA max_page_count = ", &pages.to_string()].concat().as_str(), &[], |row| row.next::<i64>()).await?;
            let much = "x".repeat(1 << 20);
            // A full disk rolls the transaction back at once. A unit that goes on writes nothing more.
            let full =
                tx.execute("INSERT INTO items (item_id, name, quantity) VALUES ($1, $2, 1)", params![tx.new_id::<Uuid>(), much]).await;
            assert!(full.is_err());
            let on = tx.execute("INSERT INTO items (item_id, name, quantity) VALUES ($1, 'late', 1)", params![tx.new_id::<Uuid>()]).await;
            assert!(on.is_err());
            Ok::<_, Error>(())
        })
        .await;
    assert!(refused.is_err());
    let left: Vec<(String, i64)> =
        db.read(async |tx| tx.query("SELECT name, quantity FROM items", &[], |row| Ok((row.next()?, row.next()?))).await).await.unwrap();
    assert_eq!(left, [("lamp".to_owned(), 1)]);
}

/// Limits the size of the database to what it has now, or lets it grow again.
async fn limit_pages(db: &Db, is_limited: bool) {
    db.write(async move |tx| {
        let pages: i64 = tx.query_one("PRAGMA page_count", &[], |row| row.next()).await?;
        let limit = if is_limited { pages } else { 1 << 20 };
        tx.query_one(&format!("PRAGMA max_page_count = {limit}"), &[], |row| row.next::<i64>()).await
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_full_disk_refuses_writes_with_its_own_problem_until_there_is_room() {
    let folder = TempFolder::new();
    let env = Env::seeded(7, Timestamp(1_000_000));
    let file = folder.path().join("reserve");
    let storage = Storage::new(&env, Some(storage::Reserve { path: file.clone(), bytes: 1 << 20 }));
    let options = Options { migrations: ITEMS, outdated: OutdatedSchema::Migrate, replaces_lost: false };
    let db = Db::open_with(env, "shop", &Place::Folder(folder.path().to_owned()), options, storage.clone()).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().len(), 1 << 20);
    limit_pages(&db, true).await;
    let long: &'static str = "x".repeat(1 << 20).leak();
    // They share a group; the one that has room may be refused with the other, and is never an internal error.
    let (full, small) = tokio::join!(add(&db, long, 1), add(&db, "lamp", 1));
    for refused in [Some(full.unwrap_err()), small.err()].into_iter().flatten() {
        assert!(matches!(refused, Error::StorageFull(_)), "{refused}");
        let problem = Problem::from(refused);
        assert_eq!((problem.code(), problem.status().as_u16()), (Code::STORAGE_FULL, 503));
        assert!(problem.wait().is_some());
    }
    assert!(storage.subscribe().borrow().reason().unwrap().contains("the database of shop cannot be written"));
    assert!(!file.exists(), "the reserve is given up");
    limit_pages(&db, false).await;
    add(&db, long, 1).await.unwrap();
    storage.look_for_room();
    assert_eq!(*storage.subscribe().borrow(), storage::State::Works);
    assert!(file.exists(), "the reserve is made again");
}

#[tokio::test]
async fn a_database_that_is_damaged_while_it_is_used_is_reported_with_the_remedy() {
    let folder = TempFolder::new();
    let db = open(&folder);
    for number in 0..200 {
        add(&db, format!("thing {number} {}", "x".repeat(200)).leak(), 1).await.unwrap();
    }
    let path = folder.path().join("shop.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let mut damaged = bytes[..4_096].to_vec();
    damaged.resize(bytes.len(), 0xa5);
    std::fs::write(&path, damaged).unwrap();
    let fresh = open_again(&folder);
    let failed = match fresh {
        Ok(db) => db.read(async |tx| tx.query("SELECT name FROM items", &[], |row| row.next::<String>()).await).await.unwrap_err(),
        Err(error) => error,
    };
    assert!(matches!(failed, Error::Damaged(_)), "{failed}");
    let storage = Storage::new(&Env::system(), None);
    storage.record("shop", &path, &failed, &"c-1".into());
    let reason = storage.subscribe().borrow().reason().unwrap();
    assert!(reason.contains("shop.db") && reason.contains("souk restore"), "{reason}");
}

fn open_again(folder: &TempFolder) -> Result<Db, Error> {
    Db::open(Env::seeded(7, Timestamp(1_000_000)), "shop", folder.path(), ITEMS)
}

#[tokio::test]
async fn the_check_finds_a_row_whose_foreign_key_has_no_row() {
    let folder = TempFolder::new();
    let migrations = [Migration {
        name: "0001_things",
        sql: "CREATE TABLE owners (owner BIGINT PRIMARY KEY); CREATE TABLE owned (thing BIGINT PRIMARY KEY, owner BIGINT REFERENCES owners (owner))",
    }];
    let db = Db::open(Env::seeded(7, Timestamp(1)), "shop", folder.path(), &migrations).unwrap();
    db.check().await.unwrap();
    let other = rusqlite::Connection::open(folder.path().join("shop.db")).unwrap();
    other.execute_batch("PRAGMA foreign_keys=OFF; INSERT INTO owned VALUES (1, 2)").unwrap();
    let found = db.check().await.unwrap_err().to_string();
    assert!(found.contains("owned"), "{found}");
}

#[tokio::test]
async fn a_read_cannot_write() {
    let folder = TempFolder::new();
    let db = open(&folder);
    let refused = db.read(async |tx| tx.execute("DELETE FROM items", &[]).await).await;
    assert!(matches!(refused, Err(Error::Failed(_))));
}

#[tokio::test]
async fn an_altered_or_unknown_migration_stops_the_start() {
    let folder = TempFolder::new();
    drop(open(&folder));
    let altered = [Migration { name: "0001_items", sql: "CREATE TABLE items (item_id UUID)" }];
    let refused = Db::open(Env::system(), "shop", folder.path(), &altered).err().expect("altered");
    assert!(refused.to_string().contains("0001_items"), "{refused}");
    let newer = [ITEMS[0], Migration { name: "0002_more", sql: "CREATE TABLE more (id BIGINT PRIMARY KEY)" }];
    let refused = Db::open_as(Env::system(), "shop", folder.path(), &newer, OutdatedSchema::Refuse).err().expect("older");
    assert!(refused.to_string().contains("0002_more") && refused.to_string().contains("souk migrate"), "{refused}");
    drop(open(&folder));
    let refused = Db::open(Env::system(), "shop", folder.path(), &[]).err().expect("unknown");
    assert!(refused.to_string().contains("newer"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writers_lose_nothing_and_share_commits() {
    let folder = TempFolder::new();
    let db = open(&folder);
    db.write(async |tx| {
        tx.execute("INSERT INTO items (item_id, name, quantity) VALUES ($1, 'counter', 0)", params![tx.new_id::<Uuid>()]).await
    })
    .await
    .unwrap();
    let mut tasks = db.env().task_set();
    for _ in 0..200 {
        let db = db.clone();
        tasks.spawn(async move {
            db.write(async |tx| tx.execute("UPDATE items SET quantity = quantity + 1 WHERE name = 'counter'", &[]).await).await.unwrap();
        });
    }
    tasks.join_all().await;
    let total: i64 = db.read(async |tx| tx.query_one("SELECT quantity FROM items", &[], |row| row.next()).await).await.unwrap();
    assert_eq!(total, 200);
}
