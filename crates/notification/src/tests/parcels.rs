//! One message per parcel, from whichever event about it comes first.

use super::*;
use contracts::{
    ids::FulfilmentId,
    order::{FulfilmentDelivered, FulfilmentShipped},
};

impl Person {
    /// Parcel `number` of `count` of this person's order.
    fn part_shipped(self, harness: &Harness, count: u32) -> FulfilmentShipped {
        FulfilmentShipped {
            fulfilment_id: harness.id(),
            order_id: self.order_id,
            order_number: "SK-7".into(),
            user_id: self.user_id,
            seller_id: None,
            currency: Currency::EUR,
            items: self.items(),
            subtotal_amount: 2_500,
            discount_amount: 0,
            shipping_amount: 490,
            shipping_tax_amount: 0,
            tax_amount: 0,
            prices_include_tax: false,
            total_amount: 2_990,
            fulfilment_count: count,
            shipment_id: harness.id(),
            carrier: "MOCK".into(),
            tracking_number: format!("T-{count}"),
        }
    }

    /// What the order announces besides with its last parcel.
    fn order_shipped(self, part: &FulfilmentShipped, named: bool) -> OrderShipped {
        let fulfilment_id: Option<FulfilmentId> = named.then_some(part.fulfilment_id);
        OrderShipped { fulfilment_id, shipment_id: part.shipment_id, tracking_number: part.tracking_number.clone(), ..self.shipped() }
    }
}

fn arrived(part: FulfilmentShipped) -> FulfilmentDelivered {
    FulfilmentDelivered {
        fulfilment_id: part.fulfilment_id,
        order_id: part.order_id,
        order_number: part.order_number,
        user_id: part.user_id,
        seller_id: part.seller_id,
        currency: part.currency,
        items: part.items,
        subtotal_amount: part.subtotal_amount,
        discount_amount: part.discount_amount,
        shipping_amount: part.shipping_amount,
        shipping_tax_amount: part.shipping_tax_amount,
        tax_amount: part.tax_amount,
        prices_include_tax: false,
        total_amount: part.total_amount,
        fulfilment_count: part.fulfilment_count,
        shipment_id: part.shipment_id,
        carrier: part.carrier,
        tracking_number: part.tracking_number,
    }
}

async fn payloads(harness: &Harness, person: Person) -> Vec<(String, serde_json::Value)> {
    harness.complete().await;
    let notifications = person.notifications(harness).await.into_iter().rev().skip(1);
    notifications.map(|notification| (notification.r#type.to_string(), notification.payload)).collect()
}

#[tokio::test]
async fn an_order_of_one_seller_has_one_message_of_each_kind() {
    let harness = start().await;
    let person = Person::registered(&harness).await;
    let part = person.part_shipped(&harness, 1);
    deliver(&harness, person.order_shipped(&part, true)).await;
    deliver(&harness, part.clone()).await;
    let order_delivered = OrderDelivered { fulfilment_id: Some(part.fulfilment_id), shipment_id: part.shipment_id, ..person.delivered() };
    deliver(&harness, order_delivered).await;
    deliver(&harness, arrived(part)).await;
    let found = payloads(&harness, person).await;
    assert_eq!(found.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(), ["SHIPPED", "DELIVERED"]);
    for (_, payload) in found {
        assert_eq!((&payload["items"][0]["sku"], &payload["isPart"]), (&"LAMP-1".into(), &false.into()));
    }
}

#[tokio::test]
async fn an_order_of_two_sellers_has_one_message_for_each_parcel() {
    let harness = start().await;
    let person = Person::registered(&harness).await;
    let (first, mut second) = (person.part_shipped(&harness, 2), person.part_shipped(&harness, 2));
    second.tracking_number = "T-9".into();
    deliver(&harness, first.clone()).await;
    deliver(&harness, arrived(first)).await;
    deliver(&harness, person.order_shipped(&second, true)).await;
    deliver(&harness, second).await;
    let found = payloads(&harness, person).await;
    assert_eq!(found.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(), ["SHIPPED", "DELIVERED", "SHIPPED"]);
    let numbers: Vec<_> = found.iter().filter_map(|(_, payload)| payload["trackingNumber"].as_str()).collect();
    assert_eq!(numbers, ["T-2", "T-9"]);
    assert!(found.iter().all(|(_, payload)| payload["isPart"] == true));
}

#[tokio::test]
async fn an_old_event_of_an_order_makes_the_message_unless_the_parcel_has_one() {
    let harness = start().await;
    let person = Person::registered(&harness).await;
    deliver(&harness, person.shipped()).await;
    deliver(&harness, person.delivered()).await;
    assert_eq!(payloads(&harness, person).await.len(), 2, "no event of a fulfilment was published");

    // The events of a version that had fulfilments and did not name them in the events of the order.
    for order_first in [true, false] {
        let person = Person::registered(&harness).await;
        let part = person.part_shipped(&harness, 1);
        let of_order = person.order_shipped(&part, false);
        if order_first {
            deliver(&harness, of_order.clone()).await;
        }
        deliver(&harness, part).await;
        if !order_first {
            deliver(&harness, of_order).await;
        }
        let found = payloads(&harness, person).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].1["items"].as_array().unwrap().is_empty(), order_first);
    }
}

#[tokio::test]
async fn a_stored_message_without_goods_is_read() {
    let payload = serde_json::json!({
        "orderId": "00000000-0000-0000-0000-000000000007", "orderNumber": "SK-7", "carrier": "MOCK", "trackingNumber": "T-1",
    });
    let message = crate::message::Message::read(contracts::notification::NotificationType::Shipped, &payload).unwrap();
    assert_eq!(message.subject_id(), None);
}
