//! The consistency check of the ledger, for `souk doctor`.

use crate::{
    actions::reports,
    store::{
        posting_rows,
        sale_rows::{self, OrderState},
    },
};
use contracts::{ids::OrderId, money::Currency};
use platform::db::{Db, Error};
use std::collections::BTreeMap;

/// What the ledger says about one order, in minor units of its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderLedger {
    pub order_id: OrderId,
    pub currency: Currency,
    /// What the customer paid for the parts that were confirmed.
    pub sold_amount: i64,
    /// What of it went back.
    pub returned_amount: i64,
    /// Whether a refund, a return or a cancellation waits for a sale that is not posted yet.
    pub is_waiting: bool,
}

/// Checks every posting and every balance. Returns a sentence for each fault.
///
/// # Errors
/// Those of the database.
pub async fn check_consistency(db: &Db) -> Result<Vec<String>, Error> {
    Ok(db.read(async |tx| reports::check(tx).await).await?.faults)
}

/// Returns how many postings and accounts there are.
///
/// # Errors
/// Those of the database.
pub async fn count(db: &Db) -> Result<(i64, i64), Error> {
    db.read(async |tx| posting_rows::count(tx).await).await
}

/// Returns what the ledger says about the next orders after `after`, by id, this many at most. Orders without a sale are left out.
///
/// # Errors
/// Those of the database.
pub async fn list_for_check(db: &Db, after: OrderId, orders: usize) -> Result<Vec<OrderLedger>, Error> {
    let found = db.read(async move |tx| sale_rows::list_by_orders(tx, after, orders).await).await?;
    let mut orders = BTreeMap::new();
    for (record, OrderState { returned_amount, is_waiting }) in found {
        let (order_id, currency) = (record.order_id, record.currency);
        let order = orders.entry(order_id).or_insert(OrderLedger { order_id, currency, sold_amount: 0, returned_amount, is_waiting });
        order.sold_amount += record.sale.total().customer;
    }
    Ok(orders.into_values().collect())
}
