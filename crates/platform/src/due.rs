//! Due rows side by side: a worker that gives each row a task of its own, up to a number of places.
//!
//! A task that takes long holds up its own place and nobody else's: the worker looks again whenever one ends. What is due
//! stands in the database alone, so a crash loses no more than the tasks' calls, and the next start makes them again.

use crate::{
    context::Context,
    db::{Db, Error, Tx},
    env::LockUnpoisoned as _,
    worker::{Pace, Worker},
};
use contracts::time::Timestamp;
use std::{
    collections::HashSet,
    fmt::Display,
    future::Future,
    hash::Hash,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::watch;

/// How long a row keeps its place when its work failed and it could not even be put off. Places are few, so this bounds
/// how often rows that cannot be written are tried.
const KEPT: Duration = Duration::from_secs(5);

/// Rows that are due at an instant, and the work for one of them.
///
/// The work ends with the row written so that it is not due any more, or due later; or it fails, and the row is put off.
/// Replicas may work on the same row at once, so the work is harmless to repeat.
pub trait DueRows: Clone + Send + Sync + 'static {
    type Id: Copy + Eq + Hash + Display + Send + Sync + 'static;
    type Failure: std::error::Error + Send + Sync + 'static;

    /// The rows that are due, the longest overdue first, `rows` of them at most.
    fn list_due(tx: &mut Tx, rows: usize) -> impl Future<Output = Result<Vec<Self::Id>, Error>>;

    /// When the next row is due that is not due yet.
    fn next_due(tx: &mut Tx) -> impl Future<Output = Result<Option<Timestamp>, Error>>;

    /// Does what is due for one row.
    fn work(self, id: Self::Id) -> impl Future<Output = Result<(), Self::Failure>> + Send;

    /// Has a row whose work failed or panicked due later, longer each time and with jitter. It reads nothing that may
    /// have been the reason.
    fn put_off(&self, tx: &mut Tx, id: Self::Id) -> impl Future<Output = Result<(), Error>>;
}

impl Worker {
    /// A worker that does what is due, up to `places` rows at the same time. It looks when the bell `name` rings, when a
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
    async fn look(self: Arc<Self>) -> Result<Pace, Error> {
        let in_hand = self.in_hand.lock_unpoisoned().len();
        let free = self.places.saturating_sub(in_hand);
        if free == 0 {
            // The end of a task rings the bell.
            return Ok(Pace::Rest);
        }
        // Those in hand are still due in the database, so they may come back once more.
        let rows = free + in_hand;
        let (due, next) = self.db.read(async move |tx| Ok::<_, Error>((R::list_due(tx, rows).await?, R::next_due(tx).await?))).await?;
        for place in due.into_iter().filter_map(|id| self.take(id)).take(free) {
            self.db.env().spawn(Context::current().scope(place.work()));
        }
        Ok(next.map_or(Pace::Rest, Pace::Until))
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
        let rows = desk.rows.clone();
        if let Err(error) = db.write(async move |tx| rows.put_off(tx, id).await).await {
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
        self.desk.db.bell(self.desk.name).notify_one();
    }
}

#[cfg(test)]
mod tests;
