//! Parcels that come back.

use super::{
    cancellation::{confirmed, created, delivered, in_transit, returned},
    entry_points::{advance_orders, order, send_and_settle},
    upstreams::{Upstreams, customer},
};
use contracts::{
    ids::OrderId,
    order::{OrderParcelReturned, OrderStatus, OrderView, PARCEL_RETURNED, RestockStatus},
    payment::PaymentRefunded,
    returns::{ReceivedItem, ReturnReceived},
};
use platform::testing::{Harness, TestRequest};
use serde_json::json;

fn restock(h: &Harness, id: OrderId) -> TestRequest<'_> {
    h.post(&format!("/orders/{id}/restock"), &json!({})).admin()
}

fn reasons(view: &OrderView) -> Vec<(OrderStatus, Option<&str>)> {
    view.timeline.iter().rev().take(2).rev().map(|entry| (entry.status, entry.reason.as_deref())).collect()
}

/// The return of one unit of the only line.
fn one_unit(h: &Harness, order: &OrderView, restocked: u32, written_off: u32) -> ReturnReceived {
    let item = &order.items[0];
    ReturnReceived {
        return_id: h.id(),
        order_id: order.order_id,
        order_number: order.order_number.clone(),
        fulfilment_id: order.fulfilments[0].fulfilment_id,
        user_id: customer(),
        seller_id: None,
        currency: order.currency,
        items: vec![ReceivedItem {
            order_item_id: item.order_item_id,
            product_id: item.product_id,
            sku: item.sku.clone(),
            restocked_quantity: restocked,
            written_off_quantity: written_off,
            refund_amount: 0,
            tax_amount: 0,
            discount_amount: 0,
        }],
        refund_amount: 0,
    }
}

#[tokio::test]
async fn units_that_came_back_by_a_return_are_not_restocked_with_their_parcel() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let placed = confirmed(&h).await;
    let shipment = created(&h, &placed);
    h.deliver(shipment.clone()).await;
    h.deliver(delivered(&shipment)).await;
    h.deliver(one_unit(&h, &placed, 0, 1)).await;
    h.deliver(returned(&shipment, false)).await;
    let answer = send_and_settle(&h, restock(&h, placed.order_id).key("r").header("prefer", "wait=10")).await.expect(200);
    assert_eq!(answer.read::<OrderView>().restock, Some(RestockStatus::Done));
    // One of the two units was written off, and stays sold.
    assert_eq!(upstreams.script().returned_units, [("LAMP-1".to_owned(), 1)]);
    assert_eq!(upstreams.keys_of("return"), 0);
    h.deliver(one_unit(&h, &placed, 1, 0)).await;
    advance_orders(&h).await;
    assert_eq!(upstreams.script().returned_units.len(), 1, "it went back with its parcel");
    assert_eq!(order(&h, placed.order_id).await.items[0].returned_quantity, 2);
}

#[tokio::test]
async fn a_parcel_that_came_back_shows_and_is_restocked_once() {
    for was_delivered in [false, true] {
        let upstreams = Upstreams::new();
        let h = upstreams.harness().await;
        let placed = confirmed(&h).await;
        let (id, shipment) = (placed.order_id, created(&h, &placed));
        h.deliver(shipment.clone()).await;
        restock(&h, id).send().await.expect_problem(409, "PARCEL_NOT_RETURNED");
        h.deliver(in_transit(&shipment)).await;
        if was_delivered {
            h.deliver(delivered(&shipment)).await;
        }
        restock(&h, id).send().await.expect_problem(409, "PARCEL_NOT_RETURNED");
        h.deliver(returned(&shipment, false)).await;
        h.deliver(returned(&shipment, false)).await;
        let status = if was_delivered { OrderStatus::Delivered } else { OrderStatus::Shipped };
        let view = order(&h, id).await;
        assert_eq!((view.status, view.restock), (status, None));
        assert_eq!(reasons(&view), [(status, None), (status, Some(PARCEL_RETURNED))]);
        let events = h.emitted_of::<OrderParcelReturned>().await;
        assert_eq!((events.len(), events[0].tracking_number.as_str(), events[0].refunded_amount), (1, "T1", 0));

        // Only an administrator restocks.
        h.post(&format!("/orders/{id}/restock"), &json!({})).customer(customer()).send().await.expect_problem(403, "FORBIDDEN");
        let answer = send_and_settle(&h, restock(&h, id).key("r").header("prefer", "wait=10")).await.expect(200);
        assert_eq!(answer.read::<OrderView>().restock, Some(RestockStatus::Done));
        assert_eq!(restock(&h, id).key("r").send().await.expect(200).body, answer.body);
        assert_eq!(restock(&h, id).key("another").send().await.expect(200).json()["restock"], "DONE");
        assert_eq!(restock(&h, id).send().await.expect(200).json()["restock"], "DONE");
        assert_eq!((upstreams.keys_of("return"), upstreams.holds()), (1, ("CAPTURED", "RETURNED")));

        // The refund is another decision.
        let payment_id = placed.payment_id.unwrap();
        h.deliver(PaymentRefunded {
            cause_id: None,
            payment_id,
            order_id: id,
            order_number: placed.order_number.clone(),
            user_id: customer(),
            amount: placed.total_amount,
            refunded_amount: placed.total_amount,
            captured_amount: placed.total_amount,
            currency: placed.currency,
            in_full: true,
        })
        .await;
        advance_orders(&h).await;
        assert_eq!(order(&h, id).await.status, OrderStatus::Refunded);
        assert_eq!(upstreams.keys_of("return"), 1);
        for record in crate::list_for_check(h.db(), OrderId(contracts::ids::Uuid::nil()), 10).await.unwrap() {
            assert_eq!(record.faults(), Vec::<String>::new());
        }
        h.nothing_is_parked().await;
    }
}

#[tokio::test]
async fn a_parcel_may_come_back_before_any_scan() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let placed = confirmed(&h).await;
    let (id, shipment) = (placed.order_id, created(&h, &placed));
    h.deliver(shipment.clone()).await;
    h.deliver(returned(&shipment, false)).await;
    let view = order(&h, id).await;
    assert_eq!(reasons(&view), [(OrderStatus::Shipped, None), (OrderStatus::Shipped, Some(PARCEL_RETURNED))]);
    let waiting = restock(&h, id).send().await.expect(200).read::<OrderView>();
    assert_eq!(waiting.restock, Some(RestockStatus::Pending));
    advance_orders(&h).await;
    assert_eq!(order(&h, id).await.restock, Some(RestockStatus::Done));
}

#[tokio::test]
async fn goods_of_a_cancelled_shipment_did_not_come_back() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let placed = confirmed(&h).await;
    let shipment = created(&h, &placed);
    h.deliver(shipment.clone()).await;
    h.post(&format!("/orders/{}/cancel", placed.order_id), &json!({})).customer(customer()).send().await.expect(200);
    advance_orders(&h).await;
    h.deliver(returned(&shipment, true)).await;
    let view = order(&h, placed.order_id).await;
    assert_eq!(view.status, OrderStatus::Cancelled);
    assert!(view.timeline.iter().all(|entry| entry.reason.as_deref() != Some(PARCEL_RETURNED)));
    restock(&h, placed.order_id).send().await.expect_problem(409, "PARCEL_NOT_RETURNED");
}
