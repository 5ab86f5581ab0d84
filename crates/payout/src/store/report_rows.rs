//! What sellers read: lines, balances, sales by day. The seller is a condition of each statement.

use contracts::{
    ids::{FulfilmentId, OrderId, PayoutId, PostingId, UserId},
    money::Currency,
    payout::{Day, PostingKind, SalesDay, SalesFilter, SellerLedgerLine},
    time::Timestamp,
};
use platform::{
    db::{Error, Row, Select, Tx},
    params,
};

/// A line and its place in the ledger.
pub type Line = (SellerLedgerLine, (i64, i64));

const LINES: &str = "SELECT e.posting_id, p.kind, e.account, e.amount, p.commission_amount, e.currency, e.balance_amount, p.order_id, \
    p.order_number, p.fulfilment_id, p.payout_id, e.created_at, e.number, e.position FROM entries e JOIN postings p ON p.posting_id = e.posting_id \
    WHERE e.seller_id IS NOT NULL";

fn read(row: &mut Row<'_>) -> Result<Line, Error> {
    let line = SellerLedgerLine {
        posting_id: row.next::<PostingId>()?,
        kind: row.next::<PostingKind>()?,
        account: row.next()?,
        amount: row.next()?,
        commission_amount: row.next()?,
        currency: row.next()?,
        balance_amount: row.next()?,
        order_id: row.next::<Option<OrderId>>()?,
        order_number: row.next()?,
        fulfilment_id: row.next::<Option<FulfilmentId>>()?,
        payout_id: row.next::<Option<PayoutId>>()?,
        created_at: row.next()?,
    };
    Ok((line, (row.next()?, row.next()?)))
}

/// Returns the movements on a seller's accounts, the newest first.
pub async fn list_lines(tx: &mut Tx, seller: UserId, after: Option<(i64, i64)>, rows: i64) -> Result<Vec<Line>, Error> {
    let select = Select::from(LINES).filter("e.seller_id = ?", seller);
    let select = match after {
        Some(key) => select.filter_below("(e.number, e.position)", key),
        None => select,
    };
    select.limit("e.number DESC, e.position DESC", rows).rows(tx, read).await
}

/// Returns the movements of a time after the posting with this instant and number, the oldest first.
pub async fn list_lines_between(
    tx: &mut Tx,
    seller: UserId,
    after: (Timestamp, i64),
    to: Timestamp,
    rows: i64,
) -> Result<Vec<Line>, Error> {
    let select = Select::from(LINES).filter("e.seller_id = ?", seller);
    let select = select.filter_above("(e.created_at, e.number)", after).filter("e.created_at < ?", to);
    select.limit("e.created_at, e.number, e.position", rows).rows(tx, read).await
}

/// Returns the accounts of a seller: account, currency and balance.
pub async fn list_balances(tx: &mut Tx, seller: UserId) -> Result<Vec<(String, Currency, i64)>, Error> {
    let sql = "SELECT account, currency, amount FROM balances WHERE seller_id = $1 ORDER BY currency, account";
    tx.query(sql, params![seller], |row| Ok((row.next()?, row.next()?, row.next()?))).await
}

/// Returns the balance of an account at an instant.
pub async fn balance_at(tx: &mut Tx, account: &str, currency: Currency, at: Timestamp) -> Result<i64, Error> {
    let sql = "SELECT balance_amount FROM entries WHERE account = $1 AND currency = $2 AND created_at < $3 \
               ORDER BY created_at DESC, number DESC LIMIT 1";
    Ok(tx.query_opt(sql, params![account, currency, at], |row| row.next()).await?.unwrap_or(0))
}

/// Returns the sums of a time by currency and kind: the seller's amount and the commission.
pub async fn sum_lines(
    tx: &mut Tx,
    seller: UserId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<(Currency, PostingKind, i64, i64)>, Error> {
    let sql = "SELECT e.currency, p.kind, CAST(SUM(e.amount) AS BIGINT), CAST(SUM(p.commission_amount) AS BIGINT) FROM entries e \
               JOIN postings p ON p.posting_id = e.posting_id WHERE e.seller_id = $1 AND e.created_at >= $2 AND e.created_at < $3 \
               GROUP BY e.currency, p.kind";
    let read = |row: &mut Row<'_>| Ok((row.next()?, row.next()?, row.next()?, row.next()?));
    tx.query(sql, params![seller, from, to], read).await
}

/// Returns the sales of a seller by day and currency, the newest first.
pub async fn list_days(
    tx: &mut Tx,
    seller: UserId,
    filter: SalesFilter,
    after: Option<(Day, Currency)>,
    rows: i64,
) -> Result<Vec<SalesDay>, Error> {
    let select = Select::from(
        "SELECT day, currency, COUNT(*), CAST(SUM(units) AS BIGINT), CAST(SUM(gross_amount) AS BIGINT), \
         CAST(SUM(commission_amount) AS BIGINT), CAST(SUM(net_amount) AS BIGINT) FROM sales WHERE posted_at IS NOT NULL AND units > 0",
    );
    let select = select.filter("seller_id = ?", seller).filter_some("day >= ?", filter.from).filter_some("day <= ?", filter.to);
    let select = match after {
        Some(key) => select.filter_below("(day, currency)", key),
        None => select,
    };
    let read = |row: &mut Row<'_>| {
        Ok(SalesDay {
            day: row.next()?,
            currency: row.next()?,
            orders: row.next()?,
            units: row.next()?,
            gross_amount: row.next()?,
            commission_amount: row.next()?,
            net_amount: row.next()?,
        })
    };
    select.group("day, currency").limit("day DESC, currency DESC", rows).rows(tx, read).await
}
