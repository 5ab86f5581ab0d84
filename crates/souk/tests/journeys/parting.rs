//! One order of several sellers: shipped, cancelled and refunded by part.

use super::{
    marketplace::{cancelling_part, category, part_of, reporting, seller, status_of},
    server::{Server, cancelling},
};
use contracts::{
    order::{FulfilmentStatus, GET_FULFILMENT, LIST_FULFILMENTS, OrderStatus, SHIP_FULFILMENT},
    payment::{PaymentMethod, PaymentStatus},
    shipping::{HandOverParcel, LIST_SHIPMENTS_OF_ORDER, ShipmentStatus},
};
use souk::api_client::request;

#[tokio::test]
async fn an_order_of_three_sellers_is_shipped_and_cancelled_by_part() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let ((mara, mara_id), (ole, ole_id)) = (seller(&server, &admin, "mara").await, seller(&server, &admin, "ole").await);
    let category = category(&admin, "Lamps").await;
    let products = [
        admin.sell("SHOP-1", "Lamp of the shop", category, 1_000, 10).await,
        mara.sell("MARA-1", "Lamp of Mara", category, 2_000, 10).await,
        ole.sell("OLE-1", "Lamp of Ole", category, 3_000, 10).await,
    ];
    let buyer = server.customer("buyer").await;
    for product in products {
        buyer.add(product, 2).await;
    }
    let order = buyer.order(PaymentMethod::Ok, "k").await;
    let order = buyer.order_in(order.order_id, OrderStatus::Confirmed).await;
    assert_eq!((order.fulfilments.len(), order.total_amount), (3, 12_000 + order.shipping_amount));
    assert_eq!(order.fulfilments.iter().map(|part| part.total_amount).sum::<i64>(), order.total_amount);
    let [of_shop, of_mara, of_ole] = [None, Some(mara_id), Some(ole_id)].map(|seller| part_of(&order, seller).fulfilment_id);
    let order = buyer.order_until(order.order_id, "booked", |order| order.fulfilments.iter().all(|part| part.shipment_id.is_some())).await;
    assert_eq!(buyer.must(request(&LIST_SHIPMENTS_OF_ORDER).path(order.order_id)).await.items.len(), 3);

    // Each seller sees the own part and no other.
    let seen = mara.must(request(&LIST_FULFILMENTS)).await.items;
    assert_eq!(seen.iter().map(|part| part.fulfilment_id).collect::<Vec<_>>(), [of_mara]);
    assert_eq!(seen[0].items.iter().map(|item| item.sku.as_str()).collect::<Vec<_>>(), ["MARA-1"]);
    for foreign in [of_shop, of_ole] {
        assert_eq!(mara.send(request(&GET_FULFILMENT).path(foreign)).await.status, 404);
        assert_eq!(mara.send(request(&SHIP_FULFILMENT).path(foreign).body(&HandOverParcel::default())).await.status, 404);
        assert_eq!(mara.send(cancelling_part(order.order_id, foreign)).await.status, 404);
    }
    assert_eq!(server.customer("stranger").await.send(cancelling_part(order.order_id, of_mara)).await.status, 404);
    assert_eq!(buyer.send(request(&LIST_FULFILMENTS)).await.status, 403);

    // Mara hands hers to another carrier; Ole cancels his.
    let own = HandOverParcel { carrier: Some("Postman".parse().unwrap()), tracking_number: Some("PM-1".parse().unwrap()) };
    let shipped = mara.must(request(&SHIP_FULFILMENT).path(of_mara).body(&own)).await;
    assert_eq!((shipped.status, shipped.tracking_number.as_deref()), (FulfilmentStatus::Shipped, Some("PM-1")));
    assert_eq!(buyer.send(cancelling(order.order_id)).await.problem(), (409, "ORDER_PARTIALLY_SHIPPED".to_owned()));
    let refused = mara.send(cancelling_part(order.order_id, of_mara)).await.problem();
    assert_eq!(refused, (409, "FULFILMENT_NOT_CANCELLABLE".to_owned()));
    let shown = ole.must(cancelling_part(order.order_id, of_ole)).await;
    assert_eq!((shown.fulfilments.len(), shown.payment_id), (1, None));
    let part = order.fulfilments.iter().find(|part| part.fulfilment_id == of_ole).expect("his part").total_amount;
    let order = buyer.order_until(order.order_id, "refunded in part", |order| order.refunded_amount == part).await;
    assert_eq!((order.status, order.partially_shipped), (OrderStatus::Confirmed, true));
    assert_eq!(status_of(&order, of_ole), FulfilmentStatus::Cancelled);
    let payment = buyer.payment_in(order.payment_id.expect("a payment"), PaymentStatus::Captured).await;
    assert_eq!(payment.refunded_amount, part);
    ole.until(request(&contracts::inventory::GET_STOCK).path("OLE-1"), "back on sale", |stock| stock.available_qty == 10).await;

    // The carrier takes the shop's parcel, and both arrive.
    for (id, status, order_status) in [
        (of_shop, ShipmentStatus::InTransit, OrderStatus::Shipped),
        (of_mara, ShipmentStatus::Delivered, OrderStatus::Shipped),
        (of_shop, ShipmentStatus::Delivered, OrderStatus::Delivered),
    ] {
        let shipment =
            order.fulfilments.iter().find(|part| part.fulfilment_id == id).and_then(|part| part.shipment_id).expect("a shipment");
        admin.must(reporting(shipment, status)).await;
        buyer.order_in(order.order_id, order_status).await;
    }
    assert_eq!(server.stock(&admin, "MARA-1").await, (8, 0));
    server.stop_and_check().await;
}
