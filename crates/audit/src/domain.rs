//! The entries of the log and their chain. No async, no I/O, no clock.

mod chain;
mod former;

pub use chain::{ChainKey, FormerChain, Hash, Head, NO_TAG, StoredHead};
pub use former::FORMER_START;
#[cfg(test)]
pub use former::chained;

use contracts::{
    audit::DomainEvent,
    event::Envelope,
    ids::{OrderId, UserId},
    problem::Fault,
    registry,
    time::Timestamp,
};
use platform::hex::encode as hex;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::collections::BTreeSet;

/// An event at its position in the log.
#[derive(Debug, Clone)]
pub struct Entry {
    pub position: i64,
    pub envelope: Envelope,
    pub recorded_at: Timestamp,
    pub hash: Hash,
    /// `None` while the entry is still in the former chain.
    pub payload_digest: Option<Hash>,
    pub mentions: Mentions,
    /// Set when the payload lost fields, because its user was erased.
    pub erasure_tag: Option<Hash>,
}

impl Entry {
    #[must_use]
    pub fn head(&self) -> Head {
        Head { position: self.position, hash: self.hash }
    }

    /// Returns the entry as administrators see it.
    ///
    /// # Errors
    /// When the payload is not JSON.
    pub fn view(self) -> serde_json::Result<DomainEvent> {
        let payload = serde_json::from_str(self.envelope.payload.get())?;
        let envelope = self.envelope;
        Ok(DomainEvent {
            event_id: envelope.event_id,
            event_type: envelope.event_type,
            aggregate_type: envelope.aggregate_type,
            aggregate_id: envelope.aggregate_id,
            sequence: envelope.sequence,
            payload,
            correlation_id: envelope.correlation_id,
            causation_id: envelope.causation_id,
            actor_id: envelope.actor_id,
            producer: envelope.producer,
            schema_version: envelope.schema_version,
            occurred_at: envelope.occurred_at,
            recorded_at: self.recorded_at,
            position: self.position,
            hash: hex(&self.hash),
        })
    }
}

/// The ids that an event refers to, at the top level of its payload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mentions {
    pub user_id: Option<UserId>,
    pub order_id: Option<OrderId>,
}

impl Mentions {
    /// Returns no id for a bad id or a payload that is not an object: every event is recorded, whatever its shape.
    #[must_use]
    pub fn of(payload: &RawValue) -> Mentions {
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        struct Fields<'a> {
            #[serde(borrow)]
            user_id: Option<&'a RawValue>,
            #[serde(borrow)]
            order_id: Option<&'a RawValue>,
        }
        fn id<T: DeserializeOwned>(field: Option<&RawValue>) -> Option<T> {
            serde_json::from_str(field?.get()).ok()
        }
        let fields: Fields<'_> = serde_json::from_str(payload.get()).unwrap_or_default();
        Mentions { user_id: id(fields.user_id), order_id: id(fields.order_id) }
    }
}

/// Returns the type of aggregate of an event type, or `None` when the catalogue does not have it.
#[must_use]
pub fn aggregate_of(event_type: &str) -> Option<&'static str> {
    registry::events().find(|kind| kind.event_type == event_type).map(|kind| kind.aggregate)
}

/// Checks that the catalogue has events about aggregates of this type.
///
/// # Errors
/// The fault of the parameter `aggregateType`.
pub fn check_aggregate_type(aggregate_type: &str) -> Result<(), Fault> {
    let all: BTreeSet<&str> = registry::events().map(|kind| kind.aggregate).collect();
    if all.contains(aggregate_type) {
        return Ok(());
    }
    let detail = format!("must be one of {}", Vec::from_iter(all).join(" "));
    Err(Fault::parameter("aggregateType", "UNKNOWN_VALUE", detail))
}

/// The event of which the hashes in the tests of both chains are known.
#[cfg(test)]
fn sample_envelope(number: u128, payload: &str) -> Envelope {
    Envelope {
        event_id: contracts::ids::EventId(contracts::ids::Uuid::from_u128(number)),
        event_type: "OrderCreated".into(),
        aggregate_type: "ORDER".into(),
        aggregate_id: contracts::ids::Uuid::from_u128(7),
        sequence: 1,
        payload: RawValue::from_string(payload.to_owned()).unwrap(),
        correlation_id: "c-1".into(),
        causation_id: None,
        actor_id: None,
        producer: "order".into(),
        schema_version: 1,
        occurred_at: Timestamp(1_767_225_600_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_of_event_is_about_one_type_of_aggregate() {
        for kind in registry::events() {
            assert_eq!(aggregate_of(kind.event_type), Some(kind.aggregate), "{}", kind.event_type);
            assert_eq!(check_aggregate_type(kind.aggregate), Ok(()));
        }
        assert_eq!(aggregate_of("OrderTeleported"), None);
    }

    #[test]
    fn an_event_mentions_the_user_and_the_order_of_its_top_level() {
        let (user, order) = ("0190a1b2-0000-7000-8000-000000000001", "0190a1b2-0000-7000-8000-000000000002");
        let of = |payload: String| Mentions::of(&RawValue::from_string(payload).unwrap());
        let both = of(format!(r#"{{"userId":"{user}","items":[{{"orderId":"{user}"}}],"orderId":"{order}"}}"#));
        assert_eq!((both.user_id.unwrap().to_string(), both.order_id.unwrap().to_string()), (user.to_owned(), order.to_owned()));
        assert_eq!(of(format!(r#"{{"orderId":7,"userId":"{user}"}}"#)), Mentions { order_id: None, ..both });
        assert_eq!(of(format!(r#"{{"order":{{"orderId":"{order}"}},"userId":null}}"#)), Mentions::default());
        for odd in ["[]", "7", "null", "\"userId\"", r#"{"userId":"Mara"}"#] {
            assert_eq!(of(odd.to_owned()), Mentions::default(), "{odd}");
        }
    }
}
