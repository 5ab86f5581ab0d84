use super::*;
use crate::{db::Migration, env::Env, http::Json, testing::TempFolder};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};
use tokio::sync::Semaphore;

const MADE: &[Migration] = &[Migration { name: "0001_made", sql: "CREATE TABLE made (id UUID PRIMARY KEY, number BIGINT NOT NULL)" }];

/// The step at which a request refuses, or its process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum At {
    #[default]
    Never,
    Prepare,
    Effect,
    Wait,
    Answer,
}

/// Writes a number, waits for a permit and answers how many numbers there are.
#[derive(Clone, Default)]
struct Make {
    number: i64,
    at_once: bool,
    fails: At,
    /// Whether its answer is a refusal that keeps what the unit changed.
    keeps_changes: bool,
    code: Option<Code>,
    gate: Option<Arc<Semaphore>>,
    /// How often it waits again after the first time.
    rounds: u32,
    waited: Arc<AtomicU32>,
    effects: Arc<AtomicU32>,
    /// How many of its preparations stand.
    prepared: Arc<AtomicU32>,
}

impl Make {
    fn fail(&self, at: At) -> Result<(), Problem> {
        if self.fails == at { Err(Problem::new(self.code.unwrap_or(Code::INTERNAL_ERROR))) } else { Ok(()) }
    }

    async fn count(tx: &mut Tx) -> Result<Json<i64>, Problem> {
        Ok(Json(tx.query_one("SELECT COUNT(*) FROM made", &[], |row| row.next()).await?))
    }
}

impl IdempotentRequest for Make {
    type Answer = Json<i64>;
    type State = Uuid;
    type Error = Problem;

    async fn prepare(&self) -> Result<(), Problem> {
        self.fail(At::Prepare)?;
        self.prepared.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn effect(&self, tx: &mut Tx) -> Result<Next<Json<i64>, Uuid>, Problem> {
        let id: Uuid = tx.new_id();
        tx.execute("INSERT INTO made (id, number) VALUES ($1, $2)", params![id, self.number]).await?;
        self.fail(At::Effect)?;
        if self.at_once { Make::count(tx).await.map(Next::Answer) } else { Ok(Next::Wait(id)) }
    }

    async fn after_effect(&self) {
        self.effects.fetch_add(1, Ordering::SeqCst);
    }

    async fn undo_preparation(&self) {
        self.prepared.fetch_sub(1, Ordering::SeqCst);
    }

    fn resource(&self, id: &Uuid) -> Uuid {
        *id
    }

    async fn resume(&self, _: &mut Tx, id: Uuid) -> Result<Next<Json<i64>, Uuid>, Problem> {
        Ok(Next::Wait(id))
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(10)
    }

    async fn wait(&self, id: Uuid) -> Result<Uuid, Problem> {
        self.waited.fetch_add(1, Ordering::SeqCst);
        if let Some(gate) = &self.gate {
            gate.acquire().await.expect("it is never closed").forget();
        }
        self.fail(At::Wait).map(|()| id)
    }

    async fn answer(&self, tx: &mut Tx, id: Uuid) -> Result<Next<Json<i64>, Uuid>, Problem> {
        if self.keeps_changes {
            tx.execute("UPDATE made SET number = 99 WHERE id = $1", params![id]).await?;
            return Ok(Next::Refuse(Problem::new(Code::INSUFFICIENT_STOCK)));
        }
        self.fail(At::Answer)?;
        if self.waited.load(Ordering::SeqCst) <= self.rounds {
            return Ok(Next::Wait(id));
        }
        Make::count(tx).await.map(Next::Answer)
    }
}

fn key(body: &str) -> IdempotencyKey {
    IdempotencyKey::made("k", "somebody", "POST", "/things", body.as_bytes())
}

/// One client's request, for a task.
async fn request(make: Make, db: Db) -> Result<Idempotent<Json<i64>>, Problem> {
    make.run(&db, key("a")).await
}

fn database() -> (TempFolder, Db) {
    let folder = TempFolder::new();
    let db = Db::open(Env::seeded(5, Timestamp(1_000_000)), "maker", folder.path(), MADE).expect("it opens");
    (folder, db)
}

async fn made(db: &Db) -> Vec<i64> {
    db.read(async |tx| tx.query("SELECT number FROM made ORDER BY number", &[], |row| row.next()).await).await.expect("it can be read")
}

async fn rows(db: &Db) -> i64 {
    db.read(async |tx| tx.query_one("SELECT COUNT(*) FROM idempotency", &[], |row| row.next()).await).await.expect("it can be read")
}

#[tokio::test]
async fn a_repetition_gets_the_first_answer_byte_for_byte() {
    for at_once in [true, false] {
        let (_folder, db) = database();
        let make = Make { number: 7, at_once, ..Make::default() };
        let first = make.clone().run(&db, key("a")).await.unwrap();
        Make { number: 8, ..Make::default() }.run(&db, MaybeIdempotencyKey(None)).await.unwrap();
        let again = make.clone().run(&db, key("a")).await.unwrap();
        assert_eq!((first.replayed, again.replayed), (false, true));
        assert_eq!(again.stored, first.stored);
        assert_eq!(made(&db).await, [7, 8]);
        assert_eq!(make.effects.load(Ordering::SeqCst), 1);
        assert_eq!(make.run(&db, key("b")).await.unwrap_err().code(), Code::IDEMPOTENCY_KEY_REUSED);
    }
}

#[tokio::test]
async fn an_answer_with_a_secret_is_stored_encrypted_and_for_a_day() {
    for at_once in [true, false] {
        let (_folder, db) = database();
        let sealed = |body: &str| key(body).sealed([3; 32]);
        let make = Make { number: 7, at_once, ..Make::default() };
        let first = make.clone().run(&db, sealed("a")).await.unwrap();
        let again = make.clone().run(&db, sealed("a")).await.unwrap();
        assert_eq!((again.stored, again.replayed), (first.stored.clone(), true));
        let body: Vec<u8> = db.read(async |tx| tx.query_one("SELECT body FROM idempotency", &[], |row| row.next()).await).await.unwrap();
        assert_ne!(body, first.stored.body.to_vec());
        let now = db.env().now();
        purge(&db, now.before(KEPT), 10).await.unwrap();
        assert_eq!(rows(&db).await, 1);
        purge(&db, now.after(SEALED_KEPT + Duration::from_secs(1)).before(KEPT), 10).await.unwrap();
        assert_eq!(rows(&db).await, 0, "a day later it is gone");
    }
}

#[tokio::test]
async fn a_refusal_is_kept_wherever_it_is_decided() {
    for fails in [At::Prepare, At::Effect, At::Answer] {
        let (_folder, db) = database();
        let refused = Make { fails, code: Some(Code::INSUFFICIENT_STOCK), ..Make::default() };
        let first = refused.clone().run(&db, key("a")).await.unwrap();
        assert_eq!(first.stored.status, 409, "{fails:?}");
        let again = Make::default().run(&db, key("a")).await.unwrap();
        assert_eq!((again.stored, again.replayed), (first.stored, true), "{fails:?}");
        assert_eq!(made(&db).await.len(), usize::from(fails == At::Answer), "{fails:?}");
        assert_eq!(refused.prepared.load(Ordering::SeqCst), u32::from(fails == At::Answer), "{fails:?}");
        let bare = refused.clone().run(&db, MaybeIdempotencyKey(None)).await.unwrap_err();
        assert_eq!(bare.code(), Code::INSUFFICIENT_STOCK);
        assert_eq!(refused.prepared.load(Ordering::SeqCst), 2 * u32::from(fails == At::Answer), "{fails:?}");
    }
}

#[tokio::test]
async fn a_refusal_that_says_nothing_of_the_execution_leaves_no_row() {
    for code in [Code::UNAUTHENTICATED, Code::FORBIDDEN, Code::RATE_LIMITED, Code::INTERNAL_ERROR, Code::DEPENDENCY_UNAVAILABLE] {
        for fails in [At::Prepare, At::Effect] {
            let (_folder, db) = database();
            let make = Make { fails, code: Some(code), ..Make::default() };
            let refused = make.clone().run(&db, key("a")).await.unwrap_err();
            assert_eq!((refused.code(), make.prepared.load(Ordering::SeqCst)), (code, 0));
            assert_eq!((rows(&db).await, made(&db).await.len()), (0, 0), "{code:?} {fails:?}");
            assert!(!Make::default().run(&db, key("a")).await.unwrap().replayed);
        }
    }
}

/// A request that is answered by the unit of its effect.
async fn add(db: &Db, body: &str, make: Make) -> Result<Idempotent<Json<i64>>, Problem> {
    let key = key(body);
    db.write(async move |tx| {
        let effect = async |tx: &mut Tx| match make.effect(tx).await? {
            Next::Answer(answer) => Ok(answer),
            _ => Err(Problem::new(Code::INTERNAL_ERROR)),
        };
        key.once(tx, effect).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_effect_that_is_answered_at_once_happens_once() {
    let (_folder, db) = database();
    let make = Make { number: 7, at_once: true, ..Make::default() };
    let overloaded = Make { fails: At::Effect, code: Some(Code::DEPENDENCY_UNAVAILABLE), ..make.clone() };
    assert_eq!(add(&db, "a", overloaded).await.unwrap_err().status(), 503);
    let mut tasks = db.env().task_set();
    for _ in 0..40 {
        let (db, make) = (db.clone(), make.clone());
        tasks.spawn(async move { add(&db, "a", make).await.unwrap().stored.body });
    }
    assert!(tasks.join_all().await.iter().all(|body| body.as_ref() == b"1"));
    let refused = Make { fails: At::Effect, code: Some(Code::INSUFFICIENT_STOCK), ..make };
    assert!(add(&db, "a", refused.clone()).await.unwrap().replayed);
    assert_eq!(add(&db, "b", refused).await.unwrap_err().code(), Code::IDEMPOTENCY_KEY_REUSED);
    assert_eq!(made(&db).await, [7]);
}

#[tokio::test]
async fn a_refusal_is_kept_and_its_effect_rolled_back() {
    let (_folder, db) = database();
    let make = Make { at_once: true, ..Make::default() };
    let first = add(&db, "a", Make { fails: At::Effect, code: Some(Code::INSUFFICIENT_STOCK), ..make.clone() }).await.unwrap();
    let again = add(&db, "a", make).await.unwrap();
    assert_eq!((first.stored.status.as_u16(), &again.stored, again.replayed), (409, &first.stored, true));
    assert!(made(&db).await.is_empty());
}

#[tokio::test]
async fn a_request_that_died_is_answered_by_one_repetition() {
    for fails in [At::Wait, At::Answer] {
        let (_folder, db) = database();
        let died = Make { fails, ..Make::default() }.run(&db, key("a")).await.unwrap_err();
        assert_eq!(died.status(), 500);
        let early = Make::default().run(&db, key("a")).await.unwrap_err();
        assert_eq!(early.code(), Code::IDEMPOTENCY_IN_PROGRESS, "{fails:?}");

        db.env().advance(Duration::from_secs(16));
        let gate = Arc::new(Semaphore::new(0));
        let late = Make { gate: Some(gate.clone()), ..Make::default() };
        let repetition = db.env().spawn(request(late.clone(), db.clone()));
        while late.waited.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        let other = Make::default().run(&db, key("a")).await.unwrap_err();
        assert_eq!(other.code(), Code::IDEMPOTENCY_IN_PROGRESS, "one of two repetitions goes on");
        gate.add_permits(1);
        let answer = repetition.await.unwrap().unwrap();
        assert_eq!((answer.stored.body.as_ref(), answer.replayed), (&b"1"[..], false));
        assert!(Make::default().run(&db, key("a")).await.unwrap().replayed);
        assert_eq!(late.effects.load(Ordering::SeqCst), 0, "the effect was the first request's");
        assert_eq!(made(&db).await.len(), 1, "{fails:?}");
    }
}

#[tokio::test]
async fn after_a_crash_the_key_is_free_at_the_next_start() {
    let (folder, db) = database();
    Make { fails: At::Wait, ..Make::default() }.run(&db, key("a")).await.unwrap_err();
    drop(db);
    // The same instant, and another run of the program.
    let reopen = |seed| Db::open(Env::seeded(seed, Timestamp(1_000_000)), "maker", folder.path(), MADE).expect("it opens");
    let db = reopen(6);
    Make { fails: At::Wait, ..Make::default() }.run(&db, key("a")).await.unwrap_err();
    let taken = Make::default().run(&db, key("a")).await.unwrap_err();
    assert_eq!(taken.code(), Code::IDEMPOTENCY_IN_PROGRESS, "the repetition has the key now");
    drop(db);
    let db = reopen(7);
    let make = Make::default();
    let answer = make.clone().run(&db, key("a")).await.unwrap();
    assert_eq!((answer.stored.body.as_ref(), answer.replayed), (&b"1"[..], false));
    assert_eq!((made(&db).await.len(), make.effects.load(Ordering::SeqCst)), (1, 0));
    assert!(make.run(&db, key("a")).await.unwrap().replayed);
}

#[tokio::test]
async fn a_client_that_went_away_finds_the_answer() {
    let (_folder, db) = database();
    let gate = Arc::new(Semaphore::new(0));
    let make = Make { gate: Some(gate.clone()), ..Make::default() };
    let client = db.env().spawn(request(make.clone(), db.clone()));
    while make.waited.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    client.abort();
    assert!(client.await.unwrap_err().is_cancelled());
    gate.add_permits(1);
    let answer = loop {
        match make.clone().run(&db, key("a")).await {
            Ok(answer) => break answer,
            Err(problem) => assert_eq!(problem.code(), Code::IDEMPOTENCY_IN_PROGRESS),
        }
        tokio::task::yield_now().await;
    };
    assert!(answer.replayed);
    assert_eq!((made(&db).await.len(), make.waited.load(Ordering::SeqCst)), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_under_one_key_have_one_effect() {
    let (_folder, db) = database();
    let make = Make::default();
    let mut tasks = db.env().task_set();
    for _ in 0..40 {
        tasks.spawn(request(make.clone(), db.clone()));
    }
    for outcome in tasks.join_all().await {
        match outcome {
            Ok(answer) => assert_eq!(answer.stored.body.as_ref(), b"1"),
            Err(problem) => assert_eq!(problem.code(), Code::IDEMPOTENCY_IN_PROGRESS),
        }
    }
    assert_eq!(made(&db).await.len(), 1);
    assert_eq!((make.effects.load(Ordering::SeqCst), make.waited.load(Ordering::SeqCst)), (1, 1));
    assert_eq!(make.prepared.load(Ordering::SeqCst), 1, "those that came later undid theirs");
    assert!(make.run(&db, key("a")).await.unwrap().replayed);
}

#[tokio::test]
async fn an_answer_may_need_another_wait() {
    let (_folder, db) = database();
    let make = Make { rounds: 2, ..Make::default() };
    assert_eq!(make.clone().run(&db, key("a")).await.unwrap().stored.body.as_ref(), b"1");
    assert_eq!(make.waited.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_refusal_as_the_answer_keeps_the_changes_of_its_unit() {
    let (_folder, db) = database();
    let make = Make { keeps_changes: true, ..Make::default() };
    let first = make.clone().run(&db, key("a")).await.unwrap();
    assert_eq!((first.stored.status.as_u16(), made(&db).await), (409, vec![99]));
    assert_eq!(make.clone().run(&db, key("a")).await.unwrap().stored, first.stored);
    assert_eq!(make.run(&db, MaybeIdempotencyKey(None)).await.unwrap_err().code(), Code::INSUFFICIENT_STOCK);
    assert_eq!(made(&db).await, [99, 99]);
}

#[tokio::test]
async fn a_repetition_is_found_before_its_unit() {
    let (_folder, db) = database();
    let maybe = MaybeIdempotencyKey(Some(key("a")));
    assert!(maybe.replay::<Json<i64>>(&db).await.unwrap().is_none());
    let first = Make::default().run(&db, key("a")).await.unwrap();
    let again = maybe.replay::<Json<i64>>(&db).await.unwrap().unwrap();
    assert_eq!((again.stored, again.replayed), (first.stored, true));
    assert!(MaybeIdempotencyKey(None).replay::<Json<i64>>(&db).await.unwrap().is_none());
}
