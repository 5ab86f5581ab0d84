//! What this service keeps about sellers, to be exported and to be erased: their endpoints go, and the deliveries after them.

use super::{Endpoints, delete_endpoint};
use contracts::{ids::UserId, personal::PersonalRecords};
use platform::{
    db::{Error, Tx},
    params,
    personal::{PersonalData, records},
};

pub fn data() -> PersonalData {
    PersonalData::new(export, erase)
}

async fn export(tx: &mut Tx, user: UserId) -> Result<PersonalRecords, Error> {
    let endpoints = tx.list::<Endpoints>("WHERE seller_id = $1 ORDER BY webhook_endpoint_id", params![user]).await?;
    Ok([("endpoints".to_owned(), records(endpoints.into_iter().map(|endpoint| endpoint.shown)))].into())
}

async fn erase(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    for endpoint in tx.lock_list::<Endpoints>("WHERE seller_id = $1 ORDER BY webhook_endpoint_id", params![user]).await? {
        delete_endpoint(tx, endpoint.shown.webhook_endpoint_id).await?;
    }
    tx.notify_worker(crate::workers::PURGE);
    Ok(())
}
