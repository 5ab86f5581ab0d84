//! Payouts, holds and the schedule.

use contracts::{
    ids::{PayoutId, UserId},
    money::Currency,
    payout::{Payout, PayoutFilter, PayoutSort},
    time::Timestamp,
};
use platform::{
    db::{Error, Select, Tx},
    due::DueQueue,
    params, table,
};

table! {
    Payouts in "payouts" of Payout, key [payout_id];
    columns { payout_id, status, payout_account, provider_reference, failure, updated_at }
    insert_only { seller_id, amount, currency, provider, created_at }
    extra { due_at, failed_attempts }
}

/// Payouts without an outcome, by the time of their next request.
pub const DUE: DueQueue<PayoutId> = DueQueue::new("payouts", "payout_id").failed_attempts("failed_attempts");

/// Returns sellers and currencies with an available balance of at least `minimum`, no payout under way, and no hold.
pub async fn list_payable(tx: &mut Tx, minimum: i64, rows: i64) -> Result<Vec<(UserId, Currency)>, Error> {
    let (sql, now) = (
        "SELECT b.seller_id, b.currency FROM balances b WHERE b.is_payable = TRUE AND b.amount > 0 AND b.amount >= $1 \
         AND NOT EXISTS (SELECT 1 FROM payouts p WHERE p.seller_id = b.seller_id AND p.currency = b.currency AND p.status = 'PENDING') \
         AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.seller_id = b.seller_id AND (h.is_suspended = TRUE OR h.held_until > $2)) \
         ORDER BY b.account, b.currency LIMIT $3",
        tx.now(),
    );
    tx.query(sql, params![minimum, now, rows], |row| Ok((row.next()?, row.next()?))).await
}

/// Inserts a payout that is due now. Returns `false` when the seller has another one under way in the currency.
pub async fn insert(tx: &mut Tx, payout: &Payout) -> Result<bool, Error> {
    let (due_at, attempts) = (Some(tx.now()), 0_i64);
    tx.insert_if_absent_with::<Payouts>(payout, "", &[("due_at", &due_at), ("failed_attempts", &attempts)]).await
}

pub async fn find(tx: &mut Tx, id: PayoutId) -> Result<Option<Payout>, Error> {
    tx.find::<Payouts>("payout_id = $1", params![id]).await
}

/// Returns a payout, its row locked until the commit.
pub async fn lock(tx: &mut Tx, id: PayoutId) -> Result<Option<Payout>, Error> {
    tx.lock::<Payouts>("payout_id = $1", params![id]).await
}

/// Saves what can change of a payout; `due_at` is when the provider is asked next.
pub async fn save(tx: &mut Tx, payout: &Payout, due_at: Option<Timestamp>) -> Result<(), Error> {
    tx.replace_with::<Payouts>(payout, &[("due_at", &due_at)]).await
}

/// The place of a payout in a list: its amount, where the list is sorted by it, and its id.
pub type ListKey = (i64, PayoutId);

/// Returns the place of a payout.
#[must_use]
pub fn list_key(filter: PayoutFilter, payout: &Payout) -> ListKey {
    (if filter.sort == Some(PayoutSort::AmountDown) { payout.amount } else { 0 }, payout.payout_id)
}

/// Returns payouts after `after`; with `seller` those of this seller only.
pub async fn list(
    tx: &mut Tx,
    seller: Option<UserId>,
    filter: PayoutFilter,
    after: Option<ListKey>,
    rows: i64,
) -> Result<Vec<Payout>, Error> {
    let select = Select::of::<Payouts>().filter_some("seller_id = ?", seller).filter_some("status = ?", filter.status);
    let id = after.map(|(_, id)| id);
    let select = match (filter.sort.unwrap_or(PayoutSort::Newest), after) {
        (PayoutSort::Newest, _) => select.filter_some("payout_id < ?", id).limit("payout_id DESC", rows),
        (PayoutSort::Oldest, _) => select.filter_some("payout_id > ?", id).limit("payout_id", rows),
        (PayoutSort::AmountDown, None) => select.limit("amount DESC, payout_id DESC", rows),
        (PayoutSort::AmountDown, Some(after)) => {
            select.filter_below("(amount, payout_id)", after).limit("amount DESC, payout_id DESC", rows)
        }
    };
    select.list(tx).await
}

/// Stores whether a seller is suspended.
pub async fn set_suspended(tx: &mut Tx, seller: UserId, is_suspended: bool) -> Result<(), Error> {
    let sql = "INSERT INTO holds (seller_id, is_suspended, held_until) VALUES ($1, $2, 0) \
               ON CONFLICT (seller_id) DO UPDATE SET is_suspended = excluded.is_suspended";
    tx.execute_pipelined(sql, params![seller, is_suspended]).await
}

/// Holds the payouts of a seller until an instant. A later one that is stored stays.
pub async fn hold_until(tx: &mut Tx, seller: UserId, until: Timestamp) -> Result<(), Error> {
    let sql = "INSERT INTO holds (seller_id, is_suspended, held_until) VALUES ($1, FALSE, $2) \
               ON CONFLICT (seller_id) DO UPDATE SET held_until = excluded.held_until WHERE holds.held_until < excluded.held_until";
    tx.execute_pipelined(sql, params![seller, until]).await
}

/// Returns when the next run begins; `first` when there was none, which is stored. The row is locked until the commit.
pub async fn lock_schedule(tx: &mut Tx, first: Timestamp) -> Result<Timestamp, Error> {
    tx.execute_pipelined("INSERT INTO schedule (schedule_id, due_at) VALUES (1, $1) ON CONFLICT (schedule_id) DO NOTHING", params![first])
        .await?;
    let found = tx.lock_opt("SELECT due_at FROM schedule WHERE schedule_id = 1", &[], |row| row.next()).await?;
    Ok(found.unwrap_or(first))
}

/// Stores when the next run begins.
pub async fn set_schedule(tx: &mut Tx, due_at: Timestamp) -> Result<(), Error> {
    let sql = "INSERT INTO schedule (schedule_id, due_at) VALUES (1, $1) ON CONFLICT (schedule_id) DO UPDATE SET due_at = excluded.due_at";
    tx.execute_pipelined(sql, params![due_at]).await
}
