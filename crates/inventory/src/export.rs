//! Writes stock as CSV, page by page.

use crate::store;
use contracts::ids::{StockItemId, UserId};
use platform::{
    csv::{CsvPages, Records},
    db::{Db, Error},
};

/// Items of a page.
const PAGE: i64 = 500;

/// The stock items of a file, the oldest first.
pub struct StockPages {
    pub db: Db,
    /// The seller whose stock it has; `None` for all.
    pub owner: Option<UserId>,
    /// The last item that was written.
    pub after: Option<StockItemId>,
    pub has_begun: bool,
}

impl CsvPages for StockPages {
    async fn next(&mut self) -> Result<Option<String>, Error> {
        let (owner, after) = (self.owner, self.after);
        let page = self.db.read(async move |tx| store::stock::list_for_export(tx, owner, after, PAGE).await).await?;
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        if page.is_empty() && !is_first {
            return Ok(None);
        }
        self.after = page.last().map(|stock| stock.stock_item_id).or(self.after);
        let mut records = Records::default();
        if is_first {
            records.header(&["sku", "availableQty", "lowStockThreshold", "productId"]);
        }
        for stock in &page {
            records.text(&stock.sku).plain(stock.available_qty).plain(stock.low_stock_threshold).plain(stock.product_id).end();
        }
        Ok(Some(records.into_string()))
    }
}
