//! Messages that the user asked for in advance.

use super::NewMessage;
use crate::message::{BackInStock, Message};
use contracts::inventory::BackInStockAlertTriggered;
use platform::{
    db::{Error, Tx},
    inbox::{Consumers, Received},
};

pub fn add(consumers: Consumers) -> Consumers {
    consumers.on::<BackInStockAlertTriggered, _, _>(back_in_stock)
}

async fn back_in_stock(tx: &mut Tx, received: Received<BackInStockAlertTriggered>) -> Result<(), Error> {
    let Received { event: BackInStockAlertTriggered { user_id, product_id, title_snapshot, .. }, event_id, .. } = received;
    NewMessage::of(event_id, user_id, Message::BackInStock(BackInStock { product_id, title_snapshot })).write(tx).await
}
