//! Pays an order again whose payment failed.

use super::{save, store};
use crate::{App, Error, view::find_view};
use contracts::{
    ids::{OrderId, UserId, Uuid},
    order::OrderView,
    payment::PaymentMethod,
};
use platform::{
    db::Tx,
    http::Json,
    idempotency::{IdempotentRequest, Next},
};
use std::time::Duration;

/// Starts another payment for an order in PAYMENT_FAILED, and waits for the order to settle for at most `wait`. Stock that was
/// released is reserved again.
///
/// It is refused with `NOT_FOUND` for another customer's order, and with `ORDER_NOT_PAYABLE` in any other status or when the
/// time to pay again is over.
pub struct PayAgain {
    pub app: App,
    pub owner: UserId,
    pub id: OrderId,
    pub method: PaymentMethod,
    pub wait: Option<Duration>,
}

impl IdempotentRequest for PayAgain {
    type Answer = Json<OrderView>;
    type State = OrderId;
    type Error = Error;
    const PREPARES: bool = false;

    async fn effect(&self, tx: &mut Tx) -> Result<Next<Json<OrderView>, OrderId>, Error> {
        let mut order = store::lock_order(tx, Some(self.owner), self.id).await?.ok_or(Error::NotFound)?;
        if order.payment_deadline().is_none_or(|deadline| deadline <= tx.now()) {
            return Err(Error::NotPayable(order.status));
        }
        let before = order.clone();
        let change = order.pay_again(self.method, tx.now()).map_err(|_| Error::NotPayable(order.status))?;
        save(tx, &before, &order, &[change]).await?;
        if self.wait.is_some() { Ok(Next::Wait(self.id)) } else { self.answer(tx, self.id).await }
    }

    fn resource(&self, id: &OrderId) -> Uuid {
        (*id).into()
    }

    async fn resume(&self, _: &mut Tx, id: Uuid) -> Result<Next<Json<OrderView>, OrderId>, Error> {
        Ok(Next::Wait(id.into()))
    }

    fn limit(&self) -> Duration {
        self.wait.unwrap_or_default()
    }

    async fn wait(&self, id: OrderId) -> Result<OrderId, Error> {
        self.app.waiters.wait_until_settled(&self.app.ctx.db, id, self.limit()).await?;
        Ok(id)
    }

    async fn answer(&self, tx: &mut Tx, id: OrderId) -> Result<Next<Json<OrderView>, OrderId>, Error> {
        find_view(tx, Some(self.owner), id).await?.map(|view| Next::Answer(Json(view))).ok_or(Error::NotFound)
    }
}
