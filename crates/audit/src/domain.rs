//! The entries of the log and their chain. No async, no I/O, no clock.

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
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// SHA-256.
pub type Hash = [u8; 32];

/// The end of a chain: position and hash of its last entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub position: i64,
    pub hash: Hash,
}

impl Head {
    /// The head of an empty chain.
    pub const START: Head = Head { position: 0, hash: [0; 32] };
}

/// An event at its position in the log.
#[derive(Debug, Clone)]
pub struct Entry {
    pub position: i64,
    pub envelope: Envelope,
    pub recorded_at: Timestamp,
    pub hash: Hash,
    pub mentions: Mentions,
}

impl Entry {
    /// Returns the entry that follows `head`.
    #[must_use]
    pub fn after(head: Head, envelope: Envelope, recorded_at: Timestamp) -> Entry {
        let position = head.position + 1;
        let hash = chained(&head.hash, position, &envelope, recorded_at);
        let mentions = Mentions::of(&envelope.payload);
        Entry { position, envelope, recorded_at, hash, mentions }
    }

    #[must_use]
    pub fn head(&self) -> Head {
        Head { position: self.position, hash: self.hash }
    }

    /// Returns whether this is the unaltered entry that follows `head`: its position, its hash, and the ids that it is
    /// found by.
    #[must_use]
    pub fn follows(&self, head: Head) -> bool {
        self.position == head.position + 1
            && self.hash == chained(&head.hash, self.position, &self.envelope, self.recorded_at)
            && self.mentions == Mentions::of(&self.envelope.payload)
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

/// Returns the hash of an entry: SHA-256 over the previous hash and the entry's fields in this order, each after its
/// length in eight bytes. Numbers are eight bytes, ids sixteen, all big-endian; an absent id is empty. The actor's id
/// comes last and is left out when absent, because older entries have none. This is a format: it must not change.
fn chained(former: &Hash, position: i64, envelope: &Envelope, recorded_at: Timestamp) -> Hash {
    let Envelope {
        event_id,
        event_type,
        aggregate_type,
        aggregate_id,
        sequence,
        payload,
        correlation_id,
        causation_id,
        actor_id,
        producer,
        schema_version,
        occurred_at,
    } = envelope;
    let mut hash = Sha256::new();
    hash.update(former);
    let mut field = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    field(&position.to_be_bytes());
    field(event_id.0.as_bytes());
    field(event_type.as_bytes());
    field(aggregate_type.as_bytes());
    field(aggregate_id.as_bytes());
    field(&sequence.to_be_bytes());
    field(payload.get().as_bytes());
    field(correlation_id.as_bytes());
    field(causation_id.as_ref().map_or(&[][..], |id| id.0.as_bytes()));
    field(producer.as_bytes());
    field(&i64::from(*schema_version).to_be_bytes());
    field(&occurred_at.0.to_be_bytes());
    field(&recorded_at.0.to_be_bytes());
    if let Some(actor) = actor_id {
        field(actor.0.as_bytes());
    }
    hash.finalize().into()
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

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::ids::{EventId, Uuid};
    use proptest::{collection::vec, prelude::*};

    fn envelope(number: u128, payload: &str) -> Envelope {
        Envelope {
            event_id: EventId(Uuid::from_u128(number)),
            event_type: "OrderCreated".into(),
            aggregate_type: "ORDER".into(),
            aggregate_id: Uuid::from_u128(7),
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

    /// Fixed hashes pin the format: later versions must verify a log that was written today.
    #[test]
    fn the_hash_of_an_entry_never_changes() {
        let first = Entry::after(Head::START, envelope(1, r#"{"orderId":"x"}"#), Timestamp(1_767_225_600_000_001));
        assert_eq!(hex(&first.hash), "15df4b973278601a87e4b8e123e65b8762cc5c11fbe9b4f7ddf4ac52ba160823");
        let second =
            Entry::after(first.head(), Envelope { causation_id: Some(EventId(Uuid::from_u128(1))), ..envelope(2, "{}") }, Timestamp(2));
        assert_eq!(hex(&second.hash), "a13e7586025c5dafd7ec862bd53a8a80cbcefc524389b58956dd9a421b361c03");
        let third = Entry::after(second.head(), Envelope { actor_id: Some(UserId(Uuid::from_u128(5))), ..envelope(3, "{}") }, Timestamp(3));
        assert_eq!(hex(&third.hash), "1f32f76fbe5a509d9acd758815747d1afd48f4b566c70a6917b672cecc0beb12");
    }

    #[test]
    fn the_hash_covers_every_field_and_separates_adjacent_fields() {
        let base = envelope(1, "{}");
        let now = Timestamp(5);
        let whole = chained(&[0; 32], 1, &base, now);
        let others = [
            Envelope { event_id: EventId(Uuid::from_u128(2)), ..base.clone() },
            Envelope { event_type: "OrderCreate".into(), aggregate_type: "dORDER".into(), ..base.clone() },
            Envelope { aggregate_type: "ORDE".into(), ..base.clone() },
            Envelope { aggregate_id: Uuid::from_u128(8), ..base.clone() },
            Envelope { sequence: 2, ..base.clone() },
            Envelope { payload: envelope(1, "{ }").payload, ..base.clone() },
            Envelope { correlation_id: "c-1o".into(), producer: "rder".into(), ..base.clone() },
            Envelope { causation_id: Some(EventId(Uuid::nil())), ..base.clone() },
            Envelope { actor_id: Some(UserId(Uuid::nil())), ..base.clone() },
            Envelope { producer: "payment".into(), ..base.clone() },
            Envelope { schema_version: 2, ..base.clone() },
            Envelope { occurred_at: Timestamp(0), ..base.clone() },
        ];
        for other in &others {
            assert_ne!(chained(&[0; 32], 1, other, now), whole, "{other:?}");
        }
        assert_ne!(chained(&[1; 32], 1, &base, now), whole);
        assert_ne!(chained(&[0; 32], 2, &base, now), whole);
        assert_ne!(chained(&[0; 32], 1, &base, Timestamp(6)), whole);
    }

    #[test]
    fn a_type_of_event_is_about_one_type_of_aggregate() {
        for kind in registry::events() {
            assert_eq!(aggregate_of(kind.event_type), Some(kind.aggregate), "{}", kind.event_type);
            assert_eq!(check_aggregate_type(kind.aggregate), Ok(()));
        }
        assert_eq!(aggregate_of("OrderTeleported"), None);
    }

    #[test]
    fn a_gap_breaks_the_chain_even_if_every_hash_is_right() {
        let gapped = Entry::after(Head { position: 1, hash: [0; 32] }, envelope(1, "{}"), Timestamp(5));
        assert!(!gapped.follows(Head::START));
        assert!(gapped.follows(Head { position: 1, hash: [0; 32] }));
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

    proptest! {
        #[test]
        fn a_chain_is_valid_until_an_entry_is_changed_moved_or_removed(texts in vec("[a-z]{0,8}", 2..12), at in any::<prop::sample::Index>(), how in 0..4_u8) {
            let mut entries: Vec<Entry> = Vec::new();
            for (number, text) in texts.iter().enumerate() {
                let head = entries.last().map_or(Head::START, Entry::head);
                entries.push(Entry::after(head, envelope(number as u128, &format!("{{\"text\":\"{text}\"}}")), Timestamp(9)));
            }
            let first_break = |entries: &[Entry]| {
                let mut head = Head::START;
                entries.iter().find(|entry| {
                    let follows = entry.follows(head);
                    head = entry.head();
                    !follows
                }).map(|entry| entry.position)
            };
            prop_assert_eq!(first_break(&entries), None);
            let at = at.index(entries.len() - 1);
            match how {
                0 => entries[at].envelope.producer.push('x'),
                1 => entries.swap(at, at + 1),
                2 => { entries.remove(at); }
                _ => entries[at].mentions.user_id = Some(UserId(Uuid::nil())),
            }
            prop_assert!(first_break(&entries).is_some());
        }
    }
}
