//! Audit: every event of every service, stored for good in a chain of hashes.

use crate::{
    calls, events,
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
    events: EVENTS,
    calls: CALLS,
    paths: &["/audit"],
};

/// An event in the audit log.
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
    /// The fields of the event.
    pub payload: serde_json::Value,
    /// The id of the request that caused it, directly or through other events.
    pub correlation_id: String,
    /// The event that directly caused this one; null when there is none.
    pub causation_id: Option<EventId>,
    /// The user whose request caused it; null when there is none.
    pub actor_id: Option<UserId>,
    /// The service that published it.
    pub producer: String,
    /// The version of the schema of `payload`.
    pub schema_version: u32,
    /// When it occurred.
    pub occurred_at: Timestamp,
    /// When it was added to the log.
    pub recorded_at: Timestamp,
    /// Its position in the log, from 1 without gaps.
    pub position: i64,
    /// HMAC-SHA-256, in hexadecimal, over the hash of the previous entry and this entry, under a key of the installation.
    pub hash: String,
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

/// What a check of the log is compared with.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CheckFilter {
    /// A head that was noted before, as `POSITION:HASH`. A log that does not have this entry any more was changed.
    pub head: Option<RequiredShortText>,
}

/// The result of a check of the whole log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditCheck {
    /// Whether each entry follows from the one before, and the log ends where its head says.
    pub intact: bool,
    /// How many entries were read.
    pub checked: i64,
    /// The last entry that was checked, as `POSITION:HASH`; null for an empty log. Noted elsewhere it shows later that entries are
    /// missing.
    pub head: Option<String>,
    /// A sentence for each fault.
    pub faults: Vec<String>,
    /// What is worth knowing and is no fault.
    pub notes: Vec<String>,
}

events! {
    "AUDIT_LOG", log_id: Uuid;
    /// The audit log had this end, noted once a day. A log that does not have this entry any more was changed.
    AuditHeadRecorded { position: i64, hash: String }
}

/// The aggregate of [`AuditHeadRecorded`]: an installation has one log.
pub const LOG_ID: Uuid = Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001);

calls! {
    /// Lists the events of all services, the newest first.
    LIST_AUDIT_EVENTS: get(()) -> Page<DomainEvent>, "/audit/events", query EventFilter;
    /// Checks the whole log: its chain and its end. Within the time of a request it reads some hundred thousand entries; `souk audit
    /// verify` reads longer logs, and compares them with what the services announced as well.
    CHECK_AUDIT_LOG: get(()) -> AuditCheck, "/audit/check", query CheckFilter;
}
