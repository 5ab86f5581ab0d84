//! Entry point 3, schedule: requests to the carrier, and simulated parcels.

use crate::{
    App, Error,
    actions::{self, BOOKING},
    store,
};
use contracts::{ids::FulfilmentId, shipping::ParcelStep};
use platform::{
    backoff::Backoff,
    due::{DueQueue, DueWork},
    worker::{Next, Worker},
};
use std::time::Duration;

/// How many simulated parcels move in one transaction.
const SIMULATED: usize = 64;

pub fn all(app: &App) -> Vec<Worker> {
    let mut workers = vec![Worker::due(&app.ctx.db, BookingRequests(app.clone()))];
    if app.settings.simulate {
        workers.push(Worker::new("simulation", app.settings.simulate_step().min(BookingRequests::PERIOD), app.clone(), simulate));
    }
    workers
}

/// Orders with a due request to the carrier.
#[derive(Clone)]
struct BookingRequests(App);

impl DueWork for BookingRequests {
    const NAME: &'static str = BOOKING;
    const PERIOD: Duration = Duration::from_secs(5);
    const QUEUE: DueQueue<FulfilmentId> = store::DUE;
    type Key = FulfilmentId;
    type Partition = FulfilmentId;
    type Error = Error;

    async fn run(self, id: FulfilmentId) -> Result<(), Error> {
        actions::call_carrier(&self.0, id).await
    }

    fn slots(&self) -> usize {
        self.0.settings.concurrency
    }

    fn backoff(&self) -> Backoff {
        self.0.settings.backoff()
    }
}

/// Moves every parcel that has been in its status for a step to the next one.
async fn simulate(app: App) -> Result<Next, Error> {
    let step = app.settings.simulate_step();
    let moved =
        app.ctx.db.write(async move |tx| actions::advance_in(tx, tx.now().before(step), SIMULATED, ParcelStep::NextScan).await).await?;
    Ok(Next::after_batch(moved, SIMULATED))
}
