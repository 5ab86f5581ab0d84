//! What can be done with the log: append to it, and verify it.

use crate::{
    domain::{Entry, Hash, Head},
    store,
};
use contracts::{audit::ChainReport, event::Envelope};
use platform::{
    db::{Db, Error, Tx},
    hex::encode as hex,
};

/// Entries of one read.
const BATCH: usize = 500;

/// Appends an event to the log, once.
///
/// # Errors
/// Those of the database.
pub async fn record(tx: &mut Tx, envelope: &Envelope) -> Result<(), Error> {
    let head = store::lock_head(tx).await?;
    let entry = Entry::after(head, envelope.clone(), tx.now());
    store::append(tx, head, &entry).await
}

/// Reads the whole log from its start and reports whether it is unchanged, or where it breaks first. Entries that
/// arrive meanwhile are verified too. It holds one batch in memory, and no transaction for longer.
///
/// # Errors
/// Those of the database.
pub async fn verify(db: &Db) -> Result<ChainReport, Error> {
    let (mut head, mut checked) = (Head::START, 0);
    loop {
        // The head is read from the same snapshot as the entries, so that both include the newest entry or neither
        // does.
        let (entries, end) = db
            .read(async move |tx| Ok::<_, Error>((store::read_after(tx, head.position, BATCH).await?, store::find_head(tx).await?)))
            .await?;
        if entries.is_empty() {
            let broken_at = (end != head).then_some(head.position + 1);
            return Ok(report(checked, broken_at, head.hash));
        }
        for entry in entries {
            checked += 1;
            if !entry.follows(head) {
                return Ok(report(checked, Some(head.position + 1), head.hash));
            }
            head = entry.head();
        }
        tokio::task::yield_now().await;
    }
}

fn report(checked: i64, broken_at: Option<i64>, hash: Hash) -> ChainReport {
    ChainReport { checked, intact: broken_at.is_none(), broken_at, head: (hash != Head::START.hash).then(|| hex(&hash)) }
}
