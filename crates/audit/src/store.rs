//! How the log is kept: the only SQL of the service. Nothing here changes or drops a row of `events`.

use crate::domain::{AggregateType, Entry, Head, Mentions};
use contracts::{
    event::Envelope,
    ids::{OrderId, UserId, Uuid},
    text::RequiredShortText,
    time::Timestamp,
};
use platform::{
    db::{Error, Row, Select, Tx},
    params,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;

macro_rules! select_entries {
    ($rest:literal) => {
        concat!(
            "SELECT position, event_id, event_type, aggregate_type, aggregate_id, sequence, payload, correlation_id, causation_id, ",
            "actor_id, producer, schema_version, occurred_at, recorded_at, hash, user_id, order_id FROM events",
            $rest
        )
    };
}

/// The one chain of this log.
const CHAIN: &str = "events";

/// Where the chain ends.
pub async fn find_head(tx: &mut Tx) -> Result<Head, Error> {
    let head = tx.query_opt("SELECT position, hash FROM chain_heads WHERE chain = $1", params![CHAIN], |row| {
        Ok(Head { position: row.next()?, hash: row.next()? })
    });
    Ok(head.await?.unwrap_or(Head::START))
}

/// The same, held to the commit: entries are put in one after the other.
pub async fn lock_head(tx: &mut Tx) -> Result<Head, Error> {
    find_head(tx).await
}

/// Puts an entry at the end of the log. `false` when its event is there already; then nothing changed.
pub async fn append(tx: &mut Tx, entry: &Entry) -> Result<bool, Error> {
    let Entry { position, envelope, recorded_at, hash, mentions } = entry;
    let rows = tx
        .execute(
            "INSERT INTO events (position, event_id, event_type, aggregate_type, aggregate_id, sequence, payload, correlation_id, \
             causation_id, actor_id, producer, schema_version, occurred_at, recorded_at, hash, user_id, order_id) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) ON CONFLICT (event_id) DO NOTHING",
            params![
                *position,
                envelope.event_id,
                envelope.event_type,
                envelope.aggregate_type,
                envelope.aggregate_id,
                envelope.sequence,
                envelope.payload.get(),
                envelope.correlation_id,
                envelope.causation_id,
                envelope.actor_id,
                envelope.producer,
                envelope.schema_version,
                envelope.occurred_at,
                *recorded_at,
                *hash,
                mentions.user_id,
                mentions.order_id
            ],
        )
        .await?;
    if rows == 1 {
        tx.execute(
            "INSERT INTO chain_heads (chain, position, hash) VALUES ($1, $2, $3) \
             ON CONFLICT (chain) DO UPDATE SET position = excluded.position, hash = excluded.hash",
            params![CHAIN, *position, *hash],
        )
        .await?;
    }
    Ok(rows == 1)
}

/// The next entries after `position`, in the order of the chain.
pub async fn read_after(tx: &mut Tx, position: i64, limit: usize) -> Result<Vec<Entry>, Error> {
    tx.query(select_entries!(" WHERE position > $1 ORDER BY position LIMIT $2"), params![position, limit], entry).await
}

/// Which events are asked for.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Filter {
    /// Events that name this user.
    pub user_id: Option<UserId>,
    /// What this person did: events that followed from this person's requests.
    pub actor_id: Option<UserId>,
    /// Events that name this order.
    pub order_id: Option<OrderId>,
    /// Events about one of these.
    pub aggregate_type: Option<AggregateType>,
    pub aggregate_id: Option<Uuid>,
    /// Such as `OrderCreated`.
    pub event_type: Option<RequiredShortText>,
    /// Everything that one request caused.
    pub correlation_id: Option<RequiredShortText>,
    /// Events that occurred at this instant or later.
    pub from: Option<Timestamp>,
    /// Events that occurred before this instant.
    pub to: Option<Timestamp>,
}

impl Filter {
    /// The same without what the type of event says already; none when nothing can meet both. A condition that every row
    /// of another's index meets, or none of them, would be looked for in all of them.
    #[must_use]
    pub fn reduced(mut self) -> Option<Filter> {
        let implied = self.event_type.as_deref().and_then(AggregateType::of_event);
        if let (Some(implied), Some(wanted)) = (implied, self.aggregate_type) {
            if implied != wanted {
                return None;
            }
            self.aggregate_type = None;
        }
        Some(self)
    }
}

/// Where a page ends: the instant and the position of its last event.
pub type PageEnd = (Timestamp, i64);

/// The events that `filter` asks for, newest first, after `after`.
pub async fn list_events(tx: &mut Tx, filter: Filter, after: Option<PageEnd>, rows: i64) -> Result<Vec<Entry>, Error> {
    match filter.reduced() {
        Some(filter) => select_events(filter, after, rows).rows(tx, entry).await,
        None => Ok(Vec::new()),
    }
}

/// The first condition that is given is answered by its index, which has the order of the list; the others look at the
/// rows it finds. Without statistics a database cannot know which condition is the narrowest, so the others are written
/// in a way that no index serves. The order below is from the narrowest to the widest.
pub fn select_events(filter: Filter, after: Option<PageEnd>, rows: i64) -> Select {
    macro_rules! narrow {
        ($select:ident, $leads:ident, $($column:literal: $value:expr),*) => {
            $(if let Some(value) = $value {
                let condition = match std::mem::take(&mut $leads) {
                    true => concat!($column, " = ?"),
                    false => concat!("COALESCE(", $column, ", ", $column, ") = ?"),
                };
                $select = $select.filter(condition, value);
            })*
        };
    }
    let (mut select, mut leads) = (Select::from(select_entries!("")), true);
    narrow! { select, leads,
        "correlation_id": filter.correlation_id,
        "aggregate_id": filter.aggregate_id,
        "order_id": filter.order_id,
        "user_id": filter.user_id,
        "actor_id": filter.actor_id,
        "event_type": filter.event_type,
        "aggregate_type": filter.aggregate_type
    }
    select = select.filter_some("occurred_at >= ?", filter.from);
    // Positions begin at 1: what lies below (to, 0) occurred before `to`. A page's end lies below that already.
    match after.or(filter.to.map(|to| (to, 0))) {
        Some(page_end) => select.filter_below("(occurred_at, position)", page_end),
        None => select,
    }
    .limit("occurred_at DESC, position DESC", rows)
}

fn entry(row: &mut Row<'_>) -> Result<Entry, Error> {
    Ok(Entry {
        position: row.next()?,
        envelope: Envelope {
            event_id: row.next()?,
            event_type: row.next()?,
            aggregate_type: row.next()?,
            aggregate_id: row.next()?,
            sequence: row.next()?,
            // Only tampering puts something else than JSON there. The chain shows it, and the rest stays readable.
            payload: RawValue::from_string(row.next()?).unwrap_or_else(|_| RawValue::NULL.to_owned()),
            correlation_id: row.next()?,
            causation_id: row.next()?,
            actor_id: row.next()?,
            producer: row.next()?,
            schema_version: row.next()?,
            occurred_at: row.next()?,
        },
        recorded_at: row.next()?,
        hash: row.next()?,
        mentions: Mentions { user_id: row.next()?, order_id: row.next()? },
    })
}
