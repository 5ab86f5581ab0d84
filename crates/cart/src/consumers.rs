//! Entry point 2: events.

use crate::{Error, Settings, actions, store};
use contracts::{
    cart::CheckedOutItem,
    ids::{CartId, UserId},
    notification::NotificationType,
    order::{OrderCancelled, OrderCreated},
    promotion::{PromotionActivated, PromotionEnded, PromotionPaused},
    time::Timestamp,
    user::PreferencesChanged,
};
use platform::{
    db::Tx,
    inbox::{Consumers, Received},
};

pub fn all(settings: &Settings) -> Consumers {
    let max = settings.max_line_quantity();
    Consumers::new()
        .on::<OrderCreated, _, _>(order_created)
        .on::<PreferencesChanged, _, _>(preferences_changed)
        .on::<PromotionActivated, _, _>(promotion_activated)
        .on::<PromotionPaused, _, _>(promotion_paused)
        .on::<PromotionEnded, _, _>(promotion_ended)
        .on::<OrderCancelled, _, _>(async move |tx: &mut Tx, event: Received<OrderCancelled>| order_cancelled(tx, event, max).await)
}

/// The order service makes the same change by a call after it placed the order. This event covers a lost call.
async fn order_created(tx: &mut Tx, event: Received<OrderCreated>) -> Result<(), Error> {
    let items: Vec<_> = event.items.iter().map(|item| CheckedOutItem { product_id: item.product_id, quantity: item.quantity }).collect();
    let Some(owner) = owner_of(tx, event.user_id, event.cart_id).await? else { return Ok(()) };
    actions::check_out(tx, owner, event.cart_id, event.order_id, &items).await
}

async fn order_cancelled(tx: &mut Tx, event: Received<OrderCancelled>, max: u32) -> Result<(), Error> {
    if !event.lines_return {
        return Ok(());
    }
    let Some(owner) = owner_of(tx, event.user_id, event.cart_id).await? else { return Ok(()) };
    actions::restore(tx, owner, &event, max).await
}

/// Returns the owner of the cart of an order: its customer. The order of a guest has another one, and the guest may be gone.
async fn owner_of(tx: &mut Tx, customer: UserId, cart: CartId) -> Result<Option<UserId>, Error> {
    if !customer.is_guest() {
        return Ok(Some(customer));
    }
    Ok(store::guest_rows::find_owner(tx, cart).await?)
}

async fn preferences_changed(tx: &mut Tx, event: Received<PreferencesChanged>) -> Result<(), Error> {
    let chosen = event.channels.get(&NotificationType::CartAbandoned);
    actions::choose_reminders(tx, event.user_id, chosen.is_some_and(|channels| !channels.is_empty())).await
}

async fn promotion_activated(tx: &mut Tx, event: Received<PromotionActivated>) -> Result<(), Error> {
    if event.code.is_some() {
        return Ok(());
    }
    let (starts_at, ends_at) = (event.starts_at.unwrap_or(Timestamp::EPOCH), event.ends_at.unwrap_or(Timestamp(i64::MAX)));
    Ok(store::put_automatic(tx, event.promotion_id, starts_at, ends_at).await?)
}

async fn promotion_paused(tx: &mut Tx, event: Received<PromotionPaused>) -> Result<(), Error> {
    Ok(store::delete_automatic(tx, event.promotion_id).await?)
}

async fn promotion_ended(tx: &mut Tx, event: Received<PromotionEnded>) -> Result<(), Error> {
    Ok(store::delete_automatic(tx, event.promotion_id).await?)
}
