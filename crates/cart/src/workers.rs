//! Entry point 3: schedule.

use crate::{App, Error, actions, store};
use contracts::ids::UserId;
use platform::{
    backoff::Backoff,
    due::{DueBatch, DueQueue},
    worker::{Next, Worker},
};
use std::time::Duration;

/// Carts that one transaction changes.
const BATCH: usize = 200;

pub fn all(app: &App) -> Vec<Worker> {
    vec![
        Worker::new("abandoned-carts", Duration::from_secs(60), app.clone(), abandon),
        Worker::new("guest-carts", Duration::from_secs(60), app.clone(), delete_guests),
        Worker::due_batch(&app.ctx.db, Reminders(app.clone())),
        Worker::new("closed-carts", Duration::from_secs(3600), app.clone(), drop_closed),
    ]
}

/// Reminds customers of carts that they left.
#[derive(Clone)]
pub struct Reminders(App);

impl DueBatch for Reminders {
    const NAME: &'static str = "cart-reminders";
    const PERIOD: Duration = Duration::from_secs(60);
    const SIZE: usize = 64;
    const QUEUE: DueQueue<UserId> = store::reminder_rows::DUE;
    type Key = UserId;
    type Partition = UserId;
    type Error = Error;

    async fn run(self, users: Vec<UserId>) -> Result<(), Error> {
        actions::remind(&self.0.ctx.db, users, self.0.settings.reminder_after()).await
    }

    fn backoff(&self) -> Backoff {
        Backoff::doubling(Duration::from_secs(1), Duration::from_secs(60))
    }
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
