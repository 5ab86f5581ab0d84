//! What can be done: one transaction each. A change of anything that belongs to a user locks the user's row first.

mod erase;

pub use erase::{erase_user, export_user};

use crate::{
    Error,
    domain::{self, Defaults, NewUser, Versioned, WebhookPolicy, address_rules, user_updated},
    store,
};
use contracts::{
    body::UpdateIntegratorData,
    ids::{AddressId, UserId},
    problem::Fault,
    user::{Address, Preferences, UpdateProfile, User, WriteAddress, WritePreferences},
};
use platform::{
    db::{Db, Tx},
    http::{Created, Idempotent, IfMatch, MaybeIdempotencyKey, Problem, Tagged},
    personal::is_erased,
};

/// The calling user, with the data of its token for a profile that does not exist yet.
#[derive(Debug, Clone)]
pub struct Caller {
    pub id: UserId,
    /// `None` when the token has no e-mail address: a profile cannot be created without one.
    pub new: Option<NewUser>,
}

/// Returns the caller's profile with its row locked until the commit. Creates it when neither auth's call nor its event
/// arrived yet.
async fn lock_caller(tx: &mut Tx, caller: &Caller) -> Result<Versioned<User>, Error> {
    if let Some(user) = store::lock_user(tx, caller.id).await? {
        return Ok(user);
    }
    create_profile(tx, caller.new.as_ref().ok_or(Error::NotFound)?, 0).await
}

/// Creates the profile unless it exists. A profile without a name gets it now, unless the user chose one.
/// `account_sequence` is the number of the account's event, or 0 without one.
pub async fn create_profile(tx: &mut Tx, new: &NewUser, account_sequence: i64) -> Result<Versioned<User>, Error> {
    if is_erased(tx, new.user_id.into()).await? {
        // A token that has not expired yet, or an event that is read again.
        return Err(Error::NotFound);
    }
    let user = new.profile(tx.now());
    if store::insert_user(tx, &user, new.name.is_none(), account_sequence).await? {
        return Ok(user);
    }
    let mut user = store::lock_user(tx, new.user_id).await?.ok_or(Error::NotFound)?;
    let before = user.value.clone();
    if let Some(name) = &new.name
        && store::clear_provisional_name(tx, new.user_id).await?
        && before.name != *name
    {
        user.value.name.clone_from(name);
        store::save_user(tx, &before, &mut user).await?;
        tx.emit(user_updated(&user.value));
    }
    Ok(user)
}

fn check(if_match: &IfMatch, present: &Versioned<impl Sized>) -> Result<(), Error> {
    if_match.check(&present.etag()).map_err(Error::Stale)
}

/// Creates the profile unless it exists, and returns it. Repeating it changes nothing.
pub async fn ensure_user(db: &Db, new: NewUser) -> Result<Versioned<User>, Error> {
    db.write(async move |tx| create_profile(tx, &new, 0).await).await
}

/// Returns the caller's profile. It writes only when the profile has to be created.
pub async fn get_profile(db: &Db, caller: Caller) -> Result<Versioned<User>, Error> {
    let id = caller.id;
    match db.read(async move |tx| store::find_user(tx, id).await).await? {
        Some(user) => Ok(user),
        None => db.write(async move |tx| lock_caller(tx, &caller).await).await,
    }
}

/// Changes the caller's profile. A change without effect makes no new version and no event.
///
/// # Errors
/// [`Error::Invalid`] when it removes the phone that is the only way to reach the caller, [`Error::Stale`] when the caller's copy
/// is stale.
pub async fn update_profile(db: &Db, caller: Caller, if_match: IfMatch, changes: UpdateProfile) -> Result<Versioned<User>, Error> {
    db.write(async move |tx| {
        let mut user = lock_caller(tx, &caller).await?;
        check(&if_match, &user)?;
        let before = user.value.clone();
        if !changes.name.is_absent() {
            store::clear_provisional_name(tx, caller.id).await?;
        }
        domain::update(&mut user.value, changes.clone());
        if user.value != before {
            store::save_user(tx, &before, &mut user).await?;
            // What integrators saved is no part of the event.
            if user_updated(&user.value) != user_updated(&before) {
                tx.emit(user_updated(&user.value));
            }
        }
        if user.value.phone != before.phone {
            // The phone number is part of what `PreferencesChanged` carries.
            let preferences = store::get_preferences(tx, caller.id).await?.value;
            if domain::needs_phone(&preferences, &user.value) {
                return Err(Error::Invalid(vec![Fault::at("/phone", "PHONE_REQUIRED", domain::WHY_PHONE)]));
            }
            tx.emit(domain::preferences_changed(&user.value, preferences));
        }
        Ok(user)
    })
    .await
}

/// Changes what integrators saved with a user. A change without effect makes no new version.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Stale`] when the caller's copy is stale.
pub async fn update_integrator_data(
    db: &Db,
    user: UserId,
    if_match: IfMatch,
    changes: UpdateIntegratorData,
) -> Result<Versioned<User>, Error> {
    db.write(async move |tx| {
        let mut user = store::lock_user(tx, user).await?.ok_or(Error::NotFound)?;
        check(&if_match, &user)?;
        let before = user.value.clone();
        changes.clone().apply(&mut user.value.external_id, &mut user.value.metadata);
        if user.value != before {
            store::save_user(tx, &before, &mut user).await?;
        }
        Ok(user)
    })
    .await
}

/// Adds an address. The first one becomes the default for shipping and billing.
///
/// # Errors
/// [`Error::Invalid`] by the rules of the country, [`Error::Full`] past [`domain::AddressBook::MAX`].
pub async fn add_address(
    db: &Db,
    caller: Caller,
    key: MaybeIdempotencyKey,
    body: WriteAddress,
) -> Result<Idempotent<Tagged<Created<Address>>>, Problem> {
    let body = address_rules::check(body).map_err(Error::Invalid)?;
    db.write(async move |tx| key.once(tx, async |tx| insert_address(tx, &caller, body.clone()).await).await).await
}

async fn insert_address(tx: &mut Tx, caller: &Caller, body: WriteAddress) -> Result<Tagged<Created<Address>>, Error> {
    lock_caller(tx, caller).await?;
    let before = store::lock_address_book(tx, caller.id).await?;
    let (mut book, id) = (before.clone(), tx.new_id());
    book.add(id, Defaults::requested(&body))?;
    for entry in book.others_changed(&before, id) {
        store::save_defaults(tx, entry).await?;
    }
    let made = Versioned { version: 1, value: domain::address(id, caller.id, body, book.defaults_of(id)) };
    store::insert_address(tx, &made).await?;
    Ok(Tagged(made.etag(), Created::at(format!("/users/me/addresses/{id}"), made.value)))
}

/// Replaces an address. It stays the default for what it was; further defaults that the request sets are taken from
/// other addresses.
///
/// # Errors
/// [`Error::Invalid`] by the rules of the country, [`Error::NotFound`] for another user's address, [`Error::Stale`] when the
/// caller's copy is stale.
pub async fn replace_address(
    db: &Db,
    caller: Caller,
    id: AddressId,
    if_match: IfMatch,
    body: WriteAddress,
) -> Result<Versioned<Address>, Error> {
    let body = address_rules::check(body).map_err(Error::Invalid)?;
    db.write(async move |tx| {
        lock_caller(tx, &caller).await?;
        let mut address = store::lock_address(tx, caller.id, id).await?.ok_or(Error::NotFound)?;
        check(&if_match, &address)?;
        let before = store::lock_address_book(tx, caller.id).await?;
        let mut book = before.clone();
        book.set_default(id, Defaults::requested(&body));
        for entry in book.others_changed(&before, id) {
            store::save_defaults(tx, entry).await?;
        }
        let wanted = domain::address(id, caller.id, body.clone(), book.defaults_of(id));
        if wanted != address.value {
            address.value = wanted;
            store::save_address(tx, &mut address).await?;
        }
        Ok(address)
    })
    .await
}

/// Deletes an address. Its defaults pass to the newest remaining address.
///
/// # Errors
/// [`Error::NotFound`] for another user's address, [`Error::Stale`] when the caller's copy is stale.
pub async fn delete_address(db: &Db, caller: Caller, id: AddressId, if_match: IfMatch) -> Result<(), Error> {
    db.write(async move |tx| {
        lock_caller(tx, &caller).await?;
        let address = store::lock_address(tx, caller.id, id).await?.ok_or(Error::NotFound)?;
        check(&if_match, &address)?;
        let before = store::lock_address_book(tx, caller.id).await?;
        let mut book = before.clone();
        book.remove(id);
        store::delete_address(tx, id).await?;
        for entry in book.others_changed(&before, id) {
            store::save_defaults(tx, entry).await?;
        }
        Ok(())
    })
    .await
}

/// Replaces the caller's preferences. The same values again make no new version and no event.
///
/// # Errors
/// [`Error::Invalid`] when no message could reach the caller, [`Error::Stale`] when the caller's copy is stale.
pub async fn write_preferences(
    db: &Db,
    caller: Caller,
    if_match: IfMatch,
    body: WritePreferences,
    webhooks: WebhookPolicy,
) -> Result<Versioned<Preferences>, Error> {
    db.write(async move |tx| {
        let user = lock_caller(tx, &caller).await?;
        let mut preferences = store::get_preferences(tx, caller.id).await?;
        check(&if_match, &preferences)?;
        let wanted = domain::preferences(body.clone());
        domain::check_preferences(&wanted, &user.value, webhooks).map_err(Error::Invalid)?;
        if wanted != preferences.value {
            preferences.value = wanted;
            store::save_preferences(tx, caller.id, &mut preferences).await?;
            tx.emit(domain::preferences_changed(&user.value, preferences.value.clone()));
        }
        Ok(preferences)
    })
    .await
}
