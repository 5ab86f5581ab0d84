//! Door 3: time.

use crate::{
    App, Error,
    actions::{self, BOOKING},
    store,
};
use contracts::{ids::OrderId, shipping::ShipmentStatus, time::Timestamp};
use platform::worker::{Pace, Worker};
use std::time::Duration;

/// Simulated parcels that are moved in one transaction.
const SIMULATED: usize = 64;

pub fn all(app: &App) -> Vec<Worker> {
    let mut workers = vec![Worker::new(BOOKING, Duration::from_secs(5), app.clone(), book_due)];
    if app.settings.simulate {
        let period = app.settings.simulate_step().min(Duration::from_secs(5));
        workers.push(Worker::new("simulation", period, app.clone(), simulate));
    }
    workers
}

/// Asks the carrier about every parcel that is due, a bounded number at the same time.
async fn book_due(app: App) -> Result<Pace, Error> {
    let most = app.settings.concurrency;
    let next: Vec<(OrderId, Timestamp)> = app.ctx.db.read(async move |tx| store::list_due(tx, most).await).await?;
    let now = app.ctx.env.now();
    let due: Vec<OrderId> = next.iter().filter(|(_, at)| *at <= now).map(|(order_id, _)| *order_id).collect();
    if due.is_empty() {
        return Ok(next.first().map_or(Pace::Rest, |(_, at)| Pace::Until(*at)));
    }
    let attempts: Vec<_> = due
        .iter()
        .map(|&order_id| {
            let asking = app.clone();
            app.ctx.env.spawn(async move { actions::attempt(&asking, order_id).await })
        })
        .collect();
    let mut outcome = Ok(());
    for attempt in attempts {
        // One that fails leaves its row due; the others are done all the same.
        outcome = outcome.and(attempt.await.unwrap_or(Err(Error::Panicked)));
    }
    outcome.map(|()| Pace::Again)
}

/// Moves every parcel that stayed in its status for a step to the next one.
async fn simulate(app: App) -> Result<Pace, Error> {
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
                    actions::record(tx, shipment, to, message).await?;
                    moved += 1;
                }
            }
            Ok::<_, Error>(moved)
        })
        .await?;
    Ok(Pace::after(moved, SIMULATED))
}
