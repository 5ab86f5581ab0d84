//! The carrier's events, repeated and in any order.

use super::{report, ship, shipments, start};
use contracts::{
    ids::ShipmentId,
    shipping::{ShipmentDelivered, ShipmentReturned, ShipmentStatus, ShipmentUpdated},
};
use serde_json::json;

#[tokio::test]
async fn each_step_of_a_parcel_has_one_event() {
    let h = start().await;
    let (order, shipment) = ship(&h).await;
    for (status, message) in [
        ("IN_TRANSIT", "Picked up"),
        ("IN_TRANSIT", "Sorted in Hannover"),
        ("IN_TRANSIT", "Picked up"),
        ("DELIVERED", "Left at number 9"),
        ("DELIVERED", "Left at number 9"),
        ("DELIVERED", "in other words"),
        ("IN_TRANSIT", "a scan that comes late"),
        ("CREATED", ""),
        ("RETURNED", "Refused"),
        ("RETURNED", ""),
        ("DELIVERED", "late"),
        ("IN_TRANSIT", "late"),
    ] {
        report(&h, shipment, status, message).await.expect(200);
    }
    let found = shipments(&h, order).await.remove(0);
    let history: Vec<_> = found.events.iter().map(|event| (event.status, event.message.as_str())).collect();
    assert_eq!(
        history[1..],
        [
            (ShipmentStatus::InTransit, "Picked up"),
            (ShipmentStatus::InTransit, "Sorted in Hannover"),
            (ShipmentStatus::Delivered, "Left at number 9"),
            (ShipmentStatus::Returned, "Refused"),
        ]
    );
    assert_eq!(found.status, ShipmentStatus::Returned);
    let scans: Vec<_> = h.emitted_of::<ShipmentUpdated>().await.into_iter().map(|event| event.message).collect();
    assert_eq!(scans, ["Picked up", "Sorted in Hannover"]);
    assert_eq!(h.emitted_of::<ShipmentDelivered>().await.len(), 1);
    let returned = h.emitted_of::<ShipmentReturned>().await;
    assert_eq!((returned.len(), returned[0].recalled), (1, false));
}

#[tokio::test]
async fn an_outdated_event_is_answered_with_the_unchanged_shipment() {
    let h = start().await;
    let (_, shipment) = ship(&h).await;
    let delivered = report(&h, shipment, "DELIVERED", "").await.expect(200);
    assert_eq!(delivered.json()["status"], "DELIVERED");
    h.advance(std::time::Duration::from_secs(60));
    for late in ["IN_TRANSIT", "DELIVERED", "CREATED"] {
        assert_eq!(report(&h, shipment, late, "").await.expect(200).body, delivered.body);
    }
    // Scans on the way may be missing.
    assert!(h.emitted_of::<ShipmentUpdated>().await.is_empty());
}

#[tokio::test]
async fn a_return_before_the_scans_counts_and_late_scans_do_not() {
    let h = start().await;
    let (order, shipment) = ship(&h).await;
    let returned = report(&h, shipment, "RETURNED", "").await.expect(200);
    assert_eq!(returned.json()["status"], "RETURNED");
    for late in ["IN_TRANSIT", "DELIVERED", "RETURNED"] {
        assert_eq!(report(&h, shipment, late, "").await.expect(200).json()["status"], "RETURNED");
    }
    assert_eq!(shipments(&h, order).await[0].events.len(), 2);
    let events = h.emitted_of::<ShipmentReturned>().await;
    assert_eq!((events.len(), events[0].recalled), (1, false));
    assert!(h.emitted_of::<ShipmentDelivered>().await.is_empty());
}

#[tokio::test]
async fn the_same_event_many_times_at_once_counts_once() {
    let h = start().await;
    let (order, shipment) = ship(&h).await;
    let scan = || report(&h, shipment, "IN_TRANSIT", "Picked up");
    let delivered = || report(&h, shipment, "DELIVERED", "");
    tokio::join!(scan(), delivered(), scan(), delivered(), scan(), delivered(), scan(), delivered());
    let found = shipments(&h, order).await.remove(0);
    assert_eq!(found.status, ShipmentStatus::Delivered);
    assert!(h.emitted_of::<ShipmentUpdated>().await.len() <= 1);
    assert_eq!(h.emitted_of::<ShipmentDelivered>().await.len(), 1);
    assert_eq!(found.events.iter().filter(|event| event.status == ShipmentStatus::Delivered).count(), 1);
}

#[tokio::test]
async fn a_key_gives_the_first_answer_again() {
    let h = start().await;
    let (_, shipment) = ship(&h).await;
    let path = format!("/shipments/{shipment}/events");
    let carrier = h.scoped_token("parcels", "shipping:events");
    let post = |status: &str| h.post(&path, &json!({"status": status})).bearer(&carrier).key("scan-1").send();
    let first = post("IN_TRANSIT").await.expect(200);
    report(&h, shipment, "DELIVERED", "").await.expect(200);
    let again = post("IN_TRANSIT").await.expect(200);
    assert_eq!((&again.body, again.header("idempotency-replayed")), (&first.body, "true"));
    post("DELIVERED").await.expect_problem(422, "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test]
async fn a_full_history_accepts_no_more_scans_and_every_new_status() {
    let h = start().await;
    let (order, shipment) = ship(&h).await;
    for scan in 1..200 {
        report(&h, shipment, "IN_TRANSIT", &format!("scan {scan}")).await.expect(200);
    }
    report(&h, shipment, "IN_TRANSIT", "one more").await.expect_problem(409, "TOO_MANY_EVENTS");
    assert_eq!(report(&h, shipment, "DELIVERED", "").await.expect(200).json()["status"], "DELIVERED");
    assert_eq!(shipments(&h, order).await[0].events.len(), 201);
}

#[tokio::test]
async fn an_invalid_event_is_refused_and_changes_nothing() {
    let h = start().await;
    let (order, shipment) = ship(&h).await;
    let before = shipments(&h, order).await;
    let path = format!("/shipments/{shipment}/events");
    for (bad, pointer) in [
        (json!({"status": "LOST"}), "/status"),
        (json!({"status": "in_transit"}), "/status"),
        (json!({"status": null}), "/status"),
        (json!({"status": "IN_TRANSIT", "message": "x".repeat(201)}), "/message"),
        (json!({"status": "IN_TRANSIT", "message": "a\u{0}b"}), "/message"),
        (json!({"status": "IN_TRANSIT", "message": 7}), "/message"),
        (json!({"status": "IN_TRANSIT", "trackingNumber": "X"}), "/trackingNumber"),
    ] {
        let refused = h.post(&path, &bad).admin().send().await.expect_problem(422, "INVALID_REQUEST");
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer, "{bad}");
    }
    h.post(&path, &json!({})).admin().send().await.expect_problem(422, "INVALID_REQUEST");
    h.post(&path, &json!({})).raw("application/json", "{").admin().send().await.expect(400);
    for unknown in [h.id::<ShipmentId>().to_string(), "1".into(), order.order_id.to_string()] {
        let path = format!("/shipments/{unknown}/events");
        h.post(&path, &json!({"status": "IN_TRANSIT"})).admin().send().await.expect_problem(404, "NOT_FOUND");
    }
    assert_eq!(shipments(&h, order).await, before);
    assert_eq!(h.emitted().await.len(), 1);
}

#[tokio::test]
async fn a_scan_may_say_when_it_occurred() {
    let h = start().await;
    let (order, shipment) = ship(&h).await;
    let now = h.env.now();
    let scan = |at: contracts::time::Timestamp| {
        let body = json!({"status": "IN_TRANSIT", "message": "Sorted", "occurredAt": at});
        h.post(&format!("/shipments/{shipment}/events"), &body).admin().send()
    };
    let minutes = |count: u64| std::time::Duration::from_secs(60 * count);
    for at in [now.before(minutes(90)), now.before(minutes(60)), now.before(minutes(90)), now.after(minutes(5))] {
        scan(at).await.expect(200);
    }
    let refused = scan(now.after(minutes(6))).await.expect_problem(422, "INVALID_REQUEST").json();
    assert_eq!(
        (refused["errors"][0]["pointer"].as_str(), refused["errors"][0]["code"].as_str()),
        (Some("/occurredAt"), Some("OUT_OF_RANGE"))
    );
    report(&h, shipment, "IN_TRANSIT", "Sorted").await.expect(200);
    let found = shipments(&h, order).await.remove(0);
    let times: Vec<_> = found.events[1..].iter().map(|event| event.occurred_at).collect();
    assert_eq!(times, [now.before(minutes(90)), now.before(minutes(60)), now.after(minutes(5)), now]);
    assert!(found.events.iter().all(|event| event.recorded_at == now));
    assert_eq!(h.emitted_of::<ShipmentUpdated>().await.len(), 4);
}
