//! Reset requests and the tokens that were mailed.

use crate::opaque::Hash;
use contracts::{
    ids::{TokenId, UserId},
    text::Email,
    time::Timestamp,
};
use platform::{
    db::{Error, Tx},
    params,
};

/// A request for a reset that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResetRequest {
    pub email: Email,
    pub correlation_id: String,
}

platform::table! {
    Requests in "reset_requests" of ResetRequest, key [email];
    columns { email, correlation_id }
    extra { requested_at }
}

/// Stores a reset request. While one waits, another one changes nothing.
pub async fn request(tx: &mut Tx, email: Email) -> Result<(), Error> {
    let (now, correlation_id) = (tx.now(), tx.context().correlation_id.to_string());
    let request = ResetRequest { email, correlation_id };
    tx.insert_if_absent_with::<Requests>(&request, "(email)", &[("requested_at", &now)]).await.map(|_| ())
}

/// Returns waiting requests, oldest first.
pub async fn list_requests(tx: &mut Tx, limit: i64) -> Result<Vec<ResetRequest>, Error> {
    tx.list::<Requests>("ORDER BY requested_at LIMIT $1", params![limit]).await
}

/// Deletes a request and returns whether it existed.
pub async fn delete_request(tx: &mut Tx, email: &Email) -> Result<bool, Error> {
    let rows = tx.execute("DELETE FROM reset_requests WHERE email = $1", params![*email]).await?;
    Ok(rows == 1)
}

pub async fn insert_token(tx: &mut Tx, user: UserId, hash: Hash, expires_at: Timestamp) -> Result<(), Error> {
    let (now, token_id) = (tx.now(), tx.new_id::<TokenId>());
    tx.execute(
        "INSERT INTO reset_tokens (token_id, user_id, token_hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        params![token_id, user, hash, now, expires_at],
    )
    .await
    .map(|_| ())
}

/// Returns the number of a user's valid tokens. The caller has locked the account, so none is added meanwhile.
pub async fn count_tokens(tx: &mut Tx, user: UserId) -> Result<i64, Error> {
    let now = tx.now();
    tx.query_one("SELECT COUNT(*) FROM reset_tokens WHERE user_id = $1 AND expires_at > $2", params![user, now], |row| row.next()).await
}

/// Returns the user of a valid token.
pub async fn find_user(tx: &mut Tx, hash: Hash) -> Result<Option<UserId>, Error> {
    let now = tx.now();
    tx.query_opt("SELECT user_id FROM reset_tokens WHERE token_hash = $1 AND expires_at > $2", params![hash, now], |row| row.next()).await
}

/// Deletes every token of a user.
pub async fn drop_tokens(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    tx.execute("DELETE FROM reset_tokens WHERE user_id = $1", params![user]).await.map(|_| ())
}

/// Deletes up to `limit` tokens that expired before `before`, and returns their number.
pub async fn purge(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM reset_tokens WHERE token_id IN (SELECT token_id FROM reset_tokens WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)",
        params![before, limit],
    )
    .await
}
