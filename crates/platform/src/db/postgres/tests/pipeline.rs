//! Statements that travel together, and reads without a transaction.

use super::*;
use crate::inbox::{self, Consumers, Outcome, Received, Source};
use crate::outbox;

const RAISE: &str = "UPDATE items SET quantity = quantity + 1";
const REFUSED: &str = "UPDATE items SET quantity = -1";

async fn any_quantity(tx: &mut Tx) -> Result<i64, Error> {
    tx.query_one("SELECT quantity FROM items LIMIT 1", &[], |row| row.next()).await
}

/// A database with one item.
async fn open(database: &TestDatabase) -> Db {
    let db = database.open(env(1), ITEMS).unwrap();
    add(&db, "lamp", "hall", 1).await.unwrap();
    db
}

#[tokio::test]
async fn a_read_of_several_statements_sees_one_snapshot() {
    let Some(database) = TestDatabase::make("shop", ITEMS) else { return };
    let (db, other) = (open(&database).await, database.open(env(2), ITEMS).unwrap());
    let runs = Arc::new(AtomicU32::new(0));
    let twice = || {
        let (runs, other) = (runs.clone(), other.clone());
        db.read(async move |tx: &mut Tx| {
            runs.fetch_add(1, Ordering::SeqCst);
            let before = any_quantity(tx).await?;
            other.write(async |tx: &mut Tx| tx.execute(RAISE, &[]).await.map(|_| ()) as Result<(), Error>).await?;
            Ok::<_, Error>((before, any_quantity(tx).await?))
        })
    };
    // The first run finds out that it needs a transaction; the next read knows.
    assert_eq!((twice().await.unwrap(), runs.load(Ordering::SeqCst)), ((2, 2), 2));
    assert_eq!((twice().await.unwrap(), runs.load(Ordering::SeqCst)), ((3, 3), 3));
}

#[tokio::test]
async fn a_read_that_writes_is_refused() {
    let Some(database) = TestDatabase::make("shop", ITEMS) else { return };
    let db = open(&database).await;
    let alone = db.read(async |tx: &mut Tx| tx.execute(RAISE, &[]).await);
    let later = db.read(async |tx: &mut Tx| {
        any_quantity(tx).await?;
        tx.execute(RAISE, &[]).await
    });
    let sent = db.read(async |tx: &mut Tx| tx.execute_pipelined(RAISE, &[]).await.map(|()| 0));
    let sent_later = db.read(async |tx: &mut Tx| {
        any_quantity(tx).await?;
        tx.execute_pipelined(RAISE, &[]).await.map(|()| 0)
    });
    for refused in [alone.await, later.await, sent.await, sent_later.await] {
        assert!(matches!(&refused, Err(Error::Failed(why)) if why.contains("25006")), "{refused:?}");
    }
    assert_eq!(quantity(&db, "lamp").await, 1);
}

#[tokio::test]
async fn an_error_of_a_statement_that_was_only_sent_fails_its_unit_or_its_savepoint() {
    let Some(database) = TestDatabase::make("shop", ITEMS) else { return };
    let db = open(&database).await;
    let last = db.write(async |tx: &mut Tx| tx.execute_pipelined(REFUSED, &[]).await);
    let before_another = db.write(async |tx: &mut Tx| {
        tx.execute_pipelined(REFUSED, &[]).await?;
        any_quantity(tx).await.map(|_| ())
    });
    let with_events = db.write(async |tx: &mut Tx| {
        let id = tx.new_id();
        tx.emit(Moved { id });
        tx.execute_pipelined(REFUSED, &[]).await
    });
    for refused in [last.await, before_another.await, with_events.await] {
        assert!(matches!(&refused, Err(Error::Constraint { name }) if name == "items_quantity_check"), "{refused:?}");
    }
    assert!(outbox::read_after(&db, 0, 10).await.unwrap().is_empty());
    let in_a_savepoint = db.write(async |tx: &mut Tx| {
        tx.execute_pipelined(RAISE, &[]).await?;
        let refused = tx.savepoint(async |tx: &mut Tx| tx.execute_pipelined(REFUSED, &[]).await).await;
        assert!(matches!(refused, Err(Error::Constraint { .. })));
        tx.execute_pipelined(RAISE, &[]).await
    });
    in_a_savepoint.await.unwrap();
    assert_eq!(quantity(&db, "lamp").await, 3);
}

#[tokio::test]
async fn more_statements_than_are_sent_at_once_are_all_run() {
    let Some(database) = TestDatabase::make("shop", ITEMS) else { return };
    let db = open(&database).await;
    let many = db.write(async |tx: &mut Tx| {
        for _ in 0..200 {
            tx.execute_pipelined(RAISE, &[]).await?;
        }
        any_quantity(tx).await
    });
    assert_eq!(many.await.unwrap(), 201);
}

/// The last event of a batch is refused by a statement that was only sent, so that the error arrives with the position.
#[tokio::test]
async fn an_event_whose_statement_fails_late_fails_alone() {
    let (Some(database), Some(there)) = (TestDatabase::make("shop", ITEMS), TestDatabase::make("other", ITEMS)) else { return };
    let (producer, consumer) = (open(&database).await, there.open(env(2), ITEMS).unwrap());
    let ids: Vec<Uuid> = (1..=3).map(Uuid::from_u128).collect();
    let emitted = ids.clone();
    let emit = async move |tx: &mut Tx| {
        emitted.iter().for_each(|id| tx.emit(Moved { id: *id }));
        Ok::<_, Error>(())
    };
    producer.write(emit).await.unwrap();
    let last = ids[2];
    let store = async move |tx: &mut Tx, moved: Received<Moved>| {
        let (name, quantity) = (moved.id.to_string(), if moved.id == last { -1 } else { 1_i64 });
        let sql = "INSERT INTO items (item_id, name, place, quantity) VALUES ($1, $2, 'hall', $3)";
        tx.execute_pipelined(sql, params![moved.id, name, quantity]).await
    };
    let consumers = Consumers::new().on::<Moved, _, _>(store);
    let events = outbox::read_after(&producer, 0, 10).await.unwrap().into_iter().map(Arc::new).collect();
    assert_eq!(inbox::consume(&consumer, &consumers, Source::of(&producer), 0, events).await.unwrap(), Outcome::Consumed);
    let sql = "SELECT item_id FROM items ORDER BY item_id";
    let stored = consumer.read(async move |tx: &mut Tx| tx.query(sql, &[], |row| row.next::<Uuid>()).await).await.unwrap();
    assert_eq!(stored, ids[..2]);
    let failed = inbox::list_failed_events(&consumer, None, None, 10).await.unwrap();
    assert_eq!(failed.iter().map(|failed| failed.event.aggregate_id).collect::<Vec<_>>(), [last]);
}
