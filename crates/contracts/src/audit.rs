//! Audit: every event of every service, kept for good in a chain of hashes.

use crate::{
    calls,
    ids::{EventId, OrderId, UserId, Uuid},
    page::Page,
    service::ServiceSpec,
    text::RequiredShortText,
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The service's name.
pub const NAME: &str = "audit";

/// The contract of this service.
pub const SERVICE: ServiceSpec = ServiceSpec {
    name: NAME,
    description: "Keeps every event of every service for good, in a chain of hashes.",
    machines: &[],
    events: &[],
    calls: CALLS,
    paths: &["/audit"],
};

/// An event as the audit log keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DomainEvent {
    pub event_id: EventId,
    /// Past tense, such as `OrderCreated`.
    pub event_type: String,
    /// Upper case, such as `ORDER`.
    pub aggregate_type: String,
    pub aggregate_id: Uuid,
    /// Counts the events of the aggregate from 1.
    pub sequence: i64,
    /// The event's own fields.
    pub payload: serde_json::Value,
    /// The request that all this began with.
    pub correlation_id: String,
    /// The event this one followed from; null when it was none.
    pub causation_id: Option<EventId>,
    /// The person whose request it followed from; null when nobody's did.
    pub actor_id: Option<UserId>,
    /// The service that emitted it.
    pub producer: String,
    /// The version of the schema of `payload`.
    pub schema_version: u32,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the log took it.
    pub recorded_at: Timestamp,
    /// Its place in the log, from 1 without gaps.
    pub position: i64,
    /// SHA-256, in hexadecimal, over the former entry's hash and this entry.
    pub hash: String,
}

/// Whether the audit log is what it was when it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChainReport {
    /// How many entries were checked.
    pub checked: i64,
    /// Whether every hash is right.
    pub intact: bool,
    /// The first position whose hash is wrong.
    pub broken_at: Option<i64>,
    /// The hash of the last entry that was checked.
    pub head: Option<String>,
}

/// Which events a list shows.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EventFilter {
    /// Events that name this user.
    pub user_id: Option<UserId>,
    /// Events that followed from requests of this user.
    pub actor_id: Option<UserId>,
    /// Events that name this order.
    pub order_id: Option<OrderId>,
    /// Events about aggregates of this type, such as `ORDER`.
    pub aggregate_type: Option<RequiredShortText>,
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

calls! {
    /// Lists the events of all services, the newest first.
    LIST_EVENTS: get(()) -> Page<DomainEvent>, "/audit/events", query EventFilter;
}
