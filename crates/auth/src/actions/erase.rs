//! The end of an account whose user is erased.

use super::administer::check_not_last_admin;
use crate::{
    App,
    error::Error,
    store::{accounts, personal::erase_account as delete_account},
};
use contracts::{auth::UserErased, ids::UserId};
use platform::{
    db::Tx,
    master_key::MasterKey,
    personal::{ERASED_SINCE, end_erased_since, erase_person, is_erased, list_erased_since},
};
use std::time::Duration;

/// Deletes an account, ends its logins, and emits the event by which every service erases the user. A repetition changes nothing.
///
/// # Errors
/// [`Error::LastAdmin`].
pub async fn erase_account(app: &App, user: UserId) -> Result<(), Error> {
    let (keys, lifetime) = (app.ctx.master_key.clone(), app.settings.access_token());
    app.ctx
        .db
        .write(async move |tx| {
            let admins = accounts::lock_admins(tx).await?;
            check_not_last_admin(&admins, user)?;
            erase(tx, &keys, user, lifetime).await
        })
        .await
}

async fn erase(tx: &mut Tx, keys: &MasterKey, user: UserId, token_lifetime: Duration) -> Result<(), Error> {
    if is_erased(tx, user.into()).await? {
        return Ok(());
    }
    let mut guest_id = None;
    if let Some(account) = accounts::lock(tx, user).await? {
        guest_id = account.email_verified_at.map(|_| keys.guest_of(account.email.as_str()));
        delete_account(tx, &account, token_lifetime).await?;
    }
    erase_person(tx, user.into()).await?;
    tx.emit(UserErased { user_id: user, guest_id });
    Ok(())
}

/// Erases the users again that were erased after the backup from which this data directory was restored.
///
/// # Errors
/// When the file that names them cannot be read, and the database's.
pub async fn erase_again(app: &App) -> Result<(), Error> {
    let data_dir = app.ctx.folder.parent().unwrap_or(&app.ctx.folder);
    for user in list_erased_since::<UserId>(data_dir, ERASED_SINCE)? {
        let (keys, lifetime) = (app.ctx.master_key.clone(), app.settings.access_token());
        app.ctx.db.write(async move |tx| erase(tx, &keys, user, lifetime).await).await?;
    }
    Ok(end_erased_since(data_dir, ERASED_SINCE)?)
}
