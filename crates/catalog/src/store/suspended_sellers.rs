//! The sellers that are suspended.

use contracts::{ids::UserId, time::Timestamp};
use platform::{
    db::{Error, Tx},
    params,
};

pub async fn insert(tx: &mut Tx, seller: UserId, at: Timestamp) -> Result<(), Error> {
    let sql = "INSERT INTO suspended_sellers (seller_id, suspended_at) VALUES ($1, $2) ON CONFLICT (seller_id) DO NOTHING";
    tx.execute(sql, params![seller, at]).await.map(|_| ())
}

pub async fn delete(tx: &mut Tx, seller: UserId) -> Result<(), Error> {
    tx.execute("DELETE FROM suspended_sellers WHERE seller_id = $1", params![seller]).await.map(|_| ())
}
