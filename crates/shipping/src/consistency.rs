//! What is needed to hold parcels against the books of their orders: what `souk doctor` and the tests ask.

use crate::store;
use contracts::{
    ids::{OrderId, ShipmentId},
    shipping::ShipmentStatus,
};
use platform::db::{Db, Error};

/// A parcel as far as its order is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderShipment {
    pub order_id: OrderId,
    pub shipment_id: ShipmentId,
    /// None before the carrier took it.
    pub status: Option<ShipmentStatus>,
    /// Whether it is to stay here, and the carrier knows it or is being told.
    pub is_cancelled: bool,
    /// What the carrier last reported of it after it had agreed not to fetch it.
    pub contradiction: Option<ShipmentStatus>,
}

/// The parcels of the orders after `after` up to `up_to`, whose confirmation or end was heard of.
///
/// # Errors
/// Those of the database.
pub async fn list_by_orders(db: &Db, after: OrderId, up_to: OrderId) -> Result<Vec<OrderShipment>, Error> {
    db.read(async move |tx| store::list_by_orders(tx, after, up_to).await).await
}
