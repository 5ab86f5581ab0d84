//! The cancellation of a shipment. It decides, in one transaction, whether the goods of a fulfilment leave; money and stock are
//! returned only after that.

use super::BOOKING;
use crate::{App, Error, domain::Scan, store};
use contracts::{
    ids::{FulfilmentId, Uuid},
    shipping::{CancellationOutcome, ShipmentCancellation, ShipmentStatus},
};
use platform::db::Tx;

/// Cancels the shipment of a fulfilment that is being cancelled, or those of an order with this id. A repetition changes nothing and
/// answers the state by then; of several, that of the one that is furthest from being cancelled.
///
/// # Errors
/// Those of the database.
pub async fn cancel_shipment(app: &App, id: Uuid) -> Result<ShipmentCancellation, Error> {
    let why = "It is being cancelled: the carrier is requested not to pick it up";
    let unit = async move |tx: &mut Tx| {
        let mut ids: Vec<_> = store::list_by_any_id(tx, id).await?.iter().map(|shipment| shipment.fulfilment_id).collect();
        if ids.is_empty() {
            ids.push(id.into());
        }
        let mut outcome = CancellationOutcome::Cancelled;
        for id in ids {
            outcome = match (outcome, cancel_in(tx, id, why).await?) {
                (CancellationOutcome::TooLate, _) | (_, CancellationOutcome::TooLate) => CancellationOutcome::TooLate,
                (CancellationOutcome::Pending, _) | (_, CancellationOutcome::Pending) => CancellationOutcome::Pending,
                _ => CancellationOutcome::Cancelled,
            };
        }
        Ok::<_, Error>(outcome)
    };
    Ok(ShipmentCancellation { outcome: app.ctx.db.write(unit).await? })
}

/// Drops a pending shipment, and makes the cancellation of a booked one due. A parcel on its way is not changed.
pub async fn cancel_in(tx: &mut Tx, fulfilment_id: FulfilmentId, why: &str) -> Result<CancellationOutcome, Error> {
    let Some(mut shipment) = store::lock_to_cancel(tx, fulfilment_id).await? else { return Ok(CancellationOutcome::Cancelled) };
    let before = shipment.clone();
    let outcome = shipment.cancel(tx.now());
    if shipment != before {
        if shipment.parcel.is_some() {
            store::append_event(tx, &mut shipment, ShipmentStatus::Created, Scan::now(why)).await?;
        }
        store::save(tx, &mut shipment).await?;
        tx.notify_worker(BOOKING);
    }
    Ok(outcome)
}
