//! Entry point 3: schedule.

use crate::{
    App, actions,
    domain::lockout::FORGOTTEN_AFTER,
    error::Error,
    store::{accounts, attempts, refresh_tokens, registrations, resets},
};
use contracts::auth::UserUnlocked;
use platform::{
    idempotency,
    worker::{Next, Worker},
};
use std::time::Duration;

/// The worker that mails the requested resets.
pub const RESETS: &str = "resets";
/// The worker that announces the end of locks by failed logins.
pub const UNLOCK: &str = "unlock";

const MINUTE: Duration = Duration::from_secs(60);
/// Rows of one commit.
const BATCH: i64 = 500;
/// How long expired rows are kept, for investigations.
const KEPT: Duration = Duration::from_secs(24 * 3600);

pub fn all(app: &App) -> Vec<Worker> {
    vec![
        Worker::new(RESETS, MINUTE, app.clone(), mail_resets),
        Worker::new(UNLOCK, MINUTE, app.clone(), end_locks),
        Worker::new("signing-keys", MINUTE, app.clone(), rotate_keys),
        Worker::new("expired", 60 * MINUTE, app.clone(), purge),
    ]
}

async fn mail_resets(app: App) -> Result<Next, Error> {
    // No request is missed: one that arrives meanwhile notifies the worker.
    Ok(if actions::mail_resets(&app).await? > 0 { Next::Immediately } else { Next::Idle })
}

async fn end_locks(app: App) -> Result<Next, Error> {
    app.ctx
        .db
        .write(async |tx| {
            let ended = attempts::list_ended_locks(tx, BATCH).await?;
            for (subject, user) in &ended {
                // The account is locked first, in the order that every transaction uses.
                let account = match user {
                    Some(user) => accounts::lock(tx, *user).await?,
                    None => None,
                };
                let ended_now = attempts::end_lock(tx, *subject).await?;
                // An account that an administrator locked meanwhile stays locked.
                if let Some(account) = account.filter(|account| ended_now && account.is_active()) {
                    tx.emit(UserUnlocked { user_id: account.user_id, unlocked_by: None });
                }
            }
            if !ended.is_empty() {
                return Ok(Next::Immediately);
            }
            Ok(attempts::next_end(tx).await?.map_or(Next::Idle, Next::At))
        })
        .await
}

async fn rotate_keys(app: App) -> Result<Next, Box<dyn std::error::Error + Send + Sync>> {
    app.keyring.rotate().await.map(|()| Next::Idle)
}

async fn purge(app: App) -> Result<Next, Error> {
    app.ctx
        .db
        .write(async |tx| {
            let expired = tx.now().before(KEPT);
            let forgotten = tx.now().before(FORGOTTEN_AFTER);
            let rows = refresh_tokens::purge(tx, expired, BATCH).await?
                + resets::purge(tx, expired, BATCH).await?
                + attempts::purge(tx, forgotten, BATCH).await?
                + registrations::purge(tx, tx.now().before(idempotency::KEPT), BATCH).await?;
            Ok(if rows > 0 { Next::Immediately } else { Next::Idle })
        })
        .await
}
