//! Reservations and their lines.

use super::expect_one;
use crate::domain::{Line, Reservation};
use contracts::{
    ids::{OrderId, ReservationId},
    inventory::ReservationStatus,
    time::Timestamp,
};
use platform::{
    db::{Error, Row, Tx},
    params,
};

/// The columns of [`row`] and the rest of a SELECT.
macro_rules! select_reservations {
    ($rest:literal) => {
        concat!("SELECT reservation_id, order_id, status, expires_at, returned_at, created_at FROM reservations ", $rest)
    };
}

fn row(row: &mut Row<'_>) -> Result<Reservation, Error> {
    Ok(Reservation {
        reservation_id: row.next()?,
        order_id: row.next()?,
        status: row.next()?,
        lines: Vec::new(),
        expires_at: row.next()?,
        returned_at: row.next()?,
        created_at: row.next()?,
    })
}

async fn with_lines(tx: &mut Tx, found: Option<Reservation>) -> Result<Option<Reservation>, Error> {
    let Some(mut reservation) = found else { return Ok(None) };
    reservation.lines = tx
        .query(
            "SELECT reservation_line_id, stock_item_id, sku, quantity FROM reservation_lines WHERE reservation_id = $1",
            params![reservation.reservation_id],
            |row| Ok(Line { reservation_line_id: row.next()?, stock_item_id: row.next()?, sku: row.next()?, quantity: row.next()? }),
        )
        .await?;
    // Sorted here and not in SQL, because databases order text differently and lines are compared in this order.
    reservation.lines.sort_by(|a, b| a.sku.cmp(&b.sku));
    Ok(Some(reservation))
}

pub async fn find_reservation(tx: &mut Tx, id: ReservationId) -> Result<Option<Reservation>, Error> {
    let found = tx.query_opt(select_reservations!("WHERE reservation_id = $1"), params![id], row).await?;
    with_lines(tx, found).await
}

/// As [`find_reservation`], with the row locked until the commit.
pub async fn lock_reservation(tx: &mut Tx, id: ReservationId) -> Result<Option<Reservation>, Error> {
    find_reservation(tx, id).await
}

/// Returns the reservation that holds or has sold an order's units, with its row locked until the commit.
pub async fn lock_live(tx: &mut Tx, order: OrderId) -> Result<Option<Reservation>, Error> {
    let found = tx
        .query_opt(
            select_reservations!("WHERE order_id = $1 AND status IN ('ACTIVE', 'CONFIRMED') AND returned_at IS NULL"),
            params![order],
            row,
        )
        .await?;
    with_lines(tx, found).await
}

/// Inserts a reservation without lines. Returns `false` when its order has one that is live.
pub async fn insert(tx: &mut Tx, reservation: &Reservation) -> Result<bool, Error> {
    let rows = tx
        .execute(
            "INSERT INTO reservations (reservation_id, order_id, status, expires_at, returned_at, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            params![
                reservation.reservation_id,
                reservation.order_id,
                reservation.status,
                reservation.expires_at,
                reservation.returned_at,
                reservation.created_at
            ],
        )
        .await?;
    Ok(rows == 1)
}

pub async fn insert_line(tx: &mut Tx, id: ReservationId, line: &Line) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO reservation_lines (reservation_line_id, reservation_id, stock_item_id, sku, quantity) VALUES ($1, $2, $3, $4, $5)",
        params![line.reservation_line_id, id, line.stock_item_id, line.sku, line.quantity],
    )
    .await
    .map(|_| ())
}

/// Stores the state of a reservation that was in `from` and not returned, so that it ends once and is returned once.
pub async fn save_state(tx: &mut Tx, reservation: &Reservation, from: ReservationStatus) -> Result<(), Error> {
    let rows = tx
        .execute(
            "UPDATE reservations SET status = $2, returned_at = $3 WHERE reservation_id = $1 AND status = $4 AND returned_at IS NULL",
            params![reservation.reservation_id, reservation.status, reservation.returned_at, from],
        )
        .await?;
    expect_one(rows, "a reservation changed under its lock")
}

/// Returns the reservations that are overdue, longest overdue first.
pub async fn list_overdue(tx: &mut Tx, rows: usize) -> Result<Vec<ReservationId>, Error> {
    let now = tx.now();
    tx.query(
        "SELECT reservation_id FROM reservations WHERE status = 'ACTIVE' AND expires_at <= $1 ORDER BY expires_at LIMIT $2",
        params![now, rows],
        |row| row.next(),
    )
    .await
}

/// Returns when the next active reservation expires that is not overdue yet.
pub async fn next_expiry(tx: &mut Tx) -> Result<Option<Timestamp>, Error> {
    let now = tx.now();
    tx.query_opt(
        "SELECT expires_at FROM reservations WHERE status = 'ACTIVE' AND expires_at > $1 ORDER BY expires_at LIMIT 1",
        params![now],
        |row| row.next(),
    )
    .await
}
