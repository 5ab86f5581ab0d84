//! Refunds of parts of the money, goods that come back, and what an order shows of its parts.

use super::model::{id, order};
use crate::domain::{
    Cancellation, ChangeCause, Fact, Fulfilment, Order, PartRefund, PartStock, PaymentState, ReturnedUnits, SagaState, Step, StockState,
    due_steps,
};
use contracts::{
    ids::{PaymentId, ReturnId, Uuid},
    order::{CancelReason, FulfilmentStatus, OrderItem, OrderShipping, OrderStatus, RefundCause},
    problem::{Code, Failure},
    shipping::ShipmentStatus,
    time::Timestamp,
};

const NOW: Timestamp = Timestamp(5_000);

fn payment() -> PaymentId {
    id(7, 1)
}

fn cause(number: u32) -> Uuid {
    id(9, number)
}

fn apply(order: &mut Order, fact: &Fact) {
    order.apply(fact, Timestamp(9_000), NOW).unwrap();
}

/// A paid and delivered order of 2490, whose units are sold.
fn sold() -> Order {
    let saga = SagaState {
        payment: PaymentState::Captured,
        stock: StockState::Confirmed,
        payment_id: Some(payment()),
        reservation_id: Some(id(8, 1)),
        ..SagaState::new()
    };
    let mut order = Order { status: OrderStatus::Delivered, saga, ..order() };
    order.fulfilments[0].status = FulfilmentStatus::Delivered;
    order
}

/// It with two parts, the second one of a seller.
fn of_two_sellers() -> Order {
    let mut order = sold();
    let seller = Some(id(2, 9));
    order.items.push(OrderItem { order_item_id: id(5, 2), seller_id: seller, ..order.items[0].clone() });
    order.fulfilments.push(Fulfilment { status: FulfilmentStatus::Delivered, ..Fulfilment::new(id(1, 2), seller, 0) });
    order
}

fn refused(number: u32, attempt: u32) -> Fact {
    Fact::PartRefundRefused { cause_id: cause(number), attempt, after: Timestamp(8_000) }
}

fn refunded(number: u32) -> Fact {
    Fact::PartRefunded { payment_id: payment(), cause_id: cause(number), refunded_amount: 100 }
}

#[test]
fn refunds_of_parts_never_exceed_what_the_customer_paid() {
    let mut order = sold();
    for (number, amount) in [(1, 2_000), (2, -5), (3, 1_000), (4, 1), (1, 400)] {
        order.request_refund(RefundCause::Return, cause(number), amount);
    }
    let amounts: Vec<_> = order.saga.part_refunds.iter().map(|refund| (refund.cause_id, refund.amount, refund.is_done)).collect();
    assert_eq!(amounts, [(cause(1), 2_000, false), (cause(2), 0, true), (cause(3), 490, false), (cause(4), 0, true)]);
}

#[test]
fn no_refund_is_due_for_money_that_is_not_captured() {
    for state in [PaymentState::Due, PaymentState::Authorized, PaymentState::Released] {
        let mut order = sold();
        order.saga.payment = state;
        order.request_refund(RefundCause::Return, cause(1), 100);
        assert!(order.saga.part_refunds[0].is_done, "{state:?}");
    }
}

#[test]
fn refunds_pause_until_the_first_of_them_is_due_when_all_were_refused() {
    let mut order = sold();
    order.saga.refund_after = Some(Timestamp(7_000));
    order.request_refund(RefundCause::Return, cause(1), 100);
    let (whole, part) = (Step::RefundPayment(payment()), Step::RefundPart(payment(), cause(1)));
    let until = |order: &Order, steps: &[Step], now| order.refunds_paused_until(steps, Timestamp(now));
    assert_eq!(until(&order, &[whole], 6_999), Some(Timestamp(7_000)));
    assert_eq!(until(&order, &[whole], 7_000), None);
    assert_eq!(until(&order, &[whole, part], 5_000), None);
    apply(&mut order, &refused(1, 0));
    assert_eq!(until(&order, &[whole, part], 5_000), Some(Timestamp(7_000)));
    assert_eq!(until(&order, &[part], 7_000), Some(Timestamp(8_000)));
    assert_eq!(until(&order, &[part, Step::ReserveStock], 7_000), None);
    assert_eq!(until(&order, &[Step::RefundPart(payment(), cause(2))], 5_000), None);
}

#[test]
fn a_refusal_counts_for_its_own_refund_while_that_is_due() {
    let mut order = sold();
    order.request_refund(RefundCause::Return, cause(1), 100);
    order.request_refund(RefundCause::Return, cause(2), 100);
    apply(&mut order, &refused(2, 0));
    apply(&mut order, &refused(2, 0));
    let counts = |order: &Order| order.saga.part_refunds.iter().map(|refund| refund.refused).collect::<Vec<_>>();
    assert_eq!(counts(&order), [0, 1]);
    apply(&mut order, &refunded(2));
    apply(&mut order, &refused(2, 1));
    apply(&mut order, &refused(3, 0));
    assert_eq!((counts(&order), &order.failure), (vec![0, 1], &None));
}

#[test]
fn a_failure_of_refunds_shows_until_none_that_was_refused_is_owed() {
    let failure = Some(Failure::from(Code::REFUND_FAILED));
    let mut order = sold();
    for number in [1, 2, 3] {
        order.request_refund(RefundCause::Return, cause(number), 100);
    }
    apply(&mut order, &refused(1, 0));
    apply(&mut order, &refunded(2));
    assert_eq!(order.failure, failure);
    apply(&mut order, &Fact::PartRefunded { payment_id: id(7, 2), cause_id: cause(1), refunded_amount: 100 });
    assert_eq!(order.failure, failure);
    apply(&mut order, &refunded(1));
    assert_eq!((&order.failure, order.saga.part_refunds[2].is_done), (&None, false));
    order.failure = Some(Failure::from(Code::PAYMENT_DECLINED));
    apply(&mut order, &refunded(3));
    assert_eq!(order.failure, Some(Failure::from(Code::PAYMENT_DECLINED)));
}

#[test]
fn a_part_gives_back_what_its_refund_says_or_what_is_held_for_it() {
    let mut order = of_two_sellers();
    assert_eq!([0, 1].map(|at| order.refund_of(&order.fulfilments[at])), [2_490, 2_000]);
    order.saga.part_refunds.push(PartRefund {
        cause: RefundCause::Fulfilment,
        cause_id: order.fulfilments[1].fulfilment_id.0,
        amount: 1_500,
        is_done: true,
        refused: 0,
        after: None,
    });
    assert_eq!([0, 1].map(|at| order.refund_of(&order.fulfilments[at])), [2_490, 1_500]);
    order.saga.payment = PaymentState::Released;
    assert_eq!([0, 1].map(|at| order.refund_of(&order.fulfilments[at])), [0, 1_500]);
}

#[test]
fn units_of_a_fulfilment_that_went_back_as_a_whole_are_not_put_on_sale_twice() {
    let return_id: ReturnId = id(11, 1);
    let units =
        [(1, 1, 0), (2, 2, 0)].map(|(line, restocked, written_off)| ReturnedUnits { order_item_id: id(5, line), restocked, written_off });
    let back = Fact::GoodsReturned { return_id, refund_amount: 0, units: units.to_vec() };
    let restocked = |[first, second]: [PartStock; 2]| {
        let mut order = of_two_sellers();
        (order.fulfilments[0].stock, order.fulfilments[1].stock) = (first, second);
        apply(&mut order, &back);
        order.saga.return_restocks.into_iter().flat_map(|restock| restock.units).collect::<Vec<_>>()
    };
    let (kept, due) = (PartStock::Kept, PartStock::ReturnDue);
    assert_eq!(restocked([kept, kept]), [(id(5, 1), 1), (id(5, 2), 2)]);
    assert_eq!(restocked([due, kept]), [(id(5, 2), 2)]);
    assert_eq!(restocked([kept, PartStock::Returned]), [(id(5, 1), 1)]);
    assert_eq!(restocked([due, due]), []);
}

#[test]
fn returned_units_are_counted_up_to_those_that_were_sold() {
    let mut order = sold();
    let back = |number: u32, restocked, written_off| Fact::GoodsReturned {
        return_id: id(9, number),
        refund_amount: 0,
        units: vec![ReturnedUnits { order_item_id: id(5, 1), restocked, written_off }],
    };
    for (fact, expected) in [(back(1, 0, 1), 1), (back(1, 0, 1), 1), (back(2, 1, 1), 2)] {
        apply(&mut order, &fact);
        assert_eq!(order.items[0].returned_quantity, expected);
    }
    let restocks: Vec<_> = order.saga.return_restocks.iter().map(|restock| restock.return_id).collect();
    assert_eq!(restocks, [id(9, 2)]);
    assert_eq!(order.restocked_by(&order.saga.return_restocks[0]), [("LAMP-1", 1)]);
}

#[test]
fn returned_units_go_on_sale_again_once_by_sku() {
    let mut order = of_two_sellers();
    let third = OrderItem { order_item_id: id(5, 3), sku: "DESK-1".into(), ..order.items[0].clone() };
    order.items.push(third);
    let back = |number: u32, lines: &[u32]| Fact::GoodsReturned {
        return_id: id(9, number),
        refund_amount: 0,
        units: lines.iter().map(|line| ReturnedUnits { order_item_id: id(5, *line), restocked: *line, written_off: 0 }).collect(),
    };
    apply(&mut order, &back(1, &[1, 2, 3]));
    apply(&mut order, &back(2, &[3]));
    assert_eq!(order.restocked_by(&order.saga.return_restocks[0]), [("LAMP-1", 3), ("DESK-1", 3)]);
    let due = [1, 2].map(|number| Step::RestockReturn(id(8, 1), id(9, number)));
    assert_eq!(due_steps(&order), due);
    apply(&mut order, &Fact::ReturnRestocked(id(9, 1)));
    assert_eq!(due_steps(&order), due[1..]);
    apply(&mut order, &Fact::ReturnRestocked(id(9, 2)));
    assert_eq!(due_steps(&order), []);
    order.saga.stock = StockState::Released;
    order.saga.return_restocks[0].is_done = false;
    assert_eq!(due_steps(&order), []);
}

#[test]
fn a_parcel_that_comes_back_to_a_cancelled_order_changes_no_status() {
    let mut order = Order { status: OrderStatus::Cancelled, ..sold() };
    order.fulfilments[0].status = FulfilmentStatus::Cancelled;
    order.fulfilments[0].shipping.shipment_id = Some(id(10, 1));
    let changes = order.apply(&Fact::ShipmentUpdated(id(10, 1), ShipmentStatus::Returned, None), NOW, NOW).unwrap();
    assert_eq!((changes, order.status), (vec![], OrderStatus::Cancelled));
}

#[test]
fn parts_of_a_refunded_order_go_back_on_sale_when_shipping_kept_them() {
    let mut order = of_two_sellers();
    order.status = OrderStatus::Confirmed;
    for part in &mut order.fulfilments {
        part.status = FulfilmentStatus::Confirmed;
        part.shipping.pending = true;
    }
    apply(&mut order, &Fact::PaymentRefunded(payment()));
    assert_eq!((order.status, order.shipping.pending), (OrderStatus::Refunded, false), "no shipment is made any more");
    let stocks = |order: &Order| order.fulfilments.iter().map(|part| part.stock).collect::<Vec<_>>();
    let ids = [0, 1].map(|at| order.fulfilments[at].fulfilment_id);
    apply(&mut order, &Fact::ShipmentCancelled(ids[1]));
    assert_eq!(stocks(&order), [PartStock::Kept, PartStock::ReturnDue]);
    apply(&mut order, &Fact::PartStockReturned(ids[1]));
    apply(&mut order, &Fact::ShipmentCancelled(ids[0]));
    assert_eq!(stocks(&order), [PartStock::ReturnDue, PartStock::Returned]);
}

#[test]
fn an_order_that_is_cancelled_before_it_is_paid_waits_for_no_shipment() {
    let mut placed = order();
    placed.cancel(CancelReason::CustomerRequest, None, NOW).unwrap();
    assert_eq!((placed.fulfilments[0].status, placed.shipping.pending), (FulfilmentStatus::Cancelled, false));
}

#[test]
fn an_order_shows_the_shipment_of_its_first_part_that_goes_ahead() {
    let shipping = |status, pending| OrderShipping { status: Some(status), pending, ..OrderShipping::default() };
    let shown = |statuses: [FulfilmentStatus; 2], pending: [bool; 2]| {
        let mut order = of_two_sellers();
        for (at, status) in [ShipmentStatus::Created, ShipmentStatus::InTransit].into_iter().enumerate() {
            order.fulfilments[at].status = statuses[at];
            order.fulfilments[at].shipping = shipping(status, pending[at]);
        }
        apply(&mut order, &Fact::PaymentCreated(payment()));
        order.shipping
    };
    let (confirmed, cancelled) = (FulfilmentStatus::Confirmed, FulfilmentStatus::Cancelled);
    assert_eq!(shown([confirmed, confirmed], [false, true]), shipping(ShipmentStatus::Created, true));
    assert_eq!(shown([cancelled, confirmed], [false, false]), shipping(ShipmentStatus::InTransit, false));
    assert_eq!(shown([cancelled, cancelled], [true, false]), shipping(ShipmentStatus::Created, true));
}

#[test]
fn an_order_is_at_rest_once_it_has_ended_and_nothing_is_due() {
    let mut order = sold();
    assert!(order.is_at_rest());
    order.request_refund(RefundCause::Return, cause(1), 100);
    assert!(!order.is_at_rest());
    apply(&mut order, &refunded(1));
    assert!(order.is_at_rest());
    order.status = OrderStatus::Shipped;
    assert!(!order.is_at_rest());
}

#[test]
fn a_cancellation_says_who_made_it_and_other_changes_have_none() {
    let by = |reason| Some(Cancellation { reason, note: None });
    let own = Cancellation { reason: CancelReason::CustomerRequest, note: Some("too late".into()) };
    for (cause, expected) in [
        (ChangeCause::OutOfStock, by(CancelReason::OutOfStock)),
        (ChangeCause::RetryWindowClosed, by(CancelReason::PaymentWindowClosed)),
        (ChangeCause::CancelRequested(own.clone()), Some(own)),
        (ChangeCause::PaymentRetried, None),
        (ChangeCause::Refunded { payment_id: payment() }, None),
    ] {
        assert_eq!(cause.cancellation(), expected, "{cause:?}");
    }
}

#[test]
fn the_notes_of_an_order_and_of_its_parts_can_be_forgotten() {
    let reason = CancelReason::CustomerRequest;
    let noted = |note: Option<&str>| Some(Cancellation { reason, note: note.map(Into::into) });
    let mut order = of_two_sellers();
    order.saga.cancellation = noted(Some("my address is …"));
    order.fulfilments[1].cancellation = noted(Some("ring twice"));
    order.forget_notes();
    assert_eq!((&order.saga.cancellation, &order.fulfilments[0].cancellation), (&noted(None), &None));
    assert_eq!(order.fulfilments[1].cancellation, noted(None));
}
