//! Copies of the catalogue's products.

use crate::domain::ProductCopy;
use contracts::ids::{ProductId, UserId};
use platform::{
    db::{Error, Tx},
    params,
};

platform::table! {
    Products in "products" of ProductCopy, key [product_id];
    columns { product_id, seller_id, sku, archived, on_sale, version }
}

/// The constraint that gives a SKU to one product.
pub const ONE_PRODUCT_PER_SKU: &str = "products.sku";

pub async fn find_product(tx: &mut Tx, id: ProductId) -> Result<Option<ProductCopy>, Error> {
    tx.find::<Products>("product_id = $1", params![id]).await
}

/// Whether the copy says that the product is on sale, and its seller is not suspended.
pub async fn is_on_sale(tx: &mut Tx, id: ProductId) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM products p WHERE p.product_id = $1 AND p.on_sale \
         AND NOT EXISTS (SELECT 1 FROM suspended_sellers s WHERE s.seller_id = p.seller_id)";
    Ok(tx.query_opt(sql, params![id], |row| row.next::<i64>()).await?.is_some())
}

pub async fn insert_suspended_seller(tx: &mut Tx, seller: UserId) -> Result<(), Error> {
    let sql = "INSERT INTO suspended_sellers (seller_id) VALUES ($1) ON CONFLICT (seller_id) DO NOTHING";
    tx.execute_pipelined(sql, params![seller]).await
}

pub async fn delete_suspended_seller(tx: &mut Tx, seller: UserId) -> Result<(), Error> {
    tx.execute_pipelined("DELETE FROM suspended_sellers WHERE seller_id = $1", params![seller]).await
}

/// Returns the copy of the product and the copy that has the SKU. Their rows are locked until the commit.
pub async fn lock_products(tx: &mut Tx, id: ProductId, sku: &str) -> Result<Vec<ProductCopy>, Error> {
    tx.lock_list::<Products>("WHERE product_id = $1 OR sku = $2 ORDER BY product_id", params![id, sku]).await
}

/// Forgets the versions, because the catalogue counts on from lower ones.
pub async fn forget_versions(tx: &mut Tx) -> Result<(), Error> {
    tx.execute_pipelined("UPDATE products SET version = 0", &[]).await
}

/// Stores a copy unless a newer version is stored. Returns whether it was stored.
pub async fn upsert_if_newer(tx: &mut Tx, product: &ProductCopy) -> Result<bool, Error> {
    tx.upsert_if::<Products>(product, &[], "excluded.version > products.version").await
}
