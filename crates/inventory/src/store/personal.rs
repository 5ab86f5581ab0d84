//! What this service keeps about users, to be exported and to be erased: the products that they wait for.

use super::alerts::Alerts;
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
    let alerts = tx.list::<Alerts>("WHERE user_id = $1 ORDER BY stock_alert_id", params![user]).await?;
    let alerts = alerts.into_iter().map(|alert| {
        json!({
            "productId": alert.product_id, "titleSnapshot": alert.title_snapshot, "createdAt": alert.created_at,
            "expiresAt": alert.expires_at,
        })
    });
    Ok([("stockAlerts".to_owned(), alerts.collect())].into())
}

async fn erase(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    tx.execute_pipelined("DELETE FROM stock_alerts WHERE user_id = $1", params![user]).await
}
