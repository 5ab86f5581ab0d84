//! What ends access tokens before they expire.

use super::accounts;
use contracts::{
    auth::{PresentRoles, RevokedSession},
    ids::{UserId, Uuid},
    time::Timestamp,
};
use platform::{
    db::{Error, Tx},
    params,
};

/// Notes that the roles of a user were replaced now.
pub async fn insert_role_change(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO role_changes (user_id, changed_at) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET changed_at = excluded.changed_at",
        params![user, now],
    )
    .await
    .map(|_| ())
}

/// Returns the logins that were revoked at `since` or later, oldest first.
pub async fn list_sessions(tx: &mut Tx, since: Timestamp, limit: i64) -> Result<Vec<RevokedSession>, Error> {
    tx.query(
        "SELECT family_id, revoked_at FROM refresh_tokens WHERE revoked_at IS NOT NULL AND revoked_at >= $1 ORDER BY revoked_at LIMIT $2",
        params![since, limit],
        |row| Ok(RevokedSession { session: row.next::<Uuid>()?, revoked_at: row.next()? }),
    )
    .await
}

/// Returns the present roles of the users whose roles were replaced at `since` or later, oldest change first.
pub async fn list_roles(tx: &mut Tx, since: Timestamp, limit: i64) -> Result<Vec<PresentRoles>, Error> {
    let changed: Vec<(UserId, Timestamp)> = tx
        .query(
            "SELECT user_id, changed_at FROM role_changes WHERE changed_at >= $1 ORDER BY changed_at LIMIT $2",
            params![since, limit],
            |row| Ok((row.next()?, row.next()?)),
        )
        .await?;
    let mut present = Vec::with_capacity(changed.len());
    for (user_id, changed_at) in changed {
        present.push(PresentRoles { user_id, roles: accounts::roles(tx, user_id).await?, changed_at });
    }
    Ok(present)
}

/// Deletes up to `limit` role changes from before `before`, and returns their number.
pub async fn purge(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM role_changes WHERE changed_at < $1 AND user_id IN (SELECT user_id FROM role_changes WHERE changed_at < $1 ORDER BY changed_at LIMIT $2)",
        params![before, limit],
    )
    .await
}
