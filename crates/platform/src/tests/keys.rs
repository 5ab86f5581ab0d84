use super::*;
use crate::{
    http::{Answer as _, IdempotencyKey, Json, Problem},
    idempotency::Opened,
};
use contracts::problem::Code;
use std::time::Duration;

fn key(name: &str, body: &str) -> IdempotencyKey {
    IdempotencyKey::made(name, "somebody", "POST", "/things", body.as_bytes())
}

async fn database() -> (TempFolder, Db) {
    let folder = TempFolder::new();
    let db = Db::open(Env::seeded(5, Timestamp(1_000_000)), "consumer", folder.path(), SCHEMA).expect("it opens");
    (folder, db)
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
