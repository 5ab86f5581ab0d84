//! Takes in what happened outside: the one way a reply or an event changes an order.

use super::{save, store};
use crate::{
    Error, Settings,
    domain::{Fact, Step, due_steps},
};
use contracts::ids::OrderId;
use platform::db::{Db, Tx};
use std::time::Duration;

/// Takes in a fact learned by a reply.
///
/// # Errors
/// Those of the database. A fact that the order's status has no use for changes nothing.
pub async fn apply(db: &Db, id: OrderId, fact: Fact, pay_again: Duration) -> Result<(), Error> {
    db.write(async move |tx| apply_in_unit(tx, id, &fact, pay_again).await).await
}

/// Takes in a fact within a unit: the event's way.
pub async fn apply_in_unit(tx: &mut Tx, id: OrderId, fact: &Fact, pay_again: Duration) -> Result<(), Error> {
    let Some(mut order) = store::lock_order(tx, None, id).await? else {
        // Replies and events about orders come only after the order was written.
        tracing::warn!(target: "order", order_id = %id, ?fact, "a fact about an order that is not here");
        return Ok(());
    };
    let before = order.clone();
    let now = tx.now();
    let changes = order.apply(fact, now.after(pay_again), now)?;
    if order != before {
        save(tx, &order, &changes).await?;
    }
    Ok(())
}

/// Ends the order if the time to pay it again is over.
///
/// # Errors
/// Those of the database.
pub async fn cancel_if_overdue(db: &Db, id: OrderId) -> Result<(), Error> {
    db.write(async move |tx| {
        let Some(mut order) = store::lock_order(tx, None, id).await? else { return Ok(()) };
        if let Some(change) = order.cancel_if_overdue(tx.now()) {
            save(tx, &order, &[change]).await?;
        }
        Ok(())
    })
    .await
}

/// Puts the order off after a turn without progress, each time for longer. An order for which nothing is due, because
/// an event came first, sleeps until it deadline, or for good; one whose refund was refused, until that is asked for again.
///
/// # Errors
/// Those of the database.
pub async fn reschedule(db: &Db, id: OrderId, settings: &Settings) -> Result<(), Error> {
    let backoff = settings.backoff();
    db.write(async move |tx| {
        let Some(order) = store::lock_order(tx, None, id).await? else { return Ok(()) };
        let now = tx.now();
        match (due_steps(&order).as_slice(), order.saga.refund_after.filter(|after| *after > now)) {
            ([], _) => store::set_due(tx, id, order.payment_deadline()).await?,
            ([Step::RefundPayment(_)], Some(after)) => store::set_due(tx, id, Some(after)).await?,
            _ => store::DUE.reschedule(tx, id, backoff).await?,
        }
        Ok(())
    })
    .await
}
