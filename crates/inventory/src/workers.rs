//! Entry point 3: schedule.

use crate::{App, Error, actions, store::reservations};
use contracts::ids::ReservationId;
use platform::{
    backoff::Backoff,
    db::Db,
    due::{DueBatch, DueQueue},
    worker::Worker,
};
use std::time::Duration;

pub fn all(app: &App) -> Vec<Worker> {
    vec![Worker::due_batch(&app.ctx.db, Expiry(app.ctx.db.clone()))]
}

/// Expires overdue reservations. A reservation that expires before the next regular turn notifies the worker.
#[derive(Clone)]
pub struct Expiry(pub Db);

impl DueBatch for Expiry {
    const NAME: &'static str = "expiry";
    const PERIOD: Duration = Duration::from_secs(5);
    const SIZE: usize = 64;
    const QUEUE: DueQueue<ReservationId> = reservations::EXPIRIES;
    type Key = ReservationId;
    type Partition = ReservationId;
    type Error = Error;

    async fn run(self, ids: Vec<ReservationId>) -> Result<(), Error> {
        actions::expire_overdue(&self.0, ids).await
    }

    fn backoff(&self) -> Backoff {
        Backoff::doubling(Duration::from_secs(1), Duration::from_secs(60))
    }
}
