//! Rows of products, prices and groups.

use super::category_rows::find_path;
use contracts::{
    catalog::{PriceHistoryEntry, Product},
    column::{Column, Json},
    ids::{ProductGroupId, ProductId, UserId},
};
use platform::{
    db::{Error, Row, Select, Tx},
    params,
};
use std::{collections::BTreeMap, fmt::Write as _};

/// The columns that [`product_row`] reads, of the table `products p`.
macro_rules! product_columns {
    () => {
        "p.product_id, p.seller_id, p.sku, p.title, p.description, p.category_id, p.brand, p.status, p.price_amount, p.currency, p.images, \
         p.attributes, p.product_group_id, p.options, p.version, p.created_at, p.updated_at"
    };
}
pub(super) use product_columns;

macro_rules! select_products {
    ($rest:literal) => {
        concat!("SELECT ", product_columns!(), " FROM products p ", $rest)
    };
}

/// Reads a product without its category path.
pub(super) fn product_row(row: &mut Row<'_>) -> Result<Product, Error> {
    Ok(Product {
        product_id: row.next()?,
        seller_id: row.next()?,
        sku: row.next()?,
        title: row.next()?,
        description: row.next()?,
        category_id: row.next()?,
        category_path: Vec::new(),
        brand: row.next()?,
        status: row.next()?,
        price_amount: row.next()?,
        currency: row.next()?,
        images: row.next::<Json<Vec<String>>>()?.0,
        attributes: row.next::<Json<BTreeMap<String, String>>>()?.0,
        product_group_id: row.next()?,
        options: row.next::<Json<Vec<String>>>()?.0,
        version: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
    })
}

/// Returns the product without its category path.
pub async fn find_product(tx: &mut Tx, id: ProductId) -> Result<Option<Product>, Error> {
    tx.query_opt(select_products!("WHERE p.product_id = $1"), params![id], product_row).await
}

/// Returns the product with this SKU (upper case) without its category path.
pub async fn find_by_sku(tx: &mut Tx, sku: &str) -> Result<Option<Product>, Error> {
    tx.query_opt(select_products!("WHERE p.sku = $1"), params![sku], product_row).await
}

/// Returns the product with its category path and locks its row. When `owner` is given, products of others are not found.
pub async fn lock_product(tx: &mut Tx, owner: Option<UserId>, id: ProductId) -> Result<Option<Product>, Error> {
    let found = match owner {
        Some(owner) => {
            tx.query_opt(select_products!("WHERE p.product_id = $1 AND p.seller_id = $2"), params![id, owner], product_row).await?
        }
        None => find_product(tx, id).await?,
    };
    let Some(mut product) = found else { return Ok(None) };
    if let Some(category) = product.category_id {
        product.category_path = find_path(tx, category).await?;
    }
    Ok(Some(product))
}

/// Inserts a product. Returns `false` and writes nothing when its SKU is taken.
pub async fn insert_product(tx: &mut Tx, product: &Product) -> Result<bool, Error> {
    let rows = tx
        .execute(
            "INSERT INTO products (product_id, seller_id, sku, title, description, category_id, brand, status, price_amount, currency, \
             images, attributes, product_group_id, options, version, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) ON CONFLICT (sku) DO NOTHING",
            params![
                product.product_id,
                product.seller_id,
                product.sku,
                product.title,
                product.description,
                product.category_id,
                product.brand,
                product.status,
                product.price_amount,
                product.currency,
                Json(product.images.clone()),
                Json(product.attributes.clone()),
                product.product_group_id,
                Json(product.options.clone()),
                product.version,
                product.created_at,
                product.updated_at
            ],
        )
        .await?;
    Ok(rows == 1)
}

/// Updates the columns that can change. A taken SKU violates `products.sku`.
pub async fn save_product(tx: &mut Tx, product: &Product) -> Result<(), Error> {
    tx.execute(
        "UPDATE products SET sku = $2, title = $3, description = $4, category_id = $5, brand = $6, status = $7, price_amount = $8, \
         currency = $9, images = $10, attributes = $11, product_group_id = $12, options = $13, version = $14, updated_at = $15 \
         WHERE product_id = $1",
        params![
            product.product_id,
            product.sku,
            product.title,
            product.description,
            product.category_id,
            product.brand,
            product.status,
            product.price_amount,
            product.currency,
            Json(product.images.clone()),
            Json(product.attributes.clone()),
            product.product_group_id,
            Json(product.options.clone()),
            product.version,
            product.updated_at
        ],
    )
    .await
    .map(|_| ())
}

/// Inserts the current price under the current version.
pub async fn insert_price(tx: &mut Tx, product: &Product) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO product_prices (product_id, version, price_amount, currency, changed_at) VALUES ($1, $2, $3, $4, $5)",
        params![product.product_id, product.version, product.price_amount, product.currency, product.updated_at],
    )
    .await
    .map(|_| ())
}

/// Returns the prices of a product with their versions, newest first, after version `after`.
pub async fn list_prices(tx: &mut Tx, id: ProductId, after: Option<i64>, rows: i64) -> Result<Vec<(i64, PriceHistoryEntry)>, Error> {
    Select::from("SELECT version, price_amount, currency, changed_at FROM product_prices")
        .filter("product_id = ?", id)
        .filter_some("version < ?", after)
        .limit("version DESC", rows)
        .rows(tx, |row| {
            let version = row.next()?;
            Ok((version, PriceHistoryEntry { product_id: id, price_amount: row.next()?, currency: row.next()?, changed_at: row.next()? }))
        })
        .await
}

/// The numbers of parameters of a lookup statement. A few sizes keep the number of prepared statements small.
const LOOK_UP_SIZES: [usize; 4] = [1, 10, 50, 200];

/// Returns the products with these ids without their category paths, by one statement. Unknown ids are left out.
pub async fn look_up_products(tx: &mut Tx, ids: &[ProductId]) -> Result<Vec<Product>, Error> {
    let Some(last) = ids.last() else { return Ok(Vec::new()) };
    let size = LOOK_UP_SIZES.into_iter().find(|size| *size >= ids.len()).unwrap_or(ids.len());
    let mut sql = String::from(select_products!("WHERE p.product_id IN ("));
    for path in 1..=size {
        let _ = write!(sql, "{}${path}", if path == 1 { "" } else { ", " });
    }
    sql.push(')');
    // The remaining parameters repeat the last id, which is found once.
    let values: Vec<&dyn Column> = (0..size).map(|path| ids.get(path).unwrap_or(last) as &dyn Column).collect();
    tx.query(&sql, &values, product_row).await
}

/// Inserts the group for `seller` unless it exists. Returns its owner and locks its row.
pub async fn lock_group(tx: &mut Tx, group: ProductGroupId, seller: Option<UserId>) -> Result<Option<UserId>, Error> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO product_groups (product_group_id, seller_id, created_at) VALUES ($1, $2, $3) ON CONFLICT (product_group_id) DO NOTHING",
        params![group, seller, now],
    )
    .await?;
    tx.query_one("SELECT seller_id FROM product_groups WHERE product_group_id = $1", params![group], |row| row.next()).await
}

/// Counts the products of the group that are not archived.
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
    let mut variants = tx
        .query(
            select_products!("WHERE p.product_group_id = $1 AND p.status IN ('DRAFT', 'ACTIVE', 'INACTIVE')"),
            params![group],
            product_row,
        )
        .await?;
    variants.sort_by_key(|product| product.product_id);
    Ok(variants)
}

/// Returns every SKU with its product id.
pub async fn list_skus(tx: &mut Tx) -> Result<Vec<(String, ProductId)>, Error> {
    tx.query("SELECT sku, product_id FROM products", &[], |row| Ok((row.next()?, row.next()?))).await
}
