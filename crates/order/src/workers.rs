//! Time: the saga looks for orders that are due.

use crate::{App, Error, actions::SAGA, saga, store};
use contracts::{ids::OrderId, time::Timestamp};
use platform::{
    db::{self, Tx},
    due::DueRows,
    worker::Worker,
};
use std::time::Duration;

pub fn all(app: &App) -> Vec<Worker> {
    vec![Worker::of_due(SAGA, Duration::from_secs(2), app.settings.concurrency, &app.ctx.db, app.clone())]
}

/// Orders that are due. Two replicas that lead the same order make the same calls under the same keys.
impl DueRows for App {
    type Id = OrderId;
    type Failure = Error;

    async fn list_due(tx: &mut Tx, rows: usize) -> Result<Vec<OrderId>, db::Error> {
        store::list_due(tx, rows).await
    }

    async fn next_due(tx: &mut Tx) -> Result<Option<Timestamp>, db::Error> {
        store::next_due(tx).await
    }

    async fn work(self, id: OrderId) -> Result<(), Error> {
        saga::lead(self, id).await
    }

    async fn put_off(&self, tx: &mut Tx, id: OrderId) -> Result<(), db::Error> {
        store::put_off(tx, id, self.settings.backoff()).await
    }
}
