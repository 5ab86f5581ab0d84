//! What can be done: one transaction each.

use crate::{
    Error,
    delivery::{Window, worker_of},
    domain::{Next, Parcel, Undelivered, next},
    store::{self, Record},
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

/// Sends a message again that was sent or given up, with a fresh count of attempts.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Illegal`] while it is still being tried.
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
    pub parcel: Arc<Parcel>,
    pub outcome: Result<(), Undelivered>,
    /// How long to wait before the next attempt, should there be one.
    pub pause: Duration,
}

/// Records attempts and takes further messages in hand, as many as have a place in `window`: one commit for both.
///
/// # Errors
/// Those of the database. Nothing is recorded then, and the same may be tried again.
pub async fn record_and_take(
    db: &Db,
    ended: Arc<[Attempt]>,
    attempts_max: u32,
    channel: Channel,
    window: Option<Window>,
    hold: Duration,
) -> Result<Vec<Parcel>, Error> {
    db.write(async move |tx| {
        for attempt in ended.iter() {
            record(tx, attempt, attempts_max).await?;
        }
        match window.clone() {
            Some(window) => take(tx, channel, window, hold).await,
            None => Ok(Vec::new()),
        }
    })
    .await
}

/// Takes what is due until the window is full, the longest overdue first. Users who have as many places as one may have are
/// passed over.
async fn take(tx: &mut Tx, channel: Channel, mut window: Window, hold: Duration) -> Result<Vec<Parcel>, Error> {
    let (held_until, mut taken) = (tx.now().after(hold), Vec::new());
    while window.room() > 0 {
        let rows = window.room();
        let due = store::list_due(tx, channel, window.full(), rows).await?;
        let is_last = due.len() < rows;
        let before = taken.len();
        for (id, _) in due.into_iter().filter(|(_, user)| window.take(*user)) {
            taken.extend(store::take(tx, id, held_until).await?);
        }
        // What was passed over belongs to users who are full by now: the next look leaves these users out.
        if is_last || taken.len() == before {
            break;
        }
    }
    Ok(taken)
}

async fn record(tx: &mut Tx, attempt: &Attempt, attempts_max: u32) -> Result<(), Error> {
    let Attempt { parcel, outcome, pause } = attempt;
    let next = next(outcome, parcel.tries + 1, attempts_max);
    let last_error = outcome.as_ref().err().map(|undelivered| undelivered.detail.as_str());
    let (status, due_at) = match next {
        Next::Rest(fact) => (NotificationStatus::Pending.transition(fact)?, None),
        Next::Again => (NotificationStatus::Pending, Some(tx.now().after(*pause))),
    };
    if !store::record(tx, parcel, Record { status, last_error, due_at }).await? {
        // It took longer than it was held for, and somebody else has it now.
        return Ok(());
    }
    let attempts = parcel.attempts + 1;
    let ended = if outcome.is_ok() { AttemptOutcome::Delivered } else { AttemptOutcome::Failed };
    store::insert_attempt(tx, parcel.notification_id, attempts, ended, last_error.unwrap_or("taken by the channel")).await?;
    if let Next::Rest(fact) = next {
        announce(tx, parcel, fact, attempts, last_error);
    }
    Ok(())
}

/// Tells the world, on behalf of the request that the message came from.
fn announce(tx: &mut Tx, parcel: &Parcel, fact: NotificationFact, attempts: u32, last_error: Option<&str>) {
    let Parcel { notification_id, user_id, kind, channel, order_id, .. } = *parcel;
    let mut context = Context::new(parcel.correlation_id.as_str());
    context.causation_id = Some(parcel.event_id);
    tx.set_context(context);
    if fact == NotificationFact::Sent {
        tx.emit(NotificationSent { notification_id, user_id, r#type: kind, channel, order_id, attempts });
    } else {
        let error = last_error.unwrap_or_default().to_owned();
        tx.emit(NotificationFailed { notification_id, user_id, r#type: kind, channel, order_id, attempts, error });
    }
}
