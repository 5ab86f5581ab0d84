//! The saga: makes the calls that are due for an order and takes their outcomes in, until nothing is due.
//!
//! Calls that are due at the same time are made side by side. Every call goes under a key made of the order, the step
//! and its attempt, so that making it again, here or in another replica, changes nothing.

use crate::{
    App, Error, actions,
    domain::{Fact, Order, Step, due_steps, is_at_rest},
    store,
};
use contracts::{
    body::{Few, Whole},
    ids::OrderId,
    inventory::{self, Reserve, ReserveLine},
    payment::{self, CreatePayment, Payment, PaymentStatus, RefundPayment},
    problem::{Code, Failure},
    text::{Amount, FilledLine, Quantity, Sku},
};
use platform::{client::CallError, context::Context, db::Db};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, task::JoinSet};

/// What the saga keeps in memory: which orders are in hand, and who waits for which. Bounded by the concurrency and by
/// the requests that wait.
#[derive(Default)]
pub struct Saga {
    in_hand: Mutex<HashSet<OrderId>>,
    waiting: Mutex<HashMap<OrderId, (Arc<Notify>, usize)>>,
}

/// How often a waiting request looks by itself: the order may be led by another replica.
const LOOK: Duration = Duration::from_millis(250);
/// Turns of one order in a row; a longer way is gone after others had theirs.
const TURNS: usize = 16;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Saga {
    /// Takes an order in hand; false when it is already.
    pub fn take(&self, id: OrderId) -> bool {
        lock(&self.in_hand).insert(id)
    }

    pub fn put_down(&self, id: OrderId) {
        lock(&self.in_hand).remove(&id);
    }

    pub fn count(&self) -> usize {
        lock(&self.in_hand).len()
    }

    fn announce(&self, id: OrderId) {
        if let Some((bell, _)) = lock(&self.waiting).get(&id) {
            bell.notify_waiters();
        }
    }

    /// Waits until the order has settled, for `wait` at most.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn settled(&self, db: &Db, id: OrderId, wait: Duration) -> Result<(), Error> {
        let deadline = tokio::time::Instant::now() + wait;
        let bell = {
            let mut waiting = lock(&self.waiting);
            let (bell, waiters) = waiting.entry(id).or_default();
            *waiters += 1;
            bell.clone()
        };
        let _leave = Leave { saga: self, id };
        loop {
            let rung = bell.notified();
            let found = db.read(async move |tx| store::find_status(tx, id).await).await?;
            if found.is_none_or(is_at_rest) || tokio::time::Instant::now() >= deadline {
                return Ok(());
            }
            let look = tokio::time::Instant::now() + LOOK;
            tokio::select! {
                biased;
                () = rung => {}
                () = tokio::time::sleep_until(look.min(deadline)) => {}
            }
        }
    }
}

/// Takes a waiter off the list however its wait ended.
struct Leave<'a> {
    saga: &'a Saga,
    id: OrderId,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        let mut waiting = lock(&self.saga.waiting);
        if let Some((_, waiters)) = waiting.get_mut(&self.id) {
            *waiters -= 1;
            if *waiters == 0 {
                waiting.remove(&self.id);
            }
        }
    }
}

/// Leads one order on until nothing is due, or a call made no progress; then it is put off.
///
/// # Errors
/// Those of the database; the order stays due.
pub async fn lead(app: App, id: OrderId) -> Result<(), Error> {
    let db = &app.ctx.db;
    for _ in 0..TURNS {
        let found = db.read(async move |tx| store::find_order(tx, None, id).await).await?;
        let Some(order) = found else { return Ok(()) };
        if order.closes_at().is_some_and(|closes| closes <= app.ctx.env.now()) {
            Context::new(order.saga.correlation_id.as_str()).scope(actions::close_if_overdue(db, id)).await?;
            continue;
        }
        let steps = due_steps(&order);
        if steps.is_empty() {
            app.saga.announce(id);
            return Ok(());
        }
        if !take_steps(&app, &order, steps).await? {
            app.saga.announce(id);
            return actions::put_off(db, id, &app.settings).await;
        }
        app.saga.announce(id);
    }
    Ok(())
}

/// Makes the calls side by side and takes each outcome in as it comes. Whether all of them made progress.
async fn take_steps(app: &App, order: &Order, steps: Vec<Step>) -> Result<bool, Error> {
    let mut calls = JoinSet::new();
    let order = Arc::new(order.clone());
    let context = Context::new(order.saga.correlation_id.as_str());
    for step in steps {
        let (app, order) = (app.clone(), order.clone());
        calls.spawn(context.clone().scope(async move { (step, perform(&app, &order, step).await) }));
    }
    let mut progress = true;
    while let Some(joined) = calls.join_next().await {
        match joined {
            Ok((_, Ok(facts))) if !facts.is_empty() => {
                for fact in facts {
                    let apply = actions::apply(&app.ctx.db, order.order_id, fact, app.settings.pay_again());
                    context.clone().scope(apply).await?;
                }
                app.saga.announce(order.order_id);
            }
            // The neighbour has it and does not know the outcome yet: its event tells, or the next turn asks again.
            Ok((_, Ok(_))) => progress = false,
            Ok((step, Err(error))) => {
                tracing::info!(target: "order", order_id = %order.order_id, ?step, %error, "a step made no progress; it is taken again");
                progress = false;
            }
            Err(panicked) => {
                tracing::error!(target: "order", order_id = %order.order_id, error = %panicked, "a step panicked; it is taken again");
                progress = false;
            }
        }
    }
    Ok(progress)
}

/// Makes the call of one step. What it answered as facts; none when the outcome is still open.
async fn perform(app: &App, order: &Order, step: Step) -> Result<Vec<Fact>, CallError> {
    let client = &app.ctx.client;
    let id = order.order_id;
    let (payment_attempt, reservation_attempt) = (order.saga.payment_attempt, order.saga.reservation_attempt);
    match step {
        Step::Authorize => {
            let payment_id = match order.saga.payment_id {
                Some(payment_id) => payment_id,
                None => {
                    let body = create_payment(order)?;
                    client.call(&payment::CREATE_PAYMENT).body(&body).key(format!("{id}:pay:{payment_attempt}")).send().await?.payment_id
                }
            };
            let key = format!("{id}:authorize:{payment_attempt}");
            let answer = client.call(&payment::AUTHORIZE_PAYMENT).path(&[&payment_id]).body(&()).key(key).send().await;
            match answer {
                Ok(payment) => Ok(payment_facts(&payment)),
                // The payment is there, whatever became of the authorization: remember it, so that it can be voided.
                Err(error) if order.saga.payment_id.is_none() => {
                    tracing::debug!(target: "order", order_id = %id, %error, "a payment was made and its authorization is open");
                    Ok(vec![Fact::PaymentMade(payment_id)])
                }
                Err(error) => Err(error),
            }
        }
        Step::Reserve => {
            let body = reserve(order, app.settings.reservation_seconds)?;
            let key = format!("{id}:reserve:{reservation_attempt}");
            match client.call(&inventory::RESERVE).body(&body).key(key).send().await {
                Ok(reservation) => Ok(vec![Fact::StockReserved(reservation.reservation_id)]),
                Err(error) if error.code() == Some(Code::INSUFFICIENT_STOCK) => Ok(vec![Fact::OutOfStock]),
                Err(error) => Err(error),
            }
        }
        Step::Capture(payment_id) => {
            let key = format!("{id}:capture:{payment_attempt}");
            client
                .call(&payment::CAPTURE_PAYMENT)
                .path(&[&payment_id])
                .body(&())
                .key(key)
                .send()
                .await
                .map(|payment| payment_facts(&payment))
        }
        Step::SellStock(reservation_id) => {
            let key = format!("{id}:confirm:{reservation_attempt}");
            match client.call(&inventory::CONFIRM_RESERVATION).path(&[&reservation_id]).body(&()).key(key).send().await {
                Ok(_) => Ok(vec![Fact::StockSold(reservation_id)]),
                Err(error) if error.code() == Some(Code::RESERVATION_EXPIRED) => Ok(vec![Fact::StockExpired(reservation_id)]),
                Err(error) => Err(error),
            }
        }
        Step::VoidPayment(payment_id) => {
            let key = format!("{id}:void:{payment_attempt}");
            client.call(&payment::VOID_PAYMENT).path(&[&payment_id]).body(&()).key(key).send().await.map(|payment| payment_facts(&payment))
        }
        Step::RefundPayment(payment_id) => {
            let key = format!("{id}:refund:{payment_attempt}");
            let body = RefundPayment::default();
            client
                .call(&payment::REFUND_PAYMENT)
                .path(&[&payment_id])
                .body(&body)
                .key(key)
                .send()
                .await
                .map(|payment| payment_facts(&payment))
        }
        Step::ReleaseStock(reservation_id) => {
            let key = format!("{id}:release:{reservation_attempt}");
            client
                .call(&inventory::RELEASE_RESERVATION)
                .path(&[&reservation_id])
                .body(&())
                .key(key)
                .send()
                .await
                .map(|_| vec![Fact::StockReleased(reservation_id)])
        }
        Step::ReturnStock(reservation_id) => {
            let key = format!("{id}:return:{reservation_attempt}");
            client
                .call(&inventory::RETURN_RESERVATION)
                .path(&[&reservation_id])
                .body(&())
                .key(key)
                .send()
                .await
                .map(|_| vec![Fact::StockReturned(reservation_id)])
        }
    }
}

/// What a payment as it stands says. An outcome that is still open says only that the payment is there.
fn payment_facts(payment: &Payment) -> Vec<Fact> {
    let id = payment.payment_id;
    match payment.status {
        PaymentStatus::Initiated => vec![],
        PaymentStatus::Authorized => vec![Fact::PaymentAuthorized(id)],
        PaymentStatus::Captured => vec![Fact::PaymentCaptured(id)],
        PaymentStatus::Voided => vec![Fact::PaymentVoided(id)],
        PaymentStatus::Refunded => vec![Fact::PaymentRefunded(id)],
        PaymentStatus::Failed => {
            vec![Fact::PaymentFailed(id, payment.failure.clone().unwrap_or_else(|| Failure::from(Code::PAYMENT_DECLINED)))]
        }
    }
}

fn unfit(_: impl std::error::Error) -> CallError {
    CallError::Misused("an order's own values fit the neighbour's contract")
}

fn create_payment(order: &Order) -> Result<CreatePayment, CallError> {
    Ok(CreatePayment {
        order_id: order.order_id,
        order_number: FilledLine::parse(&order.order_number).map_err(unfit)?,
        user_id: order.user_id,
        amount: Amount::new(order.totals.total_amount).map_err(unfit)?,
        currency: order.currency,
        payment_method: order.payment_method,
    })
}

fn reserve(order: &Order, ttl_seconds: u32) -> Result<Reserve, CallError> {
    let line = |item: &contracts::order::OrderItem| {
        let quantity = Quantity::new(i64::from(item.quantity)).map_err(unfit)?;
        Ok(ReserveLine { sku: Sku::parse(&item.sku).map_err(unfit)?, quantity })
    };
    let lines = order.items.iter().map(line).collect::<Result<Vec<_>, CallError>>()?;
    Ok(Reserve {
        order_id: order.order_id,
        lines: Few::new(lines).map_err(unfit)?,
        ttl_seconds: Some(Whole::new(i64::from(ttl_seconds)).map_err(unfit)?),
    })
}
