//! Verifies the log: its chain, its end, and that it holds what others know about it.

use crate::{
    actions::BATCH,
    domain::{ChainKey, Entry, FormerChain, Head, StoredHead},
    store,
};
use contracts::{
    audit::AuditHeadRecorded,
    event::{Envelope, Event as _},
};
use platform::{
    db::{Db, Error},
    hex, inbox,
    outbox::{self, Announced},
};

/// The result of [`verify`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// How many entries were verified.
    pub checked: i64,
    /// The end of the verified entries; `None` when there is none.
    pub head: Option<Head>,
    /// A sentence for each fault.
    pub faults: Vec<String>,
    /// What is worth knowing and is no fault.
    pub notes: Vec<String>,
}

/// Returns the present head, or a sentence about what is wrong with it. It reads no entry.
///
/// # Errors
/// Those of the database.
pub async fn head(db: &Db, key: &ChainKey) -> Result<Result<Head, String>, Error> {
    let Beginning { stored, former, is_used } = beginning(db).await?;
    let head = stored.as_ref().map_or_else(|| key.start(former.as_ref()), |stored| stored.head);
    Ok(end_fault(key, head, stored, is_used).map_or(Ok(head), Err))
}

/// Whether the service ever started on this database, so that the log must verify.
///
/// # Errors
/// Those of the database.
pub async fn is_begun(db: &Db) -> Result<bool, Error> {
    let Beginning { stored, is_used, .. } = beginning(db).await?;
    Ok(stored.is_some() || is_used)
}

/// What is read before the entries.
struct Beginning {
    stored: Option<StoredHead>,
    former: Option<FormerChain>,
    /// Whether events were consumed, so that there must be a head.
    is_used: bool,
}

async fn beginning(db: &Db) -> Result<Beginning, Error> {
    db.read(async |tx| {
        let (stored, former) = (store::find_head(tx).await?, store::find_former(tx).await?);
        let is_used = former.is_some() || !inbox::progress(tx).await?.is_empty();
        Ok(Beginning { stored, former, is_used })
    })
    .await
}

/// A head that the log had at some time, and who says so.
struct KnownHead {
    head: Head,
    source: String,
}

/// Reads the whole log from its start and compares it with its key, with the head `noted` earlier and with the heads that
/// were announced by events. It stops at the first break of the chain. Entries that arrive meanwhile are verified too. It
/// holds one batch in memory, and no transaction for longer.
///
/// # Errors
/// Those of the database.
pub async fn verify(db: &Db, key: &ChainKey, noted: Option<Head>) -> Result<Report, Error> {
    let Beginning { stored: first, former, is_used } = beginning(db).await?;
    let mut report = Report::default();
    if let Some(FormerChain { head, broken_at }) = &former {
        report.notes.push(format!("it was chained anew up to position {}; its head before was {head}", head.position));
        if let Some(position) = broken_at {
            report.faults.push(format!("the chain was already broken at position {position} when it was chained anew"));
        }
    }
    let mut known = announced_heads(db).await?;
    let noted = noted.filter(|noted| former.as_ref().is_none_or(|former| former.head != *noted));
    known.extend(noted.map(|head| KnownHead { head, source: "the given head".to_owned() }));

    let mut head = key.start(former.as_ref());
    compare(&mut report, &mut known, head);
    loop {
        // The head is read from the same snapshot as the entries, so that both include the newest entry or neither does.
        let (entries, end) = db
            .read(async move |tx| Ok::<_, Error>((store::read_after(tx, head.position, BATCH).await?, store::find_head(tx).await?)))
            .await?;
        if entries.is_empty() {
            report.head = Some(head);
            report.faults.extend(end_fault(key, head, end, is_used));
            report.faults.extend(known.iter().map(|known| {
                format!(
                    "the log ends at position {}, and {} is at position {}: entries were removed",
                    head.position, known.source, known.head.position
                )
            }));
            return Ok(report);
        }
        for entry in entries {
            report.checked += 1;
            if !key.follows(head, &entry) {
                let is_other_key = head.position == 0 && first.as_ref().is_some_and(|stored| !key.is_tagged(stored));
                report.faults.push(break_fault(head, &entry, is_other_key));
                return Ok(report);
            }
            head = entry.head();
            report.head = Some(head);
            compare(&mut report, &mut known, head);
        }
        tokio::task::yield_now().await;
    }
}

/// Compares the entry at `head` with what is known about it.
fn compare(report: &mut Report, known: &mut Vec<KnownHead>, head: Head) {
    for found in known.extract_if(.., |known| known.head.position == head.position) {
        if found.head != head {
            report.faults.push(format!("the entry at position {} is another than that of {}", head.position, found.source));
        }
    }
}

fn break_fault(head: Head, entry: &Entry, is_other_key: bool) -> String {
    let position = head.position + 1;
    if entry.payload_digest.is_none() {
        format!("the entry at position {} is not in the chain with a key; `souk migrate` chains earlier logs anew", entry.position)
    } else if entry.position != position {
        format!("the chain is broken at position {position}: the entry is missing, and the next one is at {}", entry.position)
    } else if is_other_key {
        format!(
            "the chain is broken at position {position}, and the head is not right either: is installation.secret another one than before?"
        )
    } else {
        format!("the chain is broken at position {position}: an entry was changed, moved, added or removed there")
    }
}

/// Returns what is wrong with the stored end of a log whose last entry is at `head`.
fn end_fault(key: &ChainKey, head: Head, end: Option<StoredHead>, is_used: bool) -> Option<String> {
    match end {
        None if head.position == 0 && !is_used => None,
        None => Some("the head of the log is missing: entries at the end may have been removed".to_owned()),
        Some(end) if end.head.position != head.position => Some(format!(
            "the log ends at position {}, and its head is at {}: entries were removed or added",
            head.position, end.head.position
        )),
        Some(end) if end.head != head || !key.is_tagged(&end) => {
            Some("the head of the log was not written by this installation: entries at the end may have been removed".to_owned())
        }
        Some(_) => None,
    }
}

/// Returns the heads that this log announced and that its outbox still holds. The outbox keeps the newest event for ever.
async fn announced_heads(db: &Db) -> Result<Vec<KnownHead>, Error> {
    let events = outbox::read_after(db, 0, BATCH).await?;
    Ok(events.iter().filter_map(|published| announced_head(&published.envelope)).collect())
}

fn announced_head(envelope: &Envelope) -> Option<KnownHead> {
    if envelope.event_type != AuditHeadRecorded::TYPE {
        return None;
    }
    let AuditHeadRecorded { position, hash, .. } = serde_json::from_str(envelope.payload.get()).ok()?;
    let hash = hex::decode(&hash)?.try_into().ok()?;
    Some(KnownHead { head: Head { position, hash }, source: format!("the head announced at {}", envelope.occurred_at) })
}

/// Compares how many events of each producer the log holds with how many the producer announced, which it counts for ever.
/// Returns faults, and notes about producers that know less than the log.
///
/// # Errors
/// Those of the databases.
pub async fn compare_counts(audit: &Db, producers: impl IntoIterator<Item = &Db>) -> Result<(Vec<String>, Vec<String>), Error> {
    let (mut faults, mut notes) = (Vec::new(), Vec::new());
    // Counts and positions are of one instant. What a producer announced after its position is not compared.
    let (recorded, progress) =
        audit.read(async |tx| Ok::<_, Error>((store::count_by_producer(tx).await?, inbox::progress(tx).await?))).await?;
    for producer in producers {
        let name = producer.service();
        let recorded = recorded.get(name).copied().unwrap_or(0);
        let (position, failed) = progress.get(name).copied().unwrap_or_default();
        let Announced { total, after } = outbox::count_announced(producer, position).await?;
        let expected = total - after - failed;
        if recorded < expected {
            faults
                .push(format!("{name} announced {expected} events that must be in the log, which holds {recorded}: entries were removed"));
        } else if recorded > total {
            notes.push(format!("the log holds {recorded} events of {name}, which knows of {total}: its database is older than the log"));
        }
    }
    Ok((faults, notes))
}
