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
enum Happening {
    Confirmed,
    CalledOff,
    /// The carrier answers what it was asked: whatever that was when it was asked.
    Took,
    KnowsOfTheRecall,
    Failed,
    Fetched,
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    use Happening::{CalledOff, Confirmed, Failed, Fetched, KnowsOfTheRecall, Took};
    let one = prop_oneof![
        3 => Just(Confirmed), 1 => Just(CalledOff), 3 => Just(Took), 2 => Just(KnowsOfTheRecall), 2 => Just(Failed), 1 => Just(Fetched),
    ];
    prop::collection::vec(one, 0..30)
}

fn consignment() -> Consignment {
    let text = String::new;
    Consignment {
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
    fn an_order_has_one_shipment_at_most_and_the_carrier_is_asked_until_it_is_done(happenings in happenings()) {
        let mut it = consignment();
        let (mut created, mut recalled, mut decided) = (0, 0, None);
        let failure = Failure { code: "TIMEOUT".into(), retryable: true };
        for (at, happening) in happenings.into_iter().enumerate() {
            let now = Timestamp(at as i64);
            match happening {
                Happening::Confirmed => {
                    it.confirm(String::new(), now, now);
                }
                Happening::CalledOff => {
                    let outcome = it.call_off(now);
                    prop_assert!(decided.is_none_or(|decided| decided == outcome), "{:?} became {:?}", decided, outcome);
                    decided = decided.or(Some(outcome).filter(|outcome| *outcome != CancellationOutcome::Pending));
                }
                Happening::Took => {
                    if let Taken::Now(_) = it.booked("T".into(), now) {
                        prop_assert_eq!(decided, None, "what was called off is not shipped");
                        created += 1;
                    }
                }
                Happening::KnowsOfTheRecall => if let Some(event) = it.recalled() {
                    prop_assert!(event.recalled);
                    recalled += 1;
                },
                Happening::Failed => it.failed(it.booking, failure.clone(), now),
                Happening::Fetched => if let Observed::Moved(next) = it.observe(ShipmentStatus::InTransit) {
                    prop_assert!(recalled == 0 && decided != Some(CancellationOutcome::Cancelled), "what stays here does not move");
                    it.move_to(next);
                }
            }
            prop_assert!(created <= 1 && recalled <= 1);
            prop_assert_eq!(created == 1, it.parcel.is_some());
            let asks = matches!(it.booking, Booking::Pending | Booking::Recalling);
            prop_assert_eq!(asks, it.booking != Booking::Awaited && it.due_at.is_some(), "{:?}", it);
        }
    }
}

#[test]
fn an_answer_that_was_overtaken_by_the_recall_is_taken_back() {
    let mut it = consignment();
    let now = Timestamp(1);
    it.confirm(String::new(), now, now);
    assert_eq!(it.call_off(now), CancellationOutcome::Cancelled);
    assert_eq!(it.recalled(), None);
    assert_eq!((it.booking, it.due_at), (Booking::Closed, None));
    assert_eq!(it.booked("T".into(), now), Taken::Unwanted);
    assert_eq!((it.booking, it.due_at, it.parcel.is_none()), (Booking::Recalling, Some(now), true));
}

#[test]
fn a_failure_that_comes_late_does_not_delay_what_is_due_by_now() {
    let mut it = consignment();
    it.confirm(String::new(), Timestamp(1), Timestamp(1));
    it.call_off(Timestamp(2));
    it.failed(Booking::Pending, Failure { code: "TIMEOUT".into(), retryable: true }, Timestamp(99));
    assert_eq!((it.due_at, it.failure), (Some(Timestamp(2)), None));
}
