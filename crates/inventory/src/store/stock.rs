//! Stock items and the ledger of their movements.

use super::{expect_one, only};
use crate::domain::{Change, Stock};
use contracts::{
    column::Column,
    ids::{ProductId, ReservationId, StockItemId, UserId},
};
use platform::{
    db::{Error, Row, Select, Tx},
    params,
};

/// The columns of [`row`].
macro_rules! columns {
    () => {
        "stock_item_id, sku, product_id, seller_id, available_qty, reserved_qty, low_stock_threshold, version, updated_at"
    };
}

/// Moves units in one statement: adds `$2` and `$3` unless a quantity would become negative.
macro_rules! move_units_sql {
    ($which:literal) => {
        concat!(
            "UPDATE stock_items SET available_qty = available_qty + $2, reserved_qty = reserved_qty + $3, version = version + 1, \
             updated_at = $4 WHERE ",
            $which,
            " AND available_qty + $2 >= 0 AND reserved_qty + $3 >= 0 RETURNING ",
            columns!()
        )
    };
}

fn row(row: &mut Row<'_>) -> Result<Stock, Error> {
    Ok(Stock {
        stock_item_id: row.next()?,
        sku: row.next()?,
        product_id: row.next()?,
        seller_id: row.next()?,
        available_qty: row.next()?,
        reserved_qty: row.next()?,
        low_stock_threshold: row.next()?,
        version: row.next()?,
        updated_at: row.next()?,
    })
}

/// Returns the stock of `sku`. With an `owner`, stock of another seller is not found.
pub async fn find_stock(tx: &mut Tx, owner: Option<UserId>, sku: &str) -> Result<Option<Stock>, Error> {
    match owner {
        None => tx.query_opt(concat!("SELECT ", columns!(), " FROM stock_items WHERE sku = $1"), params![sku], row).await,
        Some(owner) => {
            let sql = concat!("SELECT ", columns!(), " FROM stock_items WHERE sku = $1 AND seller_id = $2");
            tx.query_opt(sql, params![sku, owner], row).await
        }
    }
}

/// As [`find_stock`], with the row locked until the commit.
pub async fn lock_stock(tx: &mut Tx, owner: Option<UserId>, sku: &str) -> Result<Option<Stock>, Error> {
    find_stock(tx, owner, sku).await
}

/// Returns the stock of these SKUs, without the unknown ones.
pub async fn find_stocks(tx: &mut Tx, skus: &[String]) -> Result<Vec<Stock>, Error> {
    let Some(last) = skus.len().checked_sub(1) else { return Ok(Vec::new()) };
    // The number of placeholders is a power of two and the last SKU is repeated, so that few different statements are
    // prepared.
    let places: Vec<String> = (1..=skus.len().next_power_of_two()).map(|place| format!("${place}")).collect();
    let sql = format!(concat!("SELECT ", columns!(), " FROM stock_items WHERE sku IN ({})"), places.join(", "));
    let params: Vec<&dyn Column> = (0..places.len()).map(|place| &skus[place.min(last)] as &dyn Column).collect();
    tx.query(&sql, &params, row).await
}

/// Returns stock items after `after`, newest first; `low` keeps only those that are low, or are not.
pub async fn list_stock(
    tx: &mut Tx,
    owner: Option<UserId>,
    low: Option<bool>,
    after: Option<StockItemId>,
    rows: i64,
) -> Result<Vec<Stock>, Error> {
    let which = match low {
        None => concat!("SELECT ", columns!(), " FROM stock_items"),
        Some(true) => concat!("SELECT ", columns!(), " FROM stock_items WHERE available_qty <= low_stock_threshold"),
        Some(false) => concat!("SELECT ", columns!(), " FROM stock_items WHERE available_qty > low_stock_threshold"),
    };
    Select::from(which)
        .filter_some("seller_id = ?", owner)
        .filter_some("stock_item_id < ?", after)
        .limit("stock_item_id DESC", rows)
        .rows(tx, row)
        .await
}

/// Returns how many units of a product can be sold: none of an archived one.
pub async fn available_of(tx: &mut Tx, product: ProductId) -> Result<i64, Error> {
    tx.query_one(
        "SELECT CAST(COALESCE(SUM(i.available_qty), 0) AS BIGINT) FROM stock_items i LEFT JOIN products p ON p.product_id = i.product_id \
         WHERE i.product_id = $1 AND (p.archived IS NULL OR NOT p.archived)",
        params![product],
        |row| row.next(),
    )
    .await
}

/// Inserts an item. Returns `false` when its SKU has one.
pub async fn insert(tx: &mut Tx, stock: &Stock) -> Result<bool, Error> {
    let rows = tx
        .execute(
            "INSERT INTO stock_items (stock_item_id, sku, product_id, seller_id, available_qty, reserved_qty, low_stock_threshold, version, \
             updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (sku) DO NOTHING",
            params![
                stock.stock_item_id,
                stock.sku,
                stock.product_id,
                stock.seller_id,
                stock.available_qty,
                stock.reserved_qty,
                stock.low_stock_threshold,
                stock.version,
                stock.updated_at
            ],
        )
        .await?;
    Ok(rows == 1)
}

/// Stores the edited fields of an item whose row is locked.
pub async fn save(tx: &mut Tx, stock: &Stock) -> Result<(), Error> {
    let rows = tx
        .execute(
            "UPDATE stock_items SET product_id = $2, seller_id = $3, available_qty = $4, low_stock_threshold = $5, version = $6, \
             updated_at = $7 WHERE stock_item_id = $1",
            params![
                stock.stock_item_id,
                stock.product_id,
                stock.seller_id,
                stock.available_qty,
                stock.low_stock_threshold,
                stock.version,
                stock.updated_at
            ],
        )
        .await?;
    expect_one(rows, "a stock item disappeared under its lock")
}

/// Moves units of `sku`. Returns `None` when there is no such item or not enough of it.
pub async fn try_move_units(tx: &mut Tx, sku: &str, change: Change) -> Result<Option<Stock>, Error> {
    let now = tx.now();
    tx.query(move_units_sql!("sku = $1"), params![sku, change.available, change.reserved, now], row).await.map(only)
}

/// Moves units that must be there.
pub async fn move_units(tx: &mut Tx, item: StockItemId, change: Change) -> Result<Stock, Error> {
    let now = tx.now();
    tx.query(move_units_sql!("stock_item_id = $1"), params![item, change.available, change.reserved, now], row)
        .await
        .map(only)?
        .ok_or_else(|| Error::Failed("a reservation holds units that its stock item does not".into()))
}

/// Inserts a row into the ledger.
pub async fn insert_movement(
    tx: &mut Tx,
    item: StockItemId,
    change: Change,
    reservation: Option<ReservationId>,
    note: Option<&str>,
) -> Result<(), Error> {
    let (id, now) = (tx.new_id::<contracts::ids::Uuid>(), tx.now());
    tx.execute(
        "INSERT INTO stock_movements (movement_id, stock_item_id, delta_available, delta_reserved, reason, reservation_id, note, occurred_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![id, item, change.available, change.reserved, change.reason, reservation, note.map(str::to_owned), now],
    )
    .await
    .map(|_| ())
}

/// Assigns the item of `sku` to the product. Returns the item if that changed it.
pub async fn assign_to_product(tx: &mut Tx, product: ProductId, sku: &str) -> Result<Option<Stock>, Error> {
    let now = tx.now();
    tx.query(
        concat!(
            "UPDATE stock_items SET product_id = $1, version = version + 1, updated_at = $3 WHERE sku = $2 AND product_id <> $1 RETURNING ",
            columns!()
        ),
        params![product, sku, now],
        row,
    )
    .await
    .map(only)
}

/// Gives the product's item this SKU unless another item has it. Returns the item if that changed it.
pub async fn rename_sku(tx: &mut Tx, product: ProductId, sku: &str) -> Result<Option<Stock>, Error> {
    let now = tx.now();
    tx.query(
        concat!(
            "UPDATE stock_items SET sku = $2, version = version + 1, updated_at = $3 WHERE stock_item_id = (SELECT stock_item_id FROM \
             stock_items WHERE product_id = $1 ORDER BY stock_item_id LIMIT 1) AND NOT EXISTS (SELECT 1 FROM stock_items WHERE sku = $2) \
             RETURNING ",
            columns!()
        ),
        params![product, sku, now],
        row,
    )
    .await
    .map(only)
}

/// Stores the seller of the product's items. Their ETags stay, because users do not edit the seller here.
pub async fn set_seller(tx: &mut Tx, product: ProductId, seller: Option<UserId>) -> Result<(), Error> {
    tx.execute("UPDATE stock_items SET seller_id = $2 WHERE product_id = $1 AND seller_id IS DISTINCT FROM $2", params![product, seller])
        .await
        .map(|_| ())
}
