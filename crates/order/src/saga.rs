//! The saga: makes the calls that are due for an order and applies their outcomes, until nothing is due.
//!
//! Calls that are due at the same time run concurrently. The idempotency key of a call is made of the order, the step and the
//! attempt, so a repeated call, here or in another replica, changes nothing.

use crate::{
    App, Error, actions,
    domain::{Fact, Order, Step, due_steps},
    store,
};
use contracts::{
    body::{BoundedInt, BoundedVec},
    ids::{FulfilmentId, OrderId, PaymentId, ReturnId, Uuid},
    inventory::{self, Reserve, ReserveLine, ReturnLines},
    payment::{self, CreatePayment, Payment, PaymentStatus, RefundPart, RefundPayment, TransactionStatus},
    problem::{Code, Failure},
    shipping::{self, CancellationOutcome},
    text::{Amount, Quantity, RequiredShortText, Sku},
};
use platform::{backoff::Backoff, client::CallError, context::Context};
use std::{sync::Arc, time::Duration};

/// The pauses between refunds that the provider refuses. They grow up to a day, because people may have to act first.
const REFUND_BACKOFF: Backoff = Backoff::doubling(Duration::from_secs(60), Duration::from_secs(24 * 3600));
/// How often one order is advanced in a row. After that it is due again, behind the others.
const MAX_ROUNDS: usize = 16;

/// Makes the due calls of one order until none is due. When a round leaves the same calls due, the order is rescheduled.
///
/// # Errors
/// Those of the database, and a fact that the transition table has no row for. Then the order stays due.
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
            // An order that was due for nothing would be due again immediately, without end.
            return if round == 0 { actions::reschedule(db, id, &app.settings, steps).await } else { Ok(()) };
        }
        // A reply or an event may have changed the order meanwhile. Either counts as progress.
        if steps == previous {
            return actions::reschedule(db, id, &app.settings, steps).await;
        }
        run_steps(&app, &order, &steps).await?;
        previous = steps;
    }
    Ok(())
}

/// Makes the calls concurrently, and applies each outcome when it arrives.
async fn run_steps(app: &App, order: &Order, steps: &[Step]) -> Result<(), Error> {
    let mut calls = app.ctx.env.task_set();
    let order = Arc::new(order.clone());
    let context = Context::new(order.saga.correlation_id.as_str());
    for step in steps.iter().copied() {
        let (app, order) = (app.clone(), order.clone());
        calls.spawn(context.clone().scope(async move { (step, run_step(&app, &order, step).await) }));
    }
    while let Some(joined) = calls.join_next().await {
        match joined {
            Ok((_, Ok(Some(fact)))) => {
                let (id, pay_again) = (order.order_id, app.settings.pay_again());
                let apply = app.ctx.db.write(async move |tx| actions::apply(tx, id, &fact, pay_again).await);
                context.clone().scope(apply).await?;
                app.waiters.notify(id);
            }
            // The upstream does not know the outcome yet. Its event or the next round brings it.
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

/// Makes the call of one step. Returns its outcome as a fact, or `None` while the outcome is not known.
async fn run_step(app: &App, order: &Order, step: Step) -> Result<Option<Fact>, CallError> {
    let client = &app.ctx.client;
    let key = |verb: &str, attempt: u32| format!("{}:{verb}:{attempt}", order.order_id);
    let (payment_attempt, reservation_attempt) = (order.saga.payment_attempt, order.saga.reservation_attempt);
    match step {
        Step::AuthorizePayment => authorize(app, order).await,
        Step::ReserveStock => {
            let body = reserve(order, app.settings.reservation_seconds)?;
            match client.call(&inventory::RESERVE_STOCK).body(&body).key(key("reserve", reservation_attempt)).send().await {
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
                // A reservation that inventory does not have was lost with an older copy of its database.
                Err(error) if matches!(error.code(), Some(Code::RESERVATION_EXPIRED | Code::NOT_FOUND)) => Ok(Some(Fact::StockExpired(id))),
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
            unless_lost(call.key(key("release", reservation_attempt)).send().await.map(|_| ()))?;
            Ok(Some(Fact::StockReleased(id)))
        }
        Step::ReturnReservation(id) => {
            let call = client.call(&inventory::RETURN_RESERVATION).path(&[&id]).body(&());
            unless_lost(call.key(key("return", reservation_attempt)).send().await.map(|_| ()))?;
            Ok(Some(Fact::StockReturned(id)))
        }
        Step::ReturnPart(id, part) => {
            if let Some(body) = returned_lines(order, part)? {
                let call = client.call(&inventory::RETURN_LINES).path(&[&id]).body(&body);
                // The units differ when some came back by a return meanwhile; inventory returns a cause once under whatever key.
                let units: i64 = body.lines.iter().map(|line| i64::from(line.quantity.get())).sum();
                unless_lost(call.key(format!("{part}:return:{units}")).send().await.map(|_| ()))?;
            }
            Ok(Some(Fact::PartStockReturned(part)))
        }
        Step::RestockReturn(id, return_id) => {
            if let Some(body) = restocked_lines(order, return_id)? {
                let call = client.call(&inventory::RETURN_LINES).path(&[&id]).body(&body);
                unless_lost(call.key(format!("{return_id}:restock")).send().await.map(|_| ()))?;
            }
            Ok(Some(Fact::ReturnRestocked(return_id)))
        }
        Step::RefundPart(id, cause) => refund_part(app, order, id, cause).await,
        Step::CancelShipment(part) => {
            let answer = client.call(&shipping::CANCEL_SHIPMENT).path(&[&part]).body(&()).send().await?;
            Ok(match answer.outcome {
                CancellationOutcome::Cancelled => Some(Fact::ShipmentCancelled(part)),
                CancellationOutcome::TooLate => Some(Fact::ShipmentAlreadySent(part)),
                CancellationOutcome::Pending => None,
            })
        }
    }
}

/// Creates the payment unless it exists, and authorizes it.
async fn authorize(app: &App, order: &Order) -> Result<Option<Fact>, CallError> {
    let client = &app.ctx.client;
    let (id, attempt) = (order.order_id, order.saga.payment_attempt);
    let known = order.saga.payment_id;
    let payment_id = match known {
        Some(payment_id) => payment_id,
        None => {
            let body = create_payment(order)?;
            // An account that claims the order is its customer from then on, and so the request is another one. The payment of the
            // former one, if there is one, is the answer to it.
            let key = format!("{id}:pay:{attempt}:{}", order.user_id);
            client.call(&payment::CREATE_PAYMENT).body(&body).key(key).send().await?.payment_id
        }
    };
    let call = client.call(&payment::AUTHORIZE_PAYMENT).path(&[&payment_id]).body(&()).key(format!("{id}:authorize:{attempt}"));
    let result = outcome(app, payment_id, call.send().await, &[PaymentStatus::Initiated]).await;
    match result {
        Ok(None) | Err(_) if known.is_none() => {
            // The payment exists, whatever became of the authorization. Its id is stored so that it can be voided.
            tracing::debug!(target: "order", order_id = %id, ?result, "a payment was created and its authorization is not known");
            Ok(Some(Fact::PaymentCreated(payment_id)))
        }
        result => result,
    }
}

/// Refunds what is left of the payment, unless the provider refused a moment ago. Each attempt has its own key, because a key
/// keeps its answer, and a provider that refused may agree later.
async fn refund(app: &App, order: &Order, id: PaymentId) -> Result<Option<Fact>, CallError> {
    let (client, attempt) = (&app.ctx.client, order.saga.refunds_refused);
    if order.saga.refund_after.is_some_and(|after| after > app.ctx.env.now()) {
        return Ok(None);
    }
    let call = client.call(&payment::REFUND_PAYMENT).path(&[&id]).body(&RefundPayment::default());
    let key = format!("{}:refund:{}:{attempt}", order.order_id, order.saga.payment_attempt);
    let is_refused = match call.key(key).send().await {
        Ok(payment) if payment.status == PaymentStatus::Captured => {
            // The answer that the key keeps may be older than the outcome, so the payment is read.
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

/// Refunds the part of the payment that has this cause, unless the provider refused a moment ago. Payment refunds a cause once, under
/// whatever key it is asked to.
async fn refund_part(app: &App, order: &Order, id: PaymentId, cause_id: Uuid) -> Result<Option<Fact>, CallError> {
    let Some(refund) = order.saga.part_refunds.iter().find(|refund| refund.cause_id == cause_id) else { return Ok(None) };
    if refund.after.is_some_and(|after| after > app.ctx.env.now()) {
        return Ok(None);
    }
    let (client, attempt) = (&app.ctx.client, refund.refused);
    let body = RefundPart { cause_id, amount: Amount::new(refund.amount).map_err(invalid_value)? };
    let answer = client.call(&payment::REFUND_PART).path(&[&id]).body(&body).key(format!("{cause_id}:refund:{attempt}")).send().await;
    let payment = match answer {
        // The answer that the key keeps may be older than the outcome.
        Ok(payment) if part_refund_fact(&payment, cause_id).is_some() => payment,
        Ok(_) => client.call(&payment::GET_PAYMENT).path(&[&id]).send().await?,
        Err(error) => match error.code() {
            Some(Code::REFUND_FAILED | Code::TOO_MANY_REFUNDS) => return Ok(Some(part_refused(app, order, cause_id, attempt))),
            _ => return Err(error),
        },
    };
    let is_open = payment.transactions.iter().any(|t| matches!(t.status, TransactionStatus::Pending | TransactionStatus::Unknown));
    Ok(match part_refund_fact(&payment, cause_id) {
        None if !is_open => Some(part_refused(app, order, cause_id, attempt)),
        fact => fact,
    })
}

/// Returns the fact that the money of a cause went back, or that all of it did.
fn part_refund_fact(payment: &Payment, cause: Uuid) -> Option<Fact> {
    if payment.status == PaymentStatus::Refunded {
        return Some(Fact::PaymentRefunded(payment.payment_id));
    }
    let is_done = |t: &payment::Transaction| t.cause_id == Some(cause) && t.status == TransactionStatus::Succeeded;
    payment.transactions.iter().any(is_done).then_some(Fact::PartRefunded {
        payment_id: payment.payment_id,
        cause_id: cause,
        refunded_amount: payment.refunded_amount,
    })
}

fn part_refused(app: &App, order: &Order, cause_id: Uuid, attempt: u32) -> Fact {
    let after = app.ctx.env.now().after(app.ctx.env.jitter(REFUND_BACKOFF.delay(attempt + 1)));
    tracing::warn!(target: "order", order_id = %order.order_id, %cause_id, attempt, %after, "the provider refused a refund of a part; it is tried again");
    Fact::PartRefundRefused { cause_id, attempt, after }
}

fn refused(app: &App, order: &Order, payment_id: PaymentId, attempt: u32) -> Fact {
    let after = app.ctx.env.now().after(app.ctx.env.jitter(REFUND_BACKOFF.delay(attempt + 1)));
    tracing::warn!(target: "order", order_id = %order.order_id, %payment_id, attempt, %after, "the provider refused a refund; it is tried again");
    Fact::RefundRefused { payment_id, attempt, after }
}

/// Returns the fact that follows from the answer to a payment call. The payment is read anew in two cases: its status is one
/// of `before`, since the answer may be an old one that the key kept; or the call was refused because the status is another.
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
        // A payment that was not captured and that payment does not have was lost with an older copy of its database.
        Err(error) if error.code() == Some(Code::NOT_FOUND) => {
            tracing::warn!(target: "order", payment_id = %id, "the payment is not known any more; it counts as failed");
            return Ok(Some(Fact::PaymentFailed(id, Failure::from(Code::PROVIDER_UNAVAILABLE))));
        }
        Err(error) => return Err(error),
    }
    let now = app.ctx.client.call(&payment::GET_PAYMENT).path(&[&id]).send().await?;
    Ok(if before.contains(&now.status) { None } else { payment_fact(&now) })
}

/// Returns the fact that led to a payment's status. INITIATED has none.
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

/// Takes a reservation that inventory does not have any more as ended.
fn unless_lost(ended: Result<(), CallError>) -> Result<(), CallError> {
    ended.or_else(|error| if error.code() == Some(Code::NOT_FOUND) { Ok(()) } else { Err(error) })
}

fn invalid_value(_: impl std::error::Error) -> CallError {
    CallError::Misused("an order's values satisfy the upstream's contract")
}

/// Returns the units of a fulfilment that did not come back by returns; `None` when there are none.
fn returned_lines(order: &Order, id: FulfilmentId) -> Result<Option<ReturnLines>, CallError> {
    let Some(part) = order.fulfilment(id) else { return Ok(None) };
    let kept = part.items(&order.items).map(|item| (item.sku.as_str(), item.quantity.saturating_sub(item.returned_quantity)));
    return_lines(id.0, reserve_lines(kept.filter(|(_, units)| *units > 0))?)
}

/// Returns the units of a return that go on sale again; `None` when it has none.
fn restocked_lines(order: &Order, id: ReturnId) -> Result<Option<ReturnLines>, CallError> {
    let Some(restock) = order.saga.return_restocks.iter().find(|restock| restock.return_id == id) else { return Ok(None) };
    return_lines(id.0, reserve_lines(order.restocked_by(restock))?)
}

fn return_lines(cause_id: Uuid, lines: Vec<ReserveLine>) -> Result<Option<ReturnLines>, CallError> {
    if lines.is_empty() {
        return Ok(None);
    }
    let lines = BoundedVec::new(lines).map_err(invalid_value)?;
    Ok(Some(ReturnLines { cause_id, lines }))
}

fn reserve_lines<'a>(units: impl IntoIterator<Item = (&'a str, u32)>) -> Result<Vec<ReserveLine>, CallError> {
    let line = |(sku, units): (&str, u32)| {
        let quantity = Quantity::new(i64::from(units)).map_err(invalid_value)?;
        Ok(ReserveLine { sku: Sku::parse(sku).map_err(invalid_value)?, quantity })
    };
    units.into_iter().map(line).collect()
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
    let lines = reserve_lines(order.items.iter().map(|item| (item.sku.as_str(), item.quantity)))?;
    Ok(Reserve {
        order_id: order.order_id,
        lines: BoundedVec::new(lines).map_err(invalid_value)?,
        ttl_seconds: Some(BoundedInt::new(i64::from(ttl_seconds)).map_err(invalid_value)?),
    })
}
