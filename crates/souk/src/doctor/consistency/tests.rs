//! The check on orders, payments, reservations and shipments that agree or not.

mod shop;

use contracts::ids::{OrderId, Uuid};
use order::{
    domain::{Cancellation, PaymentState, SagaState, ShipmentState, StockState},
    import::{self, PastOrder},
};
use platform::{db, inbox, outbox, params};
use shop::{NOON, Placed, Shop, TOTAL};
use std::time::Duration;

#[tokio::test]
async fn consistent_orders_have_no_faults() {
    let shop = Shop::open().await;
    shop.imported().await;
    // Confirmed and later; one of them was paid at the second attempt.
    let (sold, _) = shop.sale().await;
    shop.pay(sold, shop.env.new_id(), "FAILED", TOTAL, "EUR").await;
    for path in [
        &["PENDING_PAYMENT", "INVENTORY_RESERVED", "CONFIRMED", "SHIPPED"][..],
        &["PENDING_PAYMENT", "INVENTORY_RESERVED", "CONFIRMED", "DELIVERED"],
    ] {
        let (order, payment) = shop.order(Placed::new(path, PaymentState::Captured, StockState::Confirmed)).await;
        shop.pay(order, payment, "CAPTURED", TOTAL, "EUR").await;
        shop.hold(order, "CONFIRMED", 2).await;
    }
    // Refunded after the parcel left, and before.
    for is_gone in [true, false] {
        let (order, payment) = shop.order(Placed::refunded()).await;
        shop.pay(order, payment, "REFUNDED", TOTAL, "EUR").await;
        if is_gone {
            shop.hold(order, "CONFIRMED", 2).await;
        }
    }
    // Ended without success, in every state of the payment.
    for status in ["INITIATED", "FAILED", "VOIDED", "REFUNDED"] {
        for placed in [Placed::cancelled(), Placed::failed()] {
            let (order, payment) = shop.order(placed).await;
            shop.pay(order, payment, status, TOTAL, "EUR").await;
            shop.hold(order, "RELEASED", 2).await;
            shop.hold(order, "EXPIRED", 2).await;
        }
    }
    let found = shop.check().await;
    assert_eq!((found.orders, &found.faults, found.notes()), (14, &vec![], vec![]));
    assert_eq!(found.heading(), "orders: 14 agree with their payments, units and shipments");
}

#[tokio::test]
async fn wrong_payments_of_an_order_are_faults() {
    let shop = Shop::open().await;
    let lamps = async |placed: Placed| {
        let made = shop.order(placed).await;
        shop.hold(made.0, "CONFIRMED", 2).await;
        made
    };
    let (unpaid, _) = lamps(Placed::confirmed()).await;
    let (held, payment) = lamps(Placed::confirmed()).await;
    shop.pay(held, payment, "AUTHORIZED", TOTAL, "EUR").await;
    let (less, payment) = lamps(Placed::confirmed()).await;
    shop.pay(less, payment, "CAPTURED", TOTAL - 1, "EUR").await;
    let (foreign, payment) = lamps(Placed::confirmed()).await;
    shop.pay(foreign, payment, "CAPTURED", TOTAL, "USD").await;
    let (refunded_order, payment) = lamps(Placed::confirmed()).await;
    shop.pay(refunded_order, payment, "REFUNDED", TOTAL, "EUR").await;
    let (twice, payment) = lamps(Placed::confirmed()).await;
    shop.pay(twice, payment, "CAPTURED", TOTAL, "EUR").await;
    shop.pay(twice, shop.env.new_id(), "CAPTURED", TOTAL, "EUR").await;
    let (kept, payment) = lamps(Placed::refunded()).await;
    shop.pay(kept, payment, "CAPTURED", TOTAL, "EUR").await;
    let mut holding = Vec::new();
    for placed in [Placed::cancelled(), Placed::failed()] {
        for status in ["AUTHORIZED", "CAPTURED"] {
            let (order, payment) = shop.order(placed.clone()).await;
            shop.pay(order, payment, status, TOTAL, "EUR").await;
            holding.push((order, format!("{} with nothing due, but payment {payment} is {status} over 24.90 EUR (M2)", placed.status)));
        }
    }
    // A step is due, but not for the payment that holds money.
    let (second, payment) = shop.order(Placed::releasing(PaymentState::Authorized, StockState::Released)).await;
    shop.pay(second, payment, "AUTHORIZED", TOTAL, "EUR").await;
    shop.pay(second, shop.env.new_id(), "CAPTURED", TOTAL, "EUR").await;
    let imported = shop.imported().await;
    shop.pay(imported, shop.env.new_id(), "VOIDED", TOTAL, "EUR").await;

    let found = shop.check().await;
    found.has_fault(unpaid, "CONFIRMED, but it has no payment (M1)");
    found.has_fault(held, "is AUTHORIZED, not CAPTURED (M1)");
    found.has_fault(less, "CONFIRMED over 24.90 EUR, but its payment");
    found.has_fault(less, "is over 24.89 EUR (M1)");
    found.has_fault(foreign, "is over 24.90 USD (M1)");
    found.has_fault(refunded_order, "is REFUNDED, not CAPTURED (M1)");
    found.has_fault(twice, "which is not its own, is CAPTURED over 24.90 EUR (M1)");
    found.has_fault(kept, "is CAPTURED, not REFUNDED (M1)");
    for (order, text) in &holding {
        found.has_fault(*order, text);
    }
    found.has_fault(second, "is CAPTURED over 24.90 EUR (M2)");
    found.has_fault(imported, "was imported as completed");
    assert_eq!(found.faults.len(), 13, "{:#?}", found.faults);
    assert!(found.faults.iter().all(|fault| fault.starts_with("order ")), "{:#?}", found.faults);
}

#[tokio::test]
async fn wrong_units_of_an_order_are_faults() {
    let shop = Shop::open().await;
    let paid = async || {
        let (order, payment) = shop.order(Placed::confirmed()).await;
        shop.pay(order, payment, "CAPTURED", TOTAL, "EUR").await;
        order
    };
    let none = paid().await;
    let fewer = paid().await;
    shop.hold(fewer, "CONFIRMED", 1).await;
    let twice = paid().await;
    shop.hold(twice, "CONFIRMED", 2).await;
    shop.hold(twice, "CONFIRMED", 2).await;
    let reserved = paid().await;
    shop.hold(reserved, "ACTIVE", 2).await;
    let (refunded, payment) = shop.order(Placed::refunded()).await;
    shop.pay(refunded, payment, "REFUNDED", TOTAL, "EUR").await;
    shop.hold(refunded, "CONFIRMED", 3).await;
    let (cancelled, _) = shop.order(Placed::cancelled()).await;
    shop.hold(cancelled, "CONFIRMED", 2).await;
    let (failed, _) = shop.order(Placed::failed()).await;
    shop.hold(failed, "CONFIRMED", 2).await;
    let (placed, _) = shop.order(Placed::pending()).await;
    shop.hold(placed, "CONFIRMED", 1).await;
    let imported = shop.imported().await;
    shop.hold(imported, "ACTIVE", 2).await;

    let found = shop.check().await;
    found.has_fault(none, "CONFIRMED over 2 of LAMP-1, but it has bought nothing (S3)");
    found.has_fault(fewer, "but it has bought 1 of LAMP-1 (S3)");
    found.has_fault(twice, "but it has bought 4 of LAMP-1 (S3)");
    found.has_fault(reserved, "but it has bought nothing (S3)");
    found.has_fault(refunded, "REFUNDED over 2 of LAMP-1, but it has bought 3 of LAMP-1 (S3)");
    found.has_fault(cancelled, "CANCELLED with nothing due, but it has bought 2 of LAMP-1 (S3)");
    found.has_fault(failed, "PAYMENT_FAILED with nothing due, but it has bought 2 of LAMP-1 (S3)");
    found.has_fault(placed, "PENDING_PAYMENT over 2 of LAMP-1, but it has bought 1 of LAMP-1 (S3)");
    found.has_fault(imported, "was imported as completed");
    assert_eq!(found.faults.len(), 9, "{:#?}", found.faults);
}

#[tokio::test]
async fn a_shipment_that_contradicts_its_order_is_a_fault() {
    let shop = Shop::open().await;
    let cancelled = async |booking, status, contradiction| {
        let (order, _) = shop.order(Placed::cancelled()).await;
        shop.send(order, booking, status, contradiction).await;
        order
    };
    let away = cancelled("BOOKED", Some("IN_TRANSIT"), None).await;
    let there = cancelled("BOOKED", Some("DELIVERED"), None).await;
    let to_be_fetched = cancelled("BOOKED", Some("CREATED"), None).await;
    let to_be_booked = cancelled("PENDING", None, None).await;
    let contradicted = cancelled("CLOSED", Some("RETURNED"), Some("DELIVERED")).await;
    let (returned, _) = shop.sale().await;
    shop.send(returned, "CLOSED", Some("RETURNED"), None).await;
    let mut kept = Placed::refunded();
    kept.saga.shipment = ShipmentState::Cancelled;
    kept.saga.stock = StockState::Released;
    let (kept, payment) = shop.order(kept).await;
    shop.pay(kept, payment, "REFUNDED", TOTAL, "EUR").await;
    shop.hold(kept, "CONFIRMED", 2).await;
    let well = [
        cancelled("CLOSED", None, None).await,
        cancelled("RECALLING", Some("CREATED"), None).await,
        cancelled("CLOSED", Some("RETURNED"), None).await,
        cancelled("CLOSED", Some("RETURNED"), Some("RETURNED")).await,
        cancelled("BOOKED", Some("RETURNED"), None).await,
        shop.sale().await.0,
    ];
    shop.send(well[5], "BOOKED", Some("IN_TRANSIT"), None).await;

    let found = shop.check().await;
    found.has_fault(away, "is IN_TRANSIT (S4)");
    found.has_fault(there, "is DELIVERED (S4)");
    found.has_fault(to_be_fetched, "still has to be sent (S4)");
    found.has_fault(to_be_booked, "still has to be sent (S4)");
    found.has_fault(contradicted, "was cancelled, but the carrier reported it DELIVERED (S4)");
    found.has_fault(returned, "was cancelled (S4)");
    found.has_fault(kept, "REFUNDED before its parcel left, with nothing due, but it has bought 2 of LAMP-1 (S3)");
    for order in well {
        found.is_well(order);
    }
    assert_eq!(found.faults.len(), 7, "{:#?}", found.faults);
}

#[tokio::test]
async fn a_shipment_that_is_being_cancelled_is_in_progress() {
    let shop = Shop::open().await;
    let wanted = Cancellation { reason: contracts::order::CancelReason::CustomerRequest, note: None };
    let mut confirmed = Placed { due_at: Some(NOON), ..Placed::confirmed() };
    (confirmed.saga.shipment, confirmed.saga.cancellation) = (ShipmentState::CancelRequested, Some(wanted));
    let mut refunded = Placed { due_at: Some(NOON), ..Placed::refunded() };
    refunded.saga.shipment = ShipmentState::CancelRequested;
    for (placed, payment_status, text) in [
        (confirmed, "CAPTURED", "CONFIRMED, and the cancellation of the shipment"),
        (refunded, "REFUNDED", "REFUNDED, and the cancellation"),
    ] {
        let (order, payment) = shop.order(placed).await;
        shop.pay(order, payment, payment_status, TOTAL, "EUR").await;
        shop.hold(order, "CONFIRMED", 2).await;
        shop.send(order, "CLOSED", Some("RETURNED"), None).await;
        shop.check().await.has_progress(order, text);
    }
}

#[tokio::test]
async fn money_and_units_that_are_being_released_are_in_progress() {
    let shop = Shop::open().await;
    let (refunding, payment) = shop.order(Placed::releasing(PaymentState::Captured, StockState::Released)).await;
    shop.pay(refunding, payment, "CAPTURED", TOTAL, "EUR").await;
    let (voiding, held) = shop.order(Placed::releasing(PaymentState::Authorized, StockState::Released)).await;
    shop.pay(voiding, held, "AUTHORIZED", TOTAL, "EUR").await;
    let (unknown, unsettled) = shop.order(Placed::cancelled()).await;
    shop.pay(unknown, unsettled, "INITIATED", TOTAL, "EUR").await;
    shop.leave_unsettled(unsettled).await;
    let (expiring, _) = shop.order(Placed::cancelled()).await;
    shop.hold(expiring, "ACTIVE", 2).await;
    let (placed, _) = shop.order(Placed { failed_attempts: 1, ..Placed::pending() }).await;

    let found = shop.check().await;
    found.has_progress(refunding, &format!("CANCELLED, and the refund of payment {payment} is due, after 3 failed attempts"));
    found.has_progress(voiding, &format!("CANCELLED, and the void of payment {held} is due"));
    found.has_progress(unknown, &format!("payment {unsettled} waits for an answer of the provider"));
    found.has_progress(expiring, "of 2 of LAMP-1 still has to expire");
    found.has_progress(placed, "PENDING_PAYMENT, after 1 failed attempt");
    assert_eq!((found.faults.len(), found.notes().len()), (0, 5), "{:#?}", found.notes());
}

#[tokio::test]
async fn stock_whose_release_is_due_is_in_progress() {
    let shop = Shop::open().await;
    for (leg, status, text) in
        [(StockState::Reserved, "ACTIVE", "the release of reservation"), (StockState::Confirmed, "CONFIRMED", "the return of reservation")]
    {
        let (order, _) = shop.order(Placed::releasing(PaymentState::Released, leg)).await;
        let reservation = shop.hold(order, status, 2).await;
        // The reservation is the one that the saga knows.
        let known = async move |tx: &mut db::Tx| {
            let saga = SagaState { payment: PaymentState::Released, stock: leg, reservation_id: Some(reservation), ..SagaState::new() };
            tx.execute("UPDATE orders SET saga = $2 WHERE order_id = $1", params![order, serde_json::to_string(&saga).unwrap()]).await
        };
        shop.orders.write(known).await.expect("it is written");
        shop.check().await.has_progress(order, text);
    }
}

#[tokio::test]
async fn an_unsettled_order_is_in_progress_and_later_a_fault() {
    let shop = Shop::open().await;
    let (order, _) = shop.order(Placed { failed_attempts: 9, ..Placed::pending() }).await;
    shop.env.advance(Duration::from_secs(15 * 60));
    shop.check().await.has_progress(order, "PENDING_PAYMENT, after 9 failed attempts");
    shop.env.advance(Duration::from_millis(2));
    shop.check().await.has_fault(order, "PENDING_PAYMENT, but unsettled since 2026-01-01T12:00:00.001000Z, after 9 failed attempts (O2)");
}

#[tokio::test]
async fn faults_in_the_data_of_the_order_itself_are_found() {
    let shop = Shop::open().await;
    let (order, _) = shop.sale().await;
    let (well, _) = shop.sale().await;
    let write = async move |tx: &mut db::Tx| tx.execute("UPDATE orders SET tax_amount = 1 WHERE order_id = $1", params![order]).await;
    shop.orders.write(write).await.expect("it is written");
    let found = shop.check().await;
    found.has_fault(order, "2000 + 490 + 1 - 0 are 2491, not 2490 (M4)");
    found.is_well(well);
}

#[tokio::test]
async fn payments_and_units_without_an_order_are_faults() {
    let shop = Shop::open().await;
    shop.sale().await;
    let missing: [OrderId; 3] = [OrderId(Uuid::from_u128(1)), shop.env.new_id(), OrderId(Uuid::max())];
    for order in missing {
        shop.pay(order, shop.env.new_id(), "CAPTURED", TOTAL, "EUR").await;
    }
    shop.pay(shop.env.new_id(), shop.env.new_id(), "VOIDED", TOTAL, "EUR").await;
    let held: OrderId = shop.env.new_id();
    shop.hold(held, "ACTIVE", 7).await;
    let found = shop.check().await;
    for order in missing {
        found.has_fault(order, "does not exist, but payment");
    }
    found.has_fault(held, "holds 7 of LAMP-1 (S3)");
    assert_eq!(found.faults.len(), 4);
}

#[tokio::test]
async fn an_event_in_transit_explains_a_mismatch() {
    let shop = Shop::open().await;
    let (order, payment) = shop.sale().await;
    let (other, _) = shop.sale().await;
    shop.refund(order, payment).await;
    let found = shop.check().await;
    found.has_progress(order, "still has to consume an event");
    found.is_well(other);

    // After the event was consumed the mismatch is a fault.
    let event = outbox::newest(&shop.payments).await.expect("an outbox").expect("an event");
    inbox::set_position(&shop.orders, &shop.payments, 1).await.expect("a position");
    shop.check().await.has_fault(order, "is REFUNDED, not CAPTURED (M1)");

    // Unless the event failed: then the event is the fault.
    let parked = async move |tx: &mut db::Tx| {
        tx.execute(
            "INSERT INTO parked_events (event_id, producer, aggregate_id, sequence, event_type, envelope, status, attempts, \
             next_attempt_at, error, parked_at) VALUES ($1, 'payment', $2, 1, 'PaymentRefunded', $3, 'PARKED', 8, 1, 'no', 1)",
            params![event.event_id, payment, serde_json::to_string(&event).unwrap()],
        )
        .await
    };
    shop.orders.write(parked).await.expect("it is written");
    shop.check().await.has_progress(order, "still has to consume an event");
}

#[tokio::test]
async fn every_batch_is_joined_with_its_own_payments_and_units() {
    let shop = Shop::open().await;
    let (first, _) = shop.sale().await;
    let past: Vec<PastOrder> = (0..2_500)
        .map(|_| {
            shop.env.advance(Duration::from_millis(1));
            shop.past()
        })
        .collect();
    import::orders(&shop.orders, past).await.expect("an import");
    let (last, payment) = shop.sale().await;
    let found = shop.check().await;
    assert_eq!((found.orders, found.faults.len()), (2_502, 0), "{:#?}", found.faults);
    let write = async move |tx: &mut db::Tx| tx.execute("DELETE FROM payments WHERE payment_id = $1", params![payment]).await;
    shop.payments.write(write).await.expect("it is written");
    let found = shop.check().await;
    found.is_well(first);
    found.has_fault(last, "it has no payment");
}

#[tokio::test]
async fn a_batch_that_is_full_to_the_last_order_is_not_the_end() {
    let shop = Shop::open().await;
    import::orders(&shop.orders, (0..super::BATCH).map(|_| shop.past()).collect()).await.expect("an import");
    let order = OrderId(Uuid::max());
    shop.pay(order, shop.env.new_id(), "CAPTURED", TOTAL, "EUR").await;
    let found = shop.check().await;
    assert_eq!(found.orders, super::BATCH);
    found.has_fault(order, "does not exist, but payment");
}

#[tokio::test]
async fn the_output_is_limited() {
    let shop = Shop::open().await;
    for _ in 0..30 {
        shop.order(Placed::pending()).await;
    }
    let found = shop.check().await;
    assert_eq!((found.notes().len(), found.notes()[20].as_str()), (21, "in progress: 10 more"));
    for _ in 0..120 {
        shop.pay(shop.env.new_id(), shop.env.new_id(), "CAPTURED", TOTAL, "EUR").await;
    }
    assert_eq!(shop.check().await.faults.len(), 100);
}
