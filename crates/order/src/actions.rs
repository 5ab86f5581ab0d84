//! The actions of the service: one verb per file, one transaction each.

mod apply;
mod cancel;
mod cancel_fulfilment;
mod discounts;
mod emit;
mod emit_parts;
mod estimate;
mod guests;
mod integrator_data;
mod pay;
mod place;
mod restock;
mod ship;

pub use apply::{apply, cancel_if_overdue, reschedule};
pub use cancel::{Actor, Cancel};
pub use cancel_fulfilment::CancelFulfilment;
pub use estimate::estimate;
pub use guests::{CartToken, Guest, GuestKeys, OrderToken, claim, contact_of, customer_of, erase, erase_again, find_by_token, guest_view};
pub use integrator_data::update_integrator_data;
pub use pay::PayAgain;
pub use place::{Buyer, Place};
pub use restock::Restock;
pub use ship::Ship;

use crate::{
    domain::{Order, StatusChange, due_steps},
    store,
    workers::OrderAdvance,
};
use platform::{
    db::{Error, Tx},
    due::DueWork as _,
};

/// Stores a changed order, appends its timeline, emits its events and those of its fulfilments, and wakes the saga when something is due.
async fn save(tx: &mut Tx, before: &Order, order: &Order, changes: &[StatusChange]) -> Result<(), Error> {
    let due_at = if due_steps(order).is_empty() { order.payment_deadline() } else { Some(tx.now()) };
    store::save(tx, order, due_at).await?;
    for (item, _) in order.items.iter().zip(&before.items).filter(|(now, then)| now.returned_quantity != then.returned_quantity) {
        store::save_returned_quantity(tx, item).await?;
    }
    for change in changes {
        let entry = change.timeline_entry(tx.now());
        store::append_timeline(tx, order.order_id, change.position, &entry).await?;
        emit::status_changed(tx, order, change);
    }
    for part in &order.fulfilments {
        if part.seller_id.is_some() && before.fulfilment(part.fulfilment_id).is_some_and(|was| was.status != part.status) {
            store::save_fulfilment_status(tx, part).await?;
        }
    }
    emit_parts::parts_changed(tx, before, order);
    if due_at.is_some() {
        tx.notify_worker(OrderAdvance::NAME);
    }
    Ok(())
}
