//! Cancels an order.
//!
//! Before an order is confirmed nothing was sent, and it is cancelled immediately. After that shipping decides: the request is
//! stored here, the saga has shipping cancel the shipment, and the answer waits for the outcome.

use super::{save, store};
use crate::{App, Error, domain::Order, view::view};
use contracts::{
    ids::{OrderId, UserId, Uuid},
    order::{CancelReason, OrderStatus, OrderView},
};
use platform::{
    db::Tx,
    http::Json,
    idempotency::{IdempotentRequest, Next},
};
use std::time::Duration;

/// Who cancels.
#[derive(Debug, Clone, Copy)]
pub enum Actor {
    Customer(UserId),
    /// The seller of a fulfilment, for that one.
    Seller(UserId),
    Admin,
}

impl Actor {
    fn owner(self) -> Option<UserId> {
        match self {
            Actor::Customer(user) => Some(user),
            Actor::Seller(_) | Actor::Admin => None,
        }
    }

    pub(super) fn reason(self) -> CancelReason {
        match self {
            Actor::Seller(_) => CancelReason::SellerRequest,
            Actor::Customer(_) => CancelReason::CustomerRequest,
            Actor::Admin => CancelReason::AdminRequest,
        }
    }
}

/// Cancels an order that was not sent, and waits for shipping's decision for at most `wait`. The saga releases the money and
/// the stock. Cancelling a cancelled order changes nothing. While shipping has not decided, the answer shows the request.
///
/// It is refused with `NOT_FOUND` for another customer's order, with `ORDER_PARTIALLY_SHIPPED` once a part
/// was sent, and with `ORDER_NOT_CANCELLABLE` once all was sent or refunded.
pub struct Cancel {
    pub app: App,
    pub actor: Actor,
    pub id: OrderId,
    pub note: Option<String>,
    pub wait: Duration,
}

impl IdempotentRequest for Cancel {
    type Answer = Json<OrderView>;
    type State = OrderId;
    type Error = Error;
    const PREPARES: bool = false;

    async fn effect(&self, tx: &mut Tx) -> Result<Next<Json<OrderView>, OrderId>, Error> {
        let mut order = store::lock_order(tx, self.actor.owner(), self.id).await?.ok_or(Error::NotFound)?;
        let before = order.clone();
        let cancelled = order.cancel(self.actor.reason(), self.note.clone(), tx.now());
        let change = cancelled.map_err(|_| match order.status {
            OrderStatus::Confirmed => Error::PartiallyShipped,
            status => Error::NotCancellable(status),
        })?;
        if order != before {
            save(tx, &before, &order, change.as_slice()).await?;
        }
        if order.is_cancellation_pending() { Ok(Next::Wait(self.id)) } else { outcome(tx, order).await }
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
        let decided =
            async move |tx: &mut Tx| Ok(store::find_order(tx, None, id).await?.is_none_or(|order| !order.is_cancellation_pending()));
        self.app.waiters.wait_until(&self.app.ctx.db, id, self.wait, decided).await?;
        Ok(id)
    }

    async fn answer(&self, tx: &mut Tx, id: OrderId) -> Result<Next<Json<OrderView>, OrderId>, Error> {
        let order = store::find_order(tx, self.actor.owner(), id).await?.ok_or(Error::NotFound)?;
        outcome(tx, order).await
    }
}

/// Returns the order, or the refusal, as of now.
async fn outcome(tx: &mut Tx, order: Order) -> Result<Next<Json<OrderView>, OrderId>, Error> {
    match order.status {
        OrderStatus::Cancelled => {}
        _ if order.is_cancellation_pending() => {}
        OrderStatus::Confirmed if order.fulfilments.len() > 1 => return Err(Error::PartiallyShipped),
        OrderStatus::Confirmed => return Err(Error::AlreadySent),
        status => return Err(Error::NotCancellable(status)),
    }
    let timeline = store::list_timeline(tx, order.order_id).await?;
    Ok(Next::Answer(Json(view(order, timeline))))
}
