//! Cancels an order.

use super::{Cancellation, save, store};
use crate::{Error, domain::Order, view::find_view};
use contracts::{
    ids::{OrderId, UserId},
    order::{CancelReason, OrderView},
};
use platform::{
    db::{Db, Tx},
    http::{Json, Keyed, MaybeIdempotencyKey, Problem},
};

/// On whose behalf.
#[derive(Debug, Clone, Copy)]
pub enum By {
    Customer(UserId),
    Admin,
}

/// Cancels an order that has not shipped. The money and the stock are let go by the saga, not here. Repeating it on a
/// cancelled order changes nothing and answers the order.
///
/// # Errors
/// `NOT_FOUND` for another's order, `ORDER_NOT_CANCELLABLE` once it shipped.
pub async fn cancel_order(
    db: &Db,
    by: By,
    id: OrderId,
    key: MaybeIdempotencyKey,
    note: Option<String>,
) -> Result<Keyed<Json<OrderView>>, Problem> {
    db.write(async move |tx| key.once(tx, async |tx| cancel(tx, by, id, note.clone()).await).await).await
}

async fn cancel(tx: &mut Tx, by: By, id: OrderId, note: Option<String>) -> Result<Json<OrderView>, Error> {
    let (owner, reason) = match by {
        By::Customer(user) => (Some(user), CancelReason::CustomerRequest),
        By::Admin => (None, CancelReason::AdminRequest),
    };
    let mut order: Order = store::lock_order(tx, owner, id).await?.ok_or(Error::NotFound)?;
    let moved = order.cancel(reason, note.clone(), tx.now()).map_err(|_| Error::NotCancellable(order.status))?;
    if let Some(moved) = moved {
        save(tx, &order, &[moved], Some(&Cancellation { reason, note })).await?;
    }
    find_view(tx, owner, id).await?.map(Json).ok_or(Error::NotFound)
}
