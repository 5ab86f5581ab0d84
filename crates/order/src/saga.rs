//! The saga: makes the calls that are due for an order and takes their outcomes in, until nothing is due.
//!
//! Calls that are due at the same time are made side by side. Every call goes under a key made of the order, the step
//! and its attempt, so that making it again, here or in another replica, changes nothing.

use crate::{
    App, Error, actions,
    domain::{Fact, Order, Step, due_steps, is_settled},
    store,
};
use contracts::{
    body::{BoundedInt, BoundedVec},
    ids::{OrderId, PaymentId},
    inventory::{self, Reserve, ReserveLine},
    payment::{self, CreatePayment, Payment, PaymentStatus, RefundPayment, TransactionStatus},
    problem::{Code, Failure},
    shipping::{self, CancellationOutcome},
    text::{Amount, Quantity, RequiredShortText, Sku},
};
use platform::{
    backoff::Backoff,
    client::CallError,
    context::Context,
    db::{Db, Tx},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, task::JoinSet};

/// What the saga keeps in memory: who waits for which order. Bounded by the requests that wait.
#[derive(Default)]
pub struct OrderWaiters {
    by_order: Mutex<HashMap<OrderId, (Arc<Notify>, usize)>>,
}

/// How often a by_order request looks by itself: the order may be led by another replica.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// The pauses between refunds that the provider refuses. People may have to see to it, so they grow up to a day.
const REFUND_BACKOFF: Backoff = Backoff::doubling(Duration::from_secs(60), Duration::from_secs(24 * 3600));
/// Turns of one order in a row; a longer way is gone after others had theirs.
const MAX_ROUNDS: usize = 16;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl OrderWaiters {
    fn notify(&self, id: OrderId) {
        if let Some((notifier, _)) = lock(&self.by_order).get(&id) {
            notifier.notify_waiters();
        }
    }

    /// Waits until the order has settled, for `wait` at most.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn wait_until_settled(&self, db: &Db, id: OrderId, wait: Duration) -> Result<(), Error> {
        self.wait_until(db, id, wait, async move |tx: &mut Tx| Ok(store::find_status(tx, id).await?.is_none_or(is_settled))).await
    }

    /// Waits until the order is as `done` wants it, for `wait` at most.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn wait_until<F>(&self, db: &Db, id: OrderId, wait: Duration, done: F) -> Result<(), Error>
    where
        F: AsyncFn(&mut Tx) -> Result<bool, platform::db::Error> + Clone + Send + 'static,
    {
        let deadline = tokio::time::Instant::now() + wait;
        let notifier = {
            let mut by_order = lock(&self.by_order);
            let (notifier, waiters) = by_order.entry(id).or_default();
            *waiters += 1;
            notifier.clone()
        };
        let _guard = WaiterGuard { waiters: self, id };
        loop {
            let notified = notifier.notified();
            if db.read(done.clone()).await? || tokio::time::Instant::now() >= deadline {
                return Ok(());
            }
            let next_poll = tokio::time::Instant::now() + POLL_INTERVAL;
            tokio::select! {
                biased;
                () = notified => {}
                () = tokio::time::sleep_until(next_poll.min(deadline)) => {}
            }
        }
    }
}

/// Takes a waiter off the list however its wait ended.
struct WaiterGuard<'a> {
    waiters: &'a OrderWaiters,
    id: OrderId,
}

impl Drop for WaiterGuard<'_> {
    fn drop(&mut self) {
        let mut by_order = lock(&self.waiters.by_order);
        if let Some((_, waiters)) = by_order.get_mut(&self.id) {
            *waiters -= 1;
            if *waiters == 0 {
                by_order.remove(&self.id);
            }
        }
    }
}

/// Leads one order on until nothing is due, or a turn changed nothing of what is due; then it is put off.
///
/// # Errors
/// Those of the database, and a fact that the published table has no row for; the order is still due.
pub async fn advance(app: App, id: OrderId) -> Result<(), Error> {
    let db = &app.ctx.db;
    let mut previous = Vec::new();
    for round in 0..MAX_ROUNDS {
        let found = db.read(async move |tx| store::find_order(tx, None, id).await).await?;
        let Some(order) = found else { return Ok(()) };
        app.waiters.notify(id);
        if order.payment_deadline().is_some_and(|deadline| deadline <= app.ctx.env.now()) {
            Context::new(order.saga.correlation_id.as_str()).scope(actions::cancel_if_overdue(db, id)).await?;
            continue;
        }
        let steps = due_steps(&order);
        if steps.is_empty() {
            // Taken in hand for nothing: it would be again, at once and for ever.
            return if round == 0 { actions::reschedule(db, id, &app.settings).await } else { Ok(()) };
        }
        // What moved the order, the replies or the events that overtook them, does not matter; that it moved does.
        if steps == previous {
            return actions::reschedule(db, id, &app.settings).await;
        }
        run_steps(&app, &order, &steps).await?;
        previous = steps;
    }
    Ok(())
}

/// Makes the calls side by side and takes each outcome in as it comes.
async fn run_steps(app: &App, order: &Order, steps: &[Step]) -> Result<(), Error> {
    let mut calls = JoinSet::new();
    let order = Arc::new(order.clone());
    let context = Context::new(order.saga.correlation_id.as_str());
    for step in steps.iter().copied() {
        let (app, order) = (app.clone(), order.clone());
        calls.spawn(context.clone().scope(async move { (step, run_step(&app, &order, step).await) }));
    }
    while let Some(joined) = calls.join_next().await {
        match joined {
            Ok((_, Ok(Some(fact)))) => {
                let apply = actions::apply(&app.ctx.db, order.order_id, fact, app.settings.pay_again());
                context.clone().scope(apply).await?;
                app.waiters.notify(order.order_id);
            }
            // The upstream has it and does not know the outcome yet: its event tells, or the next turn asks.
            Ok((_, Ok(None))) => {}
            Ok((step, Err(error))) => {
                tracing::info!(target: "order", order_id = %order.order_id, ?step, %error, "a step made no progress; it is tried again");
            }
            Err(panicked) => {
                tracing::error!(target: "order", order_id = %order.order_id, error = %panicked, "a step panicked; it is tried again");
            }
        }
    }
    Ok(())
}

/// Makes the call of one step. What it answered as a fact; none when the outcome is still open.
async fn run_step(app: &App, order: &Order, step: Step) -> Result<Option<Fact>, CallError> {
    let client = &app.ctx.client;
    let key = |verb: &str, attempt: u32| format!("{}:{verb}:{attempt}", order.order_id);
    let (payment_attempt, reservation_attempt) = (order.saga.payment_attempt, order.saga.reservation_attempt);
    match step {
        Step::AuthorizePayment => authorize(app, order).await,
        Step::ReserveStock => {
            let body = reserve(order, app.settings.reservation_seconds)?;
            match client.call(&inventory::RESERVE).body(&body).key(key("reserve", reservation_attempt)).send().await {
                Ok(reservation) => Ok(Some(Fact::StockReserved(reservation.reservation_id))),
                Err(error) if error.code() == Some(Code::INSUFFICIENT_STOCK) => Ok(Some(Fact::OutOfStock(reservation_attempt))),
                Err(error) => Err(error),
            }
        }
        Step::CapturePayment(id) => {
            let call = client.call(&payment::CAPTURE_PAYMENT).path(&[&id]).body(&());
            outcome(app, id, call.key(key("capture", payment_attempt)).send().await, &[PaymentStatus::Authorized]).await
        }
        Step::ConfirmReservation(id) => {
            let call = client.call(&inventory::CONFIRM_RESERVATION).path(&[&id]).body(&());
            match call.key(key("confirm", reservation_attempt)).send().await {
                Ok(_) => Ok(Some(Fact::StockConfirmed(id))),
                Err(error) if error.code() == Some(Code::RESERVATION_EXPIRED) => Ok(Some(Fact::StockExpired(id))),
                Err(error) => Err(error),
            }
        }
        Step::VoidPayment(id) => {
            let call = client.call(&payment::VOID_PAYMENT).path(&[&id]).body(&());
            let before = [PaymentStatus::Initiated, PaymentStatus::Authorized];
            outcome(app, id, call.key(key("void", payment_attempt)).send().await, &before).await
        }
        Step::RefundPayment(id) => refund(app, order, id).await,
        Step::ReleaseReservation(id) => {
            let call = client.call(&inventory::RELEASE_RESERVATION).path(&[&id]).body(&());
            call.key(key("release", reservation_attempt)).send().await.map(|_| Some(Fact::StockReleased(id)))
        }
        Step::ReturnReservation(id) => {
            let call = client.call(&inventory::RETURN_RESERVATION).path(&[&id]).body(&());
            call.key(key("return", reservation_attempt)).send().await.map(|_| Some(Fact::StockReturned(id)))
        }
        Step::CancelShipment => {
            let recall = client.call(&shipping::CANCEL_SHIPMENT).path(&[&order.order_id]).body(&()).send().await?;
            Ok(match recall.outcome {
                CancellationOutcome::Cancelled => Some(Fact::ShipmentCancelled),
                CancellationOutcome::TooLate => Some(Fact::ShipmentAlreadySent),
                CancellationOutcome::Pending => None,
            })
        }
    }
}

/// Makes the payment, unless it is made, and has it authorized.
async fn authorize(app: &App, order: &Order) -> Result<Option<Fact>, CallError> {
    let client = &app.ctx.client;
    let (id, attempt) = (order.order_id, order.saga.payment_attempt);
    let known = order.saga.payment_id;
    let payment_id = match known {
        Some(payment_id) => payment_id,
        None => {
            let body = create_payment(order)?;
            client.call(&payment::CREATE_PAYMENT).body(&body).key(format!("{id}:pay:{attempt}")).send().await?.payment_id
        }
    };
    let call = client.call(&payment::AUTHORIZE_PAYMENT).path(&[&payment_id]).body(&()).key(format!("{id}:authorize:{attempt}"));
    let answered = outcome(app, payment_id, call.send().await, &[PaymentStatus::Initiated]).await;
    match answered {
        Ok(None) | Err(_) if known.is_none() => {
            // The payment is there, whatever became of the authorization: remember it, so that it can be voided.
            tracing::debug!(target: "order", order_id = %id, ?answered, "a payment was made and its authorization is open");
            Ok(Some(Fact::PaymentCreated(payment_id)))
        }
        answered => answered,
    }
}

/// Has all that is left of the payment given back, unless the provider refused just now. Each attempt goes under a key of its
/// own, because a key keeps its answer, and a provider that refused may agree later.
async fn refund(app: &App, order: &Order, id: PaymentId) -> Result<Option<Fact>, CallError> {
    let (client, attempt) = (&app.ctx.client, order.saga.refunds_refused);
    if order.saga.refund_after.is_some_and(|after| after > app.ctx.env.now()) {
        return Ok(None);
    }
    let call = client.call(&payment::REFUND_PAYMENT).path(&[&id]).body(&RefundPayment::default());
    let key = format!("{}:refund:{}:{attempt}", order.order_id, order.saga.payment_attempt);
    let is_refused = match call.key(key).send().await {
        Ok(payment) if payment.status == PaymentStatus::Captured => {
            // The outcome was open when this answer was given; the answer is kept.
            let now = client.call(&payment::GET_PAYMENT).path(&[&id]).send().await?;
            if now.status != PaymentStatus::Captured {
                return Ok(payment_fact(&now));
            }
            !now.transactions.iter().any(|t| matches!(t.status, TransactionStatus::Pending | TransactionStatus::Unknown))
        }
        Ok(payment) => return Ok(payment_fact(&payment)),
        Err(error) => match error.code() {
            Some(Code::REFUND_FAILED | Code::TOO_MANY_REFUNDS) => true,
            _ => return Err(error),
        },
    };
    Ok(is_refused.then(|| refused(app, order, id, attempt)))
}

fn refused(app: &App, order: &Order, payment_id: PaymentId, attempt: u32) -> Fact {
    let after = app.ctx.env.now().after(app.ctx.env.jitter(REFUND_BACKOFF.delay(attempt + 1)));
    tracing::warn!(target: "order", order_id = %order.order_id, %payment_id, attempt, %after, "the provider refused a refund; it is asked again");
    Fact::RefundRefused { payment_id, attempt, after }
}

/// What an answer about a payment says. One that shows it as it was `before` may be an old one, kept under the key, or the
/// outcome is open; and a refusal for its status says that it is elsewhere. Then the payment is read as it is now.
async fn outcome(
    app: &App,
    id: PaymentId,
    answer: Result<Payment, CallError>,
    before: &[PaymentStatus],
) -> Result<Option<Fact>, CallError> {
    match answer {
        Ok(payment) if !before.contains(&payment.status) => return Ok(payment_fact(&payment)),
        Ok(_) => {}
        Err(error) if error.code() == Some(Code::ILLEGAL_TRANSITION) => {}
        Err(error) => return Err(error),
    }
    let now = app.ctx.client.call(&payment::GET_PAYMENT).path(&[&id]).send().await?;
    Ok(if before.contains(&now.status) { None } else { payment_fact(&now) })
}

/// What a payment as it stands says. One that is INITIATED says nothing.
fn payment_fact(payment: &Payment) -> Option<Fact> {
    let id = payment.payment_id;
    match payment.status {
        PaymentStatus::Initiated => None,
        PaymentStatus::Authorized => Some(Fact::PaymentAuthorized(id)),
        PaymentStatus::Captured => Some(Fact::PaymentCaptured(id)),
        PaymentStatus::Voided => Some(Fact::PaymentVoided(id)),
        PaymentStatus::Refunded => Some(Fact::PaymentRefunded(id)),
        PaymentStatus::Failed => {
            let failure = payment.failure.clone().unwrap_or_else(|| Failure::from(Code::PAYMENT_DECLINED));
            Some(Fact::PaymentFailed(id, failure))
        }
    }
}

fn invalid_value(_: impl std::error::Error) -> CallError {
    CallError::Misused("an order's own values fit the upstream's contract")
}

fn create_payment(order: &Order) -> Result<CreatePayment, CallError> {
    Ok(CreatePayment {
        order_id: order.order_id,
        order_number: RequiredShortText::parse(&order.order_number).map_err(invalid_value)?,
        user_id: order.user_id,
        amount: Amount::new(order.totals.total_amount).map_err(invalid_value)?,
        currency: order.currency,
        payment_method: order.payment_method,
    })
}

fn reserve(order: &Order, ttl_seconds: u32) -> Result<Reserve, CallError> {
    let line = |item: &contracts::order::OrderItem| {
        let quantity = Quantity::new(i64::from(item.quantity)).map_err(invalid_value)?;
        Ok(ReserveLine { sku: Sku::parse(&item.sku).map_err(invalid_value)?, quantity })
    };
    let lines = order.items.iter().map(line).collect::<Result<Vec<_>, CallError>>()?;
    Ok(Reserve {
        order_id: order.order_id,
        lines: BoundedVec::new(lines).map_err(invalid_value)?,
        ttl_seconds: Some(BoundedInt::new(i64::from(ttl_seconds)).map_err(invalid_value)?),
    })
}
