//! The SQL of reminders.

use contracts::{
    ids::{CartId, UserId},
    time::Timestamp,
};
use platform::{
    db::{Error, Tx},
    due::DueQueue,
    params,
};

/// When the cart of a customer is looked at next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reminder {
    pub user_id: UserId,
    /// `None` after the customer chose not to be reminded.
    pub due_at: Option<Timestamp>,
    /// The last cart that the customer was reminded of.
    pub reminded_cart_id: Option<CartId>,
}

platform::table! {
    pub(super) Reminders in "cart_reminders" of Reminder, key [user_id];
    columns { user_id, due_at, reminded_cart_id }
    extra { failed_attempts }
}

/// The customers whose cart is to be looked at.
pub const DUE: DueQueue<UserId> = DueQueue::new("cart_reminders", "user_id").failed_attempts("failed_attempts");

/// Stores that a customer wants to be reminded. A cart that the customer was reminded of before stays known.
pub async fn begin(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    let now = tx.now();
    let sql = "INSERT INTO cart_reminders (user_id, due_at, failed_attempts) VALUES ($1, $2, 0) \
               ON CONFLICT (user_id) DO UPDATE SET due_at = COALESCE(cart_reminders.due_at, excluded.due_at)";
    tx.execute_pipelined(sql, params![user, now]).await
}

/// Stores that a customer does not want to be reminded any more.
pub async fn end(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    tx.execute_pipelined("UPDATE cart_reminders SET due_at = NULL WHERE user_id = $1", params![user]).await
}

/// Returns the row of a customer that is due, locked until the commit.
pub async fn lock_due(tx: &mut Tx, user: UserId) -> Result<Option<Reminder>, Error> {
    let now = tx.now();
    tx.lock::<Reminders>("user_id = $1 AND due_at <= $2", params![user, now]).await
}

/// Stores a row that is locked.
pub async fn save(tx: &mut Tx, reminder: &Reminder) -> Result<(), Error> {
    tx.replace_with::<Reminders>(reminder, &[("failed_attempts", &0_i64)]).await
}

pub async fn delete(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    tx.execute_pipelined("DELETE FROM cart_reminders WHERE user_id = $1", params![user]).await
}
