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

pub async fn insert(tx: &mut Tx, token: &RefreshToken, hash: Hash) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO refresh_tokens (token_id, family_id, user_id, token_hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        params![token.token_id, token.family_id, token.user_id, hash, now, token.expires_at],
    )
    .await
    .map(|_| ())
}

pub async fn find(tx: &mut Tx, hash: Hash) -> Result<Option<RefreshToken>, Error> {
    tx.query_opt(
        "SELECT token_id, family_id, user_id, expires_at, used_at, revoked_at FROM refresh_tokens WHERE token_hash = $1",
        params![hash],
        |row| {
            Ok(RefreshToken {
                token_id: row.next()?,
                family_id: row.next()?,
                user_id: row.next()?,
                expires_at: row.next()?,
                used_at: row.next()?,
                revoked_at: row.next()?,
            })
        },
    )
    .await
}

/// Marks a token as used. Returns `false` when it was used or revoked: of two that try, one succeeds.
pub async fn mark_used(tx: &mut Tx, token: TokenId) -> Result<bool, Error> {
    let now = tx.now();
    let rows = tx
        .execute(
            "UPDATE refresh_tokens SET used_at = $1 WHERE token_id = $2 AND used_at IS NULL AND revoked_at IS NULL",
            params![now, token],
        )
        .await?;
    Ok(rows == 1)
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
    let now = tx.now();
    match kept {
        None => {
            tx.execute(
                "UPDATE refresh_tokens SET revoked_at = $1 WHERE user_id = $2 AND used_at IS NULL AND revoked_at IS NULL",
                params![now, user],
            )
            .await
        }
        Some(kept) => {
            tx.execute(
                "UPDATE refresh_tokens SET revoked_at = $1 WHERE user_id = $2 AND used_at IS NULL AND revoked_at IS NULL AND family_id <> $3",
                params![now, user, kept],
            )
            .await
        }
    }
}

/// Deletes up to `limit` tokens that expired before `before`, and returns their number.
pub async fn purge(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM refresh_tokens WHERE token_id IN (SELECT token_id FROM refresh_tokens WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)",
        params![before, limit],
    )
    .await
}
