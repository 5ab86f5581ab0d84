//! The sums that [`crate::check_consistency`] compares.

use crate::consistency::{ItemRecord, LineRecord, OrderUnits};
use contracts::{
    ids::{OrderId, ReservationId},
    inventory::ReservationStatus,
};
use platform::{
    db::{Error, Tx},
    params,
};

/// Passes the quantities of each stock item and the sums of its ledger and reservations to `check`.
pub async fn each_item(tx: &mut Tx, mut check: impl FnMut(ItemRecord)) -> Result<(), Error> {
    tx.query(
        "SELECT i.sku, i.available_qty, i.reserved_qty, COALESCE(m.available, 0), COALESCE(m.reserved, 0), COALESCE(m.entered, 0), \
         COALESCE(r.active, 0), COALESCE(r.sold, 0) FROM stock_items i \
         LEFT JOIN (SELECT stock_item_id, CAST(SUM(delta_available) AS BIGINT) AS available, CAST(SUM(delta_reserved) AS BIGINT) AS reserved, \
           CAST(SUM(delta_available) FILTER (WHERE reason = 'ADJUSTED') AS BIGINT) AS entered \
           FROM stock_movements GROUP BY stock_item_id) m ON m.stock_item_id = i.stock_item_id \
         LEFT JOIN (SELECT l.stock_item_id, CAST(SUM(l.quantity) FILTER (WHERE v.status = 'ACTIVE') AS BIGINT) AS active, \
           CAST(SUM(l.quantity - l.returned_qty) FILTER (WHERE v.status = 'CONFIRMED' AND v.returned_at IS NULL) AS BIGINT) AS sold \
           FROM reservation_lines l JOIN reservations v ON v.reservation_id = l.reservation_id GROUP BY l.stock_item_id) r \
           ON r.stock_item_id = i.stock_item_id",
        &[],
        |row| {
            check(ItemRecord {
                sku: row.next()?,
                available: row.next()?,
                reserved: row.next()?,
                ledger_available: row.next()?,
                ledger_reserved: row.next()?,
                entered: row.next()?,
                active: row.next()?,
                sold: row.next()?,
            });
            Ok(())
        },
    )
    .await
    .map(|_| ())
}

/// Passes each reservation line and the sums of its ledger to `check`.
pub async fn each_line(tx: &mut Tx, mut check: impl FnMut(LineRecord)) -> Result<(), Error> {
    tx.query(
        "SELECT l.reservation_id, l.sku, l.quantity, l.returned_qty, v.status, v.returned_at, COUNT(m.movement_id), \
         CAST(COALESCE(SUM(m.delta_available), 0) AS BIGINT), CAST(COALESCE(SUM(m.delta_reserved), 0) AS BIGINT) \
         FROM reservation_lines l JOIN reservations v ON v.reservation_id = l.reservation_id \
         LEFT JOIN stock_movements m ON m.reservation_id = l.reservation_id AND m.stock_item_id = l.stock_item_id \
         GROUP BY l.reservation_line_id, l.reservation_id, l.sku, l.quantity, l.returned_qty, v.status, v.returned_at",
        &[],
        |row| {
            check(LineRecord {
                reservation_id: row.next()?,
                sku: row.next()?,
                quantity: row.next()?,
                returned: row.next()?,
                status: row.next()?,
                returned_at: row.next()?,
                movements: row.next()?,
                available: row.next()?,
                reserved: row.next()?,
            });
            Ok(())
        },
    )
    .await
    .map(|_| ())
}

/// Returns orders that hold or have bought their units more than once.
pub async fn list_orders_with_several_reservations(tx: &mut Tx, rows: usize) -> Result<Vec<OrderId>, Error> {
    tx.query(
        "SELECT order_id FROM reservations WHERE status IN ('ACTIVE', 'CONFIRMED') AND returned_at IS NULL \
         GROUP BY order_id HAVING COUNT(*) > 1 LIMIT $1",
        params![rows],
        |row| row.next(),
    )
    .await
}

/// Returns the reservations that hold or have sold units, of the orders after `after` up to and including `up_to`, by
/// order id.
pub async fn list_for_check(tx: &mut Tx, after: OrderId, up_to: OrderId) -> Result<Vec<OrderUnits>, Error> {
    let mut found: Vec<OrderUnits> = Vec::new();
    tx.query(
        "SELECT r.order_id, r.reservation_id, r.status, l.sku, l.quantity - l.returned_qty FROM reservations r \
         JOIN reservation_lines l ON l.reservation_id = r.reservation_id \
         WHERE r.status IN ('ACTIVE', 'CONFIRMED') AND r.returned_at IS NULL AND l.quantity > l.returned_qty AND r.order_id > $1 AND r.order_id <= $2 \
         ORDER BY r.order_id, r.reservation_id",
        params![after, up_to],
        |row| {
            let (order_id, reservation_id): (OrderId, ReservationId) = (row.next()?, row.next()?);
            let is_sold = row.next::<ReservationStatus>()? == ReservationStatus::Confirmed;
            let (sku, quantity) = (row.next::<String>()?, row.next::<i64>()?);
            if found.last().is_none_or(|last| last.reservation_id != reservation_id) {
                found.push(OrderUnits { order_id, reservation_id, is_sold, lines: Vec::new() });
            }
            found.last_mut().expect("one was pushed").lines.push((sku, quantity));
            Ok(())
        },
    )
    .await?;
    Ok(found)
}
