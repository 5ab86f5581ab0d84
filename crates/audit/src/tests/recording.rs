//! Every event is recorded once and unchanged.

use super::*;
use contracts::{auth::PasswordResetRequested, ids::EventId, registry};
use platform::encryption;
use serde_json::value::RawValue;
use std::collections::BTreeSet;

#[tokio::test]
async fn an_event_is_recorded_unchanged() {
    let log = log().await;
    let user: UserId = log.id();
    let mut envelope = log.envelope(&registered(user));
    envelope.causation_id = Some(log.id());
    envelope.actor_id = Some(log.id());
    envelope.correlation_id = "c-42".into();
    log.advance(std::time::Duration::from_secs(3));
    log.deliver_envelope(envelope.clone()).await;
    let page = page(&log, "").await;
    assert_eq!(page.next_cursor, None);
    let [event] = &page.items[..] else { panic!("{page:?}") };
    assert_eq!(event.hash.len(), 64);
    let expected = DomainEvent {
        event_id: envelope.event_id,
        event_type: "UserRegistered".into(),
        aggregate_type: "ACCOUNT".into(),
        aggregate_id: user.into(),
        sequence: 1,
        payload: json!({"userId": user, "email": "mara@example.com", "name": "Mara", "roles": []}),
        correlation_id: "c-42".into(),
        causation_id: envelope.causation_id,
        actor_id: envelope.actor_id,
        producer: "auth".into(),
        schema_version: 1,
        occurred_at: envelope.occurred_at,
        recorded_at: log.env.now(),
        position: 1,
        hash: event.hash.clone(),
    };
    assert_eq!(*event, expected);
}

#[tokio::test]
async fn events_of_every_producer_and_type_are_recorded() {
    let log = log().await;
    let consumers = crate::consumers::all(key());
    let consumed: BTreeSet<_> = consumers.producers().iter().copied().collect();
    assert_eq!(consumed, registry::events().map(|kind| kind.producer).collect());
    assert!(consumed.is_superset(&["auth", "user", "catalog", "order", "payment", "inventory", "shipping", "notification"].into()));
    for kind in registry::events() {
        log.deliver_envelope(of_type(&log, kind.event_type, kind.aggregate, kind.producer)).await;
    }
    let kinds = i64::try_from(registry::events().count()).unwrap();
    let newest = (1..=kinds).rev().take(100).collect::<Vec<_>>();
    assert_eq!(positions(&log, "?limit=100").await, newest, "a page of the {kinds} events");
    log.nothing_is_parked().await;
}

fn of_type(log: &Harness, event_type: &str, aggregate_type: &str, producer: &str) -> Envelope {
    let odd = r#"{ "anything":[1, 2.50, "ü\u0000"], "userId": 7 }"#;
    Envelope {
        event_id: log.id(),
        event_type: event_type.into(),
        aggregate_type: aggregate_type.into(),
        aggregate_id: log.id::<EventId>().0,
        sequence: 1,
        payload: RawValue::from_string(odd.into()).unwrap(),
        correlation_id: "c".into(),
        causation_id: None,
        actor_id: None,
        producer: producer.into(),
        schema_version: 9,
        occurred_at: log.env.now(),
    }
}

#[tokio::test]
async fn events_of_unknown_type_or_shape_are_recorded() {
    let log = log().await;
    let mut envelope = of_type(&log, "OrderTeleported", "ORDER", "order");
    log.deliver_envelope(envelope.clone()).await;
    envelope.event_id = log.id();
    envelope.payload = RawValue::from_string("[]".into()).unwrap();
    log.deliver_envelope(envelope).await;
    assert_eq!(positions(&log, "?eventType=OrderTeleported").await, [2, 1]);
    assert_eq!(report(&log).await.checked, 2);
}

#[tokio::test]
async fn a_repeated_event_is_recorded_once_even_without_its_inbox_row() {
    let log = log().await;
    let envelope = log.deliver(registered(log.id())).await;
    log.deliver_envelope(envelope.clone()).await;
    tamper(&log, "DELETE FROM inbox").await;
    log.deliver_envelope(envelope).await;
    let next = log.deliver(locked(log.id())).await;
    let items = page(&log, "").await.items;
    assert_eq!(items.iter().map(|event| event.position).collect::<Vec<_>>(), [2, 1], "no gap");
    assert_eq!(items[0].event_id, next.event_id);
    let report = report(&log).await;
    assert_eq!((report.checked, report.faults), (2, Vec::new()));
    log.nothing_is_parked().await;
}

#[tokio::test]
async fn a_reset_token_stays_encrypted() {
    let log = log().await;
    let key = MasterKey::new([7; 32]).key_for("password-reset");
    let sealed_token = encryption::encrypt(&key, log.env.random_bytes(), b"reset-me-4711");
    let event = PasswordResetRequested {
        user_id: log.id(),
        email: "mara@example.com".into(),
        sealed_token: sealed_token.clone(),
        expires_at: log.env.now(),
    };
    log.deliver(event).await;
    let answer = get_events(&log, "?eventType=PasswordResetRequested").send().await.expect(200);
    let text = String::from_utf8(answer.body.clone()).unwrap();
    assert!(!text.contains("reset-me") && !text.contains("4711"), "{text}");
    let shown = answer.json()["items"][0]["payload"]["sealedToken"].as_str().unwrap().to_owned();
    assert_eq!(encryption::decrypt(&MasterKey::new([8; 32]).key_for("password-reset"), &shown), None);
    assert_eq!(encryption::decrypt(&MasterKey::new([7; 32]).key_for("audit"), &shown), None);
}
