//! A parcel that its sender hands to a carrier.

use super::{BOOKING, track::move_to};
use crate::{
    App, Error,
    domain::{NotHandedOver, Scan},
    store,
};
use contracts::{
    ids::FulfilmentId,
    shipping::{HandOverParcel, Shipment, ShipmentStatus},
    text::RequiredShortText,
};

/// The entry of the history.
const HANDED_OVER: &str = "The seller handed the parcel to the carrier";

/// Sets the shipment IN_TRANSIT. The carrier and the number of the request take the place of the booked ones, whose pickup is cancelled
/// at the carrier. A parcel that has left already is answered as it is.
///
/// # Errors
/// [`Error::Pending`] for a fulfilment that is not known yet, and without a number for a parcel that is not booked; [`Error::Cancelled`].
pub async fn hand_over(app: &App, id: FulfilmentId, body: HandOverParcel) -> Result<Shipment, Error> {
    let carrier = app.carrier.name();
    let [by, number] = [body.carrier, body.tracking_number].map(|text| text.map(RequiredShortText::into_string));
    let unit = async move |tx: &mut platform::db::Tx| {
        // Order calls for fulfilments of its own only, so the event of an unknown one is on its way.
        let mut shipment = store::lock_shipment_of(tx, id).await?.ok_or(Error::Pending)?;
        let moves = shipment.hand_over(carrier.as_str(), by.clone(), number.clone(), tx.now()).map_err(|refused| match refused {
            NotHandedOver::Pending => Error::Pending,
            NotHandedOver::Cancelled => Error::Cancelled,
        })?;
        if moves {
            store::append_event(tx, &mut shipment, ShipmentStatus::InTransit, Scan::now(HANDED_OVER)).await?;
            move_to(tx, &mut shipment, ShipmentStatus::InTransit, HANDED_OVER).await?;
            tx.notify_worker(BOOKING);
        }
        store::view(tx, shipment).await?.ok_or(Error::NotFound)
    };
    app.ctx.db.write(unit).await
}
