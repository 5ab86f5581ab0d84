//! The carrier's events.

use crate::{
    App, Error,
    domain::{CLOCK_SKEW, ReportOutcome, Scan, ShipmentRecord},
    store,
};
use contracts::{
    ids::ShipmentId,
    shipping::{RecordShipmentEvent, Shipment, ShipmentStatus},
};
use platform::{
    db::Tx,
    http::{Idempotent, Json, MaybeIdempotencyKey, Problem},
    personal::is_erased,
};

/// How many entries a history has before it accepts no more scans. A new status is always accepted.
pub const MAX_EVENTS: i64 = 200;

/// Applies a carrier's event and answers the shipment. A known or outdated event changes nothing; one that contradicts a
/// confirmed cancellation is added to the history and shown to administrators.
///
/// # Errors
/// [`Error::NotFound`], [`Error::HistoryIsFull`], [`Error::InTheFuture`].
pub async fn record_event(
    app: &App,
    id: ShipmentId,
    key: MaybeIdempotencyKey,
    body: RecordShipmentEvent,
) -> Result<Idempotent<Json<Shipment>>, Problem> {
    let (status, message) = (body.status, body.message.map_or_else(String::new, contracts::text::ShortText::into_string));
    let at = body.occurred_at;
    let unit = async move |tx: &mut Tx| {
        key.once(tx, async |tx| {
            if at.is_some_and(|at| at > tx.now().after(CLOCK_SKEW)) {
                return Err(Error::InTheFuture);
            }
            track(tx, id, status, Scan { message: &message, at }).await.map(Json)
        })
        .await
    };
    app.ctx.db.write(unit).await
}

/// The same inside a unit of work, also for simulated events.
pub async fn track(tx: &mut Tx, id: ShipmentId, status: ShipmentStatus, scan: Scan<'_>) -> Result<Shipment, Error> {
    let mut shipment = store::lock_by_shipment(tx, id).await?.ok_or(Error::NotFound)?;
    let present = shipment.parcel.as_ref().ok_or(Error::NotFound)?.status;
    // A carrier may write about its receiver, also after the erasure.
    let scan = if is_erased(tx, shipment.person()).await? { Scan { message: "", at: scan.at } } else { scan };
    match shipment.observe(status) {
        ReportOutcome::Known => {}
        ReportOutcome::Moved(next) => {
            if append(tx, &mut shipment, next, scan, next == present).await? {
                move_to(tx, &mut shipment, next, scan.message).await?;
            }
        }
        ReportOutcome::Contradicted(next) => {
            let is_scan = shipment.contradiction == Some(next);
            if append(tx, &mut shipment, next, scan, is_scan).await? {
                contradict(tx, &mut shipment, next).await?;
            }
        }
    }
    store::view(tx, shipment).await?.ok_or(Error::NotFound)
}

/// Adds an entry to the history. Returns whether it is new.
async fn append(tx: &mut Tx, shipment: &mut ShipmentRecord, next: ShipmentStatus, scan: Scan<'_>, is_scan: bool) -> Result<bool, Error> {
    if is_scan && shipment.event_count >= MAX_EVENTS {
        return Err(Error::HistoryIsFull);
    }
    Ok(store::append_event(tx, shipment, next, scan).await?)
}

/// Stores a report that contradicts a confirmed cancellation. Money and stock were returned because of the confirmation, so
/// administrators have to act, unless the carrier brings the parcel back.
async fn contradict(tx: &mut Tx, shipment: &mut ShipmentRecord, next: ShipmentStatus) -> Result<(), Error> {
    let ShipmentRecord { order_id, shipment_id, .. } = *shipment;
    if next == ShipmentStatus::Returned {
        tracing::info!(target: "carrier", %order_id, %shipment_id, "a parcel that was sent in spite of its cancellation came back");
    } else {
        tracing::error!(target: "carrier", %order_id, %shipment_id, status = %next, "the carrier contradicts a cancellation that it confirmed");
        metrics::counter!("souk_carrier_contradictions_total").increment(1);
    }
    shipment.contradiction = Some(next);
    Ok(store::save(tx, shipment).await?)
}

/// Saves the new status and emits its event.
pub(super) async fn move_to(tx: &mut Tx, shipment: &mut ShipmentRecord, next: ShipmentStatus, message: &str) -> Result<(), Error> {
    let Some(parcel) = shipment.move_to(next) else { return Ok(()) };
    store::save(tx, shipment).await?;
    match next {
        // The initial status: no transition leads to it.
        ShipmentStatus::Created => {}
        ShipmentStatus::InTransit => tx.emit(shipment.updated_event(&parcel, message.to_owned())),
        ShipmentStatus::Delivered => tx.emit(shipment.delivered_event(&parcel)),
        ShipmentStatus::Returned => tx.emit(shipment.returned_event(&parcel, false)),
    }
    Ok(())
}
