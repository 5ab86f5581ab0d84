//! The law of payments, tried with every sequence that chance finds.

use super::*;
use contracts::ids::Uuid;
use platform::backoff::Backoff;
use proptest::{collection::vec, prelude::*, sample::select};
use std::time::Duration;

const NOW: Timestamp = Timestamp(1_000_000);
const BACKOFF: Backoff = Backoff::doubling(Duration::from_secs(1), Duration::from_secs(60));

fn id<T: From<Uuid>>(number: usize) -> T {
    T::from(Uuid::from_u128(number as u128))
}

fn payment() -> Payment {
    Payment {
        payment_id: id(1),
        order_id: id(2),
        order_number: "S-1".to_owned(),
        user_id: id(3),
        status: PaymentStatus::Initiated,
        amount: 100,
        currency: Currency::EUR,
        captured_amount: 0,
        refunded_amount: 0,
        payment_method: PaymentMethod::Ok,
        failure: None,
        void_requested_at: None,
        created_at: NOW,
        updated_at: NOW,
        transactions: Vec::new(),
    }
}

fn outcome(refusal: Option<Refusal>) -> Outcome {
    Outcome { reference: "mock_1".to_owned(), refusal }
}

/// What the provider says, or does not say.
#[derive(Debug, Clone, Copy)]
enum Said {
    Outcome(Option<Refusal>),
    Trouble { unknown: bool },
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        4 => Just(Said::Outcome(None)),
        2 => Just(Said::Outcome(Some(Refusal::Refused))),
        1 => any::<bool>().prop_map(|unknown| Said::Trouble { unknown }),
    ]
}

fn wish() -> impl Strategy<Value = Wish> {
    prop_oneof![
        Just(Wish::Authorize),
        Just(Wish::Capture),
        Just(Wish::Void),
        Just(Wish::Refund(None)),
        (1_i64..150).prop_map(|amount| Wish::Refund(Some(amount))),
    ]
}

impl Payment {
    fn try_wish(&mut self, wish: Wish) {
        let next: TransactionId = id(100 + self.transactions.len());
        match self.step(wish) {
            Ok(Step::Start(kind, amount)) => {
                self.begin(next, kind, amount, NOW, NOW);
            }
            Ok(Step::VoidAfter(_)) => self.void_requested_at = Some(NOW),
            Ok(Step::VoidNow) => {
                self.void_now(NOW).expect("the step was offered");
            }
            Ok(Step::Done | Step::Join(_)) | Err(_) => {}
        }
    }

    fn hear(&mut self, said: Said) -> Option<PaymentFact> {
        let open = self.open_transaction()?.clone();
        match said {
            Said::Trouble { unknown } => {
                self.postpone(open.transaction_id, unknown, NOW, |attempts| BACKOFF.delay(attempts));
                None
            }
            Said::Outcome(refusal) => {
                // What a given-up authorization is refused with.
                let abandoned = open.kind == TransactionType::Authorize && self.void_requested_at.is_some();
                let refusal = refusal.map(|refusal| if abandoned { Refusal::Abandoned } else { refusal });
                let settled = self.settle(open.transaction_id, &outcome(refusal), NOW).expect("an outcome fits the table");
                if let Some(kind) = settled.follow_up {
                    self.begin(id(100 + self.transactions.len()), kind, self.amount, NOW, NOW);
                }
                settled.fact
            }
        }
    }

    fn succeeded(&self, kind: TransactionType) -> impl Iterator<Item = &Transaction> {
        self.transactions.iter().filter(move |t| t.kind == kind && t.status == TransactionStatus::Succeeded)
    }
}

proptest! {
    #[test]
    fn every_sequence_of_wishes_and_answers_keeps_the_law(
        turns in vec((wish(), said(), any::<bool>()), 1..40),
    ) {
        let mut payment = payment();
        let mut facts = Vec::new();
        for (wish, said, hears) in turns {
            payment.try_wish(wish);
            if hears {
                facts.extend(payment.hear(said));
            }
            prop_assert!(payment.transactions.iter().filter(|t| t.is_open()).count() <= 1);
            for kind in [TransactionType::Authorize, TransactionType::Capture, TransactionType::Void] {
                let lasting = payment.transactions.iter().filter(|t| t.kind == kind && t.status != TransactionStatus::Failed).count();
                prop_assert!(lasting <= 1, "{payment:?}");
            }
            let refunded: i64 = payment.succeeded(TransactionType::Refund).map(|t| t.amount).sum();
            prop_assert_eq!(payment.refunded_amount, refunded);
            prop_assert!(refunded <= payment.captured_amount && [0, payment.amount].contains(&payment.captured_amount));
            let held = payment.succeeded(TransactionType::Authorize).count() > 0
                && payment.succeeded(TransactionType::Capture).count() == 0
                && payment.succeeded(TransactionType::Void).count() == 0;
            prop_assert_eq!(held, payment.status == PaymentStatus::Authorized, "{:?}", payment);
            for transaction in &payment.transactions {
                prop_assert_eq!(transaction.is_open(), transaction.due_at.is_some());
            }
        }
        // Each fact happened once; only parts of a refund come again.
        for fact in [PaymentFact::Authorized, PaymentFact::Captured, PaymentFact::CaptureFailed, PaymentFact::Declined, PaymentFact::Refunded] {
            prop_assert!(facts.iter().filter(|known| **known == fact).count() <= 1);
        }
    }

    #[test]
    fn a_wish_that_was_fulfilled_changes_nothing_when_repeated(
        wish in select(vec![Wish::Authorize, Wish::Capture, Wish::Void]),
    ) {
        let mut payment = payment();
        if wish != Wish::Authorize {
            payment.try_wish(Wish::Authorize);
            payment.hear(Said::Outcome(None));
        }
        payment.try_wish(wish);
        // Under way, it is joined; done, it is done.
        let open = payment.open_transaction().expect("it was begun").transaction_id;
        prop_assert_eq!(payment.step(wish).unwrap(), Step::Join(open));
        payment.hear(Said::Outcome(None));
        prop_assert_eq!(payment.step(wish).unwrap(), Step::Done);
    }
}

#[test]
fn a_transaction_that_is_settled_hears_nothing_more() {
    let mut payment = payment();
    payment.try_wish(Wish::Authorize);
    payment.hear(Said::Outcome(None));
    let before = payment.clone();
    let id = payment.transactions[0].transaction_id;
    let late = payment.settle(id, &outcome(Some(Refusal::Declined)), Timestamp(9)).expect("it changes nothing");
    payment.postpone(id, true, Timestamp(9), |attempts| BACKOFF.delay(attempts));
    assert_eq!((late, payment), (Settled::default(), before));
}

#[test]
fn what_is_unknown_stays_so_through_transient_errors() {
    let mut payment = payment();
    payment.try_wish(Wish::Authorize);
    payment.hear(Said::Trouble { unknown: false });
    assert_eq!(payment.transactions[0].status, TransactionStatus::Pending);
    payment.hear(Said::Trouble { unknown: true });
    payment.hear(Said::Trouble { unknown: false });
    assert_eq!(payment.transactions[0].status, TransactionStatus::Unknown);
    assert_eq!(payment.transactions[0].due_at, Some(NOW.after(Duration::from_secs(4))));
}

#[test]
fn a_void_decides_against_a_capture_and_a_capture_against_a_void() {
    let mut payment = payment();
    payment.try_wish(Wish::Authorize);
    payment.hear(Said::Outcome(None));
    let mut voided = payment.clone();
    voided.try_wish(Wish::Void);
    assert!(matches!(voided.step(Wish::Capture), Err(Error::NotNow { .. })));
    payment.try_wish(Wish::Capture);
    assert!(matches!(payment.step(Wish::Void), Err(Error::Unsettled)));
}

#[test]
fn a_payment_given_up_in_doubt_is_voided_either_way() {
    for refusal in [None, Some(Refusal::Abandoned)] {
        let mut payment = payment();
        payment.try_wish(Wish::Authorize);
        payment.try_wish(Wish::Void);
        assert!(matches!(payment.step(Wish::Authorize), Err(Error::NotNow { .. })));
        assert!(matches!(payment.step(Wish::Capture), Err(Error::NotNow { .. })));
        payment.hear(Said::Outcome(refusal));
        if refusal.is_none() {
            assert_eq!(payment.status, PaymentStatus::Authorized);
            payment.hear(Said::Outcome(None));
        }
        assert_eq!((payment.status, payment.failure), (PaymentStatus::Voided, None));
    }
}
