//! Asking the carrier. The first attempt, a retry and the recovery after a crash are one path: the row says what is to
//! be asked, the carrier is asked under the order as the key, and its answer is written if it is still wanted.

use super::BOOKING;
use crate::{
    App, Error,
    carrier::{CarrierError, Consignee},
    domain::{Booking, Consignment, Taken},
    store,
};
use contracts::{
    ids::OrderId,
    problem::Failure,
    shipping::{ShipmentOverview, ShipmentStatus},
};
use platform::context::Context;

/// What the history of every shipment begins with.
const TAKEN: &str = "The carrier was told of the parcel";
/// What it says of a recall that is done.
const KEPT: &str = "Recalled: the carrier does not fetch it";

/// Asks the carrier for what is due for this order, if anything is, and writes what came of it.
pub async fn attempt(app: &App, order_id: OrderId) -> Result<(), Error> {
    let Some(consignment) = app.ctx.db.read(async move |tx| store::find_by_order(tx, order_id).await).await? else { return Ok(()) };
    // What happens now was begun by who placed the order.
    Context::new(consignment.correlation_id.as_str()).scope(ask(app, consignment)).await
}

async fn ask(app: &App, consignment: Consignment) -> Result<(), Error> {
    let order_id = consignment.order_id;
    let patience = app.settings.carrier_timeout();
    match consignment.booking {
        Booking::Pending => {
            let consignee = Consignee { order_id, address: consignment.address.clone() };
            match tokio::time::timeout(patience, app.carrier.book(consignee)).await.unwrap_or(Err(CarrierError::TimedOut)) {
                Ok(tracking_number) => booked(app, order_id, tracking_number).await,
                Err(error) => failed(app, &consignment, error).await,
            }
        }
        Booking::Recalling => {
            match tokio::time::timeout(patience, app.carrier.recall(order_id)).await.unwrap_or(Err(CarrierError::TimedOut)) {
                Ok(()) => recalled(app, order_id).await,
                Err(error) => failed(app, &consignment, error).await,
            }
        }
        Booking::Awaited | Booking::Booked | Booking::Closed => Ok(()),
    }
}

async fn booked(app: &App, order_id: OrderId, tracking_number: String) -> Result<(), Error> {
    app.ctx
        .db
        .write(async move |tx| {
            let mut consignment = store::lock_by_order(tx, order_id).await?.ok_or(Error::NotFound)?;
            match consignment.booked(tracking_number.clone(), tx.now()) {
                Taken::Known => {}
                Taken::Now(event) => {
                    store::save(tx, &mut consignment).await?;
                    store::append_event(tx, event.shipment_id, ShipmentStatus::Created, TAKEN).await?;
                    tx.emit(event);
                }
                Taken::Unwanted => {
                    store::save(tx, &mut consignment).await?;
                    tx.notify_worker(BOOKING);
                }
            }
            Ok(())
        })
        .await
}

async fn recalled(app: &App, order_id: OrderId) -> Result<(), Error> {
    app.ctx
        .db
        .write(async move |tx| {
            let mut consignment = store::lock_by_order(tx, order_id).await?.ok_or(Error::NotFound)?;
            let returned = consignment.recalled();
            store::save(tx, &mut consignment).await?;
            if let Some(event) = returned {
                store::append_event(tx, event.shipment_id, ShipmentStatus::Returned, KEPT).await?;
                tx.emit(event);
            }
            Ok(())
        })
        .await
}

async fn failed(app: &App, asked: &Consignment, error: CarrierError) -> Result<(), Error> {
    let attempts = asked.attempts.saturating_add(1);
    tracing::warn!(
        target: "carrier", order_id = %asked.order_id, booking = %asked.booking, attempts, %error, "the carrier failed; it is asked again"
    );
    metrics::counter!("souk_carrier_failures_total").increment(1);
    let wait = app.ctx.env.jitter(app.settings.backoff().delay(attempts));
    let (order_id, booking, failure) = (asked.order_id, asked.booking, Failure::from(error.code()));
    app.ctx
        .db
        .write(async move |tx| {
            let mut consignment = store::lock_by_order(tx, order_id).await?.ok_or(Error::NotFound)?;
            consignment.failed(booking, failure.clone(), tx.now().after(wait));
            Ok(store::save(tx, &mut consignment).await?)
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
    attempt(app, order_id).await?;
    let now = get().await?;
    match now.booking {
        Booking::Pending | Booking::Recalling => Err(Error::CarrierUnavailable),
        Booking::Awaited | Booking::Booked | Booking::Closed => Ok(now.overview()),
    }
}
