//! The uses of promotions by orders, and how many uses of a customer count.

use crate::consistency::OrderUse;
use contracts::{
    ids::{OrderId, PromotionId, PromotionUseId, UserId, Uuid},
    money::Currency,
    promotion::PromotionUseStatus,
    time::Timestamp,
};
use platform::{
    db::{Error, Select, Tx},
    due::DueQueue,
    params,
};
use std::collections::HashMap;

/// Stands for all promotions for first orders in the counts of a customer: a customer has one first order.
pub const FIRST_ORDERS: PromotionId = PromotionId(Uuid::nil());

/// A use of a promotion by one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    pub promotion_use_id: PromotionUseId,
    pub promotion_id: PromotionId,
    pub order_id: OrderId,
    pub user_id: UserId,
    /// The seller who pays for it; `None` for the shop.
    pub seller_id: Option<UserId>,
    pub status: PromotionUseStatus,
    pub currency: Currency,
    pub amount: i64,
    /// Whether it counts as the customer's use of a promotion for first orders.
    pub is_first_order: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

platform::table! {
    pub Uses in "promotion_uses" of Use, key [promotion_use_id];
    columns { promotion_use_id, seller_id, status, is_first_order, updated_at }
    insert_only { promotion_id, order_id, user_id, currency, amount, created_at }
    extra { due_at }
}

platform::table! {
    OrderUses in "promotion_uses" of OrderUse, key [promotion_use_id];
    columns { order_id, promotion_id, status }
    computed { is_unclaimed = "due_at IS NOT NULL" }
}

platform::table! {
    Customers in "promotion_customers", key [promotion_id, user_id];
    extra { promotion_id, user_id, used_count }
}

/// The uses whose order is to be asked for.
pub const UNCLAIMED: DueQueue<PromotionUseId> = DueQueue::new("promotion_uses", "promotion_use_id").failed_attempts("failed_attempts");

/// Returns the uses of an order by promotion id, with their rows locked until the commit. Their promotions are then updated in this
/// order by every transaction.
pub async fn lock_of_order(tx: &mut Tx, order: OrderId) -> Result<Vec<Use>, Error> {
    tx.lock_list::<Uses>("WHERE order_id = $1 ORDER BY promotion_id", params![order]).await
}

/// Returns the order of a use that is due.
pub async fn find_order(tx: &mut Tx, id: PromotionUseId) -> Result<Option<OrderId>, Error> {
    tx.query_opt("SELECT order_id FROM promotion_uses WHERE promotion_use_id = $1", params![id], |row| row.next()).await
}

/// Inserts a use whose order is asked for at `due_at`. Returns `false` when the order has one of this promotion.
pub async fn insert(tx: &mut Tx, new: &Use, due_at: Timestamp) -> Result<bool, Error> {
    tx.insert_if_absent_with::<Uses>(new, "(order_id, promotion_id)", &[("due_at", &due_at)]).await
}

/// Stores a use whose row is locked. Its order is asked for no more.
pub async fn save(tx: &mut Tx, of: &Use) -> Result<(), Error> {
    tx.replace_with::<Uses>(of, &[("due_at", &None::<Timestamp>)]).await
}

/// Lets the uses of an order wait for its events.
pub async fn claim(tx: &mut Tx, order: OrderId) -> Result<(), Error> {
    tx.execute_pipelined("UPDATE promotion_uses SET due_at = NULL WHERE order_id = $1", params![order]).await
}

/// Returns how many uses of a customer count, by promotion; a promotion without an entry has none.
pub async fn count_of_customer(tx: &mut Tx, user: UserId, promotions: &[PromotionId]) -> Result<HashMap<PromotionId, i64>, Error> {
    if promotions.is_empty() {
        return Ok(HashMap::new());
    }
    let counts = Select::from("SELECT promotion_id, used_count FROM promotion_customers");
    let counts = counts.filter("user_id = ?", user).filter_in("promotion_id", promotions);
    Ok(counts.rows(tx, |row| Ok((row.next()?, row.next()?))).await?.into_iter().collect())
}

/// Counts one more use of a customer unless `limit` of them count. Returns whether it was counted.
pub async fn try_use(tx: &mut Tx, promotion: PromotionId, user: UserId, limit: i64) -> Result<bool, Error> {
    let params = params![promotion, user, limit];
    let counted = tx.execute(
        "INSERT INTO promotion_customers (promotion_id, user_id, used_count) VALUES ($1, $2, 1) \
         ON CONFLICT (promotion_id, user_id) DO UPDATE SET used_count = promotion_customers.used_count + 1 \
         WHERE promotion_customers.used_count < $3",
        params,
    );
    Ok(counted.await? == 1)
}

/// Counts one use of a customer less. A promotion without a limit per customer has no count. Returns whether there was one.
pub async fn release(tx: &mut Tx, promotion: PromotionId, user: UserId) -> Result<bool, Error> {
    let sql = "UPDATE promotion_customers SET used_count = used_count - 1 WHERE promotion_id = $1 AND user_id = $2 AND used_count > 0";
    Ok(tx.execute(sql, params![promotion, user]).await? > 0)
}

/// Gives the uses of an order to another customer, with what they count.
pub async fn set_customer(tx: &mut Tx, order: OrderId, from: UserId, to: UserId) -> Result<(), Error> {
    for of in lock_of_order(tx, order).await?.into_iter().filter(|of| of.user_id == from) {
        tx.execute_pipelined("UPDATE promotion_uses SET user_id = $2 WHERE promotion_use_id = $1", params![of.promotion_use_id, to])
            .await?;
        if of.status == PromotionUseStatus::Released {
            continue;
        }
        for counted in [Some(of.promotion_id), of.is_first_order.then_some(FIRST_ORDERS)].into_iter().flatten() {
            if release(tx, counted, from).await? {
                try_use(tx, counted, to, i64::MAX).await?;
            }
        }
    }
    Ok(())
}

/// Returns the uses of the orders after `after` up to and including `up_to`, for the consistency check.
pub async fn list_by_orders(tx: &mut Tx, after: OrderId, up_to: OrderId) -> Result<Vec<OrderUse>, Error> {
    tx.list::<OrderUses>("WHERE order_id > $1 AND order_id <= $2 ORDER BY order_id, promotion_id", params![after, up_to]).await
}

/// Returns the promotions whose count is not the number of their uses that are held, with both numbers.
pub async fn list_wrong_counts(tx: &mut Tx) -> Result<Vec<(PromotionId, i64, i64)>, Error> {
    tx.query(
        "SELECT p.promotion_id, p.used_count, COALESCE(u.held, 0) FROM promotions p \
         LEFT JOIN (SELECT promotion_id, COUNT(*) AS held FROM promotion_uses WHERE status IN ('RESERVED', 'CONFIRMED') \
         GROUP BY promotion_id) u ON u.promotion_id = p.promotion_id \
         WHERE p.used_count <> COALESCE(u.held, 0) ORDER BY p.promotion_id LIMIT 100",
        &[],
        |row| Ok((row.next()?, row.next()?, row.next()?)),
    )
    .await
}
