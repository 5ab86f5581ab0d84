//! The commands on a payment, one function each.
//!
//! Creating a payment is one unit of work. The other commands move money in three steps: a unit that decides and commits the
//! new transaction, the request to the provider outside of any unit, and a unit that commits the outcome together with the
//! answer to the caller. In between, the idempotency key names the transaction, so that a repetition after a crash continues
//! this transaction and never begins another.

use crate::{
    App,
    domain::{Command, Payment, Step},
    error::Error,
    provider::{Outcome, ProviderError},
    settings::millis,
    settling::{self, ProviderRequest},
    store,
};
use contracts::{
    ids::{PaymentId, TransactionId, Uuid},
    payment::{CreatePayment, Payment as View, PaymentStatus, Provider, RefundPart, RefundPayment, TransactionStatus, TransactionType},
    problem::Code,
};
use platform::{
    context::Context,
    db::{self, Tx},
    http::{Created, IdempotencyKey, Idempotent, Json, Problem},
    idempotency::{IdempotentRequest, Next},
};
use std::time::Duration;
use tokio::time::Instant;

/// The part of its time that a request keeps for the last commit and the answer.
const ANSWER_TIME: Duration = Duration::from_millis(200);
/// How long a request may wait for the transactions of others at most, when it has no earlier deadline.
const LONGEST_QUEUE: Duration = Duration::from_secs(25);

/// Creates a payment for an order, in INITIATED. No money moves.
///
/// # Errors
/// [`Error::PaymentExists`] while the order has another open payment; an open one with the same terms is the answer.
/// [`Error::Unsettled`] when that one is being voided and the provider does not answer in time.
pub async fn create(app: &App, key: IdempotencyKey, body: CreatePayment) -> Result<Idempotent<Created<View>>, Problem> {
    let provider = app.provider.name();
    let order = body.order_id;
    let attempt = |_| {
        let (db, key, body) = (app.ctx.db.clone(), key.clone(), body.clone());
        async move { db.write(async move |tx| key.once(tx, async |tx| make(tx, provider, &body).await).await).await }
    };
    in_turn(app, order.into(), async move |tx| store::find_open_by_order(tx, order).await, attempt).await
}

async fn make(tx: &mut Tx, provider: Provider, body: &CreatePayment) -> Result<Created<View>, Error> {
    let now = tx.now();
    let payment = Payment {
        payment_id: tx.new_id(),
        order_id: body.order_id,
        order_number: body.order_number.to_string(),
        user_id: store::claimed::owner_of(tx, body.order_id, body.user_id).await?,
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
    let terms = |payment: &Payment| (payment.amount, payment.currency, payment.payment_method);
    // The event that an account claimed the order of the guest may not have arrived.
    let is_of_customer = present.user_id == wanted.user_id || present.user_id.is_guest();
    let is_ending = present.void_requested_at.is_some() || present.open_transaction().is_some_and(|t| t.kind == TransactionType::Void);
    match is_of_customer && terms(&present) == terms(wanted) {
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

/// Refunds the money of a part of an order, once for each cause: the amount, or what is left when that is less.
///
/// # Errors
/// Those of [`Payment::step`], and [`Error::RefundFailed`] when the provider declines.
pub async fn refund_part(app: &App, key: IdempotencyKey, id: PaymentId, body: RefundPart) -> Result<Idempotent<Json<View>>, Problem> {
    perform(app, key, id, Command::RefundPart { cause_id: body.cause_id, amount: body.amount.get() }).await
}

async fn perform(app: &App, key: IdempotencyKey, id: PaymentId, command: Command) -> Result<Idempotent<Json<View>>, Problem> {
    let attempt = |limit| {
        let request = Perform { app: app.clone(), id, command, limit, until: Instant::now() + limit };
        request.run(&app.ctx.db, key.clone())
    };
    in_turn(app, id.into(), async move |tx| store::find_payment(tx, None, id).await, attempt).await
}

/// Runs `attempt` with the time that it may wait for the provider. As long as the open transaction of another request decides,
/// it waits for its turn, has that transaction settled, and tries again, until the deadline of the request. `find` reads the
/// payment, and `id` names its queue.
///
/// # Errors
/// Those of `attempt`; [`Error::Unsettled`] when the provider does not answer or the time is over.
async fn in_turn<A, F, R>(app: &App, id: Uuid, find: F, attempt: impl Fn(Duration) -> R + Send + Sync) -> Result<A, Problem>
where
    A: Send + Sync,
    R: Future<Output = Result<A, Problem>> + Send,
    F: AsyncFn(&mut Tx) -> Result<Option<Payment>, db::Error> + Clone + Send + 'static,
{
    let longest = millis(app.settings.deadline_ms);
    let deadline = Instant::now() + Context::current().remaining(LONGEST_QUEUE + ANSWER_TIME).saturating_sub(ANSWER_TIME);
    let limit = || longest.min(deadline.saturating_duration_since(Instant::now()));
    let is_unsettled = |answered: &Result<A, Problem>| answered.as_ref().is_err_and(|problem| problem.code() == Code::PROVIDER_UNAVAILABLE);
    let mut answered = attempt(limit()).await;
    if !is_unsettled(&answered) {
        return answered;
    }
    let Some(_turn) = app.queues.turn(id, deadline).await else { return answered };
    while is_unsettled(&answered) && settle_open(app, &find, Instant::now() + limit()).await? {
        answered = attempt(limit()).await;
        if Instant::now() >= deadline {
            break;
        }
    }
    answered
}

/// A command that moves money, from its decision to its answer.
#[derive(Clone)]
struct Perform {
    app: App,
    id: PaymentId,
    command: Command,
    /// How long it may wait for the provider, and until when.
    limit: Duration,
    until: Instant,
}

/// A request to the provider that the answer of a command waits for.
#[derive(Clone)]
struct Waiting {
    request: ProviderRequest,
    /// The transaction of the command, which the idempotency key names.
    transaction: Uuid,
    /// The provider's answer. Before the request is sent it is that there is none.
    answer: Result<Outcome, ProviderError>,
}

impl Waiting {
    fn of(request: ProviderRequest, transaction: Uuid) -> Waiting {
        Waiting { request, transaction, answer: Err(ProviderError::NoAnswer) }
    }
}

impl IdempotentRequest for Perform {
    type Answer = Json<View>;
    type State = Waiting;
    type Error = Error;
    const PREPARES: bool = false;

    async fn effect(&self, tx: &mut Tx) -> Result<Next<Json<View>, Waiting>, Error> {
        let (payment, resource, fresh) = start(tx, &self.app, self.id, self.command).await?;
        Ok(next(&payment, resource, fresh))
    }

    fn resource(&self, waiting: &Waiting) -> Uuid {
        waiting.transaction
    }

    async fn resume(&self, tx: &mut Tx, resource: Uuid) -> Result<Next<Json<View>, Waiting>, Error> {
        let payment = store::lock_payment(tx, self.id).await?.ok_or(Error::NotFound)?;
        Ok(next(&payment, resource, false))
    }

    fn limit(&self) -> Duration {
        self.limit
    }

    async fn wait(&self, waiting: Waiting) -> Result<Waiting, Error> {
        let answer = settling::send(&self.app, &waiting.request, self.until).await;
        Ok(Waiting { answer, ..waiting })
    }

    async fn answer(&self, tx: &mut Tx, Waiting { request, transaction, answer }: Waiting) -> Result<Next<Json<View>, Waiting>, Error> {
        let (payment, next) = settling::record(tx, &self.app, &request, &answer).await?;
        Ok(match next {
            Some(request) => Next::Wait(Waiting::of(request, transaction)),
            None => last_answer(&payment, transaction),
        })
    }
}

/// Waits while the transaction `resource`, or the void that follows from it, is open. `fresh` says that it began just now.
fn next(payment: &Payment, resource: Uuid, fresh: bool) -> Next<Json<View>, Waiting> {
    let begun = payment.transaction(TransactionId(resource)).is_some();
    let open = payment.open_transaction();
    match open.filter(|open| begun && (open.transaction_id.0 == resource || open.kind == TransactionType::Void)) {
        Some(open) => Next::Wait(Waiting::of(ProviderRequest::about(payment, open, fresh), resource)),
        None => last_answer(payment, resource),
    }
}

/// The answer to the caller: the payment, or a refusal when the provider declined the refund or the void. The refusal keeps
/// what the unit recorded.
fn last_answer(payment: &Payment, resource: Uuid) -> Next<Json<View>, Waiting> {
    let declined = payment.transaction(TransactionId(resource)).filter(|transaction| transaction.status == TransactionStatus::Failed);
    match declined.map(|transaction| transaction.kind) {
        Some(TransactionType::Refund) => Next::Refuse(Error::RefundFailed.into()),
        Some(TransactionType::Void) => Next::Refuse(Error::IllegalCommand { status: payment.status, command: "voided" }.into()),
        _ => Next::Answer(Json(View::from(payment))),
    }
}

/// Begins what the command leads to. Returns the payment, what the idempotency key names (the transaction, or the payment when
/// there is none to wait for), and whether the transaction is new.
async fn start(tx: &mut Tx, app: &App, id: PaymentId, command: Command) -> Result<(Payment, Uuid, bool), Error> {
    let mut payment = store::lock_payment(tx, id).await?.ok_or(Error::NotFound)?;
    let now = tx.now();
    let (resource, fresh) = match payment.step(command)? {
        Step::Done => (id.0, false),
        Step::Join(transaction) => (transaction.0, false),
        Step::Start(kind, amount) => {
            let cause = match command {
                Command::RefundPart { cause_id, .. } => Some(cause_id),
                _ => None,
            };
            (settling::begin(tx, app, &mut payment, kind, amount, cause).await?.0, true)
        }
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
    Ok((payment, resource, fresh))
}

/// Settles the open transaction of another request, so that this one can be decided. Returns whether it is settled.
async fn settle_open<F>(app: &App, find: &F, until: Instant) -> Result<bool, Error>
where
    F: AsyncFn(&mut Tx) -> Result<Option<Payment>, db::Error> + Clone + Send + 'static,
{
    let open = |payment: Option<Payment>| payment.and_then(|p| Some(ProviderRequest::about(&p, p.open_transaction()?, false)));
    let Some(request) = open(app.ctx.db.read(find.clone()).await?) else { return Ok(true) };
    settling::settle(app, request, until).await?;
    let next = open(app.ctx.db.read(find.clone()).await?);
    Ok(next.is_none_or(|next| next.transaction_id != request.transaction_id))
}
