//! The chain: each entry's hash covers the entry and the hash before it, under a key of the installation.

use super::{Entry, Mentions};
use contracts::{event::Envelope, time::Timestamp};
use hmac::{Hmac, KeyInit as _, Mac as _};
use platform::{hex, master_key::MasterKey};
use serde_json::value::RawValue;
use sha2::Sha256;
use std::{fmt, str::FromStr};

/// HMAC-SHA-256; in a former chain, SHA-256.
pub type Hash = [u8; 32];

/// The end of a chain: position and hash of its last entry. Its text is `position:hash`, the hash in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub position: i64,
    pub hash: Hash,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.position, hex::encode(&self.hash))
    }
}

impl FromStr for Head {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Head, &'static str> {
        let wrong = "a head is a position, a colon and 64 hexadecimal digits, as `souk audit head` prints it";
        let (position, hash) = text.trim().split_once(':').ok_or(wrong)?;
        let is_number = !position.is_empty() && position.bytes().all(|byte| byte.is_ascii_digit());
        let position = position.parse().ok().filter(|_| is_number).ok_or(wrong)?;
        let hash = hex::decode(hash).and_then(|bytes| bytes.try_into().ok()).ok_or(wrong)?;
        Ok(Head { position, hash })
    }
}

/// The head as it is stored, with the tag that only the installation can make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredHead {
    pub head: Head,
    pub tag: Hash,
}

/// The tag of a head that follows one whose tag was wrong. It is never right, so the fault stays visible.
pub const NO_TAG: Hash = [0; 32];

/// The end of the chain that the log had before its hashes were made with a key, and where that chain was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerChain {
    pub head: Head,
    pub broken_at: Option<i64>,
}

/// The key of the chain, derived from the installation's master key. Whoever does not have it can make no hash that
/// verifies.
#[derive(Clone)]
pub struct ChainKey(Hmac<Sha256>);

impl ChainKey {
    /// # Panics
    /// Never: HMAC takes keys of any length.
    #[must_use]
    pub fn new(master_key: &MasterKey) -> ChainKey {
        let key = master_key.key_for("audit-chain");
        ChainKey(Hmac::new_from_slice(&key).expect("HMAC takes keys of any length"))
    }

    /// Returns the HMAC of `purpose` and the fields, each after its length in eight bytes, big-endian. The purposes keep a
    /// hash of one kind from being used as another.
    fn mac(&self, purpose: &str, fields: &[&[u8]]) -> Hash {
        let mut mac = self.0.clone();
        for field in std::iter::once(purpose.as_bytes()).chain(fields.iter().copied()) {
            mac.update(&(field.len() as u64).to_be_bytes());
            mac.update(field);
        }
        mac.finalize().into_bytes().into()
    }

    /// Returns where the chain begins. It covers the end of a former chain, so that this cannot be changed either.
    #[must_use]
    pub fn start(&self, former: Option<&FormerChain>) -> Head {
        let hash = match former {
            None => self.mac("start", &[]),
            Some(FormerChain { head, broken_at }) => {
                let broken_at = broken_at.map(i64::to_be_bytes);
                self.mac("start", &[&head.position.to_be_bytes(), &head.hash, broken_at.as_ref().map_or(&[], |at| at)])
            }
        };
        Head { position: 0, hash }
    }

    /// Returns the tag of a head. Nobody else can make the one of an earlier head to hide that entries at the end are gone.
    #[must_use]
    pub fn tag(&self, head: Head) -> Hash {
        self.mac("head", &[&head.position.to_be_bytes(), &head.hash])
    }

    /// Returns the head with its tag.
    #[must_use]
    pub fn tagged(&self, head: Head) -> StoredHead {
        StoredHead { head, tag: self.tag(head) }
    }

    #[must_use]
    pub fn is_tagged(&self, stored: &StoredHead) -> bool {
        stored.tag == self.tag(stored.head)
    }

    /// Returns the digest of a payload as it is stored. It has a key, because a plain digest of few unknown fields can be
    /// reversed by trying.
    #[must_use]
    pub fn digest(&self, payload: &str) -> Hash {
        self.mac("payload", &[payload.as_bytes()])
    }

    /// Returns the entry that follows `head`.
    #[must_use]
    pub fn append(&self, head: Head, envelope: Envelope, recorded_at: Timestamp) -> Entry {
        let (position, mentions) = (head.position + 1, Mentions::of(&envelope.payload));
        self.relink(head, Entry { position, envelope, recorded_at, hash: head.hash, payload_digest: None, mentions, erasure_tag: None })
    }

    /// Returns the entry of a former chain as the next one of this chain. Nothing but its hash changes.
    #[must_use]
    pub fn relink(&self, head: Head, entry: Entry) -> Entry {
        let digest = self.digest(entry.envelope.payload.get());
        Entry { hash: self.hash(head.hash, &entry, digest), payload_digest: Some(digest), ..entry }
    }

    /// Returns whether this is the unaltered entry that follows `head`.
    #[must_use]
    pub fn follows(&self, head: Head, entry: &Entry) -> bool {
        let Some(digest) = entry.payload_digest else { return false };
        entry.position == head.position + 1 && self.is_payload_of(entry, digest) && entry.hash == self.hash(head.hash, entry, digest)
    }

    /// Returns whether the payload is the one with this digest, or what this installation left of it.
    fn is_payload_of(&self, entry: &Entry, digest: Hash) -> bool {
        let payload = entry.envelope.payload.get();
        entry.erasure_tag.map_or_else(|| digest == self.digest(payload), |tag| tag == self.erasure_tag(entry.position, digest, payload))
    }

    fn erasure_tag(&self, position: i64, digest: Hash, payload: &str) -> Hash {
        self.mac("erased", &[&position.to_be_bytes(), &digest, payload.as_bytes()])
    }

    /// Returns the entry with what is left of its payload. Nobody but this installation can make such an entry. `None` for one that
    /// does not have its own payload, which stays for [`verify`](crate::verify) to report.
    #[must_use]
    pub fn erase(&self, mut entry: Entry, payload: Box<RawValue>) -> Option<Entry> {
        let digest = entry.payload_digest.filter(|digest| self.is_payload_of(&entry, *digest))?;
        entry.erasure_tag = Some(self.erasure_tag(entry.position, digest, payload.get()));
        entry.envelope.payload = payload;
        Some(entry)
    }

    /// Returns the hash of an entry: of the hash before and of every stored field, the payload by its digest. Numbers are
    /// eight bytes, ids sixteen, all big-endian; an absent id is empty. This is a format: it must not change.
    fn hash(&self, before: Hash, entry: &Entry, digest: Hash) -> Hash {
        let Entry { position, envelope, recorded_at, mentions, hash: _, payload_digest: _, erasure_tag: _ } = entry;
        let Envelope {
            event_id,
            event_type,
            aggregate_type,
            aggregate_id,
            sequence,
            payload: _,
            correlation_id,
            causation_id,
            actor_id,
            producer,
            schema_version,
            occurred_at,
        } = envelope;
        let id = |id: Option<contracts::ids::Uuid>| id.map(uuid_bytes);
        let (cause, actor) = (id(causation_id.map(Into::into)), id(actor_id.map(Into::into)));
        let (user, order) = (id(mentions.user_id.map(Into::into)), id(mentions.order_id.map(Into::into)));
        fn optional(id: &Option<[u8; 16]>) -> &[u8] {
            id.as_ref().map_or(&[], |id| id)
        }
        self.mac(
            "entry",
            &[
                &before,
                &position.to_be_bytes(),
                event_id.0.as_bytes(),
                event_type.as_bytes(),
                aggregate_type.as_bytes(),
                aggregate_id.as_bytes(),
                &sequence.to_be_bytes(),
                &digest,
                correlation_id.as_bytes(),
                optional(&cause),
                optional(&actor),
                producer.as_bytes(),
                &i64::from(*schema_version).to_be_bytes(),
                &occurred_at.0.to_be_bytes(),
                &recorded_at.0.to_be_bytes(),
                optional(&user),
                optional(&order),
            ],
        )
    }
}

fn uuid_bytes(id: contracts::ids::Uuid) -> [u8; 16] {
    *id.as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sample_envelope as envelope;
    use contracts::ids::{EventId, UserId, Uuid};
    use proptest::{collection::vec, prelude::*};

    fn key() -> ChainKey {
        ChainKey::new(&MasterKey::new([7; 32]))
    }

    fn entry(head: Head, number: u128, payload: &str) -> Entry {
        key().append(head, envelope(number, payload), Timestamp(5))
    }

    /// Fixed hashes pin the format: later versions must verify a log that was written today.
    #[test]
    fn the_hashes_never_change() {
        let start = key().start(None);
        let first = key().append(start, envelope(1, r#"{"orderId":"0190a1b2-0000-7000-8000-000000000002"}"#), Timestamp(6));
        let all = Envelope { causation_id: Some(EventId(Uuid::nil())), actor_id: Some(UserId(Uuid::max())), ..envelope(2, "{}") };
        let second = key().append(first.head(), all, Timestamp(7));
        let former = FormerChain { head: second.head(), broken_at: Some(9) };
        let found = [start.hash, first.hash, second.hash, key().tag(second.head()), key().start(Some(&former)).hash];
        assert_eq!(
            found.map(|hash| hex::encode(&hash)),
            [
                "604941be6d4132cf6395e5c327b86c9fadc29473051baf4dce091abc759f3cb4",
                "1a0e840a83058e8c682893c24fd2648533213a96742cb2d9faa947fc360c7bd2",
                "f850b5e063f85a8f93a9cac6d3df6f6709c8ed4c99bd743cdbb9d910f6d4810e",
                "48d2012ddad22ae627a0fe7792785090f3b32a2cb797d66ed718558b24f92e57",
                "5d621554305b44295d1fc1cd57791cbf3e3551c2db6d2446b03336ba2d0c44f2",
            ]
        );
    }

    #[test]
    fn the_hash_covers_every_stored_field_and_separates_adjacent_fields() {
        let start = key().start(None);
        let whole = entry(start, 1, "{}");
        let base = &whole.envelope;
        let envelopes = [
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
        let mut others: Vec<Entry> = envelopes.into_iter().map(|envelope| Entry { envelope, ..whole.clone() }).collect();
        others.push(Entry { position: 2, ..whole.clone() });
        others.push(Entry { recorded_at: Timestamp(6), ..whole.clone() });
        others.push(Entry { payload_digest: None, ..whole.clone() });
        others.push(Entry { payload_digest: Some(key().digest("{ }")), ..whole.clone() });
        others.push(Entry { mentions: Mentions { user_id: Some(UserId(Uuid::nil())), order_id: None }, ..whole.clone() });
        others.push(Entry { mentions: Mentions { user_id: None, order_id: Some(Uuid::nil().into()) }, ..whole.clone() });
        assert!(key().follows(start, &whole));
        for other in &others {
            assert!(!key().follows(start, other), "{other:?}");
        }
        assert!(!key().follows(Head { hash: [1; 32], ..start }, &whole));
    }

    #[test]
    fn another_installation_can_make_no_hash_and_no_tag() {
        let (ours, theirs) = (key(), ChainKey::new(&MasterKey::new([8; 32])));
        let start = ours.start(None);
        let forged = theirs.append(start, envelope(1, "{}"), Timestamp(5));
        assert!(theirs.follows(start, &forged) && !ours.follows(start, &forged));
        assert!(theirs.is_tagged(&theirs.tagged(start)) && !ours.is_tagged(&theirs.tagged(start)));
        assert!(!ours.is_tagged(&StoredHead { head: start, tag: NO_TAG }));
    }

    #[test]
    fn the_start_covers_the_former_chain() {
        let former = FormerChain { head: Head { position: 3, hash: [3; 32] }, broken_at: None };
        let starts = [
            key().start(None),
            key().start(Some(&former)),
            key().start(Some(&FormerChain { broken_at: Some(2), ..former.clone() })),
            key().start(Some(&FormerChain { head: Head { position: 4, ..former.head }, ..former.clone() })),
        ];
        for (at, start) in starts.iter().enumerate() {
            assert!(!starts[..at].contains(start), "{at}");
        }
    }

    #[test]
    fn a_head_is_read_as_it_is_printed() {
        let head = Head { position: 4_711, hash: [0xab; 32] };
        assert_eq!(format!(" {head}\n").parse(), Ok(head));
        let hash = "ab".repeat(32);
        for wrong in [
            "",
            "4711",
            &hash,
            &format!(":{hash}"),
            &format!("-1:{hash}"),
            &format!("+1:{hash}"),
            &format!("x:{hash}"),
            "1:ab",
            &format!("1:{hash}ab"),
        ] {
            assert!(wrong.parse::<Head>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_chain_is_valid_until_an_entry_is_changed_moved_or_removed(texts in vec("[a-z]{0,8}", 2..12), at in any::<prop::sample::Index>(), how in 0..4_u8) {
            let mut entries: Vec<Entry> = Vec::new();
            for (number, text) in texts.iter().enumerate() {
                let head = entries.last().map_or(key().start(None), Entry::head);
                entries.push(entry(head, number as u128, &format!("{{\"text\":\"{text}\"}}")));
            }
            let first_break = |entries: &[Entry]| {
                let mut head = key().start(None);
                entries.iter().find(|entry| {
                    let follows = key().follows(head, entry);
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
