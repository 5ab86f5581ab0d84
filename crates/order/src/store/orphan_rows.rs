//! What belongs to orders that are not known.

use crate::orphans::{Orphan, OrphanOutcome};
use contracts::{ids::Uuid, time::Timestamp};
use platform::{
    db::{Error, Tx},
    due::DueQueue,
    params,
};

platform::table! {
    Orphans in "orphans" of Orphan, key [resource_id];
    columns { resource_id, kind, order_id, outcome }
    insert_only { found_at }
    extra { due_at, failed_attempts }
}

/// Those that are not settled.
pub const DUE: DueQueue<Uuid> = DueQueue::new("orphans", "resource_id").failed_attempts("failed_attempts");

/// Returns whether it is new.
pub async fn insert(tx: &mut Tx, orphan: &Orphan, due_at: Timestamp) -> Result<bool, Error> {
    tx.insert_if_absent_with::<Orphans>(orphan, "(resource_id)", &[("due_at", &due_at), ("failed_attempts", &0_i64)]).await
}

pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Orphan>, Error> {
    tx.find::<Orphans>("resource_id = $1", params![id]).await
}

pub async fn list(tx: &mut Tx) -> Result<Vec<Orphan>, Error> {
    tx.list::<Orphans>("ORDER BY order_id, resource_id LIMIT 1000", &[]).await
}

pub async fn delete(tx: &mut Tx, id: Uuid) -> Result<(), Error> {
    tx.execute_pipelined("DELETE FROM orphans WHERE resource_id = $1", params![id]).await
}

pub async fn end(tx: &mut Tx, id: Uuid, outcome: OrphanOutcome) -> Result<(), Error> {
    tx.execute_pipelined("UPDATE orphans SET outcome = $2, due_at = NULL WHERE resource_id = $1", params![id, outcome]).await
}
