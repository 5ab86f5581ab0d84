use super::move_units;
use crate::{Error, store};
use contracts::{ids::ReservationId, inventory::StockChangeReason};
use platform::db::Db;

/// Expires those of these reservations that are overdue, in one commit.
///
/// # Errors
/// Those of the database.
pub async fn expire_overdue(db: &Db, mut ids: Vec<ReservationId>) -> Result<(), Error> {
    // Reservations are locked in the order of their ids.
    ids.sort();
    db.write(async move |tx| {
        let mut overdue = Vec::with_capacity(ids.len());
        for id in &ids {
            let held = store::reservations::lock_reservation(tx, *id).await?;
            // It may have been confirmed before it was locked.
            overdue.extend(held.filter(|reservation| reservation.is_overdue(tx.now())));
        }
        move_units(tx, &mut overdue, StockChangeReason::Expired).await
    })
    .await
}
