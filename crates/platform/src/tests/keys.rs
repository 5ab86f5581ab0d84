use super::*;
use crate::{
    http::{Answer as _, IdempotencyKey, Idempotent, Json, Problem},
    idempotency::Opened,
};
use contracts::problem::Code;
use std::time::Duration;

fn key(name: &str, body: &str) -> IdempotencyKey {
    IdempotencyKey::made(name, "somebody", "POST", "/things", body.as_bytes())
}

/// Writes a number into `consumed` and answers how many there are; refuses 13.
async fn add(db: &Db, key: IdempotencyKey, number: i64) -> Result<Idempotent<Json<i64>>, Problem> {
    db.write(async move |tx| {
        key.once(tx, async |tx| {
            tx.execute(
                "INSERT INTO consumed (position, thing, number) VALUES ((SELECT COUNT(*) FROM consumed), $1, $2)",
                params![Uuid::nil(), number],
            )
            .await?;
            if number == 13 {
                return Err(Problem::new(Code::INSUFFICIENT_STOCK));
            }
            if number == 503 {
                return Err(Problem::new(Code::DEPENDENCY_UNAVAILABLE));
            }
            Ok(Json(tx.query_one("SELECT COUNT(*) FROM consumed", &[], |row| row.next()).await?))
        })
        .await
    })
    .await
}

async fn database() -> (TempFolder, Db) {
    let folder = TempFolder::new();
    let db = Db::open(Env::seeded(5, Timestamp(1_000_000)), "consumer", folder.path(), SCHEMA).expect("it opens");
    (folder, db)
}

#[tokio::test]
async fn the_first_answer_is_given_again_and_nothing_happens_twice() {
    let (_folder, db) = database().await;
    let first = add(&db, key("k", "a"), 7).await.unwrap();
    add(&db, key("other", "a"), 8).await.unwrap();
    let again = add(&db, key("k", "a"), 7).await.unwrap();
    assert_eq!((again.stored.clone(), again.replayed), (first.stored, true));
    assert_eq!(consumed(&db).await, [7, 8]);
    assert_eq!(add(&db, key("k", "b"), 7).await.unwrap_err().code(), Code::IDEMPOTENCY_KEY_REUSED);
}

#[tokio::test]
async fn a_refusal_is_kept_and_its_effect_undone() {
    let (_folder, db) = database().await;
    let first = add(&db, key("k", "a"), 13).await.unwrap();
    assert_eq!(first.stored.status, 409);
    let again = add(&db, key("k", "a"), 13).await.unwrap();
    assert_eq!((again.stored.body, again.replayed), (first.stored.body, true));
    assert!(consumed(&db).await.is_empty());
}

#[tokio::test]
async fn what_says_nothing_of_the_execution_is_not_kept() {
    let (_folder, db) = database().await;
    assert_eq!(add(&db, key("k", "a"), 503).await.unwrap_err().status(), 503);
    assert_eq!(add(&db, key("k", "a"), 7).await.unwrap().stored.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_at_once_under_one_key_are_one() {
    let (_folder, db) = database().await;
    let mut tasks = db.env().task_set();
    for _ in 0..40 {
        let db = db.clone();
        tasks.spawn(async move { add(&db, key("k", "a"), 7).await.unwrap().stored.body });
    }
    let bodies = tasks.join_all().await;
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    assert_eq!(consumed(&db).await, [7]);
}

async fn open(db: &Db, key: IdempotencyKey, made: Uuid) -> Result<Opened<Json<i64>>, Problem> {
    db.write(async move |tx| key.open(tx, Duration::from_secs(10), async |_| Ok::<_, Problem>(made)).await).await
}

#[tokio::test]
async fn an_answer_that_is_waited_for_is_given_once() {
    let (_folder, db) = database().await;
    let made = Uuid::from_u128(9);
    assert!(matches!(open(&db, key("k", "a"), made).await, Ok(Opened::Unanswered(id)) if id == made));
    let early = open(&db, key("k", "a"), Uuid::nil()).await.err().expect("the first still waits");
    assert_eq!(early.code(), Code::IDEMPOTENCY_IN_PROGRESS);
    let early = key("k", "a").earlier::<Json<i64>>(&db).await.err().expect("it still waits");
    assert_eq!(early.code(), Code::IDEMPOTENCY_IN_PROGRESS);
    assert!(key("other", "a").earlier::<Json<i64>>(&db).await.unwrap().is_none());

    // The process died: after its time a repetition finds what was made and answers it.
    db.env().advance(Duration::from_secs(11));
    assert!(matches!(open(&db, key("k", "a"), Uuid::nil()).await, Ok(Opened::Unanswered(id)) if id == made));
    assert!(matches!(key("k", "a").earlier::<Json<i64>>(&db).await, Ok(Some(Opened::Unanswered(id))) if id == made));
    let first = key("k", "a").settle(&db, &Json(1)).await.unwrap();
    let late = key("k", "a").settle(&db, &Json(2)).await.unwrap();
    assert_eq!((first.replayed, late.replayed), (false, true));
    assert_eq!(late.stored, Json(1).stored());
    assert!(matches!(open(&db, key("k", "a"), made).await, Ok(Opened::Answered(answer)) if answer.stored == first.stored));
}
