//! What this service keeps about users, to be exported and to be erased. An erased order keeps its number, lines, amounts, taxes,
//! dates and the countries of its addresses.

use super::{Orders, forget_integrator_data, lock_order};
use crate::view::find_view;
use contracts::{
    ids::{OrderId, UserId},
    personal::PersonalRecords,
    problem::Code,
};
use platform::{
    db::{Error, Tx},
    params,
    personal::{PersonalData, json, records},
};

pub fn data() -> PersonalData {
    PersonalData::new(export, erase).obstacle(find_obstacle)
}

async fn list_ids(tx: &mut Tx, user: UserId) -> Result<Vec<OrderId>, Error> {
    tx.query("SELECT order_id FROM orders WHERE user_id = $1 ORDER BY order_id", params![user], |row| row.next()).await
}

async fn export(tx: &mut Tx, user: UserId) -> Result<PersonalRecords, Error> {
    let mut orders = Vec::new();
    for id in list_ids(tx, user).await? {
        orders.extend(records(find_view(tx, Some(user), id).await?));
    }
    Ok([("orders".to_owned(), orders)].into())
}

/// An order needs its address until the goods arrived, and a sale until the seller has served it.
async fn find_obstacle(tx: &mut Tx, user: UserId) -> Result<Option<Code>, Error> {
    let orders = "SELECT order_id FROM orders WHERE user_id = $1 AND status NOT IN ('DELIVERED', 'CANCELLED', 'REFUNDED') LIMIT 1";
    let sales = "SELECT order_id FROM fulfilments WHERE seller_id = $1 AND status NOT IN ('DELIVERED', 'CANCELLED', 'RETURNED') LIMIT 1";
    if tx.query_opt(orders, params![user], |row| row.next::<OrderId>()).await?.is_some() {
        return Ok(Some(Code::OPEN_ORDERS));
    }
    let sale = tx.query_opt(sales, params![user], |row| row.next::<OrderId>()).await?;
    Ok(sale.map(|_| Code::OPEN_FULFILMENTS))
}

async fn erase(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    for id in list_ids(tx, user).await? {
        let Some(mut order) = lock_order(tx, Some(user), id).await? else { continue };
        let parts = order.fulfilments.iter_mut().map(|part| &mut part.cancellation);
        for cancellation in parts.chain([&mut order.saga.cancellation]).flatten() {
            cancellation.note = None;
        }
        tx.replace::<Orders>(&order).await?;
        let shipping = json!(order.shipping_address.erased()).to_string();
        let billing = json!(order.billing_address.erased()).to_string();
        tx.execute_pipelined(
            "UPDATE orders SET shipping_address = $2, billing_address = $3 WHERE order_id = $1",
            params![id, shipping, billing],
        )
        .await?;
        forget_integrator_data(tx, id).await?;
        // A reason is a code or what the customer wrote.
        tx.execute_pipelined("UPDATE order_timeline SET reason = NULL WHERE order_id = $1", params![id]).await?;
    }
    Ok(())
}
