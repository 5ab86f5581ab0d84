//! The rules of payments, tested with random sequences.

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
        provider: Provider::Mock,
        payment_method: PaymentMethod::Ok,
        failure: None,
        void_requested_at: None,
        created_at: NOW,
        updated_at: NOW,
        transactions: Vec::new(),
    }
}

fn outcome(decline: Option<DeclineReason>) -> Outcome {
    Outcome { reference: "mock_1".to_owned(), decline }
}

/// The result of a request.
#[derive(Debug, Clone, Copy)]
enum Answer {
    Outcome(Option<DeclineReason>),
    ProviderError { unknown: bool },
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        4 => Just(Answer::Outcome(None)),
        2 => Just(Answer::Outcome(Some(DeclineReason::Refused))),
        1 => any::<bool>().prop_map(|unknown| Answer::ProviderError { unknown }),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        Just(Command::Authorize),
        Just(Command::Capture),
        Just(Command::Void),
        Just(Command::Refund(None)),
        (1_i64..150).prop_map(|amount| Command::Refund(Some(amount))),
    ]
}

impl Payment {
    fn try_command(&mut self, command: Command) {
        let next: TransactionId = id(100 + self.transactions.len());
        match self.step(command) {
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

    fn apply_answer(&mut self, answer: Answer) -> Option<PaymentFact> {
        let open = self.open_transaction()?.clone();
        match answer {
            Answer::ProviderError { unknown } => {
                self.postpone(open.transaction_id, unknown, NOW, |attempts| BACKOFF.delay(attempts));
                None
            }
            Answer::Outcome(decline) => {
                // The authorization of a voided payment is declined as abandoned.
                let abandoned = open.kind == TransactionType::Authorize && self.void_requested_at.is_some();
                let decline = decline.map(|decline| if abandoned { DeclineReason::Abandoned } else { decline });
                let settled = self.settle(open.transaction_id, &outcome(decline), NOW).expect("an outcome fits the table");
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
    fn every_sequence_of_commands_and_answers_follows_the_rules(
        turns in vec((command(), answer(), any::<bool>()), 1..40),
    ) {
        let mut payment = payment();
        let mut facts = Vec::new();
        for (command, answer, is_answered) in turns {
            payment.try_command(command);
            if is_answered {
                facts.extend(payment.apply_answer(answer));
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
        // Each fact occurs once; only partial refunds repeat.
        for fact in [PaymentFact::Authorized, PaymentFact::Captured, PaymentFact::CaptureFailed, PaymentFact::Declined, PaymentFact::Refunded] {
            prop_assert!(facts.iter().filter(|known| **known == fact).count() <= 1);
        }
    }

    #[test]
    fn a_repeated_command_changes_nothing(
        command in select(vec![Command::Authorize, Command::Capture, Command::Void]),
    ) {
        let mut payment = payment();
        if command != Command::Authorize {
            payment.try_command(Command::Authorize);
            payment.apply_answer(Answer::Outcome(None));
        }
        payment.try_command(command);
        // An open transaction is joined; a settled one is done.
        let open = payment.open_transaction().expect("it was begun").transaction_id;
        prop_assert_eq!(payment.step(command).unwrap(), Step::Join(open));
        payment.apply_answer(Answer::Outcome(None));
        prop_assert_eq!(payment.step(command).unwrap(), Step::Done);
    }
}

#[test]
fn a_settled_transaction_ignores_later_outcomes() {
    let mut payment = payment();
    payment.try_command(Command::Authorize);
    payment.apply_answer(Answer::Outcome(None));
    let before = payment.clone();
    let id = payment.transactions[0].transaction_id;
    let late = payment.settle(id, &outcome(Some(DeclineReason::Declined)), Timestamp(9)).expect("it changes nothing");
    payment.postpone(id, true, Timestamp(9), |attempts| BACKOFF.delay(attempts));
    assert_eq!((late, payment), (Settled::default(), before));
}

#[test]
fn an_unknown_transaction_stays_unknown_after_transient_errors() {
    let mut payment = payment();
    payment.try_command(Command::Authorize);
    payment.apply_answer(Answer::ProviderError { unknown: false });
    assert_eq!(payment.transactions[0].status, TransactionStatus::Pending);
    payment.apply_answer(Answer::ProviderError { unknown: true });
    payment.apply_answer(Answer::ProviderError { unknown: false });
    assert_eq!(payment.transactions[0].status, TransactionStatus::Unknown);
    assert_eq!(payment.transactions[0].due_at, Some(NOW.after(Duration::from_secs(4))));
}

#[test]
fn an_open_void_refuses_a_capture_and_an_open_capture_a_void() {
    let mut payment = payment();
    payment.try_command(Command::Authorize);
    payment.apply_answer(Answer::Outcome(None));
    let mut voided = payment.clone();
    voided.try_command(Command::Void);
    assert!(matches!(voided.step(Command::Capture), Err(Error::IllegalCommand { .. })));
    payment.try_command(Command::Capture);
    assert!(matches!(payment.step(Command::Void), Err(Error::Unsettled)));
}

#[test]
fn a_payment_voided_during_its_authorization_is_voided_after_either_outcome() {
    for decline in [None, Some(DeclineReason::Abandoned)] {
        let mut payment = payment();
        payment.try_command(Command::Authorize);
        payment.try_command(Command::Void);
        assert!(matches!(payment.step(Command::Authorize), Err(Error::IllegalCommand { .. })));
        assert!(matches!(payment.step(Command::Capture), Err(Error::IllegalCommand { .. })));
        payment.apply_answer(Answer::Outcome(decline));
        if decline.is_none() {
            assert_eq!(payment.status, PaymentStatus::Authorized);
            payment.apply_answer(Answer::Outcome(None));
        }
        assert_eq!((payment.status, payment.failure), (PaymentStatus::Voided, None));
    }
}

/// A payment that reached this status by commands and answers.
fn payment_in(status: PaymentStatus) -> Payment {
    let mut payment = payment();
    let commands: &[Command] = match status {
        PaymentStatus::Initiated => &[],
        PaymentStatus::Authorized | PaymentStatus::Failed => &[Command::Authorize],
        PaymentStatus::Captured => &[Command::Authorize, Command::Capture],
        PaymentStatus::Refunded => &[Command::Authorize, Command::Capture, Command::Refund(None)],
        PaymentStatus::Voided => &[Command::Void],
    };
    let decline = (status == PaymentStatus::Failed).then_some(DeclineReason::Declined);
    for command in commands {
        payment.try_command(*command);
        payment.apply_answer(Answer::Outcome(decline));
    }
    assert_eq!(payment.status, status);
    payment
}

#[test]
fn every_command_in_every_status_has_the_documented_step() {
    use PaymentStatus::{Authorized, Captured, Failed, Initiated, Refunded, Voided};
    let start = |kind| Some(Step::Start(kind, 100));
    let done = Some(Step::Done);
    let (authorize, capture, void) = (start(TransactionType::Authorize), start(TransactionType::Capture), start(TransactionType::Void));
    for (status, steps) in [
        (Initiated, [authorize, None, Some(Step::VoidNow), None]),
        (Authorized, [done, capture, void, None]),
        (Captured, [done, done, None, start(TransactionType::Refund)]),
        (Failed, [done, None, done, None]),
        (Refunded, [done, done, None, done]),
        (Voided, [None, None, done, None]),
    ] {
        let payment = payment_in(status);
        for (command, step) in [Command::Authorize, Command::Capture, Command::Void, Command::Refund(None)].into_iter().zip(steps) {
            let found = payment.step(command);
            assert_eq!(found.as_ref().ok(), step.as_ref(), "{command:?} in {status}");
            assert!(matches!(found, Ok(_) | Err(Error::IllegalCommand { .. })), "{command:?} in {status}");
        }
    }
}

#[test]
fn a_refund_is_between_one_and_what_is_left() {
    let mut payment = payment_in(PaymentStatus::Captured);
    payment.try_command(Command::Refund(Some(40)));
    assert!(matches!(payment.step(Command::Refund(Some(1))), Err(Error::Unsettled)));
    payment.apply_answer(Answer::Outcome(None));
    for (amount, is_allowed) in [(-1, false), (0, false), (1, true), (60, true), (61, false)] {
        match payment.step(Command::Refund(Some(amount))) {
            Ok(step) => assert!(is_allowed && step == Step::Start(TransactionType::Refund, amount), "{amount}"),
            Err(Error::RefundTooLarge { left }) => assert!(!is_allowed && left == 60, "{amount}"),
            Err(other) => panic!("{amount}: {other}"),
        }
    }
    assert_eq!(payment.step(Command::Refund(None)).unwrap(), Step::Start(TransactionType::Refund, 60));
    assert!(matches!(payment_in(PaymentStatus::Refunded).step(Command::Refund(Some(1))), Err(Error::RefundTooLarge { left: 0 })));
}

#[test]
fn a_declined_capture_is_voided_and_then_failed() {
    let mut payment = payment_in(PaymentStatus::Authorized);
    payment.try_command(Command::Capture);
    assert_eq!(payment.apply_answer(Answer::Outcome(Some(DeclineReason::Refused))), None);
    let void = payment.open_transaction().expect("the void is open").clone();
    assert_eq!((void.kind, void.amount, payment.status), (TransactionType::Void, 100, PaymentStatus::Authorized));
    assert_eq!(payment.step(Command::Capture).unwrap(), Step::Join(void.transaction_id));
    assert_eq!(payment.apply_answer(Answer::Outcome(None)), Some(PaymentFact::CaptureFailed));
    assert_eq!((payment.status, payment.captured_amount), (PaymentStatus::Failed, 0));
    assert_eq!(payment.failure, Some(Failure::from(Code::CAPTURE_FAILED)));
    assert_eq!(payment.step(Command::Capture).unwrap(), Step::Done);
}

#[test]
fn a_refund_that_succeeds_clears_the_failure_of_the_last_one() {
    let mut payment = payment_in(PaymentStatus::Captured);
    for (decline, failure) in [(Some(DeclineReason::Refused), Some(Failure::from(Code::REFUND_FAILED))), (None, None)] {
        payment.try_command(Command::Refund(Some(10)));
        payment.apply_answer(Answer::Outcome(decline));
        assert_eq!((payment.failure.clone(), payment.open_transaction()), (failure, None));
    }
    assert_eq!((payment.refunded_amount, payment.status), (10, PaymentStatus::Captured));
}

#[test]
fn refunds_are_limited_and_declined_ones_do_not_count() {
    let mut payment = payment_in(PaymentStatus::Captured);
    let number = |payment: &Payment| payment.transactions.len();
    // The authorization and the capture count too.
    while number(&payment) < MAX_TRANSACTIONS {
        let declined = number(&payment) % 10 == 0;
        payment.try_command(Command::Refund(Some(1)));
        payment.apply_answer(Answer::Outcome(declined.then_some(DeclineReason::Refused)));
        payment.refunded_amount = 0;
    }
    let declined = payment.transactions.iter().filter(|one| one.is_declined_refund()).count();
    assert!(declined > 0);
    for _ in 0..declined {
        assert!(payment.step(Command::Refund(Some(1))).is_ok());
        payment.try_command(Command::Refund(Some(1)));
        payment.apply_answer(Answer::Outcome(None));
        payment.refunded_amount = 0;
    }
    assert!(matches!(payment.step(Command::Refund(Some(1))), Err(Error::TooManyRefunds)));
}

#[test]
fn a_refused_command_says_what_cannot_be_done() {
    for (status, command, word) in [
        (PaymentStatus::Voided, Command::Authorize, "authorized"),
        (PaymentStatus::Voided, Command::Capture, "captured"),
        (PaymentStatus::Captured, Command::Void, "voided"),
        (PaymentStatus::Authorized, Command::Refund(None), "refunded"),
    ] {
        let refused = payment_in(status).step(command).unwrap_err().to_string();
        assert!(refused.contains(word) && refused.contains(status.as_str()), "{refused}");
    }
}

#[test]
fn a_refund_of_a_part_is_made_once_for_its_cause_and_again_when_it_was_declined() {
    let mut captured = Payment { status: PaymentStatus::Captured, captured_amount: 100, ..payment() };
    let command = Command::RefundPart { cause_id: id(9), amount: 40 };
    captured.begin(id(100), TransactionType::Refund, 40, NOW, NOW);
    captured.transactions[0].cause_id = Some(id(9));
    assert!(matches!(captured.step(command), Ok(Step::Join(open)) if open == id(100)));
    captured.transactions[0].status = TransactionStatus::Succeeded;
    assert!(matches!(captured.step(command), Ok(Step::Done)));
    captured.transactions[0].status = TransactionStatus::Failed;
    assert!(matches!(captured.step(command), Ok(Step::Start(TransactionType::Refund, 40))));
}

#[test]
fn a_capture_waits_for_the_authorization_unless_a_void_was_requested() {
    let mut open = payment();
    assert!(matches!(open.step(Command::Capture), Err(Error::IllegalCommand { .. })));
    open.begin(id(100), TransactionType::Authorize, 100, NOW, NOW);
    assert!(matches!(open.step(Command::Capture), Err(Error::Unsettled)));
    open.void_requested_at = Some(NOW);
    assert!(matches!(open.step(Command::Capture), Err(Error::IllegalCommand { .. })));
}

#[test]
fn a_capture_that_was_declined_is_not_tried_again() {
    let mut authorized = Payment { status: PaymentStatus::Authorized, ..payment() };
    assert!(matches!(authorized.step(Command::Capture), Ok(Step::Start(TransactionType::Capture, 100))));
    authorized.begin(id(100), TransactionType::Capture, 100, NOW, NOW);
    authorized.transactions[0].status = TransactionStatus::Failed;
    for status in [PaymentStatus::Authorized, PaymentStatus::Failed] {
        authorized.status = status;
        assert!(matches!(authorized.step(Command::Capture), Ok(Step::Done)), "{status}");
    }
}
