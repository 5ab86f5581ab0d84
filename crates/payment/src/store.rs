//! The SQL of payments. The mock provider has its own.

pub mod comparison;

use crate::domain::{DECLINED_REFUNDS_SHOWN, Payment, Transaction};
use contracts::{
    column::Json,
    ids::{OrderId, PaymentId, TransactionId, UserId},
    payment::{PaymentStatus, PaymentSummary},
    problem::Failure,
};
use platform::{
    db::{Error, Row, Select, Tx},
    due::DueTable,
    params,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// The columns of [`payment_row`], before whatever narrows them.
macro_rules! select_payments {
    ($rest:literal) => {
        concat!(
            "SELECT payment_id, order_id, order_number, user_id, status, amount, currency, captured_amount, refunded_amount, \
             provider, payment_method, failure, void_requested_at, created_at, updated_at FROM payments ",
            $rest
        )
    };
}

/// Inserts a payment. Returns `false` when the order has another open one.
pub async fn insert_payment(tx: &mut Tx, payment: &Payment) -> Result<bool, Error> {
    let rows = tx
        .execute(
            "INSERT INTO payments (payment_id, order_id, order_number, user_id, status, amount, currency, captured_amount, \
             refunded_amount, provider, payment_method, failure, void_requested_at, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, NULL, NULL, $12, $12) ON CONFLICT DO NOTHING",
            params![
                payment.payment_id,
                payment.order_id,
                payment.order_number,
                payment.user_id,
                payment.status,
                payment.amount,
                payment.currency,
                payment.captured_amount,
                payment.refunded_amount,
                payment.provider,
                payment.payment_method,
                payment.created_at
            ],
        )
        .await?;
    Ok(rows == 1)
}

/// Returns the payment with its transactions. With `owner`, the payment of another user is not found.
pub async fn find_payment(tx: &mut Tx, owner: Option<UserId>, id: PaymentId) -> Result<Option<Payment>, Error> {
    let found = match owner {
        Some(owner) => tx.query_opt(select_payments!("WHERE payment_id = $1 AND user_id = $2"), params![id, owner], payment_row).await?,
        None => tx.query_opt(select_payments!("WHERE payment_id = $1"), params![id], payment_row).await?,
    };
    with_transactions(tx, found).await
}

/// Returns the payment with its row locked until the commit.
pub async fn lock_payment(tx: &mut Tx, id: PaymentId) -> Result<Option<Payment>, Error> {
    find_payment(tx, None, id).await
}

/// Returns the open payment of an order.
pub async fn find_open_by_order(tx: &mut Tx, order: OrderId) -> Result<Option<Payment>, Error> {
    let found = tx
        .query_opt(
            select_payments!("WHERE order_id = $1 AND status IN ('INITIATED', 'AUTHORIZED', 'CAPTURED')"),
            params![order],
            payment_row,
        )
        .await?;
    with_transactions(tx, found).await
}

/// Returns the payment of a transaction.
pub async fn find_by_transaction(tx: &mut Tx, id: TransactionId) -> Result<Option<Payment>, Error> {
    let found = tx
        .query_opt(
            select_payments!("WHERE payment_id = (SELECT payment_id FROM payment_transactions WHERE transaction_id = $1)"),
            params![id],
            payment_row,
        )
        .await?;
    with_transactions(tx, found).await
}

fn payment_row(row: &mut Row<'_>) -> Result<Payment, Error> {
    Ok(Payment {
        payment_id: row.next()?,
        order_id: row.next()?,
        order_number: row.next()?,
        user_id: row.next()?,
        status: row.next()?,
        amount: row.next()?,
        currency: row.next()?,
        captured_amount: row.next()?,
        refunded_amount: row.next()?,
        provider: row.next()?,
        payment_method: row.next()?,
        failure: failure(row)?,
        void_requested_at: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        transactions: Vec::new(),
    })
}

fn failure(row: &mut Row<'_>) -> Result<Option<Failure>, Error> {
    Ok(row.next::<Option<Json<Failure>>>()?.map(|json| json.0))
}

async fn with_transactions(tx: &mut Tx, found: Option<Payment>) -> Result<Option<Payment>, Error> {
    let Some(mut payment) = found else { return Ok(None) };
    payment.transactions = tx
        .query(
            // Declined refunds may be many: only the newest are read.
            "SELECT transaction_id, type, status, amount, provider_reference, failure, fruitless_attempts, due_at, created_at \
             FROM payment_transactions WHERE payment_id = $1 AND (type <> 'REFUND' OR status <> 'FAILED' OR position IN \
             (SELECT position FROM payment_transactions WHERE payment_id = $1 AND type = 'REFUND' AND status = 'FAILED' \
             ORDER BY position DESC LIMIT $2)) ORDER BY position",
            params![payment.payment_id, DECLINED_REFUNDS_SHOWN],
            transaction_row,
        )
        .await?;
    Ok(Some(payment))
}

fn transaction_row(row: &mut Row<'_>) -> Result<Transaction, Error> {
    Ok(Transaction {
        transaction_id: row.next()?,
        kind: row.next()?,
        status: row.next()?,
        amount: row.next()?,
        provider_reference: row.next()?,
        failure: failure(row)?,
        failed_attempts: row.next()?,
        due_at: row.next()?,
        created_at: row.next()?,
    })
}

/// Updates what can change of a payment, without its transactions.
pub async fn save_payment(tx: &mut Tx, payment: &Payment) -> Result<(), Error> {
    tx.execute(
        "UPDATE payments SET status = $2, captured_amount = $3, refunded_amount = $4, failure = $5, void_requested_at = $6, \
         updated_at = $7 WHERE payment_id = $1",
        params![
            payment.payment_id,
            payment.status,
            payment.captured_amount,
            payment.refunded_amount,
            payment.failure.clone().map(Json),
            payment.void_requested_at,
            payment.updated_at
        ],
    )
    .await
    .map(|_| ())
}

/// Inserts the payment's newest transaction.
pub async fn insert_newest_transaction(tx: &mut Tx, payment: &Payment) -> Result<(), Error> {
    let Some(newest) = payment.transactions.last() else { return Ok(()) };
    tx.execute(
        "INSERT INTO payment_transactions (transaction_id, payment_id, position, type, status, amount, provider_reference, failure, \
         fruitless_attempts, due_at, created_at) SELECT $1, $2, COALESCE(MAX(position) + 1, 0), $3, $4, $5, NULL, NULL, 0, $6, $7 \
         FROM payment_transactions WHERE payment_id = $2",
        params![newest.transaction_id, payment.payment_id, newest.kind, newest.status, newest.amount, newest.due_at, newest.created_at],
    )
    .await
    .map(|_| ())
}

/// Updates what can change of a transaction.
pub async fn save_transaction(tx: &mut Tx, transaction: &Transaction) -> Result<(), Error> {
    tx.execute(
        "UPDATE payment_transactions SET status = $2, provider_reference = $3, failure = $4, fruitless_attempts = $5, due_at = $6 \
         WHERE transaction_id = $1",
        params![
            transaction.transaction_id,
            transaction.status,
            transaction.provider_reference,
            transaction.failure.clone().map(Json),
            transaction.failed_attempts,
            transaction.due_at
        ],
    )
    .await
    .map(|_| ())
}

/// Which payments are listed or counted.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Filter {
    /// Only those in this status.
    pub status: Option<PaymentStatus>,
    /// Only those of this order.
    pub order_id: Option<OrderId>,
}

/// Returns the payments that come after `after`, newest first.
pub async fn list_payments(tx: &mut Tx, filter: Filter, after: Option<PaymentId>, rows: i64) -> Result<Vec<PaymentSummary>, Error> {
    matching(
        "SELECT payment_id, order_id, order_number, user_id, status, amount, currency, captured_amount, refunded_amount, \
         payment_method, failure, created_at, updated_at FROM payments",
        filter,
    )
    .filter_some("payment_id < ?", after)
    .limit("payment_id DESC", rows)
    .rows(tx, |row| {
        Ok(PaymentSummary {
            payment_id: row.next()?,
            order_id: row.next()?,
            order_number: row.next()?,
            user_id: row.next()?,
            status: row.next()?,
            amount: row.next()?,
            currency: row.next()?,
            captured_amount: row.next()?,
            refunded_amount: row.next()?,
            payment_method: row.next()?,
            failure: failure(row)?,
            created_at: row.next()?,
            updated_at: row.next()?,
        })
    })
    .await
}

/// Counts the payments of `filter` in each status.
pub async fn count_by_status(tx: &mut Tx, filter: Filter) -> Result<Vec<(PaymentStatus, u64)>, Error> {
    matching("SELECT status, COUNT(*) FROM payments", filter).group("status").rows(tx, |row| Ok((row.next()?, row.next()?))).await
}

fn matching(select: &'static str, filter: Filter) -> Select {
    Select::from(select).filter_some("order_id = ?", filter.order_id).filter_some("status = ?", filter.status)
}

/// The transactions by the time of their next request.
pub const DUE: DueTable<TransactionId> = platform::due_table!("payment_transactions", "transaction_id", "fruitless_attempts");

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
