//! Customers who wait for products, and the products that perhaps can be bought again.

use crate::workers::StockAlerts;
use contracts::{
    ids::{ProductId, StockAlertId, UserId},
    time::Timestamp,
};
use platform::{
    db::{Error, Tx},
    due::{DueQueue, DueWork as _},
    params,
};

/// The request of a customer for one message when a product can be bought again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockAlert {
    pub stock_alert_id: StockAlertId,
    pub user_id: UserId,
    pub product_id: ProductId,
    /// The product's title when the customer asked.
    pub title_snapshot: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

platform::table! {
    pub(super) Alerts in "stock_alerts" of StockAlert, key [stock_alert_id];
    columns { stock_alert_id, expires_at }
    insert_only { user_id, product_id, title_snapshot, created_at }
}

/// The products whose alerts are to be triggered.
pub const BACK_IN_STOCK: DueQueue<ProductId> = DueQueue::new("products_back_in_stock", "product_id").failed_attempts("failed_attempts");

/// Inserts an alert. One that is there stays as it is.
pub async fn insert(tx: &mut Tx, alert: &StockAlert) -> Result<(), Error> {
    tx.insert_if_absent::<Alerts>(alert, "(user_id, product_id)").await.map(|_| ())
}

pub async fn exists(tx: &mut Tx, owner: UserId, product: ProductId) -> Result<bool, Error> {
    Ok(tx.find::<Alerts>("user_id = $1 AND product_id = $2", params![owner, product]).await?.is_some())
}

/// Keeps an alert for longer. Returns `false` when there is none.
pub async fn extend(tx: &mut Tx, owner: UserId, product: ProductId, expires_at: Timestamp) -> Result<bool, Error> {
    let sql = "UPDATE stock_alerts SET expires_at = $3 WHERE user_id = $1 AND product_id = $2";
    Ok(tx.execute(sql, params![owner, product, expires_at]).await? > 0)
}

/// Returns how many products a customer waits for.
pub async fn count(tx: &mut Tx, owner: UserId) -> Result<i64, Error> {
    tx.query_one("SELECT COUNT(*) FROM stock_alerts WHERE user_id = $1", params![owner], |row| row.next()).await
}

/// Deletes an alert. One that is not there changes nothing.
pub async fn delete(tx: &mut Tx, owner: UserId, product: ProductId) -> Result<(), Error> {
    tx.execute_pipelined("DELETE FROM stock_alerts WHERE user_id = $1 AND product_id = $2", params![owner, product]).await
}

/// Makes the alerts of a product due whose stock or sale began again. Without an alert nothing is written.
pub async fn note_back_in_stock(tx: &mut Tx, product: ProductId) -> Result<(), Error> {
    let now = tx.now();
    let sql = "INSERT INTO products_back_in_stock (product_id, due_at, failed_attempts) \
               SELECT product_id, CAST($2 AS BIGINT), 0 FROM stock_alerts WHERE product_id = $1 LIMIT 1 \
               ON CONFLICT (product_id) DO UPDATE SET due_at = excluded.due_at, failed_attempts = 0";
    if tx.execute(sql, params![product, now]).await? > 0 {
        tx.notify_worker(StockAlerts::NAME);
    }
    Ok(())
}

/// As [`note_back_in_stock`], for the products of a seller.
pub async fn note_seller_reinstated(tx: &mut Tx, seller: UserId) -> Result<(), Error> {
    let now = tx.now();
    let sql = "INSERT INTO products_back_in_stock (product_id, due_at, failed_attempts) \
               SELECT DISTINCT i.product_id, CAST($2 AS BIGINT), 0 FROM stock_items i WHERE i.seller_id = $1 AND i.available_qty > 0 \
               AND EXISTS (SELECT 1 FROM stock_alerts a WHERE a.product_id = i.product_id) \
               ON CONFLICT (product_id) DO UPDATE SET due_at = excluded.due_at, failed_attempts = 0";
    if tx.execute(sql, params![seller, now]).await? > 0 {
        tx.notify_worker(StockAlerts::NAME);
    }
    Ok(())
}

/// Deletes up to `limit` alerts of a product that have not expired, and returns them.
pub async fn take(tx: &mut Tx, product: ProductId, limit: usize) -> Result<Vec<StockAlert>, Error> {
    let now = tx.now();
    let sql = "DELETE FROM stock_alerts WHERE stock_alert_id IN (SELECT stock_alert_id FROM stock_alerts \
               WHERE product_id = $1 AND expires_at > $2 ORDER BY stock_alert_id LIMIT $3)";
    tx.execute_returning::<Alerts>(sql, params![product, now, limit]).await
}

/// Notes that all alerts of a product were triggered, or that it cannot be bought any more.
pub async fn delete_back_in_stock(tx: &mut Tx, product: ProductId) -> Result<(), Error> {
    tx.execute_pipelined("DELETE FROM products_back_in_stock WHERE product_id = $1", params![product]).await
}

/// Deletes up to `limit` alerts that have expired, and returns their number.
pub async fn delete_expired(tx: &mut Tx, limit: usize) -> Result<u64, Error> {
    let now = tx.now();
    let sql = "DELETE FROM stock_alerts WHERE expires_at <= $1 AND stock_alert_id IN \
               (SELECT stock_alert_id FROM stock_alerts WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
    tx.execute(sql, params![now, limit]).await
}
