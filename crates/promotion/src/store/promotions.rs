//! Promotions.

use contracts::{
    column::JsonText,
    ids::{PromotionId, UserId},
    promotion::{Promotion, PromotionStatus},
    time::Timestamp,
};
use platform::{
    db::{Error, Select, Tx},
    due::DueQueue,
    params,
};

platform::table! {
    Promotions in "promotions" of Promotion, key [promotion_id];
    columns { promotion_id, status, updated_at }
    insert_only {
        seller_id, title, kind, value, currency, buy_quantity, get_quantity, code, conditions as JsonText, starts_at, ends_at, total_limit,
        per_customer_limit, priority, exclusive, used_count, created_at,
    }
    extra { due_at }
}

/// The promotions whose end is due.
pub const ENDS: DueQueue<PromotionId> = DueQueue::new("promotions", "promotion_id").failed_attempts("failed_attempts");

fn of(owner: Option<UserId>, id: PromotionId) -> Select<Promotions> {
    Select::of::<Promotions>().filter("promotion_id = ?", id).filter_some("seller_id = ?", owner)
}

/// Returns a promotion. With an `owner`, one of another seller or of the shop is not found.
pub async fn find(tx: &mut Tx, owner: Option<UserId>, id: PromotionId) -> Result<Option<Promotion>, Error> {
    of(owner, id).find(tx).await
}

/// As [`find`], with the row locked until the commit.
pub async fn lock(tx: &mut Tx, owner: Option<UserId>, id: PromotionId) -> Result<Option<Promotion>, Error> {
    of(owner, id).lock(tx).await
}

/// Inserts a promotion. Returns `false` when another one has its code and has not ended.
pub async fn insert(tx: &mut Tx, promotion: &Promotion) -> Result<bool, Error> {
    tx.insert_if_absent_with::<Promotions>(promotion, "(code) WHERE status <> 'ENDED'", &[("due_at", &None::<Timestamp>)]).await
}

/// Stores the status of a promotion whose row is locked, and when it ends by itself.
pub async fn save(tx: &mut Tx, promotion: &Promotion) -> Result<(), Error> {
    let runs = matches!(promotion.status, PromotionStatus::Active | PromotionStatus::Paused);
    let due_at = promotion.ends_at.filter(|_| runs);
    tx.replace_with::<Promotions>(promotion, &[("due_at", &due_at)]).await
}

/// Returns promotions after `after`, the newest first.
pub async fn list(
    tx: &mut Tx,
    owner: Option<UserId>,
    status: Option<PromotionStatus>,
    after: Option<PromotionId>,
    rows: i64,
) -> Result<Vec<Promotion>, Error> {
    let all = Select::of::<Promotions>().filter_some("seller_id = ?", owner).filter_some("status = ?", status);
    all.filter_some("promotion_id < ?", after).limit("promotion_id DESC", rows).list(tx).await
}

/// Returns the promotions without a code that are ACTIVE.
pub async fn list_automatic(tx: &mut Tx) -> Result<Vec<Promotion>, Error> {
    tx.list::<Promotions>("WHERE status = 'ACTIVE' AND code IS NULL ORDER BY promotion_id", &[]).await
}

pub async fn count_automatic(tx: &mut Tx) -> Result<i64, Error> {
    tx.query_one("SELECT COUNT(*) FROM promotions WHERE status = 'ACTIVE' AND code IS NULL", &[], |row| row.next()).await
}

/// Returns the promotion that has the code, or else the last one that had it.
pub async fn find_by_code(tx: &mut Tx, code: &str) -> Result<Option<Promotion>, Error> {
    if let Some(present) = tx.find::<Promotions>("code = $1 AND status <> 'ENDED'", params![code]).await? {
        return Ok(Some(present));
    }
    let ended = tx.list::<Promotions>("WHERE code = $1 AND status = 'ENDED' ORDER BY promotion_id DESC LIMIT 1", params![code]).await?;
    Ok(ended.into_iter().next())
}

/// Counts one more use of an ACTIVE promotion that has one left, and returns it. Concurrent buyers decide by this statement alone.
pub async fn try_use(tx: &mut Tx, id: PromotionId) -> Result<Option<Promotion>, Error> {
    let now = tx.now();
    let params = params![id, now];
    let used = tx.execute_returning::<Promotions>(
        "UPDATE promotions SET used_count = used_count + 1 WHERE promotion_id = $1 AND status = 'ACTIVE' \
         AND (ends_at IS NULL OR ends_at > $2) AND (total_limit IS NULL OR used_count < total_limit)",
        params,
    );
    Ok(used.await?.pop())
}

/// Counts one use less.
pub async fn release(tx: &mut Tx, id: PromotionId) -> Result<(), Error> {
    tx.execute_pipelined("UPDATE promotions SET used_count = used_count - 1 WHERE promotion_id = $1", params![id]).await
}
