//! Entry point 2, events: an account claims the order of a guest, and its payments with it.

use crate::store;
use contracts::order::OrderClaimed;
use platform::{
    db::{Error, Tx},
    inbox::{Consumers, Received},
};

pub fn all() -> Consumers {
    Consumers::new().on::<OrderClaimed, _, _>(order_claimed)
}

async fn order_claimed(tx: &mut Tx, event: Received<OrderClaimed>) -> Result<(), Error> {
    store::claimed::claim(tx, event.order_id, event.guest_id, event.user_id).await
}
