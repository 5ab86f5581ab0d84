//! Entry point 3: schedule.

use crate::{App, Error, store};
use platform::worker::{Next, Worker};
use std::time::Duration;

/// Carts that one transaction changes.
const BATCH: usize = 200;

pub fn all(app: &App) -> Vec<Worker> {
    vec![
        Worker::new("abandoned-carts", Duration::from_secs(60), app.clone(), abandon),
        Worker::new("guest-carts", Duration::from_secs(60), app.clone(), delete_guests),
        Worker::new("closed-carts", Duration::from_secs(3600), app.clone(), drop_closed),
    ]
}

/// Marks carts as abandoned whose owner was away for too long.
async fn abandon(app: App) -> Result<Next, Error> {
    let before = app.ctx.db.now().before(app.settings.abandoned_after());
    let done = app.ctx.db.write(async move |tx| store::abandon(tx, before, BATCH).await).await?;
    Ok(Next::after_batch(done as usize, BATCH))
}

/// Deletes the carts of guests who did not come back.
async fn delete_guests(app: App) -> Result<Next, Error> {
    let done = app.ctx.db.write(async move |tx| store::guest_rows::delete_expired(tx, BATCH).await).await?;
    Ok(Next::after_batch(done, BATCH))
}

/// Deletes closed carts after a while. Their orders keep what was bought.
async fn drop_closed(app: App) -> Result<Next, Error> {
    let before = app.ctx.db.now().before(app.settings.closed_kept());
    let done = app.ctx.db.write(async move |tx| store::drop_closed(tx, before, BATCH).await).await?;
    Ok(Next::after_batch(done as usize, BATCH))
}
