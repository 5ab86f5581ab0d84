use super::set_stock::record_initial;
use crate::{Error, domain::Stock, settings::DEFAULT_LOW_STOCK_THRESHOLD, store};
use contracts::{
    ids::{ProductId, UserId},
    text::Sku,
};
use platform::db::Db;
use std::sync::Arc;

/// Items of one commit.
const BATCH: usize = 500;

/// A stock item to import.
#[derive(Debug, Clone)]
pub struct StockImport {
    pub sku: Sku,
    pub product_id: ProductId,
    pub seller_id: Option<UserId>,
    /// Units that can be sold, 0 or more.
    pub available_qty: i64,
}

/// Creates many stock items with the default threshold and returns how many are new. Items that exist stay unchanged,
/// so the import can be repeated or resumed.
///
/// # Errors
/// Those of the database; batches before the failed one stay.
pub async fn import(db: &Db, items: Vec<StockImport>) -> Result<usize, Error> {
    let (items, mut new) = (Arc::<[StockImport]>::from(items), 0);
    for start in (0..items.len()).step_by(BATCH) {
        let items = items.clone();
        new += db
            .write(async move |tx| {
                let mut new = 0;
                for item in items.iter().skip(start).take(BATCH) {
                    let stock = Stock {
                        stock_item_id: tx.new_id(),
                        sku: item.sku.as_str().to_owned(),
                        product_id: item.product_id,
                        seller_id: item.seller_id,
                        available_qty: item.available_qty,
                        reserved_qty: 0,
                        low_stock_threshold: DEFAULT_LOW_STOCK_THRESHOLD,
                        version: 1,
                        updated_at: tx.now(),
                    };
                    if store::stock::insert(tx, &stock).await? {
                        record_initial(tx, &stock).await?;
                        new += 1;
                    }
                }
                Ok::<usize, Error>(new)
            })
            .await?;
    }
    Ok(new)
}
