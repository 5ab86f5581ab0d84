//! The SQL of shipments. The mock carrier has its own.

pub mod personal;

use crate::{
    consistency::OrderShipment,
    domain::{Booking, Parcel, Scan, ShipmentRecord},
};
use contracts::{
    column::JsonText,
    ids::{FulfilmentId, OrderId, ShipmentId, UserId, Uuid},
    shipping::{Shipment, ShipmentEvent, ShipmentFilter, ShipmentStatus},
    time::Timestamp,
    user::AddressSnapshot,
};
use platform::{
    db::{Error, Select, Tx},
    due::DueQueue,
    params, table,
};

table! {
    pub Shipments in "shipments" of ShipmentRecord, key [fulfilment_id];
    columns {
        fulfilment_id, correlation_id, booking, attempts, failure as JsonText, due_at,
        parcel: Option<Parcel> { carrier, status, tracking_number, booked_at },
        contradiction, event_count, confirmed_at, updated_at,
    }
    insert_only { order_id, order_number, user_id, address = shipping_address as JsonText, shipment_id }
}

table! {
    OrderShipments in "shipments" of OrderShipment, key [fulfilment_id];
    columns { fulfilment_id, order_id, shipment_id, status, contradiction }
    computed { is_cancelled = "booking IN ('RECALLING', 'CLOSED')" }
}

table! {
    Events in "shipment_events" of ShipmentEvent, key [shipment_event_id];
    columns { shipment_event_id, shipment_id, status, message, occurred_at, recorded_at }
    extra { position, scanned_at }
}

table! {
    /// One row for each fulfilment, locked by whatever inserts its shipment or cancels it.
    Fulfilments in "fulfilments", key [fulfilment_id];
    extra { fulfilment_id, is_cancelled }
}

/// The fulfilments by the time of their next request to the carrier.
pub const DUE: DueQueue<FulfilmentId> = DueQueue::new("shipments", "fulfilment_id").failed_attempts("attempts");

/// Inserts the shipment of a fulfilment if there is none. The shipment of one that was cancelled before is closed at once.
pub async fn insert_if_new(
    tx: &mut Tx,
    fulfilment_id: FulfilmentId,
    order_id: OrderId,
    order_number: &str,
    user_id: UserId,
    address: &AddressSnapshot,
) -> Result<(), Error> {
    let is_cancelled = tx
        .query_one(
            "INSERT INTO fulfilments (fulfilment_id, is_cancelled) VALUES ($1, FALSE) \
             ON CONFLICT (fulfilment_id) DO UPDATE SET is_cancelled = fulfilments.is_cancelled RETURNING is_cancelled",
            params![fulfilment_id],
            |row| row.next(),
        )
        .await?;
    let shipment = ShipmentRecord {
        fulfilment_id,
        order_id,
        order_number: order_number.to_owned(),
        user_id,
        address: address.clone(),
        correlation_id: tx.context().correlation_id.to_string(),
        booking: if is_cancelled { Booking::Closed } else { Booking::Awaited },
        attempts: 0,
        failure: None,
        due_at: None,
        shipment_id: tx.new_id(),
        parcel: None,
        contradiction: None,
        event_count: 0,
        confirmed_at: None,
        updated_at: tx.now(),
    };
    tx.insert_if_absent::<Shipments>(&shipment, "(fulfilment_id)").await.map(|_| ())
}

/// Returns the shipment of a fulfilment that is being cancelled, its row locked until the commit. A fulfilment without a shipment
/// is stored as cancelled.
pub async fn lock_to_cancel(tx: &mut Tx, id: FulfilmentId) -> Result<Option<ShipmentRecord>, Error> {
    if let Some(shipment) = lock_shipment_of(tx, id).await? {
        return Ok(Some(shipment));
    }
    tx.upsert_with::<Fulfilments>(&(), &[("fulfilment_id", &id), ("is_cancelled", &true)]).await?;
    // The upsert waited for a shipment that was inserted at the same time.
    lock_shipment_of(tx, id).await
}

/// Returns the shipment of a fulfilment.
pub async fn find_shipment_of(tx: &mut Tx, id: FulfilmentId) -> Result<Option<ShipmentRecord>, Error> {
    tx.find::<Shipments>("fulfilment_id = $1", params![id]).await
}

/// Returns the shipment of a fulfilment with this id, or those of the order with it.
pub async fn list_by_any_id(tx: &mut Tx, id: Uuid) -> Result<Vec<ShipmentRecord>, Error> {
    tx.list::<Shipments>("WHERE fulfilment_id = $1 OR order_id = $1 ORDER BY fulfilment_id", params![id]).await
}

/// Returns the fulfilments of an order that have a shipment.
pub async fn list_fulfilments(tx: &mut Tx, order: OrderId) -> Result<Vec<FulfilmentId>, Error> {
    let sql = "SELECT fulfilment_id FROM shipments WHERE order_id = $1 ORDER BY fulfilment_id";
    tx.query(sql, params![order], |row| row.next()).await
}

/// Sets the customer of the shipments of an order.
pub async fn set_customer(tx: &mut Tx, order: OrderId, user: UserId) -> Result<(), Error> {
    tx.execute_pipelined("UPDATE shipments SET user_id = $2 WHERE order_id = $1", params![order, user]).await
}

/// Returns the shipment of a fulfilment, its row locked until the commit.
pub async fn lock_shipment_of(tx: &mut Tx, id: FulfilmentId) -> Result<Option<ShipmentRecord>, Error> {
    tx.lock::<Shipments>("fulfilment_id = $1", params![id]).await
}

/// Returns a shipment that is booked, its row locked until the commit.
pub async fn lock_by_shipment(tx: &mut Tx, id: ShipmentId) -> Result<Option<ShipmentRecord>, Error> {
    tx.lock::<Shipments>("shipment_id = $1 AND status IS NOT NULL", params![id]).await
}

/// Updates what can change of a shipment.
pub async fn save(tx: &mut Tx, shipment: &mut ShipmentRecord) -> Result<(), Error> {
    shipment.updated_at = tx.now();
    tx.replace::<Shipments>(shipment).await
}

/// Returns shipments on their way that are unchanged since `before`, without those being cancelled.
pub async fn list_untouched(tx: &mut Tx, before: Timestamp, rows: usize) -> Result<Vec<(ShipmentId, ShipmentStatus)>, Error> {
    tx.query(
        "SELECT shipment_id, status FROM shipments WHERE status IN ('CREATED', 'IN_TRANSIT') AND updated_at <= $1 AND booking = 'BOOKED' \
         ORDER BY fulfilment_id LIMIT $2",
        params![before, rows],
        |row| Ok((row.next()?, row.next()?)),
    )
    .await
}

/// Makes every request to the carrier due now that waits for its next attempt.
pub async fn make_all_due(tx: &mut Tx) -> Result<(), Error> {
    let now = tx.now();
    tx.execute("UPDATE shipments SET due_at = $1 WHERE due_at > $1", params![now]).await.map(|_| ())
}

/// Returns the shipments of confirmed orders, newest order first.
pub async fn list(tx: &mut Tx, filter: ShipmentFilter, after: Option<FulfilmentId>, rows: i64) -> Result<Vec<ShipmentRecord>, Error> {
    if filter.pending == Some(true) && (filter.status.is_some() || filter.tracking_number.is_some()) {
        // A pending shipment has no status and no number.
        return Ok(Vec::new());
    }
    listed(filter, after, rows).list(tx).await
}

/// Returns the query of [`list`].
pub fn listed(filter: ShipmentFilter, after: Option<FulfilmentId>, rows: i64) -> Select<Shipments> {
    // Literals instead of parameters, so that the database uses the partial indexes.
    let select = Select::of::<Shipments>().filter_literal(match filter.pending {
        Some(true) => "booking = 'PENDING'",
        Some(false) => "status IS NOT NULL",
        None => "(booking IN ('PENDING', 'RECALLING') OR status IS NOT NULL)",
    });
    select
        .filter_some("tracking_number = ?", filter.tracking_number)
        .filter_some("status = ?", filter.status)
        .filter_some("fulfilment_id < ?", after)
        .limit("fulfilment_id DESC", rows)
}

/// Returns the shipments of the orders after `after` up to and including `up_to`, without those that are not confirmed.
pub async fn list_by_orders(tx: &mut Tx, after: OrderId, up_to: OrderId) -> Result<Vec<OrderShipment>, Error> {
    tx.list::<OrderShipments>(
        "WHERE order_id > $1 AND order_id <= $2 AND booking <> 'AWAITED' ORDER BY order_id, fulfilment_id",
        params![after, up_to],
    )
    .await
}

/// Appends an entry to the history unless it has the same, and counts it in the shipment, which is locked and is saved
/// afterwards. Returns whether the entry is new.
pub async fn append_event(tx: &mut Tx, shipment: &mut ShipmentRecord, status: ShipmentStatus, scan: Scan<'_>) -> Result<bool, Error> {
    let (shipment_event_id, shipment_id, recorded_at) = (tx.new_id(), shipment.shipment_id, tx.now());
    let (message, occurred_at) = (scan.message.to_owned(), scan.at.unwrap_or(recorded_at));
    let event = ShipmentEvent { shipment_event_id, shipment_id, status, message, occurred_at, recorded_at };
    let (position, scanned_at) = (shipment.event_count, scan.at.unwrap_or(Timestamp::EPOCH));
    let content = "(shipment_id, status, message, scanned_at)";
    let is_new = tx.insert_if_absent_with::<Events>(&event, content, &[("position", &position), ("scanned_at", &scanned_at)]).await?;
    shipment.event_count += i64::from(is_new);
    Ok(is_new)
}

/// Returns the view of a shipment with its history; `None` while it is not booked.
pub async fn view(tx: &mut Tx, shipment: ShipmentRecord) -> Result<Option<Shipment>, Error> {
    let Some(Parcel { carrier, status, tracking_number, booked_at }) = shipment.parcel else { return Ok(None) };
    let shipment_id = shipment.shipment_id;
    let events = tx.list::<Events>("WHERE shipment_id = $1 ORDER BY position", params![shipment_id]).await?;
    Ok(Some(Shipment {
        shipment_id,
        order_id: shipment.order_id,
        fulfilment_id: shipment.fulfilment_id,
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
    let select = Select::of::<Shipments>().filter_literal("status IS NOT NULL").filter("shipment_id = ?", id);
    match select.filter_some("user_id = ?", owner).find(tx).await? {
        Some(shipment) => view(tx, shipment).await,
        None => Ok(None),
    }
}

/// Returns the shipments of one order, at most one for each fulfilment; `None` when there is no such order, or it is another
/// user's.
pub async fn find_of_order(tx: &mut Tx, owner: Option<UserId>, id: OrderId) -> Result<Option<Vec<Shipment>>, Error> {
    let select = Select::of::<Shipments>().filter("order_id = ?", id).filter_some("user_id = ?", owner);
    let found = select.limit("fulfilment_id", i64::from(u16::MAX)).list(tx).await?;
    let (is_known, mut shipments) = (!found.is_empty(), Vec::new());
    for shipment in found {
        shipments.extend(view(tx, shipment).await?);
    }
    Ok(is_known.then_some(shipments))
}
