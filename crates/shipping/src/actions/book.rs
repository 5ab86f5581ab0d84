//! Requests to the carrier. The first attempt, a retry and the recovery after a crash are one path: the row names the request
//! that is due, the fulfilment is its idempotency key, and the answer is applied to the row as it is then.

use super::BOOKING;
use crate::{
    App, Error,
    carrier::{BookingRequest, CarrierError},
    domain::{Booking, BookingOutcome, Scan, ShipmentRecord},
    store,
};
use contracts::{
    ids::{FulfilmentId, Uuid},
    problem::Failure,
    shipping::{ShipmentOverview, ShipmentStatus},
};
use platform::context::Context;

/// The first entry of every history.
const BOOKED_MESSAGE: &str = "The parcel was booked at the carrier";
/// The entry of a confirmed cancellation.
const CANCELLED_MESSAGE: &str = "Recalled: the carrier does not fetch it";

/// Sends the request that is due for this fulfilment, if there is one, and records the answer.
pub async fn call_carrier(app: &App, fulfilment_id: FulfilmentId) -> Result<(), Error> {
    let Some(shipment) = app.ctx.db.read(async move |tx| store::find_shipment_of(tx, fulfilment_id).await).await? else { return Ok(()) };
    // The request belongs to the one that placed the order.
    Context::new(shipment.correlation_id.as_str()).scope(send(app, shipment)).await
}

async fn send(app: &App, shipment: ShipmentRecord) -> Result<(), Error> {
    let fulfilment_id = shipment.fulfilment_id;
    let timeout = app.settings.carrier_timeout();
    match shipment.booking {
        Booking::Pending => {
            let request = BookingRequest { fulfilment_id, address: shipment.address.clone() };
            match tokio::time::timeout(timeout, app.carrier.book(request)).await.unwrap_or(Err(CarrierError::TimedOut)) {
                Ok(tracking_number) => booked(app, fulfilment_id, tracking_number).await,
                Err(error) => failed(app, &shipment, error).await,
            }
        }
        Booking::Cancelling => {
            if shipment.parcel.as_ref().is_some_and(|parcel| parcel.carrier != app.carrier.name().as_str()) {
                // Another carrier does not know the parcel, and would confirm although the first one picks it up.
                return failed(app, &shipment, CarrierError::Refused("the parcel was booked at another carrier".into())).await;
            }
            cancel(app, &shipment).await
        }
        // The parcel names the carrier that has it, and this one was booked.
        Booking::Replaced => cancel(app, &shipment).await,
        Booking::Awaited | Booking::Booked | Booking::Closed => Ok(()),
    }
}

async fn cancel(app: &App, shipment: &ShipmentRecord) -> Result<(), Error> {
    let cancelling = tokio::time::timeout(app.settings.carrier_timeout(), app.carrier.cancel(shipment.fulfilment_id));
    match cancelling.await.unwrap_or(Err(CarrierError::TimedOut)) {
        Ok(()) => cancelled(app, shipment.fulfilment_id).await,
        Err(error) => failed(app, shipment, error).await,
    }
}

async fn booked(app: &App, fulfilment_id: FulfilmentId, tracking_number: String) -> Result<(), Error> {
    let carrier = app.carrier.name();
    app.ctx
        .db
        .write(async move |tx| {
            let mut shipment = store::lock_shipment_of(tx, fulfilment_id).await?.ok_or(Error::NotFound)?;
            match shipment.booked(carrier.as_str(), tracking_number.clone(), tx.now()) {
                BookingOutcome::AlreadyBooked => {}
                BookingOutcome::Created(event) => {
                    store::append_event(tx, &mut shipment, ShipmentStatus::Created, Scan::now(BOOKED_MESSAGE)).await?;
                    store::save(tx, &mut shipment).await?;
                    tx.emit(event);
                }
                BookingOutcome::CancelledMeanwhile => {
                    store::save(tx, &mut shipment).await?;
                    tx.notify_worker(BOOKING);
                }
            }
            Ok(())
        })
        .await
}

async fn cancelled(app: &App, fulfilment_id: FulfilmentId) -> Result<(), Error> {
    app.ctx
        .db
        .write(async move |tx| {
            let mut shipment = store::lock_shipment_of(tx, fulfilment_id).await?.ok_or(Error::NotFound)?;
            let returned = shipment.cancel_confirmed();
            if let Some(event) = returned {
                store::append_event(tx, &mut shipment, ShipmentStatus::Returned, Scan::now(CANCELLED_MESSAGE)).await?;
                tx.emit(event);
            }
            Ok(store::save(tx, &mut shipment).await?)
        })
        .await
}

async fn failed(app: &App, requested: &ShipmentRecord, error: CarrierError) -> Result<(), Error> {
    let attempts = requested.attempts.saturating_add(1);
    tracing::warn!(
        target: "carrier", fulfilment_id = %requested.fulfilment_id, booking = %requested.booking, attempts, %error, "the request to the carrier failed and will be repeated"
    );
    metrics::counter!("souk_carrier_failures_total").increment(1);
    let wait = app.ctx.env.jitter(app.settings.backoff().delay(attempts));
    let (fulfilment_id, booking, failure) = (requested.fulfilment_id, requested.booking, Failure::from(error.code()));
    app.ctx
        .db
        .write(async move |tx| {
            let mut shipment = store::lock_shipment_of(tx, fulfilment_id).await?.ok_or(Error::NotFound)?;
            shipment.failed(booking, failure.clone(), tx.now().after(wait));
            Ok(store::save(tx, &mut shipment).await?)
        })
        .await
}

/// Sends the requests that are due at once, for an administrator. `id` is that of a fulfilment, or of an order with all of its
/// fulfilments; one of them is the answer. What is booked is answered as it is.
///
/// # Errors
/// [`Error::NotFound`], [`Error::NothingToRetry`] when there is nothing to send, [`Error::CarrierUnavailable`] when the carrier
/// failed again.
pub async fn retry(app: &App, id: Uuid) -> Result<ShipmentOverview, Error> {
    let list = async || app.ctx.db.read(async move |tx| store::list_by_any_id(tx, id).await).await;
    let before = list().await?;
    if before.is_empty() {
        return Err(Error::NotFound);
    }
    let is_open = |shipment: &&ShipmentRecord| !matches!(shipment.booking, Booking::Awaited | Booking::Closed);
    if before.iter().all(|shipment| !is_open(&shipment)) {
        return Err(Error::NothingToRetry);
    }
    for shipment in before.iter().filter(is_open) {
        call_carrier(app, shipment.fulfilment_id).await?;
    }
    let is_due = |shipment: &ShipmentRecord| matches!(shipment.booking, Booking::Pending | Booking::Cancelling | Booking::Replaced);
    let now = list().await?;
    if now.iter().any(is_due) {
        return Err(Error::CarrierUnavailable);
    }
    let was_due: Vec<_> = before.iter().filter(|shipment| is_due(shipment)).map(|shipment| shipment.fulfilment_id).collect();
    let answered = now.iter().find(|shipment| was_due.contains(&shipment.fulfilment_id)).or(now.iter().find(is_open));
    answered.map(|shipment| shipment.clone().overview(app.carrier.name().as_str())).ok_or(Error::NotFound)
}
