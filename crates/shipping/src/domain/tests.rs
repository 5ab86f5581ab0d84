//! The rules, tried with everything that can happen in any order.

use super::*;
use contracts::ids::Uuid;
use proptest::prelude::*;

const STATUSES: &[ShipmentStatus] = ShipmentStatus::STATES;

fn status() -> impl Strategy<Value = ShipmentStatus> {
    prop::sample::select(STATUSES)
}

/// How far a status is on a parcel's way.
fn rank(status: ShipmentStatus) -> usize {
    STATUSES.iter().position(|known| *known == status).unwrap()
}

proptest! {
    #[test]
    fn reports_in_any_order_move_a_shipment_by_the_table_and_never_back(reports in prop::collection::vec(status(), 0..40)) {
        let mut present = ShipmentStatus::Created;
        for reported in reports {
            match observe(present, reported) {
                Observed::Moved(next) => {
                    prop_assert!(ShipmentStatus::TABLE.iter().any(|row| row.from == present && row.to == next));
                    prop_assert_eq!(next, reported);
                    prop_assert!(rank(next) >= rank(present));
                    present = next;
                }
                Observed::Known => prop_assert!(rank(reported) <= rank(present), "{:?} is not known in {:?}", reported, present),
                Observed::Contradicted(_) => prop_assert!(false, "nothing was agreed"),
            }
        }
    }

    #[test]
    fn the_same_scans_in_any_order_end_alike(
        mut reports in Just(vec![ShipmentStatus::InTransit, ShipmentStatus::Delivered, ShipmentStatus::Returned]).prop_shuffle(),
        doubled in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        for index in doubled {
            let again = *index.get(&reports);
            reports.push(again);
        }
        let end = reports.into_iter().fold(ShipmentStatus::Created, |present, reported| match observe(present, reported) {
            Observed::Moved(next) => next,
            _ => present,
        });
        prop_assert_eq!(end, ShipmentStatus::Returned);
    }

    #[test]
    fn what_is_known_stays_known(present in status(), reported in status()) {
        if let Observed::Moved(next) = observe(present, reported) {
            prop_assert!(next == ShipmentStatus::InTransit || observe(next, reported) == Observed::Known);
        }
    }
}

/// What can happen to an order's parcel, from every side.
#[derive(Debug, Clone, Copy)]
enum Fact {
    Confirmed,
    CancelRequested,
    /// The carrier answers what it was asked: whatever that was when it was asked.
    CarrierBooked,
    CancelConfirmed,
    Failed,
    Fetched,
}

fn facts() -> impl Strategy<Value = Vec<Fact>> {
    use Fact::{CancelConfirmed, CancelRequested, CarrierBooked, Confirmed, Failed, Fetched};
    let one = prop_oneof![
        3 => Just(Confirmed), 1 => Just(CancelRequested), 3 => Just(CarrierBooked), 2 => Just(CancelConfirmed), 2 => Just(Failed), 1 => Just(Fetched),
    ];
    prop::collection::vec(one, 0..30)
}

fn shipment_record() -> ShipmentRecord {
    let text = String::new;
    ShipmentRecord {
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
        },
        correlation_id: text(),
        booking: Booking::Awaited,
        attempts: 0,
        failure: None,
        due_at: None,
        shipment_id: ShipmentId(Uuid::nil()),
        parcel: None,
        contradiction: None,
        confirmed_at: None,
        updated_at: Timestamp::EPOCH,
    }
}

proptest! {
    #[test]
    fn an_order_has_one_shipment_at_most_and_the_carrier_is_asked_until_it_is_done(facts in facts()) {
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
                    if let BookingOutcome::Now(_) = it.booked("T".into(), now) {
                        prop_assert_eq!(decided, None, "what was called off is not shipped");
                        created += 1;
                    }
                }
                Fact::CancelConfirmed => if let Some(event) = it.cancel_confirmed() {
                    prop_assert!(event.recalled);
                    cancelled += 1;
                },
                Fact::Failed => it.failed(it.booking, failure.clone(), now),
                Fact::Fetched => if let Observed::Moved(next) = it.observe(ShipmentStatus::InTransit) {
                    prop_assert!(cancelled == 0 && decided != Some(CancellationOutcome::Cancelled), "what stays here does not move");
                    it.move_to(next);
                }
            }
            prop_assert!(created <= 1 && cancelled <= 1);
            prop_assert_eq!(created == 1, it.parcel.is_some());
            let asks = matches!(it.booking, Booking::Pending | Booking::Cancelling);
            prop_assert_eq!(asks, it.booking != Booking::Awaited && it.due_at.is_some(), "{:?}", it);
        }
    }
}

#[test]
fn an_answer_that_was_overtaken_by_the_recall_is_taken_back() {
    let mut it = shipment_record();
    let now = Timestamp(1);
    it.confirm(String::new(), now, now);
    assert_eq!(it.cancel(now), CancellationOutcome::Cancelled);
    assert_eq!(it.cancel_confirmed(), None);
    assert_eq!((it.booking, it.due_at), (Booking::Closed, None));
    assert_eq!(it.booked("T".into(), now), BookingOutcome::CancelledMeanwhile);
    assert_eq!((it.booking, it.due_at, it.parcel.is_none()), (Booking::Cancelling, Some(now), true));
}

#[test]
fn a_failure_that_comes_late_does_not_delay_what_is_due_by_now() {
    let mut it = shipment_record();
    it.confirm(String::new(), Timestamp(1), Timestamp(1));
    it.cancel(Timestamp(2));
    it.failed(Booking::Pending, Failure { code: "TIMEOUT".into(), retryable: true }, Timestamp(99));
    assert_eq!((it.due_at, it.failure), (Some(Timestamp(2)), None));
}
