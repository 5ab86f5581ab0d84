//! The only SQL of the service.

pub mod guest_rows;
pub mod personal;
pub mod reminder_rows;
pub mod wishlist_rows;

use crate::domain::{Cart, Line};
use contracts::{
    cart::{CartStatus, DailyCarts},
    ids::{CartId, CartItemId, ProductId, PromotionId, UserId},
    money::Currency,
    payout::Day,
    text::CouponCode,
    time::Timestamp,
};
use platform::{
    db::{Error, Tx, id_from},
    params,
};

platform::table! {
    /// Carts without their lines.
    Carts in "carts" of Cart, key [cart_id];
    columns { cart_id, status, currency, order_id, updated_at, seen_at }
    insert_only { user_id, created_at }
    default { lines, coupons, has_automatic }
}

platform::table! {
    Lines in "cart_items" of Line, key [cart_item_id];
    columns {
        cart_item_id, title = title_snapshot, unit_price = unit_price_snapshot, quantity, added_unit_price, wanted = wanted_qty,
        image_url, seller_id,
    }
    insert_only { position, product_id, sku }
    extra { cart_id }
}

/// Returns the active cart of a user with its lines.
pub async fn find_active(tx: &mut Tx, owner: UserId) -> Result<Option<Cart>, Error> {
    let found = tx.find::<Carts>("user_id = $1 AND status = 'ACTIVE'", params![owner]).await?;
    with_lines(tx, found).await
}

/// Returns the active cart of a user with its row locked until the commit. The lock also guards the lines.
pub async fn lock_active(tx: &mut Tx, owner: UserId) -> Result<Option<Cart>, Error> {
    loop {
        let found = tx.lock::<Carts>("user_id = $1 AND status = 'ACTIVE'", params![owner]).await?;
        // The unit that this one waited for may have closed the cart and begun another one, which the lock does not see.
        if found.is_some() || tx.find::<Carts>("user_id = $1 AND status = 'ACTIVE'", params![owner]).await?.is_none() {
            return with_lines(tx, found).await;
        }
    }
}

/// Returns one cart of a user in any status, locked as by [`lock_active`].
pub async fn lock(tx: &mut Tx, owner: UserId, cart: CartId) -> Result<Option<Cart>, Error> {
    let found = tx.lock::<Carts>("cart_id = $1 AND user_id = $2", params![cart, owner]).await?;
    with_lines(tx, found).await
}

async fn with_lines(tx: &mut Tx, found: Option<Cart>) -> Result<Option<Cart>, Error> {
    let Some(mut cart) = found else { return Ok(None) };
    cart.lines = tx.list::<Lines>("WHERE cart_id = $1 ORDER BY position", params![cart.cart_id]).await?;
    cart.coupons = list_coupons(tx, cart.cart_id).await?;
    cart.has_automatic = has_automatic(tx).await?;
    Ok(Some(cart))
}

async fn list_coupons(tx: &mut Tx, cart: CartId) -> Result<Vec<CouponCode>, Error> {
    tx.query("SELECT code FROM cart_coupons WHERE cart_id = $1 ORDER BY entered_at, code", params![cart], |row| row.next()).await
}

/// Returns the coupons of a cart of this user, in any status.
pub async fn list_coupons_of(tx: &mut Tx, owner: UserId, cart: CartId) -> Result<Vec<CouponCode>, Error> {
    let is_own =
        tx.query_opt("SELECT cart_id FROM carts WHERE cart_id = $1 AND user_id = $2", params![cart, owner], |row| row.next()).await?;
    match is_own {
        Some(own) => list_coupons(tx, own).await,
        None => Ok(Vec::new()),
    }
}

/// Whether a promotion applies by itself now.
async fn has_automatic(tx: &mut Tx) -> Result<bool, Error> {
    let now = tx.now();
    let found: Option<PromotionId> = tx
        .query_opt("SELECT promotion_id FROM automatic_promotions WHERE starts_at <= $1 AND ends_at > $1 LIMIT 1", params![now], |row| {
            row.next()
        })
        .await?;
    Ok(found.is_some())
}

/// Stores that a promotion applies by itself between these instants.
pub async fn put_automatic(tx: &mut Tx, id: PromotionId, starts_at: Timestamp, ends_at: Timestamp) -> Result<(), Error> {
    tx.execute_pipelined(
        "INSERT INTO automatic_promotions (promotion_id, starts_at, ends_at) VALUES ($1, $2, $3) \
         ON CONFLICT (promotion_id) DO UPDATE SET starts_at = excluded.starts_at, ends_at = excluded.ends_at",
        params![id, starts_at, ends_at],
    )
    .await
}

/// Stores that a promotion does not apply by itself any more.
pub async fn delete_automatic(tx: &mut Tx, id: PromotionId) -> Result<(), Error> {
    tx.execute_pipelined("DELETE FROM automatic_promotions WHERE promotion_id = $1", params![id]).await
}

/// Adds a coupon. One that was entered before stays where it is.
pub async fn put_coupon(tx: &mut Tx, cart: CartId, code: &CouponCode) -> Result<(), Error> {
    let now = tx.now();
    let params = params![cart, code.as_str(), now];
    tx.execute_pipelined(
        "INSERT INTO cart_coupons (cart_id, code, entered_at) VALUES ($1, $2, $3) ON CONFLICT (cart_id, code) DO NOTHING",
        params,
    )
    .await
}

/// Removes a coupon, and returns whether the cart had it.
pub async fn delete_coupon(tx: &mut Tx, cart: CartId, code: &CouponCode) -> Result<bool, Error> {
    Ok(tx.execute("DELETE FROM cart_coupons WHERE cart_id = $1 AND code = $2", params![cart, code.as_str()]).await? > 0)
}

/// Counts the carts that were begun between two instants by day, and those of them that were ordered. It reads them once, in the order of
/// their ids.
pub async fn count_by_day(tx: &mut Tx, from: Timestamp, to: Timestamp) -> Result<Vec<DailyCarts>, Error> {
    tx.query(
        "SELECT created_at / 86400000000 AS day, COUNT(*), COUNT(order_id) FROM carts WHERE cart_id >= $1 AND cart_id < $2 \
         GROUP BY created_at / 86400000000 ORDER BY day",
        params![id_from(from), id_from(to)],
        |row| {
            let day = Day::of(Timestamp(row.next::<i64>()? * 86_400_000_000));
            Ok(DailyCarts { day, carts: row.next()?, ordered: row.next()? })
        },
    )
    .await
}

/// Returns the products in the active cart of a user.
pub async fn list_products(tx: &mut Tx, owner: UserId) -> Result<Vec<ProductId>, Error> {
    tx.query(
        "SELECT i.product_id FROM carts c JOIN cart_items i ON i.cart_id = c.cart_id \
         WHERE c.user_id = $1 AND c.status = 'ACTIVE' ORDER BY i.position",
        params![owner],
        |row| row.next(),
    )
    .await
}

/// Returns the active cart of a user, locked as by [`lock_active`], and whether it was created here.
pub async fn lock_or_create(tx: &mut Tx, owner: UserId, currency: Currency) -> Result<(Cart, bool), Error> {
    loop {
        if let Some(cart) = lock_active(tx, owner).await? {
            return Ok((cart, false));
        }
        let cart = Cart { has_automatic: has_automatic(tx).await?, ..Cart::empty(tx.new_id(), owner, currency, tx.now()) };
        if tx.insert_if_absent::<Carts>(&cart, "(user_id) WHERE status = 'ACTIVE'").await? {
            return Ok((cart, true));
        }
        // A concurrent request created one. It may be closed again before it is locked, so this repeats.
    }
}

/// Writes a cart without its lines.
pub async fn save(tx: &mut Tx, cart: &Cart) -> Result<(), Error> {
    tx.replace::<Carts>(cart).await
}

/// Writes lines of a cart: new ones, changed ones, and ones that move from another cart.
pub async fn put_lines(tx: &mut Tx, cart: CartId, lines: &[Line]) -> Result<(), Error> {
    for line in lines {
        tx.upsert_with::<Lines>(line, &[("cart_id", &cart)]).await?;
    }
    Ok(())
}

pub async fn delete_line(tx: &mut Tx, item: CartItemId) -> Result<(), Error> {
    tx.execute_pipelined("DELETE FROM cart_items WHERE cart_item_id = $1", params![item]).await
}

pub async fn delete_lines(tx: &mut Tx, cart: CartId) -> Result<(), Error> {
    tx.execute_pipelined("DELETE FROM cart_items WHERE cart_id = $1", params![cart]).await
}

/// Deletes all carts of this owner.
async fn delete_carts_of(tx: &mut Tx, owner: UserId) -> Result<(), Error> {
    tx.execute_pipelined("DELETE FROM cart_coupons WHERE cart_id IN (SELECT cart_id FROM carts WHERE user_id = $1)", params![owner])
        .await?;
    tx.execute_pipelined("DELETE FROM cart_items WHERE cart_id IN (SELECT cart_id FROM carts WHERE user_id = $1)", params![owner]).await?;
    tx.execute_pipelined("DELETE FROM carts WHERE user_id = $1", params![owner]).await
}

/// Marks up to `limit` active carts as ABANDONED that were last seen before `before`, and returns their number. The
/// outer condition is checked on the present row: a cart that its owner reads meanwhile stays active.
pub async fn abandon(tx: &mut Tx, before: Timestamp, limit: usize) -> Result<u64, Error> {
    let now = tx.now();
    tx.execute(
        "UPDATE carts SET status = $1, updated_at = $2 WHERE status = 'ACTIVE' AND seen_at < $3 AND cart_id IN \
         (SELECT cart_id FROM carts WHERE status = 'ACTIVE' AND seen_at < $3 ORDER BY seen_at LIMIT $4)",
        params![CartStatus::Abandoned, now, before, limit],
    )
    .await
}

/// Deletes up to `limit` carts that were closed before `before`, and returns their number. A closed cart never changes,
/// but another replica may delete it: the carts deleted here are those without lines.
pub async fn drop_closed(tx: &mut Tx, before: Timestamp, limit: usize) -> Result<u64, Error> {
    tx.execute_pipelined(
        "DELETE FROM cart_coupons WHERE cart_id IN \
         (SELECT cart_id FROM carts WHERE status <> 'ACTIVE' AND updated_at < $1 ORDER BY updated_at, cart_id LIMIT $2)",
        params![before, limit],
    )
    .await?;
    tx.execute_pipelined(
        "DELETE FROM cart_items WHERE cart_id IN \
         (SELECT cart_id FROM carts WHERE status <> 'ACTIVE' AND updated_at < $1 ORDER BY updated_at, cart_id LIMIT $2)",
        params![before, limit],
    )
    .await?;
    tx.execute(
        "DELETE FROM carts WHERE status <> 'ACTIVE' AND updated_at < $1 \
         AND NOT EXISTS (SELECT 1 FROM cart_items WHERE cart_items.cart_id = carts.cart_id) AND cart_id IN \
         (SELECT cart_id FROM carts WHERE status <> 'ACTIVE' AND updated_at < $1 ORDER BY updated_at, cart_id LIMIT $2)",
        params![before, limit],
    )
    .await
}
