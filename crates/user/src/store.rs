//! The only SQL of this service.

pub mod search_index;

use crate::domain::{AddressBook, Defaults, Entry, NewUser, Versioned, default_preferences, sorted_roles};
use contracts::{
    auth::Role,
    column::Json,
    ids::{AddressId, UserId},
    user::{Address, Preferences, User},
};
use platform::{
    db::{Error, Row, Select, Tx},
    params,
};

macro_rules! select_users {
    ($rest:literal) => {
        concat!("SELECT version, user_id, email, name, phone, roles, created_at, updated_at FROM users", $rest)
    };
}

macro_rules! select_addresses {
    ($rest:literal) => {
        concat!(
            "SELECT version, address_id, user_id, label, country, state, city, zip, street, number, complement, is_default_shipping, \
             is_default_billing FROM addresses",
            $rest
        )
    };
}

/// Inserts a profile unless it exists. Returns whether it was inserted.
pub async fn insert_user(tx: &mut Tx, new: &NewUser, account_sequence: i64) -> Result<bool, Error> {
    let now = tx.now();
    let rows = tx
        .execute(
            "INSERT INTO users (user_id, email, name, provisional, phone, roles, account_sequence, search_indexed, version, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, NULL, $5, $6, TRUE, 1, $7, $7) ON CONFLICT (user_id) DO NOTHING",
            params![
                new.user_id,
                new.email,
                new.display_name(),
                new.name.is_none(),
                Json(sorted_roles(new.roles.clone())),
                account_sequence,
                now
            ],
        )
        .await?;
    if rows == 1 {
        search_index::index_user(tx, new.user_id, None, (&new.email, new.display_name())).await?;
    }
    Ok(rows == 1)
}

pub async fn find_user(tx: &mut Tx, id: UserId) -> Result<Option<Versioned<User>>, Error> {
    tx.query_opt(select_users!(" WHERE user_id = $1"), params![id], user_row).await
}

/// As [`find_user`], with the row locked until the commit. The lock also guards the address book and the preferences.
pub async fn lock_user(tx: &mut Tx, id: UserId) -> Result<Option<Versioned<User>>, Error> {
    find_user(tx, id).await
}

/// Stores a changed profile as its next version.
pub async fn save_user(tx: &mut Tx, user: &mut Versioned<User>) -> Result<(), Error> {
    user.version += 1;
    user.value.updated_at = tx.now();
    let User { user_id, email, name, phone, roles, updated_at, .. } = &user.value;
    let former: String = tx.query_one("SELECT name FROM users WHERE user_id = $1", params![*user_id], |row| row.next()).await?;
    if former != *name {
        search_index::index_user(tx, *user_id, Some((email, &former)), (email, name)).await?;
    }
    tx.execute(
        "UPDATE users SET name = $2, phone = $3, roles = $4, version = $5, updated_at = $6 WHERE user_id = $1",
        params![*user_id, *name, *phone, Json(roles.clone()), user.version, *updated_at],
    )
    .await
    .map(|_| ())
}

/// Marks the name as no longer provisional. Returns whether it was provisional.
pub async fn clear_provisional_name(tx: &mut Tx, id: UserId) -> Result<bool, Error> {
    let rows = tx.execute("UPDATE users SET provisional = FALSE WHERE user_id = $1 AND provisional", params![id]).await?;
    Ok(rows == 1)
}

/// Returns the number of the newest account event that was applied.
pub async fn account_sequence(tx: &mut Tx, id: UserId) -> Result<i64, Error> {
    tx.query_one("SELECT account_sequence FROM users WHERE user_id = $1", params![id], |row| row.next()).await
}

pub async fn set_account_sequence(tx: &mut Tx, id: UserId, sequence: i64) -> Result<(), Error> {
    tx.execute("UPDATE users SET account_sequence = $2 WHERE user_id = $1", params![id, sequence]).await.map(|_| ())
}

fn user_row(row: &mut Row<'_>) -> Result<Versioned<User>, Error> {
    Ok(Versioned {
        version: row.next()?,
        value: User {
            user_id: row.next()?,
            email: row.next()?,
            name: row.next()?,
            phone: row.next()?,
            roles: row.next::<Json<Vec<Role>>>()?.0,
            created_at: row.next()?,
            updated_at: row.next()?,
        },
    })
}

/// Returns the address book, for a caller that has locked the user's row.
pub async fn address_book(tx: &mut Tx, owner: UserId) -> Result<AddressBook, Error> {
    let entries = tx
        .query(
            "SELECT address_id, is_default_shipping, is_default_billing FROM addresses WHERE user_id = $1 ORDER BY address_id DESC",
            params![owner],
            |row| Ok(Entry { id: row.next()?, defaults: Defaults { shipping: row.next()?, billing: row.next()? } }),
        )
        .await?;
    Ok(AddressBook::new(entries))
}

pub async fn insert_address(tx: &mut Tx, address: &Address) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO addresses (address_id, user_id, label, country, state, city, zip, street, number, complement, is_default_shipping, \
         is_default_billing, version, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, $13, $13)",
        params![
            address.address_id,
            address.user_id,
            address.label,
            address.country,
            address.state,
            address.city,
            address.zip,
            address.street,
            address.number,
            address.complement,
            address.is_default_shipping,
            address.is_default_billing,
            now
        ],
    )
    .await
    .map(|_| ())
}

/// Stores a changed address as its next version.
pub async fn save_address(tx: &mut Tx, address: &mut Versioned<Address>) -> Result<(), Error> {
    address.version += 1;
    let (now, version, address) = (tx.now(), address.version, &address.value);
    tx.execute(
        "UPDATE addresses SET label = $2, country = $3, state = $4, city = $5, zip = $6, street = $7, number = $8, complement = $9, \
         is_default_shipping = $10, is_default_billing = $11, version = $12, updated_at = $13 WHERE address_id = $1",
        params![
            address.address_id,
            address.label,
            address.country,
            address.state,
            address.city,
            address.zip,
            address.street,
            address.number,
            address.complement,
            address.is_default_shipping,
            address.is_default_billing,
            version,
            now
        ],
    )
    .await
    .map(|_| ())
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
    tx.query_opt(select_addresses!(" WHERE address_id = $1 AND user_id = $2"), params![id, owner], address_row).await
}

/// Returns the owner's addresses, newest first.
pub async fn list_addresses(tx: &mut Tx, owner: UserId, after: Option<AddressId>, rows: i64) -> Result<Vec<Address>, Error> {
    Select::from(select_addresses!(""))
        .filter("user_id = ?", owner)
        .filter_some("address_id < ?", after)
        .limit("address_id DESC", rows)
        .rows(tx, |row| address_row(row).map(|address| address.value))
        .await
}

fn address_row(row: &mut Row<'_>) -> Result<Versioned<Address>, Error> {
    Ok(Versioned {
        version: row.next()?,
        value: Address {
            address_id: row.next()?,
            user_id: row.next()?,
            label: row.next()?,
            country: row.next()?,
            state: row.next()?,
            city: row.next()?,
            zip: row.next()?,
            street: row.next()?,
            number: row.next()?,
            complement: row.next()?,
            is_default_shipping: row.next()?,
            is_default_billing: row.next()?,
        },
    })
}

/// Returns a user's preferences, or the default ones as version 0.
pub async fn get_preferences(tx: &mut Tx, owner: UserId) -> Result<Versioned<Preferences>, Error> {
    let found = tx
        .query_opt("SELECT version, email_enabled, sms_enabled, webhook_url FROM preferences WHERE user_id = $1", params![owner], |row| {
            Ok(Versioned {
                version: row.next()?,
                value: Preferences { email_enabled: row.next()?, sms_enabled: row.next()?, webhook_url: row.next()? },
            })
        })
        .await?;
    Ok(found.unwrap_or_else(|| Versioned { version: 0, value: default_preferences() }))
}

/// Stores changed preferences as their next version.
pub async fn save_preferences(tx: &mut Tx, owner: UserId, preferences: &mut Versioned<Preferences>) -> Result<(), Error> {
    preferences.version += 1;
    let (now, version, Preferences { email_enabled, sms_enabled, webhook_url }) = (tx.now(), preferences.version, &preferences.value);
    tx.execute(
        "INSERT INTO preferences (user_id, email_enabled, sms_enabled, webhook_url, version, updated_at) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (user_id) DO UPDATE SET email_enabled = excluded.email_enabled, sms_enabled = excluded.sms_enabled, \
         webhook_url = excluded.webhook_url, version = excluded.version, updated_at = excluded.updated_at",
        params![owner, *email_enabled, *sms_enabled, *webhook_url, version, now],
    )
    .await
    .map(|_| ())
}
