//! Whose the payments of guests became.

use contracts::ids::{OrderId, UserId};
use platform::{
    db::{Error, Tx},
    params,
};

const OWNER: &str = "owner of an order";

/// Gives the payments of a guest's order to the account that claimed it, also those that are made later.
pub async fn claim(tx: &mut Tx, order: OrderId, guest: UserId, user: UserId) -> Result<(), Error> {
    tx.lock_absent(OWNER, order.into()).await?;
    let sql = "INSERT INTO claimed_orders (order_id, user_id) VALUES ($1, $2) ON CONFLICT (order_id) DO NOTHING";
    tx.execute_pipelined(sql, params![order, user]).await?;
    tx.execute_pipelined("UPDATE payments SET user_id = $3 WHERE order_id = $1 AND user_id = $2", params![order, guest, user]).await
}

/// Returns whose a new payment is: the request of a guest's order may be older than the claim.
pub async fn owner_of(tx: &mut Tx, order: OrderId, customer: UserId) -> Result<UserId, Error> {
    if !customer.is_guest() {
        return Ok(customer);
    }
    tx.lock_absent(OWNER, order.into()).await?;
    let found = tx.query_opt("SELECT user_id FROM claimed_orders WHERE order_id = $1", params![order], |row| row.next()).await?;
    Ok(found.unwrap_or(customer))
}
