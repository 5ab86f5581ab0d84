//! The rules of single fulfilments: what they cost, who may cancel them, and those of orders of earlier versions.

use super::model::{id, order};
use crate::domain::{Cancellation, Fulfilment, Order, PartAmounts, PartRefusal, PartStock, SagaState, ShipmentState, Totals};
use contracts::{
    ids::{FulfilmentId, UserId},
    order::{CancelReason, FulfilmentStatus, OrderItem, OrderShipping, OrderStatus},
    shipping::ShipmentStatus,
    time::Timestamp,
};

const NOW: Timestamp = Timestamp(5_000);
const LATER: Timestamp = Timestamp(6_000);

/// The only fulfilment of the order.
fn part() -> FulfilmentId {
    id(1, 1)
}

fn cancellation(note: &str) -> Cancellation {
    Cancellation { reason: CancelReason::AdminRequest, note: Some(note.into()) }
}

/// An order of this status whose part has that one.
fn with(status: OrderStatus, of_part: FulfilmentStatus) -> Order {
    let mut order = Order { status, ..order() };
    order.fulfilments[0].status = of_part;
    order
}

#[test]
fn a_fulfilment_costs_its_lines_and_its_fee_with_the_taxes_on_both() {
    let seller: Option<UserId> = Some(id(2, 9));
    let template = &order().items[0];
    let line = |amount, discount, by_seller, tax, seller_id| OrderItem {
        line_total_amount: amount,
        discount_amount: discount,
        seller_discount_amount: by_seller,
        tax_amount: tax,
        seller_id,
        ..template.clone()
    };
    let items = [line(1_000, 100, 40, 171, seller), line(7_000, 0, 0, 1_330, None), line(500, 50, 20, 86, seller)];
    let part = Fulfilment { shipping_tax_amount: 93, ..Fulfilment::new(part(), seller, 490) };
    let expected = PartAmounts {
        subtotal_amount: 1_500,
        discount_amount: 150,
        seller_discount_amount: 60,
        shipping_amount: 490,
        shipping_tax_amount: 93,
        tax_amount: 93 + 171 + 86,
        total_amount: 1_500 - 150 + 490 + 93 + 171 + 86,
    };
    assert_eq!(part.amounts(&items, false), expected);
    assert_eq!(part.amounts(&items, true), PartAmounts { total_amount: 1_500 - 150 + 490, ..expected });
}

#[test]
fn a_fulfilment_is_cancelled_while_it_is_confirmed_and_paid() {
    let mut confirmed = with(OrderStatus::Confirmed, FulfilmentStatus::Confirmed);
    assert_eq!(confirmed.cancel_fulfilment(id(1, 2), cancellation("other"), NOW), Err(PartRefusal::NotFound));
    assert_eq!(confirmed.cancel_fulfilment(part(), cancellation("first"), NOW), Ok(()));
    let requested = &confirmed.fulfilments[0];
    assert!(requested.is_cancellation_pending());
    assert_eq!((requested.cancellation.clone(), confirmed.updated_at), (Some(cancellation("first")), NOW));
    let before = confirmed.clone();
    assert_eq!(confirmed.cancel_fulfilment(part(), cancellation("second"), LATER), Ok(()));
    assert_eq!(confirmed, before);

    for (status, of_part, expected) in [
        (OrderStatus::PendingPayment, FulfilmentStatus::Pending, Err(PartRefusal::Pending)),
        (OrderStatus::Refunded, FulfilmentStatus::Confirmed, Err(PartRefusal::Status(FulfilmentStatus::Confirmed))),
        (OrderStatus::Confirmed, FulfilmentStatus::Shipped, Err(PartRefusal::Status(FulfilmentStatus::Shipped))),
        (OrderStatus::Delivered, FulfilmentStatus::Delivered, Err(PartRefusal::Status(FulfilmentStatus::Delivered))),
        (OrderStatus::Shipped, FulfilmentStatus::Returned, Err(PartRefusal::Status(FulfilmentStatus::Returned))),
        (OrderStatus::Confirmed, FulfilmentStatus::Cancelled, Ok(())),
    ] {
        let mut order = with(status, of_part);
        let before = order.clone();
        assert_eq!(order.cancel_fulfilment(part(), cancellation("late"), NOW), expected, "{status:?} {of_part:?}");
        assert_eq!(order, before);
    }
}

#[test]
fn a_cancellation_is_pending_while_shipping_is_asked_about_a_confirmed_part() {
    let asked = Fulfilment {
        status: FulfilmentStatus::Confirmed,
        shipment: ShipmentState::CancelRequested,
        cancellation: Some(cancellation("asked")),
        ..Fulfilment::new(part(), None, 0)
    };
    assert!(asked.is_cancellation_pending());
    assert!(!Fulfilment { status: FulfilmentStatus::Cancelled, ..asked.clone() }.is_cancellation_pending());
    assert!(!Fulfilment { shipment: ShipmentState::Active, ..asked.clone() }.is_cancellation_pending());
    assert!(!Fulfilment { cancellation: None, ..asked }.is_cancellation_pending());
}

#[test]
fn an_order_of_earlier_versions_gets_the_fulfilment_that_its_statuses_lead_to() {
    let seller: Option<UserId> = Some(id(2, 9));
    let old = |status, parcel, shipment| {
        let template = order();
        let item = OrderItem { tax_amount: 100, seller_id: seller, ..template.items[0].clone() };
        Order {
            status,
            fulfilments: Vec::new(),
            items: vec![item.clone(), OrderItem { tax_amount: 50, seller_id: None, ..item }],
            totals: Totals { tax_amount: 240, ..template.totals },
            shipping: OrderShipping { status: parcel, carrier: Some("MOCK".into()), ..OrderShipping::default() },
            saga: SagaState { shipment, cancellation: Some(cancellation("why")), ..SagaState::new() },
            ..template
        }
    };
    let (sent, stopped) = (ShipmentState::Active, ShipmentState::Cancelled);
    let (created, moving) = (Some(ShipmentStatus::Created), Some(ShipmentStatus::InTransit));
    let (arrived, back) = (Some(ShipmentStatus::Delivered), Some(ShipmentStatus::Returned));
    for (status, parcel, shipment, expected, stock) in [
        (OrderStatus::PendingPayment, None, sent, FulfilmentStatus::Pending, PartStock::Kept),
        (OrderStatus::PaymentFailed, None, sent, FulfilmentStatus::Pending, PartStock::Kept),
        (OrderStatus::Confirmed, created, sent, FulfilmentStatus::Confirmed, PartStock::Kept),
        (OrderStatus::Cancelled, back, stopped, FulfilmentStatus::Cancelled, PartStock::Kept),
        (OrderStatus::Shipped, moving, sent, FulfilmentStatus::Shipped, PartStock::Kept),
        (OrderStatus::Shipped, back, sent, FulfilmentStatus::Returned, PartStock::Kept),
        (OrderStatus::Delivered, arrived, sent, FulfilmentStatus::Delivered, PartStock::Kept),
        (OrderStatus::Delivered, back, sent, FulfilmentStatus::Returned, PartStock::Kept),
        (OrderStatus::Refunded, created, sent, FulfilmentStatus::Confirmed, PartStock::Kept),
        (OrderStatus::Refunded, moving, sent, FulfilmentStatus::Shipped, PartStock::Kept),
        (OrderStatus::Refunded, arrived, sent, FulfilmentStatus::Delivered, PartStock::Kept),
        (OrderStatus::Refunded, back, sent, FulfilmentStatus::Returned, PartStock::Kept),
        (OrderStatus::Refunded, back, stopped, FulfilmentStatus::Cancelled, PartStock::ReturnDue),
    ] {
        let mut order = old(status, parcel, shipment);
        order.add_missing_fulfilment();
        let part = Fulfilment {
            status: expected,
            shipping_tax_amount: 240 - 150,
            shipping: order.shipping.clone(),
            shipment,
            cancellation: Some(cancellation("why")),
            stock,
            ..Fulfilment::new(part(), seller, 490)
        };
        assert_eq!(order.fulfilments, [part], "{status:?} {parcel:?} {shipment:?}");
        assert!(order.items.iter().all(|item| item.seller_id == seller));
        let once = order.clone();
        order.add_missing_fulfilment();
        assert_eq!(order, once);
    }
    let mut restocked = old(OrderStatus::Delivered, back, sent);
    restocked.saga.restock_requested = true;
    restocked.add_missing_fulfilment();
    assert_eq!(restocked.fulfilments[0].stock, PartStock::ReturnDue);
}
