//! Entry point 3, schedule: returns that are closed by themselves.

use crate::{
    App, Error,
    actions::{self, CLOSING},
    store,
};
use contracts::ids::ReturnId;
use platform::{
    backoff::Backoff,
    due::{DueQueue, DueWork},
    worker::Worker,
};
use std::time::Duration;

pub fn all(app: &App) -> Vec<Worker> {
    vec![Worker::due(&app.ctx.db, Closing(app.clone()))]
}

/// Returns whose time is over.
#[derive(Clone)]
struct Closing(App);

impl DueWork for Closing {
    const NAME: &'static str = CLOSING;
    const PERIOD: Duration = Duration::from_secs(60);
    const QUEUE: DueQueue<ReturnId> = store::DUE;
    type Key = ReturnId;
    type Partition = ReturnId;
    type Error = Error;

    async fn run(self, id: ReturnId) -> Result<(), Error> {
        actions::close_overdue(&self.0.ctx.db, id).await
    }

    fn slots(&self) -> usize {
        1
    }

    fn backoff(&self) -> Backoff {
        Backoff::doubling(Duration::from_secs(1), Duration::from_secs(600))
    }
}
