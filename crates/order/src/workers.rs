//! Entry point 3: the saga advances orders that are due.

use crate::{App, Error, actions::SAGA, saga, store};
use contracts::ids::OrderId;
use platform::{
    backoff::Backoff,
    due::{DueRows, DueTable},
    worker::Worker,
};
use std::time::Duration;

pub fn all(app: &App) -> Vec<Worker> {
    vec![Worker::of_due(SAGA, Duration::from_secs(2), app.settings.concurrency, &app.ctx.db, app.clone())]
}

/// Two replicas that advance the same order make the same calls under the same keys, so no lock is held during them.
impl DueRows for App {
    type Id = OrderId;
    type Failure = Error;

    const TABLE: DueTable<OrderId> = store::DUE;

    async fn work(self, id: OrderId) -> Result<(), Error> {
        saga::advance(self, id).await
    }

    fn backoff(&self) -> Backoff {
        self.settings.backoff()
    }
}
