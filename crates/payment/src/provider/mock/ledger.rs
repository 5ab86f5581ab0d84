//! The ledger of the mock: every transaction with its outcome.

use super::{
    Answer,
    ledger_store::{count_attempt, find, insert, list_entries, lock_method},
};
use crate::provider::{Authorization, DeclineReason, Operation, Outcome, ProviderError};
use contracts::{
    ids::TransactionId,
    payment::{PaymentMethod, TransactionType},
};
use platform::{
    db::{Error, Tx},
    hex,
};

/// How often a request of `pm_flaky` fails before it succeeds.
const FLAKY_FAILURES: i64 = 2;

/// A ledger entry, with the fields that later decisions need.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub kind: TransactionType,
    pub amount: i64,
    pub decline: Option<DeclineReason>,
}

/// The sums of the entries under one authorization.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Charge {
    pub held: i64,
    pub captured: i64,
    pub refunded: i64,
}

impl Charge {
    pub fn of(entries: &[Entry]) -> Charge {
        let sum =
            |kind| entries.iter().filter(|entry| entry.kind == kind && entry.decline.is_none()).map(|entry| entry.amount).sum::<i64>();
        let captured = sum(TransactionType::Capture);
        let voided = entries.iter().any(|entry| entry.kind == TransactionType::Void && entry.decline.is_none());
        let held = if voided || captured > 0 { 0 } else { sum(TransactionType::Authorize) };
        Charge { held, captured, refunded: sum(TransactionType::Refund) }
    }

    /// Returns why an operation is declined in this state, or `None` when it is carried out.
    pub fn decline_reason(self, kind: TransactionType, amount: i64, method: PaymentMethod) -> Option<DeclineReason> {
        match kind {
            TransactionType::Authorize => match method {
                PaymentMethod::Declined => Some(DeclineReason::Declined),
                PaymentMethod::InsufficientFunds => Some(DeclineReason::InsufficientFunds),
                _ => None,
            },
            TransactionType::Capture if self.held == 0 => Some(DeclineReason::NothingHeld),
            TransactionType::Capture if amount > self.held => Some(DeclineReason::TooLarge),
            TransactionType::Capture if method == PaymentMethod::CaptureFails => Some(DeclineReason::Refused),
            TransactionType::Void if self.captured > 0 => Some(DeclineReason::AlreadyCaptured),
            TransactionType::Refund if amount > self.captured - self.refunded => Some(DeclineReason::TooLarge),
            TransactionType::Refund if method == PaymentMethod::RefundFails => Some(DeclineReason::Refused),
            _ => None,
        }
    }
}

/// Holds an amount, unless the ledger has an outcome for it.
pub(super) async fn authorize(tx: &mut Tx, request: Authorization, declined: bool) -> Result<Answer, Error> {
    let Authorization { transaction_id, amount, method } = request;
    if let Some(known) = find(tx, transaction_id).await? {
        return Ok(Answer::Outcome(Some(known)));
    }
    if fails_on_purpose(tx, transaction_id, method).await? {
        return Ok(Answer::Error(ProviderError::Unavailable));
    }
    let decline = Charge::default().decline_reason(TransactionType::Authorize, amount, method);
    let decline = decline.or_else(|| declined.then_some(DeclineReason::Declined));
    let outcome = write(tx, TransactionType::Authorize, request.as_operation(), method, decline).await?;
    Ok(if method == PaymentMethod::Timeout { Answer::Lost } else { Answer::Outcome(Some(outcome)) })
}

/// Captures, voids or refunds, unless the ledger has an outcome for it.
pub(super) async fn operate(tx: &mut Tx, kind: TransactionType, request: Operation) -> Result<Answer, Error> {
    if let Some(known) = find(tx, request.transaction_id).await? {
        return Ok(Answer::Outcome(Some(known)));
    }
    let Some(method) = lock_method(tx, request.authorization).await? else {
        // The authorization is unknown, and so is its method: `pm_ok` is a placeholder.
        let decline = (kind != TransactionType::Void).then_some(DeclineReason::NothingHeld);
        return write(tx, kind, request, PaymentMethod::Ok, decline).await.map(|outcome| Answer::Outcome(Some(outcome)));
    };
    if fails_on_purpose(tx, request.transaction_id, method).await? {
        return Ok(Answer::Error(ProviderError::Unavailable));
    }
    let charge = Charge::of(&list_entries(tx, request.authorization).await?);
    let decline = charge.decline_reason(kind, request.amount, method);
    write(tx, kind, request, method, decline).await.map(|outcome| Answer::Outcome(Some(outcome)))
}

/// Declines an authorization that has not arrived, for good.
pub(super) async fn abandon(tx: &mut Tx, request: Authorization) -> Result<Outcome, Error> {
    write(tx, TransactionType::Authorize, request.as_operation(), request.method, Some(DeclineReason::Abandoned)).await
}

impl Authorization {
    /// The authorization as an operation under itself.
    fn as_operation(self) -> Operation {
        Operation { transaction_id: self.transaction_id, authorization: self.transaction_id, amount: self.amount }
    }
}

/// Counts the attempts of `pm_flaky` and returns whether this one fails.
async fn fails_on_purpose(tx: &mut Tx, id: TransactionId, method: PaymentMethod) -> Result<bool, Error> {
    Ok(method == PaymentMethod::Flaky && count_attempt(tx, id).await? <= FLAKY_FAILURES)
}

/// Writes the outcome of a transaction, and returns it or the one that was written before.
async fn write(
    tx: &mut Tx,
    kind: TransactionType,
    request: Operation,
    method: PaymentMethod,
    decline: Option<DeclineReason>,
) -> Result<Outcome, Error> {
    let prefix = match kind {
        TransactionType::Authorize => "mock_auth",
        TransactionType::Capture => "mock_ch",
        TransactionType::Void => "mock_void",
        TransactionType::Refund => "mock_re",
    };
    let outcome = Outcome { reference: format!("{prefix}_{}", hex::encode(&tx.random_bytes::<12>())), decline };
    if insert(tx, &outcome, kind, request, method).await? {
        return Ok(outcome);
    }
    find(tx, request.transaction_id).await?.ok_or_else(|| Error::Failed("an outcome that prevented another is gone".into()))
}
