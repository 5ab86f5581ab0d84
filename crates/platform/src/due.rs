//! The one engine for due work: rows that carry the instant at which they are due, and a worker that works on them.
//!
//! A turn of the worker fetches the rows that are due, claims them and gives them [`WorkerSlot`]s; each slot is a task. So a
//! row that takes long occupies its own slot only. Slots are fair: while rows of several partitions (such as users) are due,
//! one partition holds an eighth of the slots at most. A row whose work fails or panics is rescheduled with a growing pause.
//! The next turn begins when the notifier of the worker's name is called after a commit, when a slot becomes free, when the
//! next row is due, and at least once in a period.
//!
//! Only the database records which rows are due. A crash interrupts the tasks, and the next start works on their rows again.
//! Processes that share the database divide the rows: each row is claimed by one of them while it works on it.

mod selection;

use crate::{
    backoff::Backoff,
    context::Context,
    db::{Db, Error, Tx, postgres::claims},
    env::LockUnpoisoned as _,
    error_chain, params,
    worker::{Failures, Next, Worker},
};
use contracts::{column::Column, time::Timestamp};
use selection::select;
use std::{
    collections::{HashMap, HashSet},
    fmt::{Display, Write as _},
    future::Future,
    hash::Hash,
    marker::PhantomData,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::watch;

/// How long a row keeps its slot when its work failed and it could not be rescheduled either. The number of slots then
/// bounds how often such rows are tried.
const SLOT_KEPT: Duration = Duration::from_secs(5);
/// One partition holds at most this part of the slots.
const PARTITION_SHARE: usize = 8;
/// How long claims of rows whose work ended gather, if no other row is claimed meanwhile. They are in nobody's way: the row is done, or
/// this process works on it again.
const RELEASED: Duration = Duration::from_secs(1);
/// How often in a row the work for a row may succeed and leave the row due since the same instant.
const UNCHANGED_RUNS: u32 = 64;

/// A column value that identifies rows.
pub trait QueueColumn: Column + Copy + Eq + Hash + Send + Sync + 'static {}
impl<C: Column + Copy + Eq + Hash + Send + Sync + 'static> QueueColumn for C {}

/// A table with an instant in each row, null while the row is not due. A service declares it in its store.
#[derive(Clone, Copy)]
pub struct DueQueue<Key, Partition = Key> {
    table: &'static str,
    key: &'static str,
    partition: Option<&'static str>,
    due_at: &'static str,
    failed_attempts: Option<&'static str>,
    filter: Option<&'static str>,
    types: PhantomData<(Key, Partition)>,
}

/// A row that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueRow<Key, Partition = Key> {
    pub key: Key,
    pub partition: Partition,
    pub due_at: Timestamp,
}

impl<Key> DueQueue<Key> {
    /// The rows of `table`, identified by the column `key`, due since the instant in the column `due_at`.
    #[must_use]
    pub const fn new(table: &'static str, key: &'static str) -> DueQueue<Key> {
        DueQueue { table, key, partition: None, due_at: "due_at", failed_attempts: None, filter: None, types: PhantomData }
    }

    /// Makes the slots fair among the values of the column `partition`, which is never null and part of the index over `due_at`.
    #[must_use]
    pub const fn partitioned_by<Partition>(self, partition: &'static str) -> DueQueue<Key, Partition> {
        let DueQueue { table, key, due_at, failed_attempts, filter, .. } = self;
        DueQueue { table, key, partition: Some(partition), due_at, failed_attempts, filter, types: PhantomData }
    }
}

impl<Key, Partition> DueQueue<Key, Partition> {
    /// Names the column with the instant, if that is not `due_at`.
    #[must_use]
    pub const fn due_at(self, column: &'static str) -> Self {
        DueQueue { due_at: column, ..self }
    }

    /// Counts failed attempts of a row in this column, so that the pauses grow. Without it each pause is the first one.
    #[must_use]
    pub const fn failed_attempts(self, column: &'static str) -> Self {
        DueQueue { failed_attempts: Some(column), ..self }
    }

    /// Restricts the queue to the rows that satisfy this condition, such as `channel = 'EMAIL'`.
    #[must_use]
    pub const fn filter(self, condition: &'static str) -> Self {
        DueQueue { filter: Some(condition), ..self }
    }
}

/// The statements.
impl<Key, Partition> DueQueue<Key, Partition> {
    fn fetch_sql(&self, excluded: usize) -> String {
        self.rows_sql("$1", excluded)
    }

    /// The rows that are due, and after them those that are due next.
    fn look_sql(&self, excluded: usize) -> String {
        self.rows_sql(&format!("COALESCE(({}), $1)", self.next_sql()), excluded)
    }

    /// The rows that are due until an instant.
    fn rows_sql(&self, until: &str, excluded: usize) -> String {
        let DueQueue { table, key, due_at, .. } = self;
        let partition = self.partition.unwrap_or(key);
        let mut conditions = self.conditions();
        for place in 3..3 + excluded {
            // Writing to a String never fails.
            let _ = write!(conditions, " AND {partition} <> ${place}");
        }
        format!("SELECT {key}, {partition}, {due_at} FROM {table} WHERE {due_at} <= {until}{conditions} ORDER BY {due_at} LIMIT $2")
    }

    fn next_sql(&self) -> String {
        let (DueQueue { table, due_at, .. }, conditions) = (self, self.conditions());
        format!("SELECT {due_at} FROM {table} WHERE {due_at} > $1{conditions} ORDER BY {due_at} LIMIT 1")
    }

    fn count_sql(&self) -> Option<String> {
        let DueQueue { table, key, .. } = self;
        self.failed_attempts.map(|count| format!("UPDATE {table} SET {count} = {count} + 1 WHERE {key} = $1 RETURNING {count}"))
    }

    fn reschedule_sql(&self) -> String {
        let (DueQueue { table, key, due_at, .. }, conditions) = (self, self.conditions());
        format!("UPDATE {table} SET {due_at} = $2 WHERE {key} = $1 AND {due_at} IS NOT NULL{conditions}")
    }

    fn conditions(&self) -> String {
        self.filter.map(|filter| format!(" AND {filter}")).unwrap_or_default()
    }

    /// Every statement, for the test that prepares them.
    pub(crate) fn statements(&self) -> impl Iterator<Item = String> {
        [self.fetch_sql(1), self.look_sql(1), self.next_sql(), self.reschedule_sql()].into_iter().chain(self.count_sql())
    }
}

impl<Key: QueueColumn, Partition: QueueColumn> DueQueue<Key, Partition> {
    /// Fetches rows that are due, longest overdue first, `limit` at most, without those of the partitions in `excluded`.
    ///
    /// # Errors
    /// Those of the database; so with the others.
    pub async fn fetch_due(&self, tx: &mut Tx, excluded: &[Partition], limit: usize) -> Result<Vec<DueRow<Key, Partition>>, Error> {
        self.rows(tx, &self.fetch_sql(excluded.len()), excluded, limit).await
    }

    /// [`DueQueue::fetch_due`] and [`DueQueue::next`] in one statement. When there are `limit` rows, the next instant is not always known.
    ///
    /// # Errors
    /// As above.
    pub(crate) async fn look(
        &self,
        tx: &mut Tx,
        excluded: &[Partition],
        limit: usize,
    ) -> Result<(Vec<DueRow<Key, Partition>>, Option<Timestamp>), Error> {
        let mut rows = self.rows(tx, &self.look_sql(excluded.len()), excluded, limit + 1).await?;
        let due = rows.partition_point(|row| row.due_at <= tx.now());
        let next = rows.get(due).map(|row| row.due_at);
        rows.truncate(due.min(limit));
        Ok((rows, next))
    }

    async fn rows(&self, tx: &mut Tx, sql: &str, excluded: &[Partition], limit: usize) -> Result<Vec<DueRow<Key, Partition>>, Error> {
        let now = tx.now();
        let mut values: Vec<&dyn Column> = vec![&now, &limit];
        values.extend(excluded.iter().map(|partition| partition as &dyn Column));
        tx.query(sql, &values, |row| Ok(DueRow { key: row.next()?, partition: row.next()?, due_at: row.next()? })).await
    }

    /// The keys of the rows that are due, longest overdue first, `limit` at most.
    ///
    /// # Errors
    /// As above.
    pub async fn list(&self, tx: &mut Tx, limit: usize) -> Result<Vec<Key>, Error> {
        Ok(self.fetch_due(tx, &[], limit).await?.into_iter().map(|row| row.key).collect())
    }

    /// The instant at which the next row is due that is not due yet.
    ///
    /// # Errors
    /// As above.
    pub async fn next(&self, tx: &mut Tx) -> Result<Option<Timestamp>, Error> {
        let now = tx.now();
        tx.query_opt(&self.next_sql(), params![now], |row| row.next()).await
    }

    /// Makes a row due later, with a pause that grows with each failed attempt and with jitter, unless the row is not due
    /// any more. It reads the count of attempts and nothing else, so it works for a row that cannot be read.
    ///
    /// # Errors
    /// As above.
    pub async fn reschedule(&self, tx: &mut Tx, key: Key, backoff: Backoff) -> Result<(), Error> {
        let mut attempts = 1;
        if let Some(sql) = self.count_sql() {
            attempts = tx.query(&sql, params![key], |row| row.next::<u32>()).await?.pop().unwrap_or(attempts);
        }
        let later = tx.now().after(tx.jitter(backoff.delay(attempts)));
        tx.query(&self.reschedule_sql(), params![key, later], |_| Ok(())).await.map(|_| ())
    }
}

/// Due work, one row at a time. The type that implements it is the key of its worker, so a service can have several.
///
/// The work ends with the row written so that it is not due any more or due later. When it fails or panics, the row is
/// rescheduled. A crash repeats it, and so may a replica after this process lost its claim, because it stood still for longer
/// than a claim holds. So it must be harmless to repeat.
pub trait DueWork: Clone + Send + Sync + 'static {
    /// The name of the worker and of its notifier: `tx.notify_worker(Settlement::NAME)`.
    const NAME: &'static str;
    /// At least once in this time the worker fetches rows, notified or not.
    const PERIOD: Duration;
    const QUEUE: DueQueue<Self::Key, Self::Partition>;
    type Key: QueueColumn + Display;
    /// What the slots are fair among; the type of the key for a queue that is not partitioned.
    type Partition: QueueColumn;
    type Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send + 'static;

    /// Does what is due for the row.
    fn run(self, key: Self::Key) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// How many rows are worked on at the same time.
    fn slots(&self) -> usize;

    /// The pauses of a row whose work fails.
    fn backoff(&self) -> Backoff;

    /// How long a shutdown waits for the work in progress.
    fn grace(&self) -> Duration {
        Duration::ZERO
    }
}

/// Due work, up to [`DueBatch::SIZE`] rows in one commit, for effects in the database only. As [`DueWork`] otherwise. A batch
/// that fails is run again row by row, so that one row that fails does not hold up the others.
pub trait DueBatch: Clone + Send + Sync + 'static {
    const NAME: &'static str;
    const PERIOD: Duration;
    const SIZE: usize;
    const QUEUE: DueQueue<Self::Key, Self::Partition>;
    type Key: QueueColumn + Display;
    type Partition: QueueColumn;
    type Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send + 'static;

    /// Does what is due for the rows, in one commit.
    fn run(self, keys: Vec<Self::Key>) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// How many batches are worked on at the same time. A database with one writer gains nothing from more than one.
    fn slots(&self) -> usize {
        1
    }

    fn backoff(&self) -> Backoff;

    fn grace(&self) -> Duration {
        Duration::ZERO
    }
}

/// Work for one row, as batches of one.
#[derive(Clone)]
struct OneByOne<W>(W);

impl<W: DueWork> DueBatch for OneByOne<W> {
    const NAME: &'static str = W::NAME;
    const PERIOD: Duration = W::PERIOD;
    const SIZE: usize = 1;
    const QUEUE: DueQueue<W::Key, W::Partition> = W::QUEUE;
    type Key = W::Key;
    type Partition = W::Partition;
    type Error = W::Error;

    async fn run(self, keys: Vec<W::Key>) -> Result<(), W::Error> {
        for key in keys {
            self.0.clone().run(key).await?;
        }
        Ok(())
    }

    fn slots(&self) -> usize {
        self.0.slots()
    }

    fn backoff(&self) -> Backoff {
        self.0.backoff()
    }

    fn grace(&self) -> Duration {
        self.0.grace()
    }
}

impl Worker {
    /// The worker that does the due work `W`.
    pub fn due<W: DueWork>(db: &Db, work: W) -> Worker {
        DueRunner::new(W::NAME, db, OneByOne(work)).worker(W::PERIOD)
    }

    /// The worker that does the due work `W` in batches.
    pub fn due_batch<W: DueBatch>(db: &Db, work: W) -> Worker {
        DueRunner::new(W::NAME, db, work).worker(W::PERIOD)
    }
}

/// Fetches due rows and works on them in slots.
pub(crate) struct DueRunner<W: DueBatch> {
    name: &'static str,
    db: Db,
    work: W,
    claims: Mutex<Claims<W>>,
    /// The number of slots in use.
    tasks: watch::Sender<usize>,
    failures: Failures,
}

/// The rows that are worked on.
struct Claims<W: DueBatch> {
    rows: HashMap<W::Key, W::Partition>,
    /// The rows whose work ended, and whose claims in a shared database are to be released.
    ended: Vec<String>,
    /// When they are released, if no other row is claimed until then.
    release_at: Option<Timestamp>,
    /// Since when each row of the last turns has been due, and how many times in a row it was fetched so.
    unchanged: HashMap<W::Key, (Timestamp, u32)>,
}

impl<W: DueBatch> DueRunner<W> {
    fn new(name: &'static str, db: &Db, work: W) -> Arc<DueRunner<W>> {
        let claims = Mutex::new(Claims { rows: HashMap::new(), ended: Vec::new(), release_at: None, unchanged: HashMap::new() });
        Arc::new(DueRunner { name, db: db.clone(), work, claims, tasks: watch::Sender::new(0), failures: Failures::default() })
    }

    fn worker(self: Arc<Self>, period: Duration) -> Worker {
        let (tasks, failures, grace) = (self.tasks.subscribe(), self.failures.clone(), self.work.grace());
        let own = self.clone();
        Worker::new(self.name, period, self, DueRunner::turn).with_tasks(tasks, failures, grace).with_end(own, DueRunner::release_ended)
    }

    /// Gives the free slots to rows that are due.
    async fn turn(self: Arc<Self>) -> Result<Next, Error> {
        let free = self.work.slots().saturating_sub(*self.tasks.borrow()) * W::SIZE;
        if free == 0 {
            // A slot that becomes free calls the notifier.
            return Ok(Next::Idle);
        }
        let (rows, next) = self.choose(free).await?;
        let (rows, unchanged) = self.split_unchanged(rows);
        for batch in rows.chunks(W::SIZE) {
            let keys: Vec<W::Key> = batch.iter().filter(|row| self.claim(row)).map(|row| row.key).collect();
            if !keys.is_empty() {
                let slot = WorkerSlot::new(self.clone(), keys);
                self.db.env().spawn(Context::current().scope(slot.run()));
            }
        }
        for row in unchanged {
            let error = format!("the work for the row left it due {UNCHANGED_RUNS} times in a row");
            self.reschedule(row.key, &error).await?;
            self.claims.lock_unpoisoned().ended.push(row.key.to_string());
        }
        // A row that ended meanwhile was left out. The end of its slot called the notifier, so the next turn fetches it.
        Ok(next.map_or(Next::Idle, Next::At))
    }

    /// Chooses rows for the free slots, and returns when the next turn is to be. In a shared database the rows are claimed.
    async fn choose(&self, free: usize) -> Result<(Vec<DueRow<W::Key, W::Partition>>, Option<Timestamp>), Error> {
        // A row that ends while the read runs may still be due in its snapshot, so every row claimed before the read is left out.
        let claimed = self.claims.lock_unpoisoned().rows.clone();
        let share = W::QUEUE.partition.map(|_| (slots_of(&self.work) / PARTITION_SHARE).max(1));
        let name = self.name;
        if self.db.is_embedded() {
            return self.db.read(async move |tx| select::<W>(tx, name, &claimed, share, free).await).await;
        }
        // Most turns find nothing, and one statement says so.
        let most = claimed.len() + 1;
        let (due, next) = self.db.read(async move |tx| W::QUEUE.look(tx, &[], most).await).await?;
        let is_idle = due.iter().all(|row| claimed.contains_key(&row.key));
        let ended = {
            let mut claims = self.claims.lock_unpoisoned();
            if is_idle {
                let (now, has_ended) = (self.db.now(), !claims.ended.is_empty());
                let release_at = has_ended.then(|| *claims.release_at.get_or_insert_with(|| now.after(RELEASED)));
                if release_at.is_none_or(|at| now < at) {
                    return Ok((Vec::new(), next.into_iter().chain(release_at).min()));
                }
            }
            claims.release_at = None;
            std::mem::take(&mut claims.ended)
        };
        let claim = async move |tx: &mut Tx| {
            claims::exclude_turns(tx, name).await?;
            let (rows, next) = select::<W>(tx, name, &claimed, share, free).await?;
            claims::hold(tx, name, &rows.iter().map(|row| row.key.to_string()).collect::<Vec<_>>(), &ended).await?;
            Ok::<_, Error>((rows, next))
        };
        self.db.write(claim).await
    }

    /// Claims a row within this process; false when it is claimed already. In an embedded database this is the whole claim:
    /// one process holds the data directory.
    fn claim(&self, row: &DueRow<W::Key, W::Partition>) -> bool {
        self.claims.lock_unpoisoned().rows.insert(row.key, row.partition).is_none()
    }

    /// Gives other processes the rows whose work ended. Those that are still worked on stay claimed.
    async fn release_ended(self: Arc<Self>) -> Result<(), Error> {
        let (name, ended) = (self.name, std::mem::take(&mut self.claims.lock_unpoisoned().ended));
        if self.db.is_embedded() || ended.is_empty() {
            return Ok(());
        }
        self.db.write(async move |tx| claims::release(tx, name, &ended).await).await
    }

    /// Splits off the rows whose work succeeded again and again without a change: they would be run for ever.
    #[expect(clippy::type_complexity, reason = "two lists of the same rows")]
    fn split_unchanged(
        &self,
        rows: Vec<DueRow<W::Key, W::Partition>>,
    ) -> (Vec<DueRow<W::Key, W::Partition>>, Vec<DueRow<W::Key, W::Partition>>) {
        let mut claims = self.claims.lock_unpoisoned();
        let fetched: HashSet<W::Key> = rows.iter().map(|row| row.key).collect();
        let Claims { rows: claimed, unchanged, .. } = &mut *claims;
        unchanged.retain(|key, _| fetched.contains(key) || claimed.contains_key(key));
        rows.into_iter().partition(|row| {
            let (since, times) = unchanged.entry(row.key).or_insert((row.due_at, 0));
            *times = if *since == row.due_at { *times + 1 } else { 1 };
            *since = row.due_at;
            let goes_on = *times <= UNCHANGED_RUNS;
            if !goes_on {
                *times = 0;
            }
            goes_on
        })
    }

    /// Makes a row due later whose work failed.
    async fn reschedule(&self, key: W::Key, error: &str) -> Result<(), Error> {
        let (service, worker, backoff) = (self.db.service(), self.name, self.work.backoff());
        if !self.db.storage().is_full() {
            tracing::warn!(target: "worker", service, worker, row = %key, error, "the work for a row failed; the row is rescheduled");
        }
        metrics::counter!("souk_due_rescheduled_total", "service" => service, "worker" => worker).increment(1);
        self.failures.add(format!("{key}: {error}"));
        self.db.write(async move |tx| W::QUEUE.reschedule(tx, key, backoff).await).await
    }
}

/// How many rows may be worked on at the same time.
fn slots_of<W: DueBatch>(work: &W) -> usize {
    work.slots() * W::SIZE
}

/// A slot with the rows that are worked on in it. It becomes free when it is dropped, however its task ends.
struct WorkerSlot<W: DueBatch> {
    runner: Arc<DueRunner<W>>,
    keys: Vec<W::Key>,
}

impl<W: DueBatch> WorkerSlot<W> {
    fn new(runner: Arc<DueRunner<W>>, keys: Vec<W::Key>) -> WorkerSlot<W> {
        runner.tasks.send_modify(|count| *count += 1);
        WorkerSlot { runner, keys }
    }

    async fn run(self) {
        tokio::select! {
            () = self.work() => {}
            () = self.renew() => {}
        }
    }

    async fn work(&self) {
        let Err(error) = self.attempt(self.keys.clone()).await else { return };
        if let [key] = self.keys[..] {
            return self.fail(key, &error).await;
        }
        for key in &self.keys {
            if let Err(error) = self.attempt(vec![*key]).await {
                self.fail(*key, &error).await;
            }
        }
    }

    /// Renews the claims of a shared database until it is dropped.
    async fn renew(&self) {
        let (db, name) = (&self.runner.db, self.runner.name);
        if db.is_embedded() {
            return std::future::pending().await;
        }
        let keys: Arc<Vec<String>> = Arc::new(self.keys.iter().map(ToString::to_string).collect());
        loop {
            #[expect(clippy::disallowed_methods, reason = "the work goes on by the real clock, whatever the clock of the services says")]
            tokio::time::sleep(claims::RENEWED).await;
            let keys = keys.clone();
            if let Err(error) = db.write(async move |tx| claims::renew(tx, name, &keys).await).await {
                tracing::warn!(target: "worker", service = db.service(), worker = name, %error, "claims of due rows are not renewed");
            }
        }
    }

    /// Runs the work in a task of its own, so that a panic is an error like others.
    async fn attempt(&self, keys: Vec<W::Key>) -> Result<(), String> {
        let work = Context::current().scope(self.runner.work.clone().run(keys));
        match self.runner.db.env().spawn(work).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error_chain(&*error.into())),
            Err(panic) => Err(error_chain(&panic)),
        }
    }

    async fn fail(&self, key: W::Key, error: &str) {
        let (db, worker) = (&self.runner.db, self.runner.name);
        if let Err(error) = self.runner.reschedule(key, error).await {
            if !db.storage().is_full() {
                tracing::error!(target: "worker", service = db.service(), worker, row = %key, %error, "a row could not be rescheduled; it keeps its slot for a while");
            }
            db.env().sleep(db.env().jitter(SLOT_KEPT)).await;
        }
    }
}

impl<W: DueBatch> Drop for WorkerSlot<W> {
    fn drop(&mut self) {
        let runner = &self.runner;
        let mut claims = runner.claims.lock_unpoisoned();
        for key in &self.keys {
            claims.rows.remove(key);
        }
        if !runner.db.is_embedded() {
            claims.ended.extend(self.keys.iter().map(ToString::to_string));
        }
        drop(claims);
        runner.tasks.send_modify(|count| *count -= 1);
        runner.db.worker_notifier(runner.name).notify_one();
    }
}

#[cfg(test)]
mod tests;
