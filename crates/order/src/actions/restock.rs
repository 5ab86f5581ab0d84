//! Restocks the goods of a parcel that came back.

use super::{save, store};
use crate::{
    App, Error,
    view::{find_view, view},
};
use contracts::{
    ids::{OrderId, Uuid},
    order::{OrderView, RestockStatus},
};
use platform::{
    db::Tx,
    http::Json,
    idempotency::{IdempotentRequest, Next},
};
use std::time::Duration;

/// Puts the goods of a parcel that came back on sale again, and waits for the inventory for at most `wait`. The money is not
/// touched. A repetition changes nothing.
///
/// It is refused with `PARCEL_NOT_RETURNED` when no parcel of the order came back.
pub struct Restock {
    pub app: App,
    pub id: OrderId,
    pub wait: Duration,
}

impl IdempotentRequest for Restock {
    type Answer = Json<OrderView>;
    type State = OrderId;
    type Error = Error;
    const PREPARES: bool = false;

    async fn effect(&self, tx: &mut Tx) -> Result<Next<Json<OrderView>, OrderId>, Error> {
        let mut order = store::lock_order(tx, None, self.id).await?.ok_or(Error::NotFound)?;
        let before = order.clone();
        order.restock(tx.now()).map_err(|_| Error::NotReturned)?;
        if order != before {
            save(tx, &before, &order, &[]).await?;
        }
        if order.restock_status() == Some(RestockStatus::Pending) {
            return Ok(Next::Wait(self.id));
        }
        let timeline = store::list_timeline(tx, self.id).await?;
        Ok(Next::Answer(Json(view(order, timeline))))
    }

    fn resource(&self, id: &OrderId) -> Uuid {
        (*id).into()
    }

    async fn resume(&self, _: &mut Tx, id: Uuid) -> Result<Next<Json<OrderView>, OrderId>, Error> {
        Ok(Next::Wait(id.into()))
    }

    fn limit(&self) -> Duration {
        self.wait
    }

    async fn wait(&self, id: OrderId) -> Result<OrderId, Error> {
        let is_done = async move |tx: &mut Tx| {
            let order = store::find_order(tx, None, id).await?;
            Ok(order.is_none_or(|order| order.restock_status() != Some(RestockStatus::Pending)))
        };
        self.app.waiters.wait_until(&self.app.ctx.db, id, self.wait, is_done).await?;
        Ok(id)
    }

    async fn answer(&self, tx: &mut Tx, id: OrderId) -> Result<Next<Json<OrderView>, OrderId>, Error> {
        find_view(tx, None, id).await?.map(|view| Next::Answer(Json(view))).ok_or(Error::NotFound)
    }
}
