//! The SQL of payments. The mock provider has its own.

pub mod claimed;
pub mod comparison;
pub mod personal;

use crate::domain::{DECLINED_REFUNDS_SHOWN, Payment, Transaction};
use contracts::{
    column::JsonText,
    ids::{OrderId, PaymentId, TransactionId, UserId},
    payment::{PaymentFilter, PaymentStatus, PaymentSummary, TransactionStatus},
    time::Timestamp,
};
use platform::{
    db::{Error, Select, Tx},
    due::DueQueue,
    params, table,
};

table! {
    Payments in "payments" of Payment, key [payment_id];
    columns { payment_id, status, captured_amount, refunded_amount, failure as JsonText, void_requested_at, updated_at }
    insert_only { order_id, order_number, user_id, amount, currency, provider, payment_method, created_at }
    default { transactions }
}

table! {
    pub PaymentSummaries in "payments" of PaymentSummary, key [payment_id];
    columns {
        payment_id, order_id, order_number, user_id, status, amount, currency, captured_amount, refunded_amount, payment_method,
        failure as JsonText, created_at, updated_at,
    }
}

table! {
    Transactions in "payment_transactions" of Transaction, key [transaction_id];
    columns { transaction_id, status, provider_reference, failure as JsonText, failed_attempts = fruitless_attempts, due_at }
    insert_only { position, kind = type, amount, cause_id, created_at }
    extra { payment_id }
}

/// The transactions by the time of their next request.
pub const DUE: DueQueue<TransactionId> = DueQueue::new("payment_transactions", "transaction_id").failed_attempts("fruitless_attempts");

/// Inserts a payment. Returns `false` when the order has another open one.
pub async fn insert_payment(tx: &mut Tx, payment: &Payment) -> Result<bool, Error> {
    tx.insert_if_absent::<Payments>(payment, "").await
}

/// Returns the payment with its transactions. With `owner`, the payment of another user is not found.
pub async fn find_payment(tx: &mut Tx, owner: Option<UserId>, id: PaymentId) -> Result<Option<Payment>, Error> {
    let found = Select::of::<Payments>().filter("payment_id = ?", id).filter_some("user_id = ?", owner).find(tx).await?;
    with_transactions(tx, found).await
}

/// Returns the payment with its row locked until the commit. The lock covers the transactions: they change only under it.
pub async fn lock_payment(tx: &mut Tx, id: PaymentId) -> Result<Option<Payment>, Error> {
    let found = tx.lock::<Payments>("payment_id = $1", params![id]).await?;
    with_transactions(tx, found).await
}

/// Returns the open payment of an order, its row locked until the commit.
pub async fn lock_open_by_order(tx: &mut Tx, order: OrderId) -> Result<Option<Payment>, Error> {
    let found = tx.lock::<Payments>("order_id = $1 AND status IN ('INITIATED', 'AUTHORIZED', 'CAPTURED')", params![order]).await?;
    with_transactions(tx, found).await
}

/// Returns the open payment of an order.
pub async fn find_open_by_order(tx: &mut Tx, order: OrderId) -> Result<Option<Payment>, Error> {
    let found = tx.find::<Payments>("order_id = $1 AND status IN ('INITIATED', 'AUTHORIZED', 'CAPTURED')", params![order]).await?;
    with_transactions(tx, found).await
}

/// Returns the payment of a transaction.
pub async fn find_by_transaction(tx: &mut Tx, id: TransactionId) -> Result<Option<Payment>, Error> {
    let found =
        tx.find::<Payments>("payment_id = (SELECT payment_id FROM payment_transactions WHERE transaction_id = $1)", params![id]).await?;
    with_transactions(tx, found).await
}

async fn with_transactions(tx: &mut Tx, found: Option<Payment>) -> Result<Option<Payment>, Error> {
    let Some(mut payment) = found else { return Ok(None) };
    payment.transactions = tx
        .list::<Transactions>(
            // Declined refunds may be many: only the newest are read.
            "WHERE payment_id = $1 AND (type <> 'REFUND' OR status <> 'FAILED' OR position IN \
             (SELECT position FROM payment_transactions WHERE payment_id = $1 AND type = 'REFUND' AND status = 'FAILED' \
             ORDER BY position DESC LIMIT $2)) ORDER BY position",
            params![payment.payment_id, DECLINED_REFUNDS_SHOWN],
        )
        .await?;
    Ok(Some(payment))
}

/// Updates what can change of a payment, without its transactions.
pub async fn save_payment(tx: &mut Tx, payment: &Payment) -> Result<(), Error> {
    tx.replace::<Payments>(payment).await
}

/// Inserts the newest transaction of a payment that is locked.
pub async fn insert_newest_transaction(tx: &mut Tx, payment: &Payment) -> Result<(), Error> {
    let Some(newest) = payment.transactions.last() else { return Ok(()) };
    tx.insert_with::<Transactions>(newest, &[("payment_id", &payment.payment_id)]).await
}

/// Updates what can change of a transaction.
pub async fn save_transaction(tx: &mut Tx, transaction: &Transaction) -> Result<(), Error> {
    tx.replace::<Transactions>(transaction).await
}

/// Returns the payments that come after `after`, newest first.
pub async fn list_payments(tx: &mut Tx, filter: PaymentFilter, after: Option<PaymentId>, rows: i64) -> Result<Vec<PaymentSummary>, Error> {
    listed(filter, after, rows).list(tx).await
}

/// Returns the query of [`list_payments`].
pub fn listed(filter: PaymentFilter, after: Option<PaymentId>, rows: i64) -> Select<PaymentSummaries> {
    matching(Select::of::<PaymentSummaries>(), filter).filter_some("payment_id < ?", after).limit("payment_id DESC", rows)
}

fn matching<T>(select: Select<T>, filter: PaymentFilter) -> Select<T> {
    let select = select.filter_some("order_id = ?", filter.order_id);
    // Only a declined refund gives a captured payment a failure, and a refund that succeeds takes it away. With a literal
    // status alone the database uses the partial index.
    match (filter.refund_failed, filter.status) {
        (Some(true), None | Some(PaymentStatus::Captured)) => select.filter_literal("status = 'CAPTURED' AND failure IS NOT NULL"),
        (Some(true), Some(_)) => select.filter_literal("1 = 0"),
        (Some(false), status) => select.filter_some("status = ?", status).filter_literal("(status <> 'CAPTURED' OR failure IS NULL)"),
        (None, status) => select.filter_some("status = ?", status),
    }
}

/// Counts the payments of `filter` in each status.
pub async fn count_by_status(tx: &mut Tx, filter: PaymentFilter) -> Result<Vec<(PaymentStatus, u64)>, Error> {
    matching(Select::from("SELECT status, COUNT(*) FROM payments"), filter)
        .group("status")
        .rows(tx, |row| Ok((row.next()?, row.next()?)))
        .await
}

/// Makes an open transaction due now.
pub async fn make_due(tx: &mut Tx, id: TransactionId) -> Result<(), Error> {
    let now = tx.now();
    let rows = tx
        .execute("UPDATE payment_transactions SET due_at = $2 WHERE transaction_id = $1 AND due_at IS NOT NULL", params![id, now])
        .await?;
    if rows > 0 {
        tx.notify_worker(crate::workers::SETTLE);
    }
    Ok(())
}

/// Counts the transactions without an outcome by status, and returns when the oldest of them began.
pub async fn count_open_transactions(tx: &mut Tx) -> Result<(Vec<(TransactionStatus, u64)>, Option<Timestamp>), Error> {
    let sql = "SELECT status, COUNT(*), MIN(created_at) FROM payment_transactions WHERE status IN ('PENDING', 'UNKNOWN') GROUP BY status";
    let rows: Vec<(TransactionStatus, u64, Timestamp)> = tx.query(sql, &[], |row| Ok((row.next()?, row.next()?, row.next()?))).await?;
    let oldest = rows.iter().map(|(_, _, first)| *first).min();
    Ok((rows.into_iter().map(|(status, count, _)| (status, count)).collect(), oldest))
}
