//! Tokens that verify e-mail addresses, and the requests for them.

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

/// A token that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailToken {
    pub token_id: TokenId,
    pub user_id: UserId,
    /// The address that it was mailed to.
    pub email: Email,
    pub expires_at: Timestamp,
}

platform::table! {
    Tokens in "email_tokens" of EmailToken, key [token_id];
    columns { token_id, user_id, email, expires_at }
    extra { token_hash, created_at, ended_at }
}

/// A request for a mail that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRequest {
    pub email: Email,
    pub correlation_id: String,
}

platform::table! {
    Requests in "email_token_requests" of TokenRequest, key [email];
    columns { email, correlation_id }
    extra { requested_at }
}

pub async fn insert(tx: &mut Tx, token: &EmailToken, hash: Hash) -> Result<(), Error> {
    let now = tx.now();
    tx.insert_with::<Tokens>(token, &[("token_hash", &hash), ("created_at", &now), ("ended_at", &None::<Timestamp>)]).await
}

/// Returns a token that is valid still.
pub async fn find(tx: &mut Tx, hash: Hash) -> Result<Option<EmailToken>, Error> {
    let now = tx.now();
    tx.find::<Tokens>("token_hash = $1 AND expires_at > $2 AND ended_at IS NULL", params![hash, now]).await
}

/// Returns the address that a user asked for and did not verify yet.
pub async fn find_wanted(tx: &mut Tx, user: UserId, present: &Email) -> Result<Option<Email>, Error> {
    let now = tx.now();
    tx.query_opt(
        "SELECT email FROM email_tokens WHERE user_id = $1 AND email <> $2 AND expires_at > $3 AND ended_at IS NULL \
         ORDER BY created_at DESC LIMIT 1",
        params![user, *present, now],
        |row| row.next(),
    )
    .await
}

/// Returns when the tokens of a user were made that are not older than `since`, the oldest first. The caller has locked the
/// account, so none is added meanwhile.
pub async fn list_made(tx: &mut Tx, user: UserId, since: Timestamp) -> Result<Vec<Timestamp>, Error> {
    tx.query(
        "SELECT created_at FROM email_tokens WHERE user_id = $1 AND created_at > $2 ORDER BY created_at",
        params![user, since],
        |row| row.next(),
    )
    .await
}

/// Ends every token of a user.
pub async fn end_all(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    let now = tx.now();
    tx.execute("UPDATE email_tokens SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL", params![user, now]).await.map(|_| ())
}

/// Ends the tokens that give the user another address than the present one.
pub async fn end_changes(tx: &mut Tx, user: UserId, present: &Email) -> Result<(), Error> {
    let now = tx.now();
    let sql = "UPDATE email_tokens SET ended_at = $3 WHERE user_id = $1 AND email <> $2 AND ended_at IS NULL";
    tx.execute(sql, params![user, *present, now]).await.map(|_| ())
}

/// Deletes every token of a user, and the request for a mail to an address.
pub async fn delete_of_user(tx: &mut Tx, user: UserId, email: &Email) -> Result<(), Error> {
    tx.execute("DELETE FROM email_tokens WHERE user_id = $1", params![user]).await?;
    delete_request(tx, email).await.map(|_| ())
}

/// Stores a request for a mail. While one waits, another one changes nothing.
pub async fn request(tx: &mut Tx, email: Email) -> Result<(), Error> {
    let (now, correlation_id) = (tx.now(), tx.context().correlation_id.to_string());
    let request = TokenRequest { email, correlation_id };
    tx.insert_if_absent_with::<Requests>(&request, "(email)", &[("requested_at", &now)]).await.map(|_| ())
}

/// Returns waiting requests, oldest first.
pub async fn list_requests(tx: &mut Tx, limit: i64) -> Result<Vec<TokenRequest>, Error> {
    tx.list::<Requests>("ORDER BY requested_at LIMIT $1", params![limit]).await
}

/// Deletes a request and returns whether it existed.
pub async fn delete_request(tx: &mut Tx, email: &Email) -> Result<bool, Error> {
    let rows = tx.execute("DELETE FROM email_token_requests WHERE email = $1", params![*email]).await?;
    Ok(rows == 1)
}

/// Deletes up to `limit` tokens that expired before `before`, and returns their number.
pub async fn purge(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM email_tokens WHERE token_id IN (SELECT token_id FROM email_tokens WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)",
        params![before, limit],
    )
    .await
}
