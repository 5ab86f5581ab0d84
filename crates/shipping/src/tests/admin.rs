//! The operations of administrators.

use super::{confirm, report, retry, ship, shipments, start};
use crate::store;
use contracts::{
    ids::UserId,
    shipping::{ShipmentFilter, ShipmentStatus},
    text::RequiredShortText,
};
use platform::testing::Harness;
use serde_json::json;
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

#[tokio::test]
async fn a_carrier_finds_a_shipment_by_the_number_on_the_parcel() {
    let h = start().await;
    let (order, shipment) = ship(&h).await;
    ship(&h).await;
    confirm(&h, "carrier:fail").await;
    let number = shipments(&h, order).await[0].tracking_number.clone();
    let carrier = h.scoped_token("parcels", "shipping:events");
    let path = format!("/shipments?trackingNumber={number}");
    for page in [h.get(&path).bearer(&carrier).send().await, h.get(&path).admin().send().await] {
        let page = page.expect(200).json();
        let items = page["items"].as_array().unwrap();
        assert_eq!((items.len(), items[0]["shipmentId"].as_str()), (1, Some(shipment.to_string().as_str())));
        assert_eq!(items[0]["events"].as_array().unwrap().len(), 1);
    }
    assert_eq!(list(&h, &format!("trackingNumber={number}")).await, [order.order_id.to_string()]);
    assert_eq!(list(&h, &format!("trackingNumber={number}&status=DELIVERED")).await, [""; 0]);
    assert_eq!(list(&h, &format!("trackingNumber={number}&pending=true")).await, [""; 0]);
    let none = h.get("/shipments?trackingNumber=NONE").bearer(&carrier).send().await.expect(200).json();
    assert_eq!(none["items"], json!([]));
    h.get("/shipments").bearer(&carrier).send().await.expect_problem(422, "INVALID_REQUEST");
    h.get(&path).customer(order.user_id).send().await.expect_problem(403, "FORBIDDEN");
    h.get(&path).seller(h.id::<UserId>()).send().await.expect_problem(403, "FORBIDDEN");
    h.get(&path).service("order").send().await.expect_problem(403, "FORBIDDEN");
    h.get(&path).bearer(&h.scoped_token("parcels", "orders:read")).send().await.expect_problem(403, "FORBIDDEN");
}

#[tokio::test]
async fn every_list_reads_one_index_in_its_order() {
    let h = start().await;
    for bits in 0..16_u8 {
        let given = |bit: u8| bits & (1 << bit) != 0;
        let filter = ShipmentFilter {
            status: given(0).then_some(ShipmentStatus::Created),
            tracking_number: given(1).then(|| RequiredShortText::parse("T1").unwrap()),
            pending: given(2).then_some(false),
        };
        let select = store::listed(filter, given(3).then(|| h.id()), 21);
        let plan = h.query_plan(select.sql());
        assert!(plan.iter().all(|step| step.contains("INDEX") && !step.contains("TEMP B-TREE")), "{}: {plan:?}", select.sql());
        if given(1) {
            assert!(plan[0].contains("shipments_by_tracking_number (tracking_number=?"), "{}: {plan:?}", select.sql());
        }
    }
}
