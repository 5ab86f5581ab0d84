//! The SQL of [`crate::check_consistency`]: our transactions and the ledger of the mock provider, one by one and as sums.
//! One snapshot has both, because the mock keeps its ledger in the same database.

use crate::consistency::{Entry, OrderPayment, PaymentRecord, Sums, TransactionRecord, UnmatchedEntry};
use contracts::ids::OrderId;
use platform::{
    db::{Error, Row, Tx},
    params, table,
};

table! {
    OrderPayments in "payments" of OrderPayment, key [payment_id];
    columns { order_id, payment_id, status, amount, refunded_amount, currency }
    computed {
        is_unsettled = "EXISTS (SELECT 1 FROM payment_transactions t \
                        WHERE t.payment_id = payments.payment_id AND t.status IN ('PENDING', 'UNKNOWN'))"
    }
}

table! {
    UnmatchedEntries in "mock_ledger" of UnmatchedEntry, key [transaction_id];
    columns { reference, kind, amount }
}

/// Calls `check` with each transaction of ours and the ledger entry of it.
pub async fn each_transaction(tx: &mut Tx, mut check: impl FnMut(TransactionRecord)) -> Result<(), Error> {
    tx.query(
        "SELECT t.payment_id, t.transaction_id, t.type, t.status, t.amount, t.provider_reference, t.created_at, \
         l.kind, l.amount, l.reference, l.refusal IS NOT NULL \
         FROM payment_transactions t LEFT JOIN mock_ledger l ON l.transaction_id = t.transaction_id \
         WHERE t.payment_id IN (SELECT payment_id FROM payments WHERE provider = 'MOCK')",
        &[],
        |row| {
            check(TransactionRecord {
                payment_id: row.next()?,
                transaction_id: row.next()?,
                kind: row.next()?,
                status: row.next()?,
                amount: row.next()?,
                reference: row.next()?,
                created_at: row.next()?,
                at_provider: match row.next()? {
                    Some(kind) => Some(Entry { kind, amount: row.next()?, reference: row.next()?, declined: row.next()? }),
                    None => None,
                },
            });
            Ok(())
        },
    )
    .await
    .map(|_| ())
}

/// Calls `check` with each payment, the sums of its transactions, and the sums at the provider under its authorization.
pub async fn each_payment(tx: &mut Tx, mut check: impl FnMut(PaymentRecord)) -> Result<(), Error> {
    tx.query(
        "SELECT p.payment_id, p.status, p.amount, p.captured_amount, p.refunded_amount, \
         COALESCE(o.unsettled, 0), COALESCE(o.settled, 0), COALESCE(o.captures_refused, 0), \
         COALESCE(o.authorized, 0), COALESCE(o.captures, 0), COALESCE(o.captured, 0), COALESCE(o.voids, 0), COALESCE(o.refunded, 0), \
         COALESCE(l.authorized, 0), COALESCE(l.captures, 0), COALESCE(l.captured, 0), COALESCE(l.voids, 0), COALESCE(l.refunded, 0) \
         FROM payments p \
         LEFT JOIN (SELECT payment_id, COUNT(*) FILTER (WHERE status IN ('PENDING', 'UNKNOWN')) AS unsettled, \
           COUNT(*) FILTER (WHERE status IN ('SUCCEEDED', 'FAILED')) AS settled, \
           COUNT(*) FILTER (WHERE type = 'CAPTURE' AND status = 'FAILED') AS captures_refused, \
           CAST(SUM(amount) FILTER (WHERE type = 'AUTHORIZE' AND status = 'SUCCEEDED') AS BIGINT) AS authorized, \
           COUNT(*) FILTER (WHERE type = 'CAPTURE' AND status = 'SUCCEEDED') AS captures, \
           CAST(SUM(amount) FILTER (WHERE type = 'CAPTURE' AND status = 'SUCCEEDED') AS BIGINT) AS captured, \
           COUNT(*) FILTER (WHERE type = 'VOID' AND status = 'SUCCEEDED') AS voids, \
           CAST(SUM(amount) FILTER (WHERE type = 'REFUND' AND status = 'SUCCEEDED') AS BIGINT) AS refunded \
           FROM payment_transactions GROUP BY payment_id) o ON o.payment_id = p.payment_id \
         LEFT JOIN (SELECT t.payment_id, CAST(SUM(e.amount) FILTER (WHERE e.kind = 'AUTHORIZE') AS BIGINT) AS authorized, \
           COUNT(*) FILTER (WHERE e.kind = 'CAPTURE') AS captures, \
           CAST(SUM(e.amount) FILTER (WHERE e.kind = 'CAPTURE') AS BIGINT) AS captured, \
           COUNT(*) FILTER (WHERE e.kind = 'VOID') AS voids, \
           CAST(SUM(e.amount) FILTER (WHERE e.kind = 'REFUND') AS BIGINT) AS refunded \
           FROM payment_transactions t JOIN mock_ledger e ON e.authorization_id = t.transaction_id \
           WHERE t.type = 'AUTHORIZE' AND e.refusal IS NULL GROUP BY t.payment_id) l ON l.payment_id = p.payment_id \
         WHERE p.provider = 'MOCK'",
        &[],
        |row| {
            check(PaymentRecord {
                payment_id: row.next()?,
                status: row.next()?,
                amount: row.next()?,
                captured_amount: row.next()?,
                refunded_amount: row.next()?,
                unsettled: row.next()?,
                settled: row.next()?,
                captures_refused: row.next()?,
                ours: sums(row)?,
                at_provider: sums(row)?,
            });
            Ok(())
        },
    )
    .await
    .map(|_| ())
}

fn sums(row: &mut Row<'_>) -> Result<Sums, Error> {
    Ok(Sums { authorized: row.next()?, captures: row.next()?, captured: row.next()?, voids: row.next()?, refunded: row.next()? })
}

/// Returns ledger entries of the provider without a transaction of ours.
pub async fn list_unmatched(tx: &mut Tx, rows: usize) -> Result<Vec<UnmatchedEntry>, Error> {
    tx.list::<UnmatchedEntries>(
        "WHERE NOT EXISTS (SELECT 1 FROM payment_transactions t WHERE t.transaction_id = mock_ledger.transaction_id) LIMIT $1",
        params![rows],
    )
    .await
}

/// Returns the payments of the orders after `after` up to and including `up_to`, in this order.
pub async fn list_by_orders(tx: &mut Tx, after: OrderId, up_to: OrderId) -> Result<Vec<OrderPayment>, Error> {
    tx.list::<OrderPayments>("WHERE order_id > $1 AND order_id <= $2 ORDER BY order_id, payment_id", params![after, up_to]).await
}
