//! What `souk doctor` compares with orders.

use crate::store;
use contracts::ids::{OrderId, OrderItemId};
use platform::db::{Db, Error};

/// The units of a line that came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceivedUnits {
    pub order_id: OrderId,
    pub order_item_id: OrderItemId,
    pub received_quantity: u32,
}

/// Returns the delivered lines of the orders after `after` up to and including `up_to`.
///
/// # Errors
/// Those of the database.
pub async fn list_received_by_orders(db: &Db, after: OrderId, up_to: OrderId) -> Result<Vec<ReceivedUnits>, Error> {
    db.read(async move |tx| store::list_received_by_orders(tx, after, up_to).await).await
}
