//! What events say about a person is encrypted with a key of that person, which is thrown away with the person.
//!
//! Each producer has keys of its own, made with the first event about a person. Consumers that read the fields store a copy of the
//! key; [`forget_person`] deletes all of a service. An event is stored, sent, parked and logged as it was encrypted, and only
//! decrypted for the function that consumes it. Without the key, what [`contracts::personal::Erased`] says is read instead.

mod data;
mod erasure;

pub(crate) use data::Keeper;
pub use data::{LARGEST_EXPORT, PersonalData, export_of, obstacle_of, records};
pub(crate) use erasure::remove_from_log;
pub use erasure::{ERASED_SINCE, ORDERS_ERASED_SINCE, REMOVE_FROM_LOG, end_erased_since, erase_person, is_erased, list_erased_since};
pub use serde_json::json;

use crate::{
    bus::Feed,
    db::{Db, Error, Select, Tx},
    encryption,
    http::{Body, Json, Problem, Routes, State},
    idempotency,
    identity::Service,
    inbox::Consumers,
    outbox::Published,
    params,
};
use contracts::{
    body::BoundedVec,
    call::Call,
    event::Envelope,
    ids::{UserId, Uuid},
    personal::{ENCRYPTED, PersonalFields, personal_fields},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The key of one person at one producer.
pub(crate) type PersonKey = [u8; 32];

/// A payload with personal fields, parsed.
pub(crate) struct PersonalPayload<'a> {
    personal: &'static PersonalFields,
    aggregate: Uuid,
    /// In the order of their names.
    fields: BTreeMap<String, &'a RawValue>,
}

impl<'a> PersonalPayload<'a> {
    /// Returns `None` for a type of event without personal fields.
    pub fn read(event_type: &str, aggregate: Uuid, payload: &'a str) -> serde_json::Result<Option<PersonalPayload<'a>>> {
        let Some(personal) = personal_fields(event_type) else { return Ok(None) };
        Ok(Some(PersonalPayload { personal, aggregate, fields: serde_json::from_str(payload)? }))
    }

    fn of(envelope: &'a Envelope) -> serde_json::Result<Option<PersonalPayload<'a>>> {
        PersonalPayload::read(&envelope.event_type, envelope.aggregate_id, envelope.payload.get())
    }

    fn id(&self, field: &str) -> Option<Uuid> {
        self.fields.get(field).and_then(|id| serde_json::from_str(id.get()).ok())
    }

    /// The user, seller or guest that the fields are about.
    fn user(&self) -> Uuid {
        self.id(self.personal.person).unwrap_or(self.aggregate)
    }

    /// Whose key encrypts the fields: the user, and for a guest the order.
    pub fn person(&self) -> Uuid {
        let user = self.user();
        match self.personal.order {
            Some(order) if UserId(user).is_guest() => self.id(order).unwrap_or(self.aggregate),
            _ => user,
        }
    }

    /// Whose key may have encrypted the fields. Earlier builds had one key for all orders of a guest.
    fn key_owners(&self) -> impl Iterator<Item = Uuid> {
        let (person, user) = (self.person(), self.user());
        [Some(person), Some(user).filter(|user| *user != person)].into_iter().flatten()
    }

    /// Whether the fields are encrypted; not so in an event from before the encryption.
    fn is_encrypted(&self) -> bool {
        self.fields.contains_key(ENCRYPTED)
    }

    /// Replaces the personal fields by one that holds them encrypted.
    pub fn encrypt(self, key: &PersonKey, nonce: encryption::Nonce) -> serde_json::Result<String> {
        let PersonalPayload { personal, mut fields, .. } = self;
        let secret: BTreeMap<_, _> = personal.fields.iter().filter_map(|(field, _)| fields.remove_entry(*field)).collect();
        let encrypted = to_raw_value(&encryption::encrypt(key, nonce, &serde_json::to_vec(&secret)?))?;
        fields.insert(ENCRYPTED.to_owned(), &encrypted);
        serde_json::to_string(&fields)
    }

    /// Returns the encrypted fields as JSON; `None` for a key that does not open them.
    fn secret(&self, key: &PersonKey) -> Option<Vec<u8>> {
        let encrypted: String = serde_json::from_str(self.fields.get(ENCRYPTED)?.get()).ok()?;
        encryption::decrypt(key, &encrypted)
    }

    /// Puts the personal fields back, or their replacement without a secret.
    fn restore(self, secret: Option<&[u8]>) -> serde_json::Result<Box<RawValue>> {
        let user = self.user();
        let PersonalPayload { personal, mut fields, .. } = self;
        fields.remove(ENCRYPTED);
        let replacements: BTreeMap<String, Box<RawValue>> = match secret {
            Some(secret) => serde_json::from_slice(secret)?,
            None => {
                let replaced = personal.fields.iter().map(|(field, erased)| Ok(((*field).to_owned(), to_raw_value(&erased.value(user))?)));
                replaced.collect::<serde_json::Result<_>>()?
            }
        };
        fields.extend(replacements.iter().map(|(field, value)| (field.clone(), &**value)));
        to_raw_value(&fields)
    }
}

/// Returns a payload without its personal fields; `None` when it has none in plain text.
#[must_use]
pub fn without_personal_fields(event_type: &str, payload: &str) -> Option<Box<RawValue>> {
    let PersonalPayload { personal, mut fields, .. } = PersonalPayload::read(event_type, Uuid::nil(), payload).ok()??;
    let before = fields.len();
    for (field, _) in personal.fields {
        fields.remove(*field);
    }
    (fields.len() < before).then(|| to_raw_value(&fields).ok())?
}

pub(crate) fn unparsable(error: serde_json::Error) -> Error {
    Error::Failed(error.to_string())
}

/// Returns the key of a person at this producer, made with the first event about the person.
pub(crate) async fn own_key(tx: &mut Tx, person: Uuid) -> Result<PersonKey, Error> {
    let producer = tx.service();
    if let Some(key) = find_key(tx, producer, person).await? {
        return Ok(key);
    }
    let key: PersonKey = tx.random_bytes();
    if is_erased(tx, person).await? {
        // Nobody has to read what is said about the person now, so the key is thrown away at once.
        return Ok(key);
    }
    match store_key(tx, producer, person, &key).await? {
        true => Ok(key),
        // Another process made one meanwhile.
        false => find_key(tx, producer, person).await?.ok_or_else(|| Error::Failed("the key of a person is missing".into())),
    }
}

async fn find_key(tx: &mut Tx, producer: &str, person: Uuid) -> Result<Option<PersonKey>, Error> {
    let sql = "SELECT key FROM person_keys WHERE producer = $1 AND person = $2";
    tx.query_opt(sql, params![producer, person], |row| row.next()).await
}

/// Returns whether there was none.
async fn store_key(tx: &mut Tx, producer: &str, person: Uuid, key: &PersonKey) -> Result<bool, Error> {
    let sql = "INSERT INTO person_keys (producer, person, key) VALUES ($1, $2, $3) ON CONFLICT (producer, person) DO NOTHING";
    Ok(tx.execute(sql, params![producer, person, *key]).await? == 1)
}

/// Throws away every key of a person that this service has.
///
/// # Errors
/// Those of the database.
pub async fn forget_person(tx: &mut Tx, person: Uuid) -> Result<(), Error> {
    tx.execute("DELETE FROM person_keys WHERE person = $1", params![person]).await.map(|_| ())
}

/// Deletes the answers that are stored for idempotency keys and are about `subject`: those to its own requests, and those of keys
/// that are [about](crate::http::IdempotencyKey::about) it.
///
/// # Errors
/// Those of the database.
pub async fn forget_answers(tx: &mut Tx, subject: impl Into<Uuid>) -> Result<(), Error> {
    idempotency::forget_owner(tx, subject.into()).await
}

/// Returns an event with its personal fields for the function that consumes it; `None` when it is readable as it is. What an
/// event of an earlier build says about an erased person is replaced as well.
pub(crate) async fn decrypted(tx: &mut Tx, envelope: &Envelope) -> Result<Option<Envelope>, Error> {
    let Some(payload) = PersonalPayload::of(envelope).map_err(unparsable)? else { return Ok(None) };
    if !payload.is_encrypted() && !is_erased(tx, payload.person()).await? {
        return Ok(None);
    }
    let mut secret = None;
    for owner in payload.key_owners() {
        let key = find_key(tx, &envelope.producer, owner).await?;
        secret = key.and_then(|key| payload.secret(&key));
        if secret.is_some() {
            break;
        }
    }
    let payload = payload.restore(secret.as_deref()).map_err(unparsable)?;
    Ok(Some(Envelope { payload, ..envelope.clone() }))
}

/// Returns the persons about whom the events say something that a consumer reads and that none of these keys opens.
fn unreadable(consumers: &Consumers, events: &[Arc<Published>], keys: &BTreeMap<Uuid, PersonKey>) -> Vec<Uuid> {
    let mut persons = BTreeSet::new();
    for envelope in events.iter().map(|event| &event.envelope).filter(|envelope| consumers.reads_personal_fields(&envelope.event_type)) {
        // An event that cannot be parsed is refused when it is consumed.
        let Ok(Some(payload)) = PersonalPayload::of(envelope) else { continue };
        let opens = |owner| keys.get(&owner).is_some_and(|key| payload.secret(key).is_some());
        if payload.is_encrypted() && !payload.key_owners().any(opens) {
            persons.extend(payload.key_owners());
        }
    }
    persons.into_iter().collect()
}

/// Copies the keys that a consumer needs for these events and does not have yet. A person that the producer forgot has none. A
/// producer that lost its database has made another key since.
pub(crate) async fn copy_keys(feed: &Feed, consumer: &Db, consumers: &Consumers, events: &[Arc<Published>]) -> Result<(), Error> {
    let producer = feed.producer();
    let persons = unreadable(consumers, events, &BTreeMap::new());
    if persons.is_empty() || producer == consumer.service() {
        return Ok(());
    }
    let known = read_keys(consumer, producer, persons).await?;
    let known = known.into_iter().map(|known| (known.person, known.key)).collect();
    let missing = unreadable(consumers, events, &known);
    if missing.is_empty() {
        return Ok(());
    }
    let found = feed.person_keys(missing).await?;
    consumer
        .write(async move |tx| {
            for PersonKeyOf { person, key } in &found {
                // The producer may not know of the erasure yet.
                if !is_erased(tx, *person).await? {
                    replace_key(tx, producer, *person, key).await?;
                }
            }
            Ok(())
        })
        .await
}

async fn replace_key(tx: &mut Tx, producer: &str, person: Uuid, key: &PersonKey) -> Result<(), Error> {
    let sql = "INSERT INTO person_keys (producer, person, key) VALUES ($1, $2, $3) \
               ON CONFLICT (producer, person) DO UPDATE SET key = excluded.key";
    tx.execute(sql, params![producer, person, *key]).await.map(|_| ())
}

/// Returns the keys that a database has of the persons at a producer.
pub(crate) async fn read_keys(db: &Db, producer: &'static str, persons: Vec<Uuid>) -> Result<Vec<PersonKeyOf>, Error> {
    db.read(async move |tx| {
        let select = Select::from("SELECT person, key FROM person_keys").filter("producer = ?", producer).filter_in("person", &persons);
        select.rows(tx, |row| Ok(PersonKeyOf { person: row.next()?, key: row.next()? })).await
    })
    .await
}

/// The key of one person, for the services that consume the events about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct PersonKeyOf {
    pub person: Uuid,
    pub key: PersonKey,
}

/// The persons whose keys a consumer lacks.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Persons {
    pub persons: BoundedVec<Uuid, 1, 1_000>,
}

/// Asks a producer in another process for keys.
pub(crate) const fn get_keys(producer: &'static str) -> Call<Persons, Vec<PersonKeyOf>> {
    Call::query(producer, PATH)
}

const PATH: &str = "/internal/person-keys";

/// The route of [`get_keys`], the same in every service.
pub(crate) fn routes() -> Routes<Db> {
    Routes::new("person-keys").post(PATH, list_keys, "The keys of persons whose events a service consumes")
}

async fn list_keys(_: Service, State(db): State<Db>, Body(body): Body<Persons>) -> Result<Json<Vec<PersonKeyOf>>, Problem> {
    Ok(Json(read_keys(&db, db.service(), body.persons.to_vec()).await?))
}
