//! What administrators do to accounts. A repeated request changes nothing and emits nothing.

use super::api_key::end_api_keys;
use crate::{
    App,
    domain::roles,
    error::Error,
    store::{
        accounts::{self, Credential},
        attempts::{self, Subject},
        email_tokens, ended_logins, refresh_tokens, resets,
    },
};
use contracts::{
    auth::{Account, AccountStatus, Role, RolesChanged, SetRoles, UserLocked, UserUnlocked},
    ids::UserId,
};
use platform::db::Tx;

/// Replaces the roles of a user. A role that is taken away ends with the next list of revocations that a verifier reads, a
/// new one begins at the next refresh.
///
/// # Errors
/// [`Error::NotFound`], [`Error::NotAdmin`], [`Error::LastAdmin`], [`Error::Invalid`] for a role named twice,
/// [`Error::SellerRole`] for a change of SELLER.
pub async fn set_roles(app: &App, admin: UserId, user: UserId, body: SetRoles) -> Result<Account, Error> {
    let wanted = roles::parse(&body.roles).map_err(Error::Invalid)?;
    app.ctx
        .db
        .write(async move |tx| {
            let admins = lock_admins_including(tx, admin).await?;
            let account = accounts::lock(tx, user).await?.ok_or(Error::NotFound)?;
            if !wanted.contains(&Role::Admin) {
                check_not_last_admin(&admins, user)?;
            }
            let present = accounts::roles(tx, user).await?;
            if present.contains(&Role::Seller) != wanted.contains(&Role::Seller) {
                return Err(Error::SellerRole);
            }
            if present != wanted {
                accounts::set_roles(tx, user, &wanted).await?;
                ended_logins::insert_role_change(tx, user).await?;
                tx.emit(RolesChanged { user_id: user, roles: wanted.clone(), changed_by: Some(admin) });
            }
            view(tx, account.user_id).await
        })
        .await
}

/// Locks an account until an administrator unlocks it, and ends its logins, API keys and reset links.
///
/// # Errors
/// [`Error::NotFound`], [`Error::NotAdmin`], [`Error::LastAdmin`].
pub async fn lock_account(app: &App, admin: UserId, user: UserId) -> Result<Account, Error> {
    app.ctx
        .db
        .write(async move |tx| {
            let admins = lock_admins_including(tx, admin).await?;
            let account = accounts::lock(tx, user).await?.ok_or(Error::NotFound)?;
            check_not_last_admin(&admins, user)?;
            if account.is_active() {
                accounts::set_status(tx, user, AccountStatus::Locked).await?;
                refresh_tokens::revoke_all(tx, user, None).await?;
                end_api_keys(tx, user).await?;
                resets::drop_tokens(tx, user).await?;
                email_tokens::end_changes(tx, user, &account.email).await?;
                tx.emit(UserLocked { user_id: user, locked_by: Some(admin) });
            }
            view(tx, user).await
        })
        .await
}

/// Unlocks an account that an administrator or failed logins locked.
///
/// # Errors
/// [`Error::NotFound`], [`Error::NotAdmin`].
pub async fn unlock_account(app: &App, admin: UserId, user: UserId) -> Result<Account, Error> {
    app.ctx
        .db
        .write(async move |tx| {
            lock_admins_including(tx, admin).await?;
            let account = accounts::lock(tx, user).await?.ok_or(Error::NotFound)?;
            let ended_lock = attempts::forget_logins(tx, &account.email, user).await?;
            if !account.is_active() {
                accounts::set_status(tx, user, AccountStatus::Active).await?;
            }
            if ended_lock || !account.is_active() {
                tx.emit(UserUnlocked { user_id: user, unlocked_by: Some(admin) });
            }
            view(tx, user).await
        })
        .await
}

/// Locks and returns the administrators, who must include the acting one. An access token outlives a lost role by
/// minutes, and its holder must not use it to restore the role.
async fn lock_admins_including(tx: &mut Tx, acting: UserId) -> Result<Vec<UserId>, Error> {
    let admins = accounts::lock_admins(tx).await?;
    if admins.contains(&acting) { Ok(admins) } else { Err(Error::NotAdmin) }
}

/// Fails when the change would remove the last administrator.
pub fn check_not_last_admin(admins: &[UserId], user: UserId) -> Result<(), Error> {
    if admins == [user] { Err(Error::LastAdmin) } else { Ok(()) }
}

/// Returns an account as administrators see it.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn view(tx: &mut Tx, user: UserId) -> Result<Account, Error> {
    let Credential { user_id, email, email_verified_at, status, created_at, updated_at, .. } =
        accounts::find(tx, user).await?.ok_or(Error::NotFound)?;
    let counter = attempts::find(tx, Subject::login(&email)).await?;
    let locked = counter.and_then(|counter| counter.locked_until).is_some_and(|until| until > tx.now());
    Ok(Account {
        user_id,
        email: email.into_string(),
        email_verified: email_verified_at.is_some(),
        roles: accounts::roles(tx, user).await?,
        status: if locked { AccountStatus::Locked } else { status },
        failed_login_count: counter.map_or(0, |counter| counter.count),
        created_at,
        updated_at,
    })
}
