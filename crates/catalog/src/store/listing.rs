//! The listing of products by category, and the queries of lists.

use super::product_rows::Products;
use contracts::{
    catalog::{ModerationStatus, Product, ProductFilter},
    ids::{CategoryId, ProductId, Uuid},
};
use platform::{
    db::{Error, Select, Tx},
    params,
};

/// Who is a list for, besides what its filter says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// What can be bought.
    OnSale,
    /// Also what is blocked or belongs to a suspended seller: for owners and administrators.
    Everything,
}

impl Shown {
    /// The moderation that products of the list have; any when `None`.
    fn moderation(self) -> Option<ModerationStatus> {
        (self == Shown::OnSale).then_some(ModerationStatus::Clear)
    }
}

/// Builds the query of a list: products before `before`, newest first. Every combination of filters reads one range of an
/// index in the order of the list.
/// Blocked products and those of suspended sellers are skipped row by row.
pub fn listed(filter: &ProductFilter, shown: Shown, before: Option<ProductId>, rows: i64) -> Select<Products> {
    match filter.category {
        None => Select::of::<Products>()
            .filter_some("seller_id = ?", filter.seller_id)
            .filter_some("status = ?", filter.status)
            .filter_some("product_id < ?", before)
            .filter_some(
                "products.moderation_status = ? AND NOT EXISTS (SELECT 1 FROM suspended_sellers s WHERE s.seller_id = products.seller_id)",
                shown.moderation(),
            )
            .limit("product_id DESC", rows),
        Some(category) => Select::joined::<Products>("products", "product_listing l JOIN products ON products.product_id = l.product_id")
            .filter("l.category_id = ?", category)
            .filter_some("l.seller_id = ?", filter.seller_id)
            .filter_some("l.status = ?", filter.status)
            .filter_some("l.product_id < ?", before)
            .filter_some(
                "products.moderation_status = ? AND NOT EXISTS (SELECT 1 FROM suspended_sellers s WHERE s.seller_id = products.seller_id)",
                shown.moderation(),
            )
            .limit("l.product_id DESC", rows),
    }
}

/// Returns the products of [`listed`] without their category paths.
pub async fn list_products(
    tx: &mut Tx,
    filter: &ProductFilter,
    shown: Shown,
    before: Option<ProductId>,
    rows: i64,
) -> Result<Vec<Product>, Error> {
    listed(filter, shown, before, rows).list(tx).await
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

/// Rewrites the listing rows of a locked product after its category or status changed.
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

/// Locks a relisting in progress and returns it with the last product it has done. A request to start it again waits for
/// the commit, so this step does not overwrite it.
pub async fn lock_relisting(tx: &mut Tx) -> Result<Option<(CategoryId, ProductId)>, Error> {
    tx.lock_opt("SELECT category_id, after_product_id FROM relistings ORDER BY category_id LIMIT 1", &[], |row| {
        Ok((row.next()?, row.next()?))
    })
    .await
}

/// Locks the products listed in this category after `after` and returns them, oldest first.
pub async fn lock_listed(tx: &mut Tx, category: CategoryId, after: ProductId, rows: usize) -> Result<Vec<ProductId>, Error> {
    tx.lock_all(
        "SELECT product_id FROM products WHERE product_id IN (SELECT product_id FROM product_listing WHERE category_id = $1 \
         AND product_id > $2 ORDER BY product_id LIMIT $3) ORDER BY product_id",
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
