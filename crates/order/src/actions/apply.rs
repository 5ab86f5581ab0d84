//! Applies facts: the only way in which a reply or an event changes an order.

use super::{save, store};
use crate::{
    Error, Settings,
    domain::{Fact, Step, due_steps},
};
use contracts::ids::OrderId;
use platform::db::{Db, Tx};
use std::time::Duration;

/// Applies a fact to the order, and returns whether there is such an order. A fact that is known already, or came too late,
/// changes nothing.
///
/// # Errors
/// Those of the database, and [`Error::Illegal`] when the transition table has no row for the fact.
pub async fn apply(tx: &mut Tx, id: OrderId, fact: &Fact, pay_again: Duration) -> Result<bool, Error> {
    let Some(mut order) = store::lock_order(tx, None, id).await? else { return Ok(false) };
    let before = order.clone();
    let now = tx.now();
    let changes = order.apply(fact, now.after(pay_again), now)?;
    if order != before {
        save(tx, &before, &order, &changes).await?;
    }
    Ok(true)
}

/// Cancels the order if its time to pay again is over.
///
/// # Errors
/// Those of the database.
pub async fn cancel_if_overdue(db: &Db, id: OrderId) -> Result<(), Error> {
    db.write(async move |tx| {
        let Some(mut order) = store::lock_order(tx, None, id).await? else { return Ok(()) };
        let before = order.clone();
        if let Some(change) = order.cancel_if_overdue(tx.now()) {
            save(tx, &before, &order, &[change]).await?;
        }
        Ok(())
    })
    .await
}

/// Reschedules an order that made no progress by the calls in `tried`, with a longer pause each time. If nothing is due, the order
/// is due at its payment deadline or never; if only refused refunds are due, when the next refund is. An order for which other
/// calls are due by now made progress and stays due.
///
/// # Errors
/// Those of the database.
pub async fn reschedule(db: &Db, id: OrderId, settings: &Settings, tried: Vec<Step>) -> Result<(), Error> {
    let backoff = settings.backoff();
    db.write(async move |tx| {
        let Some(order) = store::lock_order(tx, None, id).await? else { return Ok(()) };
        let (now, steps) = (tx.now(), due_steps(&order));
        if steps != tried {
            return Ok(());
        }
        match order.refunds_paused_until(&steps, now) {
            _ if steps.is_empty() => store::set_due(tx, id, order.payment_deadline()).await?,
            Some(after) => store::set_due(tx, id, Some(after)).await?,
            None => store::DUE.reschedule(tx, id, backoff).await?,
        }
        Ok(())
    })
    .await
}
