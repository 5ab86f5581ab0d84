//! The SQL of endpoints and deliveries.

pub mod personal;

use crate::domain::{Delivery, Endpoint};
use contracts::{
    column::JsonText,
    ids::{UserId, WebhookDeliveryId, WebhookEndpointId},
    time::Timestamp,
    webhook::{WebhookDelivery, WebhookDeliveryFilter, WebhookEndpoint, WebhookEndpointStatus},
};
use platform::{
    db::{Error, Select, Tx},
    due::DueQueue,
    params,
};

platform::table! {
    Endpoints in "webhook_endpoints" of Endpoint, key [webhook_endpoint_id];
    columns {
        shown: WebhookEndpoint {
            webhook_endpoint_id, seller_id, url, event_types as JsonText, description, status, disabled_reason, former_secret_until,
            version, created_at, updated_at,
        },
        secret, former_secret, resumes_at,
    }
}

platform::table! {
    Deliveries in "webhook_deliveries" of Delivery, key [webhook_delivery_id];
    columns {
        shown: WebhookDelivery {
            webhook_delivery_id, webhook_endpoint_id, event_id, event_type, status, attempts, response_status, last_error,
            next_attempt_at = due_at, last_attempt_at, created_at,
        },
        body, tries, tries_max,
    }
}

/// What one enabled endpoint gets of one type.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub webhook_endpoint_id: WebhookEndpointId,
    pub event_type: String,
    /// `None` for an endpoint of the shop, which gets the events of everyone.
    pub seller_id: Option<UserId>,
    /// Events that occurred before are not sent.
    pub since: Timestamp,
}

platform::table! {
    WantedEvents in "webhook_endpoint_events" of Wanted, key [webhook_endpoint_id, event_type];
    columns { webhook_endpoint_id, event_type, seller_id, since }
}

/// The deliveries that are due, fair among endpoints.
pub const DUE: DueQueue<WebhookDeliveryId, WebhookEndpointId> =
    DueQueue::new("webhook_deliveries", "webhook_delivery_id").partitioned_by("webhook_endpoint_id").failed_attempts("tries");

/// Whether any endpoint wants anything.
pub async fn wants_anything(tx: &mut Tx) -> Result<bool, Error> {
    let found = "SELECT event_type FROM webhook_endpoint_events LIMIT 1";
    Ok(tx.query_opt(found, &[], |row| row.next::<String>()).await?.is_some())
}

/// Returns what the endpoints of the shop and of these sellers want of these types.
pub async fn list_wanted(tx: &mut Tx, types: &[String], sellers: &[UserId]) -> Result<Vec<Wanted>, Error> {
    let of_shop = Select::of::<WantedEvents>().filter_in("event_type", types).filter_literal("seller_id IS NULL");
    let mut found = of_shop.list(tx).await?;
    if !sellers.is_empty() {
        found.extend(Select::of::<WantedEvents>().filter_in("event_type", types).filter_in("seller_id", sellers).list(tx).await?);
    }
    Ok(found)
}

/// Replaces what an endpoint wants by the types it has, or by nothing while it is disabled.
pub async fn put_wanted(tx: &mut Tx, endpoint: &WebhookEndpoint) -> Result<(), Error> {
    let webhook_endpoint_id = endpoint.webhook_endpoint_id;
    let since = tx.now();
    let types: &[String] = if endpoint.status == WebhookEndpointStatus::Enabled { &endpoint.event_types } else { &[] };
    let present = Select::of::<WantedEvents>().filter("webhook_endpoint_id = ?", webhook_endpoint_id).list(tx).await?;
    for old in present.iter().filter(|old| !types.contains(&old.event_type)) {
        let sql = "DELETE FROM webhook_endpoint_events WHERE webhook_endpoint_id = $1 AND event_type = $2";
        tx.execute_pipelined(sql, params![webhook_endpoint_id, old.event_type]).await?;
    }
    for event_type in types {
        let wanted = Wanted { webhook_endpoint_id, event_type: event_type.clone(), seller_id: endpoint.seller_id, since };
        tx.insert_if_absent::<WantedEvents>(&wanted, "(webhook_endpoint_id, event_type)").await?;
    }
    Ok(())
}

pub async fn insert_endpoint(tx: &mut Tx, endpoint: &Endpoint) -> Result<(), Error> {
    tx.insert::<Endpoints>(endpoint).await
}

pub async fn save_endpoint(tx: &mut Tx, endpoint: &Endpoint) -> Result<(), Error> {
    tx.replace::<Endpoints>(endpoint).await
}

/// Returns the endpoint and locks its row. When `owner` is given, endpoints of others are not found.
pub async fn lock_endpoint(tx: &mut Tx, owner: Option<UserId>, id: WebhookEndpointId) -> Result<Option<Endpoint>, Error> {
    Select::of::<Endpoints>().filter("webhook_endpoint_id = ?", id).filter_some("seller_id = ?", owner).lock(tx).await
}

/// As [`lock_endpoint`], without the lock.
pub async fn find_endpoint(tx: &mut Tx, owner: Option<UserId>, id: WebhookEndpointId) -> Result<Option<Endpoint>, Error> {
    let found = Select::of::<Endpoints>().filter("webhook_endpoint_id = ?", id).filter_some("seller_id = ?", owner);
    Ok(found.list(tx).await?.pop())
}

/// Counts the endpoints of a seller, or of the shop.
pub async fn count_endpoints(tx: &mut Tx, seller: Option<UserId>) -> Result<usize, Error> {
    let count = Select::from("SELECT webhook_endpoint_id FROM webhook_endpoints");
    let of_owner = match seller {
        Some(seller) => count.filter("seller_id = ?", seller),
        None => count.filter_literal("seller_id IS NULL"),
    };
    Ok(of_owner.rows(tx, |row| row.next::<WebhookEndpointId>()).await?.len())
}

pub async fn list_endpoints(
    tx: &mut Tx,
    owner: Option<UserId>,
    before: Option<WebhookEndpointId>,
    rows: i64,
) -> Result<Vec<WebhookEndpoint>, Error> {
    let found = Select::of::<Endpoints>().filter_some("seller_id = ?", owner).filter_some("webhook_endpoint_id < ?", before);
    let found = found.limit("webhook_endpoint_id DESC", rows).list(tx).await?;
    Ok(found.into_iter().map(|endpoint| endpoint.shown).collect())
}

/// Deletes an endpoint. Its deliveries are deleted later, because there may be many.
pub async fn delete_endpoint(tx: &mut Tx, id: WebhookEndpointId) -> Result<(), Error> {
    tx.execute_pipelined("DELETE FROM webhook_endpoint_events WHERE webhook_endpoint_id = $1", params![id]).await?;
    tx.execute_pipelined("DELETE FROM webhook_endpoints WHERE webhook_endpoint_id = $1", params![id]).await?;
    tx.execute_pipelined("INSERT INTO webhook_removals (webhook_endpoint_id) VALUES ($1)", params![id]).await
}

/// Inserts a delivery, unless the endpoint has one of its event.
pub async fn insert_delivery(tx: &mut Tx, delivery: &Delivery) -> Result<(), Error> {
    tx.insert_if_absent::<Deliveries>(delivery, "(webhook_endpoint_id, event_id)").await.map(|_| ())
}

pub async fn save_delivery(tx: &mut Tx, delivery: &Delivery) -> Result<(), Error> {
    tx.replace::<Deliveries>(delivery).await
}

/// Returns a delivery that is due.
pub async fn find_due(tx: &mut Tx, id: WebhookDeliveryId) -> Result<Option<Delivery>, Error> {
    let now = tx.now();
    tx.find::<Deliveries>("webhook_delivery_id = $1 AND due_at <= $2", params![id, now]).await
}

/// Returns the delivery and locks its row.
pub async fn lock_delivery(tx: &mut Tx, endpoint: WebhookEndpointId, id: WebhookDeliveryId) -> Result<Option<Delivery>, Error> {
    tx.lock::<Deliveries>("webhook_delivery_id = $1 AND webhook_endpoint_id = $2", params![id, endpoint]).await
}

/// Returns the deliveries to an endpoint before `before`, the newest first.
pub async fn list_deliveries(
    tx: &mut Tx,
    endpoint: WebhookEndpointId,
    filter: &WebhookDeliveryFilter,
    before: Option<WebhookDeliveryId>,
    rows: i64,
) -> Result<Vec<WebhookDelivery>, Error> {
    let found = Select::of::<Deliveries>()
        .filter("webhook_endpoint_id = ?", endpoint)
        .filter_some("status = ?", filter.status)
        .filter_some("webhook_delivery_id < ?", before);
    let found = found.limit("webhook_delivery_id DESC", rows).list(tx).await?;
    Ok(found.into_iter().map(|delivery| delivery.shown).collect())
}

/// Whether more than `most` deliveries wait for an endpoint.
pub async fn has_more_pending(tx: &mut Tx, endpoint: WebhookEndpointId, most: usize) -> Result<bool, Error> {
    let sql = "SELECT webhook_delivery_id FROM webhook_deliveries WHERE webhook_endpoint_id = $1 AND status = 'PENDING' \
               ORDER BY webhook_delivery_id LIMIT 1 OFFSET $2";
    Ok(tx.query_opt(sql, params![endpoint, most], |row| row.next::<WebhookDeliveryId>()).await?.is_some())
}

/// Postpones the deliveries that wait for an endpoint.
pub async fn postpone(tx: &mut Tx, endpoint: WebhookEndpointId, until: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE webhook_deliveries SET due_at = $2 WHERE webhook_endpoint_id = $1 AND status = 'PENDING' AND due_at < $2";
    tx.execute_pipelined(sql, params![endpoint, until]).await
}

/// Deletes deliveries that were created before `before`, `rows` at most. Returns how many it deleted.
pub async fn delete_old(tx: &mut Tx, before: Timestamp, rows: usize) -> Result<u64, Error> {
    let sql = "DELETE FROM webhook_deliveries WHERE webhook_delivery_id IN \
               (SELECT webhook_delivery_id FROM webhook_deliveries WHERE created_at < $1 ORDER BY created_at LIMIT $2)";
    tx.execute(sql, params![before, rows]).await
}

/// Deletes deliveries to an endpoint that was deleted, `rows` at most. Returns whether there was one.
pub async fn delete_of_removed(tx: &mut Tx, rows: usize) -> Result<bool, Error> {
    let removed = "SELECT webhook_endpoint_id FROM webhook_removals ORDER BY webhook_endpoint_id LIMIT 1";
    let Some(endpoint) = tx.query_opt(removed, &[], |row| row.next::<WebhookEndpointId>()).await? else { return Ok(false) };
    let sql = "DELETE FROM webhook_deliveries WHERE webhook_delivery_id IN \
               (SELECT webhook_delivery_id FROM webhook_deliveries WHERE webhook_endpoint_id = $1 ORDER BY webhook_delivery_id LIMIT $2)";
    if tx.execute(sql, params![endpoint, rows]).await? == 0 {
        tx.execute_pipelined("DELETE FROM webhook_removals WHERE webhook_endpoint_id = $1", params![endpoint]).await?;
    }
    Ok(true)
}
