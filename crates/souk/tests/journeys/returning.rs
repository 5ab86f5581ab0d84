//! From a delivery back: a customer returns a part of an order, and gets the money of exactly that part.

use super::{
    marketplace::{accepted, returning},
    server::Server,
};
use contracts::{
    body::BoundedVec,
    inventory::GET_STOCK,
    order::{GET_ORDER, OrderStatus},
    payment::{GET_PAYMENT, PaymentMethod, PaymentStatus},
    returns::{APPROVE_RETURN, Disposition, GET_RETURN, RECEIVE_RETURN, ReceiveReturn, ReceiveReturnLine, ReturnStatus},
    text::Quantity,
};
use souk::api_client::request;

#[tokio::test]
async fn a_part_of_an_order_comes_back_and_exactly_its_money_and_units_with_it() {
    let server = Server::start_with(&[("SOUK_SHIPPING_SIMULATE", "true"), ("SOUK_SHIPPING_SIMULATE_STEP_SECONDS", "1")]).await;
    let admin = server.admin().await;
    let product = server.product(&admin, "VASE-1", 3_333, 10).await;
    let (buyer, stranger) = (server.customer("mara").await, server.customer("noor").await);
    buyer.add(product, 3).await;
    let id = buyer.order(PaymentMethod::Ok, "k").await.order_id;
    let order = buyer.order_in(id, OrderStatus::Delivered).await;
    let asked = accepted(&buyer, returning(&order, 0, 2), &["NOT_DELIVERED"]).await;
    assert_eq!(asked.status, ReturnStatus::Requested);
    assert_eq!(stranger.send(request(&GET_RETURN).path(asked.return_id)).await.problem().0, 404);
    // One unit is left to return.
    assert_eq!(buyer.send(returning(&order, 0, 2)).await.problem().0, 409);
    admin.must(request(&APPROVE_RETURN).path(asked.return_id)).await;
    let line = |quantity, disposition| ReceiveReturnLine {
        order_item_id: order.items[0].order_item_id,
        quantity: Quantity::new(quantity).unwrap(),
        disposition,
    };
    let lines = BoundedVec::new(vec![line(1, Disposition::Restock), line(1, Disposition::WriteOff)]).unwrap();
    let received = admin.must(request(&RECEIVE_RETURN).path(asked.return_id).body(&ReceiveReturn { lines })).await;
    assert_eq!(received.refund_amount, asked.refund_amount);
    buyer.until(request(&GET_RETURN).path(asked.return_id), "refunded", |found| found.status == ReturnStatus::Refunded).await;

    let order = buyer.order_until(id, "refunded", |order| order.refunded_amount > 0).await;
    assert_eq!((order.refunded_amount, order.items[0].returned_quantity), (asked.refund_amount, 2));
    assert_eq!(order.status, OrderStatus::Delivered, "the customer keeps a part");
    let payment = admin.must(request(&GET_PAYMENT).path(order.payment_id.unwrap())).await;
    assert_eq!((payment.status, payment.refunded_amount), (PaymentStatus::Captured, asked.refund_amount));
    admin.until(request(&GET_STOCK).path("VASE-1"), "restocked", |stock| stock.available_qty == 8).await;

    // What is left comes back too, and with it all that was paid for the line.
    let rest = accepted(&buyer, returning(&order, 0, 1), &["NOT_DELIVERED"]).await;
    admin.must(request(&APPROVE_RETURN).path(rest.return_id)).await;
    let lines = BoundedVec::new(vec![line(1, Disposition::Restock)]).unwrap();
    admin.must(request(&RECEIVE_RETURN).path(rest.return_id).body(&ReceiveReturn { lines })).await;
    buyer.until(request(&GET_RETURN).path(rest.return_id), "refunded", |found| found.status == ReturnStatus::Refunded).await;
    let paid = order.items[0].line_total_amount - order.items[0].discount_amount + order.items[0].tax_amount;
    assert_eq!(asked.refund_amount + rest.refund_amount, paid);
    let order = buyer.until(request(&GET_ORDER).path(id), "refunded", |order| order.refunded_amount == paid).await;
    assert_eq!(order.items[0].returned_quantity, 3);
    admin.until(request(&GET_STOCK).path("VASE-1"), "restocked", |stock| stock.available_qty == 9).await;
    server.stop_and_check().await;
}
