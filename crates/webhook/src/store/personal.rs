//! What this service keeps about sellers, to be exported and to be erased: their endpoints go, and the deliveries after them.

use super::{Deliveries, Endpoints, delete_endpoint};
use contracts::{ids::UserId, personal::PersonalRecords};
use platform::{
    db::{Error, Tx},
    params,
    personal::{PersonalData, records},
};

pub fn data() -> PersonalData {
    PersonalData::new(export, erase)
}

/// The newest of one seller that an export has. The API has all of them.
const MOST_DELIVERIES: usize = 10_000;

async fn export(tx: &mut Tx, user: UserId) -> Result<PersonalRecords, Error> {
    let endpoints = tx.list::<Endpoints>("WHERE seller_id = $1 ORDER BY webhook_endpoint_id", params![user]).await?;
    let deliveries = tx
        .list::<Deliveries>(
            "WHERE webhook_endpoint_id IN (SELECT e.webhook_endpoint_id FROM webhook_endpoints e WHERE e.seller_id = $1) \
             ORDER BY webhook_delivery_id DESC LIMIT $2",
            params![user, MOST_DELIVERIES],
        )
        .await?;
    let endpoints = records(endpoints.into_iter().map(|endpoint| endpoint.shown));
    let deliveries = records(deliveries.into_iter().map(|delivery| delivery.shown));
    Ok([("endpoints".to_owned(), endpoints), ("deliveries".to_owned(), deliveries)].into())
}

async fn erase(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    for endpoint in tx.lock_list::<Endpoints>("WHERE seller_id = $1 ORDER BY webhook_endpoint_id", params![user]).await? {
        delete_endpoint(tx, endpoint.shown.webhook_endpoint_id).await?;
    }
    tx.notify_worker(crate::workers::PURGE);
    Ok(())
}
