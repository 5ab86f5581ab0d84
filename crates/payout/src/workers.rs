//! Entry point 3, schedule: sales that wait for their categories, sales that become available, payouts.

use crate::{
    App, actions,
    error::Error,
    store::{payout_rows, sale_rows},
};
use contracts::ids::{FulfilmentId, PayoutId};
use platform::{
    backoff::Backoff,
    due::{DueBatch, DueQueue, DueWork},
    worker::Worker,
};
use std::time::Duration;

/// The worker that posts sales whose commission depends on categories.
pub const RATE: &str = "rate";
/// The worker that makes sales available.
pub const RELEASE: &str = "release";
/// The worker that settles payouts.
pub const SETTLE: &str = "settle";
/// The worker that begins payouts.
pub const SCHEDULE: &str = "schedule";

pub fn all(app: &App) -> Vec<Worker> {
    vec![
        Worker::due(&app.ctx.db, Rating(app.clone())),
        Worker::due_batch(&app.ctx.db, Releases(app.clone())),
        Worker::due(&app.ctx.db, Settlement(app.clone())),
        Worker::new(SCHEDULE, Duration::from_secs(60), app.clone(), actions::payouts::run_schedule),
    ]
}

/// Sales whose categories are looked up.
#[derive(Clone)]
struct Rating(App);

impl DueWork for Rating {
    const NAME: &'static str = RATE;
    const PERIOD: Duration = Duration::from_secs(5);
    const QUEUE: DueQueue<FulfilmentId> = sale_rows::TO_RATE;
    type Key = FulfilmentId;
    type Partition = FulfilmentId;
    type Error = Error;

    async fn run(self, id: FulfilmentId) -> Result<(), Error> {
        actions::sales::rate(&self.0, id).await
    }

    fn slots(&self) -> usize {
        self.0.settings.concurrency()
    }

    fn backoff(&self) -> Backoff {
        self.0.settings.backoff()
    }
}

/// Sales whose time to return goods is over.
#[derive(Clone)]
struct Releases(App);

impl DueBatch for Releases {
    const NAME: &'static str = RELEASE;
    const PERIOD: Duration = Duration::from_secs(60);
    const SIZE: usize = 64;
    const QUEUE: DueQueue<FulfilmentId> = sale_rows::TO_RELEASE;
    type Key = FulfilmentId;
    type Partition = FulfilmentId;
    type Error = Error;

    async fn run(self, ids: Vec<FulfilmentId>) -> Result<(), Error> {
        let unit = async move |tx: &mut platform::db::Tx| {
            for id in &ids {
                actions::sales::release(tx, *id).await?;
            }
            Ok(())
        };
        self.0.ctx.db.write(unit).await
    }

    fn backoff(&self) -> Backoff {
        self.0.settings.backoff()
    }
}

/// Payouts without an outcome.
#[derive(Clone)]
struct Settlement(App);

impl DueWork for Settlement {
    const NAME: &'static str = SETTLE;
    const PERIOD: Duration = Duration::from_secs(5);
    const QUEUE: DueQueue<PayoutId> = payout_rows::DUE;
    type Key = PayoutId;
    type Partition = PayoutId;
    type Error = Error;

    async fn run(self, id: PayoutId) -> Result<(), Error> {
        actions::payouts::settle(&self.0, id).await
    }

    fn slots(&self) -> usize {
        self.0.settings.concurrency()
    }

    fn backoff(&self) -> Backoff {
        self.0.settings.backoff()
    }
}
