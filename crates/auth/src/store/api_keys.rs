//! API keys.

use crate::opaque::Hash;
use contracts::{
    auth::{ApiKey, RevokedSession},
    column::JsonText,
    ids::{ApiKeyId, UserId},
    time::Timestamp,
};
use platform::{
    db::{Error, Select, Tx},
    params,
};

platform::table! {
    Keys in "api_keys" of ApiKey, key [api_key_id];
    columns { api_key_id, name, scopes as JsonText, created_at, expires_at, last_used_at }
    extra { user_id, key_hash, revoked_at }
}

pub async fn insert(tx: &mut Tx, user: UserId, key: &ApiKey, hash: Hash) -> Result<(), Error> {
    tx.insert_with::<Keys>(key, &[("user_id", &user), ("key_hash", &hash), ("revoked_at", &None::<Timestamp>)]).await
}

/// Returns the number of keys of a user that were not revoked. The caller has locked the account, so none is added meanwhile.
pub async fn count(tx: &mut Tx, user: UserId) -> Result<i64, Error> {
    tx.query_one("SELECT COUNT(*) FROM api_keys WHERE user_id = $1 AND revoked_at IS NULL", params![user], |row| row.next()).await
}

/// Returns the keys of a user that were not revoked, newest first.
pub async fn list(tx: &mut Tx, user: UserId, after: Option<ApiKeyId>, rows: i64) -> Result<Vec<ApiKey>, Error> {
    Select::of::<Keys>()
        .filter("user_id = ?", user)
        .filter_literal("revoked_at IS NULL")
        .filter_some("api_key_id < ?", after)
        .limit("api_key_id DESC", rows)
        .list(tx)
        .await
}

/// Returns a key that counts, and its maker.
pub async fn find(tx: &mut Tx, hash: Hash) -> Result<Option<(UserId, ApiKey)>, Error> {
    let now = tx.now();
    let sql = "SELECT user_id FROM api_keys WHERE key_hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";
    let Some(user) = tx.query_opt(sql, params![hash, now], |row| row.next()).await? else { return Ok(None) };
    Ok(tx.find::<Keys>("key_hash = $1", params![hash]).await?.map(|key| (user, key)))
}

/// Returns whether the key is one of this user, also after its end.
pub async fn exists(tx: &mut Tx, user: UserId, key: ApiKeyId) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM api_keys WHERE api_key_id = $1 AND user_id = $2";
    Ok(tx.query_opt(sql, params![key, user], |row| row.next::<i64>()).await?.is_some())
}

pub async fn set_last_used(tx: &mut Tx, key: ApiKeyId) -> Result<(), Error> {
    let now = tx.now();
    tx.execute("UPDATE api_keys SET last_used_at = $2 WHERE api_key_id = $1", params![key, now]).await.map(|_| ())
}

pub async fn revoke(tx: &mut Tx, key: ApiKeyId) -> Result<(), Error> {
    let now = tx.now();
    tx.execute("UPDATE api_keys SET revoked_at = $2 WHERE api_key_id = $1 AND revoked_at IS NULL", params![key, now]).await.map(|_| ())
}

/// Revokes every key of a user.
pub async fn revoke_all(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    let now = tx.now();
    tx.execute("UPDATE api_keys SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL", params![user, now]).await.map(|_| ())
}

/// Revokes every key of a user and forgets what the user called it. The ids stay until they are purged, so that verifiers read that
/// the keys ended.
pub async fn erase_of_user(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    revoke_all(tx, user).await?;
    tx.execute("UPDATE api_keys SET name = '', last_used_at = NULL WHERE user_id = $1", params![user]).await.map(|_| ())
}

/// Returns the keys that were revoked at `since` or later, oldest first. Their tokens name them as the login that they come from.
pub async fn list_revoked(tx: &mut Tx, since: Timestamp, limit: i64) -> Result<Vec<RevokedSession>, Error> {
    tx.query(
        "SELECT api_key_id, revoked_at FROM api_keys WHERE revoked_at IS NOT NULL AND revoked_at >= $1 ORDER BY revoked_at LIMIT $2",
        params![since, limit],
        |row| Ok(RevokedSession { session: row.next()?, revoked_at: row.next()? }),
    )
    .await
}

/// Deletes up to `limit` keys that were revoked or expired before `before`, and returns their number.
pub async fn purge(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM api_keys WHERE api_key_id IN (SELECT api_key_id FROM api_keys WHERE revoked_at < $1 OR expires_at < $1 LIMIT $2)",
        params![before, limit],
    )
    .await
}
