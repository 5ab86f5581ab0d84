use super::*;
use contracts::ids::Uuid;

fn delivery() -> Delivery {
    let message = WebhookMessage {
        r#type: "StockLow".into(),
        timestamp: Timestamp(0),
        event_id: None,
        sequence: 1,
        data: serde_json::Value::Null,
        is_truncated: false,
    };
    let (id, endpoint) = (WebhookDeliveryId(Uuid::from_u128(1)), WebhookEndpointId(Uuid::from_u128(2)));
    Delivery::new(id, endpoint, &message, TRIES, Timestamp(0))
}

fn refused(retry_after: Option<u64>) -> Result<u16, Failure> {
    Err(Failure::Refused { status: 503, retry_after: retry_after.map(Duration::from_secs) })
}

#[test]
fn ten_attempts_take_three_days() {
    let (mut delivery, mut now) = (delivery(), Timestamp(0));
    let mut attempts = 0;
    while delivery.shown.status == WebhookDeliveryStatus::Pending {
        delivery.attempted(&refused(None), now, |pause| pause).unwrap();
        attempts += 1;
        now = delivery.shown.next_attempt_at.unwrap_or(now);
    }
    assert_eq!((attempts, delivery.shown.attempts, delivery.shown.status), (10, 10, WebhookDeliveryStatus::Failed));
    let took = now.since(Timestamp(0));
    assert!((71..=73).contains(&(took.as_secs() / 3_600)), "{took:?}");
    assert!(delivery.attempted(&refused(None), now, |pause| pause).is_err(), "it is over");
    delivery.retry(now).unwrap();
    delivery.attempted(&Ok(204), now, |pause| pause).unwrap();
    assert_eq!((delivery.shown.status, delivery.shown.attempts), (WebhookDeliveryStatus::Delivered, 11));
}

#[test]
fn the_receiver_can_ask_for_a_longer_pause_and_not_for_a_shorter_one() {
    let pause = |retry_after| {
        let mut delivery = delivery();
        delivery.attempted(&refused(retry_after), Timestamp(0), |pause| pause).unwrap();
        delivery.shown.next_attempt_at.unwrap().since(Timestamp(0)).as_secs()
    };
    assert_eq!([pause(None), pause(Some(1)), pause(Some(90)), pause(Some(9_000_000))], [5, 5, 90, 144_000]);
}

#[test]
fn an_answer_of_410_ends_a_delivery_at_once() {
    let mut delivery = delivery();
    delivery.attempted(&Err(Failure::Gone), Timestamp(0), |pause| pause).unwrap();
    assert_eq!((delivery.shown.status, delivery.shown.response_status), (WebhookDeliveryStatus::Failed, Some(410)));
}

#[test]
fn an_owner_does_not_learn_what_stands_at_a_private_address() {
    let errors: Vec<_> = [Failure::PrivateAddress, Failure::Unreachable("refused".into()), Failure::TooSlow(ATTEMPT_TIME)]
        .into_iter()
        .map(|failure| {
            let mut delivery = delivery();
            delivery.attempted(&Err(failure), Timestamp(0), |pause| pause).unwrap();
            delivery.shown.last_error.unwrap()
        })
        .collect();
    assert!(errors.iter().all(|error| error == UNREACHABLE), "{errors:?}");
}

#[test]
fn a_secret_is_decrypted_by_its_installation_alone() {
    let (secrets, others) = (Secrets::new(&MasterKey::new([1; 32])), Secrets::new(&MasterKey::new([2; 32])));
    let encrypted = secrets.encrypt([3; 24], &SigningKey([9; 32]));
    assert_eq!(secrets.decrypt(&encrypted).unwrap().0, [9; 32]);
    assert!(others.decrypt(&encrypted).is_none());
}

#[test]
fn every_fault_of_the_types_is_named() {
    let types = ["StockLow", "OrderCreated", "Nothing", "StockLow"].map(str::to_owned);
    let codes = |is_sellers| event_type_faults(&types, is_sellers).into_iter().map(|fault| fault.code.to_string()).collect::<Vec<_>>();
    assert_eq!(codes(true), ["NOT_FOR_SELLERS", "UNKNOWN_EVENT_TYPE", "DUPLICATE"]);
    assert_eq!(codes(false), ["UNKNOWN_EVENT_TYPE", "DUPLICATE"]);
}

#[test]
fn an_event_is_sent_whole_up_to_the_largest_size_and_without_what_is_encrypted() {
    let message = |size: usize| {
        let start = format!(r#"{{"{ENCRYPTED}":"secret","text":""#);
        let payload = format!("{start}{}\"}}", "x".repeat(size - start.len() - 2));
        assert_eq!(payload.len(), size);
        let event = Envelope {
            event_id: EventId(Uuid::from_u128(1)),
            event_type: "StockLow".into(),
            aggregate_type: "STOCK".into(),
            aggregate_id: Uuid::from_u128(2),
            sequence: 3,
            payload: serde_json::value::RawValue::from_string(payload).unwrap(),
            correlation_id: String::new(),
            causation_id: None,
            actor_id: None,
            producer: "inventory".into(),
            schema_version: 1,
            occurred_at: Timestamp(4),
        };
        message_of(&event).unwrap()
    };
    for size in [100, 262_144] {
        let whole = message(size);
        assert!(!whole.is_truncated && whole.data[ENCRYPTED].is_null() && whole.data["text"].is_string(), "{size}");
    }
    let reference = serde_json::json!({"aggregateType": "STOCK", "aggregateId": Uuid::from_u128(2)});
    for size in [262_145, 500_000] {
        let truncated = message(size);
        assert_eq!((truncated.is_truncated, truncated.data), (true, reference.clone()), "{size}");
    }
}
