//! The rules of payments: which request a command leads to, and what its outcome changes. No async, no I/O, no clock.
//!
//! At most one transaction of a payment is open (PENDING or UNKNOWN). A command that comes meanwhile joins it, waits for it,
//! or is refused.

use crate::{
    error::Error,
    provider::{DeclineReason, Outcome},
};
use contracts::{
    ids::{OrderId, PaymentId, TransactionId, UserId, Uuid},
    machine::{IllegalTransition, Machine as _},
    money::Currency,
    payment::{self, PaymentFact, PaymentMethod, PaymentStatus, Provider, TransactionStatus, TransactionType},
    problem::{Code, Failure},
    time::Timestamp,
};
use std::time::Duration;

/// How many transactions a payment may have, not counting declined refunds. Only refunds are many.
pub const MAX_TRANSACTIONS: usize = 1_000;
/// How many declined refunds are shown, the newest. A refund is tried for as long as money is owed.
pub const DECLINED_REFUNDS_SHOWN: usize = 20;

/// A payment with its transactions, without the older declined refunds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    pub payment_id: PaymentId,
    pub order_id: OrderId,
    pub order_number: String,
    pub user_id: UserId,
    pub status: PaymentStatus,
    pub amount: i64,
    pub currency: Currency,
    pub captured_amount: i64,
    pub refunded_amount: i64,
    pub provider: Provider,
    pub payment_method: PaymentMethod,
    /// Why the payment, or its last refund, failed.
    pub failure: Option<Failure>,
    /// When a void was requested while the authorization was open.
    pub void_requested_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// The oldest first.
    pub transactions: Vec<Transaction>,
}

/// One movement of money at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    pub transaction_id: TransactionId,
    /// Its place among the transactions of the payment, from 0.
    pub position: i64,
    pub kind: TransactionType,
    pub status: TransactionStatus,
    pub amount: i64,
    pub provider_reference: Option<String>,
    pub failure: Option<Failure>,
    /// How many requests had no outcome.
    pub failed_attempts: u32,
    /// When the worker sends the next request; `None` once the outcome is known.
    pub due_at: Option<Timestamp>,
    /// What the refund of a part is for.
    pub cause_id: Option<Uuid>,
    pub created_at: Timestamp,
}

impl Transaction {
    /// Returns whether the outcome is not known yet.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.status, TransactionStatus::Pending | TransactionStatus::Unknown)
    }

    fn is_declined_refund(&self) -> bool {
        self.kind == TransactionType::Refund && self.status == TransactionStatus::Failed
    }
}

/// A command on a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    Authorize,
    Capture,
    Void,
    /// Refunds this amount, or all that is left.
    Refund(Option<i64>),
    /// Refunds the amount, or what is left when that is less, once for each cause.
    RefundPart {
        cause_id: Uuid,
        amount: i64,
    },
}

impl Command {
    fn as_str(self) -> &'static str {
        match self {
            Command::Authorize => "authorized",
            Command::Capture => "captured",
            Command::Void => "voided",
            Command::Refund(_) | Command::RefundPart { .. } => "refunded",
        }
    }
}

/// What a command leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The command was carried out before: the payment is the answer.
    Done,
    /// A transaction of this type and amount begins.
    Start(TransactionType, i64),
    /// This open transaction does the same: its outcome is the answer.
    Join(TransactionId),
    /// The payment is voided as soon as this authorization has an outcome.
    VoidAfter(TransactionId),
    /// The payment is voided at once, because no request was sent.
    VoidNow,
}

/// What the outcome of a transaction changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settled {
    /// The transition of the payment.
    pub fact: Option<PaymentFact>,
    /// The transaction that must begin next.
    pub follow_up: Option<TransactionType>,
}

impl Payment {
    /// The transaction whose outcome is not known yet.
    #[must_use]
    pub fn open_transaction(&self) -> Option<&Transaction> {
        self.transactions.iter().find(|transaction| transaction.is_open())
    }

    #[must_use]
    pub fn transaction(&self, id: TransactionId) -> Option<&Transaction> {
        self.transactions.iter().find(|transaction| transaction.transaction_id == id)
    }

    /// The transaction under which the provider holds the amount.
    #[must_use]
    pub fn authorization(&self) -> Option<TransactionId> {
        self.transactions.iter().find(|transaction| transaction.kind == TransactionType::Authorize).map(|found| found.transaction_id)
    }

    /// Returns whether the provider declined the capture.
    fn capture_failed(&self) -> bool {
        self.transactions.iter().any(|t| t.kind == TransactionType::Capture && t.status == TransactionStatus::Failed)
    }

    /// Decides what `command` leads to. A command that was carried out before is [`Step::Done`], so it can be repeated.
    ///
    /// # Errors
    /// [`Error::IllegalCommand`], [`Error::Unsettled`] when the outcome of another transaction decides, [`Error::RefundTooLarge`],
    /// [`Error::TooManyRefunds`].
    pub fn step(&self, command: Command) -> Result<Step, Error> {
        use PaymentStatus::{Authorized, Captured, Failed, Initiated, Refunded, Voided};
        let illegal = || Error::IllegalCommand { status: self.status, command: command.as_str() };
        let open = self.open_transaction();
        match (command, self.status) {
            (Command::Authorize, Initiated) if self.void_requested_at.is_some() => Err(illegal()),
            (Command::Authorize, Initiated) => {
                Ok(open.map_or(Step::Start(TransactionType::Authorize, self.amount), |open| Step::Join(open.transaction_id)))
            }
            (Command::Authorize, Authorized | Captured | Refunded | Failed) => Ok(Step::Done),

            (Command::Capture, Initiated) if open.is_some() && self.void_requested_at.is_none() => Err(Error::Unsettled),
            (Command::Capture, Authorized) => match open {
                Some(open) if open.kind == TransactionType::Capture || self.capture_failed() => Ok(Step::Join(open.transaction_id)),
                // The open void decides.
                Some(_) => Err(illegal()),
                None if self.capture_failed() => Ok(Step::Done),
                None => Ok(Step::Start(TransactionType::Capture, self.amount)),
            },
            (Command::Capture, Captured | Refunded) => Ok(Step::Done),
            (Command::Capture, Failed) if self.capture_failed() => Ok(Step::Done),

            (Command::Void, Initiated) => Ok(open.map_or(Step::VoidNow, |open| Step::VoidAfter(open.transaction_id))),
            (Command::Void, Authorized) => match open {
                Some(open) if open.kind == TransactionType::Void => Ok(Step::Join(open.transaction_id)),
                // The open capture decides.
                Some(_) => Err(Error::Unsettled),
                None => Ok(Step::Start(TransactionType::Void, self.amount)),
            },
            (Command::Void, Voided | Failed) => Ok(Step::Done),

            (Command::RefundPart { cause_id, .. }, Captured | Refunded) if let Some(refund) = self.refund_for(cause_id) => {
                Ok(if refund.is_open() { Step::Join(refund.transaction_id) } else { Step::Done })
            }
            (Command::Refund(_) | Command::RefundPart { .. }, Captured) if open.is_some() => Err(Error::Unsettled),
            (Command::Refund(amount), Captured) => self.refund(amount),
            (Command::RefundPart { amount, .. }, Captured) => self.refund(Some(amount.min(self.captured_amount - self.refunded_amount))),
            // Nothing is left to refund.
            (Command::Refund(None) | Command::RefundPart { .. }, Refunded) => Ok(Step::Done),
            (Command::Refund(Some(_)), Refunded) => Err(Error::RefundTooLarge { left: 0 }),

            (Command::Authorize, Voided)
            | (Command::Capture, Initiated | Failed | Voided)
            | (Command::Void, Captured | Refunded)
            | (Command::Refund(_) | Command::RefundPart { .. }, Initiated | Authorized | Failed | Voided) => Err(illegal()),
        }
    }

    /// Returns the refund for a cause, unless the provider declined it.
    fn refund_for(&self, cause: Uuid) -> Option<&Transaction> {
        self.transactions.iter().find(|transaction| transaction.cause_id == Some(cause) && !transaction.is_declined_refund())
    }

    fn refund(&self, amount: Option<i64>) -> Result<Step, Error> {
        let left = self.captured_amount - self.refunded_amount;
        let amount = amount.unwrap_or(left);
        if !(1..=left).contains(&amount) {
            return Err(Error::RefundTooLarge { left });
        }
        if self.transactions.iter().filter(|transaction| !transaction.is_declined_refund()).count() >= MAX_TRANSACTIONS {
            return Err(Error::TooManyRefunds);
        }
        Ok(Step::Start(TransactionType::Refund, amount))
    }

    /// Begins a transaction, before its request is sent. The worker sends it again at `due_at` if it has no outcome by then.
    pub fn begin(&mut self, id: TransactionId, kind: TransactionType, amount: i64, due_at: Timestamp, now: Timestamp) -> &Transaction {
        self.updated_at = now;
        self.transactions.push(Transaction {
            transaction_id: id,
            position: self.transactions.last().map_or(0, |newest| newest.position + 1),
            kind,
            status: TransactionStatus::Pending,
            amount,
            provider_reference: None,
            failure: None,
            failed_attempts: 0,
            due_at: Some(due_at),
            cause_id: None,
            created_at: now,
        });
        self.transactions.last().expect("one was pushed just now")
    }

    /// Voids a payment for which no request was sent.
    ///
    /// # Errors
    /// [`IllegalTransition`] once it is past INITIATED.
    pub fn void_now(&mut self, now: Timestamp) -> Result<PaymentFact, IllegalTransition<PaymentStatus>> {
        self.apply_fact(PaymentFact::Voided, now)?;
        Ok(PaymentFact::Voided)
    }

    /// Applies the outcome of an open transaction. A settled transaction changes nothing.
    ///
    /// # Errors
    /// [`IllegalTransition`] when the transition table has no row for it; nothing is changed then.
    pub fn settle(&mut self, id: TransactionId, outcome: &Outcome, now: Timestamp) -> Result<Settled, IllegalTransition<PaymentStatus>> {
        let Some(transaction) = self.transactions.iter().find(|t| t.transaction_id == id && t.is_open()) else {
            return Ok(Settled::default());
        };
        let (kind, amount) = (transaction.kind, transaction.amount);
        let settled = match &outcome.decline {
            None => self.approved(kind, amount),
            Some(decline) => self.declined(kind, *decline),
        };
        if let Some(fact) = settled.fact {
            self.apply_fact(fact, now)?;
        }
        self.updated_at = now;
        match (kind, &outcome.decline) {
            (TransactionType::Capture, None) => self.captured_amount += amount,
            (TransactionType::Refund, None) => {
                self.refunded_amount += amount;
                self.failure = None;
            }
            (TransactionType::Refund, Some(decline)) => self.failure = Some(failure(kind, *decline)),
            (TransactionType::Authorize | TransactionType::Capture, Some(decline)) => {
                self.failure = (*decline != DeclineReason::Abandoned).then(|| failure(kind, *decline));
            }
            _ => {}
        }
        let transaction = self.transactions.iter_mut().find(|t| t.transaction_id == id).expect("it was found above");
        transaction.status = if outcome.decline.is_none() { TransactionStatus::Succeeded } else { TransactionStatus::Failed };
        transaction.failure = outcome.decline.map(|decline| failure(kind, decline));
        transaction.provider_reference = Some(outcome.reference.clone());
        transaction.due_at = None;
        Ok(settled)
    }

    fn approved(&self, kind: TransactionType, amount: i64) -> Settled {
        match kind {
            TransactionType::Authorize => {
                Settled { fact: Some(PaymentFact::Authorized), follow_up: self.void_requested_at.map(|_| TransactionType::Void) }
            }
            TransactionType::Capture => Settled { fact: Some(PaymentFact::Captured), follow_up: None },
            TransactionType::Void => {
                let fact = if self.capture_failed() { PaymentFact::CaptureFailed } else { PaymentFact::Voided };
                Settled { fact: Some(fact), follow_up: None }
            }
            TransactionType::Refund => {
                let in_full = self.refunded_amount + amount >= self.captured_amount;
                let fact = if in_full { PaymentFact::Refunded } else { PaymentFact::PartlyRefunded };
                Settled { fact: Some(fact), follow_up: None }
            }
        }
    }

    fn declined(&self, kind: TransactionType, decline: DeclineReason) -> Settled {
        match kind {
            TransactionType::Authorize if decline == DeclineReason::Abandoned => {
                Settled { fact: Some(PaymentFact::Voided), follow_up: None }
            }
            TransactionType::Authorize => Settled { fact: Some(PaymentFact::Declined), follow_up: None },
            // The payment is FAILED only after the held amount was released.
            TransactionType::Capture => Settled { fact: None, follow_up: Some(TransactionType::Void) },
            TransactionType::Void | TransactionType::Refund => Settled::default(),
        }
    }

    /// Records a request without an outcome. `unknown` says that the provider may have acted; an UNKNOWN transaction stays
    /// UNKNOWN until it has an outcome. The next request is due after `pause` for the number of failed attempts.
    pub fn postpone(&mut self, id: TransactionId, unknown: bool, now: Timestamp, pause: impl FnOnce(u32) -> Duration) {
        let Some(transaction) = self.transactions.iter_mut().find(|t| t.transaction_id == id && t.is_open()) else { return };
        if unknown {
            transaction.status = TransactionStatus::Unknown;
        }
        transaction.failed_attempts = transaction.failed_attempts.saturating_add(1);
        transaction.due_at = Some(now.after(pause(transaction.failed_attempts)));
        self.updated_at = now;
    }

    fn apply_fact(&mut self, fact: PaymentFact, now: Timestamp) -> Result<(), IllegalTransition<PaymentStatus>> {
        self.status = self.status.transition(fact)?;
        self.updated_at = now;
        Ok(())
    }
}

/// The public code of a decline.
fn failure(kind: TransactionType, decline: DeclineReason) -> Failure {
    Failure::from(match (kind, decline) {
        (_, DeclineReason::InsufficientFunds) => Code::INSUFFICIENT_FUNDS,
        (_, DeclineReason::Abandoned) => Code::PAYMENT_GIVEN_UP,
        (TransactionType::Authorize, _) => Code::PAYMENT_DECLINED,
        (TransactionType::Capture, _) => Code::CAPTURE_FAILED,
        (TransactionType::Refund, _) => Code::REFUND_FAILED,
        (TransactionType::Void, _) => Code::ILLEGAL_TRANSITION,
    })
}

impl From<&Payment> for payment::Payment {
    fn from(own: &Payment) -> payment::Payment {
        let transaction = |t: &Transaction| payment::Transaction {
            transaction_id: t.transaction_id,
            payment_id: own.payment_id,
            r#type: t.kind,
            status: t.status,
            amount: t.amount,
            provider_reference: t.provider_reference.clone(),
            failure: t.failure.clone(),
            cause_id: t.cause_id,
            created_at: t.created_at,
        };
        payment::Payment {
            payment_id: own.payment_id,
            order_id: own.order_id,
            user_id: own.user_id,
            status: own.status,
            amount: own.amount,
            currency: own.currency,
            captured_amount: own.captured_amount,
            refunded_amount: own.refunded_amount,
            provider: own.provider,
            payment_method: own.payment_method,
            failure: own.failure.clone(),
            transactions: own.transactions.iter().map(transaction).collect(),
            created_at: own.created_at,
            updated_at: own.updated_at,
        }
    }
}

#[cfg(test)]
mod tests;
