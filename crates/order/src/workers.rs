//! Entry point 3: the saga advances orders that are due, and what unknown orders hold is released.

use crate::{App, Error, orphans::ReleaseOrphan, saga, store};
use contracts::ids::OrderId;
use platform::{
    backoff::Backoff,
    due::{DueQueue, DueWork},
    worker::Worker,
};
use std::time::Duration;

pub fn all(app: &App) -> Vec<Worker> {
    vec![Worker::due(&app.ctx.db, OrderAdvance(app.clone())), Worker::due(&app.ctx.db, ReleaseOrphan(app.clone()))]
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
