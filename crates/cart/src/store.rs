//! The only SQL of the service.

use crate::{
    Error,
    domain::{Cart, Line},
};
use contracts::{
    cart::CartStatus,
    ids::{CartId, CartItemId, UserId},
    money::Currency,
    time::Timestamp,
};
use platform::{
    db::{self, Row, Tx},
    params,
};

macro_rules! select_carts {
    ($condition:literal) => {
        concat!(
            "SELECT c.cart_id, c.user_id, c.status, c.currency, c.order_id, c.created_at, c.updated_at, c.seen_at, ",
            "i.cart_item_id, i.position, i.product_id, i.sku, i.title_snapshot, i.unit_price_snapshot, i.quantity, ",
            "i.added_unit_price, i.wanted_qty FROM carts c LEFT JOIN cart_items i ON i.cart_id = c.cart_id WHERE ",
            $condition,
            " ORDER BY i.position"
        )
    };
}

/// Returns the active cart of a user with its lines, in one statement.
pub async fn find_active(tx: &mut Tx, owner: UserId) -> Result<Option<Cart>, db::Error> {
    query_cart(tx, select_carts!("c.user_id = $1 AND c.status = 'ACTIVE'"), params![owner]).await
}

/// As [`find_active`], with the row locked until the commit.
pub async fn lock_active(tx: &mut Tx, owner: UserId) -> Result<Option<Cart>, db::Error> {
    find_active(tx, owner).await
}

/// Returns one cart of a user in any status, with its row locked until the commit.
pub async fn lock(tx: &mut Tx, owner: UserId, cart: CartId) -> Result<Option<Cart>, db::Error> {
    query_cart(tx, select_carts!("c.cart_id = $1 AND c.user_id = $2"), params![cart, owner]).await
}

/// Creates the active cart of a user, or returns the one that a concurrent request created.
pub async fn create(tx: &mut Tx, owner: UserId, currency: Currency) -> Result<Cart, Error> {
    let cart = Cart::empty(tx.new_id(), owner, currency, tx.now());
    let rows = tx
        .execute(
            "INSERT INTO carts (cart_id, user_id, status, currency, created_at, updated_at, seen_at) VALUES ($1, $2, 'ACTIVE', $3, $4, $4, $4) \
             ON CONFLICT (user_id) WHERE status = 'ACTIVE' DO NOTHING",
            params![cart.cart_id, cart.user_id, cart.currency, cart.created_at],
        )
        .await?;
    match rows {
        1 => Ok(cart),
        _ => lock_active(tx, owner).await?.ok_or_else(|| db::Error::Failed("the active cart disappeared".into()).into()),
    }
}

/// Writes a cart without its lines.
pub async fn save(tx: &mut Tx, cart: &Cart) -> Result<(), db::Error> {
    tx.execute(
        "UPDATE carts SET status = $1, currency = $2, order_id = $3, updated_at = $4, seen_at = $5 WHERE cart_id = $6",
        params![cart.status, cart.currency, cart.order_id, cart.updated_at, cart.seen_at, cart.cart_id],
    )
    .await
    .map(|_| ())
}

/// Writes lines of a cart: new ones, changed ones, and ones that move from another cart.
pub async fn put_lines(tx: &mut Tx, cart: CartId, lines: &[Line]) -> Result<(), db::Error> {
    for line in lines {
        tx.execute(
            "INSERT INTO cart_items (cart_item_id, cart_id, position, product_id, sku, title_snapshot, unit_price_snapshot, quantity, \
             added_unit_price, wanted_qty) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
             ON CONFLICT (cart_item_id) DO UPDATE SET cart_id = excluded.cart_id, title_snapshot = excluded.title_snapshot, \
             unit_price_snapshot = excluded.unit_price_snapshot, quantity = excluded.quantity, \
             added_unit_price = excluded.added_unit_price, wanted_qty = excluded.wanted_qty",
            params![
                line.cart_item_id,
                cart,
                line.position,
                line.product_id,
                line.sku,
                line.title,
                line.unit_price,
                line.quantity,
                line.added_unit_price,
                line.wanted
            ],
        )
        .await?;
    }
    Ok(())
}

pub async fn delete_line(tx: &mut Tx, item: CartItemId) -> Result<(), db::Error> {
    tx.execute("DELETE FROM cart_items WHERE cart_item_id = $1", params![item]).await.map(|_| ())
}

pub async fn delete_lines(tx: &mut Tx, cart: CartId) -> Result<(), db::Error> {
    tx.execute("DELETE FROM cart_items WHERE cart_id = $1", params![cart]).await.map(|_| ())
}

/// Marks up to `limit` active carts as ABANDONED that were last seen before `before`, and returns their number.
pub async fn abandon(tx: &mut Tx, before: Timestamp, limit: usize) -> Result<u64, db::Error> {
    let now = tx.now();
    tx.execute(
        "UPDATE carts SET status = $1, updated_at = $2 WHERE cart_id IN \
         (SELECT cart_id FROM carts WHERE status = 'ACTIVE' AND seen_at < $3 ORDER BY seen_at LIMIT $4)",
        params![CartStatus::Abandoned, now, before, limit],
    )
    .await
}

/// Deletes up to `limit` carts that were closed before `before`, and returns their number.
pub async fn drop_closed(tx: &mut Tx, before: Timestamp, limit: usize) -> Result<u64, db::Error> {
    tx.execute(
        "DELETE FROM cart_items WHERE cart_id IN \
         (SELECT cart_id FROM carts WHERE status <> 'ACTIVE' AND updated_at < $1 ORDER BY updated_at, cart_id LIMIT $2)",
        params![before, limit],
    )
    .await?;
    tx.execute(
        "DELETE FROM carts WHERE cart_id IN \
         (SELECT cart_id FROM carts WHERE status <> 'ACTIVE' AND updated_at < $1 ORDER BY updated_at, cart_id LIMIT $2)",
        params![before, limit],
    )
    .await
}

async fn query_cart(tx: &mut Tx, sql: &'static str, params: db::Params<'_>) -> Result<Option<Cart>, db::Error> {
    let mut found = None;
    tx.query(sql, params, |row| {
        let cart = cart_row(row)?;
        let cart: &mut Cart = found.get_or_insert(cart);
        if let Some(id) = row.next()? {
            cart.lines.push(line_row(id, row)?);
        }
        Ok(())
    })
    .await?;
    Ok(found)
}

fn cart_row(row: &mut Row<'_>) -> Result<Cart, db::Error> {
    Ok(Cart {
        cart_id: row.next()?,
        user_id: row.next()?,
        status: row.next()?,
        currency: row.next()?,
        order_id: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        seen_at: row.next()?,
        lines: Vec::new(),
    })
}

fn line_row(cart_item_id: CartItemId, row: &mut Row<'_>) -> Result<Line, db::Error> {
    Ok(Line {
        cart_item_id,
        position: row.next()?,
        product_id: row.next()?,
        sku: row.next()?,
        title: row.next()?,
        unit_price: row.next()?,
        quantity: row.next()?,
        added_unit_price: row.next()?,
        wanted: row.next()?,
    })
}
