//! The envelope every event travels in, and what an event type says of itself.

use crate::{
    ids::{EventId, UserId, Uuid},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

/// A fact that a service committed. Within one aggregate `sequence` counts 1, 2, 3 … without gaps; across aggregates
/// there is no order. It is delivered at least once: `eventId` tells a repetition.
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
    /// The event's own fields; their schema is named by `eventType` and `schemaVersion`.
    #[schemars(with = "serde_json::Value")]
    pub payload: Box<RawValue>,
    /// The request that all this began with.
    pub correlation_id: String,
    /// The event that this one followed from, if it was one.
    pub causation_id: Option<EventId>,
    /// The person whose request this followed from, at once or by way of other events; null when nobody's did: what a
    /// service does by itself, later, is its own.
    pub actor_id: Option<UserId>,
    /// The service that emitted it.
    pub producer: String,
    pub schema_version: u32,
    pub occurred_at: Timestamp,
}

/// A type of event. Fields may be added with a default; anything else is a new `VERSION`, and readers take both.
pub trait Event: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// As in the requirements, such as `OrderCreated`.
    const TYPE: &'static str;
    /// The aggregate's kind in upper case, such as `ORDER`.
    const AGGREGATE: &'static str;
    /// The service that emits it.
    const PRODUCER: &'static str;
    const VERSION: u32;
    /// Which aggregate it is about: the key of ordering and of partitioning.
    fn aggregate_id(&self) -> Uuid;
}

/// What the catalogue of events says of one type.
pub struct EventSpec {
    pub event_type: &'static str,
    pub aggregate: &'static str,
    pub producer: &'static str,
    pub version: u32,
    pub description: &'static str,
    /// The field that holds the aggregate's id, as it is named in Rust.
    pub key: &'static str,
    pub schema: fn() -> schemars::Schema,
    /// Reads a payload as this type and writes it again: whether it fits, and what of it this version knows.
    ///
    /// # Errors
    /// When the payload does not fit.
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
