//! The SQL of wish lists.

use contracts::{
    ids::{ProductId, UserId, Uuid},
    time::Timestamp,
};
use platform::{
    db::{Error, Select, Tx},
    params,
};

/// A product on the wish list of a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    pub wishlist_item_id: Uuid,
    pub user_id: UserId,
    pub product_id: ProductId,
    pub sku: String,
    pub title: String,
    pub added_at: Timestamp,
}

platform::table! {
    pub(super) Wishes in "wishlist_items" of Wish, key [wishlist_item_id];
    columns { wishlist_item_id, added_at }
    insert_only { user_id, product_id, sku, title = title_snapshot }
}

/// Adds a product. One that is there stays where it is.
pub async fn insert(tx: &mut Tx, wish: &Wish) -> Result<(), Error> {
    tx.insert_if_absent::<Wishes>(wish, "(user_id, product_id)").await.map(|_| ())
}

pub async fn exists(tx: &mut Tx, owner: UserId, product: ProductId) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM wishlist_items WHERE user_id = $1 AND product_id = $2";
    Ok(tx.query_opt(sql, params![owner, product], |row| row.next::<i64>()).await?.is_some())
}

/// Returns how many products are on the list.
pub async fn count(tx: &mut Tx, owner: UserId) -> Result<i64, Error> {
    tx.query_one("SELECT COUNT(*) FROM wishlist_items WHERE user_id = $1", params![owner], |row| row.next()).await
}

/// Removes a product. One that is not there changes nothing.
pub async fn delete(tx: &mut Tx, owner: UserId, product: ProductId) -> Result<(), Error> {
    let sql = "DELETE FROM wishlist_items WHERE user_id = $1 AND product_id = $2";
    tx.execute_pipelined(sql, params![owner, product]).await
}

/// Returns the products of a customer, the last added first.
pub async fn list(tx: &mut Tx, owner: UserId, before: Option<Uuid>, rows: i64) -> Result<Vec<Wish>, Error> {
    let select = Select::of::<Wishes>().filter("user_id = ?", owner).filter_some("wishlist_item_id < ?", before);
    select.limit("wishlist_item_id DESC", rows).list(tx).await
}
