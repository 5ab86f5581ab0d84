//! Taking in what the carrier tells of a parcel.

use crate::{
    App, Error,
    domain::{Consignment, Observed, observe},
    store,
};
use contracts::{
    ids::ShipmentId,
    shipping::{RecordShipmentEvent, Shipment, ShipmentStatus},
};
use platform::{
    db::Tx,
    http::{Json, Keyed, MaybeIdempotencyKey, Problem},
};

/// How many entries a tracking history keeps. One that is full takes no more scans, and every new status.
pub const MAX_EVENTS: i64 = 200;

/// Takes in a carrier's event and answers with the shipment as it is then. What is known or was overtaken changes nothing.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Illegal`] for what cannot have happened yet, [`Error::HistoryIsFull`].
pub async fn record_event(
    app: &App,
    id: ShipmentId,
    key: MaybeIdempotencyKey,
    body: RecordShipmentEvent,
) -> Result<Keyed<Json<Shipment>>, Problem> {
    let (status, message) = (body.status, body.message.map_or_else(String::new, contracts::text::Line::into_string));
    app.ctx.db.write(async move |tx| key.once(tx, async |tx| record(tx, id, status, &message).await.map(Json)).await).await
}

/// The same inside a unit, for the simulated carrier too.
pub async fn record(tx: &mut Tx, id: ShipmentId, status: ShipmentStatus, message: &str) -> Result<Shipment, Error> {
    let mut consignment = store::lock_by_shipment(tx, id).await?.ok_or(Error::NotFound)?;
    let present = consignment.parcel.as_ref().ok_or(Error::NotFound)?.status;
    if let Observed::Moved(next) = observe(present, status)? {
        if next == present && store::count_events(tx, id).await? >= MAX_EVENTS {
            return Err(Error::HistoryIsFull);
        }
        if store::append_event(tx, id, next, message).await? {
            move_to(tx, &mut consignment, next, message).await?;
        }
    }
    store::view(tx, consignment).await?.ok_or(Error::NotFound)
}

/// Writes the status and tells the world.
async fn move_to(tx: &mut Tx, consignment: &mut Consignment, next: ShipmentStatus, message: &str) -> Result<(), Error> {
    let Some(parcel) = &mut consignment.parcel else { return Ok(()) };
    parcel.status = next;
    let parcel = parcel.clone();
    store::save(tx, consignment).await?;
    match next {
        // A shipment begins with it, and nothing leads back.
        ShipmentStatus::Created => {}
        ShipmentStatus::InTransit => tx.emit(consignment.scanned(&parcel, message.to_owned())),
        ShipmentStatus::Delivered => tx.emit(consignment.delivered(&parcel)),
        ShipmentStatus::Returned => tx.emit(consignment.returned(&parcel, false)),
    }
    Ok(())
}
