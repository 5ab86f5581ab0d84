//! Lists of owners and administrators: products by text, in the order they want. They read all products of one seller, so they
//! are not for the public.

use super::product_rows::Products;
use contracts::{
    catalog::{Product, ProductFilter, ProductSort},
    ids::{ProductId, Uuid},
};
use platform::{
    db::{Error, Select, Tx},
    folding::fold,
    params,
};
use serde::{Deserialize, Serialize};

/// The place of a product in an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SortKey {
    Id(ProductId),
    Number(i64, ProductId),
    Text(String, ProductId),
}

impl SortKey {
    #[must_use]
    pub fn of(sort: ProductSort, product: &Product) -> SortKey {
        let id = product.product_id;
        match sort {
            ProductSort::Newest | ProductSort::Oldest => SortKey::Id(id),
            ProductSort::Title => SortKey::Text(fold(&product.title), id),
            ProductSort::PriceUp | ProductSort::PriceDown => SortKey::Number(product.price_amount, id),
            ProductSort::Updated => SortKey::Number(product.updated_at.0, id),
        }
    }
}

/// Returns the products after `after` in the order of the filter, without their category paths.
pub async fn list_own(tx: &mut Tx, filter: &ProductFilter, after: Option<SortKey>, rows: i64) -> Result<Vec<Product>, Error> {
    let (first, last) = (ProductId(Uuid::nil()), ProductId(Uuid::max()));
    let id = |otherwise: ProductId| if let Some(SortKey::Id(id)) = after { id } else { otherwise };
    let number = |otherwise: (i64, ProductId)| if let Some(SortKey::Number(number, id)) = after { (number, id) } else { otherwise };
    let text = || if let Some(SortKey::Text(text, id)) = &after { (text.clone(), *id) } else { (String::new(), first) };
    let mut select = Select::joined::<Products>("products", "products JOIN product_texts t ON t.product_id = products.product_id")
        .filter_some("products.seller_id = ?", filter.seller_id)
        .filter_some("products.status = ?", filter.status)
        .filter_some("products.external_id = ?", filter.external_id.clone())
        .filter_some("products.product_id IN (SELECT l.product_id FROM product_listing l WHERE l.category_id = ?)", filter.category);
    for word in fold(filter.q.as_deref().unwrap_or_default()).split_whitespace() {
        select = select.filter("lower(t.folded) LIKE ? ESCAPE '!'", pattern(word));
    }
    let select = match filter.sort.unwrap_or(ProductSort::Newest) {
        ProductSort::Newest => select.filter("products.product_id < ?", id(last)).limit("products.product_id DESC", rows),
        ProductSort::Oldest => select.filter("products.product_id > ?", id(first)).limit("products.product_id", rows),
        ProductSort::Title => {
            select.filter_above("(t.title_key, products.product_id)", text()).limit("t.title_key, products.product_id", rows)
        }
        ProductSort::PriceUp => select
            .filter_above("(products.price_amount, products.product_id)", number((i64::MIN, first)))
            .limit("products.price_amount, products.product_id", rows),
        ProductSort::PriceDown => select
            .filter_below("(products.price_amount, products.product_id)", number((i64::MAX, last)))
            .limit("products.price_amount DESC, products.product_id DESC", rows),
        ProductSort::Updated => select
            .filter_below("(products.updated_at, products.product_id)", number((i64::MAX, last)))
            .limit("products.updated_at DESC, products.product_id DESC", rows),
    };
    select.list(tx).await
}

/// Returns the pattern of texts that contain `word`.
fn pattern(word: &str) -> String {
    let literal: String = word.chars().flat_map(|c| matches!(c, '!' | '%' | '_').then_some('!').into_iter().chain([c])).collect();
    format!("%{literal}%")
}

/// Stores the text of a product.
pub async fn put_text(tx: &mut Tx, product: &Product) -> Result<(), Error> {
    let title_key = fold(&product.title);
    let folded = format!("{title_key}\n{}\n{}", fold(&product.sku), fold(product.brand.as_deref().unwrap_or_default()));
    tx.execute(
        "INSERT INTO product_texts (product_id, folded, title_key) VALUES ($1, $2, $3) \
         ON CONFLICT (product_id) DO UPDATE SET folded = excluded.folded, title_key = excluded.title_key",
        params![product.product_id, folded, title_key],
    )
    .await
    .map(|_| ())
}

/// Locks up to `rows` products without a text, and returns them.
pub async fn lock_without_text(tx: &mut Tx, rows: usize) -> Result<Vec<Product>, Error> {
    tx.lock_list::<Products>(
        "WHERE NOT EXISTS (SELECT 1 FROM product_texts t WHERE t.product_id = products.product_id) ORDER BY product_id LIMIT $1",
        params![i64::try_from(rows).unwrap_or(i64::MAX)],
    )
    .await
}

/// Returns the products with these ids that meet the filter, newest first, without their category paths.
pub async fn list_by_ids(tx: &mut Tx, filter: &ProductFilter, ids: &[ProductId]) -> Result<Vec<Product>, Error> {
    Select::of::<Products>()
        .filter_in("product_id", ids)
        .filter_some("seller_id = ?", filter.seller_id)
        .filter_some("status = ?", filter.status)
        .filter_some("product_id IN (SELECT l.product_id FROM product_listing l WHERE l.category_id = ?)", filter.category)
        .limit("product_id DESC", i64::try_from(ids.len()).unwrap_or(i64::MAX))
        .list(tx)
        .await
}
