//! Entry point 3: schedule.

use crate::{
    App, actions,
    domain::lockout::FORGOTTEN_AFTER,
    error::Error,
    store::{
        accounts, api_keys,
        attempts::{self, Subject},
        email_tokens, ended_logins, refresh_tokens, registrations, resets, sessions,
    },
};
use contracts::auth::UserUnlocked;
use platform::{
    backoff::Backoff,
    due::{DueQueue, DueWork},
    idempotency,
    worker::{Next, Worker},
};
use std::time::Duration;

/// The worker that mails the requested resets.
pub const RESETS: &str = "resets";

/// The worker that mails the requested tokens of addresses.
pub const EMAIL_TOKENS: &str = "email-tokens";

const MINUTE: Duration = Duration::from_secs(60);
/// Rows of one commit.
const BATCH: i64 = 500;
/// How long expired rows are kept, for investigations.
const KEPT: Duration = Duration::from_secs(24 * 3600);

pub fn all(app: &App) -> Vec<Worker> {
    vec![
        Worker::new(RESETS, MINUTE, app.clone(), mail_resets),
        Worker::new(EMAIL_TOKENS, MINUTE, app.clone(), mail_email_tokens),
        Worker::due(&app.ctx.db, EndLock(app.clone())),
        Worker::new("signing-keys", MINUTE, app.clone(), rotate_keys),
        Worker::new("expired", 60 * MINUTE, app.clone(), purge),
    ]
}

async fn mail_resets(app: App) -> Result<Next, Error> {
    // No request is missed: one that arrives meanwhile notifies the worker.
    Ok(if actions::mail_resets(&app).await? > 0 { Next::Immediately } else { Next::Idle })
}

async fn mail_email_tokens(app: App) -> Result<Next, Error> {
    Ok(if actions::mail_requested(&app).await? > 0 { Next::Immediately } else { Next::Idle })
}

/// Announces the end of a lock by failed logins.
#[derive(Clone)]
pub struct EndLock(App);

impl DueWork for EndLock {
    const NAME: &'static str = "unlock";
    const PERIOD: Duration = MINUTE;
    const QUEUE: DueQueue<Subject> = attempts::ENDING_LOCKS;
    type Key = Subject;
    type Partition = Subject;
    type Error = Error;

    async fn run(self, subject: Subject) -> Result<(), Error> {
        let unit = self.0.ctx.db.write(async move |tx| {
            // The account is locked first, in the order that every transaction uses.
            let account = match attempts::find_user(tx, subject).await? {
                Some(user) => accounts::lock(tx, user).await?,
                None => None,
            };
            let ended_now = attempts::end_lock(tx, subject).await?;
            // An account that an administrator locked meanwhile stays locked.
            if let Some(account) = account.filter(|account| ended_now && account.is_active()) {
                tx.emit(UserUnlocked { user_id: account.user_id, unlocked_by: None });
            }
            Ok(())
        });
        unit.await
    }

    fn slots(&self) -> usize {
        16
    }

    fn backoff(&self) -> Backoff {
        Backoff::doubling(Duration::from_secs(1), MINUTE)
    }
}

async fn rotate_keys(app: App) -> Result<Next, Box<dyn std::error::Error + Send + Sync>> {
    app.keyring.rotate().await.map(|()| Next::Idle)
}

async fn purge(app: App) -> Result<Next, Error> {
    let lifetime = app.settings.refresh_token();
    app.ctx
        .db
        .write(async move |tx| {
            let expired = tx.now().before(KEPT);
            let forgotten = tx.now().before(FORGOTTEN_AFTER);
            let rows = refresh_tokens::purge(tx, expired, BATCH).await?
                + resets::purge(tx, expired, BATCH).await?
                + sessions::purge(tx, expired.before(lifetime), BATCH).await?
                + api_keys::purge(tx, expired.before(lifetime), BATCH).await?
                + email_tokens::purge(tx, expired, BATCH).await?
                + attempts::purge(tx, forgotten, BATCH).await?
                + registrations::purge(tx, tx.now().before(idempotency::KEPT), BATCH).await?
                + ended_logins::purge(tx, expired, BATCH).await?;
            Ok(if rows > 0 { Next::Immediately } else { Next::Idle })
        })
        .await
}
