//! The SQL of shipments. The mock carrier has its own.

use crate::{
    consistency::OrderShipment,
    domain::{Booking, Parcel, ShipmentRecord},
};
use contracts::{
    column::Json,
    ids::{OrderId, ShipmentEventId, ShipmentId, UserId},
    problem::Failure,
    shipping::{Shipment, ShipmentEvent, ShipmentStatus},
    time::Timestamp,
    user::AddressSnapshot,
};
use platform::{
    db::{Error, Row, Select, Tx},
    due::DueTable,
    params,
};
use schemars::JsonSchema;
use serde::Deserialize;

macro_rules! select_shipments {
    ($rest:literal) => {
        concat!(
            "SELECT order_id, order_number, user_id, shipping_address, correlation_id, booking, attempts, failure, due_at, shipment_id, \
             carrier, status, tracking_number, booked_at, contradiction, confirmed_at, updated_at FROM shipments",
            $rest
        )
    };
}

/// Inserts the row of an order if there is none. An order that was cancelled before is closed at once.
pub async fn insert_if_new(
    tx: &mut Tx,
    order_id: OrderId,
    order_number: &str,
    user_id: UserId,
    address: &AddressSnapshot,
) -> Result<(), Error> {
    let (now, shipment_id, correlation_id) = (tx.now(), tx.new_id::<ShipmentId>(), tx.context().correlation_id.clone());
    tx.execute(
        "INSERT INTO shipments (order_id, order_number, user_id, shipping_address, correlation_id, booking, attempts, shipment_id, updated_at) \
         VALUES ($1, $2, $3, $4, $5, CASE WHEN EXISTS (SELECT 1 FROM cancelled_before_booking WHERE order_id = $1) THEN $9 ELSE $6 END, 0, $7, $8) \
         ON CONFLICT (order_id) DO NOTHING",
        params![
            order_id,
            order_number.to_owned(),
            user_id,
            Json(address.clone()),
            correlation_id.to_string(),
            Booking::Awaited,
            shipment_id,
            now,
            Booking::Closed
        ],
    )
    .await
    .map(|_| ())
}

/// Stores that an order without a row is cancelled.
pub async fn insert_cancelled_before_booking(tx: &mut Tx, id: OrderId) -> Result<(), Error> {
    tx.execute("INSERT INTO cancelled_before_booking (order_id) VALUES ($1) ON CONFLICT (order_id) DO NOTHING", params![id])
        .await
        .map(|_| ())
}

/// Returns the shipment of an order.
pub async fn find_by_order(tx: &mut Tx, id: OrderId) -> Result<Option<ShipmentRecord>, Error> {
    tx.query_opt(select_shipments!(" WHERE order_id = $1"), params![id], shipment_row).await
}

/// Returns the shipment of an order, its row locked until the commit.
pub async fn lock_by_order(tx: &mut Tx, id: OrderId) -> Result<Option<ShipmentRecord>, Error> {
    find_by_order(tx, id).await
}

/// Returns a shipment that is booked, its row locked until the commit.
pub async fn lock_by_shipment(tx: &mut Tx, id: ShipmentId) -> Result<Option<ShipmentRecord>, Error> {
    tx.query_opt(select_shipments!(" WHERE shipment_id = $1 AND status IS NOT NULL"), params![id], shipment_row).await
}

/// Updates what can change of a shipment.
pub async fn save(tx: &mut Tx, shipment: &mut ShipmentRecord) -> Result<(), Error> {
    shipment.updated_at = tx.now();
    let (status, tracking_number) = shipment.parcel.as_ref().map(|parcel| (parcel.status, parcel.tracking_number.clone())).unzip();
    tx.execute(
        "UPDATE shipments SET correlation_id = $2, booking = $3, attempts = $4, failure = $5, due_at = $6, status = $7, \
         tracking_number = $8, booked_at = $9, confirmed_at = $10, updated_at = $11, contradiction = $12, carrier = COALESCE($13, carrier) WHERE order_id = $1",
        params![
            shipment.order_id,
            shipment.correlation_id,
            shipment.booking,
            shipment.attempts,
            shipment.failure.clone().map(Json),
            shipment.due_at,
            status,
            tracking_number,
            shipment.parcel.as_ref().map(|parcel| parcel.booked_at),
            shipment.confirmed_at,
            shipment.updated_at,
            shipment.contradiction,
            shipment.parcel.as_ref().map(|parcel| parcel.carrier)
        ],
    )
    .await
    .map(|_| ())
}

/// The orders by the time of their next request to the carrier.
pub const DUE: DueTable<OrderId> = platform::due_table!("shipments", "order_id", "attempts");

/// Returns shipments in this status that are unchanged since `before`, without those being cancelled.
pub async fn list_untouched(tx: &mut Tx, status: ShipmentStatus, before: Timestamp, rows: usize) -> Result<Vec<ShipmentId>, Error> {
    tx.query(
        "SELECT shipment_id FROM shipments WHERE status = $1 AND updated_at <= $2 AND booking = 'BOOKED' ORDER BY order_id LIMIT $3",
        params![status, before, rows],
        |row| row.next(),
    )
    .await
}

/// Which shipments a list shows.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Only those in this status.
    pub status: Option<ShipmentStatus>,
    /// `true`: only those that are not booked yet. `false`: only the others.
    pub pending: Option<bool>,
}

/// Returns the shipments of confirmed orders, newest order first.
pub async fn list(tx: &mut Tx, filter: Filter, after: Option<OrderId>, rows: i64) -> Result<Vec<ShipmentRecord>, Error> {
    if filter.pending == Some(true) && filter.status.is_some() {
        // A pending shipment has no status.
        return Ok(Vec::new());
    }
    // Literals instead of parameters, so that the database uses the partial indexes.
    let select = Select::from(match filter.pending {
        Some(true) => select_shipments!(" WHERE booking = 'PENDING'"),
        Some(false) => select_shipments!(" WHERE status IS NOT NULL"),
        None => select_shipments!(" WHERE (booking IN ('PENDING', 'RECALLING') OR status IS NOT NULL)"),
    });
    select
        .filter_some("status = ?", filter.status)
        .filter_some("order_id < ?", after)
        .limit("order_id DESC", rows)
        .rows(tx, shipment_row)
        .await
}

/// Returns the shipments of the orders after `after` up to and including `up_to`, without those that are not confirmed.
pub async fn list_by_orders(tx: &mut Tx, after: OrderId, up_to: OrderId) -> Result<Vec<OrderShipment>, Error> {
    tx.query(
        "SELECT order_id, shipment_id, status, booking IN ('RECALLING', 'CLOSED'), contradiction FROM shipments \
         WHERE order_id > $1 AND order_id <= $2 AND booking <> 'AWAITED' ORDER BY order_id",
        params![after, up_to],
        |row| {
            Ok(OrderShipment {
                order_id: row.next()?,
                shipment_id: row.next()?,
                status: row.next()?,
                is_cancelled: row.next()?,
                contradiction: row.next()?,
            })
        },
    )
    .await
}

fn shipment_row(row: &mut Row<'_>) -> Result<ShipmentRecord, Error> {
    let (order_id, order_number, user_id) = (row.next()?, row.next()?, row.next()?);
    let Json(address) = row.next()?;
    let (correlation_id, booking, attempts) = (row.next()?, row.next()?, row.next()?);
    let failure = row.next::<Option<Json<Failure>>>()?.map(|Json(failure)| failure);
    let (due_at, shipment_id) = (row.next()?, row.next()?);
    let carrier = row.next()?;
    let parcel = match (row.next()?, row.next()?, row.next()?) {
        (Some(status), Some(tracking_number), Some(booked_at)) => Some(Parcel { carrier, status, tracking_number, booked_at }),
        _ => None,
    };
    let (contradiction, confirmed_at, updated_at) = (row.next()?, row.next()?, row.next()?);
    Ok(ShipmentRecord {
        order_id,
        order_number,
        user_id,
        address,
        correlation_id,
        booking,
        attempts,
        failure,
        due_at,
        shipment_id,
        parcel,
        contradiction,
        confirmed_at,
        updated_at,
    })
}

/// Counts the entries of a history.
pub async fn count_events(tx: &mut Tx, id: ShipmentId) -> Result<i64, Error> {
    tx.query_one("SELECT COUNT(*) FROM shipment_events WHERE shipment_id = $1", params![id], |row| row.next()).await
}

/// Appends an entry to the history unless it has the same. Returns whether it is new.
pub async fn append_event(tx: &mut Tx, id: ShipmentId, status: ShipmentStatus, message: &str) -> Result<bool, Error> {
    let (event_id, now) = (tx.new_id::<ShipmentEventId>(), tx.now());
    let rows = tx
        .execute(
            "INSERT INTO shipment_events (shipment_event_id, shipment_id, position, status, message, occurred_at) \
             VALUES ($1, $2, (SELECT COUNT(*) FROM shipment_events WHERE shipment_id = $2), $3, $4, $5) \
             ON CONFLICT (shipment_id, status, message) DO NOTHING",
            params![event_id, id, status, message.to_owned(), now],
        )
        .await?;
    Ok(rows == 1)
}

/// Returns the view of a shipment with its history; `None` while it is not booked.
pub async fn view(tx: &mut Tx, shipment: ShipmentRecord) -> Result<Option<Shipment>, Error> {
    let Some(Parcel { carrier, status, tracking_number, booked_at }) = shipment.parcel else { return Ok(None) };
    let shipment_id = shipment.shipment_id;
    let events = tx
        .query(
            "SELECT shipment_event_id, status, message, occurred_at FROM shipment_events WHERE shipment_id = $1 ORDER BY position",
            params![shipment_id],
            |row| {
                Ok(ShipmentEvent {
                    shipment_event_id: row.next()?,
                    shipment_id,
                    status: row.next()?,
                    message: row.next()?,
                    occurred_at: row.next()?,
                })
            },
        )
        .await?;
    Ok(Some(Shipment {
        shipment_id,
        order_id: shipment.order_id,
        user_id: shipment.user_id,
        status,
        carrier,
        tracking_number,
        shipping_address_snapshot: shipment.address,
        events,
        created_at: booked_at,
        updated_at: shipment.updated_at,
    }))
}

/// Returns one shipment. With `owner`, the shipment of another user is not found.
pub async fn find_shipment(tx: &mut Tx, owner: Option<UserId>, id: ShipmentId) -> Result<Option<Shipment>, Error> {
    let found = Select::from(select_shipments!(" WHERE status IS NOT NULL"))
        .filter("shipment_id = ?", id)
        .filter_some("user_id = ?", owner)
        .limit("order_id", 1)
        .rows(tx, shipment_row)
        .await?;
    match found.into_iter().next() {
        Some(shipment) => view(tx, shipment).await,
        None => Ok(None),
    }
}

/// Returns the shipments of one order, at most one; `None` when there is no such order, or it is another user's.
pub async fn find_of_order(tx: &mut Tx, owner: Option<UserId>, id: OrderId) -> Result<Option<Vec<Shipment>>, Error> {
    match find_by_order(tx, id).await? {
        Some(shipment) if owner.is_none_or(|owner| owner == shipment.user_id) => Ok(Some(view(tx, shipment).await?.into_iter().collect())),
        _ => Ok(None),
    }
}
