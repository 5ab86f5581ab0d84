//! The only SQL of this service.

pub mod personal;
pub mod search_index;

use crate::domain::{AddressBook, Defaults, Entry, Versioned, default_preferences};
use contracts::{
    column::JsonText,
    ids::{AddressId, UserId},
    text::Email,
    user::{Address, Preferences, User},
};
use platform::{
    db::{Error, Select, Tx},
    params,
};

platform::table! {
    pub Users in "users" of Versioned<User>, key [user_id];
    columns { version, value: User { user_id, email, email_verified, name, phone, roles as JsonText, status, external_id, metadata as JsonText, created_at, updated_at } }
    extra { provisional, account_sequence, search_indexed }
}

platform::table! {
    Addresses in "addresses" of Versioned<Address>, key [address_id];
    columns {
        version,
        value: Address {
            address_id, user_id, label, recipient, company, phone, country, state, city, zip, street, number, complement,
            is_default_shipping, is_default_billing,
        },
    }
    extra { created_at, updated_at }
}

platform::table! {
    Entries in "addresses" of Entry, key [address_id];
    columns { id = address_id, defaults: Defaults { shipping = is_default_shipping, billing = is_default_billing } }
}

platform::table! {
    PreferencesOfUsers in "preferences" of Versioned<Preferences>, key [user_id];
    columns { version, value: Preferences { email_enabled, sms_enabled, webhook_url, channels as JsonText } }
    extra { user_id, updated_at }
}

/// Inserts a profile unless it exists. Returns whether it was inserted.
pub async fn insert_user(tx: &mut Tx, user: &Versioned<User>, is_provisional: bool, account_sequence: i64) -> Result<bool, Error> {
    let is_new = tx
        .insert_if_absent_with::<Users>(
            user,
            "(user_id)",
            &[("provisional", &is_provisional), ("account_sequence", &account_sequence), ("search_indexed", &true)],
        )
        .await?;
    if is_new {
        search_index::index_user(tx, None, &user.value).await?;
    }
    Ok(is_new)
}

pub async fn find_user(tx: &mut Tx, id: UserId) -> Result<Option<Versioned<User>>, Error> {
    tx.find::<Users>("user_id = $1", params![id]).await
}

/// As [`find_user`], with the row locked until the commit. The lock also guards the address book and the preferences.
pub async fn lock_user(tx: &mut Tx, id: UserId) -> Result<Option<Versioned<User>>, Error> {
    tx.lock::<Users>("user_id = $1", params![id]).await
}

/// Stores a profile that was changed since `before` as its next version.
pub async fn save_user(tx: &mut Tx, before: &User, user: &mut Versioned<User>) -> Result<(), Error> {
    user.version += 1;
    user.value.updated_at = tx.now();
    search_index::index_user(tx, Some(before), &user.value).await?;
    tx.update::<Users>(user).await.map(|_| ())
}

/// Marks the name as no longer provisional. Returns whether it was provisional.
pub async fn clear_provisional_name(tx: &mut Tx, id: UserId) -> Result<bool, Error> {
    let rows = tx.execute("UPDATE users SET provisional = FALSE WHERE user_id = $1 AND provisional", params![id]).await?;
    Ok(rows == 1)
}

/// Forgets the numbers of account events, because auth counts on from lower ones.
pub async fn forget_account_sequences(tx: &mut Tx) -> Result<(), Error> {
    tx.execute("UPDATE users SET account_sequence = 0", &[]).await.map(|_| ())
}

/// Stores the number of an account event. Returns `false` and changes nothing unless it is newer than the stored one.
pub async fn advance_account_sequence(tx: &mut Tx, id: UserId, sequence: i64) -> Result<bool, Error> {
    let sql = "UPDATE users SET account_sequence = $2 WHERE user_id = $1 AND account_sequence < $2";
    Ok(tx.execute(sql, params![id, sequence]).await? == 1)
}

/// Returns the default shipping address of a user.
pub async fn find_default_address(tx: &mut Tx, owner: UserId) -> Result<Option<Versioned<Address>>, Error> {
    tx.find::<Addresses>("user_id = $1 AND is_default_shipping", params![owner]).await
}

/// Returns the users with an e-mail address, at most ten, the newest first.
pub async fn list_by_email(tx: &mut Tx, email: &Email) -> Result<Vec<UserId>, Error> {
    tx.query("SELECT user_id FROM users WHERE email = $1 ORDER BY user_id DESC LIMIT 10", params![*email], |row| row.next()).await
}

/// Returns the address book with its rows locked until the commit. The caller has locked the user's row, so no address
/// is added meanwhile.
pub async fn lock_address_book(tx: &mut Tx, owner: UserId) -> Result<AddressBook, Error> {
    tx.lock_list::<Entries>("WHERE user_id = $1 ORDER BY address_id DESC", params![owner]).await.map(AddressBook::new)
}

pub async fn insert_address(tx: &mut Tx, address: &Versioned<Address>) -> Result<(), Error> {
    let now = tx.now();
    tx.insert_with::<Addresses>(address, &[("created_at", &now), ("updated_at", &now)]).await
}

/// Stores a changed address as its next version.
pub async fn save_address(tx: &mut Tx, address: &mut Versioned<Address>) -> Result<(), Error> {
    address.version += 1;
    let now = tx.now();
    tx.update_with::<Addresses>(address, &[("updated_at", &now)]).await.map(|_| ())
}

/// Stores the defaults of an address as its next version, so that older copies become stale.
pub async fn save_defaults(tx: &mut Tx, entry: Entry) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "UPDATE addresses SET is_default_shipping = $2, is_default_billing = $3, version = version + 1, updated_at = $4 WHERE address_id = $1",
        params![entry.id, entry.defaults.shipping, entry.defaults.billing, now],
    )
    .await
    .map(|_| ())
}

pub async fn delete_address(tx: &mut Tx, id: AddressId) -> Result<(), Error> {
    tx.execute("DELETE FROM addresses WHERE address_id = $1", params![id]).await.map(|_| ())
}

/// Returns one address of this owner. Another user's address is not found.
pub async fn find_address(tx: &mut Tx, owner: UserId, id: AddressId) -> Result<Option<Versioned<Address>>, Error> {
    tx.find::<Addresses>("address_id = $1 AND user_id = $2", params![id, owner]).await
}

/// As [`find_address`], with the row locked until the commit.
pub async fn lock_address(tx: &mut Tx, owner: UserId, id: AddressId) -> Result<Option<Versioned<Address>>, Error> {
    tx.lock::<Addresses>("address_id = $1 AND user_id = $2", params![id, owner]).await
}

/// Returns the owner's addresses, newest first.
pub async fn list_addresses(tx: &mut Tx, owner: UserId, after: Option<AddressId>, rows: i64) -> Result<Vec<Address>, Error> {
    let select = Select::of::<Addresses>().filter("user_id = ?", owner).filter_some("address_id < ?", after);
    Ok(select.limit("address_id DESC", rows).list(tx).await?.into_iter().map(|address| address.value).collect())
}

/// Returns a user's preferences, or the default ones as version 0. For a change the caller has locked the user's row.
pub async fn get_preferences(tx: &mut Tx, owner: UserId) -> Result<Versioned<Preferences>, Error> {
    let found = tx.find::<PreferencesOfUsers>("user_id = $1", params![owner]).await?;
    Ok(found.unwrap_or_else(|| Versioned { version: 0, value: default_preferences() }))
}

/// Stores changed preferences as their next version.
pub async fn save_preferences(tx: &mut Tx, owner: UserId, preferences: &mut Versioned<Preferences>) -> Result<(), Error> {
    preferences.version += 1;
    let now = tx.now();
    tx.upsert_with::<PreferencesOfUsers>(preferences, &[("user_id", &owner), ("updated_at", &now)]).await
}
