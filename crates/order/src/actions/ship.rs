//! Ships a fulfilment for its seller.

use super::{apply, store};
use crate::{
    App, Error,
    domain::{Fact, ParcelLabel},
    view::seller_view,
};
use contracts::{
    ids::{FulfilmentId, UserId},
    order::{FulfilmentStatus, SellerFulfilment},
    shipping::{self, HandOverParcel, ShipmentStatus},
};
use platform::db::Tx;

/// Hands the parcel of a confirmed fulfilment over to the carrier that was booked, or to the one that the seller names. Shipping
/// decides; its answer is applied here, and its event changes nothing then. A repetition answers the fulfilment as it is.
///
/// # Errors
/// [`Error::NotFound`] for that of another seller, [`Error::PartPending`], [`Error::PartNotShippable`], [`Error::Upstream`].
pub async fn ship(app: &App, seller: UserId, id: FulfilmentId, body: HandOverParcel) -> Result<SellerFulfilment, Error> {
    let db = &app.ctx.db;
    let order = db.read(async move |tx| store::find_of_seller(tx, seller, id).await).await?.ok_or(Error::NotFound)?;
    let part = order.fulfilment(id).ok_or(Error::NotFound)?;
    match part.status {
        FulfilmentStatus::Pending => return Err(Error::PartPending),
        FulfilmentStatus::Confirmed if !part.is_cancellation_pending() => {}
        FulfilmentStatus::Shipped => {}
        status => return Err(Error::PartNotShippable(status)),
    }
    let shipment = app.ctx.client.call(&shipping::HAND_OVER_PARCEL).path(&[&id]).body(&body).send().await?;
    let (order_id, pay_again) = (order.order_id, app.settings.pay_again());
    let label = ParcelLabel { carrier: shipment.carrier, tracking_number: shipment.tracking_number };
    let created = Fact::ShipmentCreated {
        fulfilment_id: id,
        shipment_id: shipment.shipment_id,
        carrier: label.carrier.clone(),
        tracking_number: label.tracking_number.clone(),
    };
    let moved = Fact::ShipmentUpdated(shipment.shipment_id, ShipmentStatus::InTransit, Some(label));
    let unit = async move |tx: &mut Tx| {
        apply(tx, order_id, &created, pay_again).await?;
        apply(tx, order_id, &moved, pay_again).await?;
        store::find_of_seller(tx, seller, id).await.map_err(Error::from)
    };
    let order = db.write(unit).await?.ok_or(Error::NotFound)?;
    seller_view(&order, id).ok_or(Error::NotFound)
}
