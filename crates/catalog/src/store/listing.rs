//! The listing of products by category, and the queries of lists.

use super::product_rows::{product_columns, product_row};
use crate::domain::viewer::Filter;
use contracts::{
    catalog::Product,
    ids::{CategoryId, ProductId, Uuid},
};
use platform::{
    db::{Error, Select, Tx},
    params,
};

/// Builds the query of a list: products after `after`, newest first. Every combination of filters reads one range of an
/// index in the order of the list.
pub fn listed(filter: Filter, after: Option<ProductId>, rows: i64) -> Select {
    match filter.category {
        None => Select::from(concat!("SELECT ", product_columns!(), " FROM products p"))
            .filter_some("p.seller_id = ?", filter.seller)
            .filter_some("p.status = ?", filter.status)
            .filter_some("p.product_id < ?", after)
            .limit("p.product_id DESC", rows),
        Some(category) => {
            Select::from(concat!("SELECT ", product_columns!(), " FROM product_listing l JOIN products p ON p.product_id = l.product_id"))
                .filter("l.category_id = ?", category)
                .filter_some("l.seller_id = ?", filter.seller)
                .filter_some("l.status = ?", filter.status)
                .filter_some("l.product_id < ?", after)
                .limit("l.product_id DESC", rows)
        }
    }
}

/// Returns the products of [`listed`] without their category paths.
pub async fn list_products(tx: &mut Tx, filter: Filter, after: Option<ProductId>, rows: i64) -> Result<Vec<Product>, Error> {
    listed(filter, after, rows).rows(tx, product_row).await
}

/// Inserts the listing rows of a new product: one for its category and one for each ancestor.
pub async fn list_product(tx: &mut Tx, id: ProductId) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO product_listing (product_id, category_id, seller_id, status) \
         SELECT p.product_id, a.ancestor_id, p.seller_id, p.status FROM products p \
         JOIN category_ancestors a ON a.category_id = p.category_id WHERE p.product_id = $1",
        params![id],
    )
    .await
    .map(|_| ())
}

/// Rewrites the listing rows of a product after its category or status changed.
pub async fn relist_product(tx: &mut Tx, id: ProductId) -> Result<(), Error> {
    tx.execute("DELETE FROM product_listing WHERE product_id = $1", params![id]).await?;
    list_product(tx, id).await
}

/// Requests that all products listed in this category are listed again, from the first one on.
pub async fn request_relisting(tx: &mut Tx, category: CategoryId) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO relistings (category_id, after_product_id) VALUES ($1, $2) \
         ON CONFLICT (category_id) DO UPDATE SET after_product_id = excluded.after_product_id",
        params![category, Uuid::nil()],
    )
    .await
    .map(|_| ())
}

/// Returns a relisting in progress and the last product it has done.
pub async fn next_relisting(tx: &mut Tx) -> Result<Option<(CategoryId, ProductId)>, Error> {
    tx.query_opt("SELECT category_id, after_product_id FROM relistings ORDER BY category_id LIMIT 1", &[], |row| {
        Ok((row.next()?, row.next()?))
    })
    .await
}

/// Returns the products listed in this category after `after`, oldest first.
pub async fn list_listed(tx: &mut Tx, category: CategoryId, after: ProductId, rows: usize) -> Result<Vec<ProductId>, Error> {
    tx.query(
        "SELECT product_id FROM product_listing WHERE category_id = $1 AND product_id > $2 ORDER BY product_id LIMIT $3",
        params![category, after, rows],
        |row| row.next(),
    )
    .await
}

/// Stores the progress of the relisting.
pub async fn continue_relisting(tx: &mut Tx, category: CategoryId, after: ProductId) -> Result<(), Error> {
    tx.execute("UPDATE relistings SET after_product_id = $2 WHERE category_id = $1", params![category, after]).await.map(|_| ())
}

pub async fn finish_relisting(tx: &mut Tx, category: CategoryId) -> Result<(), Error> {
    tx.execute("DELETE FROM relistings WHERE category_id = $1", params![category]).await.map(|_| ())
}
