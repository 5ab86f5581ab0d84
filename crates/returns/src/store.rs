//! The SQL of this service.

pub mod personal;

use crate::{
    consistency::ReceivedUnits,
    domain::{DeliveredItem, ReturnRecord},
};
use contracts::{
    column::JsonText,
    ids::{FulfilmentId, OrderId, ReturnId, UserId},
    returns::{AllReturnsFilter, ReturnLabel, ReturnSort, ReturnStatus},
};
use platform::{
    db::{Error, Select, Tx},
    due::DueQueue,
    params, table,
};

table! {
    Orders in "orders", key [order_id];
    extra { order_id, user_id }
}

table! {
    Items in "delivered_items" of DeliveredItem, key [order_item_id];
    columns { order_item_id, taken_quantity, received_quantity }
    insert_only {
        order_id, order_number, fulfilment_id, user_id, seller_id, product_id, sku, title_snapshot, currency, quantity,
        line_total_amount, discount_amount, tax_amount, prices_include_tax, delivered_at,
    }
}

table! {
    pub Returns in "returns" of ReturnRecord, key [return_id];
    columns {
        return_id, status, lines as JsonText, refund_amount, refunded_amount, label: Option<ReturnLabel> { carrier, tracking_number },
        rejection, send_until, updated_at, due_at,
    }
    insert_only { order_id, order_number, fulfilment_id, user_id, seller_id, by_carrier, currency, created_at }
    extra { attempts }
}

table! {
    Received in "delivered_items" of ReceivedUnits, key [order_item_id];
    columns { order_id, order_item_id, received_quantity }
}

/// The returns by the time at which they are closed.
pub const DUE: DueQueue<ReturnId> = DueQueue::new("returns", "return_id").failed_attempts("attempts");

pub async fn insert_order(tx: &mut Tx, order: OrderId, user: UserId) -> Result<(), Error> {
    tx.insert_if_absent_with::<Orders>(&(), "(order_id)", &[("order_id", &order), ("user_id", &user)]).await.map(|_| ())
}

/// Whether there is such an order of this customer.
pub async fn is_order_of(tx: &mut Tx, order: OrderId, user: UserId) -> Result<bool, Error> {
    let sql = "SELECT order_id FROM orders WHERE order_id = $1 AND user_id = $2";
    Ok(tx.query_opt(sql, params![order, user], |row| row.next::<OrderId>()).await?.is_some())
}

/// Stores a delivered line. A repetition changes nothing.
pub async fn insert_item(tx: &mut Tx, item: &DeliveredItem) -> Result<(), Error> {
    tx.insert_if_absent::<Items>(item, "(order_item_id)").await.map(|_| ())
}

/// Returns the delivered lines of an order and locks their rows. A return is locked before, everywhere.
pub async fn lock_items(tx: &mut Tx, order: OrderId) -> Result<Vec<DeliveredItem>, Error> {
    tx.lock_list::<Items>("WHERE order_id = $1 ORDER BY order_item_id", params![order]).await
}

/// Returns the lines of one fulfilment and locks their rows.
pub async fn lock_items_of(tx: &mut Tx, fulfilment: FulfilmentId) -> Result<Vec<DeliveredItem>, Error> {
    tx.lock_list::<Items>("WHERE fulfilment_id = $1 ORDER BY order_item_id", params![fulfilment]).await
}

/// Returns the delivered lines of the orders after `after` up to and including `up_to`, for the consistency check.
pub async fn list_received_by_orders(tx: &mut Tx, after: OrderId, up_to: OrderId) -> Result<Vec<ReceivedUnits>, Error> {
    tx.list::<Received>("WHERE order_id > $1 AND order_id <= $2 ORDER BY order_id, order_item_id", params![after, up_to]).await
}

pub async fn save_items(tx: &mut Tx, items: &[DeliveredItem]) -> Result<(), Error> {
    for item in items {
        tx.replace::<Items>(item).await?;
    }
    Ok(())
}

pub async fn insert(tx: &mut Tx, record: &ReturnRecord) -> Result<(), Error> {
    tx.insert_with::<Returns>(record, &[("attempts", &0_i64)]).await
}

pub async fn find(tx: &mut Tx, id: ReturnId) -> Result<Option<ReturnRecord>, Error> {
    tx.find::<Returns>("return_id = $1", params![id]).await
}

/// Returns a return and locks its row.
pub async fn lock(tx: &mut Tx, id: ReturnId) -> Result<Option<ReturnRecord>, Error> {
    tx.lock::<Returns>("return_id = $1", params![id]).await
}

/// Sets the customer of an order and of what was delivered and returned of it.
pub async fn set_customer(tx: &mut Tx, order: OrderId, user: UserId) -> Result<(), Error> {
    tx.execute_pipelined("UPDATE orders SET user_id = $2 WHERE order_id = $1", params![order, user]).await?;
    tx.execute_pipelined("UPDATE delivered_items SET user_id = $2 WHERE order_id = $1", params![order, user]).await?;
    tx.execute_pipelined("UPDATE returns SET user_id = $2 WHERE order_id = $1", params![order, user]).await
}

/// Returns the returns of an order, and locks their rows.
pub async fn lock_of_order(tx: &mut Tx, order: OrderId) -> Result<Vec<ReturnRecord>, Error> {
    tx.lock_list::<Returns>("WHERE order_id = $1 ORDER BY return_id", params![order]).await
}

/// Returns the received returns of an order that were not refunded yet, and locks their rows.
pub async fn lock_received(tx: &mut Tx, order: OrderId) -> Result<Vec<ReturnRecord>, Error> {
    tx.lock_list::<Returns>("WHERE order_id = $1 AND status = 'RECEIVED' ORDER BY return_id", params![order]).await
}

pub async fn save(tx: &mut Tx, record: &ReturnRecord) -> Result<(), Error> {
    tx.replace::<Returns>(record).await
}

/// Whose returns a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    Customer(UserId),
    /// Those of one order, for its guest.
    Order(OrderId),
    Seller(UserId),
    Anyone,
}

/// Builds the query of a list after `after`.
pub fn listed(owner: Owner, filter: AllReturnsFilter, after: Option<ReturnId>, rows: i64) -> Select<Returns> {
    let select = Select::of::<Returns>();
    let select = match owner {
        Owner::Customer(user) => select.filter("user_id = ?", user),
        Owner::Order(order) => select.filter("order_id = ?", order),
        Owner::Seller(seller) => select.filter("seller_id = ?", seller),
        Owner::Anyone => select,
    };
    let status: Option<ReturnStatus> = filter.status;
    let select = select.filter_some("status = ?", status);
    match filter.sort.unwrap_or(ReturnSort::Newest) {
        ReturnSort::Newest => select.filter_some("return_id < ?", after).limit("return_id DESC", rows),
        ReturnSort::Oldest => select.filter_some("return_id > ?", after).limit("return_id", rows),
    }
}
