//! Creates, updates and deletes categories. Each action locks the tree first, so changes of the tree happen one at a time.

use crate::{Error, domain::category_tree::Tree, store, workers::RELIST};
use contracts::{
    catalog::{Category, CategoryChanged, CategoryDeleted, CreateCategory, UpdateCategory},
    ids::CategoryId,
};
use platform::{
    db::Db,
    http::{Created, ETag, Idempotent, IfMatch, Json, MaybeIdempotencyKey, NoContent, Problem, Tagged},
};

/// Creates a category.
///
/// # Errors
/// `UNKNOWN_CATEGORY`, `CATEGORY_NAME_TAKEN`, `CATEGORY_TOO_DEEP`, `TOO_MANY_CATEGORIES`.
pub async fn create_category(
    db: &Db,
    key: MaybeIdempotencyKey,
    body: CreateCategory,
) -> Result<Idempotent<Tagged<Created<Category>>>, Problem> {
    db.write(async move |tx| {
        let body = body.clone();
        key.once(tx, async move |tx| -> Result<_, Error> {
            let (mut tree, id) = (store::lock_tree(tx).await?, tx.new_id());
            tree.add(id, body.name.into_string(), body.parent_category_id)?;
            store::insert_category(tx, &tree, id).await?;
            tx.emit(category_changed(&tree, id)?);
            let (etag, category) = tagged_category(&tree, id)?;
            Ok(Tagged(etag, Created::at(format!("/categories/{id}"), category)))
        })
        .await
    })
    .await
}

/// Renames a category, or moves it with its subtree. A worker lists its products again afterwards.
///
/// # Errors
/// `NOT_FOUND`, `PRECONDITION_FAILED`, `CATEGORY_CYCLE`, and those of [`create_category`].
pub async fn update_category(db: &Db, id: CategoryId, if_match: IfMatch, body: UpdateCategory) -> Result<Tagged<Json<Category>>, Problem> {
    db.write(async move |tx| -> Result<_, Error> {
        let mut tree = store::lock_tree(tx).await?;
        check_version(&tree, id, &if_match)?;
        if let Some(moved) = tree.change(id, body.clone())? {
            store::save_category(tx, &tree, id).await?;
            if moved {
                store::save_ancestors(tx, &tree, id).await?;
                store::request_relisting(tx, id).await?;
                tx.notify_worker(RELIST);
            }
            tx.emit(category_changed(&tree, id)?);
        }
        let (etag, category) = tagged_category(&tree, id)?;
        Ok(Tagged(etag, Json(category)))
    })
    .await
    .map_err(Problem::from)
}

/// Deletes a category that has no subcategories and no products other than archived ones.
///
/// # Errors
/// `NOT_FOUND`, `PRECONDITION_FAILED`, `CATEGORY_IN_USE`.
pub async fn delete_category(db: &Db, id: CategoryId, if_match: IfMatch) -> Result<NoContent, Problem> {
    db.write(async move |tx| -> Result<_, Error> {
        let mut tree = store::lock_tree(tx).await?;
        check_version(&tree, id, &if_match)?;
        let node = tree.remove(id)?;
        if store::has_products(tx, id).await? {
            return Err(Error::CategoryInUse("products"));
        }
        store::delete_category(tx, &tree, id).await?;
        store::request_relisting(tx, id).await?;
        tx.notify_worker(RELIST);
        tx.emit(CategoryDeleted { category_id: id, name: node.name });
        Ok(NoContent)
    })
    .await
    .map_err(Problem::from)
}

/// Returns the event that describes a category as it is now.
pub fn category_changed(tree: &Tree, id: CategoryId) -> Result<CategoryChanged, Error> {
    let Category { category_id, name, parent_category_id } = tree.category(id).ok_or(Error::NotFound("category"))?;
    Ok(CategoryChanged { category_id, name, parent_category_id, path: tree.path(id) })
}

fn tagged_category(tree: &Tree, id: CategoryId) -> Result<(ETag, Category), Error> {
    tree.etag(id).zip(tree.category(id)).ok_or(Error::NotFound("category"))
}

fn check_version(tree: &Tree, id: CategoryId, if_match: &IfMatch) -> Result<(), Error> {
    let present = tree.etag(id).ok_or(Error::NotFound("category"))?;
    if_match.check(&present).map_err(Error::Stale)
}
