//! Entry point 3: schedule.

use crate::{App, Error, actions};
use platform::worker::{Next, Worker};
use std::time::Duration;

/// The worker that expires reservations.
pub const EXPIRY: &str = "expiry";
/// The longest time between two runs. A reservation that expires sooner notifies the worker.
pub const EXPIRY_PERIOD: Duration = Duration::from_secs(5);

pub fn all(app: &App) -> Vec<Worker> {
    vec![Worker::new(EXPIRY, EXPIRY_PERIOD, app.clone(), expire)]
}

async fn expire(app: App) -> Result<Next, Error> {
    actions::expire_overdue(&app.ctx.db).await
}
