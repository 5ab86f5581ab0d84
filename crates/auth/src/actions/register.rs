//! Opening an account.

use super::{
    email::mail_token,
    log_in::log_in,
    seller_role::announce_existing_seller,
    session::{self, Session},
};
use crate::{
    App,
    domain::{
        device::{Client, Device},
        password_rules, roles,
    },
    error::Error,
    store::{
        accounts::{self, Credential},
        registrations::{self, Earlier, Request},
    },
};
use contracts::{
    auth::{AccountStatus, EmailVerified, RegisterUser, Role, Tokens, UserRegistered},
    ids::UserId,
    secret::Secret,
    text::{Email, Name},
    user::{ENSURE_USER, EnsureUser},
};
use platform::db::Tx;
use std::time::Duration;

/// The time limit of the call that creates the profile.
const PROFILE_WAIT: Duration = Duration::from_secs(2);

/// A new account.
#[derive(Debug, Clone)]
pub struct NewAccount {
    pub email: Email,
    pub name: Name,
    pub password_hash: String,
    pub roles: Vec<Role>,
    /// Whether the address is known to be the user's: the operator vouches for those of the command line.
    pub email_verified: bool,
}

/// Opens an account with the role CUSTOMER and logs in. A repetition under the same key logs in to the account that the
/// first request opened, because the first answer is not stored.
///
/// # Errors
/// [`Error::PasswordRefused`]; [`Error::EmailTaken`], also for a repetition with another password; [`Error::KeyReused`] for another e-mail or name
/// under a key; [`Error::Overloaded`].
pub async fn register(app: &App, client: Client, key: Option<&str>, body: RegisterUser) -> Result<Tokens, Error> {
    password_rules::check(&body.password, &body.email, Some(&body.name)).map_err(|fault| Error::PasswordRefused("/password", fault))?;
    let request = key.map(|key| Request::of(key, &body.email, &body.name));
    let opened = match find_earlier(app, request).await? {
        Earlier::Different => Err(Error::KeyReused),
        Earlier::Same => Err(Error::EmailTaken),
        Earlier::None => open(app, request, body.clone(), client.device.clone()).await,
    };
    match opened {
        // A concurrent repetition of this request may have opened it.
        Err(Error::EmailTaken) if find_earlier(app, request).await? == Earlier::Same => repeat(app, client, body).await,
        opened => opened,
    }
}

async fn find_earlier(app: &App, request: Option<Request>) -> Result<Earlier, Error> {
    match request {
        Some(request) => app.ctx.db.read(async move |tx| Ok(registrations::find(tx, request).await?)).await,
        None => Ok(Earlier::None),
    }
}

/// A repetition is a login attempt like any other: with a wrong password its answer is that the address is taken.
async fn repeat(app: &App, client: Client, body: RegisterUser) -> Result<Tokens, Error> {
    let password = Secret::parse(body.password.reveal()).expect("a new password is shorter than a secret may be");
    log_in(app, client, body.email, password).await.map_err(|error| match error {
        Error::InvalidCredentials => Error::EmailTaken,
        error => error,
    })
}

async fn open(app: &App, request: Option<Request>, body: RegisterUser, device: Device) -> Result<Tokens, Error> {
    // A request that will be refused costs no hash.
    let email = body.email.clone();
    if app.ctx.db.read(async move |tx| Ok::<_, Error>(accounts::find_by_email(tx, &email).await?.is_some())).await? {
        return Err(Error::EmailTaken);
    }
    let password_hash = app.hasher.hash(body.password.reveal()).await?;
    let account = NewAccount { email: body.email, name: body.name, password_hash, roles: roles::FIRST.to_vec(), email_verified: false };
    let (new, of, lifetime) = (account.clone(), app.clone(), app.settings.refresh_token());
    let session = app
        .ctx
        .db
        .write(async move |tx| -> Result<Session, Error> {
            let credential = open_account(tx, &new).await?;
            if let Some(request) = request
                && !registrations::insert(tx, request).await?
            {
                return Err(Error::KeyReused);
            }
            mail_token(tx, &of, &credential, &credential.email).await?;
            session::open(tx, &credential, None, lifetime, &device).await
        })
        .await?;
    ensure_profile(app, session.user_id, account).await;
    Ok(app.tokens(session))
}

/// Opens an account and emits it.
///
/// # Errors
/// [`Error::EmailTaken`].
pub async fn open_account(tx: &mut Tx, new: &NewAccount) -> Result<Credential, Error> {
    let now = tx.now();
    let credential = Credential {
        credential_id: tx.new_id(),
        user_id: tx.new_id(),
        email: new.email.clone(),
        password_hash: new.password_hash.clone(),
        status: AccountStatus::Active,
        email_verified_at: new.email_verified.then_some(now),
        created_at: now,
        updated_at: now,
    };
    if !accounts::insert(tx, &credential).await? {
        return Err(Error::EmailTaken);
    }
    accounts::set_roles(tx, credential.user_id, &new.roles).await?;
    tx.emit(UserRegistered {
        user_id: credential.user_id,
        email: new.email.to_string(),
        name: new.name.to_string(),
        roles: new.roles.clone(),
    });
    if new.email_verified {
        tx.emit(EmailVerified { user_id: credential.user_id, email: new.email.to_string() });
    }
    if new.roles.contains(&Role::Seller) {
        announce_existing_seller(tx, credential.user_id).await?;
    }
    Ok(credential)
}

/// Creates the profile before the answer. When the call fails, the event creates it a moment later.
async fn ensure_profile(app: &App, user: UserId, account: NewAccount) {
    let body = EnsureUser { email: account.email, name: account.name, roles: account.roles };
    let call = app.ctx.client.call(&ENSURE_USER).path(&[&user]).body(&body).timeout(PROFILE_WAIT);
    if let Err(error) = call.send().await {
        tracing::debug!(user_id = %user, %error, "the event will create the profile");
    }
}
