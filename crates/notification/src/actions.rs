//! The commands, one transaction each.

use crate::{
    Error,
    delivery::worker_of,
    domain::{AfterAttempt, DeliveryError, OutgoingMessage, after_attempt},
    settings::Settings,
    store::{self, AttemptRecord},
};
use contracts::{
    ids::NotificationId,
    machine::Machine as _,
    notification::{
        AttemptOutcome, Channel, DeliveryAttempt, Notification, NotificationFact, NotificationFailed, NotificationSent, NotificationStatus,
    },
};
use platform::{
    context::Context,
    db::{Db, Tx},
    http::{Idempotent, Json, MaybeIdempotencyKey, Problem},
};

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

/// Records an attempt that has ended. A temporary failure makes the message due again after a pause, until its attempts are
/// used up.
///
/// # Errors
/// Those of the database. Nothing is recorded then.
pub async fn record_attempt(
    tx: &mut Tx,
    outgoing: &OutgoingMessage,
    outcome: &Result<(), DeliveryError>,
    settings: &Settings,
) -> Result<(), Error> {
    let tries = outgoing.tries + 1;
    let next = after_attempt(outcome, tries, settings.attempts_max);
    let error = outcome.as_ref().err();
    let last_error = error.map(|error| error.public_detail.as_str());
    let (status, due_at) = match next {
        AfterAttempt::Final(fact) => (NotificationStatus::Pending.transition(fact)?, None),
        AfterAttempt::Retry => {
            let wanted = error.and_then(|error| error.retry_after).unwrap_or_default().min(settings.longest_pause());
            let pause = tx.jitter(settings.backoff().delay(tries)).max(wanted);
            (NotificationStatus::Pending, Some(tx.now().after(pause)))
        }
    };
    if !store::record(tx, outgoing, AttemptRecord { status, last_error, due_at }).await? {
        // Another process has recorded this attempt.
        return Ok(());
    }
    let ended = DeliveryAttempt {
        attempt: outgoing.attempts + 1,
        outcome: if outcome.is_ok() { AttemptOutcome::Delivered } else { AttemptOutcome::Failed },
        detail: error.map_or("taken by the channel", |error| error.detail.as_str()).to_owned(),
        occurred_at: tx.now(),
    };
    store::insert_attempt(tx, outgoing.notification_id, &ended).await?;
    if let Some(error) = error {
        apply_to_address(tx, outgoing, error, settings).await?;
    }
    if let AfterAttempt::Final(fact) = next {
        emit_outcome(tx, outgoing, fact, ended.attempt, last_error);
    }
    Ok(())
}

/// Applies to the user's webhook address what the receiver said about it: use it no more, or not before some time.
async fn apply_to_address(tx: &mut Tx, outgoing: &OutgoingMessage, error: &DeliveryError, settings: &Settings) -> Result<(), Error> {
    let Some(url) = outgoing.recipient.as_deref().filter(|_| outgoing.channel == Channel::Webhook) else { return Ok(()) };
    if error.is_gone {
        store::mark_gone(tx, outgoing.user_id, url).await?;
    }
    if let Some(wanted) = error.retry_after {
        let resumes_at = tx.now().after(wanted.min(settings.longest_pause()));
        store::pause_webhooks(tx, outgoing.user_id, url, resumes_at).await?;
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
