//! Stock items and the ledger of their movements.

use super::expect_changed;
use crate::domain::{Change, Stock};
use contracts::{
    ids::{ProductId, ReservationId, StockItemId, UserId, Uuid},
    time::Timestamp,
};
use platform::{
    db::{Error, Select, Tx},
    params,
};

platform::table! {
    StockItems in "stock_items" of Stock, key [stock_item_id];
    columns { stock_item_id, sku, product_id, seller_id, available_qty, reserved_qty, low_stock_threshold, version, updated_at }
}

/// A row of the ledger.
struct Movement {
    movement_id: Uuid,
    stock_item_id: StockItemId,
    change: Change,
    reservation_id: Option<ReservationId>,
    note: Option<String>,
    occurred_at: Timestamp,
}

platform::table! {
    Movements in "stock_movements" of Movement, key [movement_id];
    columns {
        movement_id, stock_item_id,
        change: Change { available = delta_available, reserved = delta_reserved, reason },
        reservation_id, note, occurred_at,
    }
}

/// The constraint that gives a SKU to one stock item.
pub const ONE_ITEM_PER_SKU: &str = "stock_items.sku";

/// Moves units in one statement: adds `$2` and `$3` unless a quantity would become negative.
macro_rules! move_units_sql {
    ($which:literal) => {
        concat!(
            "UPDATE stock_items SET available_qty = available_qty + $2, reserved_qty = reserved_qty + $3, version = version + 1, \
             updated_at = $4 WHERE ",
            $which,
            " AND available_qty + $2 >= 0 AND reserved_qty + $3 >= 0"
        )
    };
}

fn of_sku(owner: Option<UserId>, sku: &str) -> Select<StockItems> {
    Select::of::<StockItems>().filter("sku = ?", sku.to_owned()).filter_some("seller_id = ?", owner)
}

/// Returns the stock of `sku`. With an `owner`, stock of another seller is not found.
pub async fn find_stock(tx: &mut Tx, owner: Option<UserId>, sku: &str) -> Result<Option<Stock>, Error> {
    of_sku(owner, sku).find(tx).await
}

/// As [`find_stock`], with the row locked until the commit.
pub async fn lock_stock(tx: &mut Tx, owner: Option<UserId>, sku: &str) -> Result<Option<Stock>, Error> {
    of_sku(owner, sku).lock(tx).await
}

/// Returns the items of a product and the item of a SKU. Their rows are locked in the order of their SKUs until the commit.
pub async fn lock_items(tx: &mut Tx, product: ProductId, sku: &str) -> Result<Vec<Stock>, Error> {
    let mut found: Vec<(String, StockItemId)> = tx
        .query("SELECT sku, stock_item_id FROM stock_items WHERE product_id = $1 OR sku = $2", params![product, sku], |row| {
            Ok((row.next()?, row.next()?))
        })
        .await?;
    found.sort();
    let mut items = Vec::with_capacity(found.len());
    for (_, id) in found {
        let which = "stock_item_id = $1 AND (product_id = $2 OR sku = $3)";
        items.extend(tx.lock::<StockItems>(which, params![id, product, sku]).await?);
    }
    Ok(items)
}

/// Returns the stock of these SKUs, without the unknown ones.
pub async fn find_stocks(tx: &mut Tx, skus: &[String]) -> Result<Vec<Stock>, Error> {
    Select::of::<StockItems>().filter_in("sku", skus).list(tx).await
}

/// Returns stock items after `after`, newest first; `low` keeps only those that are low, or are not.
pub async fn list_stock(
    tx: &mut Tx,
    owner: Option<UserId>,
    low: Option<bool>,
    after: Option<StockItemId>,
    rows: i64,
) -> Result<Vec<Stock>, Error> {
    let all = Select::of::<StockItems>();
    let selected = match low {
        None => all,
        Some(true) => all.filter_literal("available_qty <= low_stock_threshold"),
        Some(false) => all.filter_literal("available_qty > low_stock_threshold"),
    };
    selected.filter_some("seller_id = ?", owner).filter_some("stock_item_id < ?", after).limit("stock_item_id DESC", rows).list(tx).await
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
    tx.insert_if_absent::<StockItems>(stock, "(sku)").await
}

/// Stores an item whose row is locked.
pub async fn save(tx: &mut Tx, stock: &Stock) -> Result<(), Error> {
    let changed = tx.update::<StockItems>(stock).await?;
    expect_changed(changed, "a stock item disappeared under its lock")
}

/// Moves units of `sku`. Returns `None` when there is no such item or not enough of it.
pub async fn try_move_units(tx: &mut Tx, sku: &str, change: Change) -> Result<Option<Stock>, Error> {
    let params = params![sku, change.available, change.reserved, tx.now()];
    Ok(tx.execute_returning::<StockItems>(move_units_sql!("sku = $1"), params).await?.pop())
}

/// Moves units that must be there.
pub async fn move_units(tx: &mut Tx, item: StockItemId, change: Change) -> Result<Stock, Error> {
    let params = params![item, change.available, change.reserved, tx.now()];
    let moved = tx.execute_returning::<StockItems>(move_units_sql!("stock_item_id = $1"), params).await?.pop();
    moved.ok_or_else(|| Error::Failed("a reservation holds units that its stock item does not".into()))
}

/// Inserts a row into the ledger.
pub async fn insert_movement(
    tx: &mut Tx,
    stock_item_id: StockItemId,
    change: Change,
    reservation_id: Option<ReservationId>,
    note: Option<&str>,
) -> Result<(), Error> {
    let (movement_id, occurred_at) = (tx.new_id(), tx.now());
    tx.insert::<Movements>(&Movement { movement_id, stock_item_id, change, reservation_id, note: note.map(str::to_owned), occurred_at })
        .await
}

/// Returns stock items for a file, the oldest first. With an `owner`, only that seller's.
pub async fn list_for_export(tx: &mut Tx, owner: Option<UserId>, after: Option<StockItemId>, rows: i64) -> Result<Vec<Stock>, Error> {
    let select = Select::of::<StockItems>().filter_some("seller_id = ?", owner).filter_some("stock_item_id > ?", after);
    select.limit("stock_item_id", rows).list(tx).await
}
