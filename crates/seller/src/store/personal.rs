//! What this service keeps about sellers, to be exported and to be erased. A shop whose seller is erased is closed for good, under
//! a name that identifies nobody.

use super::{find, lock, save};
use crate::actions::close;
use contracts::{ids::UserId, personal::PersonalRecords};
use platform::{
    db::{Error, Tx},
    personal::{PersonalData, records},
};

pub fn data() -> PersonalData {
    PersonalData::new(export, erase)
}

async fn export(tx: &mut Tx, user: UserId) -> Result<PersonalRecords, Error> {
    let record = find(tx, user).await?.map(|record| record.into_view(tx.now()));
    Ok([("application".to_owned(), records(record))].into())
}

async fn erase(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    let Some(mut record) = lock(tx, user).await? else { return Ok(()) };
    if !record.is_erased() {
        close(tx, &mut record);
        save(tx, &record).await?;
    }
    Ok(())
}
