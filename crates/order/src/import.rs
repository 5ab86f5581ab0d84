//! Imports delivered orders in batches, from another system or for benchmarks. Nothing is due for them, and no event is
//! emitted.

use crate::{
    Error,
    domain::{Order, PaymentState, SagaState, StockState, Totals, order_number},
    store,
};
use contracts::{
    ids::{CartId, UserId},
    money::{Currency, Money},
    order::{OrderItem, OrderShipping, OrderStatus},
    payment::PaymentMethod,
    time::Timestamp,
    user::AddressSnapshot,
};
use platform::db::{Db, Tx, id_at};
use std::collections::BTreeMap;

/// Orders per transaction.
const BATCH: usize = 500;

/// An order that was delivered.
#[derive(Debug, Clone)]
pub struct PastOrder {
    pub user_id: UserId,
    pub placed_at: Timestamp,
    pub currency: Currency,
    /// The totals are computed from these.
    pub items: Vec<OrderItem>,
    pub shipping_amount: i64,
    pub address: AddressSnapshot,
}

/// Writes the orders as DELIVERED. If a batch fails, the batches before it stay.
///
/// # Errors
/// [`Error::AmountTooLarge`], and those of the database.
pub async fn orders(db: &Db, orders: Vec<PastOrder>) -> Result<usize, Error> {
    let count = orders.len();
    let mut waiting = orders.into_iter();
    loop {
        let batch: Vec<PastOrder> = waiting.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            return Ok(count);
        }
        db.write(async move |tx| {
            for past in &batch {
                let mut order = delivered(tx, past.clone())?;
                store::insert(tx, &mut order, None).await?;
            }
            Ok::<_, Error>(())
        })
        .await?;
    }
}

fn delivered(tx: &Tx, past: PastOrder) -> Result<Order, Error> {
    let none = Money::zero(past.currency);
    let subtotal = Money::sum(past.currency, past.items.iter().map(|item| Money::new(item.line_total_amount, past.currency)))?;
    let totals = Totals::of_sums(subtotal, Money::new(past.shipping_amount, past.currency), none, none, false)?;
    let mut order = Order {
        // Lists sort by id and filter by the time in it.
        order_id: id_at(past.placed_at, tx.random_bytes()),
        order_number: order_number(tx.random_bytes()),
        user_id: past.user_id,
        cart_id: tx.new_id::<CartId>(),
        status: OrderStatus::Delivered,
        currency: past.currency,
        items: past.items,
        fulfilments: Vec::new(),
        totals,
        payment_method: PaymentMethod::Ok,
        shipping_address: past.address.clone(),
        billing_address: past.address,
        // Attempt 0 marks an imported order.
        saga: SagaState {
            payment: PaymentState::Captured,
            stock: StockState::Confirmed,
            payment_attempt: 0,
            reservation_attempt: 0,
            ..SagaState::new()
        },
        shipping: OrderShipping::default(),
        failure: None,
        external_id: None,
        metadata: BTreeMap::new(),
        timeline_length: 1,
        created_at: past.placed_at,
        updated_at: past.placed_at,
    };
    order.add_missing_fulfilment();
    Ok(order)
}
