//! Entry point 2, events: those of the order. An order whose payment failed keeps its uses until it is paid or cancelled.

use crate::{Error, actions};
use contracts::order::{OrderCancelled, OrderConfirmed};
use platform::{
    db::Tx,
    inbox::{Consumers, Received},
};

pub fn all() -> Consumers {
    Consumers::new().on::<OrderConfirmed, _, _>(order_confirmed).on::<OrderCancelled, _, _>(order_cancelled)
}

async fn order_confirmed(tx: &mut Tx, event: Received<OrderConfirmed>) -> Result<(), Error> {
    if event.discount_amount == 0 {
        return Ok(());
    }
    actions::confirm(tx, event.order_id).await
}

async fn order_cancelled(tx: &mut Tx, event: Received<OrderCancelled>) -> Result<(), Error> {
    actions::release(tx, event.order_id).await
}
