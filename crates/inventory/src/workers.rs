//! RequestLayers 3: time.

use crate::{App, Error, actions};
use platform::worker::{Next, Worker};
use std::time::Duration;

/// The worker that expires reservations.
pub const EXPIRY: &str = "expiry";
/// How often it looks at least. A reservation that ends sooner wakes it; for all others it comes by in time.
pub const EXPIRY_PERIOD: Duration = Duration::from_secs(5);

pub fn all(app: &App) -> Vec<Worker> {
    vec![Worker::new(EXPIRY, EXPIRY_PERIOD, app.clone(), expire)]
}

async fn expire(app: App) -> Result<Next, Error> {
    actions::expire_overdue(&app.ctx.db).await
}
