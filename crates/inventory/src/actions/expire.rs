use super::move_units;
use crate::{Error, store};
use contracts::inventory::StockChangeReason;
use platform::{db::Db, worker::Next};

/// The most reservations that expire in one commit.
pub const BATCH: usize = 64;

/// Expires a batch of overdue reservations in one commit and returns when to run again.
///
/// # Errors
/// Those of the database.
pub async fn expire_overdue(db: &Db) -> Result<Next, Error> {
    db.write(async move |tx| {
        let found = store::reservations::list_overdue(tx, BATCH).await?;
        let mut overdue = Vec::with_capacity(found.len());
        for id in &found {
            let held = store::reservations::lock_reservation(tx, *id).await?;
            // It may have been confirmed before it was locked.
            overdue.extend(held.filter(|reservation| reservation.is_overdue(tx.now())));
        }
        move_units(tx, &mut overdue, StockChangeReason::Expired).await?;
        if found.len() == BATCH {
            return Ok(Next::Immediately);
        }
        Ok(store::reservations::next_expiry(tx).await?.map_or(Next::Idle, Next::At))
    })
    .await
}
