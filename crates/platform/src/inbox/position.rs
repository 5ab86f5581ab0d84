//! Where a consumer stands in the outbox of a producer.
//!
//! A position is the number of a row. Numbers are used again when the producer's database is restored from an older copy, so
//! the consumer stores beside the number which database it read and the id of the event it stands on. Where the producer
//! has another event at that number, or none, the consumer goes back to the newest event that both know: its inbox shows
//! which events it consumed, and keeps those from being consumed twice.

use super::Consumers;
use crate::{
    bus::Feed,
    db::{Db, Error, Tx},
    outbox::EventHead,
    params,
    runtime::INBOX_KEPT,
};
use contracts::{
    ids::{EventId, Uuid},
    time::Timestamp,
};
use std::collections::HashSet;

/// Events that the search for a common one reads at a time.
const PAGE: i64 = 500;

/// The outbox that a batch was read from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    pub producer: &'static str,
    /// The identity of its database.
    pub database: Uuid,
}

impl Source {
    #[cfg(test)]
    pub fn of(producer: &Db) -> Source {
        Source { producer: producer.service(), database: producer.identity() }
    }
}

/// A position with the event it stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stored {
    position: i64,
    database: Option<Uuid>,
    event: Option<EventId>,
}

/// What a producer says about the position of a consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Agrees,
    /// The position is right, and the event or the database was not stored with it.
    Completes(Option<EventId>),
    /// The newest event that both know is at this position.
    GoesBack(i64, Option<EventId>),
}

/// A position that went back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewind {
    pub producer: String,
    pub from: i64,
    pub at: Timestamp,
}

/// How far `producer`'s outbox was consumed here.
///
/// # Errors
/// Those of the database.
pub async fn position(db: &Db, producer: &'static str) -> Result<i64, Error> {
    db.read(async move |tx| {
        let known = tx.query_opt("SELECT position FROM subscriptions WHERE producer = $1", params![producer], |row| row.next()).await?;
        Ok(known.unwrap_or(0))
    })
    .await
}

/// Sets how far the outbox of `producer` counts as consumed here. After a move back its events are delivered again; those
/// that were consumed before have no second effect.
///
/// # Errors
/// Those of the database.
pub async fn set_position(db: &Db, producer: &Db, position: i64) -> Result<(), Error> {
    place(db, &Feed::Outbox(producer.clone()), position).await
}

async fn place(db: &Db, feed: &Feed, position: i64) -> Result<(), Error> {
    let source = feed.source().await?;
    let event = feed.event_at(position).await?;
    db.write(async move |tx| {
        tx.execute(
            "INSERT INTO subscriptions (producer, position, database_id, event_id) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (producer) DO UPDATE SET position = excluded.position, database_id = excluded.database_id, event_id = excluded.event_id",
            params![source.producer, position, source.database, event],
        )
        .await
        .map(|_| ())
    })
    .await
}

/// A step of a position: from a number to the number and the event at the end of a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub source: Source,
    pub from: i64,
    pub to: i64,
    pub event: EventId,
}

/// Moves the position to the end of the step, if it is still where the step began. Returns whether it was. The condition
/// keeps a position that was moved back for a replay.
pub(super) async fn advance(tx: &mut Tx, Step { source, from, to, event }: Step) -> Result<bool, Error> {
    let rows = tx
        .execute(
            "INSERT INTO subscriptions (producer, position, database_id, event_id) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (producer) DO UPDATE SET position = excluded.position, database_id = excluded.database_id, event_id = excluded.event_id \
             WHERE subscriptions.position = $5",
            params![source.producer, to, source.database, event, from],
        )
        .await?;
    Ok(rows == 1)
}

/// Compares the stored position with the events of the producer, and goes back where they disagree. Returns the position to
/// read from. Concurrent changes of the position win; the caller reads it again then.
pub(crate) async fn verify(db: &Db, feed: &Feed, consumers: &Consumers) -> Result<i64, Error> {
    let Some(stored) = find(db, feed.producer()).await? else { return Ok(0) };
    let source = feed.source().await?;
    let (to, event, rewound) = match compare(db, feed, source, stored, Some(consumers)).await? {
        Verdict::Agrees => return Ok(stored.position),
        Verdict::Completes(event) => (stored.position, event, false),
        Verdict::GoesBack(position, event) => (position, event, true),
    };
    let from = stored.position;
    if rewound {
        let (producer, consumer) = (source.producer, db.service());
        tracing::warn!(target: "bus", producer, consumer, from, to, "the producer does not have the event that the consumer stands on: its database is older, or new; the consumer goes back to the newest event that both know");
        metrics::counter!("souk_events_position_rewound_total", "producer" => producer, "consumer" => consumer).increment(1);
    }
    let forget = consumers.on_rewind.get(source.producer).cloned().filter(|_| rewound);
    db.write(async move |tx| {
        let now = Some(tx.now()).filter(|_| rewound);
        let moved = tx
            .execute(
                "UPDATE subscriptions SET position = $1, database_id = $2, event_id = $3, rewound_at = COALESCE(CAST($4 AS BIGINT), rewound_at), \
                 rewound_from = CASE WHEN CAST($4 AS BIGINT) IS NULL THEN rewound_from ELSE $5 END WHERE producer = $6 AND position = $5",
                params![to, source.database, event, now, from, source.producer],
            )
            .await?;
        match &forget {
            Some(forget) if moved == 1 => forget(tx).await.map_err(|refusal| Error::Failed(crate::error_chain(&*refusal))),
            _ => Ok(()),
        }
    })
    .await?;
    Ok(to)
}

/// Returns a sentence when `db` stands on an event that `producer` does not have.
///
/// # Errors
/// Those of the databases.
pub async fn find_disagreement(db: &Db, producer: &Db) -> Result<Option<String>, Error> {
    let Some(stored) = find(db, producer.service()).await? else { return Ok(None) };
    // Without the consumers a position without event is not judged.
    let feed = Feed::Outbox(producer.clone());
    Ok(match compare(db, &feed, feed.source().await?, stored, None).await? {
        Verdict::GoesBack(to, _) => Some(format!(
            "it stands at position {} of {}, whose database is older or new there; at the next start it goes back to position {to} by itself",
            stored.position,
            producer.service()
        )),
        Verdict::Agrees | Verdict::Completes(_) => None,
    })
}

/// The positions that went back, the last time of each.
///
/// # Errors
/// Those of the database.
pub async fn list_rewinds(db: &Db) -> Result<Vec<Rewind>, Error> {
    let sql = "SELECT producer, rewound_from, rewound_at FROM subscriptions WHERE rewound_at IS NOT NULL ORDER BY producer";
    db.read(async move |tx| tx.query(sql, &[], |row| Ok(Rewind { producer: row.next()?, from: row.next()?, at: row.next()? })).await).await
}

/// Makes the consumer of a database that replaces a lost one begin at the end of each producer's outbox, or at its beginning.
/// The next call does nothing: it begins once.
pub(crate) async fn begin(db: &Db, producers: &[Feed], from_start: bool) -> Result<(), Error> {
    let replaces: bool =
        db.read(async |tx| tx.query_one("SELECT replaces_lost FROM database_identity", &[], |row| row.next()).await).await?;
    if !replaces {
        return Ok(());
    }
    for producer in producers.iter().filter(|_| !from_start) {
        let newest = producer.bounds().await?.map_or(0, |(_, newest)| newest);
        tracing::warn!(target: "bus", producer = producer.producer(), consumer = db.service(), position = newest, "the consumer lost its database and begins at the end of the outbox");
        place(db, producer, newest).await?;
    }
    db.write(async |tx| tx.execute("UPDATE database_identity SET replaces_lost = FALSE", &[]).await.map(|_| ())).await
}

async fn find(db: &Db, producer: &'static str) -> Result<Option<Stored>, Error> {
    let sql = "SELECT position, database_id, event_id FROM subscriptions WHERE producer = $1";
    db.read(async move |tx| {
        tx.query_opt(sql, params![producer], |row| Ok(Stored { position: row.next()?, database: row.next()?, event: row.next()? })).await
    })
    .await
}

async fn compare(db: &Db, feed: &Feed, source: Source, stored: Stored, consumers: Option<&Consumers>) -> Result<Verdict, Error> {
    let Stored { position, database, event } = stored;
    if position <= 0 {
        return Ok(Verdict::Agrees);
    }
    let there = feed.event_at(position).await?;
    let same_database = database == Some(source.database);
    match (event, there) {
        (Some(event), Some(there)) if event == there => {
            return Ok(if same_database { Verdict::Agrees } else { Verdict::Completes(Some(there)) });
        }
        // The event was deleted after every consumer had it.
        (Some(_), None) if same_database && feed.bounds().await?.is_some_and(|(oldest, _)| position < oldest) => {
            return Ok(Verdict::Agrees);
        }
        (None, _) if consumers.is_none() => return Ok(Verdict::Agrees),
        _ => {}
    }
    let newest = find_common(db, feed, position, event).await?;
    let (common, common_event) = newest.map_or((0, None), |(position, event)| (position, Some(event)));
    let complete = match consumers {
        Some(consumers) if event.is_none() => reaches(feed, common, position, consumers).await?,
        _ => false,
    };
    Ok(if complete { Verdict::Completes(there) } else { Verdict::GoesBack(common, common_event) })
}

/// Whether a consumer that knows the events up to `common` may stand at `position`: the producer's outbox reaches so far, and
/// no event between is one that it consumes.
async fn reaches(feed: &Feed, common: i64, position: i64, consumers: &Consumers) -> Result<bool, Error> {
    let Some((oldest, newest)) = feed.bounds().await? else { return Ok(false) };
    if position > newest {
        return Ok(false);
    }
    let mut after = common.max(oldest - 1);
    while after < position {
        let page = feed.list(after, position.min(after.saturating_add(PAGE))).await?;
        let Some(last) = page.last() else { break };
        after = last.position;
        if page.iter().any(|event| consumers.consumes(&event.event_type)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns the newest event of `producer`, at `position` or before, that `db` consumed.
async fn find_common(db: &Db, feed: &Feed, position: i64, stands_on: Option<EventId>) -> Result<Option<(i64, EventId)>, Error> {
    // The inbox forgets an event some time after it was consumed. One that old was consumed, or its delivery waits for nobody.
    let forgotten = db.now().before(INBOX_KEPT);
    let Some((oldest, newest)) = feed.bounds().await? else { return Ok(None) };
    let mut upto = position.min(newest);
    while upto >= oldest {
        let page = feed.list(upto - PAGE, upto).await?;
        let ids: Vec<EventId> = page.iter().map(|event| event.event_id).collect();
        let known = list_known(db, ids).await?;
        let is_known =
            |event: &EventHead| stands_on == Some(event.event_id) || known.contains(&event.event_id) || event.occurred_at < forgotten;
        if let Some(event) = page.iter().rev().find(|event| is_known(event)) {
            return Ok(Some((event.position, event.event_id)));
        }
        upto -= PAGE;
    }
    Ok(None)
}

/// Those of the events that `db` consumed.
async fn list_known(db: &Db, events: Vec<EventId>) -> Result<HashSet<EventId>, Error> {
    db.read(async move |tx| {
        let mut known = HashSet::new();
        for id in events.iter().copied() {
            if tx.query_opt("SELECT 1 FROM inbox WHERE event_id = $1", params![id], |row| row.next::<i64>()).await?.is_some() {
                known.insert(id);
            }
        }
        Ok(known)
    })
    .await
}
