//! How documents are kept: the only SQL of this service.
//!
//! Every change of what the index shows takes the next number of `progress` and writes it to the rows it touches: that of
//! a product or of stock to documents, that of the tree to categories. So the index is brought up to date by reading on
//! from the last number and product it holds, on two lists: the few that changed never wait for the many whose category did.

use contracts::{
    catalog::{CategoryRef, Product},
    column::Json,
    ids::{CategoryId, ProductId, Uuid},
};
use platform::{
    db::{Error, Row, Tx},
    params,
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// How far an index has come with documents that changed: everything up to this change, and within it up to this
/// product, is in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DocumentPosition {
    pub change: i64,
    pub product: Uuid,
}

/// How far an index has come with categories that changed: their products up to this change, within it up to this
/// category, and within that up to this product, have been taken in since.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TreePosition {
    pub change: i64,
    pub category: Uuid,
    pub product: Uuid,
}

impl TreePosition {
    /// Behind all that this change of the tree and those before it touched.
    #[must_use]
    pub fn after_change(change: i64) -> TreePosition {
        TreePosition { change, category: Uuid::max(), product: Uuid::max() }
    }
}

/// How far an index has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IndexPosition {
    pub documents: DocumentPosition,
    pub tree: TreePosition,
}

/// Documents that an index takes in at once, in the order in which they were read, and how far it has come with them.
#[derive(Debug, Clone)]
pub struct Batch {
    pub documents: Vec<Document>,
    pub reached: IndexPosition,
}

/// The one row of `progress`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub lineage: Uuid,
    pub changes: i64,
    pub tree_change: i64,
    pub generation: i64,
}

/// A document as the index takes it in.
#[derive(Debug, Clone)]
pub struct Document {
    pub product_id: ProductId,
    /// The number of its last change.
    pub change: i64,
    /// None once it is off sale.
    pub product: Option<Product>,
    pub in_stock: bool,
}

impl Document {
    #[must_use]
    pub fn position(&self) -> DocumentPosition {
        DocumentPosition { change: self.change, product: self.product_id.0 }
    }
}

/// Makes the row of `progress` unless it is there.
pub async fn init_progress(tx: &mut Tx) -> Result<Progress, Error> {
    let lineage: Uuid = tx.new_id();
    tx.execute(
        "INSERT INTO progress (one, lineage, changes, tree_change, generation) VALUES (1, $1, 0, 0, 1) ON CONFLICT (one) DO NOTHING",
        params![lineage],
    )
    .await?;
    get_progress(tx).await
}

pub async fn get_progress(tx: &mut Tx) -> Result<Progress, Error> {
    tx.query_one("SELECT lineage, changes, tree_change, generation FROM progress WHERE one = 1", &[], |row| {
        Ok(Progress { lineage: row.next()?, changes: row.next()?, tree_change: row.next()?, generation: row.next()? })
    })
    .await
}

/// The number of the change in hand.
async fn next_change(tx: &mut Tx) -> Result<i64, Error> {
    tx.query_one("UPDATE progress SET changes = changes + 1 WHERE one = 1 RETURNING changes", &[], |row| row.next()).await
}

/// The number of a change that touches the tree of categories.
async fn next_tree_change(tx: &mut Tx) -> Result<i64, Error> {
    tx.query_one("UPDATE progress SET changes = changes + 1, tree_change = changes + 1 WHERE one = 1 RETURNING changes", &[], |row| {
        row.next()
    })
    .await
}

/// Asks for another index; its generation.
pub async fn next_generation(tx: &mut Tx) -> Result<i64, Error> {
    tx.query_one("UPDATE progress SET generation = generation + 1 WHERE one = 1 RETURNING generation", &[], |row| row.next()).await
}

/// Keeps a product that is on sale, unless a newer copy is here. Whether it was kept.
pub async fn upsert_product(tx: &mut Tx, product: &Product) -> Result<bool, Error> {
    let change = next_change(tx).await?;
    let rows = tx
        .execute(
            "INSERT INTO documents (product_id, sku, category_id, version, product, change_no) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (product_id) DO UPDATE SET sku = excluded.sku, category_id = excluded.category_id, \
             version = excluded.version, product = excluded.product, change_no = excluded.change_no \
             WHERE documents.version < excluded.version",
            params![product.product_id, product.sku.as_str(), product.category_id, product.version, Json(product.clone()), change],
        )
        .await?;
    Ok(rows == 1)
}

/// Forgets what a product was, if anything is known of it and nothing newer. Whether there was something to forget.
pub async fn remove_product(tx: &mut Tx, product_id: ProductId, version: i64) -> Result<bool, Error> {
    let known = tx
        .query_opt("SELECT 1 FROM documents WHERE product_id = $1 AND version < $2", params![product_id, version], |row| row.next::<i64>())
        .await?;
    if known.is_none() {
        return Ok(false);
    }
    let change = next_change(tx).await?;
    tx.execute(
        "UPDATE documents SET product = NULL, version = $1, change_no = $2 WHERE product_id = $3",
        params![version, change, product_id],
    )
    .await?;
    Ok(true)
}

/// Keeps the stock of a SKU. Whether what can be bought changed by it, rather than only how much.
pub async fn set_stock(tx: &mut Tx, sku: &str, available_qty: i64) -> Result<bool, Error> {
    let before =
        tx.query_opt("SELECT available_qty FROM stock WHERE sku = $1", params![sku], |row| row.next::<i64>()).await?.unwrap_or_default();
    tx.execute(
        "INSERT INTO stock (sku, available_qty) VALUES ($1, $2) ON CONFLICT (sku) DO UPDATE SET available_qty = excluded.available_qty",
        params![sku, available_qty],
    )
    .await?;
    if (before > 0) == (available_qty > 0) {
        return Ok(false);
    }
    touch_sku(tx, sku).await
}

async fn touch_sku(tx: &mut Tx, sku: &str) -> Result<bool, Error> {
    let change = next_change(tx).await?;
    let rows = tx.execute("UPDATE documents SET change_no = $1 WHERE sku = $2 AND product IS NOT NULL", params![change, sku]).await?;
    Ok(rows > 0)
}

/// Keeps a category, and marks it and all below it as changed, so that their products are taken in again.
pub async fn save_category(tx: &mut Tx, id: CategoryId, name: &str, parent: Option<CategoryId>) -> Result<(), Error> {
    let change = next_tree_change(tx).await?;
    tx.execute(
        "INSERT INTO categories (category_id, name, parent_category_id) VALUES ($1, $2, $3) ON CONFLICT (category_id) DO UPDATE \
         SET name = excluded.name, parent_category_id = excluded.parent_category_id",
        params![id, name, parent],
    )
    .await?;
    // UNION and not UNION ALL: should the tree ever hold a circle, this ends all the same.
    tx.execute(
        "UPDATE categories SET change_no = $1 WHERE category_id IN ( \
         WITH RECURSIVE below (category_id) AS (SELECT category_id FROM categories WHERE category_id = $2 UNION SELECT c.category_id FROM categories c \
         JOIN below b ON c.parent_category_id = b.category_id) SELECT category_id FROM below)",
        params![change, id],
    )
    .await
    .map(|_| ())
}

pub async fn delete_category(tx: &mut Tx, id: CategoryId) -> Result<(), Error> {
    next_tree_change(tx).await?;
    tx.execute("DELETE FROM categories WHERE category_id = $1", params![id]).await.map(|_| ())
}

/// Learns the path of a product's category when it was not heard of before.
pub async fn insert_unknown_path(tx: &mut Tx, path: &[CategoryRef]) -> Result<(), Error> {
    let Some(last) = path.last() else { return Ok(()) };
    let known = tx.query_opt("SELECT 1 FROM categories WHERE category_id = $1", params![last.category_id], |row| row.next::<i64>()).await?;
    if known.is_some() {
        return Ok(());
    }
    next_tree_change(tx).await?;
    let mut parent: Option<CategoryId> = None;
    for category in path {
        tx.execute(
            "INSERT INTO categories (category_id, name, parent_category_id) VALUES ($1, $2, $3) ON CONFLICT (category_id) DO NOTHING",
            params![category.category_id, category.name.as_str(), parent],
        )
        .await?;
        parent = Some(category.category_id);
    }
    Ok(())
}

/// Every category: its name and the one above it.
pub async fn list_categories(tx: &mut Tx) -> Result<HashMap<CategoryId, (String, Option<CategoryId>)>, Error> {
    let rows = tx
        .query("SELECT category_id, name, parent_category_id FROM categories", &[], |row| Ok((row.next()?, (row.next()?, row.next()?))))
        .await?;
    Ok(rows.into_iter().collect())
}

/// The next `limit` documents that changed after `position`, in the order of their changes.
pub async fn list_changed(tx: &mut Tx, position: DocumentPosition, limit: usize) -> Result<Vec<Document>, Error> {
    tx.query(
        "SELECT d.product_id, d.change_no, d.product, s.available_qty FROM documents d LEFT JOIN stock s ON s.sku = d.sku \
         WHERE (d.change_no, d.product_id) > ($1, $2) ORDER BY d.change_no, d.product_id LIMIT $3",
        params![position.change, position.product, limit],
        document,
    )
    .await
}

/// The next `limit` products on sale whose category changed after `position`, category by category, and how far that is.
/// A category that changed once more meanwhile has its turn again.
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

/// The next products of the category in which `position` is, if that did not change since.
async fn list_in_category(tx: &mut Tx, position: TreePosition, limit: usize) -> Result<Vec<Document>, Error> {
    tx.query(
        "SELECT d.product_id, d.change_no, d.product, s.available_qty FROM documents d LEFT JOIN stock s ON s.sku = d.sku \
         WHERE d.category_id = $1 AND d.product IS NOT NULL AND d.product_id > $2 \
         AND EXISTS (SELECT 1 FROM categories WHERE category_id = $1 AND change_no = $3) ORDER BY d.product_id LIMIT $4",
        params![position.category, position.product, position.change, limit],
        document,
    )
    .await
}

/// The beginning of the next category after `position` that changed and has products on sale.
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

fn document(row: &mut Row<'_>) -> Result<Document, Error> {
    let (product_id, change) = (row.next()?, row.next()?);
    let product = row.next::<Option<Json<Product>>>()?.map(|Json(product)| product);
    let available: Option<i64> = row.next()?;
    Ok(Document { product_id, change, product, in_stock: available.is_some_and(|quantity| quantity > 0) })
}

/// How many documents an index that has come so far has not taken in yet.
pub async fn count_waiting(tx: &mut Tx, reached: IndexPosition) -> Result<i64, Error> {
    let IndexPosition { documents, tree } = reached;
    tx.query_one(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM (SELECT product_id FROM documents WHERE (change_no, product_id) > ($1, $2) \
         UNION SELECT d.product_id FROM categories c CROSS JOIN documents d ON d.category_id = c.category_id \
         WHERE (c.change_no, c.category_id) >= ($3, $4) AND d.product IS NOT NULL \
         AND d.product_id > CASE WHEN c.change_no = $3 AND c.category_id = $4 THEN $5 ELSE $6 END) AS waiting",
        params![documents.change, documents.product, tree.change, tree.category, tree.product, Uuid::nil()],
        |row| row.next(),
    )
    .await
}
