//! Entry point 3, schedule, beside the delivery: deletes the files of mails whose user was erased.

use crate::{
    App, Error,
    channels::mail::delete_files,
    store::personal::{ERASE_MAILS, forget_erased_mails, list_erased_mails},
};
use contracts::ids::NotificationId;
use platform::worker::{Next, Worker};
use std::time::Duration;

/// Mails of one turn.
const BATCH: i64 = 10_000;

pub fn erase_mails(app: &App) -> Worker {
    Worker::new(ERASE_MAILS, Duration::from_secs(60 * 60), app.clone(), turn)
}

async fn turn(app: App) -> Result<Next, Error> {
    let db = &app.ctx.db;
    let mails = db.read(async |tx| list_erased_mails(tx, BATCH).await).await?;
    let Some((_, first)) = mails.first().copied() else { return Ok(Next::Idle) };
    let now = db.now();
    // A mail that was being sent when its user was erased gets its file afterwards, so the second look counts.
    let over: Vec<NotificationId> = mails.iter().filter(|(_, until)| *until <= now).map(|(id, _)| *id).collect();
    let ids = mails.into_iter().map(|(id, _)| id).collect();
    delete_files(&app.ctx, ids).await?;
    if over.is_empty() {
        return Ok(Next::At(first));
    }
    db.write(async move |tx| forget_erased_mails(tx, &over).await).await?;
    Ok(Next::Immediately)
}
