//! What this service keeps about users, to be exported and to be erased. A return keeps its lines, amounts and dates; the texts of
//! its customer go.

use super::{Returns, save};
use contracts::{ids::UserId, personal::PersonalRecords};
use platform::{
    db::{Error, Tx},
    params,
    personal::{PersonalData, json},
};

pub fn data() -> PersonalData {
    PersonalData::new(export, erase)
}

async fn export(tx: &mut Tx, user: UserId) -> Result<PersonalRecords, Error> {
    let found = tx.list::<Returns>("WHERE user_id = $1 ORDER BY return_id", params![user]).await?;
    let returns = found.into_iter().map(|found| {
        json!({
            "returnId": found.return_id, "orderId": found.order_id, "orderNumber": found.order_number, "status": found.status,
            "lines": found.lines, "currency": found.currency, "refundAmount": found.refund_amount,
            "refundedAmount": found.refunded_amount, "label": found.label, "rejection": found.rejection,
            "createdAt": found.created_at, "updatedAt": found.updated_at,
        })
    });
    Ok([("returns".to_owned(), returns.collect())].into())
}

async fn erase(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    for mut found in tx.lock_list::<Returns>("WHERE user_id = $1 ORDER BY return_id", params![user]).await? {
        found.lines.iter_mut().for_each(|line| line.note = None);
        save(tx, &found).await?;
    }
    Ok(())
}
