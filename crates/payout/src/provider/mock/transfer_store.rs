//! The SQL of the mock's records.

use crate::provider::{Outcome, Transfer};
use contracts::ids::PayoutId;
use platform::{
    db::{Error, Tx},
    params, table,
};

table! {
    Transfers in "mock_transfers" of Outcome, key [payout_id];
    columns { reference, is_refused }
    extra { payout_id, amount, currency, created_at }
}

/// Returns the outcome of a transfer.
pub async fn find(tx: &mut Tx, id: PayoutId) -> Result<Option<Outcome>, Error> {
    tx.find::<Transfers>("payout_id = $1", params![id]).await
}

/// Inserts the outcome of a transfer. Returns `false` when it has one.
pub async fn insert(tx: &mut Tx, transfer: &Transfer, outcome: &Outcome) -> Result<bool, Error> {
    let now = tx.now();
    tx.insert_if_absent_with::<Transfers>(
        outcome,
        "(payout_id)",
        &[("payout_id", &transfer.payout_id), ("amount", &transfer.amount), ("currency", &transfer.currency), ("created_at", &now)],
    )
    .await
}
