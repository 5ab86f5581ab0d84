//! From a confirmed order to a shipment, with every fault of the carrier.

use super::{Order, address, confirm, overview, retry, shipments, start, start_with_short_timeout};
use crate::carrier::{BookingRequest, MockCarrier, Mode, ParcelCarrier};
use contracts::{
    shipping::{ShipmentCreated, ShipmentStatus},
    time::Timestamp,
};
use platform::testing::Harness;
use std::time::Duration;

#[tokio::test]
async fn a_confirmed_order_gets_one_shipment() {
    let h = start().await;
    let order = Order::new(&h);
    h.deliver(order.created(&h, "")).await;
    assert!(shipments(&h, order).await.is_empty());
    h.complete().await;
    assert!(h.emitted().await.is_empty(), "nothing is sent before the order is confirmed");

    let confirmed = h.deliver(order.confirmed(&h, "")).await;
    assert!(shipments(&h, order).await.is_empty(), "the carrier is called after the commit");
    assert_eq!(overview(&h, order).await["pending"], true);
    h.complete().await;
    // The event again, as a redelivery and under an id that the inbox does not know.
    h.deliver_envelope(confirmed.clone()).await;
    h.deliver_envelope(contracts::event::Envelope { event_id: h.id(), ..confirmed }).await;
    h.complete().await;

    let found = shipments(&h, order).await;
    let shipment = &found[0];
    assert_eq!((found.len(), shipment.status, shipment.user_id), (1, ShipmentStatus::Created, order.user_id));
    assert_eq!(shipment.shipping_address_snapshot, address(""));
    assert!(shipment.tracking_number.starts_with("MOCK-") && shipment.tracking_number.len() == 17, "{}", shipment.tracking_number);
    assert_eq!(shipment.events.iter().map(|event| event.status).collect::<Vec<_>>(), [ShipmentStatus::Created]);
    let one = h.get(&format!("/shipments/{}", shipment.shipment_id)).customer(order.user_id).send().await.expect(200);
    assert_eq!(one.read::<contracts::shipping::Shipment>(), *shipment);

    let events = h.emitted_of::<ShipmentCreated>().await;
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].order_id, events[0].order_number.as_str()), (order.order_id, "SK-1"));
    assert_eq!(events[0].tracking_number, shipment.tracking_number);
    assert_eq!(h.emitted().await[0].correlation_id, "test", "the shipment has the correlation id of the order");
    h.nothing_is_parked().await;
}

#[tokio::test]
async fn a_confirmation_before_the_creation_is_shipped() {
    let h = start().await;
    let order = confirm(&h, "").await;
    // The first event of the order is late.
    h.deliver(order.created(&h, "")).await;
    h.complete().await;
    assert_eq!(shipments(&h, order).await.len(), 1);
}

fn instant(value: &serde_json::Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_failing_carrier_leaves_the_shipment_pending_and_is_called_with_growing_pauses() {
    let h = start().await;
    let order = confirm(&h, "carrier:fail").await;
    let mut longest = Duration::ZERO;
    for attempts in 1..=12_u32 {
        h.complete().await;
        let seen = overview(&h, order).await;
        assert_eq!((seen["pending"].as_bool(), seen["attempts"].as_u64()), (Some(true), Some(u64::from(attempts))), "{seen}");
        assert_eq!(seen["failure"]["code"], "CARRIER_UNAVAILABLE");
        let wait = instant(&seen["nextAttemptAt"]).since(h.env.now());
        let usual = Duration::from_secs(2_u64.pow(attempts - 1).min(300));
        assert!(wait >= usual * 3 / 4 && wait <= usual * 5 / 4, "{wait:?} after {attempts} attempts");
        longest = longest.max(wait);
        // Before the pause ends, nothing happens.
        h.advance(wait - Duration::from_millis(1));
        h.complete().await;
        assert_eq!(overview(&h, order).await["attempts"], attempts);
        h.advance(Duration::from_millis(1));
    }
    assert!(longest <= Duration::from_secs(375));
    assert!(shipments(&h, order).await.is_empty());
    assert!(h.emitted().await.is_empty());
    h.nothing_is_parked().await;
}

#[tokio::test]
async fn a_pending_shipment_is_booked_when_the_carrier_recovers() {
    let h = start().await;
    let order = confirm(&h, "carrier:flaky").await;
    for _ in 0..3 {
        h.complete().await;
        h.advance(Duration::from_secs(5));
    }
    assert_eq!(shipments(&h, order).await.len(), 1);
    let seen = overview(&h, order).await;
    assert_eq!((seen["pending"].as_bool(), seen["attempts"].as_u64()), (Some(false), Some(3)));
    assert!(seen["failure"].is_null() && seen["nextAttemptAt"].is_null());
    assert_eq!(h.emitted_of::<ShipmentCreated>().await.len(), 1);
}

#[tokio::test]
async fn an_administrator_retries_at_once() {
    let h = start().await;
    let order = confirm(&h, "carrier:flaky").await;
    h.complete().await;
    retry(&h, order).await.expect_problem(503, "CARRIER_UNAVAILABLE");
    let worked = retry(&h, order).await.expect(200).json();
    assert_eq!(
        (worked["pending"].as_bool(), worked["status"].as_str(), worked["attempts"].as_u64()),
        (Some(false), Some("CREATED"), Some(3))
    );
    // A booked shipment is answered unchanged.
    assert_eq!(retry(&h, order).await.expect(200).json(), worked);
    assert_eq!(h.emitted_of::<ShipmentCreated>().await.len(), 1);
}

#[tokio::test]
async fn a_booking_whose_answer_is_lost_is_repeated_and_booked_once() {
    for complement in ["carrier:timeout", "carrier:slow"] {
        let h = start_with_short_timeout().await;
        let order = confirm(&h, complement).await;
        h.complete().await;
        let seen = overview(&h, order).await;
        assert_eq!((seen["pending"].as_bool(), seen["failure"]["code"].as_str()), (Some(true), Some("TIMEOUT")), "{complement}");
        // The booking whose answer was lost.
        let booked = carrier_side(&h).book(BookingRequest { fulfilment_id: order.order_id.0.into(), address: address("") }).await.unwrap();
        h.advance(Duration::from_secs(2));
        h.complete().await;
        let found = shipments(&h, order).await;
        assert_eq!((found.len(), found[0].tracking_number.as_str()), (1, booked.as_str()));
    }
}

#[tokio::test]
async fn a_slow_answer_within_the_timeout_is_used() {
    let h = Harness::of(crate::service()).setting("carrier_mode", "slow").setting("carrier_slow_ms", 20).start().await;
    let order = confirm(&h, "").await;
    h.skip_sleeps(h.complete()).await;
    assert_eq!(shipments(&h, order).await.len(), 1);
}

#[tokio::test]
async fn an_address_overrides_the_carrier_mode_of_the_settings() {
    let h = Harness::of(crate::service()).setting("carrier_mode", "fail").start().await;
    let (failing, working) = (confirm(&h, "").await, confirm(&h, "Carrier:OK").await);
    h.complete().await;
    assert_eq!(overview(&h, failing).await["pending"], true);
    assert_eq!(shipments(&h, working).await.len(), 1);
}

/// The carrier, called directly.
fn carrier_side(h: &Harness) -> MockCarrier {
    MockCarrier::new(h.db().clone(), Mode::Ok, Duration::ZERO)
}

#[tokio::test]
async fn a_crash_between_the_carriers_answer_and_the_commit_loses_nothing() {
    let h = start().await;
    let order = confirm(&h, "").await;
    // The carrier booked and answered, and the process crashed before its commit.
    let answered = carrier_side(&h).book(BookingRequest { fulfilment_id: order.order_id.0.into(), address: address("") }).await.unwrap();
    assert_eq!(overview(&h, order).await["pending"], true);
    h.complete().await;
    let found = shipments(&h, order).await;
    assert_eq!((found.len(), found[0].tracking_number.as_str()), (1, answered.as_str()));
    assert_eq!(h.emitted_of::<ShipmentCreated>().await.len(), 1);
}

#[tokio::test]
async fn many_requests_at_once_make_one_shipment() {
    let h = start().await;
    let order = confirm(&h, "").await;
    let again = || async { retry(&h, order).await.expect(200) };
    tokio::join!(h.complete(), again(), again(), again(), again(), again(), again(), again(), again());
    assert_eq!(h.emitted_of::<ShipmentCreated>().await.len(), 1);
    let found = shipments(&h, order).await;
    assert_eq!((found.len(), found[0].events.len()), (1, 1));
}

#[tokio::test]
async fn more_orders_than_slots_are_all_shipped_beside_one_that_fails() {
    let h = Harness::of(crate::service()).setting("concurrency", 2).start().await;
    let failing = confirm(&h, "carrier:fail").await;
    for _ in 0..9 {
        confirm(&h, "").await;
    }
    h.complete().await;
    assert_eq!(h.emitted_of::<ShipmentCreated>().await.len(), 9);
    assert_eq!(overview(&h, failing).await["attempts"], 1);
    let mut numbers: Vec<_> = h.emitted_of::<ShipmentCreated>().await.into_iter().map(|event| event.tracking_number).collect();
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), 9);
}

#[tokio::test]
async fn the_mock_never_books_a_cancelled_order() {
    let h = start().await;
    let (order, carrier_side) = (Order::new(&h), carrier_side(&h));
    let request = || BookingRequest { fulfilment_id: order.order_id.0.into(), address: address("") };
    carrier_side.cancel(order.order_id.0.into()).await.unwrap();
    carrier_side.cancel(order.order_id.0.into()).await.unwrap();
    carrier_side.book(request()).await.unwrap_err();
    let other = Order::new(&h);
    let first = carrier_side.book(BookingRequest { fulfilment_id: other.order_id.0.into(), address: address("") }).await.unwrap();
    let again = carrier_side.book(BookingRequest { fulfilment_id: other.order_id.0.into(), address: address("") }).await.unwrap();
    assert_eq!(first, again);
}

#[tokio::test]
async fn a_parcel_without_an_answer_delays_no_other() {
    let h = Harness::of(crate::service()).setting("carrier_timeout_ms", 60_000).start().await;
    let silent = confirm(&h, "carrier:timeout").await;
    h.settle().await;
    let behind = confirm(&h, "").await;
    while shipments(&h, behind).await.is_empty() {
        h.settle().await;
        tokio::task::yield_now().await;
    }
    assert_eq!(overview(&h, silent).await["attempts"], 0, "the other request has no answer yet");
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_rescheduled() {
    let h = start().await;
    h.expect_worker_failures();
    let order = confirm(&h, "").await;
    write(&h, "UPDATE shipments SET booking = 'LOST'").await;
    for _ in 1..=3 {
        h.complete().await;
        h.advance(Duration::from_secs(6));
    }
    write(&h, "UPDATE shipments SET booking = 'PENDING'").await;
    assert_eq!(overview(&h, order).await["attempts"], 3);
    h.complete().await;
    assert_eq!(shipments(&h, order).await.len(), 1);
}

async fn write(h: &Harness, sql: &'static str) {
    let unit = async move |tx: &mut platform::db::Tx| tx.execute(sql, &[]).await.map(|_| ());
    h.db().write(unit).await.map_err(|error: platform::db::Error| error).unwrap();
}
