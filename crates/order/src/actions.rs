//! The actions of the service: one verb per file, one transaction each.

mod apply;
mod cancel;
mod emit;
mod pay;
mod place;

pub use apply::{apply, cancel_if_overdue, reschedule};
pub use cancel::{Actor, cancel_order};
pub use pay::pay_order;
pub use place::place_order;

use crate::{
    App,
    domain::{Order, StatusChange, due_steps},
    store,
    workers::OrderAdvance,
};
use platform::{
    context::Context,
    db::{Error, Tx},
    due::DueWork as _,
    http::{Idempotent, Problem},
};
use std::time::Duration;

/// How long after its wait a request may take to answer its key before another request may answer it.
const ANSWER_GRACE: Duration = Duration::from_secs(5);

/// Computes the answer of a key in its own task, so that a client that disconnected gets it by repeating the request.
async fn answer_in_background<T: Send + 'static>(
    app: &App,
    answer: impl Future<Output = Result<Idempotent<T>, Problem>> + Send + 'static,
) -> Result<Idempotent<T>, Problem> {
    app.ctx.env.spawn(Context::current().scope(answer)).await.unwrap_or_else(|error| Err(Problem::internal(&error)))
}

/// Stores a changed order, appends its timeline, emits its events, and wakes the saga when something is due.
async fn save(tx: &mut Tx, order: &Order, changes: &[StatusChange]) -> Result<(), Error> {
    let due_at = if due_steps(order).is_empty() { order.payment_deadline() } else { Some(tx.now()) };
    store::save(tx, order, due_at).await?;
    for change in changes {
        let entry = change.timeline_entry(tx.now());
        store::append_timeline(tx, order.order_id, change.position, &entry).await?;
        emit::status_changed(tx, order, change);
    }
    if due_at.is_some() {
        tx.notify_worker(OrderAdvance::NAME);
    }
    Ok(())
}
