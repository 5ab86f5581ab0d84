//! The only SQL of the service. No statement deletes a row of `events`. One gives an entry of the former chain its hash in the
//! present one, and one removes from payloads what they say about an erased user.

pub mod personal;

use crate::domain::{Entry, FormerChain, Head, Mentions, StoredHead, aggregate_of};
use contracts::{
    audit::EventFilter,
    column::{BadColumn, Column, ColumnAs, SqlValue},
    event::Envelope,
    ids::EventId,
    time::Timestamp,
};
use platform::{
    db::{Error, Select, Tx},
    params,
};
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet};

platform::table! {
    pub Entries in "events" of Entry, key [position];
    columns {
        position,
        envelope: Envelope {
            event_id, event_type, aggregate_type, aggregate_id, sequence, payload as RawJson, correlation_id, causation_id, actor_id,
            producer, schema_version, occurred_at,
        },
        recorded_at, hash, payload_digest, erasure_tag,
        mentions: Mentions { user_id, order_id },
    }
}

platform::table! {
    Heads in "chain_heads" of StoredHead, key [chain];
    columns { head: Head { position, hash }, tag }
    extra { chain }
}

platform::table! {
    FormerChains in "former_chains" of FormerChain, key [chain];
    columns { head: Head { position, hash }, broken_at }
    extra { chain }
}

/// Stores a payload byte for byte. Only tampering stores anything other than JSON there: the chain reveals it, and the
/// other rows stay readable.
struct RawJson;

impl ColumnAs<Box<RawValue>> for RawJson {
    fn to_sql(value: &Box<RawValue>) -> SqlValue<'_> {
        SqlValue::Text(value.get().into())
    }
    fn from_sql(stored: SqlValue<'_>) -> Result<Box<RawValue>, BadColumn> {
        let text = String::from_sql(stored)?;
        // JSON drops white space around a value, which would then be no part of the digest.
        let whole = RawValue::from_string(text.clone()).ok().filter(|value| value.get().len() == text.len());
        Ok(whole.unwrap_or_else(|| RawValue::NULL.to_owned()))
    }
}

/// The one chain of this log.
const CHAIN: &str = "events";

/// Returns the end of the chain; `None` before the service started for the first time.
pub async fn find_head(tx: &mut Tx) -> Result<Option<StoredHead>, Error> {
    tx.find::<Heads>("chain = $1", params![CHAIN]).await
}

/// Returns the end of the chain with its row locked until the commit, so that entries are appended one after the other.
pub async fn lock_head(tx: &mut Tx) -> Result<Option<StoredHead>, Error> {
    tx.lock::<Heads>("chain = $1", params![CHAIN]).await
}

pub async fn save_head(tx: &mut Tx, head: &StoredHead) -> Result<(), Error> {
    tx.upsert_with::<Heads>(head, &[("chain", &CHAIN)]).await
}

pub async fn find_former(tx: &mut Tx) -> Result<Option<FormerChain>, Error> {
    tx.find::<FormerChains>("chain = $1", params![CHAIN]).await
}

pub async fn save_former(tx: &mut Tx, former: &FormerChain) -> Result<(), Error> {
    tx.upsert_with::<FormerChains>(former, &[("chain", &CHAIN)]).await
}

/// Returns those of the events that are recorded.
pub async fn list_recorded(tx: &mut Tx, events: &[EventId]) -> Result<HashSet<EventId>, Error> {
    let recorded = Select::from("SELECT event_id FROM events").filter_in("event_id", events).rows(tx, |row| row.next()).await?;
    Ok(recorded.into_iter().collect())
}

/// Appends an entry whose event is not recorded.
pub async fn append(tx: &mut Tx, entry: &Entry) -> Result<(), Error> {
    tx.insert::<Entries>(entry).await
}

/// Stores the hash that an entry of the former chain has in the present one.
pub async fn save_hash(tx: &mut Tx, entry: &Entry) -> Result<(), Error> {
    let sql = "UPDATE events SET hash = $2, payload_digest = $3 WHERE position = $1";
    tx.execute(sql, params![entry.position, entry.hash, entry.payload_digest]).await.map(|_| ())
}

/// Returns the newest entry.
pub async fn find_newest(tx: &mut Tx) -> Result<Option<Entry>, Error> {
    Ok(tx.list::<Entries>("ORDER BY position DESC LIMIT 1", &[]).await?.pop())
}

/// Returns how many events of each producer are recorded.
pub async fn count_by_producer(tx: &mut Tx) -> Result<HashMap<String, i64>, Error> {
    let counts = tx.query("SELECT producer, COUNT(*) FROM events GROUP BY producer", &[], |row| Ok((row.next()?, row.next()?))).await?;
    Ok(counts.into_iter().collect())
}

/// Returns the next entries after `position`, in the order of the chain.
pub async fn read_after(tx: &mut Tx, position: i64, limit: usize) -> Result<Vec<Entry>, Error> {
    tx.list::<Entries>("WHERE position > $1 ORDER BY position LIMIT $2", params![position, limit]).await
}

/// Returns the filter without the condition that the event type implies, or `None` when no event can match both. The
/// database would otherwise check that condition on every row of the event type.
pub fn reduced(mut filter: EventFilter) -> Option<EventFilter> {
    let implied = filter.event_type.as_deref().and_then(aggregate_of);
    if let (Some(implied), Some(wanted)) = (implied, filter.aggregate_type.as_deref()) {
        if implied != wanted {
            return None;
        }
        filter.aggregate_type = None;
    }
    Some(filter)
}

/// The end of a page: time and position of its last event.
pub type PageEnd = (Timestamp, i64);

/// Returns the events that match `filter` after `after`, newest first.
pub async fn list_events(tx: &mut Tx, filter: EventFilter, after: Option<PageEnd>, rows: i64) -> Result<Vec<Entry>, Error> {
    match reduced(filter) {
        Some(filter) => select_events(filter, after, rows).list(tx).await,
        None => Ok(Vec::new()),
    }
}

/// Builds the query. The index of the first given condition finds the rows in the order of the list; the other
/// conditions are checked on these rows. They are ordered from the narrowest to the widest.
pub fn select_events(filter: EventFilter, after: Option<PageEnd>, rows: i64) -> Select<Entries> {
    let (mut select, first) = (Select::of::<Entries>(), &mut true);
    select = narrow(select, first, "correlation_id = ?", "COALESCE(correlation_id, correlation_id) = ?", filter.correlation_id);
    select = narrow(select, first, "aggregate_id = ?", "COALESCE(aggregate_id, aggregate_id) = ?", filter.aggregate_id);
    select = narrow(select, first, "order_id = ?", "COALESCE(order_id, order_id) = ?", filter.order_id);
    select = narrow(select, first, "user_id = ?", "COALESCE(user_id, user_id) = ?", filter.user_id);
    select = narrow(select, first, "actor_id = ?", "COALESCE(actor_id, actor_id) = ?", filter.actor_id);
    select = narrow(select, first, "event_type = ?", "COALESCE(event_type, event_type) = ?", filter.event_type);
    select = narrow(select, first, "aggregate_type = ?", "COALESCE(aggregate_type, aggregate_type) = ?", filter.aggregate_type);
    select = select.filter_some("occurred_at >= ?", filter.from);
    // Positions start at 1, so rows below (to, 0) occurred before `to`. The end of a page is below that already.
    match after.or(filter.to.map(|to| (to, 0))) {
        Some(page_end) => select.filter_below("(occurred_at, position)", page_end),
        None => select,
    }
    .limit("occurred_at DESC, position DESC", rows)
}

/// Adds a condition: the `first` one of a query such that its index serves it, each other one such that no index does.
/// Without statistics a database cannot know which condition is the narrowest.
fn narrow(
    select: Select<Entries>,
    first: &mut bool,
    indexed: &'static str,
    checked: &'static str,
    value: Option<impl Column + 'static>,
) -> Select<Entries> {
    let Some(value) = value else { return select };
    let condition = if std::mem::take(first) { indexed } else { checked };
    select.filter(condition, value)
}
