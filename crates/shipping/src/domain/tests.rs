//! The rules, tested with random facts in any order.

use super::*;
use contracts::ids::Uuid;
use proptest::prelude::*;

const STATUSES: &[ShipmentStatus] = ShipmentStatus::STATES;

fn status() -> impl Strategy<Value = ShipmentStatus> {
    prop::sample::select(STATUSES)
}

/// The progress of a status.
fn rank(status: ShipmentStatus) -> usize {
    match status {
        ShipmentStatus::Created => 0,
        ShipmentStatus::InTransit => 1,
        ShipmentStatus::Delivered => 2,
        ShipmentStatus::Returned => 3,
    }
}

proptest! {
    #[test]
    fn reports_in_any_order_follow_the_table_and_never_go_back(reports in prop::collection::vec(status(), 0..40)) {
        let mut present = ShipmentStatus::Created;
        for reported in reports {
            match observe(present, reported) {
                ReportOutcome::Moved(next) => {
                    prop_assert!(ShipmentStatus::TABLE.iter().any(|row| row.from == present && row.to == next));
                    prop_assert_eq!(next, reported);
                    prop_assert!(rank(next) >= rank(present));
                    present = next;
                }
                ReportOutcome::Known => prop_assert!(rank(reported) <= rank(present), "{:?} is not known in {:?}", reported, present),
                ReportOutcome::Contradicted(_) => prop_assert!(false, "nothing was agreed"),
            }
        }
    }

    #[test]
    fn the_same_scans_in_any_order_lead_to_the_same_status(
        mut reports in Just(vec![ShipmentStatus::InTransit, ShipmentStatus::Delivered, ShipmentStatus::Returned]).prop_shuffle(),
        doubled in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        for index in doubled {
            let again = *index.get(&reports);
            reports.push(again);
        }
        let end = reports.into_iter().fold(ShipmentStatus::Created, |present, reported| match observe(present, reported) {
            ReportOutcome::Moved(next) => next,
            _ => present,
        });
        prop_assert_eq!(end, ShipmentStatus::Returned);
    }

    #[test]
    fn a_repeated_report_changes_nothing(present in status(), reported in status()) {
        if let ReportOutcome::Moved(next) = observe(present, reported) {
            prop_assert!(next == ShipmentStatus::InTransit || observe(next, reported) == ReportOutcome::Known);
        }
    }
}

/// What can happen to a shipment.
#[derive(Debug, Clone, Copy)]
enum Fact {
    Confirmed,
    CancelRequested,
    /// The carrier answers a booking, which may be an old one.
    CarrierBooked,
    CancelConfirmed,
    Failed,
    PickedUp,
}

fn facts() -> impl Strategy<Value = Vec<Fact>> {
    use Fact::{CancelConfirmed, CancelRequested, CarrierBooked, Confirmed, Failed, PickedUp};
    let one = prop_oneof![
        3 => Just(Confirmed), 1 => Just(CancelRequested), 3 => Just(CarrierBooked), 2 => Just(CancelConfirmed), 2 => Just(Failed), 1 => Just(PickedUp),
    ];
    prop::collection::vec(one, 0..30)
}

fn shipment_record() -> ShipmentRecord {
    let text = String::new;
    ShipmentRecord {
        fulfilment_id: Uuid::from_u128(1).into(),
        order_id: OrderId(Uuid::nil()),
        order_number: text(),
        user_id: UserId(Uuid::nil()),
        address: AddressSnapshot {
            country: text(),
            state: text(),
            city: text(),
            zip: text(),
            street: text(),
            number: text(),
            complement: text(),
            ..AddressSnapshot::default()
        },
        correlation_id: text(),
        booking: Booking::Awaited,
        attempts: 0,
        failure: None,
        due_at: None,
        shipment_id: ShipmentId(Uuid::nil()),
        parcel: None,
        contradiction: None,
        event_count: 0,
        confirmed_at: None,
        updated_at: Timestamp::EPOCH,
    }
}

proptest! {
    #[test]
    fn an_order_has_at_most_one_shipment_and_open_requests_are_due(facts in facts()) {
        let mut it = shipment_record();
        let (mut created, mut cancelled, mut decided) = (0, 0, None);
        let failure = Failure { code: "TIMEOUT".into(), retryable: true };
        for (at, fact) in facts.into_iter().enumerate() {
            let now = Timestamp(at as i64);
            match fact {
                Fact::Confirmed => {
                    it.confirm(String::new(), now, now);
                }
                Fact::CancelRequested => {
                    let outcome = it.cancel(now);
                    prop_assert!(decided.is_none_or(|decided| decided == outcome), "{:?} became {:?}", decided, outcome);
                    decided = decided.or(Some(outcome).filter(|outcome| *outcome != CancellationOutcome::Pending));
                }
                Fact::CarrierBooked => {
                    if let BookingOutcome::Created(_) = it.booked("MOCK", "T".into(), now) {
                        prop_assert_eq!(decided, None, "a cancelled shipment is not sent");
                        created += 1;
                    }
                }
                Fact::CancelConfirmed => if let Some(event) = it.cancel_confirmed() {
                    prop_assert!(event.recalled);
                    cancelled += 1;
                },
                Fact::Failed => it.failed(it.booking, failure.clone(), now),
                Fact::PickedUp => if let ReportOutcome::Moved(next) = it.observe(ShipmentStatus::InTransit) {
                    prop_assert!(cancelled == 0 && decided != Some(CancellationOutcome::Cancelled), "what stays here does not move");
                    it.move_to(next);
                }
            }
            prop_assert!(created <= 1 && cancelled <= 1);
            prop_assert_eq!(created == 1, it.parcel.is_some());
            let is_open = matches!(it.booking, Booking::Pending | Booking::Cancelling);
            prop_assert_eq!(is_open, it.booking != Booking::Awaited && it.due_at.is_some(), "{:?}", it);
        }
    }
}

#[test]
fn a_booking_answered_after_the_cancellation_is_cancelled_again() {
    let mut it = shipment_record();
    let now = Timestamp(1);
    it.confirm(String::new(), now, now);
    assert_eq!(it.cancel(now), CancellationOutcome::Cancelled);
    assert_eq!(it.cancel_confirmed(), None);
    assert_eq!((it.booking, it.due_at), (Booking::Closed, None));
    assert_eq!(it.booked("MOCK", "T".into(), now), BookingOutcome::CancelledMeanwhile);
    assert_eq!((it.booking, it.due_at, it.parcel.is_none()), (Booking::Cancelling, Some(now), true));
}

#[test]
fn a_late_failure_does_not_delay_the_request_that_is_due() {
    let mut it = shipment_record();
    it.confirm(String::new(), Timestamp(1), Timestamp(1));
    it.cancel(Timestamp(2));
    it.failed(Booking::Pending, Failure { code: "TIMEOUT".into(), retryable: true }, Timestamp(99));
    assert_eq!((it.due_at, it.failure), (Some(Timestamp(2)), None));
}

#[test]
fn every_report_in_every_status_has_the_documented_effect() {
    use ReportOutcome::{Known, Moved};
    use ShipmentStatus::{Created, Delivered, InTransit, Returned};
    for (present, effects) in [
        (Created, [Known, Moved(InTransit), Moved(Delivered), Moved(Returned)]),
        (InTransit, [Known, Moved(InTransit), Moved(Delivered), Moved(Returned)]),
        (Delivered, [Known, Known, Known, Moved(Returned)]),
        (Returned, [Known, Known, Known, Known]),
    ] {
        for (reported, effect) in [Created, InTransit, Delivered, Returned].into_iter().zip(effects) {
            assert_eq!(observe(present, reported), effect, "{reported} in {present}");
        }
    }
}

/// A shipment whose cancellation the carrier confirmed.
fn cancelled_shipment() -> ShipmentRecord {
    let mut it = shipment_record();
    it.confirm(String::new(), Timestamp(1), Timestamp(1));
    it.booked("MOCK", "T".into(), Timestamp(2));
    assert_eq!(it.cancel(Timestamp(3)), CancellationOutcome::Pending);
    assert!(it.cancel_confirmed().is_some_and(|event| event.recalled && event.tracking_number == "T"));
    it
}

#[test]
fn only_movement_contradicts_a_confirmed_cancellation() {
    use ReportOutcome::{Contradicted, Known};
    use ShipmentStatus::{Created, Delivered, InTransit, Returned};
    for (before, effects) in [
        (None, [Known, Contradicted(InTransit), Contradicted(Delivered), Known]),
        (Some(InTransit), [Known, Contradicted(InTransit), Contradicted(Delivered), Contradicted(Returned)]),
        (Some(Delivered), [Known, Known, Known, Contradicted(Returned)]),
    ] {
        let it = ShipmentRecord { contradiction: before, ..cancelled_shipment() };
        for (reported, effect) in [Created, InTransit, Delivered, Returned].into_iter().zip(effects) {
            assert_eq!(it.observe(reported), effect, "{reported} after {before:?}");
        }
    }
}

#[test]
fn a_parcel_sent_back_by_the_customer_contradicts_nothing() {
    let mut it = shipment_record();
    it.confirm(String::new(), Timestamp(1), Timestamp(1));
    it.booked("MOCK", "T".into(), Timestamp(2));
    it.move_to(ShipmentStatus::Returned);
    assert_eq!(it.observe(ShipmentStatus::InTransit), ReportOutcome::Known);
    assert_eq!(it.cancel(Timestamp(3)), CancellationOutcome::TooLate);
}

#[test]
fn a_cancellation_starts_with_a_fresh_count_of_attempts() {
    let mut it = shipment_record();
    it.confirm(String::new(), Timestamp(1), Timestamp(1));
    let failure = Failure { code: "TIMEOUT".into(), retryable: true };
    it.failed(Booking::Pending, failure.clone(), Timestamp(9));
    assert_eq!((it.attempts, it.failure.clone(), it.due_at), (1, Some(failure), Some(Timestamp(9))));
    it.cancel(Timestamp(10));
    assert_eq!((it.booking, it.attempts, it.failure.clone(), it.due_at), (Booking::Cancelling, 0, None, Some(Timestamp(10))));
    // A repetition does not make it due again.
    it.cancel(Timestamp(11));
    assert_eq!(it.due_at, Some(Timestamp(10)));
}

#[test]
fn a_scan_ends_an_open_cancellation() {
    let mut it = shipment_record();
    it.confirm(String::new(), Timestamp(1), Timestamp(1));
    it.booked("MOCK", "T".into(), Timestamp(2));
    it.cancel(Timestamp(3));
    it.failed(Booking::Cancelling, Failure { code: "TIMEOUT".into(), retryable: true }, Timestamp(9));
    let moved = it.move_to(ShipmentStatus::InTransit).map(|parcel| parcel.status);
    assert_eq!((moved, it.booking, it.failure, it.due_at), (Some(ShipmentStatus::InTransit), Booking::Booked, None, None));
}

#[test]
fn the_overview_shows_a_status_only_for_a_booked_shipment() {
    let mut it = shipment_record();
    it.confirm(String::new(), Timestamp(1), Timestamp(1));
    let seen = it.clone().overview("MOCK");
    assert_eq!((seen.pending, seen.recalling, seen.shipment_id, seen.status, seen.created_at), (true, false, None, None, Timestamp(1)));
    it.booked("MOCK", "T".into(), Timestamp(2));
    it.cancel(Timestamp(3));
    let seen = it.overview("MOCK");
    assert_eq!((seen.pending, seen.recalling, seen.status), (false, true, Some(ShipmentStatus::Created)));
    assert_eq!((seen.shipment_id.is_some(), seen.tracking_number.as_deref()), (true, Some("T")));
}
