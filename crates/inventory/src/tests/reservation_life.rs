//! The life of a reservation, one request at a time.

use super::*;
use contracts::inventory::{
    ReservationStatus, StockChangeReason, StockChanged, StockConfirmed, StockExpired, StockReleased, StockReservationFailed, StockReserved,
    StockReturned,
};
use std::time::Duration;

const DEFAULT_TTL: Duration = Duration::from_secs(900);

#[tokio::test]
async fn units_are_reserved_and_sold() {
    let h = stocked(&[("LAMP-1", 10), ("CHAIR-1", 4)]).await;
    let order = h.id::<OrderId>();
    let answer = request(&h, &reserve_body(order, &[("lamp-1", 3), ("CHAIR-1", 4)])).await.expect(201);
    let held: Reservation = answer.read();
    assert_eq!(answer.header("location"), format!("/api/v1/inventory/reservations/{}", held.reservation_id));
    assert_eq!((held.order_id, held.status, held.returned_at), (order, ReservationStatus::Active, None));
    assert_eq!(held.expires_at, h.env.now().after(DEFAULT_TTL));
    let lines: Vec<_> = held.lines.iter().map(|line| (line.sku.as_str(), line.quantity)).collect();
    assert_eq!(lines, [("CHAIR-1", 4), ("LAMP-1", 3)]);
    assert_eq!(reservation_of(&h, held.reservation_id).await, held);
    assert_eq!((quantities(&h, "LAMP-1").await, quantities(&h, "CHAIR-1").await), ((7, 3), (0, 4)));
    assert_consistent(&h).await;

    let sold: Reservation = end(&h, held.reservation_id, "confirm").await.expect(200).read();
    assert_eq!(sold, Reservation { status: ReservationStatus::Confirmed, ..held.clone() });
    assert_eq!((quantities(&h, "LAMP-1").await, quantities(&h, "CHAIR-1").await), ((7, 0), (0, 0)));
    assert_consistent(&h).await;

    let reserved = h.emitted_of::<StockReserved>().await;
    assert_eq!((reserved.len(), reserved[0].order_id, reserved[0].expires_at), (1, order, held.expires_at));
    let confirmed = h.emitted_of::<StockConfirmed>().await;
    assert_eq!((confirmed.len(), confirmed[0].reservation_id), (1, held.reservation_id));
    let units: Vec<_> = confirmed[0].lines.iter().map(|line| (line.sku.as_str(), line.quantity)).collect();
    assert_eq!(units, [("CHAIR-1", 4), ("LAMP-1", 3)]);
    let lamp: Vec<_> = h.emitted_of::<StockChanged>().await.into_iter().filter(|e| e.sku == "LAMP-1").collect();
    let lamp: Vec<_> = lamp.iter().map(|e| (e.reason, e.available_qty, e.reserved_qty)).collect();
    use StockChangeReason::{Adjusted, Confirmed, Reserved};
    assert_eq!(lamp, [(Adjusted, 10, 0), (Reserved, 7, 3), (Confirmed, 7, 0)]);
}

#[tokio::test]
async fn all_lines_are_reserved_or_none() {
    let h = stocked(&[("LAMP-1", 10), ("CHAIR-1", 4), ("DESK-1", 9)]).await;
    let before = h.emitted().await.len();
    let order = h.id::<OrderId>();
    let answer = request(&h, &reserve_body(order, &[("LAMP-1", 3), ("CHAIR-1", 5), ("SOFA-1", 1), ("DESK-1", 9)])).await;
    let problem = answer.expect_problem(409, "INSUFFICIENT_STOCK").json();
    assert_eq!(
        problem["lines"],
        json!([{"sku": "CHAIR-1", "requested": 5, "available": 4}, {"sku": "SOFA-1", "requested": 1, "available": 0}])
    );
    for (sku, quantity) in [("LAMP-1", 10), ("CHAIR-1", 4), ("DESK-1", 9)] {
        assert_eq!(quantities(&h, sku).await, (quantity, 0));
    }
    let failed = h.emitted_of::<StockReservationFailed>().await;
    assert_eq!((failed.len(), failed[0].order_id, failed[0].shortages.len()), (1, order, 2));
    assert_eq!(h.emitted().await.len(), before + 1, "no other event is emitted");
    let id = failed[0].reservation_id;
    h.get(&format!("/inventory/reservations/{id}")).service("order").send().await.expect_problem(404, "NOT_FOUND");
    assert_consistent(&h).await;
}

#[tokio::test]
async fn one_key_reserves_once_and_repeats_the_answer() {
    let h = stocked(&[("LAMP-1", 10)]).await;
    let body = reserve_body(h.id(), &[("LAMP-1", 3)]);
    let request = |body: &Value| h.post("/inventory/reservations", body).service("order").key("k1").send();
    let first = request(&body).await.expect(201);
    let again = request(&body).await.expect(201);
    assert_eq!((again.header("idempotency-replayed"), again.header("location")), ("true", first.header("location")));
    assert_eq!(again.body, first.body);
    request(&super::reserve_body(h.id(), &[("LAMP-1", 3)])).await.expect_problem(422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(quantities(&h, "LAMP-1").await, (7, 3));
    assert_eq!(count_emitted(&h, "StockReserved").await, 1);
}

#[tokio::test]
async fn a_refusal_is_replayed_under_its_key_although_stock_arrived() {
    let h = stocked(&[("LAMP-1", 1)]).await;
    let body = reserve_body(h.id(), &[("LAMP-1", 3)]);
    let request = || h.post("/inventory/reservations", &body).service("order").key("k1").send();
    let first = request().await.expect_problem(409, "INSUFFICIENT_STOCK");
    h.post("/inventory/stock/LAMP-1/adjust", &json!({"delta": 9, "reason": "delivery"})).admin().send().await.expect(200);
    let again = request().await.expect_problem(409, "INSUFFICIENT_STOCK");
    assert_eq!((again.body, again.headers["idempotency-replayed"].to_str().unwrap()), (first.body, "true"));
    assert_eq!(count_emitted(&h, "StockReservationFailed").await, 1);
}

#[tokio::test]
async fn an_order_reserves_once_whatever_the_key() {
    let h = stocked(&[("LAMP-1", 10), ("CHAIR-1", 10)]).await;
    let order = h.id::<OrderId>();
    let first: Reservation = request(&h, &reserve_body(order, &[("LAMP-1", 3), ("CHAIR-1", 1)])).await.expect(201).read();
    let again: Reservation = request(&h, &reserve_body(order, &[("CHAIR-1", 1), ("LAMP-1", 3)])).await.expect(201).read();
    assert_eq!(again, first);
    let other = request(&h, &reserve_body(order, &[("LAMP-1", 4)])).await.expect_problem(409, "ILLEGAL_TRANSITION");
    assert_eq!(other.json()["reservationId"], json!(first.reservation_id));
    assert_eq!((quantities(&h, "LAMP-1").await, count_emitted(&h, "StockReserved").await), ((7, 3), 1));

    end(&h, first.reservation_id, "confirm").await.expect(200);
    request(&h, &reserve_body(order, &[("LAMP-1", 3), ("CHAIR-1", 1)])).await.expect_problem(409, "ILLEGAL_TRANSITION");
    assert_consistent(&h).await;
}

#[tokio::test]
async fn an_order_may_reserve_again_after_a_release_an_expiry_or_a_return() {
    let h = stocked(&[("LAMP-1", 3)]).await;
    let order = h.id::<OrderId>();
    let attempt = async || request(&h, &reserve_body(order, &[("LAMP-1", 3)])).await.expect(201).read::<Reservation>().reservation_id;
    let released = attempt().await;
    end(&h, released, "release").await.expect(200);
    let expired = attempt().await;
    assert_ne!(expired, released);
    // It is overdue and the expiry is not stored yet: the new attempt stores it.
    h.advance(DEFAULT_TTL);
    let sold = attempt().await;
    assert_eq!(reservation_of(&h, expired).await.status, ReservationStatus::Expired);
    end(&h, sold, "confirm").await.expect(200);
    end(&h, sold, "return").await.expect(200);
    attempt().await;
    assert_eq!(quantities(&h, "LAMP-1").await, (0, 3));
    assert_consistent(&h).await;
}

#[tokio::test]
async fn released_units_go_back_on_sale_once() {
    let h = stocked(&[("LAMP-1", 10)]).await;
    let held = reserved(&h, &[("LAMP-1", 3)]).await;
    for _ in 0..2 {
        let released: Reservation = end(&h, held.reservation_id, "release").await.expect(200).read();
        assert_eq!(released.status, ReservationStatus::Released);
    }
    assert_eq!(quantities(&h, "LAMP-1").await, (10, 0));
    let events = h.emitted_of::<StockReleased>().await;
    assert_eq!((events.len(), events[0].order_id), (1, held.order_id));
    let late = end(&h, held.reservation_id, "confirm").await.expect_problem(409, "ILLEGAL_TRANSITION");
    assert_eq!(late.json()["reservationStatus"], "RELEASED");
    end(&h, held.reservation_id, "return").await.expect_problem(409, "ILLEGAL_TRANSITION");
    assert_consistent(&h).await;
}

#[tokio::test]
async fn units_are_sold_once() {
    let h = stocked(&[("LAMP-1", 10)]).await;
    let held = reserved(&h, &[("LAMP-1", 3)]).await;
    let first = end_under(&h, held.reservation_id, "confirm", "c").await.expect(200);
    let replayed = end_under(&h, held.reservation_id, "confirm", "c").await.expect(200);
    assert_eq!((replayed.header("idempotency-replayed"), &replayed.body), ("true", &first.body));
    // The state decides as well as the key.
    let again = end_under(&h, held.reservation_id, "confirm", "d").await.expect(200);
    assert_eq!((again.header("idempotency-replayed"), &again.body), ("", &first.body));
    end(&h, held.reservation_id, "release").await.expect_problem(409, "ILLEGAL_TRANSITION");
    // Sold units do not expire.
    h.advance(DEFAULT_TTL * 2);
    h.complete().await;
    assert_eq!((quantities(&h, "LAMP-1").await, count_emitted(&h, "StockConfirmed").await), ((7, 0), 1));
    assert_consistent(&h).await;
}

#[tokio::test]
async fn sold_units_are_returned_once_and_stay_confirmed() {
    let h = stocked(&[("LAMP-1", 10)]).await;
    let held = reserved(&h, &[("LAMP-1", 3)]).await;
    end(&h, held.reservation_id, "return").await.expect_problem(409, "ILLEGAL_TRANSITION");
    end(&h, held.reservation_id, "confirm").await.expect(200);
    h.advance(Duration::from_secs(60));
    let returned: Reservation = end(&h, held.reservation_id, "return").await.expect(200).read();
    assert_eq!((returned.status, returned.returned_at), (ReservationStatus::Confirmed, Some(h.env.now())));
    h.advance(Duration::from_secs(60));
    let again: Reservation = end(&h, held.reservation_id, "return").await.expect(200).read();
    assert_eq!(again, returned);
    end(&h, held.reservation_id, "confirm").await.expect(200);
    end(&h, held.reservation_id, "release").await.expect_problem(409, "ILLEGAL_TRANSITION");
    assert_eq!(quantities(&h, "LAMP-1").await, (10, 0));
    let events = h.emitted_of::<StockReturned>().await;
    assert_eq!((events.len(), events[0].reservation_id), (1, held.reservation_id));
    assert_consistent(&h).await;
}

#[tokio::test]
async fn units_of_an_expired_reservation_go_back_on_sale() {
    let h = stocked(&[("LAMP-1", 10)]).await;
    let short: Reservation =
        request(&h, &json!({"orderId": h.id::<OrderId>(), "lines": [{"sku": "LAMP-1", "quantity": 2}], "ttlSeconds": 60}))
            .await
            .expect(201)
            .read();
    let long = reserved(&h, &[("LAMP-1", 3)]).await;
    h.advance(Duration::from_secs(59));
    h.complete().await;
    assert_eq!(quantities(&h, "LAMP-1").await, (5, 5));
    h.advance(Duration::from_secs(1));
    h.complete().await;
    assert_eq!(quantities(&h, "LAMP-1").await, (7, 3));
    assert_eq!(reservation_of(&h, short.reservation_id).await.status, ReservationStatus::Expired);
    assert_eq!(reservation_of(&h, long.reservation_id).await.status, ReservationStatus::Active);
    let events = h.emitted_of::<StockExpired>().await;
    assert_eq!((events.len(), events[0].reservation_id), (1, short.reservation_id));
    end(&h, short.reservation_id, "confirm").await.expect_problem(409, "RESERVATION_EXPIRED");
    // Releasing an expired reservation is no error.
    let gone: Reservation = end(&h, short.reservation_id, "release").await.expect(200).read();
    assert_eq!(gone.status, ReservationStatus::Expired);
    assert_eq!((quantities(&h, "LAMP-1").await, count_emitted(&h, "StockReleased").await), ((7, 3), 0));
    assert_consistent(&h).await;
}

#[tokio::test]
async fn a_confirmation_counts_until_the_instant_of_expiry() {
    let h = stocked(&[("LAMP-1", 10)]).await;
    let (in_time, too_late) = (reserved(&h, &[("LAMP-1", 1)]).await, reserved(&h, &[("LAMP-1", 2)]).await);
    h.advance(DEFAULT_TTL - Duration::from_micros(1));
    end(&h, in_time.reservation_id, "confirm").await.expect(200);
    h.advance(Duration::from_micros(1));
    // The worker did not run: the confirmation itself stores the expiry, and its refusal is stored under the key.
    let refused = end_under(&h, too_late.reservation_id, "confirm", "late").await.expect_problem(409, "RESERVATION_EXPIRED");
    assert_eq!(reservation_of(&h, too_late.reservation_id).await.status, ReservationStatus::Expired);
    assert_eq!(quantities(&h, "LAMP-1").await, (9, 0));
    h.complete().await;
    let again = end_under(&h, too_late.reservation_id, "confirm", "late").await.expect_problem(409, "RESERVATION_EXPIRED");
    assert_eq!(again.body, refused.body);
    assert_eq!((count_emitted(&h, "StockExpired").await, count_emitted(&h, "StockConfirmed").await), (1, 1));
    assert_consistent(&h).await;
}

#[tokio::test]
async fn a_release_after_the_time_is_an_expiry() {
    let h = stocked(&[("LAMP-1", 10)]).await;
    let held = reserved(&h, &[("LAMP-1", 2)]).await;
    h.advance(DEFAULT_TTL);
    let gone: Reservation = end(&h, held.reservation_id, "release").await.expect(200).read();
    assert_eq!(gone.status, ReservationStatus::Expired);
    h.complete().await;
    assert_eq!((count_emitted(&h, "StockExpired").await, count_emitted(&h, "StockReleased").await), (1, 0));
    assert_eq!(quantities(&h, "LAMP-1").await, (10, 0));
}

#[tokio::test]
async fn many_reservations_expire_in_batches() {
    let count = i64::try_from(Expiry::SIZE).unwrap() * 2 + 3;
    let h = stocked(&[("LAMP-1", count), ("CHAIR-1", count)]).await;
    for _ in 0..count {
        reserved(&h, &[("LAMP-1", 1), ("CHAIR-1", 1)]).await;
    }
    h.advance(DEFAULT_TTL);
    let due = list_due(&h).await;
    assert_eq!(due.len(), Expiry::SIZE);
    Expiry(h.db().clone()).run(due).await.unwrap();
    assert_eq!(count_emitted(&h, "StockExpired").await, Expiry::SIZE);
    h.complete().await;
    assert_eq!((quantities(&h, "LAMP-1").await, quantities(&h, "CHAIR-1").await), ((count, 0), (count, 0)));
    assert_eq!(count_emitted(&h, "StockExpired").await, usize::try_from(count).unwrap());
    assert_consistent(&h).await;
}

#[tokio::test]
async fn the_worker_waits_until_the_next_expiry_and_is_notified_of_a_sooner_one() {
    let h = stocked(&[("LAMP-1", 10)]).await;
    let next = async || h.db().read(async |tx| Expiry::QUEUE.next(tx).await).await.unwrap();
    assert_eq!((next().await, list_due(&h).await), (None, vec![]));
    let held = reserved(&h, &[("LAMP-1", 1)]).await;
    assert_eq!((next().await, list_due(&h).await), (Some(held.expires_at), vec![]));
    // A reservation that expires before the next regular run notifies the worker.
    let notifier = h.db().worker_notifier(Expiry::NAME);
    let notified = async || {
        let mut notified = std::pin::pin!(notifier.notified());
        std::future::poll_fn(|context| std::task::Poll::Ready(notified.as_mut().poll(context).is_ready())).await
    };
    assert!(!notified().await);
    let soon = Expiry::PERIOD.as_secs() - 1;
    let body = json!({"orderId": h.id::<OrderId>(), "lines": [{"sku": "LAMP-1", "quantity": 1}], "ttlSeconds": soon});
    request(&h, &body).await.expect(201);
    assert!(notified().await);
}

#[tokio::test]
async fn the_default_reservation_time_is_a_setting() {
    let h = Harness::of(crate::service()).setting("reservation_ttl_seconds", 30).start().await;
    put(&h, "LAMP-1", 10).await;
    assert_eq!(reserved(&h, &[("LAMP-1", 1)]).await.expires_at, h.env.now().after(Duration::from_secs(30)));
}

#[tokio::test]
async fn settings_out_of_bounds_stop_the_start() {
    use platform::settings::Settings;
    for (key, value) in [("reservation_ttl_seconds", 0), ("low_stock_threshold", -1), ("ttl", 5)] {
        let read = Settings::default().with("inventory", key, value).section::<crate::Settings>("inventory");
        assert!(read.is_err(), "{key}");
    }
}

#[tokio::test]
async fn an_expiry_that_fails_is_tried_again_and_delays_no_other() {
    let h = stocked(&[("LAMP-1", 10), ("CHAIR-1", 10)]).await;
    let (damaged, sound) = (reserved(&h, &[("LAMP-1", 1)]).await, reserved(&h, &[("CHAIR-1", 1)]).await);
    let set_reserved = async |quantity: i64| {
        let sql = "UPDATE stock_items SET reserved_qty = $1 WHERE sku = 'LAMP-1'";
        h.db().write(async move |tx| tx.execute(sql, platform::params![quantity]).await).await.unwrap();
    };
    set_reserved(0).await;
    h.expect_worker_failures();
    h.advance(DEFAULT_TTL);
    h.complete().await;
    assert_eq!(reservation_of(&h, sound.reservation_id).await.status, ReservationStatus::Expired);
    assert_eq!(reservation_of(&h, damaged.reservation_id).await.status, ReservationStatus::Active);
    set_reserved(1).await;
    h.advance(Duration::from_secs(2));
    h.complete().await;
    let expired = reservation_of(&h, damaged.reservation_id).await;
    assert_eq!((expired.status, expired.expires_at), (ReservationStatus::Expired, damaged.expires_at));
    assert_consistent(&h).await;
}
