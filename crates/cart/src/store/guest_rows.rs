//! The SQL of guests.

use super::{delete_carts_of, find_active, lock_active};
use crate::domain::Cart;
use contracts::{
    ids::{CartId, UserId},
    time::Timestamp,
};
use platform::{
    db::{Error, Tx},
    params,
};

/// Who has the token of a cart and no account.
#[derive(Debug, Clone, Copy)]
pub struct Guest {
    /// The owner of the guest's carts.
    pub guest_id: UserId,
    pub token_hash: [u8; 32],
    pub expires_at: Timestamp,
}

platform::table! {
    Guests in "guests" of Guest, key [guest_id];
    columns { guest_id, expires_at }
    insert_only { token_hash }
}

pub async fn insert(tx: &mut Tx, guest: &Guest) -> Result<(), Error> {
    tx.insert::<Guests>(guest).await
}

/// Returns the guest of a token that has not expired.
pub async fn find(tx: &mut Tx, token_hash: [u8; 32]) -> Result<Option<Guest>, Error> {
    let now = tx.now();
    tx.find::<Guests>("token_hash = $1 AND expires_at > $2", params![token_hash, now]).await
}

/// As [`find`], with the row locked until the commit.
pub async fn lock(tx: &mut Tx, token_hash: [u8; 32]) -> Result<Option<Guest>, Error> {
    let now = tx.now();
    tx.lock::<Guests>("token_hash = $1 AND expires_at > $2", params![token_hash, now]).await
}

/// Moves the expiry on. A guest that is gone stays so.
pub async fn extend(tx: &mut Tx, guest: UserId, expires_at: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE guests SET expires_at = $2 WHERE guest_id = $1 AND expires_at < $2";
    tx.execute_pipelined(sql, params![guest, expires_at]).await
}

/// Returns the active cart of the guest of a token.
pub async fn find_cart(tx: &mut Tx, token_hash: [u8; 32]) -> Result<Option<(Guest, Option<Cart>)>, Error> {
    let Some(guest) = find(tx, token_hash).await? else { return Ok(None) };
    Ok(Some((guest, find_active(tx, guest.guest_id).await?)))
}

/// Returns the owner of a cart. An order of a guest names another customer than its cart does.
pub async fn find_owner(tx: &mut Tx, cart: CartId) -> Result<Option<UserId>, Error> {
    tx.query_opt("SELECT user_id FROM carts WHERE cart_id = $1", params![cart], |row| row.next()).await
}

/// Takes the active cart of a guest away, and gives the ordered ones and the guest's place to `owner`. Returns the active one.
pub async fn take(tx: &mut Tx, guest: &Guest, owner: UserId) -> Result<Option<Cart>, Error> {
    let cart = lock_active(tx, guest.guest_id).await?;
    let sql = "UPDATE carts SET user_id = $2 WHERE user_id = $1 AND status <> 'ACTIVE'";
    tx.execute_pipelined(sql, params![guest.guest_id, owner]).await?;
    delete_carts_of(tx, guest.guest_id).await?;
    tx.execute_pipelined("DELETE FROM guests WHERE guest_id = $1", params![guest.guest_id]).await?;
    Ok(cart)
}

/// Deletes up to `limit` guests that expired, with their carts, and returns their number. A guest that was seen meanwhile stays.
pub async fn delete_expired(tx: &mut Tx, limit: usize) -> Result<usize, Error> {
    let now = tx.now();
    let sql = "SELECT guest_id FROM guests WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2";
    let expired: Vec<UserId> = tx.query(sql, params![now, limit], |row| row.next()).await?;
    for guest in &expired {
        let gone = tx.execute("DELETE FROM guests WHERE guest_id = $1 AND expires_at <= $2", params![*guest, now]).await?;
        if gone > 0 {
            delete_carts_of(tx, *guest).await?;
        }
    }
    Ok(expired.len())
}
