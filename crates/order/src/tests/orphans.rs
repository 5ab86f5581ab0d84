//! What belongs to an order that this database does not know is released once the grace period is over.

use super::{
    cancellation::confirmed,
    upstreams::{Upstreams, payment_id, reservation_id},
};
use crate::{Orphan, OrphanKind, OrphanOutcome, Settings, list_orphans};
use contracts::{
    event::Event,
    ids::OrderId,
    inventory::{StockConfirmed, StockReserved},
    payment::PaymentCaptured,
};
use platform::testing::Harness;
use serde_json::{Value, json};
use std::time::Duration;

/// An event about an order, made of its sample.
fn event<E: Event>(sample: &str, order: OrderId, more: Value) -> E {
    let mut event: Value = serde_json::from_str(sample).unwrap();
    event["orderId"] = json!(order);
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(event).unwrap()
}

fn captured(order: OrderId) -> PaymentCaptured {
    let sample = include_str!("../../../contracts/samples/events/PaymentCaptured.v1.json");
    event(sample, order, json!({"paymentId": payment_id()}))
}

fn grace() -> Duration {
    Settings::default().orphan_grace()
}

async fn orphans(h: &Harness) -> Vec<(OrphanKind, Option<OrphanOutcome>)> {
    list_orphans(h.db()).await.unwrap().iter().map(|Orphan { kind, outcome, .. }| (*kind, *outcome)).collect()
}

#[tokio::test]
async fn the_payment_of_an_unknown_order_is_refunded_after_the_grace_period() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    upstreams.script().payment = "CAPTURED";
    for _ in 0..2 {
        h.deliver(captured(h.id())).await;
        h.complete().await;
    }
    h.advance(grace() - Duration::from_secs(1));
    h.complete().await;
    assert_eq!((upstreams.holds().0, upstreams.keys_of("cancel_shipment")), ("CAPTURED", 0));
    assert_eq!(orphans(&h).await, [(OrphanKind::Payment, None)]);
    h.advance(Duration::from_secs(1));
    h.complete().await;
    assert_eq!(upstreams.holds().0, "REFUNDED");
    assert_eq!(orphans(&h).await, [(OrphanKind::Payment, Some(OrphanOutcome::Released))]);
}

#[tokio::test]
async fn the_units_of_an_unknown_order_are_released_or_go_back() {
    for (held, ends) in [("ACTIVE", "RELEASED"), ("CONFIRMED", "RETURNED")] {
        let upstreams = Upstreams::new();
        let h = upstreams.harness().await;
        upstreams.script().reservation = held;
        let (order, more) = (h.id(), json!({"reservationId": reservation_id()}));
        let reserved = include_str!("../../../contracts/samples/events/StockReserved.v1.json");
        h.deliver(event::<StockReserved>(reserved, order, more.clone())).await;
        if held == "CONFIRMED" {
            let confirmed = include_str!("../../../contracts/samples/events/StockConfirmed.v1.json");
            h.deliver(event::<StockConfirmed>(confirmed, order, more)).await;
        }
        h.advance(grace());
        h.complete().await;
        assert_eq!(upstreams.holds().1, ends);
        assert_eq!(orphans(&h).await, [(OrphanKind::Reservation, Some(OrphanOutcome::Released))], "{held}");
    }
}

#[tokio::test]
async fn nothing_is_undone_once_the_parcel_left_and_an_open_answer_is_asked_for_again() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    upstreams.script().payment = "CAPTURED";
    upstreams.script().cancel_shipment = "PENDING";
    h.deliver(captured(h.id())).await;
    h.advance(grace());
    h.complete().await;
    assert_eq!(orphans(&h).await, [(OrphanKind::Payment, None)]);
    upstreams.script().cancel_shipment = "TOO_LATE";
    h.advance(Duration::from_secs(60));
    h.complete().await;
    assert_eq!(orphans(&h).await, [(OrphanKind::Payment, Some(OrphanOutcome::Shipped))]);
    assert_eq!(upstreams.holds().0, "CAPTURED");
}

#[tokio::test]
async fn an_order_that_is_known_again_keeps_what_it_holds() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let known = confirmed(&h).await.order_id;
    h.deliver(captured(h.id())).await;
    let restored = async move |tx: &mut platform::db::Tx| tx.execute("UPDATE orphans SET order_id = $1", platform::params![known]).await;
    h.db().write(restored).await.map_err(|error: platform::db::Error| error).unwrap();
    h.advance(grace());
    h.complete().await;
    assert_eq!((orphans(&h).await, upstreams.holds()), (Vec::new(), ("CAPTURED", "CONFIRMED")));
}
