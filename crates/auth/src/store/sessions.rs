//! Logins as their users see them.

use crate::domain::device::Device;
use contracts::{
    ids::{UserId, Uuid},
    time::Timestamp,
};
use platform::{
    db::{Error, Select, Tx},
    params,
};

/// A login with the program that used it last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSession {
    pub session_id: Uuid,
    pub user_id: UserId,
    pub created_at: Timestamp,
    pub last_used_at: Timestamp,
    pub device: Device,
}

platform::table! {
    Sessions in "sessions" of StoredSession, key [session_id];
    columns { session_id, user_id, created_at, last_used_at, device: Device { user_agent, network } }
}

/// Stores a new login, or the use of one.
pub async fn put(tx: &mut Tx, session_id: Uuid, user_id: UserId, device: &Device) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO sessions (session_id, user_id, created_at, last_used_at, user_agent, network) VALUES ($1, $2, $3, $3, $4, $5) \
         ON CONFLICT (session_id) DO UPDATE SET last_used_at = excluded.last_used_at, user_agent = excluded.user_agent, \
         network = excluded.network",
        params![session_id, user_id, now, device.user_agent, device.network],
    )
    .await
    .map(|_| ())
}

/// Returns the logins of a user that can be refreshed, newest first.
pub async fn list_live(tx: &mut Tx, user: UserId, after: Option<Uuid>, rows: i64) -> Result<Vec<StoredSession>, Error> {
    let now = tx.now();
    Select::of::<Sessions>()
        .filter("user_id = ?", user)
        .filter(
            "EXISTS (SELECT 1 FROM refresh_tokens t WHERE t.family_id = session_id AND t.used_at IS NULL AND t.revoked_at IS NULL \
             AND t.expires_at > ?)",
            now,
        )
        .filter_some("session_id < ?", after)
        .limit("session_id DESC", rows)
        .list(tx)
        .await
}

/// Returns logins of a user that can be refreshed, beyond the `kept` ones that were used last.
pub async fn list_beyond(tx: &mut Tx, user: UserId, kept: i64) -> Result<Vec<Uuid>, Error> {
    let now = tx.now();
    let sql = "SELECT session_id FROM sessions WHERE user_id = $1 AND EXISTS (SELECT 1 FROM refresh_tokens t \
               WHERE t.family_id = session_id AND t.used_at IS NULL AND t.revoked_at IS NULL AND t.expires_at > $2) \
               ORDER BY last_used_at DESC, session_id DESC LIMIT 1000 OFFSET $3";
    tx.query(sql, params![user, now, kept], |row| row.next()).await
}

/// Returns every login of a user that is kept.
pub async fn list_all(tx: &mut Tx, user: UserId) -> Result<Vec<StoredSession>, Error> {
    tx.list::<Sessions>("WHERE user_id = $1 ORDER BY session_id", params![user]).await
}

/// Deletes what is kept of the logins of a user.
pub async fn delete_of_user(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    tx.execute("DELETE FROM sessions WHERE user_id = $1", params![user]).await.map(|_| ())
}

/// Returns whether the login is one of this user, also after its end.
pub async fn exists(tx: &mut Tx, user: UserId, session_id: Uuid) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM sessions WHERE session_id = $1 AND user_id = $2";
    Ok(tx.query_opt(sql, params![session_id, user], |row| row.next::<i64>()).await?.is_some())
}

/// Deletes up to `limit` logins that were last used before `before`, and returns their number.
pub async fn purge(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM sessions WHERE session_id IN (SELECT session_id FROM sessions WHERE last_used_at < $1 ORDER BY last_used_at LIMIT $2)",
        params![before, limit],
    )
    .await
}
