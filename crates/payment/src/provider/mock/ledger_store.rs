//! The SQL of the mock's ledger.

use super::ledger::Entry;
use crate::provider::{Operation, Outcome};
use contracts::{
    ids::TransactionId,
    payment::{PaymentMethod, TransactionType},
};
use platform::{
    db::{Error, Tx},
    params, table,
};

table! {
    Outcomes in "mock_ledger" of Outcome, key [transaction_id];
    columns { reference, decline = refusal }
    extra { transaction_id, kind, authorization_id, amount, method, created_at }
}

table! {
    Entries in "mock_ledger" of Entry, key [transaction_id];
    columns { kind, amount, decline = refusal }
}

/// Returns the outcome of a transaction.
pub async fn find(tx: &mut Tx, id: TransactionId) -> Result<Option<Outcome>, Error> {
    tx.find::<Outcomes>("transaction_id = $1", params![id]).await
}

/// Inserts the outcome of a transaction. Returns `false` when the transaction has one.
pub async fn insert(
    tx: &mut Tx,
    outcome: &Outcome,
    kind: TransactionType,
    request: Operation,
    method: PaymentMethod,
) -> Result<bool, Error> {
    let now = tx.now();
    tx.insert_if_absent_with::<Outcomes>(
        outcome,
        "(transaction_id)",
        &[
            ("transaction_id", &request.transaction_id),
            ("kind", &kind),
            ("authorization_id", &request.authorization),
            ("amount", &request.amount),
            ("method", &method),
            ("created_at", &now),
        ],
    )
    .await
}

/// Returns the payment method of an authorization.
pub async fn find_method(tx: &mut Tx, authorization: TransactionId) -> Result<Option<PaymentMethod>, Error> {
    tx.query_opt("SELECT method FROM mock_ledger WHERE transaction_id = $1", params![authorization], |row| row.next()).await
}

/// The same, with the authorization locked until the commit, so that operations under it do not overlap.
pub async fn lock_method(tx: &mut Tx, authorization: TransactionId) -> Result<Option<PaymentMethod>, Error> {
    tx.lock_opt("SELECT method FROM mock_ledger WHERE transaction_id = $1", params![authorization], |row| row.next()).await
}

/// Returns the entries under an authorization.
pub async fn list_entries(tx: &mut Tx, authorization: TransactionId) -> Result<Vec<Entry>, Error> {
    tx.list::<Entries>("WHERE authorization_id = $1", params![authorization]).await
}

/// Counts an attempt of a transaction and returns how many there were.
pub async fn count_attempt(tx: &mut Tx, id: TransactionId) -> Result<i64, Error> {
    tx.next_number("mock_stumbles", "times", &[("transaction_id", &id)]).await
}
