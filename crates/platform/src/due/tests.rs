use super::*;
use crate::{db::Migration, env::Env, shutdown, testing::TempFolder};
use contracts::ids::OrderId;
use tokio::sync::Notify;

const JOBS: &[Migration] = &[Migration {
    name: "0001_jobs",
    sql: "CREATE TABLE jobs (job UUID PRIMARY KEY, owner BIGINT NOT NULL, due_at BIGINT, failures BIGINT NOT NULL); \
          CREATE INDEX jobs_due ON jobs (due_at)",
}];

const ALL: DueQueue<OrderId> = DueQueue::new("jobs", "job").failed_attempts("failures");

/// What happens when a job is run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Done,
    Fails,
    Panics,
    Hangs,
    StaysDue,
}

#[derive(Debug, thiserror::Error)]
#[error("it failed")]
struct Failed;

/// Jobs, and the keys of each run.
#[derive(Clone)]
struct Jobs {
    db: Db,
    slots: usize,
    kinds: Arc<Mutex<HashMap<OrderId, Kind>>>,
    runs: Arc<Mutex<Vec<Vec<OrderId>>>>,
    /// Lets hanging jobs end.
    go_on: Arc<Notify>,
}

impl Jobs {
    async fn run_all(self, keys: Vec<OrderId>) -> Result<(), Failed> {
        self.runs.lock_unpoisoned().push(keys.clone());
        let kinds: Vec<Kind> = keys.iter().map(|key| self.kinds.lock_unpoisoned()[key]).collect();
        if kinds.contains(&Kind::Hangs) {
            self.go_on.notified().await;
        }
        assert!(!kinds.contains(&Kind::Panics), "panics on purpose");
        if kinds.contains(&Kind::Fails) {
            return Err(Failed);
        }
        let done: Vec<OrderId> = keys.into_iter().zip(kinds).filter(|(_, kind)| *kind != Kind::StaysDue).map(|(key, _)| key).collect();
        let write = async move |tx: &mut Tx| {
            for key in &done {
                tx.execute("UPDATE jobs SET due_at = NULL WHERE job = $1", params![*key]).await?;
            }
            Ok::<_, Error>(())
        };
        self.db.write(write).await.map_err(|_| Failed)
    }
}

const BACKOFF: Backoff = Backoff::doubling(Duration::from_secs(40), Duration::from_secs(80));

impl DueWork for Jobs {
    const NAME: &'static str = "jobs";
    const PERIOD: Duration = Duration::from_secs(5);
    const QUEUE: DueQueue<OrderId> = ALL;
    type Key = OrderId;
    type Partition = OrderId;
    type Error = Failed;

    async fn run(self, key: OrderId) -> Result<(), Failed> {
        self.run_all(vec![key]).await
    }

    fn slots(&self) -> usize {
        self.slots
    }

    fn backoff(&self) -> Backoff {
        BACKOFF
    }
}

/// The same jobs, fair among their owners.
#[derive(Clone)]
struct FairJobs(Jobs);

impl DueWork for FairJobs {
    const NAME: &'static str = "fair-jobs";
    const PERIOD: Duration = Duration::from_secs(5);
    const QUEUE: DueQueue<OrderId, i64> = ALL.partitioned_by("owner");
    type Key = OrderId;
    type Partition = i64;
    type Error = Failed;

    async fn run(self, key: OrderId) -> Result<(), Failed> {
        self.0.run_all(vec![key]).await
    }

    fn slots(&self) -> usize {
        self.0.slots
    }

    fn backoff(&self) -> Backoff {
        BACKOFF
    }
}

/// The same jobs, in batches.
#[derive(Clone)]
struct JobBatches(Jobs);

impl DueBatch for JobBatches {
    const NAME: &'static str = "job-batches";
    const PERIOD: Duration = Duration::from_secs(5);
    const SIZE: usize = 8;
    const QUEUE: DueQueue<OrderId> = ALL;
    type Key = OrderId;
    type Partition = OrderId;
    type Error = Failed;

    async fn run(self, keys: Vec<OrderId>) -> Result<(), Failed> {
        self.0.run_all(keys).await
    }

    fn backoff(&self) -> Backoff {
        BACKOFF
    }
}

/// Lets tasks that were just spawned run until they wait.
async fn begin_tasks() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

/// A database with jobs and the worker that does them.
struct Shop {
    jobs: Jobs,
    worker: Worker,
    _folder: TempFolder,
}

impl Shop {
    fn open(slots: usize, worker: impl Fn(&Db, Jobs) -> Worker) -> Shop {
        let folder = TempFolder::new();
        let db = Db::open(Env::seeded(5, Timestamp(1_000_000)), "jobs", folder.path(), JOBS).unwrap();
        let jobs = Jobs { db: db.clone(), slots, kinds: Arc::default(), runs: Arc::default(), go_on: Arc::default() };
        Shop { worker: worker(&db, jobs.clone()), jobs, _folder: folder }
    }

    fn single(slots: usize) -> Shop {
        Shop::open(slots, Worker::due)
    }

    async fn add_at(&self, kind: Kind, count: usize, owner: i64, due_at: Timestamp) -> Vec<OrderId> {
        let keys: Vec<OrderId> = (0..count).map(|_| self.jobs.db.env().new_id()).collect();
        self.jobs.kinds.lock_unpoisoned().extend(keys.iter().map(|key| (*key, kind)));
        let own = keys.clone();
        let insert = async move |tx: &mut Tx| {
            for key in &own {
                tx.execute("INSERT INTO jobs (job, owner, due_at, failures) VALUES ($1, $2, $3, 0)", params![*key, owner, due_at]).await?;
            }
            tx.notify_worker(Jobs::NAME);
            Ok::<_, Error>(())
        };
        self.jobs.db.write(insert).await.unwrap();
        keys
    }

    async fn add(&self, kind: Kind, count: usize) -> Vec<OrderId> {
        self.add_at(kind, count, 0, self.jobs.db.now()).await
    }

    async fn due(&self) -> Vec<OrderId> {
        self.jobs.db.read(async |tx| ALL.list(tx, 1_000).await).await.unwrap()
    }

    fn runs_of(&self, key: OrderId) -> usize {
        self.jobs.runs.lock_unpoisoned().iter().filter(|keys| keys.contains(&key)).count()
    }

    async fn turn(&self) -> Next {
        self.worker.run_once(&self.jobs.db).await.unwrap()
    }

    /// Gives the worker turns until only `hanging` tasks run and a turn starts none.
    async fn work(&self, hanging: usize) {
        for _ in 0..200 {
            let runs = self.jobs.runs.lock_unpoisoned().len();
            self.turn().await;
            self.worker.tasks_end_but(hanging).await;
            begin_tasks().await;
            if self.jobs.runs.lock_unpoisoned().len() == runs {
                return;
            }
        }
        panic!("there is always more to do");
    }
}

#[tokio::test]
async fn rows_that_take_long_occupy_their_own_slots_only() {
    let shop = Shop::single(4);
    let hanging = shop.add(Kind::Hangs, 3).await;
    shop.add(Kind::Done, 20).await;
    shop.work(3).await;
    assert_eq!(shop.due().await.len(), 3);
    assert!(hanging.iter().all(|key| shop.runs_of(*key) == 1), "a claimed row is not claimed again");
    shop.jobs.go_on.notify_waiters();
    shop.worker.tasks_end().await;
    assert!(shop.due().await.is_empty());
}

#[tokio::test]
async fn no_more_rows_are_worked_on_than_there_are_slots() {
    let shop = Shop::single(4);
    shop.add(Kind::Hangs, 10).await;
    for _ in 0..3 {
        assert_eq!(shop.turn().await, Next::Idle);
        assert_eq!(shop.worker.running_tasks(), 4);
    }
}

#[tokio::test]
async fn a_row_whose_work_fails_or_panics_is_rescheduled_with_a_growing_pause() {
    let shop = Shop::single(4);
    let failing = [shop.add(Kind::Fails, 1).await, shop.add(Kind::Panics, 1).await].concat();
    shop.add(Kind::Done, 5).await;
    shop.work(0).await;
    assert!(shop.due().await.is_empty());
    assert!(failing.iter().all(|key| shop.runs_of(*key) == 1));
    shop.jobs.db.env().advance(Duration::from_secs(51));
    shop.work(0).await;
    assert!(failing.iter().all(|key| shop.runs_of(*key) == 2));
    // The second pause is twice the first, less a quarter at most.
    shop.jobs.db.env().advance(Duration::from_secs(51));
    shop.work(0).await;
    assert!(failing.iter().all(|key| shop.runs_of(*key) == 2));
    assert_eq!(shop.worker.take_failures().len(), 4);
}

#[tokio::test]
async fn a_row_that_cannot_be_rescheduled_either_keeps_its_slot_for_a_while() {
    let shop = Shop::single(2);
    let stuck = shop.add(Kind::Fails, 1).await[0];
    let close = "CREATE TRIGGER closed BEFORE UPDATE OF failures ON jobs BEGIN SELECT RAISE(ABORT, 'closed'); END";
    shop.jobs.db.write(async move |tx| tx.execute(close, &[]).await).await.unwrap();
    shop.add(Kind::Done, 50).await;
    shop.work(1).await;
    assert_eq!((shop.due().await, shop.runs_of(stuck)), (vec![stuck], 1));
    let env = shop.jobs.db.env().clone();
    env.advance(env.next_sleeper().await.since(env.now()));
    shop.worker.tasks_end().await;
    shop.turn().await;
    env.next_sleeper().await;
    assert_eq!(shop.runs_of(stuck), 2);
}

#[tokio::test]
async fn many_rows_of_one_partition_leave_slots_to_the_others() {
    let shop = Shop::open(16, |db, jobs| Worker::due(db, FairJobs(jobs)));
    let now = shop.jobs.db.now();
    let many = shop.add_at(Kind::Hangs, 200, 1, now.before(Duration::from_secs(9))).await;
    let few = shop.add_at(Kind::Hangs, 3, 2, now.before(Duration::from_secs(5))).await;
    let one = shop.add_at(Kind::Hangs, 1, 3, now).await;
    shop.work(5).await;
    let running = |keys: &[OrderId]| keys.iter().filter(|key| shop.runs_of(**key) > 0).count();
    assert_eq!([running(&many), running(&few), running(&one)], [2, 2, 1]);
}

#[tokio::test]
async fn a_row_that_its_work_leaves_due_is_rescheduled_in_the_end() {
    let shop = Shop::single(4);
    let endless = shop.add(Kind::StaysDue, 1).await[0];
    shop.work(0).await;
    assert_eq!(shop.runs_of(endless), UNCHANGED_RUNS as usize);
    assert!(shop.due().await.is_empty());
    assert!(shop.worker.take_failures()[0].contains("left it due"));
}

#[tokio::test]
async fn a_batch_is_one_run_and_one_that_fails_is_run_again_row_by_row() {
    let shop = Shop::open(1, |db, jobs| Worker::due_batch(db, JobBatches(jobs)));
    let failing = shop.add(Kind::Fails, 1).await[0];
    shop.add(Kind::Done, 15).await;
    shop.work(0).await;
    assert!(shop.due().await.is_empty());
    let sizes: Vec<usize> = shop.jobs.runs.lock_unpoisoned().iter().map(Vec::len).collect();
    assert_eq!(sizes, [8, 1, 1, 1, 1, 1, 1, 1, 1, 8]);
    assert_eq!(shop.runs_of(failing), 2);
}

#[tokio::test]
async fn a_worker_is_woken_by_a_commit_by_the_end_of_a_task_and_by_the_next_due_instant() {
    let shop = Shop::single(1);
    let (sender, stop) = shutdown::channel();
    let env = shop.jobs.db.env().clone();
    let running = env.spawn(shop.worker.clone().run(shop.jobs.db.clone(), stop));
    // Nothing is due yet: it sleeps for its period.
    assert_eq!(env.next_sleeper().await, env.now().after(Jobs::PERIOD));
    let done = shop.add(Kind::Done, 3).await;
    let later = env.now().after(Duration::from_secs(2));
    let next = shop.add_at(Kind::Done, 1, 0, later).await[0];
    while env.next_sleeper().await != later || !shop.due().await.is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(done.iter().all(|key| shop.runs_of(*key) == 1));
    assert_eq!(shop.runs_of(next), 0);
    env.advance(Duration::from_secs(2));
    while !shop.due().await.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(shop.runs_of(next), 1);
    sender.stop();
    running.await.unwrap();
}

mod replicas;
