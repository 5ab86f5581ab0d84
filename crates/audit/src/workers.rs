//! Entry point 3: the daily announcement of the head.

use crate::{App, actions};
use platform::worker::Worker;
use std::time::Duration;

const PERIOD: Duration = Duration::from_secs(3600);

pub fn all(app: &App) -> Vec<Worker> {
    vec![Worker::new("announce-head", PERIOD, app.ctx.db.clone(), |db| async move { actions::announce_head(&db).await })]
}
