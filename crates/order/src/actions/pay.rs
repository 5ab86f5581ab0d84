//! Pays an order again whose payment failed.

use super::{save, store};
use crate::{Error, view::find_view};
use contracts::{
    ids::{OrderId, UserId},
    order::OrderView,
    payment::PaymentMethod,
};
use platform::{
    db::{Db, Tx},
    http::{Json, Keyed, MaybeIdempotencyKey, Problem},
};

/// Sets another payment going for an order in PAYMENT_FAILED; stock that was let go is reserved again.
///
/// # Errors
/// `NOT_FOUND` for another's order, `ORDER_NOT_PAYABLE` in any other status or when the time to pay again is over.
pub async fn pay_order(
    db: &Db,
    owner: UserId,
    id: OrderId,
    key: MaybeIdempotencyKey,
    method: PaymentMethod,
) -> Result<Keyed<Json<OrderView>>, Problem> {
    db.write(async move |tx| key.once(tx, async |tx| pay(tx, owner, id, method).await).await).await
}

async fn pay(tx: &mut Tx, owner: UserId, id: OrderId, method: PaymentMethod) -> Result<Json<OrderView>, Error> {
    let mut order = store::lock_order(tx, Some(owner), id).await?.ok_or(Error::NotFound)?;
    if order.closes_at().is_none_or(|closes| closes <= tx.now()) {
        return Err(Error::NotPayable(order.status));
    }
    let moved = order.pay_again(method, tx.now()).map_err(|_| Error::NotPayable(order.status))?;
    save(tx, &order, &[moved], None).await?;
    find_view(tx, Some(owner), id).await?.map(Json).ok_or(Error::NotFound)
}
