//! The only SQL of this service.

use crate::{
    consistency::{Entry, OrderRecord},
    domain::{Order, SagaState, StatusChange, Totals},
};
use contracts::{
    column::Json,
    ids::{CartId, OrderId, UserId},
    order::{OrderItem, OrderShipping, OrderStatus, OrderSummary, TimelineEntry},
    problem::Failure,
    time::Timestamp,
    user::AddressSnapshot,
};
use platform::{
    db::{Error, Row, Select, Tx, id_from},
    due::DueQueue,
    outbox, params,
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::HashMap;

/// Selects the columns of [`order_row`].
macro_rules! select_orders {
    ($rest:literal) => {
        concat!(
            "SELECT order_id, order_number, user_id, cart_id, status, currency, subtotal_amount, shipping_amount, tax_amount, \
             discount_amount, total_amount, payment_method, saga, shipping, shipping_address, billing_address, failure, created_at, \
             updated_at FROM orders ",
            $rest
        )
    };
}

/// Inserts a new order, its lines and the first entry of its timeline.
pub async fn insert(tx: &mut Tx, order: &Order) -> Result<(), Error> {
    let totals = &order.totals;
    tx.execute(
        "INSERT INTO orders (order_id, order_number, user_id, cart_id, status, currency, subtotal_amount, shipping_amount, tax_amount, \
         discount_amount, total_amount, item_count, payment_id, payment_method, saga, shipping, shipping_address, billing_address, failure, \
         due_at, fruitless_turns, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, NULL, $13, $14, $15, $16, $17, NULL, $18, 0, $18, $18)",
        params![
            order.order_id,
            order.order_number,
            order.user_id,
            order.cart_id,
            order.status,
            order.currency,
            totals.subtotal_amount,
            totals.shipping_amount,
            totals.tax_amount,
            totals.discount_amount,
            totals.total_amount,
            order.items.len(),
            order.payment_method,
            Json(order.saga.clone()),
            Json(order.shipping.clone()),
            Json(order.shipping_address.clone()),
            Json(order.billing_address.clone()),
            order.created_at
        ],
    )
    .await?;
    for (line, item) in order.items.iter().enumerate() {
        tx.execute(
            "INSERT INTO order_items (order_item_id, order_id, line, product_id, sku, title_snapshot, unit_price_snapshot, quantity, \
             line_total_amount) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            params![
                item.order_item_id,
                order.order_id,
                line,
                item.product_id,
                item.sku,
                item.title_snapshot,
                item.unit_price_snapshot,
                item.quantity,
                item.line_total_amount
            ],
        )
        .await?;
    }
    let first = TimelineEntry { status: order.status, occurred_at: order.created_at, reason: None };
    append_timeline(tx, order.order_id, &first).await
}

/// Updates an order, and sets when the saga advances it next.
pub async fn save(tx: &mut Tx, order: &Order, due_at: Option<Timestamp>) -> Result<(), Error> {
    tx.execute(
        "UPDATE orders SET status = $2, payment_id = $3, payment_method = $4, saga = $5, shipping = $6, failure = $7, due_at = $8, \
         fruitless_turns = 0, updated_at = $9 WHERE order_id = $1",
        params![
            order.order_id,
            order.status,
            order.saga.payment_id,
            order.payment_method,
            Json(order.saga.clone()),
            Json(order.shipping.clone()),
            order.failure.clone().map(Json),
            due_at,
            order.updated_at
        ],
    )
    .await
    .map(|_| ())
}

/// Appends a status change to the timeline.
pub async fn append_status_change(tx: &mut Tx, id: OrderId, change: &StatusChange) -> Result<(), Error> {
    let entry = change.timeline_entry(tx.now());
    append_timeline(tx, id, &entry).await
}

async fn append_timeline(tx: &mut Tx, id: OrderId, entry: &TimelineEntry) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO order_timeline (order_id, position, status, occurred_at, reason) \
         VALUES ($1, (SELECT COUNT(*) FROM order_timeline WHERE order_id = $1), $2, $3, $4)",
        params![id, entry.status, entry.occurred_at, entry.reason],
    )
    .await
    .map(|_| ())
}

/// Returns the order, and locks its row until the commit. With `owner`, an order of another customer is not found.
pub async fn lock_order(tx: &mut Tx, owner: Option<UserId>, id: OrderId) -> Result<Option<Order>, Error> {
    find_order(tx, owner, id).await
}

/// Returns the order. With `owner`, an order of another customer is not found.
pub async fn find_order(tx: &mut Tx, owner: Option<UserId>, id: OrderId) -> Result<Option<Order>, Error> {
    let found = match owner {
        Some(owner) => tx.query_opt(select_orders!("WHERE order_id = $1 AND user_id = $2"), params![id, owner], order_row).await?,
        None => tx.query_opt(select_orders!("WHERE order_id = $1"), params![id], order_row).await?,
    };
    with_items(tx, found).await
}

/// Returns the status of an order.
pub async fn find_status(tx: &mut Tx, id: OrderId) -> Result<Option<OrderStatus>, Error> {
    tx.query_opt("SELECT status FROM orders WHERE order_id = $1", params![id], |row| row.next()).await
}

/// Returns the order of a cart, if it was ordered.
pub async fn find_by_cart(tx: &mut Tx, cart: CartId) -> Result<Option<OrderId>, Error> {
    tx.query_opt("SELECT order_id FROM orders WHERE cart_id = $1", params![cart], |row| row.next()).await
}

fn order_row(row: &mut Row<'_>) -> Result<Order, Error> {
    Ok(Order {
        order_id: row.next()?,
        order_number: row.next()?,
        user_id: row.next()?,
        cart_id: row.next()?,
        status: row.next()?,
        currency: row.next()?,
        items: Vec::new(),
        totals: Totals {
            subtotal_amount: row.next()?,
            shipping_amount: row.next()?,
            tax_amount: row.next()?,
            discount_amount: row.next()?,
            total_amount: row.next()?,
        },
        payment_method: row.next()?,
        saga: row.next::<Json<SagaState>>()?.0,
        shipping: row.next::<Json<OrderShipping>>()?.0,
        shipping_address: row.next::<Json<AddressSnapshot>>()?.0,
        billing_address: row.next::<Json<AddressSnapshot>>()?.0,
        failure: row.next::<Option<Json<Failure>>>()?.map(|json| json.0),
        created_at: row.next()?,
        updated_at: row.next()?,
    })
}

async fn with_items(tx: &mut Tx, found: Option<Order>) -> Result<Option<Order>, Error> {
    let Some(mut order) = found else { return Ok(None) };
    order.items = tx
        .query(
            "SELECT order_item_id, product_id, sku, title_snapshot, unit_price_snapshot, quantity, line_total_amount \
             FROM order_items WHERE order_id = $1 ORDER BY line",
            params![order.order_id],
            item_row,
        )
        .await?;
    Ok(Some(order))
}

fn item_row(row: &mut Row<'_>) -> Result<OrderItem, Error> {
    Ok(OrderItem {
        order_item_id: row.next()?,
        product_id: row.next()?,
        sku: row.next()?,
        title_snapshot: row.next()?,
        unit_price_snapshot: row.next()?,
        quantity: row.next()?,
        line_total_amount: row.next()?,
    })
}

/// Returns the timeline, the oldest entry first.
pub async fn list_timeline(tx: &mut Tx, id: OrderId) -> Result<Vec<TimelineEntry>, Error> {
    tx.query("SELECT status, occurred_at, reason FROM order_timeline WHERE order_id = $1 ORDER BY position", params![id], |row| {
        Ok(TimelineEntry { status: row.next()?, occurred_at: row.next()?, reason: row.next()? })
    })
    .await
}

/// Which orders are listed or counted.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Filter {
    /// Only those in this status.
    pub status: Option<OrderStatus>,
    /// Only those of this customer.
    pub user_id: Option<UserId>,
    /// Only those placed at this instant or later.
    pub from: Option<Timestamp>,
    /// Only those placed before this instant.
    pub to: Option<Timestamp>,
}

/// Returns orders below `after`, the newest first.
pub async fn list_orders(tx: &mut Tx, filter: Filter, after: Option<OrderId>, rows: i64) -> Result<Vec<OrderSummary>, Error> {
    listed(filter, after, rows)
        .rows(tx, |row| {
            Ok(OrderSummary {
                order_id: row.next()?,
                order_number: row.next()?,
                user_id: row.next()?,
                status: row.next()?,
                currency: row.next()?,
                total_amount: row.next()?,
                item_count: row.next()?,
                payment_id: row.next()?,
                created_at: row.next()?,
                updated_at: row.next()?,
            })
        })
        .await
}

/// Returns the query of [`list_orders`].
pub fn listed(filter: Filter, after: Option<OrderId>, rows: i64) -> Select {
    matching(
        "SELECT order_id, order_number, user_id, status, currency, total_amount, item_count, payment_id, created_at, updated_at FROM orders",
        filter,
        after,
    )
    .limit("order_id DESC", rows)
}

/// Counts the orders that match `filter` by status.
pub async fn count_by_status(tx: &mut Tx, filter: Filter) -> Result<Vec<(OrderStatus, u64)>, Error> {
    matching("SELECT status, COUNT(*) FROM orders", filter, None).group("status").rows(tx, |row| Ok((row.next()?, row.next()?))).await
}

fn matching(select: &'static str, filter: Filter, after: Option<OrderId>) -> Select {
    // With two upper bounds on one column the database would seek by one and scan past the rows that the other excludes.
    let below = filter.to.map(id_from).into_iter().chain(after.map(Into::into)).min();
    Select::from(select)
        .filter_some("user_id = ?", filter.user_id)
        .filter_some("status = ?", filter.status)
        .filter_some("order_id >= ?", filter.from.map(id_from))
        .filter_some("order_id < ?", below)
}

/// The orders with a due time.
pub const DUE: DueQueue<OrderId> = DueQueue::new("orders", "order_id").failed_attempts("fruitless_turns");

/// Sets when the saga advances the order next.
pub async fn set_due(tx: &mut Tx, id: OrderId, due_at: Option<Timestamp>) -> Result<(), Error> {
    tx.execute("UPDATE orders SET due_at = $2 WHERE order_id = $1", params![id, due_at]).await.map(|_| ())
}

/// Returns up to `rows` orders with ids above `after` and everything that is stored of them, with one query per table.
pub async fn list_for_check(tx: &mut Tx, after: OrderId, rows: usize) -> Result<Vec<OrderRecord>, Error> {
    let orders = tx.query(select_orders!("WHERE order_id > $1 ORDER BY order_id LIMIT $2"), params![after, rows], order_row).await?;
    let Some(last) = orders.last().map(|order| order.order_id) else { return Ok(Vec::new()) };
    let at: HashMap<OrderId, usize> = orders.iter().enumerate().map(|(at, order)| (order.order_id, at)).collect();
    let new_record = |order| OrderRecord { order, timeline: Vec::new(), event_count: 0, due_at: None, failed_attempts: 0 };
    let mut records: Vec<OrderRecord> = orders.into_iter().map(new_record).collect();
    tx.query("SELECT order_id, due_at, fruitless_turns FROM orders WHERE order_id > $1 AND order_id <= $2", params![after, last], |row| {
        if let Some(record) = at.get(&row.next()?).and_then(|at| records.get_mut(*at)) {
            (record.due_at, record.failed_attempts) = (row.next()?, row.next()?);
        }
        Ok(())
    })
    .await?;
    tx.query(
        "SELECT order_id, order_item_id, product_id, sku, title_snapshot, unit_price_snapshot, quantity, line_total_amount \
         FROM order_items WHERE order_id > $1 AND order_id <= $2 ORDER BY order_id, line",
        params![after, last],
        |row| {
            if let Some(record) = at.get(&row.next()?).and_then(|at| records.get_mut(*at)) {
                record.order.items.push(item_row(row)?);
            }
            Ok(())
        },
    )
    .await?;
    tx.query(
        "SELECT order_id, position, status, occurred_at FROM order_timeline WHERE order_id > $1 AND order_id <= $2 \
         ORDER BY order_id, position",
        params![after, last],
        |row| {
            if let Some(record) = at.get(&row.next()?).and_then(|at| records.get_mut(*at)) {
                record.timeline.push(Entry { position: row.next()?, status: row.next()?, occurred_at: row.next()? });
            }
            Ok(())
        },
    )
    .await?;
    for (id, event_count) in outbox::list_counts(tx, after.into(), last.into()).await? {
        if let Some(record) = at.get(&id.into()).and_then(|at| records.get_mut(*at)) {
            record.event_count = event_count;
        }
    }
    Ok(records)
}
