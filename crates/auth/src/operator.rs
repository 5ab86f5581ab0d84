//! Entry point 4: the command line. `souk admin create`, `souk client create` and the demo use it on auth's database,
//! also on an installation that never ran.

use crate::{
    actions::{self, NewAccount},
    domain::{client_rules, password_rules},
    error::Error,
    hashing, opaque,
    settings::Settings,
    store,
};
use contracts::{
    auth::Role,
    ids::UserId,
    secret::{NewPassword, Secret},
    text::{Email, Name},
};
use platform::db::Db;

pub use store::clients::Client;

/// Opens an account with these roles and a verified address, and hashes its password by the settings. The event creates the
/// profile once the platform runs.
///
/// # Errors
/// [`Error::PasswordRefused`], [`Error::EmailTaken`]; the database's.
pub async fn create_account(
    db: &Db,
    settings: &Settings,
    email: Email,
    password: &NewPassword,
    name: Name,
    roles: &[Role],
) -> Result<UserId, Error> {
    password_rules::check(password, &email, Some(&name)).map_err(|fault| Error::PasswordRefused("/password", fault))?;
    let password_hash = hashing::hash_blocking(db.env(), settings, password.reveal())?;
    let new = NewAccount { email, name, password_hash, roles: roles.to_vec(), email_verified: true };
    db.write(async move |tx| actions::open_account(tx, &new).await.map(|credential| credential.user_id)).await
}

/// Opens an account with the roles CUSTOMER and ADMIN.
///
/// # Errors
/// As [`create_account`].
pub async fn create_admin(db: &Db, settings: &Settings, email: Email, password: &NewPassword, name: Name) -> Result<UserId, Error> {
    create_account(db, settings, email, password, name, &[Role::Customer, Role::Admin]).await
}

/// Returns the user of this e-mail address.
///
/// # Errors
/// The database's.
pub async fn find_account(db: &Db, email: &Email) -> Result<Option<UserId>, Error> {
    let email = email.clone();
    db.read(async move |tx| Ok(store::accounts::find_by_email(tx, &email).await?.map(|credential| credential.user_id))).await
}

/// Creates a client of `POST /auth/token` with these scopes. Its secret is returned here and not stored.
///
/// # Errors
/// [`Error::BadClient`], [`Error::ClientTaken`]; the database's.
pub async fn create_client(db: &Db, client_id: &str, scopes: &[&str]) -> Result<Secret, Error> {
    client_rules::check(client_id, scopes)?;
    let (client_id, scopes) = (client_id.to_owned(), scopes.join(" "));
    db.write(async move |tx| {
        let secret = opaque::token(tx.random_bytes());
        match store::clients::insert(tx, &client_id, opaque::hash(secret.reveal()), &scopes).await? {
            true => Ok(secret),
            false => Err(Error::ClientTaken),
        }
    })
    .await
}

/// Returns every client, by name.
///
/// # Errors
/// The database's.
pub async fn list_clients(db: &Db) -> Result<Vec<Client>, Error> {
    db.read(async |tx| Ok(store::clients::list(tx).await?)).await
}

/// Deletes a client and returns whether it existed. It gets no more tokens, and its last one expires within
/// `service_token_seconds`.
///
/// # Errors
/// The database's.
pub async fn remove_client(db: &Db, client_id: &str) -> Result<bool, Error> {
    let client_id = client_id.to_owned();
    db.write(async move |tx| Ok(store::clients::delete(tx, &client_id).await?)).await
}
