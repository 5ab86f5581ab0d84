//! Cancelled and refunded orders, at every state of their shipment.

use super::{Order, address, cancel_shipment, confirm, overview, report, retry, ship, shipments, start, start_with_short_timeout};
use crate::{
    carrier::{BookingRequest, CarrierError, CarrierFuture, MockCarrier, Mode, ParcelCarrier},
    service_with,
};
use contracts::{
    ids::FulfilmentId,
    shipping::{Carrier, ShipmentCreated, ShipmentReturned, ShipmentStatus, ShipmentUpdated},
};
use platform::testing::Harness;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;

/// Returns whether the carrier accepts a booking of the order.
async fn is_bookable(h: &Harness, order: Order) -> bool {
    let carrier_side = MockCarrier::new(h.db().clone(), Mode::Ok, Duration::ZERO);
    carrier_side.book(BookingRequest { fulfilment_id: order.order_id.0.into(), address: address("") }).await.is_ok()
}

#[tokio::test]
async fn an_order_cancelled_before_its_confirmation_is_never_shipped() {
    let h = start().await;
    let order = Order::new(&h);
    h.deliver(order.created(&h, "")).await;
    h.deliver(order.cancelled(&h)).await;
    h.complete().await;
    assert!(shipments(&h, order).await.is_empty());
    retry(&h, order).await.expect_problem(409, "ILLEGAL_TRANSITION");
    // The same for an order without any earlier event.
    h.deliver(Order::new(&h).cancelled(&h)).await;
    h.complete().await;
    assert!(h.emitted().await.is_empty());
    h.nothing_is_parked().await;
}

#[tokio::test]
async fn a_cancelled_order_is_never_shipped_in_any_order_of_its_events() {
    let h = start().await;
    for by_call in [false, true] {
        // The confirmation is delivered last, as after a retry; so may be the first event.
        for is_unknown in [false, true] {
            let order = Order::new(&h);
            if !is_unknown {
                h.deliver(order.created(&h, "")).await;
            }
            match by_call {
                true => assert_eq!(cancel_shipment(&h, order).await, "RECALLED"),
                false => drop(h.deliver(order.cancelled(&h)).await),
            }
            h.deliver(order.created(&h, "")).await;
            h.deliver(order.confirmed(&h, "")).await;
            h.complete().await;
            assert!(shipments(&h, order).await.is_empty());
            assert!(overview(&h, order).await.is_null());
            assert_eq!(cancel_shipment(&h, order).await, "RECALLED");
        }
    }
    assert!(h.emitted().await.is_empty());
    h.nothing_is_parked().await;
}

#[tokio::test]
async fn a_pending_shipment_is_dropped_and_cancelled_at_the_carrier() {
    let h = start_with_short_timeout().await;
    let order = confirm(&h, "carrier:timeout").await;
    h.complete().await;
    assert_eq!(overview(&h, order).await["pending"], true);
    let cancelled = h.deliver(order.cancelled(&h)).await;
    h.deliver_envelope(cancelled).await;
    // The booking whose answer was lost must be cancelled.
    h.complete().await;
    h.advance(Duration::from_secs(600));
    h.complete().await;
    assert!(shipments(&h, order).await.is_empty());
    assert!(overview(&h, order).await.is_null());
    assert!(!is_bookable(&h, order).await);
    assert!(h.emitted().await.is_empty());
    retry(&h, order).await.expect_problem(409, "ILLEGAL_TRANSITION");
}

#[tokio::test]
async fn a_shipment_that_was_not_picked_up_is_cancelled() {
    let h = start().await;
    let (order, shipment) = ship(&h).await;
    let cancelled = h.deliver(order.cancelled(&h)).await;
    h.deliver_envelope(contracts::event::Envelope { event_id: h.id(), ..cancelled }).await;
    h.complete().await;
    let found = shipments(&h, order).await;
    assert_eq!((found[0].status, found[0].events.len()), (ShipmentStatus::Returned, 3));
    let events = h.emitted_of::<ShipmentReturned>().await;
    assert_eq!((events.len(), events[0].recalled, events[0].shipment_id), (1, true, shipment));
    assert!(!is_bookable(&h, order).await);
    assert_eq!(cancel_shipment(&h, order).await, "RECALLED");
    h.nothing_is_parked().await;
}

#[tokio::test]
async fn a_parcel_on_its_way_is_not_cancelled() {
    let h = start().await;
    let (order, shipment) = ship(&h).await;
    report(&h, shipment, "IN_TRANSIT", "").await.expect(200);
    h.deliver(order.cancelled(&h)).await;
    h.complete().await;
    assert_eq!(cancel_shipment(&h, order).await, "TOO_LATE");
    h.complete().await;
    assert_eq!(shipments(&h, order).await[0].status, ShipmentStatus::InTransit);
    assert!(h.emitted_of::<ShipmentReturned>().await.is_empty());
    assert_eq!(h.emitted_of::<ShipmentUpdated>().await.len(), 1);
    h.nothing_is_parked().await;
}

#[tokio::test]
async fn a_refund_cancels_the_shipment_unless_the_parcel_left() {
    // Booked and not picked up: cancelled once, however often the event arrives.
    let h = start().await;
    let (order, shipment) = ship(&h).await;
    let refunded = h.deliver(order.refunded(&h)).await;
    h.deliver_envelope(contracts::event::Envelope { event_id: h.id(), ..refunded }).await;
    h.complete().await;
    let found = shipments(&h, order).await;
    assert_eq!((found[0].status, found[0].events.len()), (ShipmentStatus::Returned, 3));
    assert_eq!(found[0].events[1].message, "Its order was refunded: the carrier is requested not to pick it up");
    let events = h.emitted_of::<ShipmentReturned>().await;
    assert_eq!((events.len(), events[0].recalled, events[0].shipment_id), (1, true, shipment));
    assert!(!is_bookable(&h, order).await);

    // Pending: never booked.
    let pending = confirm(&h, "").await;
    h.deliver(pending.refunded(&h)).await;
    h.complete().await;
    assert!(shipments(&h, pending).await.is_empty());
    assert!(overview(&h, pending).await.is_null());
    assert!(!is_bookable(&h, pending).await);

    // Picked up or delivered: nothing changes.
    for last in ["IN_TRANSIT", "DELIVERED"] {
        let (order, shipment) = ship(&h).await;
        report(&h, shipment, "IN_TRANSIT", "").await.expect(200);
        let before = report(&h, shipment, last, "").await.expect(200).json()["status"].clone();
        h.deliver(order.refunded(&h)).await;
        h.complete().await;
        assert_eq!(report(&h, shipment, last, "").await.expect(200).json()["status"], before);
    }
    assert_eq!(h.emitted_of::<ShipmentReturned>().await.len(), 1);
    h.nothing_is_parked().await;
}

/// A carrier that waits for the test between a booking and its answer, and refuses its first cancellations.
struct ScriptedCarrier {
    carrier_side: MockCarrier,
    done: Arc<Notify>,
    answer: Arc<Notify>,
    failing_cancellations: AtomicU32,
}

impl ParcelCarrier for ScriptedCarrier {
    fn name(&self) -> Carrier {
        Carrier::Mock
    }

    fn book(&self, request: BookingRequest) -> CarrierFuture<'_, String> {
        Box::pin(async move {
            let tracking_number = self.carrier_side.book(request).await?;
            self.done.notify_one();
            self.answer.notified().await;
            Ok(tracking_number)
        })
    }

    fn cancel(&self, fulfilment_id: FulfilmentId) -> CarrierFuture<'_, ()> {
        Box::pin(async move {
            let left = self.failing_cancellations.load(Ordering::SeqCst);
            if left > 0 {
                self.failing_cancellations.store(left - 1, Ordering::SeqCst);
                return Err(CarrierError::Refused("closed for the night".into()));
            }
            self.carrier_side.cancel(fulfilment_id).await
        })
    }
}

#[tokio::test]
async fn a_cancellation_before_the_carriers_answer_wins() {
    let (done, answer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let scripted = (done.clone(), answer.clone());
    let service = service_with(move |ctx, _| {
        let carrier_side = MockCarrier::new(ctx.db.clone(), Mode::Ok, Duration::ZERO);
        Arc::new(ScriptedCarrier { carrier_side, done: scripted.0, answer: scripted.1, failing_cancellations: AtomicU32::new(2) })
    });
    let h = Harness::of(service).start().await;
    let order = confirm(&h, "").await;
    tokio::join!(h.complete(), async {
        done.notified().await;
        h.deliver(order.cancelled(&h)).await;
        answer.notify_one();
    });
    assert!(shipments(&h, order).await.is_empty());
    assert!(h.emitted_of::<ShipmentCreated>().await.is_empty());
    // The cancellation is repeated until it succeeds, and administrators see it.
    assert_eq!(overview(&h, order).await["failure"]["code"], "CARRIER_UNAVAILABLE");
    assert!(is_bookable(&h, order).await);
    for _ in 0..3 {
        h.advance(Duration::from_secs(10));
        h.complete().await;
    }
    assert!(overview(&h, order).await.is_null());
    assert!(!is_bookable(&h, order).await);
    h.nothing_is_parked().await;
}

/// The service with a carrier that refuses its first cancellations.
async fn start_with_refused_cancellations(refusals: u32) -> Harness {
    let service = service_with(move |ctx, _| {
        let carrier_side = MockCarrier::new(ctx.db.clone(), Mode::Ok, Duration::ZERO);
        let (done, answer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        answer.notify_one();
        Arc::new(ScriptedCarrier { carrier_side, done, answer, failing_cancellations: AtomicU32::new(refusals) })
    });
    Harness::of(service).start().await
}

#[tokio::test]
async fn a_shipment_is_returned_only_when_the_carrier_confirmed() {
    let h = start_with_refused_cancellations(1).await;
    let (order, _) = ship(&h).await;
    assert_eq!(cancel_shipment(&h, order).await, "PENDING");
    h.complete().await;
    assert_eq!(cancel_shipment(&h, order).await, "PENDING");
    assert_eq!(shipments(&h, order).await[0].status, ShipmentStatus::Created);
    let seen = overview(&h, order).await;
    assert_eq!((seen["recalling"].as_bool(), seen["failure"]["code"].as_str()), (Some(true), Some("CARRIER_UNAVAILABLE")));
    assert!(h.emitted_of::<ShipmentReturned>().await.is_empty());
    h.advance(Duration::from_secs(10));
    h.complete().await;
    assert_eq!(cancel_shipment(&h, order).await, "RECALLED");
    assert_eq!(shipments(&h, order).await[0].status, ShipmentStatus::Returned);
    assert_eq!((overview(&h, order).await["recalling"].as_bool(), h.emitted_of::<ShipmentReturned>().await.len()), (Some(false), 1));
    h.nothing_is_parked().await;
}

#[tokio::test]
async fn a_scan_before_the_carrier_confirmed_wins() {
    for scan in ["IN_TRANSIT", "DELIVERED"] {
        let h = start_with_refused_cancellations(1).await;
        let (order, shipment) = ship(&h).await;
        assert_eq!(cancel_shipment(&h, order).await, "PENDING");
        h.complete().await;
        assert_eq!(report(&h, shipment, scan, "Picked up").await.expect(200).json()["status"], scan);
        assert_eq!(cancel_shipment(&h, order).await, "TOO_LATE");
        // No request is due any more, and the cancellation event changes nothing.
        h.advance(Duration::from_secs(600));
        h.deliver(order.cancelled(&h)).await;
        h.complete().await;
        assert_eq!(cancel_shipment(&h, order).await, "TOO_LATE");
        let seen = overview(&h, order).await;
        assert_eq!((seen["recalling"].as_bool(), seen["failure"].is_null(), seen["status"].as_str()), (Some(false), true, Some(scan)));
        assert!(is_bookable(&h, order).await && h.emitted_of::<ShipmentReturned>().await.is_empty());
        h.nothing_is_parked().await;
    }
}

#[tokio::test]
async fn a_scan_after_the_confirmed_cancellation_is_stored_and_shown() {
    let h = start().await;
    let (order, shipment) = ship(&h).await;
    assert_eq!(cancel_shipment(&h, order).await, "PENDING");
    h.complete().await;
    // A return fits the cancellation.
    report(&h, shipment, "RETURNED", "Here").await.expect(200);
    assert!(overview(&h, order).await["contradiction"].is_null());
    for (status, message) in [
        ("IN_TRANSIT", "Picked up"),
        ("IN_TRANSIT", "Picked up"),
        ("IN_TRANSIT", "Sorted"),
        ("DELIVERED", "At the address"),
        ("IN_TRANSIT", "late"),
        ("RETURNED", "Refused"),
    ] {
        let answer = report(&h, shipment, status, message).await.expect(200).json();
        assert_eq!(answer["status"], "RETURNED", "the order service has the answer that the shipment is cancelled");
        let expected = if message == "late" { "DELIVERED" } else { status };
        assert_eq!(overview(&h, order).await["contradiction"], expected);
    }
    let history: Vec<_> = shipments(&h, order).await[0].events.iter().skip(3).map(|event| event.message.clone()).collect();
    assert_eq!(history, ["Picked up", "Sorted", "At the address", "Refused"]);
    assert_eq!(cancel_shipment(&h, order).await, "RECALLED");
    assert_eq!((h.emitted_of::<ShipmentReturned>().await.len(), h.emitted_of::<ShipmentUpdated>().await.len()), (1, 0));
    h.nothing_is_parked().await;
}
