//! Ships a fulfilment for its seller.

use super::{apply, store};
use crate::{
    App, Error,
    domain::{Fact, ParcelLabel},
    view::seller_view,
};
use contracts::{
    ids::{FulfilmentId, UserId, Uuid},
    order::{FulfilmentStatus, SellerFulfilment},
    shipping::{self, HandOverParcel, Shipment, ShipmentStatus},
};
use platform::{
    db::{self, Tx},
    http::Json,
    idempotency::{IdempotentRequest, Next},
};
use std::{sync::OnceLock, time::Duration};

/// Hands the parcel of a confirmed fulfilment over to the carrier that was booked, or to the one that the seller names. Shipping
/// decides; its answer is applied here, and its event changes nothing then. Without a key a repetition answers the fulfilment as it is.
///
/// It is refused with [`Error::NotFound`] for that of another seller, [`Error::PartPending`], [`Error::PartNotShippable`],
/// [`Error::Upstream`].
pub struct Ship {
    pub app: App,
    pub seller: UserId,
    pub id: FulfilmentId,
    pub body: HandOverParcel,
    /// What shipping answered.
    pub shipment: OnceLock<Shipment>,
}

impl IdempotentRequest for Ship {
    type Answer = Json<SellerFulfilment>;
    type State = FulfilmentId;
    type Error = Error;

    async fn prepare(&self) -> Result<(), Error> {
        let (seller, id, ctx) = (self.seller, self.id, &self.app.ctx);
        let order = ctx.db.read(async move |tx| store::find_of_seller(tx, seller, id).await).await?.ok_or(Error::NotFound)?;
        let part = order.fulfilment(id).ok_or(Error::NotFound)?;
        match part.status {
            FulfilmentStatus::Pending => return Err(Error::PartPending),
            FulfilmentStatus::Confirmed if !part.is_cancellation_pending() => {}
            FulfilmentStatus::Shipped => {}
            status => return Err(Error::PartNotShippable(status)),
        }
        let shipment = ctx.client.call(&shipping::HAND_OVER_PARCEL).path(&[&id]).body(&self.body).send().await?;
        self.shipment.get_or_init(|| shipment);
        Ok(())
    }

    async fn effect(&self, tx: &mut Tx) -> Result<Next<Json<SellerFulfilment>, FulfilmentId>, Error> {
        let shipment = self.shipment.get().ok_or_else(|| db::Error::Failed("a parcel is sent before it was handed over".into()))?;
        let order = store::find_of_seller(tx, self.seller, self.id).await?.ok_or(Error::NotFound)?;
        let label = ParcelLabel { carrier: shipment.carrier.clone(), tracking_number: shipment.tracking_number.clone() };
        let created = Fact::ShipmentCreated {
            fulfilment_id: self.id,
            shipment_id: shipment.shipment_id,
            carrier: label.carrier.clone(),
            tracking_number: label.tracking_number.clone(),
        };
        let moved = Fact::ShipmentUpdated(shipment.shipment_id, ShipmentStatus::InTransit, Some(label));
        for fact in [created, moved] {
            apply(tx, order.order_id, &fact, self.app.settings.pay_again()).await?;
        }
        self.answer(tx, self.id).await
    }

    fn resource(&self, id: &FulfilmentId) -> Uuid {
        (*id).into()
    }

    async fn resume(&self, tx: &mut Tx, id: Uuid) -> Result<Next<Json<SellerFulfilment>, FulfilmentId>, Error> {
        self.answer(tx, id.into()).await
    }

    /// The effect answers at once.
    fn limit(&self) -> Duration {
        Duration::ZERO
    }

    async fn wait(&self, id: FulfilmentId) -> Result<FulfilmentId, Error> {
        Ok(id)
    }

    async fn answer(&self, tx: &mut Tx, id: FulfilmentId) -> Result<Next<Json<SellerFulfilment>, FulfilmentId>, Error> {
        let order = store::find_of_seller(tx, self.seller, id).await?;
        Ok(Next::Answer(Json(order.and_then(|order| seller_view(&order, id)).ok_or(Error::NotFound)?)))
    }
}
