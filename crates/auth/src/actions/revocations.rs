//! What ends access tokens before they expire.

use crate::{
    App,
    error::Error,
    store::{api_keys, ended_logins},
};
use contracts::{auth::Revocations, time::Timestamp};
use std::time::Duration;

/// Entries of each kind in one answer.
const BATCH: i64 = 5_000;
/// How long after its instant a transaction can become visible. What happened so long before an answer is in the next again.
const OVERLAP: Duration = Duration::from_secs(30);

/// Returns what ended access tokens at `since` or later and matters still.
///
/// # Errors
/// The database's.
pub async fn list_revocations(app: &App, since: Option<Timestamp>) -> Result<Revocations, Error> {
    let lifetime = app.settings.access_token();
    app.ctx
        .db
        .read(async move |tx| {
            let earliest = tx.now().before(lifetime);
            let since = since.map_or(earliest, |since| since.max(earliest));
            let mut sessions = ended_logins::list_sessions(tx, since, BATCH).await?;
            let keys = api_keys::list_revoked(tx, since, BATCH).await?;
            let roles = ended_logins::list_roles(tx, since, BATCH).await?;
            let is_full = |length: usize| i64::try_from(length).is_ok_and(|length| length >= BATCH);
            let last_session = sessions.last().filter(|_| is_full(sessions.len())).map(|session| session.revoked_at);
            let last_role = roles.last().filter(|_| is_full(roles.len())).map(|roles| roles.changed_at);
            let last_key = keys.last().filter(|_| is_full(keys.len())).map(|key| key.revoked_at);
            sessions.extend(keys);
            // A full list goes on behind its last entry at once.
            let cut = last_session.into_iter().chain(last_role).chain(last_key).min().filter(|cut| *cut > since);
            Ok(Revocations {
                sessions,
                roles,
                token_seconds: lifetime.as_secs(),
                next: cut.unwrap_or_else(|| tx.now().before(OVERLAP)),
                is_complete: cut.is_none(),
            })
        })
        .await
}
