//! The consistency check of promotions, for `souk doctor`: their counts, and what it compares with orders.

use crate::store::uses;
use contracts::{
    ids::{OrderId, PromotionId},
    promotion::PromotionUseStatus,
};
use platform::db::{Db, Error};

/// A use of a promotion, as far as its order knows of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderUse {
    pub order_id: OrderId,
    pub promotion_id: PromotionId,
    pub status: PromotionUseStatus,
    /// Whether its order may not be written yet.
    pub is_unclaimed: bool,
}

/// Compares `usedCount` of every promotion with its uses that are RESERVED or CONFIRMED. Returns a sentence for each fault.
///
/// # Errors
/// Those of the database.
pub async fn check_consistency(db: &Db) -> Result<Vec<String>, Error> {
    let wrong = db.read(async |tx| uses::list_wrong_counts(tx).await).await?;
    let fault = |(id, counted, held): (PromotionId, i64, i64)| format!("promotion {id}: counts {counted} uses, and {held} are held (P1)");
    Ok(wrong.into_iter().map(fault).collect())
}

/// Returns the uses of the orders after `after` up to and including `up_to`.
///
/// # Errors
/// Those of the database.
pub async fn list_uses_by_orders(db: &Db, after: OrderId, up_to: OrderId) -> Result<Vec<OrderUse>, Error> {
    db.read(async move |tx| uses::list_by_orders(tx, after, up_to).await).await
}
