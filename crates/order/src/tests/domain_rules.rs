//! The rules one by one: which facts count in which state, what follows from them, and what is ignored.

use super::model::{id, order};
use crate::domain::{
    Cancellation, ChangeCause, Fact, Order, PaymentFailure, PaymentState, SagaState, ShipmentState, StatusChange, Step, StockState, Totals,
    due_steps, is_settled, order_number,
};
use contracts::{
    ids::{FulfilmentId, PaymentId, ReservationId, ShipmentId},
    machine::Machine as _,
    money::{Currency, Money},
    order::{CancelReason, FulfilmentStatus, OrderStatus, PARCEL_RETURNED},
    payment::PaymentMethod,
    problem::{Code, Failure},
    shipping::ShipmentStatus,
    time::Timestamp,
};

const NOW: Timestamp = Timestamp(5_000);
const DEADLINE: Timestamp = Timestamp(9_000);

fn payment(number: u32) -> PaymentId {
    id(7, number)
}
fn reservation(number: u32) -> ReservationId {
    id(8, number)
}
fn shipment(number: u32) -> ShipmentId {
    id(10, number)
}
/// The only fulfilment of the order.
fn part() -> FulfilmentId {
    id(1, 1)
}

fn apply(order: &mut Order, fact: &Fact) -> Vec<StatusChange> {
    order.apply(fact, DEADLINE, NOW).unwrap()
}

fn declined() -> Failure {
    Failure::from(Code::PAYMENT_DECLINED)
}

fn created() -> Fact {
    Fact::ShipmentCreated { fulfilment_id: part(), shipment_id: shipment(1), carrier: "MOCK".into(), tracking_number: "T1".into() }
}

/// An order after these facts.
fn after(facts: &[Fact]) -> Order {
    let mut order = order();
    facts.iter().for_each(|fact| drop(apply(&mut order, fact)));
    order
}

fn reserved() -> Order {
    after(&[Fact::PaymentAuthorized(payment(1)), Fact::StockReserved(reservation(1))])
}

fn confirmed() -> Order {
    let mut order = reserved();
    apply(&mut order, &Fact::PaymentCaptured(payment(1)));
    apply(&mut order, &Fact::StockConfirmed(reservation(1)));
    assert_eq!((order.status, order.shipping.pending), (OrderStatus::Confirmed, true));
    order
}

fn failed() -> Order {
    let order = after(&[Fact::StockReserved(reservation(1)), Fact::PaymentFailed(payment(1), declined())]);
    assert_eq!((order.status, order.payment_deadline()), (OrderStatus::PaymentFailed, Some(DEADLINE)));
    order
}

/// An order in this state, whether or not it can be reached.
fn in_state(status: OrderStatus, payment_state: PaymentState, stock: StockState, shipment: ShipmentState) -> Order {
    let saga = SagaState {
        payment: payment_state,
        stock,
        shipment,
        payment_id: Some(payment(1)),
        reservation_id: Some(reservation(1)),
        ..SagaState::new()
    };
    let mut order = Order { status, saga, fulfilments: Vec::new(), ..order() };
    order.add_missing_fulfilment();
    order.shipping.pending = false;
    order
}

fn is_ignored(order: &Order, fact: &Fact) {
    let mut same = order.clone();
    assert_eq!(apply(&mut same, fact), [], "{fact:?}");
    assert_eq!(&same, order, "{fact:?}");
}

#[test]
fn authorization_and_reservation_make_the_capture_due_in_any_order() {
    let ids = (payment(1), reservation(1));
    let (authorized, stocked) = (Fact::PaymentAuthorized(ids.0), Fact::StockReserved(ids.1));
    let mut order = order();
    let change = apply(&mut order, &authorized).remove(0);
    assert_eq!(change.cause, ChangeCause::PaymentAuthorized { payment_id: ids.0 });
    assert_eq!((order.updated_at, order.saga.capture_was_due), (NOW, false));
    let ready = ChangeCause::ReadyToCapture { payment_id: ids.0, reservation_id: ids.1 };
    assert_eq!(apply(&mut order, &stocked)[0].cause, ready);
    assert!(order.saga.capture_was_due);

    let mut order = after(&[stocked]);
    assert_eq!(order.status, OrderStatus::PendingPayment);
    let changes = apply(&mut order, &authorized);
    assert_eq!((changes.len(), &changes[0].cause), (1, &ready));
    assert_eq!((changes[0].from, changes[0].to), (OrderStatus::PendingPayment, OrderStatus::InventoryReserved));
}

#[test]
fn an_order_is_confirmed_by_capture_and_confirmation_in_any_order() {
    let (captured, confirmed) = (Fact::PaymentCaptured(payment(1)), Fact::StockConfirmed(reservation(1)));
    for facts in [[&captured, &confirmed], [&confirmed, &captured]] {
        let mut order = reserved();
        assert_eq!(apply(&mut order, facts[0]), []);
        let change = apply(&mut order, facts[1]).remove(0);
        assert_eq!(change.cause, ChangeCause::Confirmed { payment_id: payment(1), reservation_id: reservation(1) });
        assert!(order.shipping.pending);
    }
    // A capture that overtook the authorization counts as both.
    let mut order = after(&[Fact::StockReserved(reservation(1))]);
    assert_eq!(apply(&mut order, &captured).len(), 1);
    assert_eq!(due_steps(&order), [Step::ConfirmReservation(reservation(1))]);
}

#[test]
fn facts_about_other_payments_reservations_and_shipments_are_ignored() {
    let mut order = confirmed();
    apply(&mut order, &created());
    order.saga.past_payments.push(payment(9));
    order.saga.past_reservations.push(reservation(9));
    for number in [2, 9] {
        for fact in [
            Fact::PaymentCreated(payment(number)),
            Fact::PaymentAuthorized(payment(number)),
            Fact::PaymentFailed(payment(number), declined()),
            Fact::PaymentCaptured(payment(number)),
            Fact::PaymentVoided(payment(number)),
            Fact::PaymentPartlyRefunded(payment(number), 100),
            Fact::PaymentRefunded(payment(number)),
            Fact::RefundRefused { payment_id: payment(number), attempt: 0, after: NOW },
            Fact::StockReserved(reservation(number)),
            Fact::StockConfirmed(reservation(number)),
            Fact::StockReleased(reservation(number)),
            Fact::StockExpired(reservation(number)),
            Fact::StockReturned(reservation(number)),
            Fact::ShipmentUpdated(shipment(number), ShipmentStatus::InTransit, None),
        ] {
            is_ignored(&order, &fact);
        }
    }
    // A past id never becomes the current one, also when there is none.
    (order.saga.payment_id, order.saga.reservation_id) = (None, None);
    is_ignored(&order, &Fact::PaymentCreated(payment(9)));
    is_ignored(&order, &Fact::StockReturned(reservation(9)));
    apply(&mut order, &Fact::PaymentCreated(payment(3)));
    assert_eq!(order.saga.payment_id, Some(payment(3)));
}

#[test]
fn a_fact_that_is_known_already_is_ignored() {
    let order = reserved();
    for fact in [Fact::PaymentAuthorized(payment(1)), Fact::StockReserved(reservation(1)), Fact::ShipmentAlreadySent(part())] {
        is_ignored(&order, &fact);
    }
    let order = confirmed();
    for fact in [
        Fact::PaymentAuthorized(payment(1)),
        Fact::PaymentCaptured(payment(1)),
        Fact::StockReserved(reservation(1)),
        Fact::StockConfirmed(reservation(1)),
        // The stock was sold, so a late expiry or release says nothing.
        Fact::StockExpired(reservation(1)),
        Fact::StockReleased(reservation(1)),
        Fact::OutOfStock(1),
    ] {
        is_ignored(&order, &fact);
    }
    let released = in_state(OrderStatus::Cancelled, PaymentState::Released, StockState::Released, ShipmentState::Active);
    for fact in [
        Fact::PaymentAuthorized(payment(1)),
        Fact::PaymentFailed(payment(1), declined()),
        Fact::PaymentCaptured(payment(1)),
        Fact::PaymentVoided(payment(1)),
        Fact::PaymentRefunded(payment(1)),
        Fact::RefundRefused { payment_id: payment(1), attempt: 0, after: NOW },
        Fact::StockReserved(reservation(1)),
        Fact::StockConfirmed(reservation(1)),
        Fact::StockReturned(reservation(1)),
    ] {
        is_ignored(&released, &fact);
    }
}

#[test]
fn a_payment_that_fails_names_the_failure_and_the_deadline() {
    let failed = |failure| PaymentFailure { payment_id: payment(1), failure, payable_until: DEADLINE };
    let voided = Failure { retryable: true, ..declined() };
    let (refused, void) = (Fact::PaymentFailed(payment(1), declined()), Fact::PaymentVoided(payment(1)));
    let authorized = after(&[Fact::PaymentAuthorized(payment(1))]);
    for (mut order, fact, cause) in [
        (authorized.clone(), &refused, ChangeCause::PaymentFailed(failed(declined()))),
        (reserved(), &refused, ChangeCause::CaptureFailed(failed(declined()))),
        (authorized, &void, ChangeCause::PaymentFailed(failed(voided.clone()))),
        (reserved(), &void, ChangeCause::PaymentFailed(failed(voided))),
    ] {
        let changes = apply(&mut order, fact);
        let (ChangeCause::PaymentFailed(PaymentFailure { failure, .. }) | ChangeCause::CaptureFailed(PaymentFailure { failure, .. })) =
            &cause
        else {
            unreachable!()
        };
        assert_eq!((order.failure.as_ref(), order.payment_deadline()), (Some(failure), Some(DEADLINE)));
        assert_eq!(order.saga.payment, PaymentState::Released);
        assert_eq!((changes.len(), &changes[0].cause), (1, &cause));
        assert_eq!(changes[0].timeline_entry(NOW).reason.as_deref(), Some("PAYMENT_DECLINED"));
    }
    // An order that ended keeps its status and its failure.
    let mut ended = in_state(OrderStatus::Cancelled, PaymentState::Authorized, StockState::Released, ShipmentState::Active);
    assert_eq!(apply(&mut ended, &refused), []);
    assert_eq!((ended.saga.payment, ended.failure, ended.saga.payable_until), (PaymentState::Released, None, None));
}

#[test]
fn the_largest_partial_refund_counts_and_a_full_one_is_the_total() {
    let mut order = confirmed();
    for (so_far, shown) in [(300, 300), (100, 300), (301, 301)] {
        assert_eq!(apply(&mut order, &Fact::PaymentPartlyRefunded(payment(1), so_far)), []);
        assert_eq!(order.saga.refunded_amount, shown);
    }
    order.failure = Some(Failure::from(Code::REFUND_FAILED));
    assert_eq!(apply(&mut order, &Fact::PaymentRefunded(payment(1)))[0].cause, ChangeCause::Refunded { payment_id: payment(1) });
    assert_eq!((order.saga.refunded_amount, order.failure), (2_490, None));
    // Another failure stays.
    let mut order = in_state(OrderStatus::Cancelled, PaymentState::Captured, StockState::Released, ShipmentState::Active);
    order.failure = Some(Failure::from(Code::INSUFFICIENT_STOCK));
    assert_eq!(apply(&mut order, &Fact::PaymentRefunded(payment(1))), []);
    assert_eq!(order.failure, Some(Failure::from(Code::INSUFFICIENT_STOCK)));
}

#[test]
fn a_full_refund_ends_the_order_by_its_status() {
    use OrderStatus::{
        Cancelled, Confirmed, Delivered, InventoryReserved, PaymentAuthorized, PaymentFailed, PendingPayment, Refunded, Shipped,
    };
    for (status, ends, shipment) in [
        (PendingPayment, Cancelled, ShipmentState::Active),
        (PaymentAuthorized, Cancelled, ShipmentState::Active),
        (InventoryReserved, Cancelled, ShipmentState::Active),
        (Confirmed, Refunded, ShipmentState::CancelRequested),
        (Shipped, Refunded, ShipmentState::Active),
        (Delivered, Refunded, ShipmentState::Active),
        (PaymentFailed, PaymentFailed, ShipmentState::Active),
        (Cancelled, Cancelled, ShipmentState::Active),
        (Refunded, Refunded, ShipmentState::Active),
    ] {
        let mut order = in_state(status, PaymentState::Captured, StockState::Confirmed, ShipmentState::Active);
        let changes = apply(&mut order, &Fact::PaymentRefunded(payment(1)));
        assert_eq!((order.status, order.fulfilments[0].shipment, changes.len()), (ends, shipment, usize::from(ends != status)), "{status}");
        let by_admin = Cancellation { reason: CancelReason::AdminRequest, note: None };
        assert_eq!(order.saga.cancellation, (!is_settled(status)).then_some(by_admin), "{status}");
    }
    // A refund replaces a pending cancellation.
    let mut order = confirmed();
    order.cancel(CancelReason::CustomerRequest, None, NOW).unwrap();
    apply(&mut order, &Fact::PaymentRefunded(payment(1)));
    assert_eq!((order.status, order.saga.cancellation), (Refunded, None));
}

#[test]
fn a_refused_refund_counts_once_and_only_for_captured_money() {
    let refused = |attempt| Fact::RefundRefused { payment_id: payment(1), attempt, after: Timestamp(7_000) };
    let mut order = in_state(OrderStatus::Cancelled, PaymentState::Captured, StockState::Released, ShipmentState::Active);
    apply(&mut order, &refused(0));
    assert_eq!((order.saga.refunds_refused, order.saga.refund_after), (1, Some(Timestamp(7_000))));
    assert_eq!(order.failure, Some(Failure::from(Code::REFUND_FAILED)));
    is_ignored(&order, &refused(0));
    is_ignored(&order, &refused(2));
    is_ignored(&reserved(), &refused(0));
}

#[test]
fn a_refund_is_due_when_money_was_or_may_have_been_captured() {
    use PaymentState::{Authorized, Captured, Due, Released};
    for (state, capture_was_due, refunded_amount, expected) in [
        (Due, false, 0, false),
        (Due, true, 0, true),
        (Authorized, false, 0, false),
        (Authorized, true, 0, true),
        (Captured, false, 0, true),
        (Released, true, 0, false),
        (Released, false, 1, true),
    ] {
        let saga = SagaState { payment: state, capture_was_due, refunded_amount, ..SagaState::new() };
        assert_eq!(saga.may_have_captured(), expected, "{state:?} {capture_was_due} {refunded_amount}");
    }
}

#[test]
fn out_of_stock_cancels_only_for_the_current_attempt_and_while_stock_is_due() {
    let mut order = after(&[Fact::PaymentAuthorized(payment(1))]);
    is_ignored(&order, &Fact::OutOfStock(0));
    is_ignored(&order, &Fact::OutOfStock(2));
    is_ignored(&reserved(), &Fact::OutOfStock(1));
    is_ignored(&after(&[Fact::PaymentFailed(payment(1), declined())]), &Fact::OutOfStock(1));
    let change = apply(&mut order, &Fact::OutOfStock(1)).remove(0);
    assert_eq!((change.cause.clone(), change.to), (ChangeCause::OutOfStock, OrderStatus::Cancelled));
    assert_eq!(change.timeline_entry(NOW).reason.as_deref(), Some("OUT_OF_STOCK"));
    assert_eq!(order.failure, Some(Failure::from(Code::INSUFFICIENT_STOCK)));
    assert_eq!(due_steps(&order), [Step::VoidPayment(payment(1))]);
}

#[test]
fn a_reservation_that_ends_early_is_made_again_unless_the_order_has_settled() {
    for ended in [Fact::StockExpired(reservation(1)), Fact::StockReleased(reservation(1))] {
        let mut order = reserved();
        let change = apply(&mut order, &ended).remove(0);
        assert_eq!(change.cause, ChangeCause::ReservationLost { reservation_id: reservation(1) });
        assert_eq!(change.timeline_entry(NOW).reason.as_deref(), Some("RESERVATION_EXPIRED"));
        assert_eq!((order.saga.reservation_attempt, order.saga.reservation_id), (2, None));
        assert_eq!((order.saga.past_reservations.as_slice(), due_steps(&order)), (&[reservation(1)][..], vec![Step::ReserveStock]));

        let mut order = after(&[Fact::StockReserved(reservation(1))]);
        assert_eq!(apply(&mut order, &ended), []);
        assert_eq!((order.saga.stock, order.saga.reservation_attempt), (StockState::Due, 2));

        let mut order = failed();
        assert_eq!(apply(&mut order, &ended), []);
        assert_eq!((order.saga.stock, order.saga.reservation_attempt), (StockState::Released, 1));

        // The event overtook the reply to the reservation.
        let mut order = after(&[]);
        assert_eq!(apply(&mut order, &ended), []);
        assert_eq!((order.saga.past_reservations, order.saga.reservation_attempt), (vec![reservation(1)], 2));
    }
    let mut order = in_state(OrderStatus::Cancelled, PaymentState::Released, StockState::Confirmed, ShipmentState::Active);
    apply(&mut order, &Fact::StockReturned(reservation(1)));
    assert_eq!(order.saga.stock, StockState::Released);
}

#[test]
fn a_shipment_update_counts_only_when_it_is_further() {
    let ranked = [ShipmentStatus::Created, ShipmentStatus::InTransit, ShipmentStatus::Delivered, ShipmentStatus::Returned];
    assert_eq!(ShipmentStatus::STATES.len(), ranked.len());
    for (known_at, known) in ranked.into_iter().enumerate() {
        for (new_at, new) in ranked.into_iter().enumerate() {
            let mut order = confirmed();
            apply(&mut order, &created());
            apply(&mut order, &Fact::ShipmentUpdated(shipment(1), known, None));
            let update = Fact::ShipmentUpdated(shipment(1), new, None);
            if new_at <= known_at {
                is_ignored(&order, &update);
            } else {
                apply(&mut order, &update);
                assert_eq!(order.shipping.status, Some(new), "{known} {new}");
            }
        }
    }
}

#[test]
fn shipment_updates_change_the_status_of_the_order() {
    use OrderStatus::{Confirmed, Delivered, Refunded, Shipped};
    let shipment_id = shipment(1);
    let (shipped, delivered) = (ChangeCause::Shipped { shipment_id }, ChangeCause::Delivered { shipment_id });
    let returned = ChangeCause::ParcelReturned { shipment_id };
    for (status, update, causes) in [
        (Confirmed, ShipmentStatus::InTransit, vec![&shipped]),
        (Confirmed, ShipmentStatus::Delivered, vec![&delivered]),
        (Confirmed, ShipmentStatus::Returned, vec![&shipped, &returned]),
        (Shipped, ShipmentStatus::InTransit, vec![]),
        (Shipped, ShipmentStatus::Delivered, vec![&delivered]),
        (Shipped, ShipmentStatus::Returned, vec![&returned]),
        (Delivered, ShipmentStatus::Returned, vec![&returned]),
        (Refunded, ShipmentStatus::InTransit, vec![]),
        (Refunded, ShipmentStatus::Delivered, vec![]),
        (Refunded, ShipmentStatus::Returned, vec![&returned]),
    ] {
        let mut order = confirmed();
        apply(&mut order, &created());
        order.status = status;
        let changes = apply(&mut order, &Fact::ShipmentUpdated(shipment(1), update, None));
        assert_eq!(changes.iter().map(|change| &change.cause).collect::<Vec<_>>(), causes, "{status} {update}");
        for change in changes {
            let reason = (change.cause == returned).then(|| PARCEL_RETURNED.to_owned());
            assert_eq!(change.timeline_entry(NOW).reason, reason);
        }
        assert_eq!((order.shipping.status, order.shipping.pending), (Some(update), false));
    }
}

#[test]
fn only_the_first_shipment_counts() {
    let mut order = confirmed();
    apply(&mut order, &created());
    assert_eq!((order.shipping.status, order.shipping.shipment_id), (Some(ShipmentStatus::Created), Some(shipment(1))));
    assert_eq!((order.shipping.carrier.as_deref(), order.shipping.tracking_number.as_deref()), (Some("MOCK"), Some("T1")));
    assert!(!order.shipping.pending);
    let second =
        Fact::ShipmentCreated { fulfilment_id: part(), shipment_id: shipment(2), carrier: "OTHER".into(), tracking_number: "T2".into() };
    is_ignored(&order, &second);
}

#[test]
fn a_pending_cancellation_ends_with_the_answer_of_shipping() {
    let pending = |note: Option<&str>| {
        let mut order = confirmed();
        apply(&mut order, &created());
        assert_eq!(order.cancel(CancelReason::CustomerRequest, note.map(str::to_owned), NOW).unwrap(), None);
        assert!(order.is_cancellation_pending());
        assert_eq!((due_steps(&order), order.updated_at), (vec![Step::CancelShipment(part())], NOW));
        order
    };
    for (note, reason) in [(None, "CUSTOMER_REQUEST"), (Some("changed my mind"), "changed my mind")] {
        let mut order = pending(note);
        let change = apply(&mut order, &Fact::ShipmentCancelled(part())).remove(0);
        assert_eq!(change.timeline_entry(Timestamp(6)).reason.as_deref(), Some(reason));
        assert_eq!((change.timeline_entry(Timestamp(6)).status, change.timeline_entry(Timestamp(6)).occurred_at.0), (change.to, 6));
        assert_eq!((order.status, order.fulfilments[0].shipment), (OrderStatus::Cancelled, ShipmentState::Cancelled));
        assert_eq!((order.shipping.status, order.shipping.pending), (Some(ShipmentStatus::Returned), false));
        assert_eq!(due_steps(&order), [Step::RefundPayment(payment(1)), Step::ReturnReservation(reservation(1))]);
    }
    // A repeated CREATED is no sign that it was sent.
    is_ignored(&pending(None), &Fact::ShipmentUpdated(shipment(1), ShipmentStatus::Created, None));
    for sent in [Fact::ShipmentAlreadySent(part()), Fact::ShipmentUpdated(shipment(1), ShipmentStatus::InTransit, None)] {
        let mut order = pending(None);
        apply(&mut order, &sent);
        assert_eq!(
            (order.fulfilments[0].shipment, order.saga.cancellation, order.status == OrderStatus::Cancelled),
            (ShipmentState::Active, None, false)
        );
    }
    // Without a request the order keeps its status, and without a shipment there is no status to set.
    let mut order = confirmed();
    assert_eq!(apply(&mut order, &Fact::ShipmentCancelled(part())), []);
    assert_eq!((order.status, order.shipping.status, order.fulfilments[0].shipment), (OrderStatus::Confirmed, None, ShipmentState::Active));
}

#[test]
fn an_order_is_cancelled_immediately_until_it_is_confirmed_and_never_once_shipped() {
    for status in OrderStatus::STATES.iter().copied() {
        let mut order = in_state(status, PaymentState::Due, StockState::Due, ShipmentState::Active);
        let before = order.clone();
        let result = order.cancel(CancelReason::AdminRequest, None, NOW);
        match status {
            OrderStatus::Shipped | OrderStatus::Delivered | OrderStatus::Refunded => {
                assert!(result.is_err(), "{status}");
                assert_eq!(order, before);
            }
            OrderStatus::Cancelled => assert_eq!((result, order), (Ok(None), before)),
            OrderStatus::Confirmed => assert_eq!((result, order.fulfilments[0].shipment), (Ok(None), ShipmentState::CancelRequested)),
            _ => {
                let change = result.unwrap().unwrap();
                let cancellation = Cancellation { reason: CancelReason::AdminRequest, note: None };
                assert_eq!((change.from, change.to), (status, OrderStatus::Cancelled));
                assert_eq!(
                    (change.cause, order.saga.cancellation),
                    (ChangeCause::CancelRequested(cancellation.clone()), Some(cancellation))
                );
                assert_eq!(order.updated_at, NOW);
            }
        }
    }
    let mut order = confirmed();
    order.cancel(CancelReason::CustomerRequest, Some("first".into()), NOW).unwrap();
    let pending = order.clone();
    assert_eq!((order.cancel(CancelReason::AdminRequest, Some("second".into()), Timestamp(6_000)), order), (Ok(None), pending));
}

#[test]
fn paying_again_starts_another_payment_and_keeps_stock_that_is_held() {
    let mut order = failed();
    (order.saga.refunded_amount, order.saga.refunds_refused, order.saga.refund_after) = (300, 2, Some(NOW));
    order.saga.capture_was_due = true;
    let change = order.pay_again(PaymentMethod::Declined, Timestamp(6_000)).unwrap();
    assert_eq!((change.cause.clone(), change.to), (ChangeCause::PaymentRetried, OrderStatus::PendingPayment));
    assert_eq!(change.timeline_entry(NOW).reason, None);
    let expected = SagaState {
        payment_attempt: 2,
        past_payments: vec![payment(1)],
        stock: StockState::Reserved,
        reservation_id: Some(reservation(1)),
        ..SagaState::new()
    };
    assert_eq!(order.saga, expected);
    assert_eq!((order.failure.as_ref(), order.payment_method, order.updated_at.0), (None, PaymentMethod::Declined, 6_000));
    assert_eq!(due_steps(&order), [Step::AuthorizePayment]);
    assert!(order.pay_again(PaymentMethod::Ok, NOW).is_err());
    for stock in [StockState::Due, StockState::Released] {
        let mut order = in_state(OrderStatus::PaymentFailed, PaymentState::Released, stock, ShipmentState::Active);
        order.pay_again(PaymentMethod::Ok, NOW).unwrap();
        assert_eq!((order.saga.reservation_attempt, order.saga.stock), (2, StockState::Due), "{stock:?}");
    }
}

#[test]
fn an_order_is_overdue_from_its_deadline_on_and_only_in_payment_failed() {
    let mut order = failed();
    assert_eq!(order.cancel_if_overdue(Timestamp(DEADLINE.0 - 1)), None);
    let change = order.cancel_if_overdue(DEADLINE).unwrap();
    assert_eq!((change.cause.clone(), change.to), (ChangeCause::RetryWindowClosed, OrderStatus::Cancelled));
    assert_eq!(change.timeline_entry(NOW).reason.as_deref(), Some("PAYMENT_WINDOW_CLOSED"));
    assert_eq!((order.updated_at, order.payment_deadline()), (DEADLINE, None));
    assert_eq!(order.cancel_if_overdue(DEADLINE), None);
}

#[test]
fn the_due_steps_follow_from_status_and_states() {
    use OrderStatus::{
        Cancelled, Confirmed, Delivered, InventoryReserved, PaymentAuthorized, PaymentFailed, PendingPayment, Refunded, Shipped,
    };
    use PaymentState as P;
    use ShipmentState as H;
    use StockState as S;
    let (pay, stock) = (payment(1), reservation(1));
    let (void, refund, release, give_back) =
        (Step::VoidPayment(pay), Step::RefundPayment(pay), Step::ReleaseReservation(stock), Step::ReturnReservation(stock));
    for (status, payment_state, stock_state, shipment, expected) in [
        (PendingPayment, P::Due, S::Due, H::Active, vec![Step::AuthorizePayment, Step::ReserveStock]),
        (PendingPayment, P::Due, S::Reserved, H::Active, vec![Step::AuthorizePayment]),
        (PaymentAuthorized, P::Authorized, S::Due, H::Active, vec![Step::ReserveStock]),
        (PaymentAuthorized, P::Captured, S::Reserved, H::Active, vec![]),
        (InventoryReserved, P::Due, S::Reserved, H::Active, vec![]),
        (InventoryReserved, P::Authorized, S::Reserved, H::Active, vec![Step::CapturePayment(pay)]),
        (InventoryReserved, P::Captured, S::Reserved, H::Active, vec![Step::ConfirmReservation(stock)]),
        (InventoryReserved, P::Captured, S::Confirmed, H::Active, vec![]),
        (InventoryReserved, P::Captured, S::Due, H::Active, vec![]),
        (PaymentFailed, P::Released, S::Reserved, H::Active, vec![release]),
        (PaymentFailed, P::Released, S::Due, H::Active, vec![]),
        (Cancelled, P::Due, S::Due, H::Active, vec![void]),
        (Cancelled, P::Authorized, S::Released, H::Active, vec![void]),
        (Cancelled, P::Captured, S::Confirmed, H::Cancelled, vec![refund, give_back]),
        (Cancelled, P::Released, S::Released, H::Cancelled, vec![]),
        (Confirmed, P::Captured, S::Confirmed, H::Active, vec![]),
        (Confirmed, P::Captured, S::Confirmed, H::CancelRequested, vec![Step::CancelShipment(part())]),
        (Confirmed, P::Captured, S::Confirmed, H::Cancelled, vec![]),
        (Refunded, P::Released, S::Confirmed, H::CancelRequested, vec![Step::CancelShipment(part())]),
        (Refunded, P::Released, S::Confirmed, H::Cancelled, vec![give_back]),
        (Refunded, P::Released, S::Confirmed, H::Active, vec![]),
        (Shipped, P::Captured, S::Confirmed, H::CancelRequested, vec![]),
        (Delivered, P::Captured, S::Confirmed, H::CancelRequested, vec![]),
    ] {
        let order = in_state(status, payment_state, stock_state, shipment);
        assert_eq!(due_steps(&order), expected, "{status} {payment_state:?} {stock_state:?} {shipment:?}");
        let unknown = Order { saga: SagaState { payment_id: None, reservation_id: None, ..order.saga.clone() }, ..order };
        let without_ids = [Step::AuthorizePayment, Step::ReserveStock, Step::CancelShipment(part())];
        assert!(due_steps(&unknown).iter().all(|step| without_ids.contains(step)));
    }
}

#[test]
fn an_order_is_settled_unless_calls_move_it() {
    for status in OrderStatus::STATES.iter().copied() {
        let moving = [OrderStatus::PendingPayment, OrderStatus::PaymentAuthorized, OrderStatus::InventoryReserved].contains(&status);
        assert_eq!(is_settled(status), !moving, "{status}");
        let mut order = in_state(status, PaymentState::Due, StockState::Due, ShipmentState::Active);
        assert_eq!(order.is_settled(), !moving);
        order.saga.payable_until = Some(DEADLINE);
        assert_eq!(order.payment_deadline().is_some(), status == OrderStatus::PaymentFailed);
        assert!(!order.is_cancellation_pending());
        order.saga.cancellation = Some(Cancellation { reason: CancelReason::AdminRequest, note: None });
        assert_eq!(order.is_cancellation_pending(), status == OrderStatus::Confirmed);
    }
}

#[test]
fn an_illegal_fact_leaves_the_order_unchanged() {
    let mut order = in_state(OrderStatus::Delivered, PaymentState::Captured, StockState::Confirmed, ShipmentState::CancelRequested);
    order.saga.cancellation = Some(Cancellation { reason: CancelReason::AdminRequest, note: None });
    order.fulfilments[0].status = FulfilmentStatus::Confirmed;
    let before = order.clone();
    let illegal = order.apply(&Fact::ShipmentCancelled(part()), DEADLINE, NOW).unwrap_err();
    assert_eq!((illegal.from, order), (OrderStatus::Delivered, before));
}

#[test]
fn totals_add_shipping_and_tax_and_subtract_the_discount() {
    let euros = |minor| Money::new(minor, Currency::EUR);
    let totals = |included| Totals::of_sums(euros(2_000), euros(500), euros(300), euros(220), included).unwrap();
    let expected = Totals {
        subtotal_amount: 2_000,
        shipping_amount: 500,
        tax_amount: 220,
        discount_amount: 300,
        total_amount: 2_420,
        prices_include_tax: false,
    };
    assert_eq!(totals(false), expected);
    assert_eq!(totals(true), Totals { total_amount: 2_200, prices_include_tax: true, ..expected });
    assert!(Totals::of_sums(euros(2_000), euros(500), euros(0), Money::new(1, Currency::USD), false).is_err());
}

#[test]
fn an_order_number_is_two_groups_of_five() {
    assert_eq!(order_number([0, 1, 2, 3, 4, 5, 6, 7, 8, 31]), "23456-789AZ");
    assert_eq!(order_number([32, 33, 63, 64, 255, 0, 0, 0, 0, 0]), "23Z2Z-22222");
}
