//! The commands, one transaction each.

use crate::{
    Error,
    delivery::{DeliveryQueue, worker_of},
    domain::{AfterAttempt, DeliveryError, OutgoingMessage, after_attempt},
    store::{self, AttemptRecord},
};
use contracts::{
    ids::NotificationId,
    machine::Machine as _,
    notification::{AttemptOutcome, Channel, Notification, NotificationFact, NotificationFailed, NotificationSent, NotificationStatus},
};
use platform::{
    context::Context,
    db::{Db, Tx},
    http::{Idempotent, Json, MaybeIdempotencyKey, Problem},
};
use std::{sync::Arc, time::Duration};

/// Makes a message due again that was sent or has failed, with a fresh count of attempts.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Illegal`] while it is pending.
pub async fn resend(db: &Db, id: NotificationId, key: MaybeIdempotencyKey) -> Result<Idempotent<Json<Notification>>, Problem> {
    db.write(async move |tx| {
        key.once(tx, async |tx| -> Result<_, Error> {
            let mut notification = store::lock_notification(tx, id).await?.ok_or(Error::NotFound)?;
            notification.status = notification.status.transition(NotificationFact::Resent)?;
            notification.updated_at = tx.now();
            store::make_due(tx, id, notification.status).await?;
            tx.notify_worker(worker_of(notification.channel));
            Ok(Json(notification))
        })
        .await
    })
    .await
}

/// An attempt that has ended.
#[derive(Clone)]
pub struct Attempt {
    pub outgoing: Arc<OutgoingMessage>,
    pub outcome: Result<(), DeliveryError>,
    /// The pause before the next attempt, if there is one.
    pub pause: Duration,
}

/// Records attempts and claims due messages, as many as `queue` has free slots, in one commit.
///
/// # Errors
/// Those of the database. Nothing is recorded then, and the call can be repeated.
pub async fn record_and_claim(
    db: &Db,
    ended: Arc<[Attempt]>,
    attempts_max: u32,
    channel: Channel,
    queue: Option<DeliveryQueue>,
    claim_time: Duration,
) -> Result<Vec<OutgoingMessage>, Error> {
    db.write(async move |tx| {
        for attempt in ended.iter() {
            record(tx, attempt, attempts_max).await?;
        }
        match queue.clone() {
            Some(queue) => claim(tx, channel, queue, claim_time).await,
            None => Ok(Vec::new()),
        }
    })
    .await
}

/// Claims due messages until the queue is full, longest overdue first. Users at their limit are skipped.
async fn claim(tx: &mut Tx, channel: Channel, mut queue: DeliveryQueue, claim_time: Duration) -> Result<Vec<OutgoingMessage>, Error> {
    let (claimed_until, mut claimed) = (tx.now().after(claim_time), Vec::new());
    while queue.free_slots() > 0 {
        let rows = queue.free_slots();
        let due = store::list_due(tx, channel, queue.users_at_limit(), rows).await?;
        let is_last = due.len() < rows;
        let before = claimed.len();
        for (id, _) in due.into_iter().filter(|(_, user)| queue.try_reserve(*user)) {
            claimed.extend(store::claim(tx, id, claimed_until).await?);
        }
        // The skipped messages belong to users at their limit: the next query excludes these users.
        if is_last || claimed.len() == before {
            break;
        }
    }
    Ok(claimed)
}

async fn record(tx: &mut Tx, attempt: &Attempt, attempts_max: u32) -> Result<(), Error> {
    let Attempt { outgoing, outcome, pause } = attempt;
    let next = after_attempt(outcome, outgoing.tries + 1, attempts_max);
    let last_error = outcome.as_ref().err().map(|error| error.detail.as_str());
    let (status, due_at) = match next {
        AfterAttempt::Final(fact) => (NotificationStatus::Pending.transition(fact)?, None),
        AfterAttempt::Retry => (NotificationStatus::Pending, Some(tx.now().after(*pause))),
    };
    if !store::record(tx, outgoing, AttemptRecord { status, last_error, due_at }).await? {
        // The claim ended before the attempt, and another worker has the message.
        return Ok(());
    }
    let attempts = outgoing.attempts + 1;
    let ended = if outcome.is_ok() { AttemptOutcome::Delivered } else { AttemptOutcome::Failed };
    store::insert_attempt(tx, outgoing.notification_id, attempts, ended, last_error.unwrap_or("taken by the channel")).await?;
    if let AfterAttempt::Final(fact) = next {
        emit_outcome(tx, outgoing, fact, attempts, last_error);
    }
    Ok(())
}

/// Emits the event, with the correlation id of the request that caused the message.
fn emit_outcome(tx: &mut Tx, outgoing: &OutgoingMessage, fact: NotificationFact, attempts: u32, last_error: Option<&str>) {
    let OutgoingMessage { notification_id, user_id, kind, channel, order_id, .. } = *outgoing;
    let mut context = Context::new(outgoing.correlation_id.as_str());
    context.causation_id = Some(outgoing.event_id);
    tx.set_context(context);
    if fact == NotificationFact::Sent {
        tx.emit(NotificationSent { notification_id, user_id, r#type: kind, channel, order_id, attempts });
    } else {
        let error = last_error.unwrap_or_default().to_owned();
        tx.emit(NotificationFailed { notification_id, user_id, r#type: kind, channel, order_id, attempts, error });
    }
}
