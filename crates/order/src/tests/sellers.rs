//! Orders of several sellers through the entry points: what each part costs, who pays its discounts, and a part that is cancelled.

use super::{
    cancellation::confirmed,
    entry_points::{advance_orders, order, send_and_settle},
    model::id,
    upstreams::{Upstreams, customer},
};
use contracts::{
    ids::UserId,
    order::{FulfilmentCancelled, FulfilmentConfirmed, FulfilmentStatus, OrderPartRefunded, OrderStatus, OrderView, RefundCause},
};
use platform::testing::Harness;
use serde_json::{Value, json};

fn seller(number: u32) -> UserId {
    id(2, 50 + number)
}

/// A cart of two lamps of the shop and one of each of two sellers.
fn upstreams() -> Upstreams {
    let upstreams = Upstreams::new();
    upstreams.script().sellers = vec![seller(1), seller(2)];
    upstreams
}

async fn sales(h: &Harness) -> Vec<FulfilmentConfirmed> {
    let mut sales = h.emitted_of::<FulfilmentConfirmed>().await;
    sales.sort_by_key(|sale| sale.seller_id);
    sales
}

#[tokio::test]
async fn each_seller_has_a_part_with_a_fee_and_the_parts_add_up() {
    let upstreams = upstreams();
    let h = upstreams.harness().await;
    let placed = confirmed(&h).await;
    let sellers: Vec<_> = placed.fulfilments.iter().map(|part| part.seller_id).collect();
    assert_eq!(sellers, [None, Some(seller(1)), Some(seller(2))]);
    assert_eq!((placed.subtotal_amount, placed.shipping_amount), (4_000, 3 * 490));
    let sales = sales(&h).await;
    assert_eq!(sales.iter().map(|sale| sale.total_amount).sum::<i64>(), placed.total_amount);
    assert_eq!(sales.iter().map(|sale| (sale.subtotal_amount, sale.items.len())).collect::<Vec<_>>(), [(2_000, 1), (1_000, 1), (1_000, 1)]);
}

#[tokio::test]
async fn a_sale_says_what_the_shop_waived_of_its_fee_and_what_its_seller_pays() {
    let upstreams = upstreams();
    upstreams.script().coupons = vec!["SHOP", "OWN"];
    let h = upstreams.harness().await;
    let placed = confirmed(&h).await;
    let parts: Vec<_> = sales(&h).await.into_iter().collect();
    let amounts =
        |sale: &FulfilmentConfirmed| (sale.shipping_amount, sale.waived_shipping_amount, sale.discount_amount, sale.seller_discount_amount);
    // The shop takes 100 off its own line and 90 off each fee; the last seller takes 100 and 90 off the own ones.
    assert_eq!(parts.iter().map(amounts).collect::<Vec<_>>(), [(400, 90, 100, 0), (400, 90, 0, 0), (310, 90, 100, 100)]);
    assert_eq!(parts.iter().map(|sale| sale.total_amount).sum::<i64>(), placed.total_amount);
}

#[tokio::test]
async fn a_cancelled_part_gives_back_its_money_and_its_units_and_the_rest_goes_on() {
    let upstreams = upstreams();
    upstreams.script().coupons = vec!["SHOP", "OWN"];
    let h = upstreams.harness().await;
    let placed = confirmed(&h).await;
    let part = placed.fulfilments[2].clone();
    let path = format!("/orders/{}/fulfilments/{}/cancel", placed.order_id, part.fulfilment_id);
    h.post(&path, &json!({})).seller(seller(1)).send().await.expect_problem(404, "NOT_FOUND");
    let cancel = h.post(&path, &json!({})).customer(customer()).key("c").header("prefer", "wait=10");
    send_and_settle(&h, cancel).await.expect(200);
    advance_orders(&h).await;
    let after: OrderView = order(&h, placed.order_id).await;
    assert_eq!((after.status, after.fulfilments[2].status), (OrderStatus::Confirmed, FulfilmentStatus::Cancelled));
    let cancelled = h.emitted_of::<FulfilmentCancelled>().await;
    assert_eq!((cancelled.len(), cancelled[0].refund_amount), (1, cancelled[0].total_amount));
    assert_eq!(upstreams.script().part_refunds, [cancelled[0].refund_amount]);
    assert_eq!(upstreams.script().returned_units, [("LAMP-3".to_owned(), 1)]);
    let refunded = h.emitted_of::<OrderPartRefunded>().await;
    assert_eq!((refunded.len(), refunded[0].cause, refunded[0].cause_id), (1, RefundCause::Fulfilment, part.fulfilment_id.0));
}

#[tokio::test]
async fn a_seller_ships_the_own_part_and_a_key_gives_the_first_answer_again() {
    let upstreams = upstreams();
    let h = upstreams.harness().await;
    let placed = confirmed(&h).await;
    let path = format!("/seller/fulfilments/{}/ship", placed.fulfilments[1].fulfilment_id);
    let own = json!({"carrier": "Bike", "trackingNumber": "B-1"});
    h.post(&path, &own).seller(seller(2)).send().await.expect_problem(404, "NOT_FOUND");
    let ship = |body: &Value| h.post(&path, body).seller(seller(1)).key("k").send();
    let first = ship(&own).await.expect(200);
    assert_eq!((&first.json()["status"], &first.json()["trackingNumber"]), (&json!("SHIPPED"), &json!("B-1")));
    let again = ship(&own).await.expect(200);
    assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &first.body));
    assert_eq!(upstreams.script().calls["hand_over always"], 1);
    ship(&json!({"carrier": "Bike", "trackingNumber": "B-2"})).await.expect_problem(422, "IDEMPOTENCY_KEY_REUSED");
    assert!(order(&h, placed.order_id).await.partially_shipped);
}
