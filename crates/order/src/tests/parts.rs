//! Orders of several fulfilments.

use super::model::{id, order};
use crate::domain::{Cancellation, Fact, Fulfilment, Order, PartRefusal, PartStock, PaymentState, Step, Totals, due_steps, set_taxes};
use crate::view::view;
use contracts::{
    ids::{FulfilmentId, PaymentId, ReservationId, ShipmentId, UserId},
    money::Currency,
    order::{CancelReason, FulfilmentStatus, OrderItem, OrderStatus},
    shipping::ShipmentStatus,
    tax::{TaxClass, Taxation},
    time::Timestamp,
};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp(5_000);

fn part(number: u32) -> FulfilmentId {
    id(20, number)
}
fn seller(number: u32) -> Option<UserId> {
    (number > 0).then(|| id(2, 100 + number))
}
fn payment() -> PaymentId {
    id(7, 1)
}
fn reservation() -> ReservationId {
    id(8, 1)
}
fn shipment(number: u32) -> ShipmentId {
    id(10, number)
}

/// An order with lines of these sellers, amounts and discounts, and a fee of 490 for each seller.
fn order_of(lines: &[(u32, i64, i64)], taxation: &Taxation) -> Order {
    let template = order();
    let mut items: Vec<OrderItem> = (0..)
        .zip(lines)
        .map(|(at, (by, amount, discount))| OrderItem {
            order_item_id: id(5, at),
            sku: format!("SKU-{at}"),
            unit_price_snapshot: *amount,
            quantity: 1,
            line_total_amount: *amount,
            seller_id: seller(*by),
            discount_amount: *discount,
            ..template.items[0].clone()
        })
        .collect();
    let mut sellers: Vec<u32> = Vec::new();
    for (by, ..) in lines {
        if !sellers.contains(by) {
            sellers.push(*by);
        }
    }
    let mut fulfilments: Vec<Fulfilment> = sellers.iter().map(|by| Fulfilment::new(part(*by), seller(*by), 490)).collect();
    set_taxes(taxation, |_| TaxClass::Standard, &mut items, &mut fulfilments);
    let totals = Totals::of(&items, &fulfilments, Currency::EUR, taxation.prices_include_tax).unwrap();
    Order { items, fulfilments, totals, ..template }
}

fn apply(order: &mut Order, facts: &[Fact]) -> Vec<OrderStatus> {
    facts.iter().flat_map(|fact| order.apply(fact, Timestamp(9_000), NOW).unwrap()).map(|change| change.to).collect()
}

/// Confirms an order, and books its shipments.
fn confirmed(mut order: Order) -> Order {
    let facts = [
        Fact::PaymentAuthorized(payment()),
        Fact::StockReserved(reservation()),
        Fact::PaymentCaptured(payment()),
        Fact::StockConfirmed(reservation()),
    ];
    apply(&mut order, &facts);
    assert_eq!(order.status, OrderStatus::Confirmed);
    for number in 0..u32::try_from(order.fulfilments.len()).unwrap() {
        let fulfilment_id = order.fulfilments[number as usize].fulfilment_id;
        apply(
            &mut order,
            &[Fact::ShipmentCreated {
                fulfilment_id,
                shipment_id: shipment(number),
                carrier: "MOCK".into(),
                tracking_number: format!("T{number}"),
            }],
        );
    }
    order
}

fn wish() -> Cancellation {
    Cancellation { reason: CancelReason::CustomerRequest, note: None }
}

fn moved(number: u32, status: ShipmentStatus) -> Fact {
    Fact::ShipmentUpdated(shipment(number), status, None)
}

#[test]
fn one_part_is_cancelled_one_is_delivered_and_one_comes_back() {
    let mut order = confirmed(order_of(&[(0, 1_000, 0), (1, 2_000, 0), (2, 3_000, 0), (1, 500, 0)], &Taxation::default()));
    assert_eq!(order.totals.total_amount, 6_500 + 3 * 490);
    order.cancel_fulfilment(part(1), wish(), NOW).unwrap();
    assert_eq!(due_steps(&order), [Step::CancelShipment(part(1))]);
    assert_eq!(apply(&mut order, &[Fact::ShipmentCancelled(part(1))]), []);
    assert_eq!((order.status, order.fulfilments[1].status), (OrderStatus::Confirmed, FulfilmentStatus::Cancelled));
    assert_eq!(due_steps(&order), [Step::RefundPart(payment(), part(1).0), Step::ReturnPart(reservation(), part(1))]);
    assert_eq!(order.saga.part_refunds[0].amount, 2_500 + 490);

    apply(&mut order, &[moved(0, ShipmentStatus::InTransit)]);
    assert_eq!(order.status, OrderStatus::Confirmed);
    assert!(order.cancel(CancelReason::CustomerRequest, None, NOW).is_err());
    assert_eq!(order.cancel_fulfilment(part(0), wish(), NOW), Err(PartRefusal::Status(FulfilmentStatus::Shipped)));
    assert_eq!(apply(&mut order, &[moved(2, ShipmentStatus::InTransit)]), [OrderStatus::Shipped]);
    assert_eq!(apply(&mut order, &[moved(0, ShipmentStatus::Delivered)]), []);
    assert_eq!(apply(&mut order, &[moved(2, ShipmentStatus::Returned)]), [OrderStatus::Delivered, OrderStatus::Delivered]);

    let done =
        [Fact::PartRefunded { payment_id: payment(), cause_id: part(1).0, refunded_amount: 2_990 }, Fact::PartStockReturned(part(1))];
    apply(&mut order, &done);
    assert_eq!((due_steps(&order), order.saga.refunded_amount), (vec![], 2_990));
    order.restock(NOW).unwrap();
    assert_eq!(due_steps(&order), [Step::ReturnPart(reservation(), part(2))]);
}

#[test]
fn an_order_is_cancelled_with_its_last_part_and_a_parcel_that_left_stops_it() {
    let mut order = confirmed(order_of(&[(0, 1_000, 0), (1, 2_000, 0)], &Taxation::default()));
    order.cancel_fulfilment(part(0), wish(), NOW).unwrap();
    apply(&mut order, &[Fact::ShipmentCancelled(part(0))]);
    order.cancel_fulfilment(part(1), wish(), NOW).unwrap();
    assert_eq!(apply(&mut order, &[Fact::ShipmentCancelled(part(1))]), [OrderStatus::Cancelled]);
    assert_eq!(due_steps(&order), [Step::RefundPayment(payment()), Step::ReturnReservation(reservation())]);
    apply(&mut order, &[Fact::PaymentRefunded(payment()), Fact::StockReturned(reservation())]);
    assert_eq!((order.status, due_steps(&order)), (OrderStatus::Cancelled, vec![]));
    assert!(order.saga.part_refunds.iter().all(|refund| refund.is_done));

    let mut order = confirmed(order_of(&[(0, 1_000, 0), (1, 2_000, 0)], &Taxation::default()));
    assert_eq!(order.cancel(CancelReason::CustomerRequest, None, NOW), Ok(None));
    apply(&mut order, &[Fact::ShipmentCancelled(part(0))]);
    assert_eq!(order.saga.part_refunds, []);
    assert_eq!(apply(&mut order, &[Fact::ShipmentAlreadySent(part(1))]), []);
    assert!(!order.is_cancellation_pending());
    assert_eq!(due_steps(&order), [Step::RefundPart(payment(), part(0).0), Step::ReturnPart(reservation(), part(0))]);
    assert_eq!(apply(&mut order, &[moved(1, ShipmentStatus::InTransit)]), [OrderStatus::Shipped]);
}

#[test]
fn a_refused_refund_of_a_part_pauses_and_shows() {
    let mut order = confirmed(order_of(&[(0, 1_000, 0), (1, 2_000, 0)], &Taxation::default()));
    order.cancel_fulfilment(part(1), wish(), NOW).unwrap();
    apply(&mut order, &[Fact::ShipmentCancelled(part(1)), Fact::PartStockReturned(part(1))]);
    let refused = Fact::PartRefundRefused { cause_id: part(1).0, attempt: 0, after: Timestamp(8_000) };
    apply(&mut order, &[refused.clone(), refused]);
    assert_eq!((order.saga.part_refunds[0].refused, order.failure.is_some()), (1, true));
    assert_eq!(order.refunds_paused_until(&due_steps(&order), NOW), Some(Timestamp(8_000)));
    apply(&mut order, &[Fact::PartRefunded { payment_id: payment(), cause_id: part(1).0, refunded_amount: 2_490 }]);
    assert_eq!((order.failure.clone(), due_steps(&order)), (None, vec![]));
}

proptest! {
    #[test]
    fn the_parts_of_an_order_add_up_to_it(
        lines in proptest::collection::vec((0_u32..4, 1_i64..1_000_000, 0_i64..=100), 1..12),
        tax in 0_u32..3_000,
        prices_include_tax: bool,
        cancelled in proptest::collection::vec(0_u32..4, 0..4),
    ) {
        let lines: Vec<_> = lines.into_iter().map(|(by, amount, percent)| (by, amount, amount * percent / 100)).collect();
        let mut order = confirmed(order_of(&lines, &Taxation { prices_include_tax, ..Taxation::flat(tax) }));
        let total = order.totals.total_amount;
        let parts: Vec<_> = order.fulfilments.iter().map(|part| order.amounts_of(part)).collect();
        prop_assert_eq!(parts.iter().map(|part| part.total_amount).sum::<i64>(), total);
        prop_assert_eq!(parts.iter().map(|part| part.tax_amount).sum::<i64>(), order.totals.tax_amount);
        prop_assert!(parts.iter().all(|part| part.total_amount >= 0));
        let shown = view(order.clone(), Vec::new());
        prop_assert_eq!(shown.taxes.iter().map(|rate| rate.net_amount + rate.tax_amount).sum::<i64>(), total);
        prop_assert_eq!(shown.taxes.iter().map(|rate| rate.tax_amount).sum::<i64>(), order.totals.tax_amount);
        for number in cancelled {
            if order.cancel_fulfilment(part(number), wish(), NOW).is_ok() {
                apply(&mut order, &[Fact::ShipmentCancelled(part(number))]);
            }
        }
        let back: i64 = order.saga.part_refunds.iter().map(|refund| refund.amount).sum();
        let kept = order.fulfilments.iter().filter(|part| part.status != FulfilmentStatus::Cancelled);
        let kept: i64 = kept.map(|part| order.amounts_of(part).total_amount).sum();
        if order.status == OrderStatus::Cancelled {
            prop_assert!(kept == 0 && back <= total && order.saga.payment == PaymentState::Captured);
        } else {
            prop_assert_eq!(back + kept, total);
            let due = order.fulfilments.iter().filter(|part| part.status == FulfilmentStatus::Cancelled);
            prop_assert!(due.into_iter().all(|part| part.stock == PartStock::ReturnDue));
        }
    }
}
