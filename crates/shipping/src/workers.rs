//! Entry point 3, schedule: requests to the carrier, and simulated parcels.

use crate::{
    App, Error,
    actions::{self, BOOKING},
    store,
};
use contracts::{ids::OrderId, shipping::ShipmentStatus};
use platform::{
    backoff::Backoff,
    due::{DueRows, DueTable},
    worker::{Next, Worker},
};
use std::time::Duration;

/// How many simulated parcels move in one transaction.
const SIMULATED: usize = 64;

pub fn all(app: &App) -> Vec<Worker> {
    let period = Duration::from_secs(5);
    let mut workers = vec![Worker::of_due(BOOKING, period, app.settings.concurrency, &app.ctx.db, app.clone())];
    if app.settings.simulate {
        workers.push(Worker::new("simulation", app.settings.simulate_step().min(period), app.clone(), simulate));
    }
    workers
}

/// Orders with a due request to the carrier.
impl DueRows for App {
    type Id = OrderId;
    type Failure = Error;

    const TABLE: DueTable<OrderId> = store::DUE;

    async fn work(self, id: OrderId) -> Result<(), Error> {
        actions::call_carrier(&self, id).await
    }

    fn backoff(&self) -> Backoff {
        self.settings.backoff()
    }
}

/// Moves every parcel that has been in its status for a step to the next one.
async fn simulate(app: App) -> Result<Next, Error> {
    let step = app.settings.simulate_step();
    let moved = app
        .ctx
        .db
        .write(async move |tx| {
            let before = tx.now().before(step);
            let mut moved = 0;
            for (from, to, message) in [
                (ShipmentStatus::InTransit, ShipmentStatus::Delivered, "Handed over to the recipient"),
                (ShipmentStatus::Created, ShipmentStatus::InTransit, "Picked up by the carrier"),
            ] {
                for shipment in store::list_untouched(tx, from, before, SIMULATED).await? {
                    actions::track(tx, shipment, to, message).await?;
                    moved += 1;
                }
            }
            Ok::<_, Error>(moved)
        })
        .await?;
    Ok(Next::after_batch(moved, SIMULATED))
}
