//! What this service keeps about users, to be exported and to be erased. An erased order keeps its number, lines, amounts, taxes,
//! dates and the countries of its addresses.

use super::{Orders, forget_integrator_data, guest_rows, lock_order};
use crate::{domain::Order, view::find_view};
use contracts::{
    ids::{OrderId, UserId},
    order::OrderPersonalDataErased,
    personal::PersonalRecords,
    problem::Code,
};
use platform::{
    db::{Error, Tx},
    params,
    personal::{PersonalData, erase_person, forget_answers, records},
};
use std::time::Duration;

pub fn data() -> PersonalData {
    PersonalData::new(export, erase).obstacle(find_obstacle).guests(erase_orders_of_guest)
}

async fn list_ids(tx: &mut Tx, user: UserId) -> Result<Vec<OrderId>, Error> {
    tx.query("SELECT order_id FROM orders WHERE user_id = $1 ORDER BY order_id", params![user], |row| row.next()).await
}

async fn export(tx: &mut Tx, user: UserId) -> Result<PersonalRecords, Error> {
    let mut orders = Vec::new();
    for id in list_ids(tx, user).await? {
        orders.extend(records(find_view(tx, Some(user), id).await?));
    }
    Ok([("orders".to_owned(), orders)].into())
}

/// An order needs its address until the goods arrived, and a sale until the seller has served it.
async fn find_obstacle(tx: &mut Tx, user: UserId) -> Result<Option<Code>, Error> {
    let orders = "SELECT order_id FROM orders WHERE user_id = $1 AND status NOT IN ('DELIVERED', 'CANCELLED', 'REFUNDED') LIMIT 1";
    let sales = "SELECT order_id FROM fulfilments WHERE seller_id = $1 AND status NOT IN ('DELIVERED', 'CANCELLED', 'RETURNED') LIMIT 1";
    if tx.query_opt(orders, params![user], |row| row.next::<OrderId>()).await?.is_some() {
        return Ok(Some(Code::OPEN_ORDERS));
    }
    let sale = tx.query_opt(sales, params![user], |row| row.next::<OrderId>()).await?;
    Ok(sale.map(|_| Code::OPEN_FULFILMENTS))
}

async fn erase(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    for id in list_ids(tx, user).await? {
        let Some(order) = lock_order(tx, Some(user), id).await? else { continue };
        match guest_rows::find(tx, id).await? {
            // The account claimed it.
            Some(_) => erase_guest_order(tx, order).await?,
            None => erase_order(tx, order).await?,
        }
    }
    Ok(())
}

/// How long after the erasure of an account, and after each look at an order that is still under way, its orders as a guest are looked at.
pub const ERASE_PERIOD: Duration = Duration::from_secs(30);

/// Erases the orders that a user placed as a guest with the verified address. One that is under way is erased when it has ended.
async fn erase_orders_of_guest(tx: &mut Tx, guest: UserId) -> Result<(), Error> {
    for (id, _) in guest_rows::list_claimable(tx, guest).await? {
        erase_when_at_rest(tx, id).await?;
    }
    Ok(())
}

/// Erases an order of a guest if it is at rest, and otherwise lets it be looked at again.
pub async fn erase_when_at_rest(tx: &mut Tx, id: OrderId) -> Result<(), Error> {
    let Some(order) = lock_order(tx, None, id).await? else { return Ok(()) };
    match guest_rows::lock(tx, id).await? {
        Some(guest) if guest.email.is_some() && order.is_at_rest() => erase_guest_order(tx, order).await,
        Some(guest) if guest.email.is_some() => {
            let due_at = tx.now().after(ERASE_PERIOD);
            guest_rows::erase_later(tx, id, due_at).await
        }
        // It was claimed or erased.
        _ => Ok(()),
    }
}

/// Erases an order that a guest placed, and lets the services that have copies do the same. Its token ends.
pub async fn erase_guest_order(tx: &mut Tx, order: Order) -> Result<(), Error> {
    let (order_id, order_number, user_id) = (order.order_id, order.order_number.clone(), order.user_id);
    erase_order(tx, order).await?;
    // The answers to the requests that placed orders.
    forget_answers(tx, user_id).await?;
    guest_rows::forget(tx, order_id).await?;
    tx.emit(OrderPersonalDataErased { order_id, order_number, user_id });
    // The fields of its events have a key of the order.
    erase_person(tx, order_id.into()).await
}

async fn erase_order(tx: &mut Tx, mut order: Order) -> Result<(), Error> {
    let id = order.order_id;
    order.forget_notes();
    tx.update::<Orders>(&order).await?;
    guest_rows::erase_addresses(tx, id, &order.shipping_address.country, &order.billing_address.country).await?;
    forget_integrator_data(tx, id).await?;
    forget_answers(tx, id).await?;
    for part in &order.fulfilments {
        forget_answers(tx, part.fulfilment_id).await?;
    }
    Ok(())
}
