//! What this service keeps about users, to be exported and to be erased. A return keeps its lines, amounts and dates; the texts of
//! its customer go.

use super::{Returns, lock_of_order, save};
use crate::domain::ReturnRecord;
use contracts::{ids::UserId, order::OrderPersonalDataErased, personal::PersonalRecords};
use platform::{
    db::{Error, Tx},
    params,
    personal::{PersonalData, forget_answers, json},
};

pub fn data() -> PersonalData {
    PersonalData::new(export, erase).orders(erase_of_order)
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
    let found = tx.lock_list::<Returns>("WHERE user_id = $1 ORDER BY return_id", params![user]).await?;
    erase_all(tx, found).await
}

async fn erase_of_order(tx: &mut Tx, event: OrderPersonalDataErased) -> Result<(), Error> {
    let found = lock_of_order(tx, event.order_id).await?;
    erase_all(tx, found).await
}

/// Removes what people wrote, and the answers that are stored about it.
async fn erase_all(tx: &mut Tx, returns: Vec<ReturnRecord>) -> Result<(), Error> {
    for mut record in returns {
        record.forget_notes();
        save(tx, &record).await?;
        forget_answers(tx, record.return_id).await?;
        forget_answers(tx, record.order_id).await?;
    }
    Ok(())
}
