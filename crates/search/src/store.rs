//! The SQL of this service.
//!
//! Every change takes the next number from `progress` and writes it to the rows it touches: a change of a product or of stock
//! to `documents`, a change of the tree to `categories`. The index reads on from its last position in both lists. There are
//! two lists so that changed products never wait for the many products of a changed category.

use contracts::{
    catalog::{Category, CategoryRef, Product},
    column::JsonText,
    ids::{CategoryId, ProductId, UserId, Uuid},
    review::Rating,
};
use platform::{
    db::{Error, Tx},
    params,
};
use serde::{Deserialize, Serialize};

/// A position in the changed documents: everything up to this change, and within it up to this product, is indexed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DocumentPosition {
    pub change: i64,
    pub product: Uuid,
}

/// A position in the changed categories: their products are indexed again up to this change, within it up to this
/// category, and within that up to this product.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TreePosition {
    pub change: i64,
    pub category: Uuid,
    pub product: Uuid,
}

impl TreePosition {
    /// The position after all products of this change of the tree and of earlier ones.
    #[must_use]
    pub fn after_change(change: i64) -> TreePosition {
        TreePosition { change, category: Uuid::max(), product: Uuid::max() }
    }
}

/// The position of an index in both lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IndexPosition {
    pub documents: DocumentPosition,
    pub tree: TreePosition,
}

/// Documents to index in one commit, in the order in which they were read, and the position after them.
#[derive(Debug, Clone)]
pub struct Batch {
    pub documents: Vec<Document>,
    pub reached: IndexPosition,
}

/// The only row of `progress`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub lineage: Uuid,
    pub changes: i64,
    pub tree_change: i64,
    pub generation: i64,
}

platform::table! {
    ProgressRow in "progress" of Progress, key [one];
    columns { lineage, changes, tree_change, generation }
    extra { one }
}

/// A document to index.
#[derive(Debug, Clone)]
pub struct Document {
    pub product_id: ProductId,
    /// The number of its last change.
    pub change: i64,
    /// `None` when the product is not on sale any more.
    pub product: Option<Product>,
    pub in_stock: bool,
    /// Whether inventory published its stock.
    pub stock_known: bool,
    /// In hundredths of a star; 0 without reviews.
    pub rating_average: i64,
    pub rating_count: i64,
}

impl Document {
    #[must_use]
    pub fn position(&self) -> DocumentPosition {
        DocumentPosition { change: self.change, product: self.product_id.0 }
    }

    /// Whether any is in stock; `None` while that is unknown.
    #[must_use]
    pub fn stock(&self) -> Option<bool> {
        self.stock_known.then_some(self.in_stock)
    }
}

platform::table! {
    Documents in "documents" of Document, key [product_id];
    columns { product_id, change = change_no, product as JsonText }
    computed { in_stock = "EXISTS (SELECT 1 FROM stock WHERE stock.sku = documents.sku AND stock.available_qty > 0)",
        stock_known = "EXISTS (SELECT 1 FROM stock WHERE stock.sku = documents.sku)",
        rating_average = "COALESCE((SELECT average_hundredths FROM ratings WHERE ratings.product_id = documents.product_id), 0)",
        rating_count = "COALESCE((SELECT review_count FROM ratings WHERE ratings.product_id = documents.product_id), 0)" }
    extra { sku, category_id, version }
}

platform::table! {
    Categories in "categories" of Category, key [category_id];
    columns { category_id, name, parent_category_id }
}

platform::table! {
    Stock in "stock", key [sku];
    extra { sku, available_qty }
}

platform::table! {
    Ratings in "ratings" of Rating, key [product_id];
    columns { average_hundredths, count = review_count }
    extra { product_id }
}

/// Inserts the row of `progress` unless it exists.
pub async fn init_progress(tx: &mut Tx) -> Result<Progress, Error> {
    let first = Progress { lineage: tx.new_id(), changes: 0, tree_change: 0, generation: 1 };
    tx.insert_if_absent_with::<ProgressRow>(&first, "(one)", &[("one", &1_i64)]).await?;
    get_progress(tx).await
}

pub async fn get_progress(tx: &mut Tx) -> Result<Progress, Error> {
    tx.find::<ProgressRow>("one = 1", &[]).await?.ok_or_else(|| Error::Failed("the table progress has no row".into()))
}

/// Returns the number of a new change. It locks the row of `progress`, so everything that the unit does afterwards is done
/// by one unit at a time.
async fn next_change(tx: &mut Tx) -> Result<i64, Error> {
    tx.query_one("UPDATE progress SET changes = changes + 1 WHERE one = 1 RETURNING changes", &[], |row| row.next()).await
}

/// Returns the number of a new change of the category tree.
async fn next_tree_change(tx: &mut Tx) -> Result<i64, Error> {
    tx.query_one("UPDATE progress SET changes = changes + 1, tree_change = changes + 1 WHERE one = 1 RETURNING changes", &[], |row| {
        row.next()
    })
    .await
}

/// Requests another index and returns its generation.
pub async fn next_generation(tx: &mut Tx) -> Result<i64, Error> {
    tx.query_one("UPDATE progress SET generation = generation + 1 WHERE one = 1 RETURNING generation", &[], |row| row.next()).await
}

/// Stores a product on sale unless this version or a newer one is stored. Returns whether it was stored.
pub async fn upsert_product(tx: &mut Tx, product: &Product) -> Result<bool, Error> {
    let document = Document {
        product_id: product.product_id,
        change: next_change(tx).await?,
        product: Some(product.clone()),
        in_stock: false,
        stock_known: false,
        rating_average: 0,
        rating_count: 0,
    };
    tx.upsert_if::<Documents>(
        &document,
        &[("sku", &product.sku), ("category_id", &product.category_id), ("version", &product.version)],
        "documents.version < excluded.version",
    )
    .await
}

/// Forgets the versions, because the catalogue counts on from lower ones.
pub async fn forget_versions(tx: &mut Tx) -> Result<(), Error> {
    tx.execute("UPDATE documents SET version = 0", &[]).await.map(|_| ())
}

/// Removes the data of a product unless it is unknown or newer. Returns whether it was removed.
pub async fn remove_product(tx: &mut Tx, product_id: ProductId, version: i64) -> Result<bool, Error> {
    let change = next_change(tx).await?;
    let rows = tx
        .execute(
            "UPDATE documents SET product = NULL, version = $1, change_no = $2 WHERE product_id = $3 AND version < $1",
            params![version, change, product_id],
        )
        .await?;
    Ok(rows == 1)
}

/// Stores the stock of a SKU when it becomes available or unavailable, which is all that searches show. Returns whether
/// that concerns a product on sale.
pub async fn set_stock(tx: &mut Tx, sku: &str, available_qty: i64) -> Result<bool, Error> {
    let changes = "(stock.available_qty > 0) <> (excluded.available_qty > 0)";
    match tx.upsert_if::<Stock>(&(), &[("sku", &sku), ("available_qty", &available_qty)], changes).await? {
        true => touch_sku(tx, sku).await,
        false => Ok(false),
    }
}

/// Stores the rating of a product. Returns whether that concerns a product on sale.
pub async fn set_rating(tx: &mut Tx, product: ProductId, rating: Rating) -> Result<bool, Error> {
    tx.upsert_with::<Ratings>(&rating, &[("product_id", &product)]).await?;
    let change = next_change(tx).await?;
    let sql = "UPDATE documents SET change_no = $1 WHERE product_id = $2 AND product IS NOT NULL";
    Ok(tx.execute(sql, params![change, product]).await? > 0)
}

async fn touch_sku(tx: &mut Tx, sku: &str) -> Result<bool, Error> {
    let change = next_change(tx).await?;
    let rows = tx.execute("UPDATE documents SET change_no = $1 WHERE sku = $2 AND product IS NOT NULL", params![change, sku]).await?;
    Ok(rows > 0)
}

/// Stores a category. Marks it and all categories below it as changed, so that their products are indexed again.
pub async fn save_category(tx: &mut Tx, category: &Category) -> Result<(), Error> {
    let change = next_tree_change(tx).await?;
    tx.upsert::<Categories>(category).await?;
    // UNION instead of UNION ALL, so that the query ends even if the data contains a cycle.
    tx.execute(
        "UPDATE categories SET change_no = $1 WHERE category_id IN ( \
         WITH RECURSIVE below (category_id) AS (SELECT category_id FROM categories WHERE category_id = $2 UNION SELECT c.category_id FROM categories c \
         JOIN below b ON c.parent_category_id = b.category_id) SELECT category_id FROM below)",
        params![change, category.category_id],
    )
    .await
    .map(|_| ())
}

pub async fn delete_category(tx: &mut Tx, id: CategoryId) -> Result<(), Error> {
    next_tree_change(tx).await?;
    tx.execute("DELETE FROM categories WHERE category_id = $1", params![id]).await.map(|_| ())
}

/// Stores the path of a product's category if the category is unknown. The read spares known categories a change of the
/// tree; the inserts decide, so a category that another unit stores meanwhile stays as it is.
pub async fn insert_unknown_path(tx: &mut Tx, path: &[CategoryRef]) -> Result<(), Error> {
    let Some(last) = path.last() else { return Ok(()) };
    if tx.find::<Categories>("category_id = $1", params![last.category_id]).await?.is_some() {
        return Ok(());
    }
    next_tree_change(tx).await?;
    let mut parent_category_id = None;
    for CategoryRef { category_id, name } in path.iter().cloned() {
        tx.insert_if_absent::<Categories>(&Category { category_id, name, parent_category_id }, "(category_id)").await?;
        parent_category_id = Some(category_id);
    }
    Ok(())
}

pub async fn insert_suspended_seller(tx: &mut Tx, seller: UserId) -> Result<(), Error> {
    let sql = "INSERT INTO suspended_sellers (seller_id) VALUES ($1) ON CONFLICT (seller_id) DO NOTHING";
    tx.execute(sql, params![seller]).await.map(|_| ())
}

pub async fn delete_suspended_seller(tx: &mut Tx, seller: UserId) -> Result<(), Error> {
    tx.execute("DELETE FROM suspended_sellers WHERE seller_id = $1", params![seller]).await.map(|_| ())
}

/// Returns the suspended sellers in the order of their ids.
pub async fn list_suspended_sellers(tx: &mut Tx) -> Result<Vec<UserId>, Error> {
    tx.query("SELECT seller_id FROM suspended_sellers ORDER BY seller_id", &[], |row| row.next()).await
}

pub async fn list_categories(tx: &mut Tx) -> Result<Vec<Category>, Error> {
    tx.list::<Categories>("", &[]).await
}

/// Returns the next `limit` documents that changed after `position`, in the order of their changes.
pub async fn list_changed(tx: &mut Tx, position: DocumentPosition, limit: usize) -> Result<Vec<Document>, Error> {
    tx.list::<Documents>(
        "WHERE (change_no, product_id) > ($1, $2) ORDER BY change_no, product_id LIMIT $3",
        params![position.change, position.product, limit],
    )
    .await
}

/// Returns the next `limit` products on sale whose category changed after `position`, by category, and the new
/// position. A category that changed again meanwhile comes again.
pub async fn list_touched(tx: &mut Tx, mut position: TreePosition, limit: usize) -> Result<(Vec<Document>, TreePosition), Error> {
    let mut found = Vec::new();
    loop {
        found.extend(list_in_category(tx, position, limit - found.len()).await?);
        if found.len() == limit {
            position.product = found.last().map_or(position.product, |last| last.product_id.0);
            return Ok((found, position));
        }
        match find_next_category(tx, position).await? {
            Some(next) => position = next,
            None => return Ok((found, TreePosition::after_change(get_progress(tx).await?.tree_change))),
        }
    }
}

/// Returns the next products of the category at `position`, unless the category changed since.
async fn list_in_category(tx: &mut Tx, position: TreePosition, limit: usize) -> Result<Vec<Document>, Error> {
    tx.list::<Documents>(
        "WHERE category_id = $1 AND product IS NOT NULL AND product_id > $2 \
         AND EXISTS (SELECT 1 FROM categories WHERE category_id = $1 AND change_no = $3) ORDER BY product_id LIMIT $4",
        params![position.category, position.product, position.change, limit],
    )
    .await
}

/// Returns the start of the next category after `position` that changed and has products on sale.
async fn find_next_category(tx: &mut Tx, position: TreePosition) -> Result<Option<TreePosition>, Error> {
    tx.query_opt(
        "SELECT c.change_no, c.category_id FROM categories c WHERE (c.change_no, c.category_id) > ($1, $2) \
         AND EXISTS (SELECT 1 FROM documents d WHERE d.category_id = c.category_id AND d.product IS NOT NULL) \
         ORDER BY c.change_no, c.category_id LIMIT 1",
        params![position.change, position.category],
        |row| Ok(TreePosition { change: row.next()?, category: row.next()?, product: Uuid::nil() }),
    )
    .await
}

/// Counts the documents that an index at this position has not indexed yet.
pub async fn count_waiting(tx: &mut Tx, reached: IndexPosition) -> Result<i64, Error> {
    let IndexPosition { documents, tree } = reached;
    tx.query_one(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM (SELECT product_id FROM documents WHERE (change_no, product_id) > ($1, $2) \
         UNION SELECT d.product_id FROM categories c CROSS JOIN documents d \
         WHERE d.category_id = c.category_id AND (c.change_no, c.category_id) >= ($3, $4) AND d.product IS NOT NULL \
         AND (c.change_no, c.category_id, d.product_id) > ($3, $4, $5)) AS waiting",
        params![documents.change, documents.product, tree.change, tree.category, tree.product],
        |row| row.next(),
    )
    .await
}
