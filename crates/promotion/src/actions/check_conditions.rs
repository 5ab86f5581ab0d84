//! Checks that what the conditions of a new promotion name exists. A promotion with a mistyped id would apply to nothing, in silence.

use crate::{App, Error};
use contracts::{
    body::BoundedVec,
    catalog::{CategoryNode, LIST_CATEGORIES, LOOK_UP_PRODUCTS, ProductLookup},
    ids::{CategoryId, ProductId, UserId},
    promotion::Promotion,
    seller::GET_SELLER,
};
use platform::http::body::Faults;
use std::collections::HashSet;

/// Checks categories, sellers and products. A seller's promotion may name own products only.
///
/// # Errors
/// [`Error::Invalid`] with each id that names nothing; the error of a call.
pub async fn check_conditions(app: &App, draft: &Promotion) -> Result<(), Error> {
    let conditions = &draft.conditions;
    let mut faults = Faults::default();
    let categories = list_categories(app, &conditions.category_ids).await?;
    for at in missing(&conditions.category_ids, &categories) {
        faults.at(format!("/conditions/categoryIds/{at}"), "UNKNOWN_CATEGORY", "is no category");
    }
    for (at, seller) in conditions.seller_ids.iter().enumerate() {
        if draft.seller_id != Some(*seller) && !is_seller(app, *seller).await? {
            faults.at(format!("/conditions/sellerIds/{at}"), "UNKNOWN_SELLER", "is no approved seller");
        }
    }
    let products = list_products(app, &conditions.product_ids, draft.seller_id).await?;
    for at in missing(&conditions.product_ids, &products) {
        faults.at(format!("/conditions/productIds/{at}"), "UNKNOWN_PRODUCT", "is no product, or is another seller's");
    }
    Ok(faults.check()?)
}

/// Returns the positions of ids that are not known.
fn missing<T: std::hash::Hash + Eq>(wanted: &[T], known: &HashSet<T>) -> Vec<usize> {
    (0..wanted.len()).filter(|at| !known.contains(&wanted[*at])).collect()
}

/// Returns all categories, or none without a call when none is wanted.
async fn list_categories(app: &App, wanted: &[CategoryId]) -> Result<HashSet<CategoryId>, Error> {
    let mut known = HashSet::new();
    if wanted.is_empty() {
        return Ok(known);
    }
    let mut open: Vec<CategoryNode> = app.ctx.client.call(&LIST_CATEGORIES).send().await?.items;
    while let Some(node) = open.pop() {
        known.insert(node.category_id);
        open.extend(node.children);
    }
    Ok(known)
}

async fn is_seller(app: &App, seller: UserId) -> Result<bool, Error> {
    match app.ctx.client.call(&GET_SELLER).path(&[&seller]).send().await {
        Ok(_) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Returns those of the wanted products that exist, of `owner` only if there is one.
async fn list_products(app: &App, wanted: &[ProductId], owner: Option<UserId>) -> Result<HashSet<ProductId>, Error> {
    let Ok(product_ids) = BoundedVec::new(wanted.to_vec()) else { return Ok(HashSet::new()) };
    let found = app.ctx.client.call(&LOOK_UP_PRODUCTS).body(&ProductLookup::of(product_ids)).send().await?;
    let allowed = found.items.into_iter().filter(|product| owner.is_none() || product.seller_id == owner);
    Ok(allowed.map(|product| product.product_id).collect())
}
