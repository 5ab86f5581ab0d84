//! Accounts with a seller's record.

use contracts::ids::UserId;
use platform::{
    db::{Error, Tx},
    params,
};

/// Notes that the account has a record. Returns `false` when that was known.
pub async fn insert(tx: &mut Tx, user: UserId) -> Result<bool, Error> {
    let now = tx.now();
    let sql = "INSERT INTO seller_records (user_id, known_at) VALUES ($1, $2) ON CONFLICT (user_id) DO NOTHING";
    Ok(tx.execute(sql, params![user, now]).await? == 1)
}

pub async fn exists(tx: &mut Tx, user: UserId) -> Result<bool, Error> {
    let found = tx.query_opt("SELECT 1 FROM seller_records WHERE user_id = $1", params![user], |row| row.next::<i64>()).await?;
    Ok(found.is_some())
}

/// Returns accounts that have the role SELLER and of which no record is known, at most `limit`.
pub async fn list_missing(tx: &mut Tx, limit: i64) -> Result<Vec<UserId>, Error> {
    tx.query(
        "SELECT r.user_id FROM account_roles r WHERE r.role = 'SELLER' \
         AND NOT EXISTS (SELECT 1 FROM seller_records s WHERE s.user_id = r.user_id) ORDER BY r.user_id LIMIT $1",
        params![limit],
        |row| row.next(),
    )
    .await
}
