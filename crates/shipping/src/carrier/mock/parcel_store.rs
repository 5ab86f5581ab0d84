//! The SQL of the mock carrier.

use contracts::ids::FulfilmentId;
use platform::{
    db::{Error, Tx},
    params, table,
};

/// What the mock knows of a fulfilment.
pub struct MockParcel {
    pub fulfilment_id: FulfilmentId,
    /// `None` until it is booked.
    pub tracking_number: Option<String>,
    /// How often the mock refused to book it on purpose.
    pub refusals: u32,
    pub is_cancelled: bool,
}

table! {
    MockParcels in "mock_parcels" of MockParcel, key [fulfilment_id];
    columns { fulfilment_id, tracking_number, refusals, is_cancelled = recalled }
}

/// Returns the parcel of a fulfilment, its row locked until the commit. A row that is absent is inserted.
pub async fn lock_parcel(tx: &mut Tx, fulfilment_id: FulfilmentId) -> Result<MockParcel, Error> {
    let absent = MockParcel { fulfilment_id, tracking_number: None, refusals: 0, is_cancelled: false };
    tx.insert_if_absent::<MockParcels>(&absent, "(fulfilment_id)").await?;
    Ok(tx.lock::<MockParcels>("fulfilment_id = $1", params![fulfilment_id]).await?.unwrap_or(absent))
}

pub async fn save_parcel(tx: &mut Tx, parcel: &MockParcel) -> Result<(), Error> {
    tx.replace::<MockParcels>(parcel).await
}
