//! What can be done: one verb a file, one transaction each.

mod apply;
mod cancel;
mod emit;
mod pay;
mod place;

pub(crate) use apply::apply_in_unit;
pub use apply::{apply, cancel_if_overdue, reschedule};
pub use cancel::{Actor, cancel_order};
pub use pay::pay_order;
pub use place::place_order;

use crate::{
    App,
    domain::{Order, StatusChange, due_steps},
    store,
};
use platform::{
    context::Context,
    db::{Error, Tx},
    http::{Idempotent, Problem},
};
use std::time::Duration;

/// The worker that leads orders on.
pub(crate) const SAGA: &str = "saga";

/// How long past its wait a request may take to answer its key, before another may.
const ANSWER_GRACE: Duration = Duration::from_secs(5);

/// Answers an open key in a task of its own, so that a client that went away finds the answer when it asks again.
async fn answer_in_background<T: Send + 'static>(
    app: &App,
    answer: impl Future<Output = Result<Idempotent<T>, Problem>> + Send + 'static,
) -> Result<Idempotent<T>, Problem> {
    app.ctx.env.spawn(Context::current().scope(answer)).await.unwrap_or_else(|error| Err(Problem::internal(&error)))
}

/// Writes an order after it changed: its row, its timeline, its events, and the saga's notifier when something is due.
async fn save(tx: &mut Tx, order: &Order, changes: &[StatusChange]) -> Result<(), Error> {
    let due_at = if due_steps(order).is_empty() { order.payment_deadline() } else { Some(tx.now()) };
    store::save(tx, order, due_at).await?;
    for change in changes {
        store::append_status_change(tx, order.order_id, change).await?;
        emit::status_changed(tx, order, change);
    }
    if due_at.is_some() {
        tx.notify_worker(SAGA);
    }
    Ok(())
}
