//! The shipments for the consistency check of `souk doctor` and the tests.

use crate::store;
use contracts::{
    ids::{FulfilmentId, OrderId, ShipmentId},
    shipping::ShipmentStatus,
};
use platform::db::{Db, Error};

/// The fields of a shipment that are compared with its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderShipment {
    pub fulfilment_id: FulfilmentId,
    pub order_id: OrderId,
    pub shipment_id: ShipmentId,
    /// `None` before the carrier took the parcel.
    pub status: Option<ShipmentStatus>,
    /// Whether it is cancelled, confirmed by the carrier or not.
    pub is_cancelled: bool,
    /// What the carrier last reported after it had confirmed the cancellation.
    pub contradiction: Option<ShipmentStatus>,
}

/// Returns the shipments of the orders after `after` up to and including `up_to`, without those that are not confirmed.
///
/// # Errors
/// Those of the database.
pub async fn list_by_orders(db: &Db, after: OrderId, up_to: OrderId) -> Result<Vec<OrderShipment>, Error> {
    db.read(async move |tx| store::list_by_orders(tx, after, up_to).await).await
}
