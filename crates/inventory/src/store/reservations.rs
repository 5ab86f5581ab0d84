//! Reservations and their lines.

use super::expect_changed;
use crate::domain::{Line, Reservation};
use contracts::{
    ids::{OrderId, ReservationId, Uuid},
    inventory::ReservationStatus,
    time::Timestamp,
};
use platform::{
    db::{Error, Tx},
    due::DueQueue,
    params,
};

platform::table! {
    /// Reservations without their lines.
    Reservations in "reservations" of Reservation, key [reservation_id];
    columns { reservation_id, status, returned_at }
    insert_only { order_id, expires_at, created_at }
    default { lines }
    extra { due_at }
}

platform::table! {
    Lines in "reservation_lines" of Line, key [reservation_line_id];
    columns { reservation_line_id, stock_item_id, sku, quantity, returned_quantity = returned_qty }
    extra { reservation_id }
}

/// The reservations whose expiry is due.
pub const EXPIRIES: DueQueue<ReservationId> = DueQueue::new("reservations", "reservation_id").failed_attempts("failed_attempts");

async fn with_lines(tx: &mut Tx, found: Option<Reservation>) -> Result<Option<Reservation>, Error> {
    let Some(mut reservation) = found else { return Ok(None) };
    reservation.lines = tx.list::<Lines>("WHERE reservation_id = $1", params![reservation.reservation_id]).await?;
    // Sorted here and not in SQL, because databases order text differently and lines are compared in this order.
    reservation.lines.sort_by(|a, b| a.sku.cmp(&b.sku));
    Ok(Some(reservation))
}

pub async fn find_reservation(tx: &mut Tx, id: ReservationId) -> Result<Option<Reservation>, Error> {
    let found = tx.find::<Reservations>("reservation_id = $1", params![id]).await?;
    with_lines(tx, found).await
}

/// As [`find_reservation`], with the row locked until the commit. The lock covers the lines.
pub async fn lock_reservation(tx: &mut Tx, id: ReservationId) -> Result<Option<Reservation>, Error> {
    let found = tx.lock::<Reservations>("reservation_id = $1", params![id]).await?;
    with_lines(tx, found).await
}

/// Returns the reservation that holds or has sold an order's units, with its row locked until the commit.
pub async fn lock_live(tx: &mut Tx, order: OrderId) -> Result<Option<Reservation>, Error> {
    let live = "order_id = $1 AND status IN ('ACTIVE', 'CONFIRMED') AND returned_at IS NULL";
    let found = tx.lock::<Reservations>(live, params![order]).await?;
    with_lines(tx, found).await
}

/// Inserts a reservation without lines, whose expiry becomes due. Returns `false` when its order has one that is live.
pub async fn insert(tx: &mut Tx, reservation: &Reservation) -> Result<bool, Error> {
    let one_live = "(order_id) WHERE status IN ('ACTIVE', 'CONFIRMED') AND returned_at IS NULL";
    tx.insert_if_absent_with::<Reservations>(reservation, one_live, &[("due_at", &reservation.expires_at)]).await
}

pub async fn insert_line(tx: &mut Tx, id: ReservationId, line: &Line) -> Result<(), Error> {
    tx.insert_with::<Lines>(line, &[("reservation_id", &id)]).await
}

/// Stores what changed of a line.
pub async fn save_line(tx: &mut Tx, line: &Line) -> Result<(), Error> {
    let sql = "UPDATE reservation_lines SET returned_qty = $2 WHERE reservation_line_id = $1";
    tx.execute_pipelined(sql, params![line.reservation_line_id, line.returned_quantity]).await
}

/// Records what units of a reservation are returned for. Returns `false` when they were returned for it before.
pub async fn insert_return(tx: &mut Tx, id: ReservationId, cause: Uuid) -> Result<bool, Error> {
    let now = tx.now();
    let sql = "INSERT INTO reservation_returns (reservation_id, cause_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    Ok(tx.execute(sql, params![id, cause, now]).await? == 1)
}

/// Stores the end or the return of a reservation that was in `from` and not returned, so that it ends once and is
/// returned once.
pub async fn save_state(tx: &mut Tx, reservation: &Reservation, from: ReservationStatus) -> Result<(), Error> {
    let never = None::<Timestamp>;
    let changed =
        tx.update_if::<Reservations>(reservation, &[("due_at", &never)], "status = ? AND returned_at IS NULL", params![from]).await?;
    expect_changed(changed, "a reservation changed under its lock")
}
