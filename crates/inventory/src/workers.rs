//! Entry point 3: schedule.

use crate::{
    App, Error, actions,
    store::{alerts, reservations},
};
use contracts::ids::{ProductId, ReservationId};
use platform::{
    backoff::Backoff,
    db::Db,
    due::{DueBatch, DueQueue, DueWork},
    worker::{Next, Worker},
};
use std::time::Duration;

pub fn all(app: &App) -> Vec<Worker> {
    let db = &app.ctx.db;
    vec![
        Worker::due_batch(db, Expiry(db.clone())),
        Worker::due(db, StockAlerts(db.clone())),
        Worker::new("expired-stock-alerts", Duration::from_secs(3_600), db.clone(), delete_expired_alerts),
    ]
}

/// Emits the alerts of customers who wait for a product that can be bought again.
#[derive(Clone)]
pub struct StockAlerts(pub Db);

impl DueWork for StockAlerts {
    const NAME: &'static str = "stock-alerts";
    const PERIOD: Duration = Duration::from_secs(60);
    const QUEUE: DueQueue<ProductId> = alerts::BACK_IN_STOCK;
    type Key = ProductId;
    type Partition = ProductId;
    type Error = Error;

    async fn run(self, product: ProductId) -> Result<(), Error> {
        while actions::trigger_alerts(&self.0, product).await? {}
        Ok(())
    }

    fn slots(&self) -> usize {
        2
    }

    fn backoff(&self) -> Backoff {
        Backoff::doubling(Duration::from_secs(1), Duration::from_secs(60))
    }
}

/// Alerts that one transaction deletes.
const BATCH: usize = 200;

/// Deletes the alerts of customers who waited for too long.
async fn delete_expired_alerts(db: Db) -> Result<Next, Error> {
    let done = db.write(async move |tx| alerts::delete_expired(tx, BATCH).await).await?;
    Ok(Next::after_batch(done as usize, BATCH))
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
