//! Requests to the provider, until the transaction has its outcome.
//!
//! A request runs outside of any unit of work and ends with an outcome, a transient error, or no answer. [`record`] commits
//! the result, whether the caller is the request that began the transaction, another one that joined it, or the worker. The
//! first commit settles the transaction; later ones find it settled and change nothing.

use crate::{
    App,
    domain::{Payment, Transaction},
    error::Error,
    provider::{Authorization, Operation, Outcome, ProviderError},
    settings::millis,
    store,
};
use contracts::{
    ids::{PaymentId, TransactionId, Uuid},
    payment::{
        PaymentAuthorized, PaymentCaptured, PaymentFact, PaymentFailed, PaymentMethod, PaymentRefunded, PaymentVoided, Provider,
        TransactionType,
    },
    problem::{Code, Failure},
};
use platform::{backoff::Backoff, db::Tx};
use std::time::Duration;
use tokio::time::Instant;

/// Attempts after transient errors before the worker takes over.
const ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// What a request to the provider about a transaction needs.
#[derive(Debug, Clone, Copy)]
pub struct ProviderRequest {
    pub payment_id: PaymentId,
    pub transaction_id: TransactionId,
    provider: Provider,
    kind: TransactionType,
    amount: i64,
    method: PaymentMethod,
    authorization: TransactionId,
    /// Whether the transaction was committed just now, so that no request was sent before.
    fresh: bool,
    /// Whether a void was requested: an authorization that the provider has not received is to be declined.
    abandon: bool,
}

impl ProviderRequest {
    pub fn about(payment: &Payment, transaction: &Transaction, fresh: bool) -> ProviderRequest {
        ProviderRequest {
            payment_id: payment.payment_id,
            transaction_id: transaction.transaction_id,
            provider: payment.provider,
            kind: transaction.kind,
            amount: transaction.amount,
            method: payment.payment_method,
            authorization: payment.authorization().unwrap_or(transaction.transaction_id),
            fresh,
            abandon: payment.void_requested_at.is_some(),
        }
    }
}

/// Sends the request until it has an outcome, no answer arrives by `until`, or transient errors continue.
pub async fn send(app: &App, request: &ProviderRequest, until: Instant) -> Result<Outcome, ProviderError> {
    let mut attempt = 1;
    loop {
        let answer = tokio::time::timeout_at(until, exchange(app, request)).await.unwrap_or(Err(ProviderError::NoAnswer));
        let pause = app.ctx.env.jitter(FIRST_PAUSE * attempt);
        match answer {
            Err(ProviderError::Unavailable) if attempt < ATTEMPTS && Instant::now() + pause < until => app.ctx.env.sleep(pause).await,
            Err(error) => {
                let ProviderRequest { payment_id, transaction_id, kind, .. } = request;
                tracing::info!(target: "provider", %payment_id, %transaction_id, %kind, attempt, %error, "no outcome yet");
                metrics::counter!("souk_payment_unknown_outcomes_total", "kind" => kind.as_str(), "error" => error.as_str()).increment(1);
                return Err(error);
            }
            Ok(outcome) => return Ok(outcome),
        }
        attempt += 1;
    }
}

/// Sends one request. A transaction that may have been sent before is looked up first, and sent again under the same id only
/// when the provider has not received it, so that it is carried out once.
async fn exchange(app: &App, request: &ProviderRequest) -> Result<Outcome, ProviderError> {
    let ProviderRequest { transaction_id, amount, method, authorization, .. } = *request;
    if request.provider != app.provider.name() {
        // Another provider knows nothing of the authorization, and would confirm a void although the money stays held.
        return Err(ProviderError::Unavailable);
    }
    if !request.fresh
        && let Some(outcome) = app.provider.lookup(transaction_id).await?
    {
        return Ok(outcome);
    }
    let operation = Operation { transaction_id, authorization, amount };
    match request.kind {
        TransactionType::Authorize => {
            let authorization = Authorization { transaction_id, amount, method };
            if request.abandon { app.provider.abandon(authorization).await } else { app.provider.authorize(authorization).await }
        }
        TransactionType::Capture => app.provider.capture(operation).await,
        TransactionType::Void => app.provider.void(operation).await,
        TransactionType::Refund => app.provider.refund(operation).await,
    }
}

/// Commits the provider's answer with the payment's new status, the event and the transaction that follows. Returns the
/// payment as it is then and the next request, if there is one.
pub async fn record(
    tx: &mut Tx,
    app: &App,
    request: &ProviderRequest,
    answer: &Result<Outcome, ProviderError>,
) -> Result<(Payment, Option<ProviderRequest>), Error> {
    let mut payment = store::lock_payment(tx, request.payment_id).await?.ok_or(Error::NotFound)?;
    let (id, now) = (request.transaction_id, tx.now());
    let mut began = None;
    if payment.transaction(id).is_some_and(Transaction::is_open) {
        match answer {
            Ok(outcome) => {
                let settled = payment.settle(id, outcome, now)?;
                save(tx, &payment, id).await?;
                if request.kind == TransactionType::Refund && outcome.decline.is_some() {
                    tracing::warn!(target: "provider", payment_id = %payment.payment_id, transaction_id = %id, "the provider declined a refund");
                    metrics::counter!("souk_payment_refunds_refused_total").increment(1);
                }
                if let Some(fact) = settled.fact {
                    emit_event(tx, &payment, fact, id);
                }
                if let Some(kind) = settled.follow_up {
                    began = Some(begin(tx, app, &mut payment, kind, request.amount, None).await?);
                }
            }
            Err(error) => {
                payment.postpone(id, *error == ProviderError::NoAnswer, now, |attempts| tx.jitter(backoff(app).delay(attempts)));
                save(tx, &payment, id).await?;
                tx.notify_worker(crate::workers::SETTLE);
            }
        }
    }
    // Another caller that settled the same transaction may have begun the one that follows.
    let next = payment.open_transaction().filter(|open| open.transaction_id != id && open.kind == TransactionType::Void);
    let next = next.map(|open| ProviderRequest::about(&payment, open, began == Some(open.transaction_id)));
    Ok((payment, next))
}

/// Commits a new transaction before its request is sent. It is due for the worker after the deadline of the request that
/// sends it.
pub async fn begin(
    tx: &mut Tx,
    app: &App,
    payment: &mut Payment,
    kind: TransactionType,
    amount: i64,
    cause_id: Option<Uuid>,
) -> Result<TransactionId, Error> {
    let now = tx.now();
    let due_at = now.after(millis(app.settings.deadline_ms) + millis(app.settings.settle_after_ms));
    let transaction_id = tx.new_id();
    let id = payment.begin(transaction_id, kind, amount, due_at, now).transaction_id;
    if let Some(newest) = payment.transactions.last_mut() {
        newest.cause_id = cause_id;
    }
    store::insert_newest_transaction(tx, payment).await?;
    Ok(id)
}

async fn save(tx: &mut Tx, payment: &Payment, transaction: TransactionId) -> Result<(), Error> {
    store::save_payment(tx, payment).await?;
    if let Some(transaction) = payment.transaction(transaction) {
        store::save_transaction(tx, transaction).await?;
    }
    Ok(())
}

/// Sends the request of an open transaction and commits the answer, and does the same for the one that follows.
pub async fn settle(app: &App, mut request: ProviderRequest, until: Instant) -> Result<(), Error> {
    loop {
        let answer = send(app, &request, until).await;
        let own = app.clone();
        let unit = async move |tx: &mut Tx| record(tx, &own, &request, &answer).await;
        match app.ctx.db.write(unit).await? {
            (_, Some(next)) => request = next,
            (_, None) => return Ok(()),
        }
    }
}

/// The pauses between requests about one transaction, before jitter.
pub fn backoff(app: &App) -> Backoff {
    Backoff::doubling(millis(app.settings.settle_after_ms), millis(app.settings.longest_pause_ms))
}

/// Emits the event of `fact`, which the transaction `by` caused.
pub fn emit_event(tx: &mut Tx, payment: &Payment, fact: PaymentFact, by: TransactionId) {
    let Payment { payment_id, order_id, user_id, amount, currency, .. } = *payment;
    let order_number = payment.order_number.clone();
    match fact {
        PaymentFact::Authorized => tx.emit(PaymentAuthorized { payment_id, order_id, order_number, user_id, amount, currency }),
        PaymentFact::Captured => tx.emit(PaymentCaptured { payment_id, order_id, order_number, user_id, amount, currency }),
        PaymentFact::Voided => tx.emit(PaymentVoided { payment_id, order_id, order_number, user_id, amount, currency }),
        PaymentFact::Declined | PaymentFact::CaptureFailed => {
            let (stage, otherwise) = match fact {
                PaymentFact::CaptureFailed => (TransactionType::Capture, Code::CAPTURE_FAILED),
                _ => (TransactionType::Authorize, Code::PAYMENT_DECLINED),
            };
            let failure = payment.failure.clone().unwrap_or_else(|| Failure::from(otherwise));
            tx.emit(PaymentFailed { payment_id, order_id, order_number, user_id, amount, currency, stage, failure });
        }
        PaymentFact::PartlyRefunded | PaymentFact::Refunded => tx.emit(PaymentRefunded {
            payment_id,
            order_id,
            order_number,
            user_id,
            amount: payment.transaction(by).map_or(0, |refund| refund.amount),
            refunded_amount: payment.refunded_amount,
            captured_amount: payment.captured_amount,
            currency,
            in_full: fact == PaymentFact::Refunded,
            cause_id: payment.transaction(by).and_then(|refund| refund.cause_id),
        }),
    }
}
