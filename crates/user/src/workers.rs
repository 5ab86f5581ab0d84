//! RequestLayers 3: time.

use crate::{App, Error, store::search};
use platform::worker::{Next, Worker};
use std::time::Duration;

/// How many users one commit takes.
const BATCH: i64 = 200;

pub fn all(app: &App) -> Vec<Worker> {
    vec![Worker::new("findable", Duration::from_secs(60 * 60), app.clone(), enter_older)]
}

/// Lets users be found that registered before they were found by words. There are none after the first start.
async fn enter_older(app: App) -> Result<Next, Error> {
    let entered = app.ctx.db.write(async |tx| Ok::<_, Error>(search::enter_older(tx, BATCH).await?)).await?;
    Ok(if entered > 0 { Next::Immediately } else { Next::Idle })
}
