//! Entry point 3: the saga advances orders that are due, what unknown orders hold is released, and orders of guests are erased that were
//! under way when their guest was.

use crate::{
    App, Error,
    orphans::ReleaseOrphan,
    saga,
    store::{self, guest_rows, personal},
};
use contracts::ids::OrderId;
use platform::{
    backoff::Backoff,
    db::{self, Db},
    due::{DueQueue, DueWork},
    worker::Worker,
};
use std::time::Duration;

pub fn all(app: &App) -> Vec<Worker> {
    let db = &app.ctx.db;
    let orders = Worker::due(db, OrderAdvance(app.clone()));
    vec![orders, Worker::due(db, ReleaseOrphan(app.clone())), Worker::due(db, EraseGuestOrder(db.clone()))]
}

/// Advances each order that is due. Two replicas that advance the same order make the same calls under the same keys, so no lock
/// is held during them.
#[derive(Clone)]
pub struct OrderAdvance(App);

impl DueWork for OrderAdvance {
    const NAME: &'static str = "saga";
    const PERIOD: Duration = Duration::from_secs(2);
    const QUEUE: DueQueue<OrderId> = store::DUE;
    type Key = OrderId;
    type Partition = OrderId;
    type Error = Error;

    async fn run(self, id: OrderId) -> Result<(), Error> {
        saga::advance(self.0, id).await
    }

    fn slots(&self) -> usize {
        self.0.settings.concurrency
    }

    fn backoff(&self) -> Backoff {
        self.0.settings.backoff()
    }
}

/// Erases an order of a guest once it has ended.
#[derive(Clone)]
pub struct EraseGuestOrder(Db);

impl DueWork for EraseGuestOrder {
    const NAME: &'static str = "erase-guest-orders";
    const PERIOD: Duration = personal::ERASE_PERIOD;
    const QUEUE: DueQueue<OrderId> = guest_rows::ERASE_DUE;
    type Key = OrderId;
    type Partition = OrderId;
    type Error = db::Error;

    async fn run(self, id: OrderId) -> Result<(), db::Error> {
        self.0.write(async move |tx| personal::erase_when_at_rest(tx, id).await).await
    }

    fn slots(&self) -> usize {
        1
    }

    fn backoff(&self) -> Backoff {
        Backoff::doubling(personal::ERASE_PERIOD, Duration::from_secs(3600))
    }
}
