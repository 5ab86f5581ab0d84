//! The end of an account whose user is erased.

use super::administer::check_not_last_admin;
use crate::{
    App,
    error::Error,
    store::{accounts, personal::erase_account as delete_account},
};
use contracts::{auth::UserErased, ids::UserId};
use platform::{
    db::{self, Tx},
    personal::{ERASED_SINCE, erase_person, is_erased},
};
use std::{fs, io, time::Duration};

/// Deletes an account, ends its logins, and tells every service to erase the user. A repetition changes nothing.
///
/// # Errors
/// [`Error::LastAdmin`].
pub async fn erase_account(app: &App, user: UserId) -> Result<(), Error> {
    let lifetime = app.settings.access_token();
    app.ctx
        .db
        .write(async move |tx| {
            let admins = accounts::lock_admins(tx).await?;
            check_not_last_admin(&admins, user)?;
            erase(tx, user, lifetime).await
        })
        .await
}

async fn erase(tx: &mut Tx, user: UserId, token_lifetime: Duration) -> Result<(), Error> {
    if is_erased(tx, user.into()).await? {
        return Ok(());
    }
    if let Some(account) = accounts::lock(tx, user).await? {
        delete_account(tx, &account, token_lifetime).await?;
    }
    erase_person(tx, user.into()).await?;
    tx.emit(UserErased { user_id: user });
    Ok(())
}

/// Erases the users again that were erased after the backup from which this data directory was restored.
///
/// # Errors
/// When the file that names them cannot be read, and the database's.
pub async fn erase_again(app: &App) -> Result<(), Error> {
    let path = app.ctx.folder.parent().unwrap_or(&app.ctx.folder).join(ERASED_SINCE);
    let failed = |error: io::Error| Error::Db(db::Error::Failed(format!("{}: {error}", path.display())));
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        text => text.map_err(failed)?,
    };
    let (users, lifetime): (Vec<UserId>, _) =
        (text.lines().filter_map(|line| line.trim().parse().ok()).collect(), app.settings.access_token());
    for user in users {
        app.ctx.db.write(async move |tx| erase(tx, user, lifetime).await).await?;
    }
    fs::remove_file(&path).map_err(failed)
}
