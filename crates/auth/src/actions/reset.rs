//! Password reset by mail.

use super::password::replace;
use crate::{
    App,
    domain::password_rules,
    error::Error,
    opaque,
    store::{
        accounts,
        resets::{self, ResetRequest},
    },
};
use contracts::{
    auth::{ForgotPassword, PasswordResetRequested, RESET_TOKEN_ENCRYPTION, ResetPassword},
    text::Email,
};
use platform::{context::Context, db::Tx, encryption};

/// Requests of one run of the worker.
const BATCH: i64 = 64;

/// Stores a reset request for this address. [`mail_resets`] looks for the account later, so that answer and duration do
/// not depend on it.
///
/// # Errors
/// The database's.
pub async fn request_reset(app: &App, body: ForgotPassword) -> Result<(), Error> {
    app.ctx
        .db
        .write(async move |tx| {
            resets::request(tx, body.email.clone().into()).await?;
            tx.notify_worker(crate::workers::RESETS);
            Ok(())
        })
        .await
}

/// Creates a token for each waiting request that has an account, and emits its mail. Returns the number of requests.
///
/// # Errors
/// The database's.
pub async fn mail_resets(app: &App) -> Result<usize, Error> {
    let waiting = app.ctx.db.read(async |tx| Ok::<_, Error>(resets::list_requests(tx, BATCH).await?)).await?;
    for ResetRequest { email, correlation_id } in &waiting {
        let (email, app) = (email.clone(), app.clone());
        let db = app.ctx.db.clone();
        let unit = db.write(async move |tx| mail_reset(tx, &app, &email).await);
        Context::new(correlation_id.as_str()).scope(unit).await?;
    }
    Ok(waiting.len())
}

async fn mail_reset(tx: &mut Tx, app: &App, email: &Email) -> Result<(), Error> {
    if !resets::delete_request(tx, email).await? {
        return Ok(());
    }
    let Some(account) = accounts::lock_by_email(tx, email).await?.filter(accounts::Credential::is_active) else { return Ok(()) };
    // The number of mails is bounded. The links that were mailed keep working.
    if resets::count_tokens(tx, account.user_id).await? >= app.settings.reset_mails.into() {
        return Ok(());
    }
    let token = opaque::token(tx.random_bytes());
    let expires_at = tx.now().after(app.settings.reset_token());
    resets::insert_token(tx, account.user_id, opaque::hash(token.reveal()), expires_at).await?;
    let sealed_token =
        encryption::encrypt(&app.ctx.master_key.key_for(RESET_TOKEN_ENCRYPTION), tx.random_bytes(), token.reveal().as_bytes());
    tx.emit(PasswordResetRequested { user_id: account.user_id, email: email.to_string(), sealed_token, expires_at });
    Ok(())
}

/// Sets a new password with the token of the mail. Revokes every login of the account and ends a lock by failed logins.
///
/// # Errors
/// [`Error::InvalidResetToken`] when it is unknown, used or expired, or an administrator locked the account since;
/// [`Error::PasswordRefused`], after which the token works still; [`Error::Overloaded`].
pub async fn reset_password(app: &App, body: ResetPassword) -> Result<(), Error> {
    let hash = opaque::hash(body.token.reveal());
    // An unknown token costs no hash. The longer answer for a valid token reveals nothing, because tokens cannot be
    // guessed.
    let find = async move |tx: &mut Tx| match resets::find_user(tx, hash).await? {
        Some(user) => Ok::<_, Error>(accounts::find(tx, user).await?),
        None => Ok(None),
    };
    let account = app.ctx.db.read(find).await?.ok_or(Error::InvalidResetToken)?;
    let user = account.user_id;
    password_rules::check(&body.new_password, &account.email, None).map_err(|fault| Error::PasswordRefused("/newPassword", fault))?;
    let fresh = app.hasher.hash(body.new_password.reveal()).await?;
    app.ctx
        .db
        .write(async move |tx| {
            let account = accounts::lock(tx, user).await?.filter(accounts::Credential::is_active).ok_or(Error::InvalidResetToken)?;
            // Of two concurrent requests the second finds the token deleted, because the account is locked and a reset
            // deletes its tokens.
            if resets::find_user(tx, hash).await? != Some(user) {
                return Err(Error::InvalidResetToken);
            }
            replace(tx, &account, &fresh, None, true).await
        })
        .await
}
