//! What administrators do in a demonstration: they switch faults of the carrier on and off, and move parcels.

use super::{BOOKING, track};
use crate::{App, Error, domain::Scan, store};
use contracts::{
    shipping::{AdvancedParcels, CarrierFaults, ParcelStep, ShipmentStatus},
    time::Timestamp,
};
use platform::{
    db::Tx,
    env::LockUnpoisoned as _,
    http::{Idempotent, Json, MaybeIdempotencyKey, Problem},
};
use std::sync::Mutex;

/// How many parcels one request moves.
const MOVED: usize = 500;

fn faults(app: &App) -> Result<&Mutex<CarrierFaults>, Error> {
    app.carrier.faults().ok_or(Error::NoDemonstration)
}

/// Returns the faults that are switched on.
///
/// # Errors
/// [`Error::NoDemonstration`].
pub fn get_faults(app: &App) -> Result<CarrierFaults, Error> {
    Ok(*faults(app)?.lock_unpoisoned())
}

/// Switches the faults. When the carrier is up again, the requests that wait for their next attempt are sent at once: whoever watches
/// should not wait for a pause that has grown meanwhile.
///
/// # Errors
/// [`Error::NoDemonstration`].
pub async fn put_faults(app: &App, wanted: CarrierFaults) -> Result<CarrierFaults, Error> {
    *faults(app)?.lock_unpoisoned() = wanted;
    tracing::warn!(target: "carrier", down = wanted.down, "an administrator switched the faults of the mock");
    if !wanted.down {
        app.ctx
            .db
            .write(async move |tx| {
                store::make_all_due(tx).await?;
                tx.notify_worker(BOOKING);
                Ok::<_, Error>(())
            })
            .await?;
    }
    Ok(wanted)
}

/// Moves the parcels that are under way.
///
/// # Errors
/// [`Error::NoDemonstration`].
pub async fn advance(app: &App, key: MaybeIdempotencyKey, step: ParcelStep) -> Result<Idempotent<Json<AdvancedParcels>>, Problem> {
    faults(app)?;
    let unit = async move |tx: &mut Tx| {
        key.once(tx, async |tx| {
            let moved = advance_in(tx, tx.now(), MOVED, step).await?;
            Ok::<_, Error>(Json(AdvancedParcels { moved: moved as u64 }))
        })
        .await
    };
    app.ctx.db.write(unit).await
}

/// Moves up to `rows` parcels that are under way and unchanged since `before`, and returns how many.
pub async fn advance_in(tx: &mut Tx, before: Timestamp, rows: usize, step: ParcelStep) -> Result<usize, Error> {
    let untouched = store::list_untouched(tx, before, rows).await?;
    let count = untouched.len();
    for (shipment, status) in untouched {
        let (next, message) = match (step, status) {
            (ParcelStep::NextScan, ShipmentStatus::Created) => (ShipmentStatus::InTransit, "Picked up by the carrier"),
            _ => (ShipmentStatus::Delivered, "Handed over to the recipient"),
        };
        track(tx, shipment, next, Scan::now(message)).await?;
    }
    Ok(count)
}
