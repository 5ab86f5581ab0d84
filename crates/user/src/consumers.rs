//! Entry point 2: events of the account.

use crate::{
    Error, actions,
    domain::{NewUser, Versioned, sorted_roles, user_updated},
    store,
};
use contracts::{
    auth::{AccountStatus, EmailChanged, EmailVerified, RolesChanged, UserLocked, UserRegistered, UserUnlocked},
    ids::UserId,
    user::User,
};
use platform::{
    db::Tx,
    inbox::{Consumers, Received},
    personal::is_erased,
};

pub fn all() -> Consumers {
    Consumers::new()
        .on::<UserRegistered, _, _>(user_registered)
        .on::<RolesChanged, _, _>(roles_changed)
        .on::<EmailVerified, _, _>(email_verified)
        .on::<EmailChanged, _, _>(email_changed)
        .on::<UserLocked, _, _>(user_locked)
        .on::<UserUnlocked, _, _>(user_unlocked)
        .on_rewind("auth", store::forget_account_sequences)
        .rebuild_from_start()
}

/// Creates the profile unless it exists, and names one that was created without a name.
async fn user_registered(tx: &mut Tx, event: Received<UserRegistered>) -> Result<(), Error> {
    let UserRegistered { user_id, email, name, roles } = event.event;
    if is_erased(tx, user_id.into()).await? {
        return Ok(());
    }
    actions::create_profile(tx, &NewUser { user_id, email, name: Some(name), roles }, event.sequence).await.map(|_| ())
}

/// Returns the profile with its row locked until the commit; `None` when the user was erased.
async fn lock_profile(tx: &mut Tx, user_id: UserId) -> Result<Option<Versioned<User>>, Error> {
    match store::lock_user(tx, user_id).await? {
        None if !is_erased(tx, user_id.into()).await? => Err(Error::NotFound),
        found => Ok(found),
    }
}

/// Copies the roles. The registration comes first in the order of the account; without a profile the event fails and is
/// retried, then parked. A repeated event that is older than the stored state changes nothing.
async fn roles_changed(tx: &mut Tx, event: Received<RolesChanged>) -> Result<(), Error> {
    let Some(mut user) = lock_profile(tx, event.user_id).await? else { return Ok(()) };
    if !store::advance_account_sequence(tx, event.user_id, event.sequence).await? {
        return Ok(());
    }
    let (before, roles) = (user.value.clone(), sorted_roles(event.event.roles));
    if before.roles != roles {
        user.value.roles = roles;
        store::save_user(tx, &before, &mut user).await?;
        tx.emit(user_updated(&user.value));
    }
    Ok(())
}

async fn email_verified(tx: &mut Tx, event: Received<EmailVerified>) -> Result<(), Error> {
    set_email(tx, event.event.user_id, event.event.email, true, event.sequence).await
}

async fn email_changed(tx: &mut Tx, event: Received<EmailChanged>) -> Result<(), Error> {
    set_email(tx, event.event.user_id, event.event.email, false, event.sequence).await
}

/// Copies the address and whether it is verified, as [`roles_changed`] copies the roles.
async fn set_email(tx: &mut Tx, user_id: UserId, email: String, email_verified: bool, sequence: i64) -> Result<(), Error> {
    let Some(mut user) = lock_profile(tx, user_id).await? else { return Ok(()) };
    if !store::advance_account_sequence(tx, user_id, sequence).await? {
        return Ok(());
    }
    let before = user.value.clone();
    (user.value.email, user.value.email_verified) = (email, email_verified);
    if user.value != before {
        store::save_user(tx, &before, &mut user).await?;
        tx.emit(user_updated(&user.value));
    }
    Ok(())
}

async fn user_locked(tx: &mut Tx, event: Received<UserLocked>) -> Result<(), Error> {
    set_status(tx, event.event.user_id, AccountStatus::Locked, event.sequence).await
}

async fn user_unlocked(tx: &mut Tx, event: Received<UserUnlocked>) -> Result<(), Error> {
    set_status(tx, event.event.user_id, AccountStatus::Active, event.sequence).await
}

/// Copies the status, as [`roles_changed`] copies the roles. The profile of a user says nothing of it, so nothing is emitted.
async fn set_status(tx: &mut Tx, user_id: UserId, status: AccountStatus, sequence: i64) -> Result<(), Error> {
    let Some(mut user) = lock_profile(tx, user_id).await? else { return Ok(()) };
    if store::advance_account_sequence(tx, user_id, sequence).await? && user.value.status != status {
        let before = user.value.clone();
        user.value.status = status;
        store::save_user(tx, &before, &mut user).await?;
    }
    Ok(())
}
