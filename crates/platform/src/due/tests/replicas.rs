//! Processes that share a database divide its due rows. These tests need a server.

use super::*;
use crate::testing::TestDatabase;

/// A process with a connection to the database that all share, and its worker.
struct Replica {
    jobs: Jobs,
    worker: Worker,
}

/// As many processes as there are numbers, each with `slots` slots, and with the same record of runs.
fn replicas(database: &TestDatabase, slots: usize, numbers: &[u64]) -> Vec<Replica> {
    let (kinds, runs, go_on) = (Arc::default(), Arc::default(), Arc::default());
    let open = |number: &u64| {
        let db = database.open(Env::seeded(*number, Timestamp(1_000_000)), JOBS).unwrap();
        let jobs = Jobs { db: db.clone(), slots, kinds: Arc::clone(&kinds), runs: Arc::clone(&runs), go_on: Arc::clone(&go_on) };
        Replica { worker: Worker::due(&db, jobs.clone()), jobs }
    };
    numbers.iter().map(open).collect()
}

async fn add(to: &Replica, kind: Kind, count: usize) -> Vec<OrderId> {
    let mut keys: Vec<OrderId> = (0..count).map(|_| to.jobs.db.env().new_id()).collect();
    keys.sort();
    to.jobs.kinds.lock_unpoisoned().extend(keys.iter().map(|key| (*key, kind)));
    let (own, due_at) = (keys.clone(), to.jobs.db.now());
    let insert = async move |tx: &mut Tx| {
        for key in &own {
            tx.execute("INSERT INTO jobs (job, owner, due_at, failures) VALUES ($1, 0, $2, 0)", params![*key, due_at]).await?;
        }
        Ok::<_, Error>(())
    };
    to.jobs.db.write(insert).await.unwrap();
    keys
}

async fn due(of: &Replica) -> usize {
    of.jobs.db.read(async |tx| ALL.list(tx, 1_000).await).await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_share_the_due_rows_and_do_each_once() {
    let Some(database) = TestDatabase::make("jobs", JOBS) else { return };
    let replicas = replicas(&database, 4, &[1, 2]);
    let keys = add(&replicas[0], Kind::Hangs, 12).await;
    // Turns at the same time, again and again: each process fills its slots with other rows.
    for _ in 0..5 {
        tokio::join!(replicas[0].worker.run_once(&replicas[0].jobs.db), replicas[1].worker.run_once(&replicas[1].jobs.db)).0.unwrap();
    }
    assert_eq!(replicas.iter().map(|replica| replica.worker.running_tasks()).collect::<Vec<_>>(), [4, 4]);
    while replicas[0].jobs.runs.lock_unpoisoned().len() < 8 {
        tokio::task::yield_now().await;
    }
    // The slots become free, and the others are done by whoever comes first.
    while due(&replicas[0]).await > 0 {
        replicas[0].jobs.go_on.notify_waiters();
        for Replica { jobs, worker } in &replicas {
            worker.run_once(&jobs.db).await.unwrap();
        }
    }
    for replica in &replicas {
        replica.worker.tasks_end().await;
    }
    let runs = replicas[0].jobs.runs.lock_unpoisoned().clone();
    let times = |key: &OrderId| runs.iter().filter(|run| run.contains(key)).count();
    assert!(keys.iter().all(|key| times(key) == 1), "{runs:?}");
}

#[tokio::test]
async fn the_rows_of_a_killed_replica_are_done_by_another_when_its_claims_end() {
    let Some(database) = TestDatabase::make("jobs", JOBS) else { return };
    let [killed, other] = <[Replica; 2]>::try_from(replicas(&database, 4, &[1, 2])).ok().unwrap();
    add(&killed, Kind::Hangs, 3).await;
    killed.worker.run_once(&killed.jobs.db).await.unwrap();
    begin_tasks().await;
    assert_eq!(killed.worker.running_tasks(), 3);
    // Its process says nothing more. The other one looks again when the claims end.
    let next = other.worker.run_once(&other.jobs.db).await.unwrap();
    let end = other.jobs.db.now().after(claims::HELD);
    assert_eq!((next, other.worker.running_tasks()), (Next::At(end), 0));
    other.jobs.db.env().advance(claims::HELD);
    other.worker.run_once(&other.jobs.db).await.unwrap();
    begin_tasks().await;
    assert_eq!(other.worker.running_tasks(), 3);
    while due(&other).await > 0 {
        other.jobs.go_on.notify_waiters();
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_replica_that_stops_leaves_no_claim_to_what_it_ended() {
    let Some(database) = TestDatabase::make("jobs", JOBS) else { return };
    let [stopping, other] = <[Replica; 2]>::try_from(replicas(&database, 4, &[1, 2])).ok().unwrap();
    let ended = add(&stopping, Kind::Done, 2).await;
    stopping.worker.run_once(&stopping.jobs.db).await.unwrap();
    stopping.worker.tasks_end().await;
    let hanging = add(&stopping, Kind::Hangs, 1).await;
    let claimed = async || {
        let mut keys = other.jobs.db.read(async |tx| claims::list_of_others(tx, Jobs::NAME).await).await.unwrap();
        keys.sort();
        keys.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(claimed().await, ended.iter().map(ToString::to_string).collect::<Vec<_>>(), "the next turn releases them");
    stopping.worker.run_once(&stopping.jobs.db).await.unwrap();
    begin_tasks().await;
    let (sender, stop) = shutdown::channel();
    sender.stop();
    stopping.worker.clone().run(stopping.jobs.db.clone(), stop).await;
    assert_eq!(claimed().await, [hanging[0].to_string()], "its work goes on");
    stopping.jobs.go_on.notify_waiters();
    stopping.worker.tasks_end().await;
    let (sender, stop) = shutdown::channel();
    sender.stop();
    stopping.worker.clone().run(stopping.jobs.db.clone(), stop).await;
    assert_eq!(claimed().await, [""; 0]);
}
