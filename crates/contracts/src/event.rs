//! The envelope of every event, and the declaration of event types.

use crate::{
    ids::{EventId, UserId, Uuid},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

/// A fact that a service committed. Within one aggregate `sequence` counts 1, 2, 3 … without gaps; across aggregates
/// there is no order. It is delivered at least once; a repetition has the same `eventId`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    pub event_id: EventId,
    /// Past tense, such as `OrderCreated`.
    pub event_type: String,
    /// Upper case, such as `ORDER`.
    pub aggregate_type: String,
    pub aggregate_id: Uuid,
    /// 1 for the aggregate's first event.
    pub sequence: i64,
    /// The fields of the event; `eventType` and `schemaVersion` name their schema.
    #[schemars(with = "serde_json::Value")]
    pub payload: Box<RawValue>,
    /// The id of the request that caused it, directly or through other events.
    pub correlation_id: String,
    /// The event that directly caused this one; null when a request or a timer did.
    pub causation_id: Option<EventId>,
    /// The user whose request caused it, directly or through other events; null when a service acted without a request,
    /// for example after a timeout.
    pub actor_id: Option<UserId>,
    /// The service that published it.
    pub producer: String,
    pub schema_version: u32,
    pub occurred_at: Timestamp,
}

/// A type of event. A field may be added with a default; every other change needs a new `VERSION`, and consumers read both.
pub trait Event: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// In the past tense, such as `OrderCreated`.
    const TYPE: &'static str;
    /// The type of the aggregate in upper case, such as `ORDER`.
    const AGGREGATE: &'static str;
    /// The service that publishes it.
    const PRODUCER: &'static str;
    const VERSION: u32;
    /// The id of the aggregate: the key for ordering and partitioning.
    fn aggregate_id(&self) -> Uuid;
}

/// An event type without its Rust type, for documents and tests.
pub struct EventSpec {
    pub event_type: &'static str,
    pub aggregate: &'static str,
    pub producer: &'static str,
    pub version: u32,
    pub description: &'static str,
    /// The Rust name of the field that holds the aggregate's id.
    pub key: &'static str,
    pub schema: fn() -> schemars::Schema,
    /// Deserializes a payload and serializes it again, which shows whether it fits and which fields are known.
    ///
    /// # Errors
    /// The error of serde when the payload does not fit.
    pub round_trip: fn(&str) -> serde_json::Result<String>,
}

/// Declares the events that the service of this module publishes, and lists them as `EVENTS`. Each aggregate begins with
/// its type and the field that holds its id. `v 2` after a name is the version of its schema; without it, 1.
///
/// ```ignore
/// events! {
///     "ORDER", order_id: OrderId;
///     /// A customer placed an order.
///     OrderCreated { total_amount: i64 }
/// }
/// ```
#[macro_export]
macro_rules! events {
    ($($aggregate:literal, $key:ident : $id:ty;
       $($(#[doc = $description:literal])* $name:ident $(v $version:literal)? { $($(#[$field_meta:meta])* $field:ident : $type:ty),* $(,)? })*)*) => {
        $($(
            $(#[doc = $description])*
            #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
            #[serde(rename_all = "camelCase")]
            pub struct $name { pub $key: $id, $($(#[$field_meta])* pub $field: $type),* }

            impl $crate::event::Event for $name {
                const TYPE: &'static str = stringify!($name);
                const AGGREGATE: &'static str = $aggregate;
                const PRODUCER: &'static str = NAME;
                const VERSION: u32 = $crate::events!(@version $($version)?);
                fn aggregate_id(&self) -> $crate::ids::Uuid { self.$key.into() }
            }
        )*)*
        /// Every event that this service publishes.
        pub const EVENTS: &[$crate::event::EventSpec] = &[$($(
            $crate::event::EventSpec {
                event_type: stringify!($name),
                aggregate: $aggregate,
                producer: NAME,
                version: $crate::events!(@version $($version)?),
                description: concat!($($description, "\n"),*),
                key: stringify!($key),
                schema: || schemars::schema_for!($name),
                round_trip: |payload| serde_json::to_string(&serde_json::from_str::<$name>(payload)?),
            },
        )*)*];
        const _: () = assert!(SERVICE.events.len() == EVENTS.len(), "SERVICE lists EVENTS");
    };
    (@version) => { 1 };
    (@version $version:literal) => { $version };
}
