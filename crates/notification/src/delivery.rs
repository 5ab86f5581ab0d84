//! Entry point 3, schedule: one worker for each channel sends due messages outside of any transaction, and records the attempts.
//!
//! One user has at most an eighth of a channel's slots, so a slow receiver delays only its own messages. A crash between sending
//! and recording sends a message twice, with the same Message-ID or webhook-id, so that receivers recognize it.

use crate::{
    App, Error,
    actions::record_attempt,
    domain::{DeliveryError, OutgoingMessage},
    store,
};
use contracts::{
    ids::{NotificationId, UserId},
    notification::Channel,
    order, user,
};
use platform::{
    backoff::Backoff,
    context::Context,
    due::{DueQueue, DueWork},
    worker::Worker,
};
use std::{marker::PhantomData, sync::Arc, time::Duration};

/// The name of a channel's worker.
#[must_use]
pub const fn worker_of(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "email",
        Channel::Sms => "sms",
        Channel::Webhook => "webhook",
    }
}

pub fn workers(app: &App) -> Vec<Worker> {
    vec![worker::<Email>(app), worker::<Sms>(app), worker::<Webhook>(app)]
}

fn worker<C: OneChannel>(app: &App) -> Worker {
    Worker::due(&app.ctx.db, DueMessages { app: app.clone(), channel: PhantomData::<C> })
}

/// A channel as a type, because a worker is known by the type of its work.
trait OneChannel: Clone + Send + Sync + 'static {
    const CHANNEL: Channel;
}

#[derive(Clone)]
struct Email;
impl OneChannel for Email {
    const CHANNEL: Channel = Channel::Email;
}

#[derive(Clone)]
struct Sms;
impl OneChannel for Sms {
    const CHANNEL: Channel = Channel::Sms;
}

#[derive(Clone)]
struct Webhook;
impl OneChannel for Webhook {
    const CHANNEL: Channel = Channel::Webhook;
}

/// The due messages of one channel.
#[derive(Clone)]
struct DueMessages<C> {
    app: App,
    channel: PhantomData<C>,
}

impl<C: OneChannel> DueWork for DueMessages<C> {
    const NAME: &'static str = worker_of(C::CHANNEL);
    const PERIOD: Duration = Duration::from_secs(5);
    const QUEUE: DueQueue<NotificationId, UserId> = store::due_messages(C::CHANNEL);
    type Key = NotificationId;
    type Partition = UserId;
    type Error = Error;

    /// Sends a message and records the attempt. A failed attempt is recorded with the time of the next one, and is no failure
    /// of the work.
    async fn run(self, id: NotificationId) -> Result<(), Error> {
        let (db, settings) = (&self.app.ctx.db, self.app.settings.clone());
        let Some(mut outgoing) = db.read(async move |tx| store::find_due(tx, id).await).await? else { return Ok(()) };
        if outgoing.user_id.is_guest() {
            add_guest_contact(&self.app, &mut outgoing).await;
        } else if outgoing.recipient.is_none() && C::CHANNEL == Channel::Email && fetch_contact(&self.app, outgoing.user_id).await? {
            let Some(found) = db.read(async move |tx| store::find_due(tx, id).await).await? else { return Ok(()) };
            outgoing = found;
        }
        let outgoing = Arc::new(outgoing);
        let outcome = send(&self.app, outgoing.clone()).await.map_err(|error| error.without_addresses(outgoing.recipient.as_deref()));
        log_attempt(&outgoing, &outcome);
        db.write(async move |tx| record_attempt(tx, &outgoing, &outcome, &settings).await).await
    }

    fn slots(&self) -> usize {
        self.app.settings.slots(C::CHANNEL)
    }

    fn backoff(&self) -> Backoff {
        self.app.settings.backoff()
    }

    fn grace(&self) -> Duration {
        self.app.settings.send_time()
    }
}

/// Reads a contact that no event carried: an order may arrive before the registration, and the events of long ago are gone once this
/// database was lost. Returns whether the user service answered; otherwise this attempt fails and is repeated.
async fn fetch_contact(app: &App, user_id: UserId) -> Result<bool, Error> {
    let Ok(contact) = app.ctx.client.call(&user::GET_CONTACT).path(&[&user_id]).send().await else { return Ok(false) };
    app.ctx.db.write(async move |tx| store::put_contact(tx, user_id, &contact).await).await?;
    Ok(true)
}

/// Asks the order for its guest, who has no account. Without an answer this attempt fails and is repeated.
async fn add_guest_contact(app: &App, outgoing: &mut OutgoingMessage) {
    let Some(order) = outgoing.order_id else { return };
    match app.ctx.client.call(&order::GET_GUEST_CONTACT).path(&[&order]).send().await {
        Ok(contact) => {
            outgoing.recipient = Some(contact.email);
            outgoing.guest_token = Some(contact.order_token);
        }
        Err(error) => tracing::info!(target: "notification", order_id = %order, %error, "the guest of an order is not known"),
    }
}

/// Sends a message in a task of its own, so that a panic of the sender is a failed attempt.
async fn send(app: &App, outgoing: Arc<OutgoingMessage>) -> Result<(), DeliveryError> {
    let (env, channels, time) = (app.ctx.env.clone(), app.channels.clone(), app.settings.send_time());
    let context = Context::new(outgoing.correlation_id.as_str());
    let is_webhook = outgoing.channel == Channel::Webhook;
    let sending = context.scope(async move {
        tokio::select! {
            outcome = channels.send(&outgoing) => outcome,
            () = env.sleep(time) => {
                let detail = format!("it took longer than {} seconds", time.as_secs());
                Err(if is_webhook { DeliveryError::unreachable(detail) } else { DeliveryError::temporary(detail) })
            }
        }
    });
    app.ctx.env.spawn(sending).await.unwrap_or_else(|_| Err(DeliveryError::temporary("the sender failed unexpectedly")))
}

fn log_attempt(outgoing: &OutgoingMessage, outcome: &Result<(), DeliveryError>) {
    let (kind, channel) = (outgoing.kind.as_str(), outgoing.channel.as_str());
    if let Err(error) = outcome {
        tracing::warn!(
            target: "notification", notification_id = %outgoing.notification_id, correlation_id = outgoing.correlation_id, kind, channel,
            attempt = outgoing.attempts + 1, error = %error, "a message was not delivered"
        );
    }
    let outcome = if outcome.is_ok() { "delivered" } else { "failed" };
    metrics::counter!("souk_notification_attempts_total", "channel" => channel, "outcome" => outcome).increment(1);
}
