//! Entry point 3, schedule: the deliveries, and the removal of old ones.

use crate::{App, Error, delivery::Deliveries, domain::KEPT, store};
use platform::{
    db::Db,
    worker::{Next, Worker},
};
use std::time::Duration;

/// The worker that removes old deliveries and those of deleted endpoints.
pub const PURGE: &str = "webhook-purge";

/// The number of deliveries per transaction. It bounds how long other writers wait.
const BATCH: usize = 500;

pub fn all(app: &App) -> Vec<Worker> {
    vec![Worker::due(&app.ctx.db, Deliveries(app.clone())), Worker::new(PURGE, Duration::from_secs(3_600), app.ctx.db.clone(), purge)]
}

async fn purge(db: Db) -> Result<Next, Error> {
    db.write(async |tx| {
        let before = tx.now().before(KEPT);
        let more = store::delete_of_removed(tx, BATCH).await? || store::delete_old(tx, before, BATCH).await? > 0;
        Ok(if more { Next::Immediately } else { Next::Idle })
    })
    .await
}
