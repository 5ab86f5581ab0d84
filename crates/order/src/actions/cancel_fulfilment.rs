//! Cancels one fulfilment of an order.

use super::{Actor, save, store};
use crate::{
    App, Error,
    domain::{Cancellation, Order},
    view::view,
};
use contracts::{
    ids::{FulfilmentId, OrderId, UserId, Uuid},
    order::{FulfilmentStatus, OrderView},
};
use platform::{
    db::Tx,
    http::Json,
    idempotency::{IdempotentRequest, Next},
};
use std::time::Duration;

/// Cancels the part of one seller, for the customer before it ships, for its seller, or for an administrator, and waits for
/// shipping's decision for at most `wait`. The saga gives back its part of the money and its units. A repetition changes nothing.
///
/// It is refused with `NOT_FOUND` to everyone else, with `FULFILMENT_NOT_CONFIRMED` before the order is confirmed, and with
/// `FULFILMENT_NOT_CANCELLABLE` once it shipped or was refunded. A seller gets the order without what belongs to others.
pub struct CancelFulfilment {
    pub app: App,
    /// The caller, and whether the caller is an administrator.
    pub caller: UserId,
    pub is_admin: bool,
    pub order_id: OrderId,
    pub id: FulfilmentId,
    pub note: Option<String>,
    pub wait: Duration,
}

impl CancelFulfilment {
    /// Returns the order, and who cancels.
    async fn read(&self, tx: &mut Tx, lock: bool) -> Result<(Order, Actor), Error> {
        let found = match lock {
            true => store::lock_order(tx, None, self.order_id).await?,
            false => store::find_order(tx, None, self.order_id).await?,
        };
        let order = found.ok_or(Error::NotFound)?;
        let part = order.fulfilment(self.id).ok_or(Error::NotFound)?;
        let actor = match self.caller {
            _ if self.is_admin => Actor::Admin,
            caller if order.user_id == caller => Actor::Customer(caller),
            caller if part.seller_id == Some(caller) => Actor::Seller(caller),
            _ => return Err(Error::NotFound),
        };
        Ok((order, actor))
    }

    /// Returns the order, or the refusal, as of now.
    async fn outcome(&self, tx: &mut Tx, order: Order, actor: Actor) -> Result<Next<Json<OrderView>, OrderId>, Error> {
        let part = order.fulfilment(self.id).ok_or(Error::NotFound)?;
        if part.status != FulfilmentStatus::Cancelled && !part.is_cancellation_pending() {
            return Err(Error::PartNotCancellable(part.status));
        }
        let timeline = store::list_timeline(tx, self.order_id).await?;
        let view = view(order, timeline);
        Ok(Next::Answer(Json(match actor {
            Actor::Seller(seller) => crate::view::for_seller(view, seller),
            _ => view,
        })))
    }
}

impl IdempotentRequest for CancelFulfilment {
    type Answer = Json<OrderView>;
    type State = OrderId;
    type Error = Error;
    const PREPARES: bool = false;

    async fn effect(&self, tx: &mut Tx) -> Result<Next<Json<OrderView>, OrderId>, Error> {
        let (mut order, actor) = self.read(tx, true).await?;
        let before = order.clone();
        order.cancel_fulfilment(self.id, Cancellation { reason: actor.reason(), note: self.note.clone() }, tx.now())?;
        if order != before {
            save(tx, &before, &order, &[]).await?;
        }
        let is_pending = order.fulfilment(self.id).is_some_and(|part| part.is_cancellation_pending());
        if is_pending { Ok(Next::Wait(self.order_id)) } else { self.outcome(tx, order, actor).await }
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
        let part = self.id;
        let decided = async move |tx: &mut Tx| {
            let order = store::find_order(tx, None, id).await?;
            Ok(order.is_none_or(|order| order.fulfilment(part).is_none_or(|part| !part.is_cancellation_pending())))
        };
        self.app.waiters.wait_until(&self.app.ctx.db, id, self.wait, decided).await?;
        Ok(id)
    }

    async fn answer(&self, tx: &mut Tx, _: OrderId) -> Result<Next<Json<OrderView>, OrderId>, Error> {
        let (order, actor) = self.read(tx, false).await?;
        self.outcome(tx, order, actor).await
    }
}
