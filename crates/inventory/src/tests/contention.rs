//! Many concurrent requests.

use super::*;
use contracts::inventory::ReservationStatus;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_buyers_of_ten_units_get_exactly_ten() {
    let h = Arc::new(stocked(&[("LAMP-1", 10)]).await);
    let mut buyers = h.env.task_set();
    for _ in 0..200 {
        let h = h.clone();
        buyers.spawn(async move { request(&h, &reserve_body(h.id(), &[("LAMP-1", 1)])).await });
    }
    let answers = buyers.join_all().await;
    let (served, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!(served.len(), 10);
    for answer in refused {
        let problem = answer.expect_problem(409, "INSUFFICIENT_STOCK").json();
        assert_eq!(problem["lines"], json!([{"sku": "LAMP-1", "requested": 1, "available": 0}]));
    }
    assert_eq!(quantities(&h, "LAMP-1").await, (0, 10));
    assert_eq!((count_emitted(&h, "StockReserved").await, count_emitted(&h, "StockReservationFailed").await), (10, 190));
    assert_consistent(&h).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reservations_of_the_same_items_in_different_orders_all_finish() {
    let h = Arc::new(stocked(&[("LAMP-1", 30), ("CHAIR-1", 30), ("DESK-1", 20)]).await);
    let mut buyers = h.env.task_set();
    for n in 0..120 {
        let h = h.clone();
        buyers.spawn(async move {
            let mut lines = [("LAMP-1", 1), ("CHAIR-1", 1), ("DESK-1", 1)];
            lines.rotate_left(n % 3);
            let answer = request(&h, &reserve_body(h.id(), &lines)).await;
            if answer.status == 201 && n % 2 == 0 {
                end(&h, answer.read::<Reservation>().reservation_id, "release").await.expect(200);
            }
        });
    }
    buyers.join_all().await;
    let held = quantities(&h, "DESK-1").await.1;
    for (sku, all) in [("LAMP-1", 30), ("CHAIR-1", 30), ("DESK-1", 20)] {
        assert_eq!(quantities(&h, sku).await, (all - held, held), "{sku}");
    }
    assert_consistent(&h).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_key_forty_times_at_once_reserves_once() {
    let h = Arc::new(stocked(&[("LAMP-1", 100)]).await);
    let body = Arc::new(reserve_body(h.id(), &[("LAMP-1", 2)]));
    let mut buyers = h.env.task_set();
    for n in 0..40 {
        let (h, body) = (h.clone(), body.clone());
        // Half share a key and half have their own: the order reserves once either way.
        let key = if n % 2 == 0 { "one".to_owned() } else { format!("own-{n}") };
        buyers.spawn(async move { h.post("/inventory/reservations", &body).service("order").key(&key).send().await });
    }
    let bodies: Vec<_> = buyers.join_all().await.into_iter().map(|answer| answer.expect(201).body).collect();
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!((quantities(&h, "LAMP-1").await, count_emitted(&h, "StockReserved").await), ((98, 2), 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_confirmation_and_the_expiry_at_one_instant_have_one_winner() {
    const COUNT: usize = 60;
    let h = Arc::new(stocked(&[("LAMP-1", 100)]).await);
    let mut held = Vec::new();
    for _ in 0..COUNT {
        held.push(reserved(&h, &[("LAMP-1", 1)]).await.reservation_id);
    }
    h.advance(Duration::from_secs(900) - Duration::from_micros(1));
    let (mut sales, mut clock) = (h.env.task_set(), h.env.task_set());
    for (n, id) in held.iter().copied().enumerate() {
        let h2 = h.clone();
        sales.spawn(async move { (id, end(&h2, id, "confirm").await) });
        if n == COUNT / 2 {
            // Some confirmations finish first; then the reservations expire and the worker runs.
            while sales.len() > COUNT / 4 {
                let Some(Ok((id, answer))) = sales.join_next().await else { break };
                answer.expect(200);
                assert_eq!(reservation_of(&h, id).await.status, ReservationStatus::Confirmed);
            }
            let h2 = h.clone();
            clock.spawn(async move {
                h2.advance(Duration::from_micros(1));
                let due = list_due(&h2).await;
                Expiry(h2.db().clone()).run(due).await.unwrap();
            });
        }
    }
    let answers = sales.join_all().await;
    clock.join_all().await;
    h.complete().await;
    for (id, answer) in answers {
        match reservation_of(&h, id).await.status {
            ReservationStatus::Confirmed => answer.expect(200),
            ReservationStatus::Expired => answer.expect_problem(409, "RESERVATION_EXPIRED"),
            status => panic!("{id} is {status}"),
        };
    }
    let (sold, expired) = (count_emitted(&h, "StockConfirmed").await, count_emitted(&h, "StockExpired").await);
    assert_eq!(sold + expired, COUNT);
    assert!(sold > 0 && expired > 0, "{sold} sold, {expired} expired");
    assert_eq!(quantities(&h, "LAMP-1").await, (100 - i64::try_from(sold).unwrap(), 0));
    assert_consistent(&h).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_item_that_many_set_at_once_is_created_once() {
    let h = Arc::new(harness().await);
    let body = Arc::new(json!({"availableQty": 5, "productId": h.id::<ProductId>()}));
    let mut sellers = h.env.task_set();
    for _ in 0..40 {
        let (h, body) = (h.clone(), body.clone());
        sellers.spawn(async move { h.put("/inventory/stock/LAMP-1", &body).admin().send().await.status.as_u16() });
    }
    let mut statuses = sellers.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, [vec![200; 39], vec![201]].concat());
    assert_eq!((quantities(&h, "LAMP-1").await, count_emitted(&h, "StockChanged").await), ((5, 0), 1));
    assert_consistent(&h).await;
}
