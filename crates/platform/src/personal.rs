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
pub use erasure::{ERASED_SINCE, REMOVE_FROM_LOG, erase_person, is_erased};
pub use serde_json::json;

use crate::{
    bus::Feed,
    db::{Db, Error, Select, Tx},
    encryption,
    http::{Body, Json, Problem, Routes, State},
    identity::Service,
    inbox::Consumers,
    outbox::Published,
    params,
};
use contracts::{
    body::BoundedVec,
    call::Call,
    event::Envelope,
    ids::Uuid,
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

/// [`ENCRYPTED`] as it is written in a payload.
const ENCRYPTED_FIELD: &str = "\"personal\":";

/// The fields of a payload, in the order of their names.
type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// Replaces the personal fields of a payload by one that holds them encrypted.
pub(crate) fn encrypt(personal: &PersonalFields, key: &PersonKey, nonce: encryption::Nonce, payload: &str) -> serde_json::Result<String> {
    let mut fields: Fields<'_> = serde_json::from_str(payload)?;
    let secret: Fields<'_> = personal.fields.iter().filter_map(|(field, _)| fields.remove_entry(*field)).collect();
    let encrypted = to_raw_value(&encryption::encrypt(key, nonce, &serde_json::to_vec(&secret)?))?;
    fields.insert(ENCRYPTED.to_owned(), &encrypted);
    serde_json::to_string(&fields)
}

/// Puts the personal fields of a payload back, or their replacement when the key is gone or wrong.
fn decrypt(personal: &PersonalFields, person: Uuid, key: Option<&PersonKey>, payload: &str) -> serde_json::Result<Box<RawValue>> {
    let mut fields: Fields<'_> = serde_json::from_str(payload)?;
    let encrypted: Option<String> = fields.remove(ENCRYPTED).map(|text| serde_json::from_str(text.get())).transpose()?;
    let secret = key.zip(encrypted).and_then(|(key, encrypted)| encryption::decrypt(key, &encrypted));
    let replacements: BTreeMap<String, Box<RawValue>> = match secret {
        Some(secret) => serde_json::from_slice(&secret)?,
        None => {
            let replaced = personal.fields.iter().map(|(field, erased)| Ok(((*field).to_owned(), to_raw_value(&erased.value(person))?)));
            replaced.collect::<serde_json::Result<_>>()?
        }
    };
    fields.extend(replacements.iter().map(|(field, value)| (field.clone(), &**value)));
    to_raw_value(&fields)
}

/// Returns a payload without its personal fields; `None` when it has none in plain text.
#[must_use]
pub fn without_personal_fields(event_type: &str, payload: &str) -> Option<Box<RawValue>> {
    let personal = personal_fields(event_type)?;
    let mut fields: Fields<'_> = serde_json::from_str(payload).ok()?;
    let before = fields.len();
    for (field, _) in personal.fields {
        fields.remove(*field);
    }
    (fields.len() < before).then(|| to_raw_value(&fields).ok())?
}

/// Returns the person of a payload: the field that names it, else the aggregate.
pub(crate) fn person_of(personal: &PersonalFields, aggregate: Uuid, payload: &str) -> Uuid {
    let fields: Fields<'_> = serde_json::from_str(payload).unwrap_or_default();
    fields.get(personal.person).and_then(|id| serde_json::from_str(id.get()).ok()).unwrap_or(aggregate)
}

/// The personal fields of an event whose payload holds them encrypted, and the person.
fn encrypted_fields(envelope: &Envelope) -> Option<(&'static PersonalFields, Uuid)> {
    let personal = personal_fields(&envelope.event_type)?;
    let payload = envelope.payload.get();
    // An event from before the encryption has no such field.
    payload.contains(ENCRYPTED_FIELD).then(|| (personal, person_of(personal, envelope.aggregate_id, payload)))
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

/// Returns an event with its personal fields for the function that consumes it; `None` when it is readable as it is. What an
/// event of an earlier build says about an erased person is replaced as well.
pub(crate) async fn decrypted(tx: &mut Tx, envelope: &Envelope) -> Result<Option<Envelope>, Error> {
    let (personal, person) = match (encrypted_fields(envelope), personal_fields(&envelope.event_type)) {
        (Some(encrypted), _) => encrypted,
        (None, None) => return Ok(None),
        (None, Some(personal)) => {
            let person = person_of(personal, envelope.aggregate_id, envelope.payload.get());
            if !is_erased(tx, person).await? {
                return Ok(None);
            }
            (personal, person)
        }
    };
    let key = find_key(tx, &envelope.producer, person).await?;
    let payload = decrypt(personal, person, key.as_ref(), envelope.payload.get()).map_err(|error| Error::Failed(error.to_string()))?;
    Ok(Some(Envelope { payload, ..envelope.clone() }))
}

/// Whether a key opens what an event says about its person.
fn opens(key: &PersonKey, envelope: &Envelope) -> bool {
    let fields: Fields<'_> = serde_json::from_str(envelope.payload.get()).unwrap_or_default();
    let encrypted: Option<String> = fields.get(ENCRYPTED).and_then(|text| serde_json::from_str(text.get()).ok());
    encrypted.is_some_and(|encrypted| encryption::decrypt(key, &encrypted).is_some())
}

/// Returns the persons about whom the events say something that a consumer reads and that none of these keys opens.
fn unreadable(consumers: &Consumers, events: &[Arc<Published>], keys: &BTreeMap<Uuid, PersonKey>) -> Vec<Uuid> {
    let mut persons = BTreeSet::new();
    for envelope in events.iter().map(|event| &event.envelope).filter(|envelope| consumers.consumes_by_type(&envelope.event_type)) {
        if let Some((_, person)) = encrypted_fields(envelope)
            && !keys.get(&person).is_some_and(|key| opens(key, envelope))
        {
            persons.insert(person);
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
