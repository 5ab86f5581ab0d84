//! Taking in what the carrier tells of a parcel.

use crate::{
    App, Error,
    domain::{Observed, ShipmentRecord},
    store,
};
use contracts::{
    ids::ShipmentId,
    shipping::{RecordShipmentEvent, Shipment, ShipmentStatus},
};
use platform::{
    db::Tx,
    http::{Idempotent, Json, MaybeIdempotencyKey, Problem},
};

/// How many entries a tracking history keeps. One that is full takes no more scans, and every new status.
pub const MAX_EVENTS: i64 = 200;

/// Takes in a carrier's event and answers with the shipment as it is then. What is known or was overtaken changes nothing;
/// what contradicts a recall is added to the history and shown to administrators.
///
/// # Errors
/// [`Error::NotFound`], [`Error::HistoryIsFull`].
pub async fn record_event(
    app: &App,
    id: ShipmentId,
    key: MaybeIdempotencyKey,
    body: RecordShipmentEvent,
) -> Result<Idempotent<Json<Shipment>>, Problem> {
    let (status, message) = (body.status, body.message.map_or_else(String::new, contracts::text::ShortText::into_string));
    app.ctx.db.write(async move |tx| key.once(tx, async |tx| track(tx, id, status, &message).await.map(Json)).await).await
}

/// The same inside a unit, for the simulated carrier too.
pub async fn track(tx: &mut Tx, id: ShipmentId, status: ShipmentStatus, message: &str) -> Result<Shipment, Error> {
    let mut shipment = store::lock_by_shipment(tx, id).await?.ok_or(Error::NotFound)?;
    let present = shipment.parcel.as_ref().ok_or(Error::NotFound)?.status;
    match shipment.observe(status) {
        Observed::Known => {}
        Observed::Moved(next) => {
            if append(tx, id, next, message, next == present).await? {
                move_to(tx, &mut shipment, next, message).await?;
            }
        }
        Observed::Contradicted(next) => {
            if append(tx, id, next, message, shipment.contradiction == Some(next)).await? {
                contradict(tx, &mut shipment, next).await?;
            }
        }
    }
    store::view(tx, shipment).await?.ok_or(Error::NotFound)
}

/// Adds to the history. Whether it is new.
async fn append(tx: &mut Tx, id: ShipmentId, next: ShipmentStatus, message: &str, is_scan: bool) -> Result<bool, Error> {
    if is_scan && store::count_events(tx, id).await? >= MAX_EVENTS {
        return Err(Error::HistoryIsFull);
    }
    Ok(store::append_event(tx, id, next, message).await?)
}

/// Keeps what the carrier reports of a parcel that it had agreed not to fetch. The order was told that it stays, and money
/// and stock went back on that word: people have to settle it, unless the carrier brings it back.
async fn contradict(tx: &mut Tx, shipment: &mut ShipmentRecord, next: ShipmentStatus) -> Result<(), Error> {
    let ShipmentRecord { order_id, shipment_id, .. } = *shipment;
    if next == ShipmentStatus::Returned {
        tracing::info!(target: "carrier", %order_id, %shipment_id, "a parcel that was taken in spite of its recall came back");
    } else {
        tracing::error!(target: "carrier", %order_id, %shipment_id, status = %next, "the carrier contradicts a recall that it agreed to");
        metrics::counter!("souk_carrier_contradictions_total").increment(1);
    }
    shipment.contradiction = Some(next);
    Ok(store::save(tx, shipment).await?)
}

/// Writes the status and tells the world.
async fn move_to(tx: &mut Tx, shipment: &mut ShipmentRecord, next: ShipmentStatus, message: &str) -> Result<(), Error> {
    let Some(parcel) = shipment.move_to(next) else { return Ok(()) };
    store::save(tx, shipment).await?;
    match next {
        // A shipment begins with it, and nothing leads back.
        ShipmentStatus::Created => {}
        ShipmentStatus::InTransit => tx.emit(shipment.updated_event(&parcel, message.to_owned())),
        ShipmentStatus::Delivered => tx.emit(shipment.delivered_event(&parcel)),
        ShipmentStatus::Returned => tx.emit(shipment.returned_event(&parcel, false)),
    }
    Ok(())
}
