//! Changing a password.

use super::{email::mark_verified, login_attempt::record_attempt};
use crate::{
    App,
    domain::{lockout::Decision, password_rules},
    error::Error,
    store::{
        accounts,
        attempts::{self, Subject},
        email_tokens, refresh_tokens, resets,
    },
};
use contracts::{
    auth::{ChangePassword, PasswordChanged, PasswordCheck, PasswordVerdict},
    ids::{UserId, Uuid},
    secret::Secret,
};
use platform::db::Tx;

/// Changes the password of the caller. Revokes every login except `session`, the caller's own.
///
/// # Errors
/// [`Error::PasswordRefused`], [`Error::WrongPassword`], [`Error::TooManyAttempts`] after several, [`Error::AccountLocked`], [`Error::Overloaded`].
pub async fn change_password(app: &App, user: UserId, session: Option<Uuid>, body: ChangePassword) -> Result<(), Error> {
    let account = app.ctx.db.read(async move |tx| Ok::<_, Error>(accounts::find(tx, user).await?)).await?.ok_or(Error::NotFound)?;
    password_rules::check(&body.new_password, &account.email, None).map_err(|fault| Error::PasswordRefused("/newPassword", fault))?;
    let verified = app.hasher.verify(&account.password_hash, body.current_password.reveal()).await?;
    let fresh = match verified.matches {
        true => Some(app.hasher.hash(body.new_password.reveal()).await?),
        false => None,
    };
    let policy = app.settings.lockout();
    // The counter of a wrong password must be committed, so the refusal is a value of the transaction and not its
    // error.
    app.ctx
        .db
        .write(async move |tx| -> Result<Result<(), Error>, Error> {
            let Some(present) = accounts::lock(tx, user).await? else { return Ok(Err(Error::NotFound)) };
            if !present.is_active() {
                return Ok(Err(Error::AccountLocked));
            }
            let fresh = fresh.as_ref().filter(|_| present.password_hash == account.password_hash);
            match (record_attempt(tx, policy, Subject::change(user), fresh.is_some()).await?, fresh) {
                (Decision::Accepted, Some(fresh)) => replace(tx, &present, fresh, session, false).await.map(Ok),
                (Decision::Blocked { until }, _) => Ok(Err(Error::TooManyAttempts(until.since(tx.now())))),
                _ => Ok(Err(Error::WrongPassword)),
            }
        })
        .await?
}

/// Checks the password of a user for another service. It is counted like the current password of [`change_password`].
///
/// # Errors
/// [`Error::Overloaded`], the database's.
pub async fn check_password(app: &App, user: UserId, password: Secret) -> Result<PasswordCheck, Error> {
    let answer = |verdict| PasswordCheck { verdict, retry_after_seconds: None };
    let Some(account) = app.ctx.db.read(async move |tx| Ok::<_, Error>(accounts::find(tx, user).await?)).await? else {
        return Ok(answer(PasswordVerdict::Wrong));
    };
    let verified = app.hasher.verify(&account.password_hash, password.reveal()).await?;
    let policy = app.settings.lockout();
    app.ctx
        .db
        .write(async move |tx| {
            let Some(present) = accounts::lock(tx, user).await? else { return Ok(answer(PasswordVerdict::Wrong)) };
            if !present.is_active() {
                return Ok(answer(PasswordVerdict::Locked));
            }
            let right = verified.matches && present.password_hash == account.password_hash;
            Ok(match record_attempt(tx, policy, Subject::change(user), right).await? {
                Decision::Accepted => answer(PasswordVerdict::Right),
                Decision::Blocked { until } => {
                    let wait = until.since(tx.now()).as_secs().max(1);
                    PasswordCheck { verdict: PasswordVerdict::Blocked, retry_after_seconds: Some(wait) }
                }
                Decision::Failed(_) | Decision::Delayed(_) => answer(PasswordVerdict::Wrong),
            })
        })
        .await
}

/// Replaces the password, revokes every login except `kept`, every reset link and every request for another address, and deletes
/// the counters of failed logins, because those were attempts at the old password. A reset shows that the user reads the mails to
/// the address.
pub(super) async fn replace(
    tx: &mut Tx,
    account: &accounts::Credential,
    password_hash: &str,
    kept: Option<Uuid>,
    by_reset: bool,
) -> Result<(), Error> {
    accounts::set_password(tx, account, password_hash).await?;
    refresh_tokens::revoke_all(tx, account.user_id, kept).await?;
    resets::drop_tokens(tx, account.user_id).await?;
    if attempts::forget_logins(tx, &account.email, account.user_id).await? {
        tx.emit(contracts::auth::UserUnlocked { user_id: account.user_id, unlocked_by: None });
    }
    email_tokens::end_changes(tx, account.user_id, &account.email).await?;
    if by_reset && account.email_verified_at.is_none() {
        mark_verified(tx, account).await?;
    }
    tx.emit(PasswordChanged { user_id: account.user_id, email: account.email.to_string(), by_reset });
    Ok(())
}
