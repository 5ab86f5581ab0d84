//! Rows of the tree: its revision, the categories, and the ancestors of each category.

use crate::domain::{
    category_tree::{Node, Tree, name_key},
    product::CategoryPath,
};
use contracts::{
    catalog::CategoryRef,
    ids::{CategoryId, ProductId},
};
use platform::{
    db::{Error, Tx},
    params,
};

/// A category with its place in the tree.
struct CategoryRow {
    category_id: CategoryId,
    node: Node,
}

platform::table! {
    Categories in "categories" of CategoryRow, key [category_id];
    columns { category_id, node: Node { name, parent = parent_category_id, revision } }
    extra { name_key }
}

/// Returns the current revisions of the tree and of the tax rates.
pub async fn revisions(tx: &mut Tx) -> Result<(i64, i64), Error> {
    tx.query_one("SELECT revision, tax_revision FROM category_tree WHERE tree_id = 1", &[], |row| Ok((row.next()?, row.next()?))).await
}

/// Loads the tree as the tree of `revision`.
pub async fn load_tree(tx: &mut Tx, revision: i64) -> Result<Tree, Error> {
    let rows = tx.list::<Categories>("", &[]).await?;
    Ok(Tree::new(revision, rows.into_iter().map(|row| (row.category_id, row.node))))
}

/// Locks the tree and returns it at its next revision, to which all changes of this transaction belong. The revision is
/// stored with the first change.
pub async fn lock_tree(tx: &mut Tx) -> Result<Tree, Error> {
    let next = lock_tree_revision(tx).await? + 1;
    load_tree(tx, next).await
}

/// Locks the row that every change of the tree, and every product that enters a category, locks before all others.
pub async fn lock_tree_revision(tx: &mut Tx) -> Result<i64, Error> {
    let revision = tx.lock_opt("SELECT revision FROM category_tree WHERE tree_id = 1", &[], |row| row.next()).await?;
    revision.ok_or_else(|| Error::Failed("the category tree has no revision".into()))
}

/// Stores the tree's revision. Every change does so.
async fn begin_revision(tx: &mut Tx, tree: &Tree) -> Result<(), Error> {
    tx.execute("UPDATE category_tree SET revision = $1 WHERE tree_id = 1", params![tree.revision]).await.map(|_| ())
}

/// Returns the path of a category and locks the tree, so that the category is neither moved nor deleted before the
/// commit. Returns `None` when there is no such category.
pub async fn lock_category_path(tx: &mut Tx, id: CategoryId) -> Result<Option<CategoryPath>, Error> {
    lock_tree_revision(tx).await?;
    let path = find_path(tx, id).await?;
    Ok((!path.is_empty()).then_some(CategoryPath { category_id: id, path }))
}

/// Returns the path from the root to the category; empty when there is no such category.
pub async fn find_path(tx: &mut Tx, id: CategoryId) -> Result<Vec<CategoryRef>, Error> {
    tx.query(
        "SELECT c.category_id, c.name FROM category_ancestors a JOIN categories c ON c.category_id = a.ancestor_id \
         WHERE a.category_id = $1 ORDER BY a.distance DESC",
        params![id],
        |row| Ok(CategoryRef { category_id: row.next()?, name: row.next()? }),
    )
    .await
}

/// Inserts a category that was added to `tree`.
pub async fn insert_category(tx: &mut Tx, tree: &Tree, id: CategoryId) -> Result<(), Error> {
    let Some(row) = row_of(tree, id) else { return Ok(()) };
    begin_revision(tx, tree).await?;
    tx.insert_with::<Categories>(&row, &[("name_key", &name_key(&row.node.name))]).await?;
    insert_ancestors(tx, tree, id).await
}

/// Updates a category that was changed in `tree`.
pub async fn save_category(tx: &mut Tx, tree: &Tree, id: CategoryId) -> Result<(), Error> {
    let Some(row) = row_of(tree, id) else { return Ok(()) };
    begin_revision(tx, tree).await?;
    tx.update_with::<Categories>(&row, &[("name_key", &name_key(&row.node.name))]).await.map(|_| ())
}

fn row_of(tree: &Tree, category_id: CategoryId) -> Option<CategoryRow> {
    tree.get(category_id).map(|node| CategoryRow { category_id, node: node.clone() })
}

/// Rewrites the ancestors of a moved category and of all categories below it.
pub async fn save_ancestors(tx: &mut Tx, tree: &Tree, moved: CategoryId) -> Result<(), Error> {
    for id in tree.subtree(moved) {
        tx.execute("DELETE FROM category_ancestors WHERE category_id = $1", params![id]).await?;
        insert_ancestors(tx, tree, id).await?;
    }
    Ok(())
}

async fn insert_ancestors(tx: &mut Tx, tree: &Tree, id: CategoryId) -> Result<(), Error> {
    for (distance, ancestor) in tree.ancestors(id).enumerate() {
        tx.execute(
            "INSERT INTO category_ancestors (category_id, ancestor_id, distance) VALUES ($1, $2, $3)",
            params![id, ancestor, distance],
        )
        .await?;
    }
    Ok(())
}

/// Deletes a category that was removed from `tree`.
pub async fn delete_category(tx: &mut Tx, tree: &Tree, id: CategoryId) -> Result<(), Error> {
    begin_revision(tx, tree).await?;
    tx.execute("DELETE FROM category_ancestors WHERE category_id = $1", params![id]).await?;
    tx.execute("DELETE FROM categories WHERE category_id = $1", params![id]).await.map(|_| ())
}

/// Whether this category itself has products that are not archived. While the tree is locked, none is added.
pub async fn has_products(tx: &mut Tx, id: CategoryId) -> Result<bool, Error> {
    let found = tx
        .query_opt(
            "SELECT product_id FROM products WHERE category_id = $1 AND status IN ('DRAFT', 'ACTIVE', 'INACTIVE') LIMIT 1",
            params![id],
            |row| row.next::<ProductId>(),
        )
        .await?;
    Ok(found.is_some())
}
