//! Copies of the catalogue's products.

use crate::domain::ProductCopy;
use contracts::ids::ProductId;
use platform::{
    db::{Error, Tx},
    params,
};

/// The constraint that gives a SKU to one product.
pub const ONE_PRODUCT_PER_SKU: &str = "products.sku";

pub async fn find_product(tx: &mut Tx, id: ProductId) -> Result<Option<ProductCopy>, Error> {
    tx.query_opt("SELECT product_id, seller_id, sku, archived, version FROM products WHERE product_id = $1", params![id], |row| {
        Ok(ProductCopy { product_id: row.next()?, seller_id: row.next()?, sku: row.next()?, archived: row.next()?, version: row.next()? })
    })
    .await
}

/// Returns the product whose copy has this SKU.
pub async fn find_product_with_sku(tx: &mut Tx, sku: &str) -> Result<Option<ProductId>, Error> {
    tx.query_opt("SELECT product_id FROM products WHERE sku = $1", params![sku], |row| row.next()).await
}

/// Stores a copy unless a newer version is stored. Returns whether it was stored.
pub async fn upsert_if_newer(tx: &mut Tx, product: &ProductCopy) -> Result<bool, Error> {
    let rows = tx
        .execute(
            "INSERT INTO products (product_id, seller_id, sku, archived, version) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (product_id) DO UPDATE SET seller_id = excluded.seller_id, sku = excluded.sku, archived = excluded.archived, \
             version = excluded.version WHERE excluded.version > products.version",
            params![product.product_id, product.seller_id, product.sku, product.archived, product.version],
        )
        .await?;
    Ok(rows == 1)
}
