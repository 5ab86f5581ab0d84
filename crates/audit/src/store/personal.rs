//! What the log keeps about users, to be exported. Entries stay when a user is erased: what they say about it is encrypted with keys
//! that its producers throw away, and entries of earlier builds lose the fields that were plain text.

use super::Entries;
use crate::domain::{ChainKey, Entry};
use contracts::{ids::UserId, personal::PersonalRecords};
use platform::{
    db::{Error, Tx},
    params,
    personal::{PersonalData, json, without_personal_fields},
};

pub fn data() -> PersonalData {
    PersonalData::new(export, async |_: &mut Tx, _| Ok(())).erased_by_service()
}

async fn export(tx: &mut Tx, user: UserId) -> Result<PersonalRecords, Error> {
    let entries = tx.list::<Entries>("WHERE user_id = $1 ORDER BY position", params![user]).await?;
    let events = entries.into_iter().map(|entry| {
        let event = entry.envelope;
        json!({"eventType": event.event_type, "aggregateId": event.aggregate_id, "occurredAt": event.occurred_at, "payload": event.payload})
    });
    Ok([("events".to_owned(), events.collect())].into())
}

/// Removes what entries of earlier builds say about a user in plain text. The chain covers the digests of the payloads, which stay.
pub async fn erase(tx: &mut Tx, key: &ChainKey, user: UserId) -> Result<(), Error> {
    for entry in tx.lock_list::<Entries>("WHERE user_id = $1 ORDER BY position", params![user]).await? {
        let Some(payload) = without_personal_fields(&entry.envelope.event_type, entry.envelope.payload.get()) else { continue };
        let Some(Entry { position, envelope, erasure_tag, .. }) = key.erase(entry, payload) else { continue };
        let sql = "UPDATE events SET payload = $2, erasure_tag = $3 WHERE position = $1";
        tx.execute(sql, params![position, envelope.payload.get().to_owned(), erasure_tag]).await?;
    }
    Ok(())
}
