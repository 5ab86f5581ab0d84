//! The SQL of the mock carrier.

use contracts::ids::OrderId;
use platform::{
    db::{Error, Tx},
    params, table,
};

/// What the mock knows of an order.
pub struct MockParcel {
    pub order_id: OrderId,
    /// `None` until it is booked.
    pub tracking_number: Option<String>,
    /// How often the mock refused to book it on purpose.
    pub refusals: u32,
    pub is_cancelled: bool,
}

table! {
    MockParcels in "mock_parcels" of MockParcel, key [order_id];
    columns { order_id, tracking_number, refusals, is_cancelled = recalled }
}

/// Returns the parcel of an order, its row locked until the commit. A row that is absent is inserted.
pub async fn lock_parcel(tx: &mut Tx, order_id: OrderId) -> Result<MockParcel, Error> {
    let absent = MockParcel { order_id, tracking_number: None, refusals: 0, is_cancelled: false };
    tx.insert_if_absent::<MockParcels>(&absent, "(order_id)").await?;
    Ok(tx.lock::<MockParcels>("order_id = $1", params![order_id]).await?.unwrap_or(absent))
}

pub async fn save_parcel(tx: &mut Tx, parcel: &MockParcel) -> Result<(), Error> {
    tx.update::<MockParcels>(parcel).await.map(|_| ())
}
