//! Refresh tokens.

use crate::opaque::Hash;
use contracts::{
    ids::{TokenId, UserId, Uuid},
    time::Timestamp,
};
use platform::{
    db::{Error, Tx},
    params,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    pub token_id: TokenId,
    /// The login that it descends from.
    pub family_id: Uuid,
    pub user_id: UserId,
    pub expires_at: Timestamp,
    pub used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

platform::table! {
    Tokens in "refresh_tokens" of RefreshToken, key [token_id];
    columns { token_id, family_id, user_id, expires_at, used_at, revoked_at }
    extra { token_hash, created_at }
}

pub async fn insert(tx: &mut Tx, token: &RefreshToken, hash: Hash) -> Result<(), Error> {
    let now = tx.now();
    tx.insert_with::<Tokens>(token, &[("token_hash", &hash), ("created_at", &now)]).await
}

/// Returns the user of a token.
pub async fn find_user(tx: &mut Tx, hash: Hash) -> Result<Option<UserId>, Error> {
    tx.query_opt("SELECT user_id FROM refresh_tokens WHERE token_hash = $1", params![hash], |row| row.next()).await
}

/// Returns a token with its row locked until the commit. The caller has locked the account.
pub async fn lock(tx: &mut Tx, hash: Hash) -> Result<Option<RefreshToken>, Error> {
    tx.lock::<Tokens>("token_hash = $1", params![hash]).await
}

/// Marks a token that the caller has locked as used.
pub async fn mark_used(tx: &mut Tx, token: TokenId) -> Result<(), Error> {
    let now = tx.now();
    tx.execute("UPDATE refresh_tokens SET used_at = $1 WHERE token_id = $2", params![now, token]).await.map(|_| ())
}

/// Returns whether a login has a token that is neither used nor revoked.
pub async fn is_live(tx: &mut Tx, family: Uuid) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM refresh_tokens WHERE family_id = $1 AND used_at IS NULL AND revoked_at IS NULL LIMIT 1";
    Ok(tx.query_opt(sql, params![family], |row| row.next::<i64>()).await?.is_some())
}

/// Revokes a login. Used tokens stay unmarked, because they are useless already.
pub async fn revoke_family(tx: &mut Tx, family: Uuid) -> Result<u64, Error> {
    let now = tx.now();
    tx.execute(
        "UPDATE refresh_tokens SET revoked_at = $1 WHERE family_id = $2 AND used_at IS NULL AND revoked_at IS NULL",
        params![now, family],
    )
    .await
}

/// Revokes every login of a user except `kept`.
pub async fn revoke_all(tx: &mut Tx, user: UserId, kept: Option<Uuid>) -> Result<u64, Error> {
    // No family has the nil id.
    let (now, kept) = (tx.now(), kept.unwrap_or_default());
    tx.execute(
        "UPDATE refresh_tokens SET revoked_at = $1 WHERE user_id = $2 AND used_at IS NULL AND revoked_at IS NULL AND family_id <> $3",
        params![now, user, kept],
    )
    .await
}

/// Deletes the tokens of a user that are not revoked. The others expire at `until` at the latest.
pub async fn delete_but_revoked(tx: &mut Tx, user: UserId, until: Timestamp) -> Result<(), Error> {
    tx.execute("DELETE FROM refresh_tokens WHERE user_id = $1 AND revoked_at IS NULL", params![user]).await?;
    tx.execute("UPDATE refresh_tokens SET expires_at = $2 WHERE user_id = $1 AND expires_at > $2", params![user, until]).await.map(|_| ())
}

/// Deletes up to `limit` tokens that expired before `before`, and returns their number.
pub async fn purge(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM refresh_tokens WHERE token_id IN (SELECT token_id FROM refresh_tokens WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)",
        params![before, limit],
    )
    .await
}
