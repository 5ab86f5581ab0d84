//! What can be done with the log: append to it, announce its head, and chain entries of the former chain anew.

use crate::{
    domain::{ChainKey, FORMER_START, FormerChain, Head, NO_TAG, StoredHead},
    store,
};
use contracts::{
    audit::{AuditHeadRecorded, LOG_ID},
    auth::UserErased,
    event::{Envelope, Event as _},
    ids::UserId,
};
use platform::{
    db::{Db, Error, Tx},
    hex, outbox,
    personal::erase_person,
    worker::Next,
};
use std::time::Duration;

/// Entries of one read or one commit.
pub const BATCH: usize = 500;
/// How often the head is announced.
const ANNOUNCEMENT_PERIOD: Duration = Duration::from_secs(24 * 3600);

/// Appends events to the log, each once.
///
/// A head that somebody else changed has a wrong tag. The log goes on after its newest entry then, and its heads stay
/// without a right tag: a right one would hide what was done.
///
/// # Errors
/// Those of the database.
pub async fn record(tx: &mut Tx, key: &ChainKey, events: &[&Envelope]) -> Result<(), Error> {
    let tagged = store::lock_head(tx).await?.filter(|stored| key.is_tagged(stored));
    let mut head = match &tagged {
        Some(stored) => stored.head,
        None => match store::find_newest(tx).await? {
            Some(newest) => newest.head(),
            None => key.start(store::find_former(tx).await?.as_ref()),
        },
    };
    let before = head;
    // No other unit appends before the commit, because the head is locked.
    let mut recorded = store::list_recorded(tx, &events.iter().map(|event| event.event_id).collect::<Vec<_>>()).await?;
    for event in events {
        let entry = key.append(head, (*event).clone(), tx.now());
        if recorded.insert(event.event_id) {
            store::append(tx, &entry).await?;
            head = entry.head();
        }
        if entry.envelope.event_type == UserErased::TYPE {
            erase_person(tx, event.aggregate_id).await?;
            store::personal::erase(tx, key, UserId(event.aggregate_id)).await?;
        }
    }
    if head != before {
        let tag = if tagged.is_some() { key.tag(head) } else { NO_TAG };
        store::save_head(tx, &StoredHead { head, tag }).await?;
    }
    Ok(())
}

/// Begins the chain of an empty log, or gives the entries of the former chain, which had no key, their hashes in the present
/// one. An interrupted run is continued by the next one. No event may be recorded meanwhile. Returns how many entries were
/// chained anew.
///
/// # Errors
/// Those of the database.
pub async fn upgrade(db: &Db, key: &ChainKey) -> Result<i64, Error> {
    let (stored, former) = db.read(async |tx| Ok::<_, Error>((store::find_head(tx).await?, store::find_former(tx).await?))).await?;
    let (mut stored, former) = match stored {
        Some(stored) => (stored, former),
        None => begin(db, key, former).await?,
    };
    let end = former.map_or(0, |former| former.head.position);
    let first = stored.head.position;
    // Only the installation itself continues: a head with a wrong tag is for `verify` to report.
    while stored.head.position < end && key.is_tagged(&stored) {
        let (key, from) = (key.clone(), stored.head);
        stored = db.write(async move |tx| relink_batch(tx, &key, from, end).await).await?;
        tracing::info!(target: "audit", position = stored.head.position, of = end, "entries of the audit log were chained anew");
    }
    Ok(stored.head.position - first)
}

/// Stores where the chain begins. The former chain is checked for the last time.
async fn begin(db: &Db, key: &ChainKey, former: Option<FormerChain>) -> Result<(StoredHead, Option<FormerChain>), Error> {
    let newest = db.read(async |tx| store::find_newest(tx).await).await?;
    let former = match (newest, former) {
        (None, None) => None,
        (newest, former) => {
            let end = former.map_or(FORMER_START, |former| former.head);
            let broken_at = first_break(db, end).await?;
            if let Some(position) = broken_at {
                tracing::error!(target: "audit", position, "the audit log's chain without a key is broken; the log keeps note of it");
            }
            Some(FormerChain { head: newest.map_or(end, |entry| entry.head()), broken_at })
        }
    };
    let stored = key.tagged(key.start(former.as_ref()));
    let (saved, noted) = (stored.clone(), former.clone());
    db.write(async move |tx| {
        if let Some(former) = &noted {
            store::save_former(tx, former).await?;
        }
        store::save_head(tx, &saved).await
    })
    .await?;
    Ok((stored, former))
}

/// Returns the first position at which the former chain, which ends at `end`, is broken.
async fn first_break(db: &Db, end: Head) -> Result<Option<i64>, Error> {
    let mut head = FORMER_START;
    loop {
        let entries = db.read(async move |tx| store::read_after(tx, head.position, BATCH).await).await?;
        if entries.is_empty() {
            return Ok((head != end).then_some(head.position + 1));
        }
        for entry in entries {
            if !entry.follows_former(head) {
                return Ok(Some(head.position + 1));
            }
            head = entry.head();
        }
    }
}

async fn relink_batch(tx: &mut Tx, key: &ChainKey, from: Head, end: i64) -> Result<StoredHead, Error> {
    let mut head = from;
    for entry in store::read_after(tx, from.position, BATCH).await? {
        if entry.position <= end {
            let entry = key.relink(head, entry);
            store::save_hash(tx, &entry).await?;
            head = entry.head();
        }
    }
    if head == from {
        return Err(Error::Failed(format!("entries of the audit log after position {} are missing", from.position)));
    }
    let stored = key.tagged(head);
    store::save_head(tx, &stored).await?;
    Ok(stored)
}

/// Announces the head in the log and by an event, once a day: whoever keeps either can tell later whether the log still has
/// that entry.
///
/// # Errors
/// Those of the database.
pub async fn announce_head(db: &Db) -> Result<Next, Error> {
    if let Some(newest) = outbox::newest(db).await? {
        let due = newest.occurred_at.after(ANNOUNCEMENT_PERIOD);
        if due > db.now() {
            return Ok(Next::At(due));
        }
    }
    let announced = db
        .write(async |tx| {
            let Some(StoredHead { head, .. }) = store::find_head(tx).await?.filter(|stored| stored.head.position > 0) else {
                return Ok::<_, Error>(None);
            };
            tx.emit(AuditHeadRecorded { log_id: LOG_ID, position: head.position, hash: hex::encode(&head.hash) });
            Ok(Some(head))
        })
        .await?;
    if let Some(head) = announced {
        tracing::info!(target: "audit", %head, "the head of the audit log, for `souk audit verify --head`");
    }
    Ok(Next::Idle)
}
