//! Faults that administrators switch on and off in a demonstration, and parcels that they move.

use super::{cancel_shipment, confirm, overview, ship, shipments, start};
use axum::http::Method;
use contracts::{
    ids::{UserId, Uuid},
    shipping::{ShipmentDelivered, ShipmentStatus},
};
use platform::testing::{Harness, TestResponse};
use serde_json::json;

const FAULTS: &str = "/admin/shipments/faults";

async fn demonstration() -> Harness {
    Harness::of(crate::service()).setting("switchable_faults", true).start().await
}

async fn set_down(h: &Harness, down: bool) -> TestResponse {
    h.request(Method::PUT, FAULTS).json(&json!({"down": down})).admin().send().await
}

/// The same administrator each time, to whom a key belongs.
async fn advance(h: &Harness, step: &str, key: &str) -> TestResponse {
    let admin = h.token(UserId(Uuid::from_u128(7)), &["CUSTOMER", "ADMIN"]);
    h.post("/admin/shipments/advance", &json!({"step": step})).bearer(&admin).key(key).send().await
}

#[tokio::test]
async fn a_carrier_that_is_down_refuses_and_sends_what_waited_once_it_is_up() {
    let h = demonstration().await;
    let (booked, _) = ship(&h).await;
    assert_eq!(set_down(&h, true).await.expect(200).json(), json!({"down": true}));
    let waiting = confirm(&h, "").await;
    h.complete().await;
    let seen = overview(&h, waiting).await;
    assert_eq!((&seen["pending"], &seen["failure"]["code"]), (&json!(true), &json!("CARRIER_UNAVAILABLE")));
    assert_eq!(cancel_shipment(&h, booked).await, "PENDING");
    h.complete().await;
    assert_eq!(shipments(&h, booked).await[0].status, ShipmentStatus::Created);

    // The pause before the next attempt is not waited for.
    assert_eq!(set_down(&h, false).await.expect(200).json(), json!({"down": false}));
    assert_eq!(h.get(FAULTS).admin().send().await.expect(200).json(), json!({"down": false}));
    h.complete().await;
    assert_eq!(overview(&h, waiting).await["pending"], json!(false));
    assert_eq!(shipments(&h, booked).await[0].status, ShipmentStatus::Returned);
}

#[tokio::test]
async fn parcels_take_a_step_or_all_of_them() {
    let h = demonstration().await;
    let (first, _) = ship(&h).await;
    for _ in 0..2 {
        assert_eq!(advance(&h, "NEXT_SCAN", "once").await.expect(200).json(), json!({"moved": 1}), "a repetition moves nothing");
    }
    assert_eq!(shipments(&h, first).await[0].status, ShipmentStatus::InTransit);
    let (second, _) = ship(&h).await;
    assert_eq!(advance(&h, "NEXT_SCAN", "twice").await.expect(200).json(), json!({"moved": 2}));
    let statuses = [shipments(&h, first).await[0].status, shipments(&h, second).await[0].status];
    assert_eq!(statuses, [ShipmentStatus::Delivered, ShipmentStatus::InTransit]);
    let (third, _) = ship(&h).await;
    assert_eq!(advance(&h, "DELIVER", "all").await.expect(200).json(), json!({"moved": 2}));
    assert_eq!(shipments(&h, third).await[0].status, ShipmentStatus::Delivered);
    assert_eq!(advance(&h, "DELIVER", "none left").await.expect(200).json(), json!({"moved": 0}));
    assert_eq!(h.emitted_of::<ShipmentDelivered>().await.len(), 3);
}

#[tokio::test]
async fn bad_input_moves_and_switches_nothing() {
    let h = demonstration().await;
    let (order, _) = ship(&h).await;
    for bad in [json!({}), json!({"down": "yes"}), json!({"down": true, "slow": true})] {
        h.request(Method::PUT, FAULTS).json(&bad).admin().send().await.expect_problem(422, "INVALID_REQUEST");
    }
    advance(&h, "LOSE", "k").await.expect_problem(422, "INVALID_REQUEST");
    for (method, path, body) in
        [(Method::PUT, FAULTS, json!({"down": true})), (Method::POST, "/admin/shipments/advance", json!({"step": "DELIVER"}))]
    {
        h.request(method, path).json(&body).customer(order.user_id).send().await.expect_problem(403, "FORBIDDEN");
    }
    assert_eq!(h.get(FAULTS).admin().send().await.expect(200).json(), json!({"down": false}));
    assert_eq!(shipments(&h, order).await[0].status, ShipmentStatus::Created);
}

#[tokio::test]
async fn outside_of_a_demonstration_there_is_nothing_to_switch_and_to_move() {
    let h = start().await;
    let (order, _) = ship(&h).await;
    h.get(FAULTS).admin().send().await.expect_problem(404, "NOT_FOUND");
    set_down(&h, true).await.expect_problem(404, "NOT_FOUND");
    advance(&h, "DELIVER", "k").await.expect_problem(404, "NOT_FOUND");
    assert_eq!(shipments(&h, order).await[0].status, ShipmentStatus::Created);
}
