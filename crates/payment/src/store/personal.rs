//! What this service keeps about users, to be exported: their payments. Nothing is erased, because a payment says of its customer no
//! more than an id, and amounts and times have to be kept.

use super::PaymentSummaries;
use contracts::{ids::UserId, personal::PersonalRecords};
use platform::{
    db::{Error, Tx},
    params,
    personal::{PersonalData, records},
};

pub fn data() -> PersonalData {
    PersonalData::new(export, async |_: &mut Tx, _| Ok(())).erased_by_service()
}

async fn export(tx: &mut Tx, user: UserId) -> Result<PersonalRecords, Error> {
    let payments = tx.list::<PaymentSummaries>("WHERE user_id = $1 ORDER BY payment_id", params![user]).await?;
    Ok([("payments".to_owned(), records(payments))].into())
}
