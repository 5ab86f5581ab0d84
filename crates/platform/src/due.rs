//! Due rows side by side: a worker that gives each row a task of its own, up to a number of places.
//!
//! A task that takes long holds up its own place and nobody else's: the worker looks again whenever one ends. What is due
//! stands in the database alone, so a crash loses no more than the tasks' calls, and the next start makes them again.

use crate::{
    backoff::Backoff,
    context::Context,
    db::{Db, Error, Tx},
    env::LockUnpoisoned as _,
    params,
    worker::{Next, Worker},
};
use contracts::{column::Column, time::Timestamp};
use std::{
    collections::HashSet,
    fmt::Display,
    future::Future,
    hash::Hash,
    marker::PhantomData,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::watch;

/// How long a row keeps its place when its work failed and it could not even be put off. Places are few, so this bounds
/// how often rows that cannot be written are tried.
const KEPT: Duration = Duration::from_secs(5);

/// A table whose column `due_at` says when a row is due, null while nothing is; a service names it in its store by
/// [`due_table!`](crate::due_table).
pub struct DueTable<Id> {
    list: &'static str,
    next: &'static str,
    count: &'static str,
    reschedule: &'static str,
    id: PhantomData<Id>,
}

impl<Id: Column + Copy> DueTable<Id> {
    /// What [`due_table!`](crate::due_table) makes of its names.
    #[must_use]
    pub const fn new(list: &'static str, next: &'static str, count: &'static str, reschedule: &'static str) -> DueTable<Id> {
        DueTable { list, next, count, reschedule, id: PhantomData }
    }

    /// The rows that are due, the longest overdue first, `rows` of them at most.
    ///
    /// # Errors
    /// Those of the database; so with the others.
    pub async fn list(&self, tx: &mut Tx, rows: usize) -> Result<Vec<Id>, Error> {
        let now = tx.now();
        tx.query(self.list, params![now, rows], |row| row.next()).await
    }

    /// When the next row is due that is not due yet.
    pub async fn next(&self, tx: &mut Tx) -> Result<Option<Timestamp>, Error> {
        let now = tx.now();
        tx.query_opt(self.next, params![now], |row| row.next()).await
    }

    /// Has a row due later, longer each time and with jitter, unless nothing is due any more. It reads nothing of the row but
    /// how often that happened, so that one which cannot be read is put off as well.
    pub async fn reschedule(&self, tx: &mut Tx, id: Id, backoff: Backoff) -> Result<(), Error> {
        let attempts = tx.query_opt(self.count, params![id], |row| row.next::<u32>()).await?.unwrap_or(1);
        let due_at = tx.now().after(tx.jitter(backoff.delay(attempts)));
        tx.execute(self.reschedule, params![id, due_at]).await.map(|_| ())
    }
}

/// The [`DueTable`](crate::due::DueTable) of this name, the column of its ids, and the one that counts fruitless attempts.
#[macro_export]
macro_rules! due_table {
    ($table:literal, $id:literal, $attempts:literal) => {
        $crate::due::DueTable::new(
            concat!("SELECT ", $id, " FROM ", $table, " WHERE due_at <= $1 ORDER BY due_at LIMIT $2"),
            concat!("SELECT due_at FROM ", $table, " WHERE due_at > $1 ORDER BY due_at LIMIT 1"),
            concat!("UPDATE ", $table, " SET ", $attempts, " = ", $attempts, " + 1 WHERE ", $id, " = $1 RETURNING ", $attempts),
            concat!("UPDATE ", $table, " SET due_at = $2 WHERE ", $id, " = $1 AND due_at IS NOT NULL"),
        )
    };
}

/// Rows that are due, and the work for one of them.
///
/// The work ends with the row written so that it is not due any more, or due later; or it fails, and the row is put off.
/// Replicas may work on the same row at once, so the work is harmless to repeat.
pub trait DueRows: Clone + Send + Sync + 'static {
    type Id: Column + Copy + Eq + Hash + Display + Send + Sync + 'static;
    type Failure: std::error::Error + Send + Sync + 'static;

    /// Where they are kept.
    const TABLE: DueTable<Self::Id>;

    /// Does what is due for one row.
    fn work(self, id: Self::Id) -> impl Future<Output = Result<(), Self::Failure>> + Send;

    /// The pauses of a row whose work fails or panics.
    fn backoff(&self) -> Backoff;
}

impl Worker {
    /// A worker that does what is due, up to `places` rows at the same time. It looks when the notifier `name` rings, when a
    /// task ends, when the next row is due, and at least once in `period`.
    pub fn of_due<R: DueRows>(name: &'static str, period: Duration, places: usize, db: &Db, rows: R) -> Worker {
        let (count, in_hand) = watch::channel(0);
        let desk = Arc::new(Desk { name, db: db.clone(), rows, places, in_hand: Mutex::default(), count });
        Worker::new(name, period, desk, Desk::look).with_tasks(in_hand)
    }
}

/// The places of one worker, and the rows that have them.
struct Desk<R: DueRows> {
    name: &'static str,
    db: Db,
    rows: R,
    places: usize,
    in_hand: Mutex<HashSet<R::Id>>,
    /// How many they are.
    count: watch::Sender<usize>,
}

impl<R: DueRows> Desk<R> {
    /// Gives every free place to a row that is due.
    async fn look(self: Arc<Self>) -> Result<Next, Error> {
        let in_hand = self.in_hand.lock_unpoisoned().len();
        let free = self.places.saturating_sub(in_hand);
        if free == 0 {
            // The end of a task rings the notifier.
            return Ok(Next::Idle);
        }
        // Those in hand are still due in the database, so they may come back once more.
        let rows = free + in_hand;
        let (due, next) = self.db.read(async move |tx| Ok::<_, Error>((R::TABLE.list(tx, rows).await?, R::TABLE.next(tx).await?))).await?;
        for place in due.into_iter().filter_map(|id| self.take(id)).take(free) {
            self.db.env().spawn(Context::current().scope(place.work()));
        }
        Ok(next.map_or(Next::Idle, Next::At))
    }

    /// The place of a row; none when it has one.
    fn take(self: &Arc<Self>, id: R::Id) -> Option<Place<R>> {
        let mut in_hand = self.in_hand.lock_unpoisoned();
        let is_new = in_hand.insert(id);
        self.count.send_replace(in_hand.len());
        is_new.then(|| Place { desk: self.clone(), id })
    }
}

/// A place, free again when it is dropped, however its task ends.
struct Place<R: DueRows> {
    desk: Arc<Desk<R>>,
    id: R::Id,
}

impl<R: DueRows> Place<R> {
    async fn work(self) {
        let (desk, id) = (&self.desk, self.id);
        let (db, worker) = (&desk.db, desk.name);
        // A task of its own, so that a panic is an outcome like another.
        let work = Context::current().scope(desk.rows.clone().work(id));
        let error: Box<dyn std::error::Error + Send + Sync> = match db.env().spawn(work).await {
            Ok(Ok(())) => return,
            Ok(Err(failure)) => failure.into(),
            Err(panicked) => panicked.into(),
        };
        tracing::warn!(target: "worker", service = db.service(), worker, row = %id, error = &*error, "the work for a row failed; it is put off");
        metrics::counter!("souk_rows_put_off_total", "service" => db.service(), "worker" => worker).increment(1);
        let backoff = desk.rows.backoff();
        if let Err(error) = db.write(async move |tx| R::TABLE.reschedule(tx, id, backoff).await).await {
            tracing::error!(target: "worker", service = db.service(), worker, row = %id, %error, "a row could not be put off; it keeps its place for a while");
            tokio::time::sleep(db.env().jitter(KEPT)).await;
        }
    }
}

impl<R: DueRows> Drop for Place<R> {
    fn drop(&mut self) {
        let mut in_hand = self.desk.in_hand.lock_unpoisoned();
        in_hand.remove(&self.id);
        self.desk.count.send_replace(in_hand.len());
        self.desk.db.worker_notifier(self.desk.name).notify_one();
    }
}

#[cfg(test)]
mod tests;
