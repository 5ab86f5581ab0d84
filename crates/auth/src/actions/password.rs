//! Changing a password.

use super::login_attempt::record_attempt;
use crate::{
    App,
    domain::{lockout::Decision, password_rules},
    error::Error,
    store::{
        accounts,
        attempts::{self, Subject},
        refresh_tokens, resets,
    },
};
use contracts::{
    auth::{ChangePassword, PasswordChanged},
    ids::{UserId, Uuid},
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

/// Replaces the password, revokes every login except `kept` and every reset link, and deletes the counters of failed
/// logins, because those were attempts at the old password.
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
    tx.emit(PasswordChanged { user_id: account.user_id, email: account.email.to_string(), by_reset });
    Ok(())
}
