//! Orders, sales, facts that wait, and rates of commission.

use crate::domain::order::{Fact, Order, SaleRecord};
use contracts::{
    body::BoundedInt,
    column::JsonText,
    ids::{CategoryId, FulfilmentId, OrderId, UserId, Uuid},
    payout::NewCommissionRate,
};
use platform::{
    db::{Error, Select, Tx},
    due::DueQueue,
    params, table,
};
use std::collections::HashMap;

table! {
    Sales in "sales" of SaleRecord, key [fulfilment_id];
    columns { fulfilment_id, sale = shares as JsonText, posted_at, rate_at, release_at, released_at }
    insert_only { order_id, order_number, seller_id, currency, day }
    extra { units, gross_amount, commission_amount, net_amount, rate_attempts, release_attempts }
}

table! {
    Orders in "orders", key [order_id];
    extra { order_id, returned_amount }
}

struct WaitingFact {
    fact_id: Uuid,
    order_id: OrderId,
    fact: Fact,
}

table! {
    WaitingFacts in "waiting_facts" of WaitingFact, key [fact_id];
    columns { fact_id, order_id, fact as JsonText }
}

struct RateRow {
    category_id: Option<CategoryId>,
    seller_id: Option<UserId>,
    basis_points: i64,
}

table! {
    CommissionRates in "commission_rates" of RateRow, key [position];
    columns { category_id, seller_id, basis_points }
    extra { position }
}

/// Sales whose categories are looked up.
pub const TO_RATE: DueQueue<FulfilmentId> = DueQueue::new("sales", "fulfilment_id").due_at("rate_at").failed_attempts("rate_attempts");

/// Posted sales by the time at which the seller's share becomes available.
pub const TO_RELEASE: DueQueue<FulfilmentId> =
    DueQueue::new("sales", "fulfilment_id").due_at("release_at").failed_attempts("release_attempts").filter("posted_at IS NOT NULL");

/// Returns the money of an order, its row locked until the commit.
pub async fn lock_order(tx: &mut Tx, order_id: OrderId) -> Result<Order, Error> {
    tx.insert_if_absent_with::<Orders>(&(), "(order_id)", &[("order_id", &order_id), ("returned_amount", &0_i64)]).await?;
    let sql = "SELECT returned_amount FROM orders WHERE order_id = $1";
    let returned_amount = tx.lock_opt(sql, params![order_id], |row| row.next()).await?.unwrap_or(0);
    let sales = tx.list::<Sales>("WHERE order_id = $1 ORDER BY fulfilment_id", params![order_id]).await?;
    Ok(Order { order_id, returned_amount, sales })
}

/// Saves what changed of the money of an order.
pub async fn save_order(tx: &mut Tx, order: &Order) -> Result<(), Error> {
    let sql = "UPDATE orders SET returned_amount = $1 WHERE order_id = $2";
    tx.execute_pipelined(sql, params![order.returned_amount, order.order_id]).await?;
    for record in &order.sales {
        save(tx, record).await?;
    }
    Ok(())
}

/// Inserts a sale. Returns `false` when it is there.
pub async fn insert(tx: &mut Tx, record: &SaleRecord) -> Result<bool, Error> {
    let (remaining, units, zero) = (record.sale.remaining(), record.sale.units(), 0_i64);
    let gross = remaining.seller + remaining.commission;
    tx.insert_if_absent_with::<Sales>(
        record,
        "(fulfilment_id)",
        &[
            ("units", &units),
            ("gross_amount", &gross),
            ("commission_amount", &remaining.commission),
            ("net_amount", &remaining.seller),
            ("rate_attempts", &zero),
            ("release_attempts", &zero),
        ],
    )
    .await
}

async fn save(tx: &mut Tx, record: &SaleRecord) -> Result<(), Error> {
    let (remaining, units) = (record.sale.remaining(), record.sale.units());
    let gross = remaining.seller + remaining.commission;
    tx.replace_with::<Sales>(
        record,
        &[("units", &units), ("gross_amount", &gross), ("commission_amount", &remaining.commission), ("net_amount", &remaining.seller)],
    )
    .await
}

/// Returns one sale.
pub async fn find(tx: &mut Tx, id: FulfilmentId) -> Result<Option<SaleRecord>, Error> {
    tx.find::<Sales>("fulfilment_id = $1", params![id]).await
}

/// What the consistency check reads of an order besides its sales.
#[derive(Debug, Clone, Copy, Default)]
pub struct OrderState {
    pub returned_amount: i64,
    /// Whether a fact about it waits.
    pub is_waiting: bool,
}

/// Returns the sales of the next orders after `after`, by order, each with the state of its order.
pub async fn list_by_orders(tx: &mut Tx, after: OrderId, orders: usize) -> Result<Vec<(SaleRecord, OrderState)>, Error> {
    let sql = "SELECT DISTINCT s.order_id, o.returned_amount, (SELECT COUNT(*) FROM waiting_facts w WHERE w.order_id = s.order_id) \
               FROM sales s JOIN orders o ON o.order_id = s.order_id WHERE s.order_id > $1 ORDER BY s.order_id LIMIT $2";
    let found = tx
        .query(sql, params![after, orders], |row| {
            let (id, returned_amount, waiting) = (row.next()?, row.next()?, row.next::<i64>()?);
            Ok((id, OrderState { returned_amount, is_waiting: waiting > 0 }))
        })
        .await?;
    let states: HashMap<OrderId, OrderState> = found.into_iter().collect();
    let Some(last) = states.keys().max().copied() else { return Ok(Vec::new()) };
    let sales = tx.list::<Sales>("WHERE order_id > $1 AND order_id <= $2 ORDER BY order_id, fulfilment_id", params![after, last]).await?;
    Ok(sales
        .into_iter()
        .map(|record| {
            let state = states.get(&record.order_id).copied().unwrap_or_default();
            (record, state)
        })
        .collect())
}

/// Stores a fact that waits.
pub async fn insert_waiting(tx: &mut Tx, order_id: OrderId, fact: Fact) -> Result<(), Error> {
    let waiting = WaitingFact { fact_id: tx.new_id(), order_id, fact };
    tx.insert::<WaitingFacts>(&waiting).await
}

/// Returns the facts of an order that wait, the oldest first.
pub async fn list_waiting(tx: &mut Tx, order_id: OrderId) -> Result<Vec<(Uuid, Fact)>, Error> {
    let found = tx.list::<WaitingFacts>("WHERE order_id = $1 ORDER BY fact_id", params![order_id]).await?;
    Ok(found.into_iter().map(|waiting| (waiting.fact_id, waiting.fact)).collect())
}

/// Deletes a fact that was applied.
pub async fn delete_waiting(tx: &mut Tx, fact_id: Uuid) -> Result<(), Error> {
    tx.execute_pipelined("DELETE FROM waiting_facts WHERE fact_id = $1", params![fact_id]).await
}

/// Returns the rates of commission.
pub async fn list_rates(tx: &mut Tx) -> Result<Vec<NewCommissionRate>, Error> {
    let read = |RateRow { category_id, seller_id, basis_points }| {
        let basis_points = BoundedInt::new(basis_points).map_err(|_| Error::Failed("a rate of commission is out of bounds".into()))?;
        Ok(NewCommissionRate { category_id, seller_id, basis_points })
    };
    Select::of::<CommissionRates>().limit("position", i64::MAX).list(tx).await?.into_iter().map(read).collect()
}

/// Replaces the rates of commission.
pub async fn replace_rates(tx: &mut Tx, rates: &[NewCommissionRate]) -> Result<(), Error> {
    tx.execute_pipelined("DELETE FROM commission_rates", &[]).await?;
    for (position, rate) in rates.iter().enumerate() {
        let NewCommissionRate { category_id, seller_id, basis_points } = rate;
        let row = RateRow { category_id: *category_id, seller_id: *seller_id, basis_points: basis_points.get() };
        tx.insert_with::<CommissionRates>(&row, &[("position", &position)]).await?;
    }
    Ok(())
}
