//! Imports many products for the demo and the benchmarks. The rows and events are the same as through HTTP, in batches
//! that share a commit. Existing products stay unchanged, so an import can be repeated.

use crate::{
    Error, actions,
    domain::product::{self, CategoryPath, NewProductContext},
    store,
};
use contracts::{
    catalog::{CreateProduct, ProductCreated, ProductFact},
    ids::{CategoryId, ProductId, UserId},
    text::{Name, Sku},
};
use platform::db::{Db, Tx};
use std::collections::HashMap;

/// The number of products per transaction.
const BATCH: usize = 200;

/// A category to import.
#[derive(Debug, Clone)]
pub struct NewCategory {
    /// The key of the category within this import.
    pub slug: String,
    pub name: Name,
    /// The slug of the parent, which comes earlier in the list.
    pub parent: Option<String>,
}

/// A product to import. It is activated at once, so it needs a category.
#[derive(Debug, Clone)]
pub struct NewProduct {
    /// The seller; `None` for the marketplace.
    pub seller_id: Option<UserId>,
    pub product: CreateProduct,
}

/// The result of an import.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    pub made: usize,
    /// The number of products whose SKU existed already.
    pub known: usize,
}

/// Creates the categories that do not exist yet, all or none. A category with the same name and parent is the same one.
/// Returns the ids by slug.
///
/// # Errors
/// [`Error::UnknownCategory`] when a parent does not come before its child, and the errors of creating a category.
pub async fn categories(db: &Db, categories: Vec<NewCategory>) -> Result<HashMap<String, CategoryId>, Error> {
    db.write(async move |tx| {
        let mut tree = store::lock_tree(tx).await?;
        let mut ids: HashMap<String, CategoryId> = HashMap::new();
        for NewCategory { slug, name, parent } in &categories {
            let parent = match parent {
                Some(slug) => Some(*ids.get(slug).ok_or(Error::UnknownCategory("/parent"))?),
                None => None,
            };
            let id = match tree.find(parent, name) {
                Some(known) => known,
                None => {
                    let id = tx.new_id();
                    tree.add(id, name.as_str().to_owned(), parent)?;
                    store::insert_category(tx, &tree, id).await?;
                    tx.emit(actions::category_changed(&tree, id)?);
                    id
                }
            };
            ids.insert(slug.clone(), id);
        }
        Ok(ids)
    })
    .await
}

/// Creates and activates the products whose SKU does not exist yet. A failed batch leaves the earlier batches in place.
///
/// # Errors
/// The errors of creating and of activating a product.
pub async fn products(db: &Db, products: Vec<NewProduct>) -> Result<Imported, Error> {
    let mut imported = Imported::default();
    let mut waiting = products.into_iter();
    loop {
        let batch: Vec<NewProduct> = waiting.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            break;
        }
        let size = batch.len();
        let made = db.write(async move |tx| import_batch(tx, &batch).await).await?;
        imported.made += made;
        imported.known += size - made;
    }
    tracing::info!(target: "catalog", made = imported.made, known = imported.known, "products were imported");
    Ok(imported)
}

async fn import_batch(tx: &mut Tx, batch: &[NewProduct]) -> Result<usize, Error> {
    let skus: Vec<Sku> = batch.iter().map(|new| new.product.sku.clone()).collect();
    let known = store::list_known_skus(tx, &skus).await?;
    let mut paths: HashMap<CategoryId, CategoryPath> = HashMap::new();
    let mut made = 0;
    for NewProduct { seller_id, product } in batch.iter().filter(|new| !known.contains(new.product.sku.as_str())) {
        let path = match product.category_id {
            Some(id) => Some(path(tx, &mut paths, id).await?),
            None => None,
        };
        made += usize::from(import_product(tx, *seller_id, product.clone(), path).await?);
    }
    Ok(made)
}

/// Returns `false` when another writer has created a product with this SKU meanwhile.
async fn import_product(tx: &mut Tx, seller_id: Option<UserId>, body: CreateProduct, path: Option<CategoryPath>) -> Result<bool, Error> {
    let mut product = product::draft(body, NewProductContext { product_id: tx.new_id(), seller_id, path, now: tx.now() })?;
    actions::join_group(tx, &product).await?;
    let created = product.clone();
    product::advance(&mut product, ProductFact::Activated, tx.now())?;
    if !store::insert_product(tx, &product).await? {
        return Ok(false);
    }
    store::list_product(tx, product.product_id).await?;
    store::insert_price(tx, &created).await?;
    tx.emit(ProductCreated { product_id: created.product_id, product: created });
    actions::emit_status_event(tx, ProductFact::Activated, &product);
    Ok(true)
}

async fn path(tx: &mut Tx, known: &mut HashMap<CategoryId, CategoryPath>, id: CategoryId) -> Result<CategoryPath, Error> {
    if let Some(path) = known.get(&id) {
        return Ok(path.clone());
    }
    let path = store::lock_category_path(tx, id).await?.ok_or(Error::UnknownCategory("/categoryId"))?;
    known.insert(id, path.clone());
    Ok(path)
}

/// Returns the ids of all products by SKU, so that other data such as stock can be imported for them.
///
/// # Errors
/// The errors of the database.
pub async fn ids_by_sku(db: &Db) -> Result<HashMap<String, ProductId>, Error> {
    db.read(async |tx| Ok(store::list_skus(tx).await?.into_iter().collect())).await
}
