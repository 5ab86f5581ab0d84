//! The commands on a payment, one function each.
//!
//! Creating a payment is one unit of work. The other commands move money in three steps: a unit that decides and commits the
//! new transaction, the request to the provider outside of any unit, and a unit that commits the outcome together with the
//! answer to the caller. In between, the idempotency key is open and names the transaction, so that a repetition after a
//! crash continues this transaction and never begins another.

use crate::{
    App,
    domain::{Command, Payment, Step},
    error::Error,
    settings::millis,
    settling::{self, ProviderRequest},
    store,
};
use contracts::{
    ids::{PaymentId, TransactionId, Uuid},
    payment::{CreatePayment, Payment as View, PaymentStatus, Provider, RefundPayment, TransactionStatus, TransactionType},
    problem::Code,
};
use platform::{
    context::Context,
    db::Tx,
    http::{Answer as _, Created, IdempotencyKey, Idempotent, Json, Problem, Stored},
    idempotency::Opened,
};
use std::time::Duration;
use tokio::time::Instant;

/// The part of its time that a request keeps for the last commit and the answer.
const ANSWER_TIME: Duration = Duration::from_millis(200);

/// Creates a payment for an order, in INITIATED. No money moves.
///
/// # Errors
/// [`Error::PaymentExists`] while the order has another open payment; an open one with the same terms is the answer.
/// [`Error::Unsettled`] while that one is being voided.
pub async fn create(app: &App, key: IdempotencyKey, body: CreatePayment) -> Result<Idempotent<Created<View>>, Problem> {
    let provider = app.provider.name();
    app.ctx.db.write(async move |tx| key.once(tx, async |tx| make(tx, provider, &body).await).await).await
}

async fn make(tx: &mut Tx, provider: Provider, body: &CreatePayment) -> Result<Created<View>, Error> {
    let now = tx.now();
    let payment = Payment {
        payment_id: tx.new_id(),
        order_id: body.order_id,
        order_number: body.order_number.to_string(),
        user_id: body.user_id,
        status: PaymentStatus::Initiated,
        amount: body.amount.get(),
        currency: body.currency,
        captured_amount: 0,
        refunded_amount: 0,
        provider,
        payment_method: body.payment_method,
        failure: None,
        void_requested_at: None,
        created_at: now,
        updated_at: now,
        transactions: Vec::new(),
    };
    let payment = if store::insert_payment(tx, &payment).await? { payment } else { lock_open_payment(tx, &payment).await? };
    Ok(Created::at(format!("/payments/{}", payment.payment_id), View::from(&payment)))
}

/// Returns the open payment of the order if its terms are those of `wanted`.
async fn lock_open_payment(tx: &mut Tx, wanted: &Payment) -> Result<Payment, Error> {
    let present = store::lock_open_by_order(tx, wanted.order_id).await?.ok_or(Error::PaymentExists)?;
    let terms = |payment: &Payment| (payment.user_id, payment.amount, payment.currency, payment.payment_method);
    let is_ending = present.void_requested_at.is_some() || present.open_transaction().is_some_and(|t| t.kind == TransactionType::Void);
    match terms(&present) == terms(wanted) {
        _ if is_ending => Err(Error::Unsettled),
        true => Ok(present),
        false => Err(Error::PaymentExists),
    }
}

/// Holds the amount at the provider.
///
/// # Errors
/// Those of [`Payment::step`].
pub async fn authorize(app: &App, key: IdempotencyKey, id: PaymentId) -> Result<Idempotent<Json<View>>, Problem> {
    perform(app, key, id, Command::Authorize).await
}

/// Takes the held amount. When the provider declines, the amount is released and the payment is FAILED.
///
/// # Errors
/// Those of [`Payment::step`].
pub async fn capture(app: &App, key: IdempotencyKey, id: PaymentId) -> Result<Idempotent<Json<View>>, Problem> {
    perform(app, key, id, Command::Capture).await
}

/// Voids a payment before its capture. An open authorization gets its outcome first.
///
/// # Errors
/// Those of [`Payment::step`].
pub async fn void(app: &App, key: IdempotencyKey, id: PaymentId) -> Result<Idempotent<Json<View>>, Problem> {
    perform(app, key, id, Command::Void).await
}

/// Refunds the amount, or all that is left.
///
/// # Errors
/// Those of [`Payment::step`], and [`Error::RefundFailed`] when the provider declines.
pub async fn refund(app: &App, key: IdempotencyKey, id: PaymentId, body: RefundPayment) -> Result<Idempotent<Json<View>>, Problem> {
    perform(app, key, id, Command::Refund(body.amount.map(|amount| amount.get()))).await
}

async fn perform(app: &App, key: IdempotencyKey, id: PaymentId, command: Command) -> Result<Idempotent<Json<View>>, Problem> {
    let limit = millis(app.settings.deadline_ms);
    let time = Context::current().remaining(limit + ANSWER_TIME).saturating_sub(ANSWER_TIME).min(limit);
    let until = Instant::now() + time;
    let mut begun = begin(app, &key, id, command, time).await;
    if begun.as_ref().is_err_and(|problem| problem.code() == Code::PROVIDER_UNAVAILABLE) {
        settle_open(app, id, until).await?;
        begun = begin(app, &key, id, command, time).await;
    }
    match begun? {
        Begun::Answered(keyed) => Ok(keyed),
        Begun::Sending { request, resource } => finish(app, key, request, resource, until).await,
    }
}

/// The state of a request after its first unit.
enum Begun {
    /// No request to the provider is needed.
    Answered(Idempotent<Json<View>>),
    /// The request is to be sent; the key names `resource`.
    Sending { request: ProviderRequest, resource: Uuid },
}

/// Runs the first unit: decides, and commits the new transaction.
async fn begin(app: &App, key: &IdempotencyKey, id: PaymentId, command: Command, time: Duration) -> Result<Begun, Problem> {
    let (own, key) = (app.clone(), key.clone());
    let unit = async move |tx: &mut Tx| {
        let mut started = None;
        let opened = key
            .open::<Json<View>, Error>(tx, time + ANSWER_TIME, async |tx: &mut Tx| {
                let start = start(tx, &own, id, command).await?;
                let resource = start.resource;
                started = Some(start);
                Ok(resource)
            })
            .await?;
        let Start { payment, resource, fresh } = match (opened, started) {
            (Opened::Answered(keyed), _) => return Ok(Begun::Answered(keyed)),
            (Opened::Unanswered(_), Some(start)) => start,
            // The first request with this key did not finish: continue its transaction.
            (Opened::Unanswered(resource), None) => {
                let payment = store::lock_payment(tx, id).await?.ok_or(Error::NotFound)?;
                Start { payment, resource, fresh: false }
            }
        };
        let begun = payment.transaction(TransactionId(resource)).is_some();
        let open = payment.open_transaction();
        // The open void was begun by this command, or follows from it.
        match open.filter(|open| begun && (open.transaction_id.0 == resource || open.kind == TransactionType::Void)) {
            Some(open) => Ok(Begun::Sending { request: ProviderRequest::about(&payment, open, fresh), resource }),
            None => key.settle_in(tx, &answer(&payment, resource)).await.map(Begun::Answered),
        }
    };
    app.ctx.db.write(unit).await
}

/// What a command began.
struct Start {
    payment: Payment,
    /// What the idempotency key names: the transaction, or the payment when there is none to wait for.
    resource: Uuid,
    fresh: bool,
}

async fn start(tx: &mut Tx, app: &App, id: PaymentId, command: Command) -> Result<Start, Error> {
    let mut payment = store::lock_payment(tx, id).await?.ok_or(Error::NotFound)?;
    let now = tx.now();
    let (resource, fresh) = match payment.step(command)? {
        Step::Done => (id.0, false),
        Step::Join(transaction) => (transaction.0, false),
        Step::Start(kind, amount) => (settling::begin(tx, app, &mut payment, kind, amount).await?.0, true),
        Step::VoidAfter(authorization) => {
            payment.void_requested_at.get_or_insert(now);
            store::save_payment(tx, &payment).await?;
            (authorization.0, false)
        }
        Step::VoidNow => {
            let fact = payment.void_now(now)?;
            store::save_payment(tx, &payment).await?;
            settling::emit_event(tx, &payment, fact, TransactionId(id.0));
            (id.0, false)
        }
    };
    Ok(Start { payment, resource, fresh })
}

/// Sends the request, and commits the outcome together with the answer to the caller.
async fn finish(
    app: &App,
    key: IdempotencyKey,
    mut request: ProviderRequest,
    resource: Uuid,
    until: Instant,
) -> Result<Idempotent<Json<View>>, Problem> {
    loop {
        let provider_answer = settling::send(app, &request, until).await;
        let (own, key) = (app.clone(), key.clone());
        let unit = async move |tx: &mut Tx| {
            let (payment, next) = settling::record(tx, &own, &request, &provider_answer).await?;
            match next {
                Some(next) => Ok::<_, Problem>(Err(next)),
                None => key.settle_in(tx, &answer(&payment, resource)).await.map(Ok),
            }
        };
        match app.ctx.db.write(unit).await? {
            Ok(keyed) => return Ok(keyed),
            Err(next) => request = next,
        }
    }
}

/// The answer to the caller: the payment, or a problem when the provider declined the refund or the void.
fn answer(payment: &Payment, resource: Uuid) -> Stored {
    let declined = payment.transaction(TransactionId(resource)).filter(|transaction| transaction.status == TransactionStatus::Failed);
    match declined.map(|transaction| transaction.kind) {
        Some(TransactionType::Refund) => Stored::from(&Problem::from(Error::RefundFailed)),
        Some(TransactionType::Void) => Stored::from(&Problem::from(Error::IllegalCommand { status: payment.status, command: "voided" })),
        _ => Json(View::from(payment)).stored(),
    }
}

/// Settles the open transaction of another request, so that this one can be decided.
async fn settle_open(app: &App, id: PaymentId, until: Instant) -> Result<(), Error> {
    let payment = app.ctx.db.read(async move |tx| store::find_payment(tx, None, id).await).await?;
    let request = payment.as_ref().and_then(|payment| Some(ProviderRequest::about(payment, payment.open_transaction()?, false)));
    match request {
        Some(request) => settling::settle(app, request, until).await,
        None => Ok(()),
    }
}
