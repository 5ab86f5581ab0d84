//! Pays an order again whose payment failed.

use super::{ANSWER_GRACE, answer_in_background, save, store};
use crate::{App, Error, view::find_view};
use contracts::{
    ids::{OrderId, UserId},
    order::OrderView,
    payment::PaymentMethod,
};
use platform::{
    db::Tx,
    http::{IdempotencyKey, Idempotent, Json, MaybeIdempotencyKey, Problem},
    idempotency::Opened,
};
use std::time::Duration;

/// Starts another payment for an order in PAYMENT_FAILED, and waits for the order to settle for at most `wait`. Stock that was
/// released is reserved again.
///
/// # Errors
/// `NOT_FOUND` for another customer's order, `ORDER_NOT_PAYABLE` in any other status or when the time to pay again is over.
pub async fn pay_order(
    app: &App,
    owner: UserId,
    id: OrderId,
    key: MaybeIdempotencyKey,
    method: PaymentMethod,
    wait: Option<Duration>,
) -> Result<Idempotent<Json<OrderView>>, Problem> {
    if let MaybeIdempotencyKey(Some(key)) = &key {
        match key.earlier(&app.ctx.db).await? {
            Some(Opened::Answered(answer)) => return Ok(answer),
            // The request that opened the key is gone, so this one answers it.
            Some(Opened::Unanswered(_)) => return answer(app, owner, id, key.clone(), wait.unwrap_or_default()).await,
            None => {}
        }
    }
    match (wait, key) {
        (None, key) => app.ctx.db.write(async move |tx| key.once(tx, async |tx| pay(tx, owner, id, method).await).await).await,
        (Some(wait), MaybeIdempotencyKey(Some(key))) => pay_and_wait(app, owner, id, key, method, wait).await,
        (Some(wait), MaybeIdempotencyKey(None)) => {
            app.ctx.db.write(async move |tx| pay(tx, owner, id, method).await).await?;
            Ok(Idempotent::first(&outcome(app, owner, id, wait).await?))
        }
    }
}

async fn pay_and_wait(
    app: &App,
    owner: UserId,
    id: OrderId,
    key: IdempotencyKey,
    method: PaymentMethod,
    wait: Duration,
) -> Result<Idempotent<Json<OrderView>>, Problem> {
    let (unit_key, busy) = (key.clone(), wait + ANSWER_GRACE);
    let opened: Opened<Json<OrderView>> = app
        .ctx
        .db
        .write(async move |tx| {
            let paid = async |tx: &mut Tx| pay(tx, owner, id, method).await.map(|_| id.into());
            unit_key.open(tx, busy, paid).await
        })
        .await?;
    match opened {
        Opened::Answered(answer) => Ok(answer),
        Opened::Unanswered(_) => answer(app, owner, id, key, wait).await,
    }
}

async fn answer(
    app: &App,
    owner: UserId,
    id: OrderId,
    key: IdempotencyKey,
    wait: Duration,
) -> Result<Idempotent<Json<OrderView>>, Problem> {
    let own = app.clone();
    answer_in_background(app, async move { key.settle(&own.ctx.db, &outcome(&own, owner, id, wait).await?).await }).await
}

/// Returns the order once it has settled or the wait is over.
async fn outcome(app: &App, owner: UserId, id: OrderId, wait: Duration) -> Result<Json<OrderView>, Problem> {
    app.waiters.wait_until_settled(&app.ctx.db, id, wait).await?;
    let view = app.ctx.db.read(async move |tx| find_view(tx, Some(owner), id).await).await?;
    Ok(Json(view.ok_or(Error::NotFound)?))
}

async fn pay(tx: &mut Tx, owner: UserId, id: OrderId, method: PaymentMethod) -> Result<Json<OrderView>, Error> {
    let mut order = store::lock_order(tx, Some(owner), id).await?.ok_or(Error::NotFound)?;
    if order.payment_deadline().is_none_or(|deadline| deadline <= tx.now()) {
        return Err(Error::NotPayable(order.status));
    }
    let change = order.pay_again(method, tx.now()).map_err(|_| Error::NotPayable(order.status))?;
    save(tx, &order, &[change]).await?;
    find_view(tx, Some(owner), id).await?.map(Json).ok_or(Error::NotFound)
}
