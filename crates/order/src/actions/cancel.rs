//! Cancels an order.
//!
//! Before an order is confirmed nothing was sent, and it is cancelled immediately. After that shipping decides: the request is
//! stored here, the saga has shipping cancel the shipment, and the answer waits for the outcome.

use super::{ANSWER_GRACE, answer_in_background, save, store};
use crate::{App, Error, domain::Order, view::view};
use contracts::{
    ids::{OrderId, UserId},
    order::{CancelReason, OrderStatus, OrderView},
};
use platform::{
    db::Tx,
    http::{Answer as _, IdempotencyKey, Idempotent, Json, MaybeIdempotencyKey, Problem, Stored},
    idempotency::Opened,
};
use std::time::Duration;

/// Who cancels.
#[derive(Debug, Clone, Copy)]
pub enum Actor {
    Customer(UserId),
    Admin,
}

impl Actor {
    fn owner(self) -> Option<UserId> {
        match self {
            Actor::Customer(user) => Some(user),
            Actor::Admin => None,
        }
    }

    fn reason(self) -> CancelReason {
        match self {
            Actor::Customer(_) => CancelReason::CustomerRequest,
            Actor::Admin => CancelReason::AdminRequest,
        }
    }
}

/// Cancels an order that was not sent, and waits for shipping's decision for at most `wait`. The saga releases the money and
/// the stock. Cancelling a cancelled order changes nothing. While shipping has not decided, the answer shows the request.
///
/// # Errors
/// `NOT_FOUND` for another customer's order, `ORDER_NOT_CANCELLABLE` once it was sent or refunded.
pub async fn cancel_order(
    app: &App,
    actor: Actor,
    id: OrderId,
    key: MaybeIdempotencyKey,
    note: Option<String>,
    wait: Duration,
) -> Result<Idempotent<Json<OrderView>>, Problem> {
    let Some(key) = key.0 else {
        app.ctx.db.write(async move |tx| cancel(tx, actor, id, note.clone()).await).await?;
        wait_for_shipping(app, id, wait).await?;
        let answer = app.ctx.db.read(async move |tx| outcome(tx, actor, id).await).await?;
        return Ok(Idempotent::first(&answer));
    };
    let (unit_key, busy) = (key.clone(), wait + ANSWER_GRACE);
    let opened: Opened<Json<OrderView>> = app
        .ctx
        .db
        .write(async move |tx| {
            let first = async |tx: &mut Tx| cancel(tx, actor, id, note.clone()).await.map(|()| id.into());
            unit_key.open(tx, busy, first).await
        })
        .await?;
    match opened {
        Opened::Answered(answer) => Ok(answer),
        Opened::Unanswered(_) => {
            let own = app.clone();
            answer_in_background(app, async move {
                wait_for_shipping(&own, id, wait).await?;
                settle(&own, actor, id, key).await
            })
            .await
        }
    }
}

/// Cancels the order, or stores the request.
async fn cancel(tx: &mut Tx, actor: Actor, id: OrderId, note: Option<String>) -> Result<(), Error> {
    let mut order = store::lock_order(tx, actor.owner(), id).await?.ok_or(Error::NotFound)?;
    let before = order.clone();
    let change = order.cancel(actor.reason(), note, tx.now()).map_err(|_| Error::NotCancellable(order.status))?;
    if order != before {
        save(tx, &order, change.as_slice()).await?;
    }
    Ok(())
}

async fn wait_for_shipping(app: &App, id: OrderId, wait: Duration) -> Result<(), Error> {
    let decided = async move |tx: &mut Tx| Ok(store::find_order(tx, None, id).await?.is_none_or(|order| !order.is_cancellation_pending()));
    app.waiters.wait_until(&app.ctx.db, id, wait, decided).await
}

/// Stores the outcome under the key, also when it is a refusal.
async fn settle(app: &App, actor: Actor, id: OrderId, key: IdempotencyKey) -> Result<Idempotent<Json<OrderView>>, Problem> {
    app.ctx
        .db
        .write(async move |tx| {
            let answer = match outcome(tx, actor, id).await {
                Ok(answer) => answer.stored(),
                Err(refusal) => Stored::from(&Problem::from(refusal)),
            };
            key.settle_in(tx, &answer).await
        })
        .await
}

/// Returns the order, or the refusal, as of now.
async fn outcome(tx: &mut Tx, actor: Actor, id: OrderId) -> Result<Json<OrderView>, Error> {
    let order: Order = store::find_order(tx, actor.owner(), id).await?.ok_or(Error::NotFound)?;
    match order.status {
        OrderStatus::Cancelled => {}
        _ if order.is_cancellation_pending() => {}
        OrderStatus::Confirmed => return Err(Error::AlreadySent),
        status => return Err(Error::NotCancellable(status)),
    }
    let timeline = store::list_timeline(tx, id).await?;
    Ok(Json(view(order, timeline)))
}
