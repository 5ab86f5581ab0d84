use super::*;
use crate::{db::Migration, env::Env, params, shutdown, testing::TempFolder};
use contracts::ids::OrderId;
use std::{collections::HashMap, time::Duration};
use tokio::sync::Notify;

const JOBS: &[Migration] = &[Migration {
    name: "0001_jobs",
    sql: "CREATE TABLE jobs (job UUID PRIMARY KEY, due_at BIGINT, failures BIGINT NOT NULL); CREATE INDEX jobs_due ON jobs (due_at)",
}];

/// What becomes of a job.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Done,
    Fails,
    Panics,
    Hangs,
}

#[derive(Debug, thiserror::Error)]
#[error("it failed")]
struct Failed;

/// Jobs, and how often each was tried.
#[derive(Clone)]
struct Jobs {
    db: Db,
    kinds: Arc<Mutex<HashMap<OrderId, (Kind, u32)>>>,
    go_on: Arc<Notify>,
}

impl DueRows for Jobs {
    type Id = OrderId;
    type Failure = Failed;

    const TABLE: DueTable<OrderId> = crate::due_table!("jobs", "job", "failures");

    async fn work(self, id: OrderId) -> Result<(), Failed> {
        let kind = {
            let mut kinds = self.kinds.lock_unpoisoned();
            let (kind, tries) = kinds.get_mut(&id).expect("a job that was put in");
            *tries += 1;
            *kind
        };
        match kind {
            Kind::Done => {}
            Kind::Hangs => self.go_on.notified().await,
            Kind::Fails => return Err(Failed),
            Kind::Panics => panic!("on purpose"),
        }
        let done = async move |tx: &mut Tx| tx.execute("UPDATE jobs SET due_at = NULL WHERE job = $1", params![id]).await.map(|_| ());
        self.db.write(done).await.map_err(|_| Failed)
    }

    fn backoff(&self) -> Backoff {
        Backoff::doubling(Duration::from_secs(40), Duration::from_secs(40))
    }
}

struct Shop {
    jobs: Jobs,
    worker: Worker,
    _folder: TempFolder,
}

impl Shop {
    fn open(places: usize) -> Shop {
        let folder = TempFolder::new();
        let db = Db::open(Env::seeded(5, Timestamp(1_000_000)), "jobs", folder.path(), JOBS).unwrap();
        let jobs = Jobs { db: db.clone(), kinds: Arc::default(), go_on: Arc::default() };
        Shop { worker: Worker::of_due("jobs", Duration::from_secs(5), places, &db, jobs.clone()), jobs, _folder: folder }
    }

    async fn put_in(&self, kind: Kind, count: usize) -> Vec<OrderId> {
        let ids: Vec<OrderId> = (0..count).map(|_| self.jobs.db.env().new_id()).collect();
        self.jobs.kinds.lock_unpoisoned().extend(ids.iter().map(|id| (*id, (kind, 0))));
        let own = ids.clone();
        let insert = async move |tx: &mut Tx| {
            for id in &own {
                tx.execute("INSERT INTO jobs (job, due_at, failures) VALUES ($1, $2, 0)", params![*id, tx.now()]).await?;
            }
            tx.notify_worker("jobs");
            Ok::<_, Error>(())
        };
        self.jobs.db.write(insert).await.unwrap();
        ids
    }

    async fn due(&self) -> Vec<OrderId> {
        self.jobs.db.read(async |tx| Jobs::TABLE.list(tx, 1_000).await).await.unwrap()
    }

    fn tries(&self, id: OrderId) -> u32 {
        self.jobs.kinds.lock_unpoisoned()[&id].1
    }

    async fn look(&self) {
        let (_sender, stop) = shutdown::channel();
        self.worker.run_once(&self.jobs.db, &stop).await.unwrap();
    }

    /// Lets the worker run by itself until only `left` jobs are due, or for two seconds.
    async fn run_until(&self, left: usize) {
        let (sender, stop) = shutdown::channel();
        let env = self.jobs.db.env().clone();
        let running = env.spawn(self.worker.clone().run(self.jobs.db.clone(), stop));
        for _ in 0..400 {
            if self.due().await.len() == left {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        sender.stop();
        running.await.unwrap();
        assert_eq!(self.due().await.len(), left);
    }
}

#[tokio::test]
async fn rows_that_take_long_hold_up_nobody_but_themselves() {
    let shop = Shop::open(4);
    let hanging = shop.put_in(Kind::Hangs, 3).await;
    shop.put_in(Kind::Done, 20).await;
    shop.run_until(3).await;
    assert!(hanging.iter().all(|id| shop.tries(*id) == 1), "one that has a place is not given another");
    shop.jobs.go_on.notify_waiters();
    shop.worker.tasks_end().await;
    assert!(shop.due().await.is_empty());
}

#[tokio::test]
async fn no_more_rows_are_in_hand_than_there_are_places() {
    let shop = Shop::open(4);
    let hanging = shop.put_in(Kind::Hangs, 10).await;
    for _ in 0..3 {
        shop.look().await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(hanging.iter().filter(|id| shop.tries(**id) > 0).count(), 4);
}

#[tokio::test]
async fn a_row_whose_work_fails_or_panics_is_put_off_and_not_taken_again_at_once() {
    let shop = Shop::open(4);
    let failing = [shop.put_in(Kind::Fails, 1).await, shop.put_in(Kind::Panics, 1).await].concat();
    shop.put_in(Kind::Done, 5).await;
    shop.run_until(0).await;
    assert!(failing.iter().all(|id| shop.tries(*id) == 1));
    shop.jobs.db.env().advance(Duration::from_secs(61));
    assert_eq!(shop.due().await.len(), 2);
}

#[tokio::test]
async fn a_row_that_cannot_be_put_off_either_keeps_its_place_for_a_while() {
    let shop = Shop::open(2);
    let stuck = shop.put_in(Kind::Fails, 1).await[0];
    let close = "CREATE TRIGGER closed BEFORE UPDATE OF failures ON jobs BEGIN SELECT RAISE(ABORT, 'closed'); END";
    shop.jobs.db.write(async move |tx| tx.execute(close, &[]).await).await.unwrap();
    shop.put_in(Kind::Done, 50).await;
    shop.run_until(1).await;
    for _ in 0..10 {
        shop.look().await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(shop.tries(stuck), 1);
}
