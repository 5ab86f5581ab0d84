//! Messages that the user asked for in advance.

use super::NewMessage;
use crate::message::{BackInStock, CartLeft, Message};
use contracts::{cart::CartReminderRequested, inventory::BackInStockAlertTriggered};
use platform::{
    db::{Error, Tx},
    inbox::{Consumers, Received},
};

pub fn add(consumers: Consumers) -> Consumers {
    consumers.on::<BackInStockAlertTriggered, _, _>(back_in_stock).on::<CartReminderRequested, _, _>(cart_left)
}

async fn back_in_stock(tx: &mut Tx, received: Received<BackInStockAlertTriggered>) -> Result<(), Error> {
    let Received { event: BackInStockAlertTriggered { user_id, product_id, title_snapshot, .. }, event_id, .. } = received;
    NewMessage::of(event_id, user_id, Message::BackInStock(BackInStock { product_id, title_snapshot })).write(tx).await
}

async fn cart_left(tx: &mut Tx, received: Received<CartReminderRequested>) -> Result<(), Error> {
    let Received { event: CartReminderRequested { cart_id, user_id, items, item_count }, event_id, .. } = received;
    NewMessage::of(event_id, user_id, Message::CartAbandoned(CartLeft { cart_id, items, item_count })).write(tx).await
}
