//! The operations of administrators.

use super::{confirm, report, retry, ship, start};
use platform::testing::Harness;
use std::time::Duration;

async fn list(h: &Harness, query: &str) -> Vec<String> {
    let found = h.get(&format!("/admin/shipments?{query}")).admin().send().await.expect(200).json();
    found["items"].as_array().unwrap().iter().map(|item| item["orderId"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn shipments_are_listed_by_status_and_whether_they_are_pending() {
    let h = start().await;
    let mut orders = Vec::new();
    for number in 0..4 {
        let order = if number == 1 { confirm(&h, "carrier:fail").await } else { ship(&h).await.0 };
        orders.push(order.order_id.to_string());
        h.advance(Duration::from_millis(2));
    }
    h.complete().await;
    let moving = super::overview(&h, super::Order { order_id: orders[2].parse().unwrap(), user_id: h.id() }).await;
    report(&h, moving["shipmentId"].as_str().unwrap().parse().unwrap(), "IN_TRANSIT", "").await.expect(200);

    let only = |wanted: &[usize]| wanted.iter().map(|at| orders[*at].clone()).collect::<Vec<_>>();
    assert_eq!(list(&h, "").await, only(&[3, 2, 1, 0]));
    assert_eq!(list(&h, "pending=true").await, only(&[1]));
    assert_eq!(list(&h, "pending=false").await, only(&[3, 2, 0]));
    assert_eq!(list(&h, "status=CREATED").await, only(&[3, 0]));
    assert_eq!(list(&h, "status=IN_TRANSIT&pending=false").await, only(&[2]));
    assert_eq!(list(&h, "status=CREATED&pending=true").await, only(&[]));
    assert_eq!(list(&h, "status=DELIVERED").await, only(&[]));

    // Pages, and a cursor is valid for its filters only.
    let first = h.get("/admin/shipments?limit=3").admin().send().await.expect(200);
    let cursor = first.json()["nextCursor"].as_str().unwrap().to_owned();
    assert!(first.header("link").contains(&cursor));
    assert_eq!(list(&h, &format!("limit=3&cursor={cursor}")).await, only(&[0]));
    h.get(&format!("/admin/shipments?pending=true&cursor={cursor}")).admin().send().await.expect_problem(400, "BAD_CURSOR");
    for bad in ["status=LOST", "pending=maybe", "limit=0", "limit=101", "userId=1"] {
        h.get(&format!("/admin/shipments?{bad}")).admin().send().await.expect_problem(422, "INVALID_REQUEST");
    }
}

#[tokio::test]
async fn an_order_without_a_due_request_cannot_be_retried() {
    let h = start().await;
    let order = super::Order::new(&h);
    retry(&h, order).await.expect_problem(404, "NOT_FOUND");
    h.deliver(order.created(&h, "")).await;
    retry(&h, order).await.expect_problem(409, "ILLEGAL_TRANSITION");
}
