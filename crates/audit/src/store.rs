//! The only SQL of the service. No statement changes or deletes a row of `events`.

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

/// Returns the end of the chain.
pub async fn find_head(tx: &mut Tx) -> Result<Head, Error> {
    let head = tx.query_opt("SELECT position, hash FROM chain_heads WHERE chain = $1", params![CHAIN], |row| {
        Ok(Head { position: row.next()?, hash: row.next()? })
    });
    Ok(head.await?.unwrap_or(Head::START))
}

/// As [`find_head`], with the row locked until the commit, so that entries are appended one after the other.
pub async fn lock_head(tx: &mut Tx) -> Result<Head, Error> {
    find_head(tx).await
}

/// Appends an entry. Returns `false` and changes nothing when its event is recorded already.
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

/// Returns the next entries after `position`, in the order of the chain.
pub async fn read_after(tx: &mut Tx, position: i64, limit: usize) -> Result<Vec<Entry>, Error> {
    tx.query(select_entries!(" WHERE position > $1 ORDER BY position LIMIT $2"), params![position, limit], entry).await
}

/// Selects events.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Filter {
    /// Events that refer to this user.
    pub user_id: Option<UserId>,
    /// Events that followed from requests of this person.
    pub actor_id: Option<UserId>,
    /// Events that refer to this order.
    pub order_id: Option<OrderId>,
    /// Events about one of these.
    pub aggregate_type: Option<AggregateType>,
    pub aggregate_id: Option<Uuid>,
    /// Such as `OrderCreated`.
    pub event_type: Option<RequiredShortText>,
    /// Events that one request caused.
    pub correlation_id: Option<RequiredShortText>,
    /// Events that occurred at this instant or later.
    pub from: Option<Timestamp>,
    /// Events that occurred before this instant.
    pub to: Option<Timestamp>,
}

impl Filter {
    /// Returns the filter without the condition that the event type implies, or `None` when no event can match both.
    /// The database would otherwise check that condition on every row of the event type.
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

/// The end of a page: time and position of its last event.
pub type PageEnd = (Timestamp, i64);

/// Returns the events that match `filter` after `after`, newest first.
pub async fn list_events(tx: &mut Tx, filter: Filter, after: Option<PageEnd>, rows: i64) -> Result<Vec<Entry>, Error> {
    match filter.reduced() {
        Some(filter) => select_events(filter, after, rows).rows(tx, entry).await,
        None => Ok(Vec::new()),
    }
}

/// Builds the query. The index of the first given condition finds the rows in the order of the list; the other
/// conditions are checked on these rows. Without statistics a database cannot know the narrowest condition, so the
/// other ones are written such that no index serves them. They are ordered below from the narrowest to the widest.
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
    // Positions start at 1, so rows below (to, 0) occurred before `to`. The end of a page is below that already.
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
            // Only tampering stores anything other than JSON there. The chain reveals it, and the other rows stay
            // readable.
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
