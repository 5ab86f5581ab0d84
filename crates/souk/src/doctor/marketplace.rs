//! The check of promotions and returns against orders: an order holds exactly the uses of its discounts, and knows the units that came
//! back.
//!
//! No snapshot spans the databases, so a difference counts only when it is still there after every event about its order was found
//! consumed.

use super::pending_events;
use anyhow::Result;
use contracts::{
    ids::{OrderId, OrderItemId, PromotionId, Uuid},
    order::OrderStatus,
    promotion::PromotionUseStatus,
};
use order::OrderRecord;
use platform::db::Db;
use promotion::OrderUse;
use std::collections::{BTreeMap, BTreeSet};

/// Orders of a batch.
const BATCH: usize = 1_000;
/// The check stops after this many faults.
const MAX_FAULTS: usize = 100;

/// The databases that are compared.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    pub orders: &'a Db,
    pub promotions: &'a Db,
    pub returns: &'a Db,
}

/// Checks every order. Returns a sentence for each fault.
pub async fn check(sources: Sources<'_>) -> Result<Vec<String>> {
    let mut faults = promotion::check_consistency(sources.promotions).await?;
    let first = differences(sources).await?;
    if !first.is_empty() {
        let suspects: BTreeSet<OrderId> = first.iter().map(|(id, _)| *id).collect();
        let mut moving = pending_events::orders_of(sources.promotions, &[sources.orders], &suspects).await?;
        moving.extend(pending_events::orders_of(sources.orders, &[sources.returns], &suspects).await?);
        let again = differences(sources).await?;
        faults.extend(
            first.into_iter().filter(|(id, fault)| again.contains(&(*id, fault.clone())) && !moving.contains(id)).map(|(_, fault)| fault),
        );
    }
    faults.truncate(MAX_FAULTS);
    Ok(faults)
}

async fn differences(sources: Sources<'_>) -> Result<Vec<(OrderId, String)>> {
    let (mut found, mut after) = (Vec::new(), OrderId(Uuid::nil()));
    while found.len() < MAX_FAULTS {
        let orders = order::list_for_check(sources.orders, after, BATCH).await?;
        let last = orders.get(BATCH - 1).map(|last| last.order.order_id);
        let up_to = last.unwrap_or(OrderId(Uuid::max()));
        let orders: BTreeMap<OrderId, OrderRecord> = orders.into_iter().map(|record| (record.order.order_id, record)).collect();
        let promotions: BTreeSet<_> = order::list_promotions_by_orders(sources.orders, after, up_to).await?.into_iter().collect();
        let uses = promotion::list_uses_by_orders(sources.promotions, after, up_to).await?;
        found.extend(wrong_uses(&orders, &promotions, &uses));
        let received = returns::list_received_by_orders(sources.returns, after, up_to).await?;
        let received: BTreeMap<OrderItemId, u32> = received.into_iter().map(|line| (line.order_item_id, line.received_quantity)).collect();
        found.extend(orders.values().flat_map(|record| wrong_units(record, &received)));
        match last {
            Some(last) => after = last,
            None => break,
        }
    }
    Ok(found)
}

/// P2: an order that is not CANCELLED holds a use of each promotion of its discounts, and no other use is held. A use whose order may not
/// be written yet is left out.
fn wrong_uses(
    orders: &BTreeMap<OrderId, OrderRecord>,
    promotions: &BTreeSet<(OrderId, PromotionId)>,
    uses: &[OrderUse],
) -> Vec<(OrderId, String)> {
    let status = |id: OrderId| orders.get(&id).map(|record| record.order.status);
    let lives = |id: OrderId| status(id).is_some_and(|status| status != OrderStatus::Cancelled);
    let is_held = |held: &OrderUse| held.status != PromotionUseStatus::Released;
    let held: BTreeSet<_> = uses.iter().filter(|held| is_held(held)).map(|held| (held.order_id, held.promotion_id)).collect();
    let missing = promotions.iter().filter(|(order, promotion)| lives(*order) && !held.contains(&(*order, *promotion)));
    let missing = missing.map(|(order, promotion)| (*order, format!("order {order}: holds no use of promotion {promotion} (P2)")));
    let wrong = uses.iter().filter(|held| is_held(held) && !held.is_unclaimed && !lives(held.order_id)).map(|held| {
        let OrderUse { order_id, promotion_id, .. } = *held;
        let status = status(order_id).map_or("not known".to_owned(), |status| status.to_string());
        (order_id, format!("order {order_id}: is {status}, and holds a use of promotion {promotion_id} (P2)"))
    });
    missing.chain(wrong).collect()
}

/// R1: the order counts the units of each line that came back by returns.
fn wrong_units(record: &OrderRecord, received: &BTreeMap<OrderItemId, u32>) -> Vec<(OrderId, String)> {
    let id = record.order.order_id;
    let lines = record.order.items.iter().map(|item| (item, received.get(&item.order_item_id).copied().unwrap_or(0)));
    let wrong = lines.filter(|(item, units)| item.returned_quantity != *units);
    wrong
        .map(|(item, units)| {
            (id, format!("order {id}: counts {} of {} as returned, and {units} were received (R1)", item.returned_quantity, item.sku))
        })
        .collect()
}

#[cfg(test)]
mod tests;
