//! Writes products as CSV, page by page.

use crate::{
    domain::csv_rows::{PRODUCT_COLUMNS, write_product},
    store,
};
use contracts::{
    catalog::ProductExport,
    ids::{ProductId, UserId},
};
use platform::{
    csv::{CsvPages, Records},
    db::{Db, Error},
};

/// Products of a page.
const PAGE: i64 = 500;

/// The products of a file, the oldest first.
pub struct ProductPages {
    pub db: Db,
    /// The seller whose products it has; `None` for those that the filter names.
    pub owner: Option<UserId>,
    pub filter: ProductExport,
    /// The last product that was written.
    pub after: Option<ProductId>,
    pub has_begun: bool,
}

impl CsvPages for ProductPages {
    async fn next(&mut self) -> Result<Option<String>, Error> {
        let (owner, filter, after) = (self.owner, self.filter, self.after);
        let page = self.db.read(async move |tx| store::list_for_export(tx, owner, filter, after, PAGE).await).await?;
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        if page.is_empty() && !is_first {
            return Ok(None);
        }
        self.after = page.last().map(|product| product.product_id).or(self.after);
        let mut records = Records::default();
        if is_first {
            records.header(PRODUCT_COLUMNS);
        }
        page.iter().for_each(|product| write_product(&mut records, product));
        Ok(Some(records.into_string()))
    }
}
