//! The SQL of the orders of guests.

use contracts::{
    column::JsonText,
    ids::{OrderId, UserId},
    order::OrderCustomer,
    time::Timestamp,
    user::AddressSnapshot,
};
use platform::{
    db::{Error, Tx},
    due::DueQueue,
    params,
};

/// What is stored of the guest of an order. Only the id and the count are left of one that was claimed or erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestRow {
    pub order_id: OrderId,
    pub token_hash: Option<[u8; 32]>,
    pub sealed_token: Option<String>,
    pub email: Option<String>,
    pub name: Option<String>,
    /// How many events say that the order was claimed or erased.
    pub event_count: i64,
}

platform::table! {
    Guests in "order_guests" of GuestRow, key [order_id];
    columns { order_id, token_hash, sealed_token, email, name, event_count }
    extra { erase_due_at }
}

/// The orders that are to be erased once they are at rest.
pub const ERASE_DUE: DueQueue<OrderId> = DueQueue::new("order_guests", "order_id").due_at("erase_due_at");

/// The addresses of an order.
struct Addresses {
    order_id: OrderId,
    shipping_address: AddressSnapshot,
    billing_address: AddressSnapshot,
}

platform::table! {
    OrderAddresses in "orders" of Addresses, key [order_id];
    columns { order_id, shipping_address as JsonText, billing_address as JsonText }
}

pub async fn insert(tx: &mut Tx, guest: &GuestRow) -> Result<(), Error> {
    tx.insert_with::<Guests>(guest, &[("erase_due_at", &None::<Timestamp>)]).await
}

pub async fn find(tx: &mut Tx, id: OrderId) -> Result<Option<GuestRow>, Error> {
    tx.find::<Guests>("order_id = $1", params![id]).await
}

/// Returns the guest of an order, its row locked until the commit.
pub async fn lock(tx: &mut Tx, id: OrderId) -> Result<Option<GuestRow>, Error> {
    tx.lock::<Guests>("order_id = $1", params![id]).await
}

/// Returns the order that this token opens, if it changed after `since`.
pub async fn find_by_token(tx: &mut Tx, token_hash: [u8; 32], since: Timestamp) -> Result<Option<OrderCustomer>, Error> {
    let sql = "SELECT o.order_id, o.user_id FROM order_guests g JOIN orders o ON o.order_id = g.order_id \
               WHERE g.token_hash = $1 AND o.updated_at > $2";
    tx.query_opt(sql, params![token_hash, since], |row| Ok(OrderCustomer { order_id: row.next()?, user_id: row.next()? })).await
}

/// Returns the orders of a guest that were neither claimed nor erased, with their numbers.
pub async fn list_claimable(tx: &mut Tx, guest: UserId) -> Result<Vec<(OrderId, String)>, Error> {
    let sql = "SELECT o.order_id, o.order_number FROM orders o JOIN order_guests g ON g.order_id = o.order_id \
               WHERE o.user_id = $1 AND g.email IS NOT NULL ORDER BY o.order_id";
    tx.query(sql, params![guest], |row| Ok((row.next()?, row.next()?))).await
}

/// Gives an order to an account. Its name in another system goes when an order of the account has the same.
pub async fn set_customer(tx: &mut Tx, id: OrderId, user: UserId) -> Result<(), Error> {
    let sql = "UPDATE orders SET user_id = $2, external_id = CASE WHEN external_id IN \
               (SELECT o.external_id FROM orders o WHERE o.user_id = $2 AND o.external_id IS NOT NULL) THEN NULL ELSE external_id END \
               WHERE order_id = $1";
    tx.execute_pipelined(sql, params![id, user]).await
}

/// Ends the token and forgets the guest, and counts the event about it.
pub async fn forget(tx: &mut Tx, id: OrderId) -> Result<(), Error> {
    let sql = "UPDATE order_guests SET token_hash = NULL, sealed_token = NULL, email = NULL, name = NULL, erase_due_at = NULL, \
               event_count = event_count + 1 WHERE order_id = $1";
    tx.execute_pipelined(sql, params![id]).await
}

/// Lets an order be erased at `due_at`, if it is at rest then.
pub async fn erase_later(tx: &mut Tx, id: OrderId, due_at: Timestamp) -> Result<(), Error> {
    tx.execute_pipelined("UPDATE order_guests SET erase_due_at = $2 WHERE order_id = $1", params![id, due_at]).await
}

/// Replaces the addresses of an order by their countries, and removes the texts of people from its timeline.
pub async fn erase_addresses(tx: &mut Tx, id: OrderId, shipping_country: &str, billing_country: &str) -> Result<(), Error> {
    let only = |country: &str| AddressSnapshot { country: country.to_owned(), ..AddressSnapshot::default() };
    let erased = Addresses { order_id: id, shipping_address: only(shipping_country), billing_address: only(billing_country) };
    tx.replace::<OrderAddresses>(&erased).await?;
    let sql = "SELECT position, reason FROM order_timeline WHERE order_id = $1 AND reason IS NOT NULL";
    let reasons: Vec<(i64, String)> = tx.query(sql, params![id], |row| Ok((row.next()?, row.next()?))).await?;
    for (position, reason) in reasons {
        if !reason.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
            tx.execute_pipelined("UPDATE order_timeline SET reason = NULL WHERE order_id = $1 AND position = $2", params![id, position])
                .await?;
        }
    }
    Ok(())
}

/// Returns how many events say that orders after `after` up to and including `up_to` were claimed or erased.
pub async fn list_event_counts(tx: &mut Tx, after: OrderId, up_to: OrderId) -> Result<Vec<(OrderId, i64)>, Error> {
    let sql = "SELECT order_id, event_count FROM order_guests WHERE order_id > $1 AND order_id <= $2 AND event_count > 0";
    tx.query(sql, params![after, up_to], |row| Ok((row.next()?, row.next()?))).await
}
