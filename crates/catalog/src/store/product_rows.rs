//! Rows of products, prices and groups.

use super::{category_rows::find_path, own_lists::put_text};
use contracts::{
    catalog::{Moderation, PriceHistoryEntry, Product, ProductExport, ProductStatus},
    column::JsonText,
    ids::{ProductGroupId, ProductId, UserId},
    review::Rating,
    text::Sku,
};
use platform::{
    db::{Error, Select, Tx},
    params,
};
use std::collections::{HashMap, HashSet};

platform::table! {
    /// Products without their category paths.
    pub Products in "products" of Product, key [product_id];
    columns {
        product_id, sku, title, description, category_id, brand, status,
        moderation: Moderation { status = moderation_status, reason = moderation_reason }, price_amount, currency, tax_class,
        images as JsonText,
        attributes as JsonText, product_group_id, options as JsonText, external_id, metadata as JsonText, version, updated_at,
    }
    // The rating is changed by `set_rating` alone.
    insert_only { seller_id, rating: Rating { average_hundredths = rating_average, count = rating_count }, created_at }
    computed { is_seller_suspended = "COALESCE(products.seller_id IN (SELECT s.seller_id FROM suspended_sellers s), FALSE)" }
    default { category_path }
}

/// A price with the version of the product that introduced it.
pub struct Price {
    pub version: i64,
    pub entry: PriceHistoryEntry,
}

platform::table! {
    /// Every price that a product had.
    Prices in "product_prices" of Price, key [product_id, version];
    columns { version, entry: PriceHistoryEntry { product_id, price_amount, currency, changed_at } }
}

/// Returns the product without its category path.
pub async fn find_product(tx: &mut Tx, id: ProductId) -> Result<Option<Product>, Error> {
    tx.find::<Products>("product_id = $1", params![id]).await
}

/// Returns the product with this SKU (upper case) without its category path.
pub async fn find_by_sku(tx: &mut Tx, sku: &str) -> Result<Option<Product>, Error> {
    tx.find::<Products>("sku = $1", params![sku]).await
}

/// Returns the product with its category path and locks its row. When `owner` is given, products of others are not found.
/// The path is not locked, because a change of the tree does not change the product.
pub async fn lock_product(tx: &mut Tx, owner: Option<UserId>, id: ProductId) -> Result<Option<Product>, Error> {
    let found = Select::of::<Products>().filter("product_id = ?", id).filter_some("seller_id = ?", owner).lock(tx).await?;
    let Some(mut product) = found else { return Ok(None) };
    if let Some(category) = product.category_id {
        product.category_path = find_path(tx, category).await?;
    }
    Ok(Some(product))
}

/// Inserts a product. Returns `false` and writes nothing when its SKU is taken. A taken external id violates its columns.
pub async fn insert_product(tx: &mut Tx, product: &Product) -> Result<bool, Error> {
    let inserted = tx.insert_if_absent::<Products>(product, "(sku)").await?;
    if inserted {
        put_text(tx, product).await?;
    }
    Ok(inserted)
}

/// Updates the columns that can change. A taken SKU violates `products.sku`, a taken external id its columns.
pub async fn save_product(tx: &mut Tx, product: &Product) -> Result<(), Error> {
    tx.update::<Products>(product).await?;
    put_text(tx, product).await
}

/// Stores the rating of a product beside its version. An unknown product has none.
pub async fn set_rating(tx: &mut Tx, id: ProductId, rating: Rating) -> Result<(), Error> {
    let sql = "UPDATE products SET rating_average = $2, rating_count = $3 WHERE product_id = $1";
    tx.execute(sql, params![id, rating.average_hundredths, rating.count]).await.map(|_| ())
}

/// Inserts the current price under the current version.
pub async fn insert_price(tx: &mut Tx, product: &Product) -> Result<(), Error> {
    let Product { product_id, price_amount, currency, version, updated_at: changed_at, .. } = *product;
    tx.insert::<Prices>(&Price { version, entry: PriceHistoryEntry { product_id, price_amount, currency, changed_at } }).await
}

/// Returns the prices of a product, newest first, below version `before`.
pub async fn list_prices(tx: &mut Tx, id: ProductId, before: Option<i64>, rows: i64) -> Result<Vec<Price>, Error> {
    Select::of::<Prices>().filter("product_id = ?", id).filter_some("version < ?", before).limit("version DESC", rows).list(tx).await
}

/// Returns the products with these ids without their category paths, by one statement. Unknown ids are left out.
pub async fn look_up_products(tx: &mut Tx, ids: &[ProductId]) -> Result<Vec<Product>, Error> {
    Select::of::<Products>().filter_in("product_id", ids).list(tx).await
}

/// Inserts the group for `seller` unless it exists. Returns its owner and locks its row. No group is ever deleted.
pub async fn lock_group(tx: &mut Tx, group: ProductGroupId, seller: Option<UserId>) -> Result<Option<UserId>, Error> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO product_groups (product_group_id, seller_id, created_at) VALUES ($1, $2, $3) ON CONFLICT (product_group_id) DO NOTHING",
        params![group, seller, now],
    )
    .await?;
    let owner = tx.lock_opt("SELECT seller_id FROM product_groups WHERE product_group_id = $1", params![group], |row| row.next()).await?;
    owner.ok_or_else(|| Error::Failed("a product group has no row".into()))
}

/// Counts the products of the group that are not archived. While the group is locked, the number does not grow.
pub async fn count_variants(tx: &mut Tx, group: ProductGroupId) -> Result<usize, Error> {
    tx.query_one(
        "SELECT COUNT(*) FROM products WHERE product_group_id = $1 AND status IN ('DRAFT', 'ACTIVE', 'INACTIVE')",
        params![group],
        |row| row.next(),
    )
    .await
}

/// Returns the products of the group that are not archived, oldest first, without their category paths.
pub async fn list_variants(tx: &mut Tx, group: ProductGroupId) -> Result<Vec<Product>, Error> {
    let in_group = "WHERE product_group_id = $1 AND status IN ('DRAFT', 'ACTIVE', 'INACTIVE')";
    let mut variants = tx.list::<Products>(in_group, params![group]).await?;
    variants.sort_by_key(|product| product.product_id);
    Ok(variants)
}

/// Returns those of the SKUs that products have.
pub async fn list_known_skus(tx: &mut Tx, skus: &[Sku]) -> Result<HashSet<String>, Error> {
    let known = Select::from("SELECT sku FROM products").filter_in("sku", skus).rows(tx, |row| row.next()).await?;
    Ok(known.into_iter().collect())
}

/// Returns every SKU with its product id.
pub async fn list_skus(tx: &mut Tx) -> Result<Vec<(String, ProductId)>, Error> {
    tx.query("SELECT sku, product_id FROM products", &[], |row| Ok((row.next()?, row.next()?))).await
}

/// Returns the product and the seller of each of these SKUs (upper case) that has one.
pub async fn list_owners_by_sku(tx: &mut Tx, skus: &[String]) -> Result<HashMap<String, (ProductId, Option<UserId>)>, Error> {
    if skus.is_empty() {
        return Ok(HashMap::new());
    }
    let select = Select::from("SELECT sku, product_id, seller_id FROM products").filter_in("sku", skus);
    let found: Vec<(String, (ProductId, Option<UserId>))> = select.rows(tx, |row| Ok((row.next()?, (row.next()?, row.next()?)))).await?;
    Ok(found.into_iter().collect())
}

/// Returns products for a file, the oldest first, without their category paths. Without a status those that are not archived.
pub async fn list_for_export(
    tx: &mut Tx,
    owner: Option<UserId>,
    filter: ProductExport,
    after: Option<ProductId>,
    rows: i64,
) -> Result<Vec<Product>, Error> {
    let select = Select::of::<Products>().filter_some("seller_id = ?", owner.or(filter.seller_id)).filter_some("status = ?", filter.status);
    let select = if filter.status.is_none() { select.filter("status <> ?", ProductStatus::Archived) } else { select };
    select.filter_some("product_id > ?", after).limit("product_id", rows).list(tx).await
}
