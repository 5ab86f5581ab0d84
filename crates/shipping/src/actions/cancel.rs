//! The cancellation of a shipment. It decides, in one transaction, whether the goods of an order leave; money and stock are
//! returned only after that.

use super::BOOKING;
use crate::{App, Error, domain::Scan, store};
use contracts::{
    ids::OrderId,
    shipping::{CancellationOutcome, ShipmentCancellation, ShipmentStatus},
};
use platform::db::Tx;

/// Cancels the shipment of an order that is being cancelled. A repetition changes nothing and answers the state by then.
///
/// # Errors
/// Those of the database.
pub async fn cancel_shipment(app: &App, order_id: OrderId) -> Result<ShipmentCancellation, Error> {
    let why = "Its order is being cancelled: the carrier is requested not to pick it up";
    let outcome = app.ctx.db.write(async move |tx| cancel_in(tx, order_id, why).await).await?;
    Ok(ShipmentCancellation { outcome })
}

/// Drops a pending shipment, and makes the cancellation of a booked one due. A parcel on its way is not changed.
pub async fn cancel_in(tx: &mut Tx, order_id: OrderId, why: &str) -> Result<CancellationOutcome, Error> {
    let Some(mut shipment) = store::lock_to_cancel(tx, order_id).await? else { return Ok(CancellationOutcome::Cancelled) };
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
