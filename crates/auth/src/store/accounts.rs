//! Credentials and roles.

use crate::hashing::parameters_of;
use contracts::{
    auth::{AccountStatus, Role},
    ids::{CredentialId, UserId},
    text::Email,
    time::Timestamp,
};
use platform::{
    db::{Error, Select, Tx},
    params,
};

/// The e-mail address and password of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    pub credential_id: CredentialId,
    pub user_id: UserId,
    pub email: Email,
    pub password_hash: String,
    /// LOCKED by an administrator, or ACTIVE.
    pub status: AccountStatus,
    /// When the user showed to read the mails to the address.
    pub email_verified_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Credential {
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.status == AccountStatus::Active
    }
}

platform::table! {
    Credentials in "credentials" of Credential, key [user_id];
    columns { credential_id, user_id, email, password_hash, status, email_verified_at, created_at, updated_at }
}

/// Inserts an account. Returns `false` and changes nothing when the address is taken.
pub async fn insert(tx: &mut Tx, credential: &Credential) -> Result<bool, Error> {
    let is_new = tx.insert_if_absent::<Credentials>(credential, "(email)").await?;
    if is_new {
        count_parameters(tx, parameters_of(&credential.password_hash), 1).await?;
    }
    Ok(is_new)
}

/// Adds `more` to the number of accounts that have a hash of these parameters.
async fn count_parameters(tx: &mut Tx, parameters: &str, more: i64) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO password_parameters (parameters, accounts) VALUES ($1, $2) \
         ON CONFLICT (parameters) DO UPDATE SET accounts = password_parameters.accounts + excluded.accounts",
        params![parameters, more],
    )
    .await
    .map(|_| ())
}

/// Returns the number of accounts by the parameters of their hash.
pub async fn parameters_in_use(tx: &mut Tx) -> Result<Vec<(String, u64)>, Error> {
    tx.query("SELECT parameters, accounts FROM password_parameters ORDER BY parameters", &[], |row| {
        Ok((row.next()?, row.next::<i64>()?.try_into().unwrap_or(0)))
    })
    .await
}

/// Returns accounts whose address is not plain ASCII, oldest first.
pub async fn list_not_ascii(tx: &mut Tx, after: Option<UserId>, limit: i64) -> Result<Vec<Credential>, Error> {
    let select = Select::of::<Credentials>().filter_literal("octet_length(email) <> length(email)").filter_some("user_id > ?", after);
    select.limit("user_id", limit).list(tx).await
}

pub async fn set_email(tx: &mut Tx, user: UserId, email: &Email) -> Result<(), Error> {
    tx.execute("UPDATE credentials SET email = $1 WHERE user_id = $2", params![*email, user]).await.map(|_| ())
}

/// Marks the address of an account as verified.
pub async fn set_email_verified(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    let now = tx.now();
    tx.execute("UPDATE credentials SET email_verified_at = $2, updated_at = $2 WHERE user_id = $1", params![user, now]).await.map(|_| ())
}

/// Gives an account that the caller has locked another address, verified. Returns `false` when the address is taken; the caller
/// must then fail. The row is inserted anew, because a conflict of an insertion is no error of the transaction.
pub async fn replace_email(tx: &mut Tx, account: &Credential, email: &Email) -> Result<bool, Error> {
    let now = tx.now();
    tx.execute("DELETE FROM credentials WHERE user_id = $1", params![account.user_id]).await?;
    let changed = Credential { email: email.clone(), email_verified_at: Some(now), updated_at: now, ..account.clone() };
    tx.insert_if_absent::<Credentials>(&changed, "(email)").await
}

pub async fn find_by_email(tx: &mut Tx, email: &Email) -> Result<Option<Credential>, Error> {
    tx.find::<Credentials>("email = $1", params![*email]).await
}

/// As [`find_by_email`], with the row locked until the commit.
pub async fn lock_by_email(tx: &mut Tx, email: &Email) -> Result<Option<Credential>, Error> {
    tx.lock::<Credentials>("email = $1", params![*email]).await
}

pub async fn find(tx: &mut Tx, user: UserId) -> Result<Option<Credential>, Error> {
    tx.find::<Credentials>("user_id = $1", params![user]).await
}

/// As [`find`], with the row locked until the commit. Every change of a user's roles and refresh tokens locks the
/// account, so that no token survives a lock or a new password.
pub async fn lock(tx: &mut Tx, user: UserId) -> Result<Option<Credential>, Error> {
    tx.lock::<Credentials>("user_id = $1", params![user]).await
}

/// Replaces the password of an account that the caller has locked.
pub async fn set_password(tx: &mut Tx, account: &Credential, password_hash: &str) -> Result<(), Error> {
    let (now, user) = (tx.now(), account.user_id);
    tx.execute("UPDATE credentials SET password_hash = $1, updated_at = $2 WHERE user_id = $3", params![password_hash, now, user]).await?;
    let (before, after) = (parameters_of(&account.password_hash), parameters_of(password_hash));
    if before != after {
        count_parameters(tx, before, -1).await?;
        count_parameters(tx, after, 1).await?;
    }
    Ok(())
}

/// Deletes an account that the caller has locked, with its roles.
pub async fn delete(tx: &mut Tx, account: &Credential) -> Result<(), Error> {
    let user = account.user_id;
    tx.execute("DELETE FROM account_roles WHERE user_id = $1", params![user]).await?;
    tx.execute("DELETE FROM credentials WHERE user_id = $1", params![user]).await?;
    count_parameters(tx, parameters_of(&account.password_hash), -1).await
}

pub async fn set_status(tx: &mut Tx, user: UserId, status: AccountStatus) -> Result<(), Error> {
    let now = tx.now();
    tx.execute("UPDATE credentials SET status = $1, updated_at = $2 WHERE user_id = $3", params![status, now, user]).await.map(|_| ())
}

/// Returns the roles in the order of their declaration.
pub async fn roles(tx: &mut Tx, user: UserId) -> Result<Vec<Role>, Error> {
    let mut roles: Vec<Role> = tx.query("SELECT role FROM account_roles WHERE user_id = $1", params![user], |row| row.next()).await?;
    roles.sort_unstable();
    Ok(roles)
}

pub async fn set_roles(tx: &mut Tx, user: UserId, roles: &[Role]) -> Result<(), Error> {
    let now = tx.now();
    tx.execute("DELETE FROM account_roles WHERE user_id = $1", params![user]).await?;
    for role in roles {
        tx.execute("INSERT INTO account_roles (user_id, role) VALUES ($1, $2)", params![user, *role]).await?;
    }
    tx.execute("UPDATE credentials SET updated_at = $1 WHERE user_id = $2", params![now, user]).await.map(|_| ())
}

const ACTIVE_ADMINS: &str = "SELECT user_id FROM credentials WHERE status = 'ACTIVE' \
     AND user_id IN (SELECT user_id FROM account_roles WHERE role = 'ADMIN') ORDER BY user_id";

/// Returns the active administrators with their accounts locked until the commit, because removing one depends on all
/// of them.
pub async fn lock_admins(tx: &mut Tx) -> Result<Vec<UserId>, Error> {
    tx.lock_all(ACTIVE_ADMINS, &[], |row| row.next::<UserId>()).await?;
    // A transaction that this one waited for may have removed the role of one of them.
    tx.query(ACTIVE_ADMINS, &[], |row| row.next()).await
}

/// Returns accounts whose lock is still to be announced, and forgets that it is.
pub async fn take_unannounced_locks(tx: &mut Tx, rows: i64) -> Result<Vec<UserId>, Error> {
    let sql = "DELETE FROM unannounced_locks WHERE user_id IN (SELECT user_id FROM unannounced_locks ORDER BY user_id LIMIT $1) \
               RETURNING user_id";
    let mut users: Vec<UserId> = tx.query(sql, params![rows], |row| row.next()).await?;
    users.sort_unstable();
    Ok(users)
}
