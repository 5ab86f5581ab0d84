//! Orders that are cancelled or refunded, and what shipping says of their parcels.

use super::entry_points::{order, place, until, work};
use super::upstreams::{Fault, Upstreams, customer, payment_id};
use contracts::{
    ids::{OrderId, ShipmentId},
    money::Currency,
    order::{CancelReason, OrderCancelled, OrderView},
    payment::PaymentRefunded,
    shipping::{Carrier, ShipmentCreated, ShipmentDelivered, ShipmentReturned, ShipmentStatus, ShipmentUpdated},
};
use platform::testing::{Answer, Harness};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn cancelling_lets_go_and_is_refused_once_shipped() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let placed: OrderView = place(&h, "k").await.expect(201).read();
    let id = placed.order_id;
    until(&h, id, "CONFIRMED").await;
    let shipment_id: ShipmentId = h.id();
    let (order_number, tracking_number) = (placed.order_number.clone(), "T1".to_owned());
    h.deliver(ShipmentCreated {
        shipment_id,
        order_id: id,
        order_number: order_number.clone(),
        user_id: customer(),
        carrier: Carrier::Mock,
        tracking_number: tracking_number.clone(),
    })
    .await;
    let moved = ShipmentUpdated {
        shipment_id,
        order_id: id,
        order_number: order_number.clone(),
        user_id: customer(),
        status: ShipmentStatus::InTransit,
        carrier: Carrier::Mock,
        tracking_number: tracking_number.clone(),
        message: String::new(),
    };
    h.deliver(moved.clone()).await;
    let shipped = order(&h, id).await;
    assert_eq!(shipped.status.to_string(), "SHIPPED");
    assert_eq!(shipped.shipping.tracking_number.as_deref(), Some("T1"));
    h.post(&format!("/orders/{id}/cancel"), &json!({})).customer(customer()).send().await.expect_problem(409, "ORDER_NOT_CANCELLABLE");
    h.deliver(ShipmentDelivered { shipment_id, order_id: id, order_number, user_id: customer(), carrier: Carrier::Mock, tracking_number })
        .await;
    // Late and repeated news of the way change nothing.
    h.deliver(moved).await;
    assert_eq!(order(&h, id).await.status.to_string(), "DELIVERED");
    h.nothing_is_parked().await;
}

#[tokio::test]
async fn a_confirmed_order_that_is_cancelled_is_refunded_and_its_stock_returned() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let id = place(&h, "k").await.expect(201).read::<OrderView>().order_id;
    until(&h, id, "CONFIRMED").await;
    let cancelled =
        h.post(&format!("/orders/{id}/cancel"), &json!({"reason": "changed my mind"})).customer(customer()).send().await.expect(200);
    // Whether the parcel stays here is not known yet.
    assert_eq!((&cancelled.json()["status"], &cancelled.json()["cancellationRequested"]), (&json!("CONFIRMED"), &json!(true)));
    // Twice is once.
    h.request(axum::http::Method::POST, &format!("/orders/{id}/cancel")).customer(customer()).send().await.expect(200);
    for _ in 0..200 {
        h.settle().await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!((upstreams.keys_of("refund"), upstreams.keys_of("return")), (1, 1));
    let view = order(&h, id).await;
    assert_eq!((view.status.to_string().as_str(), view.cancellation_requested, view.shipping.pending), ("CANCELLED", false, false));
    let told = h.emitted_of::<OrderCancelled>().await;
    assert_eq!(told.len(), 1);
    assert!(told[0].by_customer && !told[0].lines_return && told[0].refund_due);
    assert_eq!(order(&h, id).await.timeline.last().unwrap().reason.as_deref(), Some("changed my mind"));
}

/// A confirmed order.
async fn confirmed(h: &Harness) -> OrderView {
    let id = place(h, "k").await.expect(201).read::<OrderView>().order_id;
    until(h, id, "CONFIRMED").await
}

/// The answer to a cancellation, under a key and with the time that shipping needs.
async fn cancel(h: &Harness, id: OrderId, key: &str) -> Answer {
    let path = format!("/orders/{id}/cancel");
    let cancel = h.post(&path, &json!({})).customer(customer()).key(key).header("prefer", "wait=10").send();
    let work = async {
        for _ in 0..30 {
            h.settle().await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::join!(cancel, work).0
}

fn created(h: &Harness, order: &OrderView) -> ShipmentCreated {
    ShipmentCreated {
        shipment_id: h.id(),
        order_id: order.order_id,
        order_number: order.order_number.clone(),
        user_id: customer(),
        carrier: Carrier::Mock,
        tracking_number: "T1".into(),
    }
}

fn in_transit(shipment: &ShipmentCreated) -> ShipmentUpdated {
    ShipmentUpdated {
        shipment_id: shipment.shipment_id,
        order_id: shipment.order_id,
        order_number: shipment.order_number.clone(),
        user_id: shipment.user_id,
        status: ShipmentStatus::InTransit,
        carrier: shipment.carrier,
        tracking_number: shipment.tracking_number.clone(),
        message: String::new(),
    }
}

fn recalled(shipment: &ShipmentCreated) -> ShipmentReturned {
    ShipmentReturned {
        shipment_id: shipment.shipment_id,
        order_id: shipment.order_id,
        order_number: shipment.order_number.clone(),
        user_id: shipment.user_id,
        carrier: shipment.carrier,
        tracking_number: shipment.tracking_number.clone(),
        recalled: true,
    }
}

#[tokio::test]
async fn a_cancellation_waits_for_shipping_and_its_answer_is_kept() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let id = confirmed(&h).await.order_id;
    let answer = cancel(&h, id, "c").await.expect(200);
    assert_eq!(answer.json()["status"], "CANCELLED");
    let again = cancel(&h, id, "c").await.expect(200);
    assert_eq!((&again.body, again.header("idempotency-replayed")), (&answer.body, "true"));
    assert_eq!(h.emitted_of::<OrderCancelled>().await.len(), 1);
}

#[tokio::test]
async fn a_parcel_that_left_is_not_cancelled_although_the_order_has_not_heard_of_it() {
    let upstreams = Upstreams::new();
    upstreams.script().recall = "TOO_LATE";
    let h = upstreams.harness().await;
    let order_before = confirmed(&h).await;
    let id = order_before.order_id;
    let refused = cancel(&h, id, "c").await.expect_problem(409, "ORDER_NOT_CANCELLABLE");
    assert_eq!(cancel(&h, id, "c").await.expect(409).body, refused.body);
    let view = order(&h, id).await;
    assert_eq!((view.status.to_string().as_str(), view.cancellation_requested), ("CONFIRMED", false));
    assert_eq!(view.timeline, order_before.timeline);
    assert_eq!((upstreams.keys_of("refund"), upstreams.keys_of("return")), (0, 0));
    // It goes its way.
    let shipment = created(&h, &view);
    h.deliver(shipment.clone()).await;
    h.deliver(in_transit(&shipment)).await;
    assert_eq!(order(&h, id).await.status.to_string(), "SHIPPED");
    assert!(h.emitted_of::<OrderCancelled>().await.is_empty());
    h.nothing_is_parked().await;
}

#[tokio::test]
async fn a_wish_stays_open_while_shipping_is_down_and_the_first_word_of_it_decides() {
    // Asked again, and told by the event of a recall or of a scan.
    for word in ["RECALLED", "TOO_LATE", "ShipmentReturned", "ShipmentUpdated"] {
        let upstreams = Upstreams::new();
        upstreams.script().recall = if word.starts_with("Shipment") { "PENDING" } else { "DEPENDENCY_UNAVAILABLE" };
        let h = upstreams.harness().await;
        let view = confirmed(&h).await;
        let (id, shipment) = (view.order_id, created(&h, &view));
        h.deliver(shipment.clone()).await;
        h.post(&format!("/orders/{id}/cancel"), &json!({})).customer(customer()).send().await.expect(200);
        work(&h).await;
        let view = order(&h, id).await;
        assert_eq!((view.status.to_string().as_str(), view.cancellation_requested), ("CONFIRMED", true), "{word}");
        assert_eq!(upstreams.keys_of("refund"), 0);
        match word {
            "ShipmentReturned" => drop(h.deliver(recalled(&shipment)).await),
            "ShipmentUpdated" => drop(h.deliver(in_transit(&shipment)).await),
            answer => upstreams.script().recall = answer,
        }
        let ends = match word {
            "RECALLED" | "ShipmentReturned" => "CANCELLED",
            "ShipmentUpdated" => "SHIPPED",
            _ => "CONFIRMED",
        };
        for _ in 0..4 {
            work(&h).await;
        }
        let view = order(&h, id).await;
        assert_eq!((view.status.to_string().as_str(), view.cancellation_requested), (ends, false), "{word}");
        let expected = if ends == "CANCELLED" { ("REFUNDED", "RETURNED") } else { ("CAPTURED", "CONFIRMED") };
        assert_eq!(upstreams.holds(), expected, "{word}");
        h.nothing_is_parked().await;
    }
}

fn refunded(order: &OrderView) -> PaymentRefunded {
    PaymentRefunded {
        payment_id: payment_id(),
        order_id: order.order_id,
        order_number: order.order_number.clone(),
        user_id: customer(),
        amount: order.total_amount,
        refunded_amount: order.total_amount,
        captured_amount: order.total_amount,
        currency: Currency::EUR,
        in_full: true,
    }
}

#[tokio::test]
async fn an_order_refunded_between_capture_and_confirmation_is_cancelled_and_lets_go_of_its_stock() {
    let upstreams = Upstreams::new();
    upstreams.script().faults.insert("confirm", vec![Fault::Down; 64]);
    let h = upstreams.harness().await;
    let id = place(&h, "k").await.expect(201).read::<OrderView>().order_id;
    for _ in 0..2_000 {
        h.settle().await;
        if upstreams.keys_of("confirm") > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let view = order(&h, id).await;
    assert_eq!((view.status.to_string().as_str(), upstreams.holds()), ("INVENTORY_RESERVED", ("CAPTURED", "ACTIVE")));
    h.deliver(refunded(&view)).await;
    until(&h, id, "CANCELLED").await;
    work(&h).await;
    assert_eq!(upstreams.holds().1, "RELEASED");
    let told = h.emitted_of::<OrderCancelled>().await;
    assert_eq!((told.len(), told[0].reason, told[0].by_customer), (1, CancelReason::AdminRequest, false));
    assert!(told[0].refund_due);
    h.nothing_is_parked().await;
}

#[tokio::test]
async fn who_cancels_while_the_capture_is_under_way_is_told_that_what_was_taken_comes_back() {
    // The provider takes the money, and its answer is lost; or it was not reached.
    for fault in [Fault::Garbled, Fault::Down] {
        let upstreams = Upstreams::new();
        let h = upstreams.harness().await;
        upstreams.script().faults.insert("capture", vec![fault; 64]);
        let id = place(&h, "k").await.expect(201).read::<OrderView>().order_id;
        until(&h, id, "INVENTORY_RESERVED").await;
        cancel(&h, id, "c").await.expect(200);
        assert!(h.emitted_of::<OrderCancelled>().await[0].refund_due, "{fault:?}");
    }
    // As long as the stock is not there nothing is taken.
    let upstreams = Upstreams::new();
    upstreams.script().faults.insert("reserve", vec![Fault::Down; 64]);
    let h = upstreams.harness().await;
    let id = place(&h, "k").await.expect(201).read::<OrderView>().order_id;
    until(&h, id, "PAYMENT_AUTHORIZED").await;
    cancel(&h, id, "c").await.expect(200);
    assert!(!h.emitted_of::<OrderCancelled>().await[0].refund_due);
}

#[tokio::test]
async fn an_order_refunded_before_its_parcel_left_returns_its_stock() {
    for (word, ends) in [("RECALLED", "RETURNED"), ("TOO_LATE", "CONFIRMED")] {
        let upstreams = Upstreams::new();
        upstreams.script().recall = word;
        let h = upstreams.harness().await;
        let view = confirmed(&h).await;
        h.deliver(refunded(&view)).await;
        work(&h).await;
        let view = order(&h, view.order_id).await;
        assert_eq!((view.status.to_string().as_str(), view.shipping.pending), ("REFUNDED", false));
        assert_eq!(upstreams.holds().1, ends, "{word}");
        cancel(&h, view.order_id, "c").await.expect_problem(409, "ORDER_NOT_CANCELLABLE");
        h.nothing_is_parked().await;
    }
}

#[tokio::test]
async fn a_parcel_that_came_back_before_anything_else_was_heard_had_left() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let placed: OrderView = place(&h, "k").await.expect(201).read();
    let (order_id, order_number, user_id) = (placed.order_id, placed.order_number.clone(), customer());
    until(&h, order_id, "CONFIRMED").await;
    let (shipment_id, carrier, tracking_number): (ShipmentId, _, _) = (h.id(), Carrier::Mock, "T1".to_owned());
    let made = ShipmentCreated {
        shipment_id,
        order_id,
        order_number: order_number.clone(),
        user_id,
        carrier,
        tracking_number: tracking_number.clone(),
    };
    h.deliver(made).await;
    h.deliver(ShipmentReturned { shipment_id, order_id, order_number, user_id, carrier, tracking_number, recalled: false }).await;
    let view = order(&h, order_id).await;
    assert_eq!((view.status.to_string().as_str(), view.shipping.status), ("SHIPPED", Some(ShipmentStatus::Returned)));
    h.post(&format!("/orders/{order_id}/cancel"), &json!({}))
        .customer(customer())
        .send()
        .await
        .expect_problem(409, "ORDER_NOT_CANCELLABLE");
    h.nothing_is_parked().await;
}
