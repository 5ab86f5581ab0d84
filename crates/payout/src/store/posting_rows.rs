//! Postings, entries and balances. Nothing here updates or deletes a posting or an entry.

use crate::domain::ledger::{Account, Draft};
use contracts::{
    ids::{FulfilmentId, OrderId, PayoutId, PostingId, UserId},
    money::Currency,
    payout::{LedgerAccount, LedgerEntry, Posting, PostingFilter, PostingKind},
    time::Timestamp,
};
use platform::{
    db::{Error, Select, Tx},
    params, table,
};
use std::collections::HashMap;

/// A posting without its entries.
struct PostingRow {
    posting_id: PostingId,
    number: i64,
    kind: PostingKind,
    cause: String,
    order_id: Option<OrderId>,
    order_number: Option<String>,
    fulfilment_id: Option<FulfilmentId>,
    seller_id: Option<UserId>,
    payout_id: Option<PayoutId>,
    commission_amount: i64,
    created_at: Timestamp,
}

table! {
    Postings in "postings" of PostingRow, key [posting_id];
    columns { posting_id, number, kind, cause, order_id, order_number, fulfilment_id, seller_id, payout_id, commission_amount, created_at }
}

struct EntryRow {
    posting_id: PostingId,
    account: Account,
    currency: Currency,
    amount: i64,
}

table! {
    Entries in "entries" of EntryRow, key [posting_id, position];
    columns { posting_id, account, currency, amount }
    extra { position, number, created_at, seller_id, balance_amount }
}

table! {
    Accounts in "balances" of LedgerAccount, key [account, currency];
    columns { account, currency, balance_amount = amount, updated_at }
    extra { seller_id, is_payable }
}

/// Stores a posting with its entries and changes the balances, unless its cause was posted before. Returns whether it is new.
/// A posting without entries is left out.
pub async fn post(tx: &mut Tx, draft: &Draft) -> Result<bool, Error> {
    if draft.entries().is_empty() {
        return Ok(false);
    }
    let (subject, now, currency) = (draft.subject().clone(), tx.now(), draft.currency());
    let (order_id, order_number) = subject.order.unzip();
    let row = PostingRow {
        posting_id: tx.new_id(),
        number: tx.next_number("posting_numbers", "number", &[("ledger_id", &1_i64)]).await?,
        kind: subject.kind,
        cause: subject.cause,
        order_id,
        order_number,
        fulfilment_id: subject.fulfilment_id,
        seller_id: subject.seller_id,
        payout_id: subject.payout_id,
        commission_amount: subject.commission_amount,
        created_at: now,
    };
    if !tx.insert_if_absent::<Postings>(&row, "(cause)").await? {
        return Ok(false);
    }
    for (position, (&account, &amount)) in draft.entries().iter().enumerate() {
        let (seller_id, is_payable) = (account.seller(), matches!(account, Account::SellerAvailable(_)));
        let balance: i64 = tx
            .query_one(
                "INSERT INTO balances (account, currency, seller_id, is_payable, amount, updated_at) VALUES ($1, $2, $3, $4, $5, $6) \
                 ON CONFLICT (account, currency) DO UPDATE SET amount = balances.amount + excluded.amount, updated_at = excluded.updated_at \
                 RETURNING amount",
                params![account, currency, seller_id, is_payable, amount, now],
                |row| row.next(),
            )
            .await?;
        let entry = EntryRow { posting_id: row.posting_id, account, currency, amount };
        tx.insert_with::<Entries>(
            &entry,
            &[
                ("position", &position),
                ("number", &row.number),
                ("created_at", &now),
                ("seller_id", &seller_id),
                ("balance_amount", &balance),
            ],
        )
        .await?;
    }
    Ok(true)
}

/// Returns postings with their entries and their numbers, the newest first.
pub async fn list(tx: &mut Tx, filter: PostingFilter, after: Option<i64>, rows: i64) -> Result<Vec<(Posting, i64)>, Error> {
    let postings = Select::of::<Postings>()
        .filter_some("order_id = ?", filter.order_id)
        .filter_some("seller_id = ?", filter.seller_id)
        .filter_some("number < ?", after)
        .limit("number DESC", rows)
        .list(tx)
        .await?;
    let ids: Vec<PostingId> = postings.iter().map(|posting| posting.posting_id).collect();
    let mut entries = HashMap::<PostingId, Vec<LedgerEntry>>::new();
    for entry in Select::of::<Entries>().filter_in("posting_id", &ids).limit("posting_id, position", i64::MAX).list(tx).await? {
        let EntryRow { account, currency, amount, .. } = entry;
        entries.entry(entry.posting_id).or_default().push(LedgerEntry { account: account.to_string(), amount, currency });
    }
    let view = |row: PostingRow| {
        let posting = Posting {
            entries: entries.remove(&row.posting_id).unwrap_or_default(),
            posting_id: row.posting_id,
            kind: row.kind,
            cause: row.cause,
            order_id: row.order_id,
            order_number: row.order_number,
            fulfilment_id: row.fulfilment_id,
            seller_id: row.seller_id,
            payout_id: row.payout_id,
            created_at: row.created_at,
        };
        (posting, row.number)
    };
    Ok(postings.into_iter().map(view).collect())
}

/// Returns the accounts after this one, by name and currency.
pub async fn list_accounts(tx: &mut Tx, after: Option<(String, Currency)>, rows: i64) -> Result<Vec<LedgerAccount>, Error> {
    let select = Select::of::<Accounts>();
    let select = match after {
        Some(key) => select.filter_above("(account, currency)", key),
        None => select,
    };
    select.limit("account, currency", rows).list(tx).await
}

/// Returns the balance of an account, locked until the commit; zero without entries.
pub async fn lock_balance(tx: &mut Tx, account: Account, currency: Currency) -> Result<i64, Error> {
    let sql = "SELECT amount FROM balances WHERE account = $1 AND currency = $2";
    Ok(tx.lock_opt(sql, params![account, currency], |row| row.next()).await?.unwrap_or(0))
}

/// Counts the postings and the accounts.
pub async fn count(tx: &mut Tx) -> Result<(i64, i64), Error> {
    let postings = tx.query_one("SELECT COUNT(*) FROM postings", &[], |row| row.next()).await?;
    Ok((postings, tx.query_one("SELECT COUNT(*) FROM balances", &[], |row| row.next()).await?))
}

/// Returns postings whose entries do not add up to zero, with currency and sum, and postings without entries.
pub async fn list_unbalanced(tx: &mut Tx, rows: i64) -> Result<Vec<(PostingId, Option<Currency>, i64)>, Error> {
    let sums = "SELECT posting_id, currency, CAST(SUM(amount) AS BIGINT) FROM entries GROUP BY posting_id, currency \
                HAVING CAST(SUM(amount) AS BIGINT) <> 0 LIMIT $1";
    let mut found = tx.query(sums, params![rows], |row| Ok((row.next()?, Some(row.next()?), row.next()?))).await?;
    let empty = "SELECT p.posting_id FROM postings p WHERE NOT EXISTS (SELECT 1 FROM entries e WHERE e.posting_id = p.posting_id) LIMIT $1";
    found.extend(tx.query(empty, params![rows], |row| Ok((row.next()?, None, 0))).await?);
    Ok(found)
}

/// Returns accounts whose balance is not the sum of their entries: account, currency, balance and sum.
pub async fn list_wrong_balances(tx: &mut Tx, rows: i64) -> Result<Vec<(String, Currency, i64, i64)>, Error> {
    let sql = "SELECT s.account, s.currency, COALESCE(b.amount, 0), s.entry_sum FROM \
               (SELECT account, currency, CAST(SUM(amount) AS BIGINT) AS entry_sum FROM entries GROUP BY account, currency) s \
               LEFT JOIN balances b ON b.account = s.account AND b.currency = s.currency WHERE COALESCE(b.amount, 0) <> s.entry_sum LIMIT $1";
    tx.query(sql, params![rows], |row| Ok((row.next()?, row.next()?, row.next()?, row.next()?))).await
}

/// Returns the sum of all balances of each currency in which it is not zero.
pub async fn list_unbalanced_currencies(tx: &mut Tx) -> Result<Vec<(Currency, i64)>, Error> {
    let sql = "SELECT currency, CAST(SUM(amount) AS BIGINT) FROM balances GROUP BY currency HAVING CAST(SUM(amount) AS BIGINT) <> 0";
    tx.query(sql, &[], |row| Ok((row.next()?, row.next()?))).await
}
