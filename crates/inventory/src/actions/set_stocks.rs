//! Sets the stock of many SKUs in one commit.

use super::{
    set_stock::{change, create},
    sync_product::sync_product,
};
use crate::{App, Error, domain::seller_of, store};
use contracts::{
    body::BoundedVec,
    catalog::{LOOK_UP_PRODUCTS, Product, ProductLookup},
    ids::{ProductId, UserId},
    inventory::{ImportStock, SetStock, SetStockItem, StockItem, StockResult, StockResults},
    problem::Document,
};
use platform::{
    db::{self, Tx},
    http::{IdempotencyKey, Idempotent, Json, MaybeIdempotencyKey, Problem},
};
use std::collections::HashSet;

/// How many products one call to the catalogue looks up.
const LOOKUP: usize = 200;

/// Sets the stock of each item by itself, as [`set_stock`](super::set_stock::set_stock) does: those that are refused do not stop the others.
///
/// # Errors
/// The error of the catalogue when products of the seller are looked up there, and those of the database. What is wrong with single items
/// stands in their results.
pub async fn set_stocks(
    app: &App,
    owner: Option<UserId>,
    key: MaybeIdempotencyKey,
    items: Vec<Result<SetStockItem, Box<Document>>>,
) -> Result<Idempotent<Json<StockResults>>, Problem> {
    if let Some(answer) = key.replay(&app.ctx.db).await? {
        return Ok(answer);
    }
    let (mut valid, mut places, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for (index, item) in (0..).zip(items) {
        match item {
            Ok(item) => {
                valid.push(item);
                places.push(index);
            }
            Err(problem) => {
                refused.push(StockResult { index, status: problem.status, changed: false, stock: None, problem: Some(*problem) })
            }
        }
    }
    let fetched = if owner.is_some() { fetch_unknown(app, &valid).await? } else { Vec::new() };
    let threshold = app.settings.low_stock_threshold.get();
    app.ctx
        .db
        .write(async move |tx| {
            let (valid, places, refused, fetched) = (valid.clone(), places.clone(), refused.clone(), fetched.clone());
            key.once(tx, async move |tx| -> Result<_, Error> {
                for product in &fetched {
                    sync_product(tx, product).await?;
                }
                let set = set_all(tx, owner, &valid, threshold).await?;
                let set = set.into_iter().zip(places).map(|(result, index)| StockResult { index, ..result });
                let mut items: Vec<StockResult> = set.chain(refused).collect();
                items.sort_by_key(|result| result.index);
                Ok(Json(StockResults { items }))
            })
            .await
        })
        .await
}

/// A check rolls back what it wrote, and keeps what became of the items.
enum Ended {
    Checked(Vec<StockResult>),
    Failed(Error),
}

impl From<db::Error> for Ended {
    fn from(error: db::Error) -> Ended {
        Ended::Failed(error.into())
    }
}

/// Sets the stock of rows of an import, whose owner the catalogue checked. A dry run changes nothing.
///
/// # Errors
/// As [`set_stocks`].
pub async fn import_stock(app: &App, key: IdempotencyKey, body: ImportStock) -> Result<Idempotent<Json<StockResults>>, Problem> {
    let threshold = app.settings.low_stock_threshold.get();
    app.ctx
        .db
        .write(async move |tx| {
            let ImportStock { dry_run, items } = body.clone();
            key.once(tx, async move |tx| -> Result<_, Error> {
                if !dry_run {
                    return Ok(Json(StockResults { items: set_all(tx, None, &items, threshold).await? }));
                }
                let checked = tx.savepoint(async |tx| match set_all(tx, None, &items, threshold).await {
                    Ok(results) => Err::<(), Ended>(Ended::Checked(results)),
                    Err(error) => Err(Ended::Failed(error)),
                });
                match checked.await {
                    Ok(()) => Ok(Json(StockResults { items: Vec::new() })),
                    Err(Ended::Checked(items)) => Ok(Json(StockResults { items })),
                    Err(Ended::Failed(error)) => Err(error),
                }
            })
            .await
        })
        .await
}

/// Looks up the products that have no copy here: their events may not have arrived yet.
async fn fetch_unknown(app: &App, items: &[SetStockItem]) -> Result<Vec<Product>, Error> {
    let ids: HashSet<ProductId> = items.iter().map(|item| item.product_id).collect();
    let unknown = app.ctx.db.read(async move |tx| -> Result<_, db::Error> {
        let mut unknown = Vec::new();
        for id in &ids {
            if store::products::find_product(tx, *id).await?.is_none() {
                unknown.push(*id);
            }
        }
        Ok(unknown)
    });
    let mut products = Vec::new();
    for ids in unknown.await?.chunks(LOOKUP) {
        let Ok(product_ids) = BoundedVec::new(ids.to_vec()) else { continue };
        products.extend(app.ctx.client.call(&LOOK_UP_PRODUCTS).body(&ProductLookup::of(product_ids)).send().await?.items);
    }
    Ok(products)
}

/// Sets the items in the order of their SKUs, in which all lock them, and returns the results in the order of the items.
async fn set_all(tx: &mut Tx, owner: Option<UserId>, items: &[SetStockItem], threshold: i64) -> Result<Vec<StockResult>, Error> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by(|a, b| items[*a].sku.as_str().cmp(items[*b].sku.as_str()));
    let mut results: Vec<Option<StockResult>> = vec![None; items.len()];
    for at in order {
        let index = u32::try_from(at).unwrap_or(u32::MAX);
        results[at] = Some(match set_one(tx, owner, &items[at], threshold).await {
            Ok((status, is_changed, stock)) => StockResult { index, status, changed: is_changed, stock: Some(stock), problem: None },
            Err(error @ (Error::Db(_) | Error::Catalogue(_))) => return Err(error),
            Err(error) => {
                let problem = Problem::from(error).document();
                StockResult { index, status: problem.status, changed: false, stock: None, problem: Some(problem) }
            }
        });
    }
    Ok(results.into_iter().flatten().collect())
}

/// Returns the status of the answer, whether anything changed, and the item.
async fn set_one(tx: &mut Tx, owner: Option<UserId>, item: &SetStockItem, threshold: i64) -> Result<(u16, bool, StockItem), Error> {
    let SetStockItem { sku, product_id, available_qty, low_stock_threshold } = item.clone();
    let copies = store::products::lock_products(tx, product_id, &sku).await?;
    let product = copies.iter().find(|copy| copy.product_id == product_id);
    let sku_owner = copies.iter().find(|copy| copy.sku == sku.as_str()).map(|copy| copy.product_id);
    let seller_id = seller_of(owner, product, sku_owner, &sku, product_id)?;
    let body = SetStock { available_qty, product_id, low_stock_threshold };
    if let Some(stock) = create(tx, &sku, seller_id, &body, threshold).await? {
        return Ok((201, true, stock.into_view()));
    }
    let present = store::stock::lock_stock(tx, None, &sku).await?.ok_or(Error::UnknownSku)?;
    let version = present.version;
    let stock = change(tx, present, seller_id, &body).await?;
    Ok((200, stock.version != version, stock.into_view()))
}
