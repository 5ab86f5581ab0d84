//! Verifying the e-mail address of an account, and changing it.

use super::login_attempt::record_attempt;
use crate::{
    App,
    domain::lockout::Decision,
    error::Error,
    opaque,
    store::{
        accounts::{self, Credential},
        attempts::{self, Subject},
        email_tokens::{self, EmailToken, TokenRequest},
        resets,
    },
};
use contracts::{
    auth::{ChangeEmail, EMAIL_TOKEN_ENCRYPTION, EmailChanged, EmailVerificationRequested, EmailVerified, UserUnlocked, VerifyEmail},
    ids::UserId,
    problem::Fault,
    text::Email,
};
use platform::{context::Context, db::Tx, encryption};
use std::time::Duration;

/// Requests of one run of the worker.
const BATCH: i64 = 64;
/// The time in which the mails of an account are counted.
const HOUR: Duration = Duration::from_secs(3600);

/// Makes a token for `email`, the address of the account or the one that it gets, and emits its mail. The caller has locked the
/// account.
///
/// # Errors
/// The database's.
pub async fn mail_token(tx: &mut Tx, app: &App, account: &Credential, email: &Email) -> Result<(), Error> {
    let token = opaque::token(tx.random_bytes());
    let expires_at = tx.now().after(app.settings.email_token());
    let row = EmailToken { token_id: tx.new_id(), user_id: account.user_id, email: email.clone(), expires_at };
    email_tokens::insert(tx, &row, opaque::hash(token.reveal())).await?;
    let key = app.ctx.master_key.key_for(EMAIL_TOKEN_ENCRYPTION);
    tx.emit(EmailVerificationRequested {
        user_id: account.user_id,
        email: email.to_string(),
        sealed_token: encryption::encrypt(&key, tx.random_bytes(), token.reveal().as_bytes()),
        expires_at,
        present_email: (account.email != *email).then(|| account.email.to_string()),
    });
    Ok(())
}

/// Fails when the account got as many mails in the last hour as it may.
async fn check_quota(tx: &mut Tx, app: &App, user: UserId) -> Result<(), Error> {
    let made = email_tokens::list_made(tx, user, tx.now().before(HOUR)).await?;
    let most = usize::try_from(app.settings.verification_mails).unwrap_or(usize::MAX);
    match made.len().checked_sub(most) {
        Some(over) => Err(Error::TooManyMails(made[over].after(HOUR).since(tx.now()))),
        None => Ok(()),
    }
}

/// Mails the caller another token: for the address that was asked for, or else for the present one while it is not verified.
///
/// # Errors
/// [`Error::TooManyMails`], [`Error::AccountLocked`].
pub async fn resend_own(app: &App, user: UserId) -> Result<(), Error> {
    let of = app.clone();
    app.ctx
        .db
        .write(async move |tx| {
            let account = accounts::lock(tx, user).await?.ok_or(Error::NotFound)?;
            if !account.is_active() {
                return Err(Error::AccountLocked);
            }
            let present = account.email_verified_at.is_none().then(|| account.email.clone());
            let Some(email) = email_tokens::find_wanted(tx, user, &account.email).await?.or(present) else { return Ok(()) };
            check_quota(tx, &of, user).await?;
            mail_token(tx, &of, &account, &email).await
        })
        .await
}

/// Stores a request of somebody who is not logged in. [`mail_requested`] looks for the account later, so that answer and duration
/// do not depend on it.
///
/// # Errors
/// The database's.
pub async fn request_resend(app: &App, email: Email) -> Result<(), Error> {
    app.ctx
        .db
        .write(async move |tx| {
            email_tokens::request(tx, email.clone()).await?;
            tx.notify_worker(crate::workers::EMAIL_TOKENS);
            Ok(())
        })
        .await
}

/// Mails a token for each waiting request that has an account with an address that is not verified. Returns the number of requests.
///
/// # Errors
/// The database's.
pub async fn mail_requested(app: &App) -> Result<usize, Error> {
    let waiting = app.ctx.db.read(async |tx| Ok::<_, Error>(email_tokens::list_requests(tx, BATCH).await?)).await?;
    for TokenRequest { email, correlation_id } in &waiting {
        let (email, of) = (email.clone(), app.clone());
        let unit = app.ctx.db.write(async move |tx| answer_request(tx, &of, &email).await);
        Context::new(correlation_id.as_str()).scope(unit).await?;
    }
    Ok(waiting.len())
}

async fn answer_request(tx: &mut Tx, app: &App, email: &Email) -> Result<(), Error> {
    if !email_tokens::delete_request(tx, email).await? {
        return Ok(());
    }
    let Some(account) = accounts::lock_by_email(tx, email).await?.filter(Credential::is_active) else { return Ok(()) };
    if account.email_verified_at.is_some() {
        return Ok(());
    }
    match check_quota(tx, app, account.user_id).await {
        Ok(()) => mail_token(tx, app, &account, email).await,
        Err(Error::TooManyMails(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Asks for another address. The account keeps the present one until the token comes back that is mailed to the new one. A later
/// request takes the place of this one.
///
/// # Errors
/// [`Error::WrongPassword`], [`Error::TooManyAttempts`] after several, [`Error::AccountLocked`], [`Error::Invalid`] for the present
/// address, [`Error::NewEmailTaken`], [`Error::TooManyMails`], [`Error::Overloaded`].
pub async fn change_email(app: &App, user: UserId, body: ChangeEmail) -> Result<(), Error> {
    let account = app.ctx.db.read(async move |tx| Ok::<_, Error>(accounts::find(tx, user).await?)).await?.ok_or(Error::NotFound)?;
    let verified = app.hasher.verify(&account.password_hash, body.current_password.reveal()).await?;
    let (of, policy, new_email) = (app.clone(), app.settings.lockout(), body.new_email);
    // The counter of a wrong password must be committed, so the refusal is a value of the transaction and not its error.
    app.ctx
        .db
        .write(async move |tx| -> Result<Result<(), Error>, Error> {
            let Some(present) = accounts::lock(tx, user).await? else { return Ok(Err(Error::NotFound)) };
            if !present.is_active() {
                return Ok(Err(Error::AccountLocked));
            }
            let right = verified.matches && present.password_hash == account.password_hash;
            match record_attempt(tx, policy, Subject::change(user), right).await? {
                Decision::Accepted => {}
                Decision::Blocked { until } => return Ok(Err(Error::TooManyAttempts(until.since(tx.now())))),
                Decision::Failed(_) | Decision::Delayed(_) => return Ok(Err(Error::WrongPassword)),
            }
            if new_email == present.email {
                let fault = Fault::at("/newEmail", "UNCHANGED", "is the address of this account already");
                return Ok(Err(Error::Invalid(vec![fault])));
            }
            if accounts::find_by_email(tx, &new_email).await?.is_some() {
                return Ok(Err(Error::NewEmailTaken));
            }
            match check_quota(tx, &of, user).await {
                Ok(()) => {}
                Err(error @ Error::TooManyMails(_)) => return Ok(Err(error)),
                Err(error) => return Err(error),
            }
            email_tokens::end_changes(tx, user, &present.email).await?;
            mail_token(tx, &of, &present, &new_email).await.map(Ok)
        })
        .await?
}

/// Verifies the address that the token was mailed to. When it was asked for in place of the present one, the account has it from
/// now on, and reset links to the former one end.
///
/// # Errors
/// [`Error::InvalidVerificationToken`] when it is unknown, used, replaced or expired, or an administrator locked the account;
/// [`Error::EmailTakenMeanwhile`], after which the token works still.
pub async fn verify_email(app: &App, body: VerifyEmail) -> Result<(), Error> {
    let hash = opaque::hash(body.token.reveal());
    app.ctx
        .db
        .write(async move |tx| {
            let user = email_tokens::find(tx, hash).await?.ok_or(Error::InvalidVerificationToken)?.user_id;
            let account = accounts::lock(tx, user).await?.filter(Credential::is_active).ok_or(Error::InvalidVerificationToken)?;
            // Of two concurrent requests the second finds the token ended, because the account is locked.
            let email = email_tokens::find(tx, hash).await?.ok_or(Error::InvalidVerificationToken)?.email;
            if email != account.email {
                replace_email(tx, &account, &email).await?;
            } else if account.email_verified_at.is_none() {
                mark_verified(tx, &account).await?;
            }
            email_tokens::end_all(tx, user).await?;
            Ok(())
        })
        .await
}

/// Stores that the user reads the mails to the account's address. The caller has locked the account.
///
/// # Errors
/// The database's.
pub async fn mark_verified(tx: &mut Tx, account: &Credential) -> Result<(), Error> {
    accounts::set_email_verified(tx, account.user_id).await?;
    tx.emit(EmailVerified { user_id: account.user_id, email: account.email.to_string() });
    Ok(())
}

async fn replace_email(tx: &mut Tx, account: &Credential, email: &Email) -> Result<(), Error> {
    if !accounts::replace_email(tx, account, email).await? {
        return Err(Error::EmailTakenMeanwhile);
    }
    resets::drop_tokens(tx, account.user_id).await?;
    // They count attempts with the former address.
    if attempts::forget_logins(tx, &account.email, account.user_id).await? {
        tx.emit(UserUnlocked { user_id: account.user_id, unlocked_by: None });
    }
    let (user_id, previous_email) = (account.user_id, account.email.to_string());
    tx.emit(EmailChanged { user_id, email: email.to_string(), previous_email });
    tx.emit(EmailVerified { user_id, email: email.to_string() });
    Ok(())
}
