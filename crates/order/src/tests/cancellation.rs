//! Orders that are cancelled or refunded, with every answer of shipping.

use super::entry_points::{advance_orders, order, place, send_and_settle, until, work};
use super::upstreams::{Fault, Upstreams, customer, payment_id};
use contracts::{
    ids::OrderId,
    money::Currency,
    order::{CancelReason, FulfilmentCancelled, FulfilmentShipped, OrderCancelled, OrderDelivered, OrderShipped, OrderView},
    payment::PaymentRefunded,
    shipping::{ShipmentCreated, ShipmentDelivered, ShipmentReturned, ShipmentStatus, ShipmentUpdated},
};
use platform::testing::{Harness, TestResponse};
use serde_json::json;

#[tokio::test]
async fn a_shipped_order_cannot_be_cancelled_and_late_updates_change_nothing() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let placed = confirmed(&h).await;
    let (id, shipment) = (placed.order_id, created(&h, &placed));
    h.deliver(shipment.clone()).await;
    h.deliver(in_transit(&shipment)).await;
    let shipped = order(&h, id).await;
    assert_eq!(shipped.status.to_string(), "SHIPPED");
    assert_eq!(shipped.shipping.tracking_number.as_deref(), Some("T1"));
    let event = h.emitted_of::<OrderShipped>().await.remove(0);
    assert_eq!((event.shipment_id, event.carrier.as_str(), event.tracking_number.as_str()), (shipment.shipment_id, "MOCK", "T1"));
    let part = h.emitted_of::<FulfilmentShipped>().await.remove(0);
    assert_eq!((event.fulfilment_id, part.fulfilment_count), (Some(part.fulfilment_id), 1));
    h.post(&format!("/orders/{id}/cancel"), &json!({})).customer(customer()).send().await.expect_problem(409, "ORDER_NOT_CANCELLABLE");
    h.deliver(delivered(&shipment)).await;
    // A late and repeated update changes nothing.
    h.deliver(in_transit(&shipment)).await;
    let view = order(&h, id).await;
    assert_eq!((view.status.to_string().as_str(), view.shipping.status), ("DELIVERED", Some(ShipmentStatus::Delivered)));
    assert_eq!(h.emitted_of::<OrderDelivered>().await[0].shipment_id, shipment.shipment_id);
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
    // Shipping has not answered yet.
    assert_eq!((&cancelled.json()["status"], &cancelled.json()["cancellationRequested"]), (&json!("CONFIRMED"), &json!(true)));
    // The second request changes nothing.
    h.request(axum::http::Method::POST, &format!("/orders/{id}/cancel")).customer(customer()).send().await.expect(200);
    advance_orders(&h).await;
    assert_eq!((upstreams.keys_of("refund"), upstreams.keys_of("return")), (1, 1));
    let view = order(&h, id).await;
    assert_eq!((view.status.to_string().as_str(), view.cancellation_requested, view.shipping.pending), ("CANCELLED", false, false));
    let cancelled_events = h.emitted_of::<OrderCancelled>().await;
    assert_eq!(cancelled_events.len(), 1);
    assert!(cancelled_events[0].by_customer && !cancelled_events[0].lines_return && cancelled_events[0].refund_due);
    assert!(h.emitted_of::<FulfilmentCancelled>().await[0].with_order);
    assert_eq!(order(&h, id).await.timeline.last().unwrap().reason.as_deref(), Some("changed my mind"));
}

/// Places an order and confirms it.
pub async fn confirmed(h: &Harness) -> OrderView {
    let id = place(h, "k").await.expect(201).read::<OrderView>().order_id;
    until(h, id, "CONFIRMED").await
}

/// Cancels under a key, and waits for shipping.
async fn cancel(h: &Harness, id: OrderId, key: &str) -> TestResponse {
    let cancel = h.post(&format!("/orders/{id}/cancel"), &json!({})).customer(customer()).key(key).header("prefer", "wait=10");
    send_and_settle(h, cancel).await
}

pub fn created(h: &Harness, order: &OrderView) -> ShipmentCreated {
    ShipmentCreated {
        fulfilment_id: Some(order.fulfilments[0].fulfilment_id),
        shipment_id: h.id(),
        order_id: order.order_id,
        order_number: order.order_number.clone(),
        user_id: customer(),
        carrier: "MOCK".into(),
        tracking_number: "T1".into(),
    }
}

pub fn in_transit(shipment: &ShipmentCreated) -> ShipmentUpdated {
    ShipmentUpdated {
        fulfilment_id: shipment.fulfilment_id,
        shipment_id: shipment.shipment_id,
        order_id: shipment.order_id,
        order_number: shipment.order_number.clone(),
        user_id: shipment.user_id,
        status: ShipmentStatus::InTransit,
        carrier: shipment.carrier.clone(),
        tracking_number: shipment.tracking_number.clone(),
        message: String::new(),
    }
}

pub fn delivered(shipment: &ShipmentCreated) -> ShipmentDelivered {
    ShipmentDelivered {
        fulfilment_id: shipment.fulfilment_id,
        shipment_id: shipment.shipment_id,
        order_id: shipment.order_id,
        order_number: shipment.order_number.clone(),
        user_id: shipment.user_id,
        carrier: shipment.carrier.clone(),
        tracking_number: shipment.tracking_number.clone(),
    }
}

pub fn returned(shipment: &ShipmentCreated, recalled: bool) -> ShipmentReturned {
    ShipmentReturned {
        fulfilment_id: shipment.fulfilment_id,
        shipment_id: shipment.shipment_id,
        order_id: shipment.order_id,
        order_number: shipment.order_number.clone(),
        user_id: shipment.user_id,
        carrier: shipment.carrier.clone(),
        tracking_number: shipment.tracking_number.clone(),
        recalled,
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
async fn a_shipment_that_was_sent_is_not_cancelled_although_the_order_is_still_confirmed() {
    let upstreams = Upstreams::new();
    upstreams.script().cancel_shipment = "TOO_LATE";
    let h = upstreams.harness().await;
    let order_before = confirmed(&h).await;
    let id = order_before.order_id;
    let refused = cancel(&h, id, "c").await.expect_problem(409, "ORDER_NOT_CANCELLABLE");
    assert_eq!(cancel(&h, id, "c").await.expect(409).body, refused.body);
    let view = order(&h, id).await;
    assert_eq!((view.status.to_string().as_str(), view.cancellation_requested), ("CONFIRMED", false));
    assert_eq!(view.timeline, order_before.timeline);
    assert_eq!((upstreams.keys_of("refund"), upstreams.keys_of("return")), (0, 0));
    // The shipment goes on.
    let shipment = created(&h, &view);
    h.deliver(shipment.clone()).await;
    h.deliver(in_transit(&shipment)).await;
    assert_eq!(order(&h, id).await.status.to_string(), "SHIPPED");
    assert!(h.emitted_of::<OrderCancelled>().await.is_empty());
    h.nothing_is_parked().await;
}

#[tokio::test]
async fn a_cancellation_stays_pending_while_shipping_is_down_and_its_first_answer_or_event_decides() {
    // The answer to the repeated call decides, or an event: the shipment was cancelled, or scanned.
    for answer in ["RECALLED", "TOO_LATE", "ShipmentReturned", "ShipmentUpdated"] {
        let upstreams = Upstreams::new();
        upstreams.script().cancel_shipment = if answer.starts_with("Shipment") { "PENDING" } else { "DEPENDENCY_UNAVAILABLE" };
        let h = upstreams.harness().await;
        let view = confirmed(&h).await;
        let (id, shipment) = (view.order_id, created(&h, &view));
        h.deliver(shipment.clone()).await;
        h.post(&format!("/orders/{id}/cancel"), &json!({})).customer(customer()).send().await.expect(200);
        work(&h).await;
        let view = order(&h, id).await;
        assert_eq!((view.status.to_string().as_str(), view.cancellation_requested), ("CONFIRMED", true), "{answer}");
        assert_eq!(upstreams.keys_of("refund"), 0);
        match answer {
            "ShipmentReturned" => drop(h.deliver(returned(&shipment, true)).await),
            "ShipmentUpdated" => drop(h.deliver(in_transit(&shipment)).await),
            outcome => upstreams.script().cancel_shipment = outcome,
        }
        let ends = match answer {
            "RECALLED" | "ShipmentReturned" => "CANCELLED",
            "ShipmentUpdated" => "SHIPPED",
            _ => "CONFIRMED",
        };
        for _ in 0..4 {
            work(&h).await;
        }
        let view = order(&h, id).await;
        assert_eq!((view.status.to_string().as_str(), view.cancellation_requested), (ends, false), "{answer}");
        let expected = if ends == "CANCELLED" { ("REFUNDED", "RETURNED") } else { ("CAPTURED", "CONFIRMED") };
        assert_eq!(upstreams.holds(), expected, "{answer}");
        h.nothing_is_parked().await;
    }
}

fn refunded(order: &OrderView) -> PaymentRefunded {
    PaymentRefunded {
        cause_id: None,
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
async fn an_order_refunded_between_capture_and_confirmation_is_cancelled_and_its_stock_is_released() {
    let upstreams = Upstreams::new();
    upstreams.script().faults.insert("confirm", vec![Fault::Down; 64]);
    let h = upstreams.harness().await;
    let id = place(&h, "k").await.expect(201).read::<OrderView>().order_id;
    advance_orders(&h).await;
    let view = order(&h, id).await;
    assert_eq!((view.status.to_string().as_str(), upstreams.holds()), ("INVENTORY_RESERVED", ("CAPTURED", "ACTIVE")));
    h.deliver(refunded(&view)).await;
    until(&h, id, "CANCELLED").await;
    work(&h).await;
    assert_eq!(upstreams.holds().1, "RELEASED");
    let cancelled_events = h.emitted_of::<OrderCancelled>().await;
    assert_eq!(
        (cancelled_events.len(), cancelled_events[0].reason, cancelled_events[0].by_customer),
        (1, CancelReason::AdminRequest, false)
    );
    assert!(cancelled_events[0].refund_due);
    h.nothing_is_parked().await;
}

#[tokio::test]
async fn a_cancellation_during_the_capture_says_that_a_refund_is_due() {
    // Either the provider captured and its answer was lost, or it was not reached.
    for fault in [Fault::Garbled, Fault::Down] {
        let upstreams = Upstreams::new();
        let h = upstreams.harness().await;
        upstreams.script().faults.insert("capture", vec![fault; 64]);
        let id = place(&h, "k").await.expect(201).read::<OrderView>().order_id;
        until(&h, id, "INVENTORY_RESERVED").await;
        cancel(&h, id, "c").await.expect(200);
        assert!(h.emitted_of::<OrderCancelled>().await[0].refund_due, "{fault:?}");
    }
    // Nothing is captured before the stock is reserved.
    let upstreams = Upstreams::new();
    upstreams.script().faults.insert("reserve", vec![Fault::Down; 64]);
    let h = upstreams.harness().await;
    let id = place(&h, "k").await.expect(201).read::<OrderView>().order_id;
    until(&h, id, "PAYMENT_AUTHORIZED").await;
    cancel(&h, id, "c").await.expect(200);
    assert!(!h.emitted_of::<OrderCancelled>().await[0].refund_due);
}

#[tokio::test]
async fn an_order_refunded_before_its_shipment_was_sent_returns_its_stock() {
    for (answer, ends) in [("RECALLED", "RETURNED"), ("TOO_LATE", "CONFIRMED")] {
        let upstreams = Upstreams::new();
        upstreams.script().cancel_shipment = answer;
        let h = upstreams.harness().await;
        let view = confirmed(&h).await;
        h.deliver(refunded(&view)).await;
        work(&h).await;
        let view = order(&h, view.order_id).await;
        assert_eq!((view.status.to_string().as_str(), view.shipping.pending), ("REFUNDED", false));
        assert_eq!(upstreams.holds().1, ends, "{answer}");
        cancel(&h, view.order_id, "c").await.expect_problem(409, "ORDER_NOT_CANCELLABLE");
        h.nothing_is_parked().await;
    }
}

#[tokio::test]
async fn a_shipment_whose_first_update_is_its_return_was_sent() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let placed = confirmed(&h).await;
    let (order_id, shipment) = (placed.order_id, created(&h, &placed));
    h.deliver(shipment.clone()).await;
    h.deliver(returned(&shipment, false)).await;
    let view = order(&h, order_id).await;
    assert_eq!((view.status.to_string().as_str(), view.shipping.status), ("SHIPPED", Some(ShipmentStatus::Returned)));
    h.post(&format!("/orders/{order_id}/cancel"), &json!({}))
        .customer(customer())
        .send()
        .await
        .expect_problem(409, "ORDER_NOT_CANCELLABLE");
    h.nothing_is_parked().await;
}
