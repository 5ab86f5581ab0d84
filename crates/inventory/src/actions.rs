//! What can be done: one function per verb, one transaction each.

mod adjust_stock;
mod alert;
mod end_reservation;
mod expire;
mod import;
mod reserve;
mod return_lines;
mod set_stock;
mod set_stocks;
mod sync_product;

pub use adjust_stock::adjust_stock;
pub use alert::{MAX_ALERTS, set_alert, trigger_alerts};
pub use end_reservation::end_reservation;
pub use expire::expire_overdue;
pub use import::{StockImport, import};
pub use reserve::reserve;
pub use return_lines::return_lines;
pub use set_stock::{StockSet, is_on_sale, set_stock};
pub use set_stocks::{import_stock, set_stocks};
pub use sync_product::sync_product;

use crate::{
    Error,
    domain::{Change, Reservation, Stock},
    store,
};
use contracts::{
    ids::ReservationId,
    inventory::{StockChangeReason, StockChanged, StockConfirmed, StockExpired, StockLow, StockReleased, StockReturned},
};
use platform::{
    db::Tx,
    http::{Answer, Idempotent, Problem, Stored},
};

/// The answer of a transaction that commits although it refuses, because it wrote an expiry or emitted a failed
/// reservation. The refusal is stored under the key like any other.
enum Outcome<A> {
    Done(A),
    Refused(Problem),
}

impl<A: Answer> Answer for Outcome<A> {
    fn stored(&self) -> Stored {
        match self {
            Outcome::Done(answer) => answer.stored(),
            Outcome::Refused(problem) => Stored::from(problem),
        }
    }
}

impl<A> Outcome<A> {
    fn into_idempotent(answer: Idempotent<Outcome<A>>) -> Idempotent<A> {
        Idempotent::of(answer.stored, answer.replayed)
    }
}

/// Writes a change that resulted in `stock` to the ledger and emits its events.
async fn record(tx: &mut Tx, stock: &Stock, change: Change, reservation: Option<ReservationId>, note: Option<&str>) -> Result<(), Error> {
    store::stock::insert_movement(tx, stock.stock_item_id, change, reservation, note).await?;
    emit_stock_changed(tx, stock, change.reason, note);
    if stock.brings_first_units(change) {
        store::alerts::note_back_in_stock(tx, stock.product_id).await?;
    }
    if stock.became_low(change) {
        tx.emit(StockLow {
            stock_item_id: stock.stock_item_id,
            sku: stock.sku.clone(),
            product_id: stock.product_id,
            seller_id: stock.seller_id,
            available_qty: stock.available_qty,
            low_stock_threshold: stock.low_stock_threshold,
        });
    }
    Ok(())
}

fn emit_stock_changed(tx: &mut Tx, stock: &Stock, reason: StockChangeReason, note: Option<&str>) {
    tx.emit(StockChanged {
        stock_item_id: stock.stock_item_id,
        sku: stock.sku.clone(),
        product_id: stock.product_id,
        available_qty: stock.available_qty,
        reserved_qty: stock.reserved_qty,
        reason,
        note: note.map(str::to_owned),
        seller_id: stock.seller_id,
    });
}

/// Moves the units of locked reservations for one reason, stores their new states and emits them.
async fn move_units(tx: &mut Tx, reservations: &mut [Reservation], reason: StockChangeReason) -> Result<(), Error> {
    for reservation in reservations.iter_mut() {
        let from = reservation.status;
        reservation.apply(reason, tx.now())?;
        store::reservations::save_state(tx, reservation, from).await?;
        emit_reservation_ended(tx, reservation, reason);
    }
    // All lines in the order of their SKUs, the lock order of stock rows.
    let mut lines: Vec<_> =
        reservations.iter().flat_map(|reservation| reservation.lines.iter().map(|line| (reservation.reservation_id, line))).collect();
    lines.sort_by(|(_, a), (_, b)| a.sku.cmp(&b.sku));
    for (reservation, line) in lines {
        if line.kept() == 0 {
            continue;
        }
        let change = Change::of(reason, i64::from(line.kept()));
        let stock = store::stock::move_units(tx, line.stock_item_id, change).await?;
        record(tx, &stock, change, Some(reservation), None).await?;
    }
    Ok(())
}

fn emit_reservation_ended(tx: &mut Tx, reservation: &Reservation, reason: StockChangeReason) {
    let (reservation_id, order_id, lines) = (reservation.reservation_id, reservation.order_id, reservation.units());
    match reason {
        StockChangeReason::Confirmed => tx.emit(StockConfirmed { reservation_id, order_id, lines }),
        StockChangeReason::Released => tx.emit(StockReleased { reservation_id, order_id, lines }),
        StockChangeReason::Expired => tx.emit(StockExpired { reservation_id, order_id, lines }),
        StockChangeReason::Returned => tx.emit(StockReturned { reservation_id, order_id, lines }),
        // Neither ends a reservation; `Reservation::apply` refuses them.
        StockChangeReason::Adjusted | StockChangeReason::Reserved => {}
    }
}

/// Expires a reservation that is overdue, so that every caller decides as if the worker had already run.
async fn expire_if_overdue(tx: &mut Tx, reservation: &mut Reservation) -> Result<(), Error> {
    if reservation.is_overdue(tx.now()) {
        move_units(tx, std::slice::from_mut(reservation), StockChangeReason::Expired).await?;
    }
    Ok(())
}
