//! The only SQL of this service.

pub mod guest_rows;
pub mod orphan_rows;
pub mod personal;

use crate::{
    consistency::{Entry, OrderRecord},
    domain::{DayCount, Fulfilment, Order, Totals, order_number},
};
use contracts::{
    column::JsonText,
    ids::{CartId, FulfilmentId, OrderId, PromotionId, UserId},
    order::{
        FulfilmentStatus, OrderDiscount, OrderExport, OrderItem, OrderNumber, OrderSort, OrderStatus, OrderSummary, OrderSummaryItem,
        TimelineEntry,
    },
    payout::Day,
    time::Timestamp,
};
use platform::{
    db::{Error, Select, Tx, id_from},
    due::DueQueue,
    outbox, params,
};
use std::collections::{BTreeMap, HashMap};

platform::table! {
    /// Orders without their lines.
    Orders in "orders" of Order, key [order_id];
    columns {
        order_id, status, payment_method, saga as JsonText, fulfilments as JsonText, shipping as JsonText,
        failure as JsonText, timeline_length, updated_at,
    }
    insert_only {
        order_number, user_id, cart_id, currency,
        totals: Totals { subtotal_amount, shipping_amount, tax_amount, discount_amount, total_amount, prices_include_tax },
        shipping_address as JsonText, billing_address as JsonText, external_id, metadata as JsonText, created_at,
    }
    default { items }
    extra { item_count, payment_id, due_at, fruitless_turns }
}

/// What integrators saved with an order.
struct IntegratorData {
    order_id: OrderId,
    external_id: Option<String>,
    metadata: BTreeMap<String, String>,
    updated_at: Timestamp,
}

platform::table! {
    IntegratorDataOfOrders in "orders" of IntegratorData, key [order_id];
    columns { order_id, external_id, metadata as JsonText, updated_at }
}

platform::table! {
    OrderItems in "order_items" of OrderItem, key [order_item_id];
    columns {
        order_item_id, product_id, sku, title_snapshot, unit_price_snapshot, quantity, line_total_amount, image_url, seller_id,
        discount_amount, seller_discount_amount, tax_amount, tax_basis_points, returned_quantity,
    }
    extra { order_id, line }
}

platform::table! {
    pub OrderSummaries in "orders" of OrderSummary, key [order_id];
    columns { order_id, order_number, user_id, status, currency, total_amount, item_count, payment_id, external_id, created_at, updated_at }
    default { items }
}

platform::table! {
    Timeline in "order_timeline" of TimelineEntry, key [order_id, position];
    columns { status, occurred_at, reason }
    extra { order_id, position }
}

platform::table! {
    /// The fulfilments of sellers. What an order knows of them stands in the order.
    SellerFulfilments in "fulfilments" of SellerFulfilmentRow, key [fulfilment_id];
    columns { fulfilment_id, status }
    insert_only { seller_id }
    extra { order_id }
}

/// By what a seller finds a fulfilment.
pub struct SellerFulfilmentRow {
    pub fulfilment_id: FulfilmentId,
    pub seller_id: Option<UserId>,
    pub status: FulfilmentStatus,
}

/// The orders with a due time.
pub const DUE: DueQueue<OrderId> = DueQueue::new("orders", "order_id").failed_attempts("fruitless_turns");

/// The columns by which the name of an order in another system is unique.
pub const EXTERNAL_ID: &str = "orders.external_id, orders.user_id";

/// How many lines of an order a list shows.
const SUMMARY_LINES: i64 = 20;

/// How many order numbers a new order tries. There are 2^50 of them.
const NUMBER_ATTEMPTS: usize = 8;

/// What became of a new order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Insertion {
    Inserted,
    /// Its cart was ordered before.
    CartOrdered,
    /// Another order of the customer has its name in another system.
    ExternalIdTaken,
}

/// Inserts a new order, its lines and the first entry of its timeline. An order number that is taken is replaced.
pub async fn insert(tx: &mut Tx, order: &mut Order, due_at: Option<Timestamp>) -> Result<Insertion, Error> {
    let item_count = order.items.len();
    for _ in 0..NUMBER_ATTEMPTS {
        let is_new = tx
            .insert_if_absent_with::<Orders>(order, "", &[("item_count", &item_count), ("due_at", &due_at), ("fruitless_turns", &0_i64)])
            .await?;
        if is_new {
            for (line, item) in order.items.iter().enumerate() {
                tx.insert_with::<OrderItems>(item, &[("order_id", &order.order_id), ("line", &line)]).await?;
            }
            for part in order.fulfilments.iter().filter(|part| part.seller_id.is_some()) {
                let row = SellerFulfilmentRow { fulfilment_id: part.fulfilment_id, seller_id: part.seller_id, status: part.status };
                tx.insert_with::<SellerFulfilments>(&row, &[("order_id", &order.order_id)]).await?;
            }
            append_timeline(tx, order.order_id, 0, &order.first_entry()).await?;
            return Ok(Insertion::Inserted);
        }
        if is_ordered(tx, order.cart_id).await? {
            return Ok(Insertion::CartOrdered);
        }
        if let Some(external_id) = &order.external_id
            && has_external_id(tx, order.user_id, external_id).await?
        {
            return Ok(Insertion::ExternalIdTaken);
        }
        order.order_number = order_number(tx.random_bytes());
    }
    Err(Error::Failed("no order number is free".into()))
}

async fn is_ordered(tx: &mut Tx, cart: CartId) -> Result<bool, Error> {
    Ok(tx.query_opt("SELECT 1 FROM orders WHERE cart_id = $1", params![cart], |row| row.next::<i64>()).await?.is_some())
}

/// Returns whether an order of the customer has this name in another system.
pub async fn has_external_id(tx: &mut Tx, customer: UserId, external_id: &str) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM orders WHERE external_id = $1 AND user_id = $2";
    Ok(tx.query_opt(sql, params![external_id, customer], |row| row.next::<i64>()).await?.is_some())
}

/// Stores what integrators saved with an order whose row is locked. A taken name violates [`EXTERNAL_ID`].
pub async fn save_integrator_data(tx: &mut Tx, order: &Order) -> Result<(), Error> {
    let Order { order_id, updated_at, .. } = *order;
    let row = IntegratorData { order_id, external_id: order.external_id.clone(), metadata: order.metadata.clone(), updated_at };
    tx.update::<IntegratorDataOfOrders>(&row).await.map(|_| ())
}

/// Removes what integrators saved with an order.
pub async fn forget_integrator_data(tx: &mut Tx, id: OrderId) -> Result<(), Error> {
    tx.execute_pipelined("UPDATE orders SET external_id = NULL, metadata = '{}' WHERE order_id = $1", params![id]).await
}

/// Updates an order, and sets when the saga advances it next.
pub async fn save(tx: &mut Tx, order: &Order, due_at: Option<Timestamp>) -> Result<(), Error> {
    tx.replace_with::<Orders>(order, &[("payment_id", &order.saga.payment_id), ("due_at", &due_at), ("fruitless_turns", &0_i64)]).await
}

pub async fn save_returned_quantity(tx: &mut Tx, item: &OrderItem) -> Result<(), Error> {
    let sql = "UPDATE order_items SET returned_quantity = $2 WHERE order_item_id = $1";
    tx.execute_pipelined(sql, params![item.order_item_id, i64::from(item.returned_quantity)]).await
}

/// Appends an entry to the timeline of an order whose row is locked.
pub async fn append_timeline(tx: &mut Tx, id: OrderId, position: i64, entry: &TimelineEntry) -> Result<(), Error> {
    tx.insert_with::<Timeline>(entry, &[("order_id", &id), ("position", &position)]).await
}

/// What promotions took off an order.
struct DiscountsOfOrder {
    order_id: OrderId,
    discounts: Vec<OrderDiscount>,
}

platform::table! {
    Discounts in "order_discounts" of DiscountsOfOrder, key [order_id];
    columns { order_id, discounts as JsonText }
}

/// Returns the order, and locks its row until the commit. With `owner`, an order of another customer is not found.
pub async fn lock_order(tx: &mut Tx, owner: Option<UserId>, id: OrderId) -> Result<Option<Order>, Error> {
    let found = of_owner(owner, id).lock(tx).await?;
    with_items(tx, found).await
}

/// Returns the order. With `owner`, an order of another customer is not found.
pub async fn find_order(tx: &mut Tx, owner: Option<UserId>, id: OrderId) -> Result<Option<Order>, Error> {
    let found = of_owner(owner, id).find(tx).await?;
    with_items(tx, found).await
}

fn of_owner(owner: Option<UserId>, id: OrderId) -> Select<Orders> {
    Select::of::<Orders>().filter("order_id = ?", id).filter_some("user_id = ?", owner)
}

async fn with_items(tx: &mut Tx, found: Option<Order>) -> Result<Option<Order>, Error> {
    let Some(mut order) = found else { return Ok(None) };
    order.items = tx.list::<OrderItems>("WHERE order_id = $1 ORDER BY line", params![order.order_id]).await?;
    order.add_missing_fulfilment();
    Ok(Some(order))
}

/// Stores the status of a seller's fulfilment, by which it is found. Those of orders of earlier versions have no row.
pub async fn save_fulfilment_status(tx: &mut Tx, part: &Fulfilment) -> Result<(), Error> {
    let sql = "UPDATE fulfilments SET status = $2 WHERE fulfilment_id = $1";
    tx.execute_pipelined(sql, params![part.fulfilment_id, part.status]).await
}

/// Returns the order of a fulfilment of this seller.
pub async fn find_of_seller(tx: &mut Tx, seller: UserId, id: FulfilmentId) -> Result<Option<Order>, Error> {
    let sql = "SELECT order_id FROM fulfilments WHERE fulfilment_id = $1 AND seller_id = $2";
    match tx.query_opt(sql, params![id, seller], |row| row.next::<OrderId>()).await? {
        Some(order) => find_order(tx, None, order).await,
        None => Ok(None),
    }
}

/// Returns the fulfilments of a seller with their orders, the newest first.
pub async fn list_of_seller(
    tx: &mut Tx,
    seller: UserId,
    status: Option<FulfilmentStatus>,
    after: Option<FulfilmentId>,
    rows: i64,
) -> Result<Vec<(FulfilmentId, Order)>, Error> {
    let found: Vec<(FulfilmentId, OrderId)> = of_seller(seller, status, after, rows).rows(tx, |row| Ok((row.next()?, row.next()?))).await?;
    let ids: Vec<OrderId> = found.iter().map(|(_, order)| *order).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut orders = HashMap::new();
    for mut order in Select::of::<Orders>().filter_in("order_id", &ids).list(tx).await? {
        order.items.clear();
        orders.insert(order.order_id, order);
    }
    let lines = items_of(&ids).rows(tx, |row| Ok((row.next::<OrderId>()?, row.next::<i64>()?, row.read::<OrderItems>()?))).await?;
    let mut lines: Vec<(OrderId, i64, OrderItem)> = lines;
    lines.sort_unstable_by_key(|(_, line, _)| *line);
    for (order, _, item) in lines {
        if let Some(order) = orders.get_mut(&order) {
            order.items.push(item);
        }
    }
    Ok(found.into_iter().filter_map(|(id, order)| Some((id, orders.get(&order)?.clone()))).collect())
}

/// Returns the first query of [`list_of_seller`].
pub fn of_seller(seller: UserId, status: Option<FulfilmentStatus>, after: Option<FulfilmentId>, rows: i64) -> Select {
    Select::from("SELECT fulfilment_id, order_id FROM fulfilments")
        .filter("seller_id = ?", seller)
        .filter_some("status = ?", status)
        .filter_some("fulfilment_id < ?", after)
        .limit("fulfilment_id DESC", rows)
}

/// Returns the query of the lines of several orders.
pub fn items_of(orders: &[OrderId]) -> Select {
    Select::from(
        "SELECT order_id, line, order_item_id, product_id, sku, title_snapshot, unit_price_snapshot, quantity, line_total_amount, \
         image_url, seller_id, discount_amount, seller_discount_amount, tax_amount, tax_basis_points, returned_quantity FROM order_items",
    )
    .filter_in("order_id", orders)
}

/// Returns the id of the order with this number. With `owner`, an order of another customer is not found.
pub async fn find_by_number(tx: &mut Tx, owner: Option<UserId>, number: &OrderNumber) -> Result<Option<OrderId>, Error> {
    let select = Select::of::<Orders>().filter("order_number = ?", number.as_str().to_owned()).filter_some("user_id = ?", owner);
    Ok(select.find(tx).await?.map(|order| order.order_id))
}

/// Returns the status of an order.
pub async fn find_status(tx: &mut Tx, id: OrderId) -> Result<Option<OrderStatus>, Error> {
    tx.query_opt("SELECT status FROM orders WHERE order_id = $1", params![id], |row| row.next()).await
}

/// Stores what promotions took off an order.
pub async fn insert_discounts(tx: &mut Tx, id: OrderId, discounts: &[OrderDiscount]) -> Result<(), Error> {
    if discounts.is_empty() {
        return Ok(());
    }
    let row = DiscountsOfOrder { order_id: id, discounts: discounts.to_vec() };
    tx.insert::<Discounts>(&row).await
}

/// Returns what promotions took off an order.
pub async fn list_discounts(tx: &mut Tx, id: OrderId) -> Result<Vec<OrderDiscount>, Error> {
    Ok(tx.find::<Discounts>("order_id = $1", params![id]).await?.map(|row| row.discounts).unwrap_or_default())
}

/// Returns the promotions of the orders after `after` up to and including `up_to`, for the consistency check.
pub async fn list_promotions_by_orders(tx: &mut Tx, after: OrderId, up_to: OrderId) -> Result<Vec<(OrderId, PromotionId)>, Error> {
    let rows = tx.list::<Discounts>("WHERE order_id > $1 AND order_id <= $2 ORDER BY order_id", params![after, up_to]).await?;
    let of_order = |row: DiscountsOfOrder| row.discounts.into_iter().map(move |discount| (row.order_id, discount.promotion_id));
    Ok(rows.into_iter().flat_map(of_order).collect())
}

/// Whether a customer has an order that is not CANCELLED.
pub async fn has_ordered(tx: &mut Tx, user: UserId) -> Result<bool, Error> {
    let params = params![user];
    let found: Option<OrderId> =
        tx.query_opt("SELECT order_id FROM orders WHERE user_id = $1 AND status <> 'CANCELLED' LIMIT 1", params, |row| row.next()).await?;
    Ok(found.is_some())
}

/// Returns the timeline, the oldest entry first.
pub async fn list_timeline(tx: &mut Tx, id: OrderId) -> Result<Vec<TimelineEntry>, Error> {
    tx.list::<Timeline>("WHERE order_id = $1 ORDER BY position", params![id]).await
}

/// Which orders a list or a count covers.
#[derive(Debug, Clone, Default)]
pub struct OrderQuery {
    /// Orders of these customers; of all when absent.
    pub users: Option<Vec<UserId>>,
    /// Orders in one of these, without repetitions; in any when empty.
    pub statuses: Vec<OrderStatus>,
    pub order_number: Option<OrderNumber>,
    /// The name of an order in another system.
    pub external_id: Option<String>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}

/// The place of an order in a list: its total, where the list is sorted by it, and its id.
pub type ListKey = (i64, OrderId);

/// Returns the place of an order.
#[must_use]
pub fn list_key(sort: OrderSort, order: &OrderSummary) -> ListKey {
    (if sort == OrderSort::TotalDown { order.total_amount } else { 0 }, order.order_id)
}

/// Returns orders after `after`, with their first lines.
///
/// Each customer and each status is a query of its own, because one over several would read all their orders to sort them.
pub async fn list_orders(
    tx: &mut Tx,
    query: &OrderQuery,
    sort: OrderSort,
    after: Option<ListKey>,
    rows: i64,
) -> Result<Vec<OrderSummary>, Error> {
    let mut found = Vec::new();
    for user in choices(query.users.as_deref()) {
        for status in choices(Some(&*query.statuses).filter(|statuses| !statuses.is_empty())) {
            found.extend(listed(query, (user, status), sort, after, rows).list(tx).await?);
        }
    }
    found.sort_unstable_by_key(|order| list_key(sort, order));
    if sort != OrderSort::Oldest {
        found.reverse();
    }
    found.truncate(usize::try_from(rows).unwrap_or(usize::MAX));
    add_items(tx, &mut found).await?;
    Ok(found)
}

/// Returns each of `values` alone, or one choice that takes any.
fn choices<T: Copy>(values: Option<&[T]>) -> Vec<Option<T>> {
    values.map_or_else(|| vec![None], |values| values.iter().copied().map(Some).collect())
}

/// Returns a query of [`list_orders`], for one customer and one status or for any.
pub fn listed(
    query: &OrderQuery,
    (user, status): (Option<UserId>, Option<OrderStatus>),
    sort: OrderSort,
    after: Option<ListKey>,
    rows: i64,
) -> Select<OrderSummaries> {
    let id = after.map(|(_, id)| id);
    let (below, above) = match sort {
        OrderSort::Newest => (id, None),
        OrderSort::Oldest => (None, id),
        OrderSort::TotalDown => (None, None),
    };
    let select = matching(Select::of::<OrderSummaries>(), query, user, (above, below)).filter_some("status = ?", status);
    match (sort, after) {
        (OrderSort::Newest, _) => select.limit("order_id DESC", rows),
        (OrderSort::Oldest, _) => select.limit("order_id", rows),
        (OrderSort::TotalDown, None) => select.limit("total_amount DESC, order_id DESC", rows),
        (OrderSort::TotalDown, Some(after)) => {
            select.filter_below("(total_amount, order_id)", after).limit("total_amount DESC, order_id DESC", rows)
        }
    }
}

/// Reads the first lines of the orders.
async fn add_items(tx: &mut Tx, orders: &mut [OrderSummary]) -> Result<(), Error> {
    let ids: Vec<OrderId> = orders.iter().map(|order| order.order_id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let mut lines = first_lines(&ids)
        .rows(tx, |row| {
            let (order, line) = (row.next::<OrderId>()?, row.next::<i64>()?);
            let (product_id, sku, title_snapshot) = (row.next()?, row.next()?, row.next()?);
            Ok((order, line, OrderSummaryItem { product_id, sku, title_snapshot, quantity: row.next()?, image_url: row.next()? }))
        })
        .await?;
    lines.sort_unstable_by_key(|(_, line, _)| *line);
    let mut by_order: HashMap<OrderId, Vec<OrderSummaryItem>> = HashMap::new();
    for (order, _, item) in lines {
        by_order.entry(order).or_default().push(item);
    }
    for order in orders {
        order.items = by_order.remove(&order.order_id).unwrap_or_default();
    }
    Ok(())
}

/// Returns the query of [`add_items`].
pub fn first_lines(orders: &[OrderId]) -> Select {
    Select::from("SELECT order_id, line, product_id, sku, title_snapshot, quantity, image_url FROM order_items")
        .filter_in("order_id", orders)
        .filter("line < ?", SUMMARY_LINES)
}

/// Counts the orders that match `query` by status.
pub async fn count_by_status(tx: &mut Tx, query: &OrderQuery) -> Result<Vec<(OrderStatus, u64)>, Error> {
    let mut counts: Vec<(OrderStatus, u64)> = Vec::new();
    for user in choices(query.users.as_deref()) {
        let mut select = matching(Select::from("SELECT status, COUNT(*) FROM orders"), query, user, (None, None));
        if !query.statuses.is_empty() {
            select = select.filter_in("status", &query.statuses);
        }
        for (status, count) in select.group("status").rows(tx, |row| Ok((row.next()?, row.next()?))).await? {
            match counts.iter_mut().find(|(known, _)| *known == status) {
                Some((_, sum)) => *sum += count,
                None => counts.push((status, count)),
            }
        }
    }
    Ok(counts)
}

/// Counts the orders that were placed between two instants by day, currency and status. It reads them once, in the order of their ids.
pub async fn count_by_day(tx: &mut Tx, from: Timestamp, to: Timestamp) -> Result<Vec<DayCount>, Error> {
    let select = Select::from("SELECT created_at / 86400000000, currency, status, COUNT(*), CAST(SUM(total_amount) AS BIGINT) FROM orders");
    let select = select.filter("order_id >= ?", id_from(from)).filter("order_id < ?", id_from(to));
    select
        .group("created_at / 86400000000, currency, status")
        .rows(tx, |row| {
            let day = Day::of(Timestamp(row.next::<i64>()? * 86_400_000_000));
            Ok(DayCount { day, currency: row.next()?, status: row.next()?, orders: row.next()?, total_amount: row.next()? })
        })
        .await
}

/// The orders of a query above one id and below another.
fn matching<T>(
    select: Select<T>,
    query: &OrderQuery,
    user: Option<UserId>,
    (above, below): (Option<OrderId>, Option<OrderId>),
) -> Select<T> {
    // With two bounds in one direction the database would seek by one and scan past the rows that the other excludes.
    let below = query.to.map(id_from).into_iter().chain(below.map(Into::into)).min();
    let above = above.map(|id| id.0);
    let from = query.from.map(id_from).filter(|from| above < Some(*from));
    let above = above.filter(|_| from.is_none());
    select
        .filter_some("user_id = ?", user)
        .filter_some("order_number = ?", query.order_number.as_ref().map(|number| number.as_str().to_owned()))
        .filter_some("external_id = ?", query.external_id.clone())
        .filter_some("order_id >= ?", from)
        .filter_some("order_id > ?", above)
        .filter_some("order_id < ?", below)
}

/// Sets when the saga advances the order next.
pub async fn set_due(tx: &mut Tx, id: OrderId, due_at: Option<Timestamp>) -> Result<(), Error> {
    tx.execute_pipelined("UPDATE orders SET due_at = $2 WHERE order_id = $1", params![id, due_at]).await
}

/// Returns up to `rows` orders with ids above `after` and everything that is stored of them, with one query per table.
pub async fn list_for_check(tx: &mut Tx, after: OrderId, rows: usize) -> Result<Vec<OrderRecord>, Error> {
    let orders = tx.list::<Orders>("WHERE order_id > $1 ORDER BY order_id LIMIT $2", params![after, rows]).await?;
    let Some(last) = orders.last().map(|order| order.order_id) else { return Ok(Vec::new()) };
    let at: HashMap<OrderId, usize> = orders.iter().enumerate().map(|(at, order)| (order.order_id, at)).collect();
    let new_record =
        |order| OrderRecord { order, timeline: Vec::new(), event_count: 0, guest_event_count: 0, due_at: None, failed_attempts: 0 };
    let mut records: Vec<OrderRecord> = orders.into_iter().map(new_record).collect();
    tx.query("SELECT order_id, due_at, fruitless_turns FROM orders WHERE order_id > $1 AND order_id <= $2", params![after, last], |row| {
        if let Some(record) = at.get(&row.next()?).and_then(|at| records.get_mut(*at)) {
            (record.due_at, record.failed_attempts) = (row.next()?, row.next()?);
        }
        Ok(())
    })
    .await?;
    tx.query(
        "SELECT order_id, order_item_id, product_id, sku, title_snapshot, unit_price_snapshot, quantity, line_total_amount, image_url, \
         seller_id, discount_amount, seller_discount_amount, tax_amount, tax_basis_points, returned_quantity FROM order_items WHERE order_id > $1 AND order_id <= $2 ORDER BY order_id, line",
        params![after, last],
        |row| {
            if let Some(record) = at.get(&row.next()?).and_then(|at| records.get_mut(*at)) {
                record.order.items.push(row.read::<OrderItems>()?);
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
    for record in &mut records {
        record.order.add_missing_fulfilment();
    }
    for (id, guest_event_count) in guest_rows::list_event_counts(tx, after, last).await? {
        if let Some(record) = at.get(&id).and_then(|at| records.get_mut(*at)) {
            record.guest_event_count = guest_event_count;
        }
    }
    for (id, event_count) in outbox::list_counts(tx, after.into(), last.into()).await? {
        if let Some(record) = at.get(&id.into()).and_then(|at| records.get_mut(*at)) {
            record.event_count = event_count;
        }
    }
    Ok(records)
}

/// Returns orders for a file, without their lines, the oldest first.
pub async fn list_for_export(tx: &mut Tx, filter: OrderExport, after: Option<OrderId>, rows: i64) -> Result<Vec<Order>, Error> {
    let select = Select::of::<Orders>().filter_some("status = ?", filter.status);
    // With two lower bounds on one column the database would seek by one and scan past the rows that the other excludes.
    let select = match (after, filter.from) {
        (Some(after), _) => select.filter("order_id > ?", after),
        (None, from) => select.filter_some("order_id >= ?", from.map(id_from)),
    };
    select.filter_some("order_id < ?", filter.to.map(id_from)).limit("order_id", rows).list(tx).await
}
