//! Asking the carrier. The first attempt, a retry and the recovery after a crash are one path: the row says what is to
//! be asked, the carrier is asked under the order as the key, and its answer is written if it is still wanted.

use super::BOOKING;
use crate::{
    App, Error,
    carrier::{BookingRequest, CarrierError},
    domain::{Booking, BookingOutcome, ShipmentRecord},
    store,
};
use contracts::{
    ids::OrderId,
    problem::Failure,
    shipping::{ShipmentOverview, ShipmentStatus},
};
use platform::context::Context;

/// What the history of every shipment begins with.
const BOOKED_MESSAGE: &str = "The carrier was told of the parcel";
/// What it says of a recall that is done.
const CANCELLED_MESSAGE: &str = "Recalled: the carrier does not fetch it";

/// Asks the carrier for what is due for this order, if anything is, and writes what came of it.
pub async fn call_carrier(app: &App, order_id: OrderId) -> Result<(), Error> {
    let Some(shipment) = app.ctx.db.read(async move |tx| store::find_by_order(tx, order_id).await).await? else { return Ok(()) };
    // What happens now was begun by who placed the order.
    Context::new(shipment.correlation_id.as_str()).scope(send(app, shipment)).await
}

async fn send(app: &App, shipment: ShipmentRecord) -> Result<(), Error> {
    let order_id = shipment.order_id;
    let timeout = app.settings.carrier_timeout();
    match shipment.booking {
        Booking::Pending => {
            let request = BookingRequest { order_id, address: shipment.address.clone() };
            match tokio::time::timeout(timeout, app.carrier.book(request)).await.unwrap_or(Err(CarrierError::TimedOut)) {
                Ok(tracking_number) => booked(app, order_id, tracking_number).await,
                Err(error) => failed(app, &shipment, error).await,
            }
        }
        Booking::Cancelling => {
            match tokio::time::timeout(timeout, app.carrier.cancel(order_id)).await.unwrap_or(Err(CarrierError::TimedOut)) {
                Ok(()) => cancelled(app, order_id).await,
                Err(error) => failed(app, &shipment, error).await,
            }
        }
        Booking::Awaited | Booking::Booked | Booking::Closed => Ok(()),
    }
}

async fn booked(app: &App, order_id: OrderId, tracking_number: String) -> Result<(), Error> {
    app.ctx
        .db
        .write(async move |tx| {
            let mut shipment = store::lock_by_order(tx, order_id).await?.ok_or(Error::NotFound)?;
            match shipment.booked(tracking_number.clone(), tx.now()) {
                BookingOutcome::Known => {}
                BookingOutcome::Now(event) => {
                    store::save(tx, &mut shipment).await?;
                    store::append_event(tx, event.shipment_id, ShipmentStatus::Created, BOOKED_MESSAGE).await?;
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

async fn cancelled(app: &App, order_id: OrderId) -> Result<(), Error> {
    app.ctx
        .db
        .write(async move |tx| {
            let mut shipment = store::lock_by_order(tx, order_id).await?.ok_or(Error::NotFound)?;
            let returned = shipment.cancel_confirmed();
            store::save(tx, &mut shipment).await?;
            if let Some(event) = returned {
                store::append_event(tx, event.shipment_id, ShipmentStatus::Returned, CANCELLED_MESSAGE).await?;
                tx.emit(event);
            }
            Ok(())
        })
        .await
}

async fn failed(app: &App, requested: &ShipmentRecord, error: CarrierError) -> Result<(), Error> {
    let attempts = requested.attempts.saturating_add(1);
    tracing::warn!(
        target: "carrier", order_id = %requested.order_id, booking = %requested.booking, attempts, %error, "the carrier failed; it is asked again"
    );
    metrics::counter!("souk_carrier_failures_total").increment(1);
    let wait = app.ctx.env.jitter(app.settings.backoff().delay(attempts));
    let (order_id, booking, failure) = (requested.order_id, requested.booking, Failure::from(error.code()));
    app.ctx
        .db
        .write(async move |tx| {
            let mut shipment = store::lock_by_order(tx, order_id).await?.ok_or(Error::NotFound)?;
            shipment.failed(booking, failure.clone(), tx.now().after(wait));
            Ok(store::save(tx, &mut shipment).await?)
        })
        .await
}

/// Asks the carrier at once, for an administrator who does not want to wait. An order whose parcel the carrier took
/// already is answered as it is.
///
/// # Errors
/// [`Error::NotFound`], [`Error::NothingToRetry`] for an order that has nothing to send, [`Error::CarrierUnavailable`]
/// when the carrier failed again.
pub async fn retry(app: &App, order_id: OrderId) -> Result<ShipmentOverview, Error> {
    let get = async || app.ctx.db.read(async move |tx| store::find_by_order(tx, order_id).await).await?.ok_or(Error::NotFound);
    if matches!(get().await?.booking, Booking::Awaited | Booking::Closed) {
        return Err(Error::NothingToRetry);
    }
    call_carrier(app, order_id).await?;
    let now = get().await?;
    match now.booking {
        Booking::Pending | Booking::Cancelling => Err(Error::CarrierUnavailable),
        Booking::Awaited | Booking::Booked | Booking::Closed => Ok(now.overview()),
    }
}
