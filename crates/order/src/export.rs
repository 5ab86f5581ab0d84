//! Writes orders as CSV, page by page.

use crate::store;
use contracts::{ids::OrderId, order::OrderExport};
use platform::{
    csv::{CsvPages, Records},
    db::{Db, Error},
};

/// Orders of a page.
const PAGE: i64 = 250;

const COLUMNS: &[&str] = &[
    "orderNumber",
    "orderId",
    "userId",
    "status",
    "createdAt",
    "updatedAt",
    "country",
    "state",
    "currency",
    "subtotalAmount",
    "shippingAmount",
    "discountAmount",
    "taxAmount",
    "pricesIncludeTax",
    "totalAmount",
    "refundedAmount",
    "paymentId",
    "externalId",
];

/// The orders of a file, the oldest first.
pub struct OrderPages {
    pub db: Db,
    pub filter: OrderExport,
    /// The last order that was written.
    pub after: Option<OrderId>,
    pub has_begun: bool,
}

impl CsvPages for OrderPages {
    async fn next(&mut self) -> Result<Option<String>, Error> {
        let (filter, after) = (self.filter, self.after);
        let page = self.db.read(async move |tx| store::list_for_export(tx, filter, after, PAGE).await).await?;
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        if page.is_empty() && !is_first {
            return Ok(None);
        }
        self.after = page.last().map(|order| order.order_id).or(self.after);
        let mut records = Records::default();
        if is_first {
            records.header(COLUMNS);
        }
        for order in &page {
            let totals = &order.totals;
            records
                .text(&order.order_number)
                .plain(order.order_id)
                .plain(order.user_id)
                .plain(order.status)
                .plain(order.created_at)
                .plain(order.updated_at)
                .text(&order.shipping_address.country)
                .text(&order.shipping_address.state)
                .plain(order.currency)
                .plain(totals.subtotal_amount)
                .plain(totals.shipping_amount)
                .plain(totals.discount_amount)
                .plain(totals.tax_amount)
                .plain(totals.prices_include_tax)
                .plain(totals.total_amount)
                .plain(order.saga.refunded_amount)
                .plain(order.saga.payment_id.map(|id| id.to_string()).unwrap_or_default())
                .text(order.external_id.as_deref().unwrap_or(""))
                .end();
        }
        Ok(Some(records.into_string()))
    }
}
