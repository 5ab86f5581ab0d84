//! What is left of a shipment of somebody who was erased.

use super::{Order, report, ship, shipments, start};
use contracts::{
    auth::UserErased,
    ids::{ShipmentId, UserId},
    order::OrderPersonalDataErased,
    shipping::{Shipment, ShipmentStatus},
};
use platform::testing::Harness;
use serde_json::json;

async fn shown(h: &Harness, shipment: ShipmentId) -> Shipment {
    h.get(&format!("/shipments/{shipment}")).admin().send().await.expect(200).read()
}

fn history(shipment: &Shipment) -> Vec<(ShipmentStatus, &str)> {
    shipment.events.iter().map(|event| (event.status, event.message.as_str())).collect()
}

#[tokio::test]
async fn what_carriers_wrote_goes_with_the_address_and_the_history_stays() {
    let h = start().await;
    let (order, shipment) = ship(&h).await;
    let (_, others) = ship(&h).await;
    for (status, message) in [("IN_TRANSIT", "To Mara"), ("IN_TRANSIT", "Sorted"), ("DELIVERED", "Mara's father has it")] {
        report(&h, shipment, status, message).await.expect(200);
        report(&h, others, status, message).await.expect(200);
    }
    let export = h.get(&format!("/internal/personal-data/{}", order.user_id)).service("user").send().await.expect(200).json();
    assert_eq!(export["shipments"][0]["events"][3]["message"], "Mara's father has it", "{export}");
    let before = shown(&h, shipment).await;
    for _ in 0..2 {
        h.deliver(UserErased { user_id: order.user_id, guest_id: None }).await;
    }
    let after = shown(&h, shipment).await;
    let statuses = before.events.iter().map(|event| (event.status, "")).collect::<Vec<_>>();
    assert_eq!(history(&after), statuses);
    assert_eq!((after.shipping_address_snapshot.city.as_str(), after.shipping_address_snapshot.country.as_str()), ("", "DE"));
    // A carrier says something later.
    report(&h, shipment, "RETURNED", "Mara did not want it").await.expect(200);
    assert_eq!(history(&shown(&h, shipment).await).last(), Some(&(ShipmentStatus::Returned, "")));
    assert_eq!(history(&shown(&h, others).await).last(), Some(&(ShipmentStatus::Delivered, "Mara's father has it")));
}

#[tokio::test]
async fn an_order_of_a_guest_is_erased_by_itself() {
    let h = start().await;
    let guest = UserId::of_guest([7; 16]);
    let mut parcels = Vec::new();
    for _ in 0..2 {
        let order = Order { order_id: h.id(), user_id: guest };
        h.deliver(order.confirmed(&h, "")).await;
        h.complete().await;
        let shipment = shipments(&h, order).await[0].shipment_id;
        report(&h, shipment, "DELIVERED", "Gwen has it").await.expect(200);
        parcels.push((order, shipment));
    }
    let (order, shipment) = parcels[0];
    let body = json!({"status": "RETURNED", "message": "Gwen did not want it"});
    h.deliver(OrderPersonalDataErased { order_id: order.order_id, order_number: "SK-1".into(), user_id: guest }).await;
    h.post(&format!("/shipments/{shipment}/events"), &body).admin().send().await.expect(200);
    assert!(history(&shown(&h, shipment).await).iter().all(|(_, message)| message.is_empty()));
    assert_eq!(history(&shown(&h, parcels[1].1).await).last(), Some(&(ShipmentStatus::Delivered, "Gwen has it")));
}
