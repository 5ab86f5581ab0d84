//! What this service keeps about users, to be exported and to be erased. Uses stay, because promotions count them; the customer goes.

use super::uses::Uses;
use contracts::{
    ids::{UserId, Uuid},
    personal::PersonalRecords,
};
use platform::{
    db::{Error, Tx},
    params,
    personal::{PersonalData, json},
};

pub fn data() -> PersonalData {
    PersonalData::new(export, erase)
}

async fn export(tx: &mut Tx, user: UserId) -> Result<PersonalRecords, Error> {
    let uses = tx.list::<Uses>("WHERE user_id = $1 ORDER BY promotion_use_id", params![user]).await?;
    let uses = uses.into_iter().map(|of| {
        json!({
            "promotionId": of.promotion_id, "orderId": of.order_id, "status": of.status, "currency": of.currency, "amount": of.amount,
            "createdAt": of.created_at,
        })
    });
    Ok([("uses".to_owned(), uses.collect())].into())
}

async fn erase(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    tx.execute_pipelined("UPDATE promotion_uses SET user_id = $2 WHERE user_id = $1", params![user, Uuid::nil()]).await?;
    tx.execute_pipelined("DELETE FROM promotion_customers WHERE user_id = $1", params![user]).await
}
