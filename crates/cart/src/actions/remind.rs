//! Reminds customers of carts that they left, if they chose it.

use crate::{
    Error,
    domain::{Cart, Line},
    store::{
        self,
        reminder_rows::{self, Reminder},
    },
    workers::Reminders,
};
use contracts::{
    cart::{CartReminderItem, CartReminderRequested},
    ids::UserId,
    time::Timestamp,
};
use platform::{
    db::{Db, Tx},
    due::DueBatch as _,
    personal::is_erased,
};
use std::time::Duration;

/// How many lines a reminder names.
const NAMED_LINES: usize = 20;

/// Stores whether a customer wants to be reminded of carts.
///
/// # Errors
/// Those of the database.
pub async fn choose_reminders(tx: &mut Tx, user: UserId, wanted: bool) -> Result<(), Error> {
    if !wanted || is_erased(tx, user.into()).await? {
        return Ok(reminder_rows::end(tx, user).await?);
    }
    reminder_rows::begin(tx, user).await?;
    tx.notify_worker(Reminders::NAME);
    Ok(())
}

/// Looks at the carts of these customers, which are due, and reminds of each that was left for as long as `after`, once. It is looked
/// at again after that time at most: a cart that is changed meanwhile cannot be due earlier. So the requests of customers write
/// nothing for their reminders.
///
/// # Errors
/// Those of the database.
pub async fn remind(db: &Db, users: Vec<UserId>, after: Duration) -> Result<(), Error> {
    db.write(async move |tx| {
        for user in &users {
            let Some(reminder) = reminder_rows::lock_due(tx, *user).await? else { continue };
            let cart = store::lock_active(tx, *user).await?.filter(|cart| !cart.lines.is_empty());
            let (next, due) = look_at(reminder, cart, after, tx.now());
            reminder_rows::save(tx, &next).await?;
            if let Some(cart) = due {
                tx.emit(event_of(&cart));
            }
        }
        Ok(())
    })
    .await
}

/// Returns when the cart is looked at next, and the cart if its customer is to be reminded of it now.
fn look_at(reminder: Reminder, cart: Option<Cart>, after: Duration, now: Timestamp) -> (Reminder, Option<Cart>) {
    let later = Reminder { due_at: Some(now.after(after)), ..reminder };
    match cart.filter(|cart| reminder.reminded_cart_id != Some(cart.cart_id)) {
        None => (later, None),
        Some(cart) if cart.seen_at.after(after) > now => (Reminder { due_at: Some(cart.seen_at.after(after)), ..reminder }, None),
        Some(cart) => (Reminder { reminded_cart_id: Some(cart.cart_id), ..later }, Some(cart)),
    }
}

fn event_of(cart: &Cart) -> CartReminderRequested {
    let item = |line: &Line| CartReminderItem {
        product_id: line.product_id,
        sku: line.sku.clone(),
        title_snapshot: line.title.clone(),
        quantity: line.quantity,
    };
    CartReminderRequested {
        cart_id: cart.cart_id,
        user_id: cart.user_id,
        items: cart.lines.iter().take(NAMED_LINES).map(item).collect(),
        item_count: u32::try_from(cart.lines.len()).unwrap_or(u32::MAX),
    }
}
