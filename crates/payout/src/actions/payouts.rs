//! Payouts, in three steps as the payments of customers: a unit that takes the money from the available balance and commits the
//! payout as PENDING, the request to the provider outside of any unit, and a unit that commits the outcome. A payout without an
//! outcome is looked up at the provider before it is sent again under the same id; an outcome is never guessed.

use crate::{
    App,
    domain::ledger::{Account, Draft, Subject},
    error::Error,
    provider::{Outcome, ProviderError, Transfer},
    store::{payout_rows, posting_rows},
    workers::{SCHEDULE, SETTLE},
};
use contracts::{
    ids::PayoutId,
    machine::Machine as _,
    payout::{Payout, PayoutFact, PayoutFailed, PayoutFailure, PayoutPaid, PayoutRun, PayoutStatus, PostingKind},
    seller::{GET_PAYOUT_DETAILS, PayoutDetails, SellerStatus},
};
use platform::{
    db::Tx,
    http::{IdempotencyKey, Idempotent, Json, Problem},
    worker::Next,
};
use std::time::Duration;

/// How many payouts one run begins in one commit.
const BATCH: usize = 500;
const DETAILS_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the payout of a suspended seller waits until the seller is asked for again.
const HELD: Duration = Duration::from_secs(3_600);

/// Begins a payout for each seller and currency with an available balance of at least the minimum. The worker sends them.
pub async fn run(app: &App, key: IdempotencyKey) -> Result<Idempotent<Json<PayoutRun>>, Problem> {
    let own = app.clone();
    let unit = async move |tx: &mut Tx| {
        key.once(tx, async |tx: &mut Tx| {
            let (items, has_more) = begin_all(tx, &own).await?;
            if has_more {
                let now = tx.now();
                payout_rows::set_schedule(tx, now).await?;
                tx.notify_worker(SCHEDULE);
            }
            Ok::<_, Error>(Json(PayoutRun { items, has_more }))
        })
        .await
    };
    app.ctx.db.write(unit).await
}

/// Begins the payouts of the schedule when they are due.
pub async fn run_schedule(app: App) -> Result<Next, Error> {
    let own = app.clone();
    let unit = async move |tx: &mut Tx| {
        let (now, interval) = (tx.now(), own.settings.interval());
        let due_at = payout_rows::lock_schedule(tx, now.after(interval)).await?;
        if due_at > now {
            return Ok::<_, Error>(Next::At(due_at));
        }
        let (_, has_more) = begin_all(tx, &own).await?;
        if has_more {
            return Ok(Next::Immediately);
        }
        payout_rows::set_schedule(tx, now.after(interval)).await?;
        Ok(Next::At(now.after(interval)))
    };
    app.ctx.db.write(unit).await
}

/// Begins payouts, [`BATCH`] at most, and returns whether there are more.
async fn begin_all(tx: &mut Tx, app: &App) -> Result<(Vec<Payout>, bool), Error> {
    let minimum = app.settings.minimum_amount.get();
    let payable = payout_rows::list_payable(tx, minimum, i64::try_from(BATCH).unwrap_or(i64::MAX)).await?;
    let has_more = payable.len() == BATCH;
    let mut begun = Vec::new();
    for (seller_id, currency) in payable {
        let amount = posting_rows::lock_balance(tx, Account::SellerAvailable(seller_id), currency).await?;
        let now = tx.now();
        let payout = Payout {
            payout_id: tx.new_id(),
            seller_id,
            status: PayoutStatus::Pending,
            amount,
            currency,
            provider: app.provider.name(),
            payout_account: None,
            provider_reference: None,
            failure: None,
            created_at: now,
            updated_at: now,
        };
        if amount >= minimum && payout_rows::insert(tx, &payout).await? {
            post(tx, PostingKind::Payout, &payout, Account::SellerAvailable(seller_id), Account::PayoutInTransit).await?;
            tx.notify_worker(SETTLE);
            begun.push(payout);
        }
    }
    Ok((begun, has_more))
}

async fn post(tx: &mut Tx, kind: PostingKind, payout: &Payout, from: Account, to: Account) -> Result<(), Error> {
    let subject = Subject {
        kind,
        cause: format!("{kind}/{}", payout.payout_id),
        order: None,
        fulfilment_id: None,
        seller_id: Some(payout.seller_id),
        payout_id: Some(payout.payout_id),
        commission_amount: 0,
    };
    let draft = Draft::new(subject, payout.currency, [(from, -payout.amount), (to, payout.amount)])?;
    posting_rows::post(tx, &draft).await?;
    Ok(())
}

/// Sends a payout, or asks for its outcome, and commits what the provider answers.
///
/// # Errors
/// [`Error::Call`] when the seller service does not answer; the payout stays due.
pub async fn settle(app: &App, id: PayoutId) -> Result<(), Error> {
    let found = app.ctx.db.read(async move |tx| payout_rows::find(tx, id).await).await?;
    let Some(payout) = found.filter(|payout| payout.status == PayoutStatus::Pending) else { return Ok(()) };
    if payout.provider != app.provider.name() {
        // Another provider knows nothing of it, and would transfer the money a second time.
        return postpone(app, id, ProviderError::Unavailable).await;
    }
    let answer = match within(app, app.provider.lookup(id)).await {
        Ok(Some(outcome)) => Ok(outcome),
        Ok(None) => match send(app, &payout).await? {
            Some(answer) => answer,
            None => return Ok(()),
        },
        Err(error) => Err(error),
    };
    match answer {
        Ok(outcome) => {
            let failure = outcome.is_refused.then_some(PayoutFailure::Refused);
            app.ctx.db.write(async move |tx| record(tx, id, Some(outcome.clone()), failure).await).await
        }
        Err(error) => postpone(app, id, error).await,
    }
}

async fn within<T>(app: &App, answer: impl Future<Output = Result<T, ProviderError>>) -> Result<T, ProviderError> {
    tokio::time::timeout(app.settings.deadline(), answer).await.unwrap_or(Err(ProviderError::NoAnswer))
}

/// Sends a payout that the provider has not received; `None` when it is not to be sent now. A payout that was sent before never
/// fails without the provider's word, because it may still arrive there.
async fn send(app: &App, payout: &Payout) -> Result<Option<Result<Outcome, ProviderError>>, Error> {
    let (id, was_sent) = (payout.payout_id, payout.payout_account.is_some());
    let call = app.ctx.client.call(&GET_PAYOUT_DETAILS).path(&[&payout.seller_id]).timeout(DETAILS_TIMEOUT);
    let details: PayoutDetails = call.send().await?;
    let now = app.ctx.env.now();
    let held = match details.payouts_held_until.filter(|until| *until > now) {
        None if details.status != SellerStatus::Approved => Some(now.after(HELD)),
        until => until,
    };
    let unit_until = async |until| app.ctx.db.write(async move |tx: &mut Tx| hold(tx, id, until).await).await;
    if let Some(until) = held {
        unit_until(until).await?;
        return Ok(None);
    }
    let Some(account) = details.payout_account else {
        if was_sent {
            unit_until(now.after(HELD)).await?;
        } else {
            app.ctx.db.write(async move |tx| record(tx, id, None, Some(PayoutFailure::AccountMissing)).await).await?;
        }
        return Ok(None);
    };
    let (masked, pause) = (account.masked(), app.settings.deadline() + app.settings.backoff().delay(1));
    app.ctx.db.write(async move |tx| mark_sent(tx, id, masked.clone(), pause).await).await?;
    let transfer = Transfer { payout_id: id, account, amount: payout.amount, currency: payout.currency };
    Ok(Some(within(app, app.provider.transfer(transfer)).await))
}

/// Commits that a payout is sent to this account now. It is due again after the deadline of the request, so that a
/// crash is followed by a lookup.
async fn mark_sent(tx: &mut Tx, id: PayoutId, masked: String, pause: Duration) -> Result<(), Error> {
    let mut payout = payout_rows::lock(tx, id).await?.ok_or(Error::NotFound)?;
    if payout.status == PayoutStatus::Pending {
        payout.payout_account = Some(masked);
        payout.updated_at = tx.now();
        let due_at = Some(payout.updated_at.after(pause));
        payout_rows::save(tx, &payout, due_at).await?;
    }
    Ok(())
}

async fn hold(tx: &mut Tx, id: PayoutId, until: contracts::time::Timestamp) -> Result<(), Error> {
    let payout = payout_rows::lock(tx, id).await?.ok_or(Error::NotFound)?;
    if payout.status == PayoutStatus::Pending {
        payout_rows::save(tx, &payout, Some(until)).await?;
    }
    Ok(())
}

/// Makes the next request due later.
async fn postpone(app: &App, id: PayoutId, error: ProviderError) -> Result<(), Error> {
    tracing::info!(target: "provider", payout_id = %id, %error, "no outcome yet");
    let backoff = app.settings.backoff();
    Ok(app.ctx.db.write(async move |tx| payout_rows::DUE.reschedule(tx, id, backoff).await).await?)
}

/// Commits the outcome of a payout, once: its status, its posting and its event.
async fn record(tx: &mut Tx, id: PayoutId, outcome: Option<Outcome>, failure: Option<PayoutFailure>) -> Result<(), Error> {
    let mut payout = payout_rows::lock(tx, id).await?.ok_or(Error::NotFound)?;
    if payout.status != PayoutStatus::Pending {
        return Ok(());
    }
    payout.status = payout.status.transition(if failure.is_some() { PayoutFact::Failed } else { PayoutFact::Paid })?;
    payout.provider_reference = outcome.map(|outcome| outcome.reference);
    payout.failure = failure;
    payout.updated_at = tx.now();
    payout_rows::save(tx, &payout, None).await?;
    let Payout { payout_id, seller_id, amount, currency, .. } = payout;
    match failure {
        None => {
            post(tx, PostingKind::PayoutPaid, &payout, Account::PayoutInTransit, Account::ProviderClearing).await?;
            tx.emit(PayoutPaid { payout_id, seller_id, amount, currency });
        }
        Some(failure) => {
            post(tx, PostingKind::PayoutFailed, &payout, Account::PayoutInTransit, Account::SellerAvailable(seller_id)).await?;
            tx.emit(PayoutFailed { payout_id, seller_id, amount, currency, failure });
        }
    }
    Ok(())
}
