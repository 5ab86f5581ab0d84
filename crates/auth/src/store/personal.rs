//! What auth keeps about users, to be exported and to be erased.

use super::{
    accounts::{self, Credential},
    api_keys,
    attempts::{self, Subject},
    email_tokens, ended_logins, refresh_tokens, resets, sessions,
};
use contracts::{
    ids::{UserId, Uuid},
    personal::{PersonalRecord, PersonalRecords},
    time::Timestamp,
};
use platform::{
    db::{Error, Tx},
    params,
    personal::{PersonalData, json},
};
use std::time::Duration;

pub fn data() -> PersonalData {
    PersonalData::new(export, async |_: &mut Tx, _| Ok(())).erased_by_service()
}

async fn export(tx: &mut Tx, user: UserId) -> Result<PersonalRecords, Error> {
    let Some(Credential { email, status, created_at, updated_at, .. }) = accounts::find(tx, user).await? else {
        return Ok(PersonalRecords::new());
    };
    let roles = accounts::roles(tx, user).await?;
    let account = json!({"email": email, "status": status, "roles": roles, "createdAt": created_at, "updatedAt": updated_at});
    Ok([
        ("account".to_owned(), vec![account]),
        ("logins".to_owned(), list_logins(tx, user).await?),
        ("sessions".to_owned(), list_sessions(tx, user).await?),
        ("apiKeys".to_owned(), list_api_keys(tx, user).await?),
        ("failedLogins".to_owned(), list_failed_logins(tx, user).await?),
        ("passwordResets".to_owned(), list_resets(tx, user).await?),
        ("emailTokens".to_owned(), list_email_tokens(tx, user).await?),
    ]
    .into())
}

async fn list_logins(tx: &mut Tx, user: UserId) -> Result<Vec<PersonalRecord>, Error> {
    let sql = "SELECT family_id, MIN(created_at), MAX(created_at), MAX(expires_at) FROM refresh_tokens WHERE user_id = $1 \
               GROUP BY family_id ORDER BY family_id";
    tx.query(sql, params![user], |row| {
        let (login, created_at): (Uuid, Timestamp) = (row.next()?, row.next()?);
        let (refreshed_at, expires_at): (Timestamp, Timestamp) = (row.next()?, row.next()?);
        Ok(json!({"loginId": login, "createdAt": created_at, "refreshedAt": refreshed_at, "expiresAt": expires_at}))
    })
    .await
}

async fn list_sessions(tx: &mut Tx, user: UserId) -> Result<Vec<PersonalRecord>, Error> {
    let found = sessions::list_all(tx, user).await?;
    let record = |session: sessions::StoredSession| {
        json!({
            "sessionId": session.session_id, "createdAt": session.created_at, "lastUsedAt": session.last_used_at,
            "userAgent": session.device.user_agent, "network": session.device.network,
        })
    };
    Ok(found.into_iter().map(record).collect())
}

async fn list_api_keys(tx: &mut Tx, user: UserId) -> Result<Vec<PersonalRecord>, Error> {
    Ok(api_keys::list(tx, user, None, i64::MAX).await?.into_iter().map(|key| json!(key)).collect())
}

async fn list_failed_logins(tx: &mut Tx, user: UserId) -> Result<Vec<PersonalRecord>, Error> {
    let sql = "SELECT failed_count, last_failed_at FROM failed_logins WHERE user_id = $1 ORDER BY last_failed_at";
    tx.query(sql, params![user], |row| {
        let (count, last): (i64, Timestamp) = (row.next()?, row.next()?);
        Ok(json!({"count": count, "lastFailedAt": last}))
    })
    .await
}

async fn list_resets(tx: &mut Tx, user: UserId) -> Result<Vec<PersonalRecord>, Error> {
    let sql = "SELECT created_at, expires_at FROM reset_tokens WHERE user_id = $1 ORDER BY created_at";
    tx.query(sql, params![user], |row| {
        let (created_at, expires_at): (Timestamp, Timestamp) = (row.next()?, row.next()?);
        Ok(json!({"createdAt": created_at, "expiresAt": expires_at}))
    })
    .await
}

async fn list_email_tokens(tx: &mut Tx, user: UserId) -> Result<Vec<PersonalRecord>, Error> {
    let sql = "SELECT email, created_at, expires_at FROM email_tokens WHERE user_id = $1 ORDER BY created_at";
    tx.query(sql, params![user], |row| {
        let (email, created_at, expires_at): (String, Timestamp, Timestamp) = (row.next()?, row.next()?, row.next()?);
        Ok(json!({"email": email, "createdAt": created_at, "expiresAt": expires_at}))
    })
    .await
}

/// Deletes an account that the caller has locked, and everything about it. Of its open logins the ids stay while `token_lifetime`
/// lasts, so that verifiers read that they ended.
pub async fn erase_account(tx: &mut Tx, account: &Credential, token_lifetime: Duration) -> Result<(), Error> {
    let user = account.user_id;
    attempts::forget_logins(tx, &account.email, user).await?;
    attempts::forget(tx, Subject::change(user)).await?;
    resets::drop_tokens(tx, user).await?;
    resets::delete_request(tx, &account.email).await?;
    email_tokens::delete_of_user(tx, user, &account.email).await?;
    sessions::delete_of_user(tx, user).await?;
    api_keys::erase_of_user(tx, user).await?;
    refresh_tokens::revoke_all(tx, user, None).await?;
    refresh_tokens::delete_but_revoked(tx, user, tx.now().after(token_lifetime)).await?;
    ended_logins::insert_role_change(tx, user).await?;
    tx.execute("DELETE FROM seller_records WHERE user_id = $1", params![user]).await?;
    accounts::delete(tx, account).await
}
