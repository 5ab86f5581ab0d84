//! Calling a parcel off. Here it is decided, in one transaction and by what the carrier is known to do, whether an order's
//! goods leave; whoever gives money or stock back waits for it.

use super::BOOKING;
use crate::{App, Error, store};
use contracts::{
    ids::OrderId,
    shipping::{CancellationOutcome, ShipmentCancellation, ShipmentStatus},
};
use platform::db::Tx;

/// Recalls the parcel of an order that its customer or an administrator wants to cancel. Asking again changes nothing and
/// answers what is known by then.
///
/// # Errors
/// Those of the database.
pub async fn cancel_shipment(app: &App, order_id: OrderId) -> Result<ShipmentCancellation, Error> {
    let why = "Its order is being cancelled: the carrier is asked not to fetch it";
    let outcome = app.ctx.db.write(async move |tx| cancel_in(tx, order_id, why).await).await?;
    Ok(ShipmentCancellation { outcome })
}

/// Drops a shipment that is pending, and has one recalled that the carrier did not fetch yet. One that is on its way
/// travels on: what comes of it, the carrier will tell.
pub async fn cancel_in(tx: &mut Tx, order_id: OrderId, why: &str) -> Result<CancellationOutcome, Error> {
    let Some(mut shipment) = store::lock_by_order(tx, order_id).await? else {
        store::insert_cancelled_before_booking(tx, order_id).await?;
        return Ok(CancellationOutcome::Cancelled);
    };
    let before = shipment.clone();
    let outcome = shipment.cancel(tx.now());
    if shipment != before {
        store::save(tx, &mut shipment).await?;
        if shipment.parcel.is_some() {
            store::append_event(tx, shipment.shipment_id, ShipmentStatus::Created, why).await?;
        }
        tx.notify_worker(BOOKING);
    }
    Ok(outcome)
}
