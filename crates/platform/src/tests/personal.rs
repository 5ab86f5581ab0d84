//! What events say about persons, from the producer to a consumer.

use crate::{
    db::{Db, Error, Tx},
    inbox::{Consumers, Received},
    outbox, params,
    personal::{self, PersonalData, PersonalPayload},
    runtime::{Runtime, Setup},
    service::{Parts, Service},
    testing::TempFolder,
};
use axum::Router;
use contracts::{
    auth::{UserErased, UserRegistered},
    ids::{UserId, Uuid},
    personal::{PersonalRecords, erased_email},
    time::Timestamp,
};
use serde_json::json;
use std::collections::BTreeMap;

const MARA: UserId = UserId(Uuid::from_u128(7));
const IVO: UserId = UserId(Uuid::from_u128(8));
const ORDER: Uuid = Uuid::from_u128(9);

/// `auth`, which is the producer, and a consumer that stores what it reads.
struct Pair {
    runtime: Runtime,
    auth: Db,
    consumer: Db,
    folder: TempFolder,
}

async fn store(tx: &mut Tx, event: Received<UserRegistered>) -> Result<(), Error> {
    let UserRegistered { user_id, email, name, .. } = event.event;
    tx.execute("INSERT INTO known (person, email, name) VALUES ($1, $2, $3)", params![user_id, email, name]).await.map(|_| ())
}

async fn export(tx: &mut Tx, user: UserId) -> Result<PersonalRecords, Error> {
    let sql = "SELECT email FROM known WHERE person = $1";
    let emails: Vec<String> = tx.query(sql, params![user], |row| row.next()).await?;
    Ok([("known".to_owned(), emails.into_iter().map(Into::into).collect())].into())
}

async fn erase(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    tx.execute("DELETE FROM known WHERE person = $1", params![user]).await.map(|_| ())
}

impl Pair {
    async fn start() -> Pair {
        const KNOWN: &[crate::db::Migration] = &[crate::db::Migration {
            name: "0001_known",
            sql: "CREATE TABLE known (person UUID NOT NULL, email TEXT NOT NULL, name TEXT NOT NULL)",
        }];
        let parts = |consumers| Parts { router: Router::new(), operations: Vec::new(), consumers, workers: Vec::new() };
        let services = vec![
            Service::new("auth", &[], move |_| async move { Ok(parts(Consumers::new())) }),
            Service::new("consumer", KNOWN, move |_| async move { Ok(parts(Consumers::new().on::<UserRegistered, _, _>(store))) })
                .personal_data(PersonalData::new(export, erase)),
        ];
        let folder = TempFolder::new();
        let setup = Setup {
            env: crate::env::Env::seeded(3, Timestamp(1_767_225_600_000_000)),
            data_dir: folder.path().to_owned(),
            settings: crate::settings::Settings::default(),
            master_key: crate::master_key::MasterKey::new([1; 32]),
            remote_services: Vec::new(),
            broker: None,
            run_background: false,
            databases: None,
        };
        let runtime = Runtime::start(services, setup).await.expect("both start");
        let (auth, consumer) = (runtime.databases["auth"].clone(), runtime.databases["consumer"].clone());
        Pair { runtime, auth, consumer, folder }
    }

    async fn register(&self, user_id: UserId, email: &'static str) {
        let event = UserRegistered { user_id, email: email.to_owned(), name: "Mara \"M\" Öz".to_owned(), roles: Vec::new() };
        self.auth
            .write(async move |tx| {
                tx.emit(event.clone());
                Ok::<_, Error>(())
            })
            .await
            .unwrap();
    }

    async fn known(&self) -> BTreeMap<Uuid, (String, String)> {
        while !self.runtime.turn().await.unwrap().is_empty() {}
        let sql = "SELECT person, email, name FROM known";
        let rows = self.consumer.read(async |tx| tx.query(sql, &[], |row| Ok((row.next()?, (row.next()?, row.next()?)))).await);
        rows.await.unwrap().into_iter().collect()
    }
}

#[tokio::test]
async fn a_consumer_reads_what_is_encrypted_everywhere_else() {
    let pair = Pair::start().await;
    pair.register(MARA, "mara@example.com").await;
    pair.register(IVO, "ivo@example.com").await;
    let known = pair.known().await;
    assert_eq!(known[&MARA.0], ("mara@example.com".to_owned(), "Mara \"M\" Öz".to_owned()));
    assert_eq!(known[&IVO.0].0, "ivo@example.com");
    for published in outbox::read_after(&pair.auth, 0, 10).await.unwrap() {
        let payload = published.envelope.payload.get();
        assert!(!payload.contains("example.com") && !payload.contains("Mara"), "{payload}");
        assert!(payload.contains(r#""userId":"#) && payload.contains(r#""roles":[]"#), "{payload}");
    }
    drop(pair.folder);
}

#[tokio::test]
async fn nobody_reads_the_events_of_a_person_that_was_forgotten() {
    let pair = Pair::start().await;
    pair.register(MARA, "mara@example.com").await;
    pair.register(IVO, "ivo@example.com").await;
    pair.auth.write(async |tx| personal::forget_person(tx, MARA.0).await).await.unwrap();
    let known = pair.known().await;
    assert_eq!(known[&MARA.0], (erased_email(MARA.0), String::new()));
    assert_eq!(known[&IVO.0].0, "ivo@example.com", "another person has another key");
}

#[tokio::test]
async fn an_event_from_before_the_encryption_is_read() {
    let pair = Pair::start().await;
    pair.register(MARA, "mara@example.com").await;
    let plain = format!(r#"{{"userId":"{MARA}","email":"old@example.com","name":"Mara","roles":[]}}"#);
    let update = async move |tx: &mut Tx| tx.execute("UPDATE outbox SET payload = $1", params![plain.as_str()]).await;
    pair.auth.write(update).await.unwrap();
    assert_eq!(pair.known().await[&MARA.0].0, "old@example.com");
}

#[tokio::test]
async fn an_erased_user_leaves_neither_data_nor_key_nor_answers() {
    let pair = Pair::start().await;
    pair.register(MARA, "mara@example.com").await;
    pair.register(IVO, "ivo@example.com").await;
    assert_eq!(pair.known().await.len(), 2);
    let answer = async |tx: &mut Tx| {
        let sql = "INSERT INTO idempotency (scope, request_hash, status, headers, body, busy_until, created_at, owner) \
                   VALUES ($1, $1, 200, '', $1, 0, 0, $2)";
        for user in [MARA, IVO] {
            tx.execute(sql, params![user.to_string().into_bytes(), user]).await?;
        }
        Ok::<_, Error>(())
    };
    pair.consumer.write(answer).await.unwrap();
    let erased = async |tx: &mut Tx| {
        tx.emit(UserErased { user_id: MARA, guest_id: None });
        Ok::<_, Error>(())
    };
    pair.auth.write(erased).await.unwrap();
    assert_eq!(pair.known().await.into_keys().collect::<Vec<_>>(), [IVO.0]);
    for sql in ["SELECT person FROM person_keys", "SELECT owner FROM idempotency"] {
        let left: Vec<Uuid> = pair.consumer.read(async move |tx| tx.query(sql, &[], |row| row.next()).await).await.unwrap();
        assert_eq!(left, [IVO.0], "{sql}");
    }
}

#[tokio::test]
async fn what_arrives_about_an_erased_person_is_read_without_it() {
    let pair = Pair::start().await;
    let erased = async |tx: &mut Tx| {
        tx.emit(UserErased { user_id: MARA, guest_id: None });
        Ok::<_, Error>(())
    };
    pair.auth.write(erased).await.unwrap();
    assert!(pair.known().await.is_empty());
    // The producer does not know yet, so the event is encrypted with a key that it has.
    pair.register(MARA, "mara@example.com").await;
    assert_eq!(pair.known().await[&MARA.0], (erased_email(MARA.0), String::new()));
    let keys: Vec<Uuid> =
        pair.consumer.read(async |tx| tx.query("SELECT person FROM person_keys", &[], |row| row.next()).await).await.unwrap();
    assert!(keys.is_empty());
    // And so is an event of an earlier build.
    let plain = format!(r#"{{"userId":"{MARA}","email":"old@example.com","name":"Mara","roles":[]}}"#);
    pair.register(MARA, "mara@example.com").await;
    let update = async move |tx: &mut Tx| tx.execute("UPDATE outbox SET payload = $1", params![plain.as_str()]).await;
    pair.auth.write(update).await.unwrap();
    assert_eq!(pair.known().await[&MARA.0].0, erased_email(MARA.0));
    // A producer that knows keeps no key.
    pair.auth.write(async |tx| personal::erase_person(tx, MARA.0).await).await.unwrap();
    pair.register(MARA, "mara@example.com").await;
    let keys: Vec<Uuid> = pair.auth.read(async |tx| tx.query("SELECT person FROM person_keys", &[], |row| row.next()).await).await.unwrap();
    assert!(keys.is_empty());
}

#[tokio::test]
async fn a_producer_that_lost_its_keys_is_read_with_its_new_ones() {
    let pair = Pair::start().await;
    pair.register(MARA, "mara@example.com").await;
    assert_eq!(pair.known().await[&MARA.0].0, "mara@example.com");
    pair.auth.write(async |tx| personal::forget_person(tx, MARA.0).await).await.unwrap();
    pair.register(MARA, "mara@example.org").await;
    assert_eq!(pair.known().await[&MARA.0].0, "mara@example.org");
}

#[tokio::test]
async fn no_file_holds_what_was_erased() {
    let pair = Pair::start().await;
    pair.register(MARA, "mara@example.com").await;
    pair.known().await;
    let holds = |folder: &std::path::Path| {
        let files = std::fs::read_dir(folder.join("db")).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
        files.filter(|content| content.windows(16).any(|part| part == b"mara@example.com")).count()
    };
    assert!(holds(pair.folder.path()) > 0);
    let erased = async |tx: &mut Tx| {
        tx.emit(UserErased { user_id: MARA, guest_id: None });
        Ok::<_, Error>(())
    };
    pair.auth.write(erased).await.unwrap();
    pair.known().await;
    personal::remove_from_log(pair.consumer.clone()).await.unwrap();
    assert_eq!(holds(pair.folder.path()), 0);
    assert_eq!(personal::remove_from_log(pair.consumer.clone()).await.unwrap(), crate::worker::Next::Idle, "once is enough");
}

fn rejection(user: UserId) -> String {
    format!(r#"{{"returnId":"{MARA}","orderId":"{ORDER}","userId":"{user}","reason":"Mara broke it"}}"#)
}

#[test]
fn an_order_stands_for_its_guest() {
    let person = |payload: &str| PersonalPayload::read("ReturnRejected", Uuid::nil(), payload).unwrap().unwrap().person();
    assert_eq!(person(&rejection(MARA)), MARA.0);
    assert_eq!(person(&rejection(UserId::of_guest([7; 16]))), ORDER);
    assert!(PersonalPayload::read("OrderShipped", ORDER, &rejection(MARA)).unwrap().is_none());
}

#[tokio::test]
async fn what_was_encrypted_with_the_key_of_a_guest_is_read() {
    let pair = Pair::start().await;
    let guest = UserId::of_guest([7; 16]);
    let text = rejection(guest);
    let keys = [(guest.0, [1; 32]), (ORDER, [2; 32])];
    for (person, key) in keys {
        let payload = PersonalPayload::read("ReturnRejected", Uuid::nil(), &text).unwrap().unwrap().encrypt(&key, [0; 24]).unwrap();
        assert!(!payload.contains("Mara"), "{payload}");
        let envelope = json!({
            "eventId": MARA, "eventType": "ReturnRejected", "aggregateType": "RETURN", "aggregateId": MARA, "sequence": 1, "producer": "returns",
            "schemaVersion": 1, "correlationId": "c", "causationId": null, "actorId": null, "occurredAt": "2026-01-01T00:00:00Z",
            "payload": serde_json::from_str::<serde_json::Value>(&payload).unwrap(),
        });
        let envelope: contracts::event::Envelope = serde_json::from_value(envelope).unwrap();
        let read = async |db: &Db| {
            let envelope = envelope.clone();
            let read = db.read(async move |tx| personal::decrypted(tx, &envelope).await).await.unwrap().unwrap();
            serde_json::from_str::<serde_json::Value>(read.payload.get()).unwrap()["reason"].clone()
        };
        assert_eq!(read(&pair.consumer).await, "", "without a key");
        let insert = "INSERT INTO person_keys (producer, person, key) VALUES ('returns', $1, $2)";
        pair.consumer.write(async move |tx| tx.execute(insert, params![person, key]).await).await.unwrap();
        assert_eq!(read(&pair.consumer).await, "Mara broke it");
        pair.consumer.write(async |tx| tx.execute("DELETE FROM person_keys", &[]).await).await.unwrap();
    }
}
