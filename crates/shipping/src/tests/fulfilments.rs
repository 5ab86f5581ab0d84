//! Orders of several fulfilments.

use super::{Order, address, report, shipments, start};
use crate::carrier::{BookingRequest, MockCarrier, Mode, ParcelCarrier as _};
use contracts::{
    ids::FulfilmentId,
    order::{OrderConfirmed, OrderedFulfilment},
    shipping::{Shipment, ShipmentReturned, ShipmentStatus, ShipmentUpdated},
};
use platform::testing::{Harness, TestResponse};
use serde_json::{Value, json};
use std::time::Duration;

fn confirmed(h: &Harness, order: Order, parts: &[FulfilmentId], complement: &str) -> OrderConfirmed {
    let part = |id: &FulfilmentId| OrderedFulfilment {
        fulfilment_id: *id,
        seller_id: Some(h.id()),
        items: Vec::new(),
        shipping_amount: 490,
        shipping_tax_amount: 0,
        total_amount: 1490,
    };
    OrderConfirmed { fulfilments: parts.iter().map(part).collect(), ..order.confirmed(h, complement) }
}

/// Hands the parcel over as the order service does.
async fn hand_over(h: &Harness, id: FulfilmentId, body: &Value) -> TestResponse {
    h.put(&format!("/internal/shipments/{id}/ship"), body).service("order").send().await
}

async fn of(h: &Harness, order: Order, part: FulfilmentId) -> Shipment {
    shipments(h, order).await.into_iter().find(|shipment| shipment.fulfilment_id == part).unwrap()
}

#[tokio::test]
async fn every_fulfilment_has_a_shipment_that_is_cancelled_alone() {
    let h = start().await;
    let (order, parts) = (Order::new(&h), [h.id(), h.id(), h.id()]);
    h.deliver(confirmed(&h, order, &parts, "")).await;
    h.complete().await;
    let booked = shipments(&h, order).await;
    assert_eq!(booked.iter().map(|shipment| shipment.fulfilment_id).collect::<Vec<_>>(), parts);
    let mut numbers: Vec<_> = booked.iter().map(|shipment| shipment.tracking_number.clone()).collect();
    numbers.dedup();
    assert_eq!(numbers.len(), 3);

    let path = format!("/internal/shipments/{}/recall", parts[1]);
    h.put(&path, &json!({})).service("order").send().await.expect(200);
    h.complete().await;
    let statuses: Vec<_> = shipments(&h, order).await.iter().map(|shipment| shipment.status).collect();
    assert_eq!(statuses, [ShipmentStatus::Created, ShipmentStatus::Returned, ShipmentStatus::Created]);

    report(&h, booked[0].shipment_id, "IN_TRANSIT", "").await.expect(200);
    let told = h.emitted_of::<ShipmentUpdated>().await;
    assert_eq!(told.iter().map(|event| event.fulfilment_id).collect::<Vec<_>>(), [Some(parts[0])]);
    h.deliver(order.refunded(&h)).await;
    h.complete().await;
    let statuses: Vec<_> = shipments(&h, order).await.iter().map(|shipment| shipment.status).collect();
    assert_eq!(statuses, [ShipmentStatus::InTransit, ShipmentStatus::Returned, ShipmentStatus::Returned]);
}

#[tokio::test]
async fn a_parcel_is_handed_to_another_carrier_once() {
    let h = start().await;
    let (order, part) = (Order::new(&h), h.id());
    h.deliver(confirmed(&h, order, &[part], "")).await;
    h.complete().await;
    let own = json!({"carrier": "Postman", "trackingNumber": "PM-1"});
    for body in [own.clone(), own, json!({"trackingNumber": "PM-2"})] {
        let shipment: Shipment = serde_json::from_value(hand_over(&h, part, &body).await.expect(200).json()).unwrap();
        assert_eq!((shipment.carrier.as_str(), shipment.tracking_number.as_str()), ("Postman", "PM-1"));
        assert_eq!(shipment.status, ShipmentStatus::InTransit);
    }
    let told = h.emitted_of::<ShipmentUpdated>().await;
    assert_eq!(
        told.iter().map(|event| (event.carrier.as_str(), event.tracking_number.as_str())).collect::<Vec<_>>(),
        [("Postman", "PM-1")]
    );
    h.complete().await;
    assert!(!is_bookable(&h, part).await, "the booked pickup is cancelled at the carrier");
    let travels = of(&h, order, part).await;
    assert_eq!((travels.status, h.emitted_of::<ShipmentReturned>().await.len()), (ShipmentStatus::InTransit, 0));
    report(&h, travels.shipment_id, "DELIVERED", "").await.expect(200);
    // The booked carrier and number stay when nothing else is given.
    let (other, part) = (Order::new(&h), h.id());
    h.deliver(confirmed(&h, other, &[part], "")).await;
    h.complete().await;
    let booked = of(&h, other, part).await;
    hand_over(&h, part, &json!({})).await.expect(200);
    let shipped = of(&h, other, part).await;
    assert_eq!((shipped.tracking_number, shipped.status), (booked.tracking_number, ShipmentStatus::InTransit));
    h.complete().await;
    assert!(is_bookable(&h, part).await, "the pickup stays booked");
}

/// Whether the carrier would still fetch the parcel.
async fn is_bookable(h: &Harness, fulfilment_id: FulfilmentId) -> bool {
    let carrier = MockCarrier::new(h.db().clone(), Mode::Ok, Duration::ZERO);
    carrier.book(BookingRequest { fulfilment_id, address: address("") }).await.is_ok()
}

#[tokio::test]
async fn a_booking_without_an_answer_is_cancelled_when_another_carrier_has_the_parcel() {
    let h = start().await;
    let (order, part) = (Order::new(&h), h.id());
    h.deliver(confirmed(&h, order, &[part], "carrier:fail")).await;
    h.complete().await;
    hand_over(&h, part, &json!({"carrier": "Postman", "trackingNumber": "PM-9"})).await.expect(200);
    h.complete().await;
    assert!(!is_bookable(&h, part).await);
    assert_eq!(of(&h, order, part).await.status, ShipmentStatus::InTransit);
    assert_eq!(h.emitted_of::<ShipmentReturned>().await.len(), 0);
}

#[tokio::test]
async fn a_parcel_that_is_not_booked_needs_a_number_and_a_cancelled_one_stays() {
    let h = start().await;
    let (order, parts) = (Order::new(&h), [h.id(), h.id()]);
    let before = hand_over(&h, parts[0], &json!({"trackingNumber": "PM-7"})).await.expect(409).json();
    assert_eq!(before["code"], "SHIPMENT_PENDING", "the event of the order has not arrived");
    h.deliver(confirmed(&h, order, &parts, "carrier:fail")).await;
    assert_eq!(hand_over(&h, parts[0], &json!({})).await.expect(409).json()["code"], "SHIPMENT_PENDING");
    hand_over(&h, parts[0], &json!({"carrier": "Postman", "trackingNumber": "PM-9"})).await.expect(200);
    h.put(&format!("/internal/shipments/{}/recall", parts[1]), &json!({})).service("order").send().await.expect(200);
    let refused = hand_over(&h, parts[1], &json!({"trackingNumber": "PM-8"})).await.expect(409);
    assert_eq!(refused.json()["code"], "FULFILMENT_NOT_SHIPPABLE");
    h.complete().await;
    let seen = shipments(&h, order).await;
    assert_eq!(seen.iter().map(|shipment| shipment.tracking_number.as_str()).collect::<Vec<_>>(), ["PM-9"]);
}
