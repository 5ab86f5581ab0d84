//! The chain of earlier versions, SHA-256 without a key. It is checked once more before an entry joins the present chain.

use super::{Entry, Hash, Head, Mentions};
use contracts::{event::Envelope, time::Timestamp};
use sha2::{Digest, Sha256};

/// The head of an empty former chain.
pub const FORMER_START: Head = Head { position: 0, hash: [0; 32] };

impl Entry {
    /// Returns whether this is the unaltered entry that follows `head` in the former chain: its position, its hash, and the
    /// ids that it is found by.
    #[must_use]
    pub fn follows_former(&self, head: Head) -> bool {
        self.position == head.position + 1
            && self.hash == chained(&head.hash, self.position, &self.envelope, self.recorded_at)
            && self.mentions == Mentions::of(&self.envelope.payload)
    }
}

/// Returns the hash of an entry: SHA-256 over the previous hash and the entry's fields in this order, each after its
/// length in eight bytes. Numbers are eight bytes, ids sixteen, all big-endian; an absent id is empty. The actor's id
/// comes last and is left out when absent, because older entries have none. This is a format: it must not change.
pub fn chained(former: &Hash, position: i64, envelope: &Envelope, recorded_at: Timestamp) -> Hash {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sample_envelope as envelope;
    use contracts::ids::{EventId, UserId, Uuid};
    use platform::hex::encode as hex;

    /// Logs of earlier versions must still be checked as they were written.
    #[test]
    fn the_hash_of_a_former_entry_never_changes() {
        let first = chained(&[0; 32], 1, &envelope(1, r#"{"orderId":"x"}"#), Timestamp(1_767_225_600_000_001));
        assert_eq!(hex(&first), "15df4b973278601a87e4b8e123e65b8762cc5c11fbe9b4f7ddf4ac52ba160823");
        let caused = Envelope { causation_id: Some(EventId(Uuid::from_u128(1))), ..envelope(2, "{}") };
        let second = chained(&first, 2, &caused, Timestamp(2));
        assert_eq!(hex(&second), "a13e7586025c5dafd7ec862bd53a8a80cbcefc524389b58956dd9a421b361c03");
        let acted = Envelope { actor_id: Some(UserId(Uuid::from_u128(5))), ..envelope(3, "{}") };
        assert_eq!(hex(&chained(&second, 3, &acted, Timestamp(3))), "1f32f76fbe5a509d9acd758815747d1afd48f4b566c70a6917b672cecc0beb12");
    }
}
