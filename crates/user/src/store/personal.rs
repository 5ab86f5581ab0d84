//! What this service keeps about users, to be exported and to be erased.

use super::{Addresses, PreferencesOfUsers, find_user};
use contracts::{ids::UserId, personal::PersonalRecords};
use platform::{
    db::{Error, Tx},
    params,
    personal::{PersonalData, records},
};

pub fn data() -> PersonalData {
    PersonalData::new(export, erase)
}

pub async fn export(tx: &mut Tx, user: UserId) -> Result<PersonalRecords, Error> {
    let profile = find_user(tx, user).await?.map(|user| user.value);
    let addresses = tx.list::<Addresses>("WHERE user_id = $1 ORDER BY address_id", params![user]).await?;
    let preferences = tx.find::<PreferencesOfUsers>("user_id = $1", params![user]).await?;
    Ok([
        ("profile".to_owned(), records(profile)),
        ("addresses".to_owned(), records(addresses.into_iter().map(|address| address.value))),
        ("preferences".to_owned(), records(preferences.map(|preferences| preferences.value))),
    ]
    .into())
}

async fn erase(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    tx.execute("DELETE FROM user_search_prefixes WHERE user_id = $1", params![user]).await?;
    tx.execute("DELETE FROM addresses WHERE user_id = $1", params![user]).await?;
    tx.execute("DELETE FROM preferences WHERE user_id = $1", params![user]).await?;
    tx.execute("DELETE FROM users WHERE user_id = $1", params![user]).await.map(|_| ())
}
