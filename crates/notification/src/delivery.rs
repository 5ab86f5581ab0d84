//! Time: one worker for each channel takes what is due, sends it outside of any transaction, and records how it went.
//!
//! A worker keeps a window of messages under way and refills it as they end, and no user has more than an eighth of its
//! places. So a receiver that is slow holds up its own places and nobody else's. Recording what ended and taking what is next is one commit. A crash between sending
//! and recording sends twice, under the same Message-ID or webhook-id, so that receivers can tell.

use crate::{
    App, Error,
    actions::{Attempt, record_and_claim},
    domain::{DeliveryError, OutgoingMessage},
    store,
};
use contracts::{ids::UserId, notification::Channel};
use platform::{
    context::Context,
    db,
    shutdown::Shutdown,
    worker::{Next, Worker},
};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// How often a worker looks for messages that became due by time while others are under way.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How often, and after which pause, recording is tried when the database is busy. What is not recorded is sent twice.
const RECORDINGS: u32 = 20;
const RECORDING_PAUSE: Duration = Duration::from_millis(100);

/// The worker of a channel.
#[must_use]
pub fn worker_of(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "email",
        Channel::Sms => "sms",
        Channel::Webhook => "webhook",
    }
}

pub fn workers(app: &App) -> Vec<Worker> {
    let worker = |channel: &Channel| {
        let own = (app.clone(), *channel);
        Worker::lasting(worker_of(*channel), Duration::from_secs(5), own, |(app, channel), stop| deliver_due(app, channel, stop))
    };
    Channel::ALL.iter().map(worker).collect()
}

/// The places of one channel that are taken.
#[derive(Debug, Clone)]
pub struct DeliveryQueue {
    size: usize,
    /// How many messages of each user are under way.
    under_way: HashMap<UserId, usize>,
}

impl DeliveryQueue {
    #[must_use]
    pub fn new(size: usize) -> DeliveryQueue {
        DeliveryQueue { size, under_way: HashMap::new() }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    /// How many more messages have a place.
    #[must_use]
    pub fn free_slots(&self) -> usize {
        self.size.saturating_sub(self.under_way.values().sum())
    }

    /// Takes a place, unless all are taken or the user has as many as one may have.
    pub fn try_reserve(&mut self, user: UserId) -> bool {
        let is_free = self.free_slots() > 0 && self.under_way.get(&user).is_none_or(|places| *places < self.limit_per_user());
        if is_free {
            *self.under_way.entry(user).or_default() += 1;
        }
        is_free
    }

    pub fn release(&mut self, user: UserId) {
        if let Some(places) = self.under_way.get_mut(&user) {
            *places -= 1;
            if *places == 0 {
                self.under_way.remove(&user);
            }
        }
    }

    /// Those who have as many places as one may have: a few, because their places add up to no more than all.
    pub fn users_at_limit(&self) -> impl Iterator<Item = UserId> {
        let most = self.limit_per_user();
        self.under_way.iter().filter(move |(_, places)| **places >= most).map(|(user, _)| *user)
    }

    fn limit_per_user(&self) -> usize {
        (self.size / 8).max(1)
    }
}

/// Delivers as long as there is something to deliver, and after the order to stop what is under way.
async fn deliver_due(app: App, channel: Channel, stop: Shutdown) -> Result<Next, Error> {
    let size = app.settings.queue_size(channel);
    let notifier = app.ctx.db.worker_notifier(worker_of(channel));
    let (reply, mut replies) = mpsc::channel(size);
    let (mut queue, mut ended) = (DeliveryQueue::new(size), Vec::new());
    loop {
        let free = (!stop.is_requested()).then(|| queue.clone());
        for outgoing in record(&app, channel, std::mem::take(&mut ended), free.clone()).await? {
            queue.try_reserve(outgoing.user_id);
            app.ctx.env.spawn(attempt(app.clone(), Arc::new(outgoing), reply.clone()));
        }
        if queue.is_empty() {
            return next_turn(&app, channel).await;
        }
        let polls = free.is_some() && queue.free_slots() > 0;
        tokio::select! {
            _ = replies.recv_many(&mut ended, size) => ended.iter().for_each(|attempt| queue.release(attempt.outgoing.user_id)),
            () = stop.sleep(POLL_INTERVAL, notifier.notified()), if polls => {}
        }
    }
}

async fn next_turn(app: &App, channel: Channel) -> Result<Next, Error> {
    let next = app.ctx.db.read(async move |tx| store::next_due(tx, channel).await).await?;
    Ok(next.map_or(Next::Idle, Next::At))
}

/// Records what ended and takes what is next, if there is a window for it; patient with a busy database, because the messages
/// are sent by now.
async fn record(app: &App, channel: Channel, ended: Vec<Attempt>, queue: Option<DeliveryQueue>) -> Result<Vec<OutgoingMessage>, Error> {
    let ended: Arc<[Attempt]> = ended.into();
    let (most, claim_time) = (app.settings.attempts_max, app.settings.claim_time());
    for _ in 1..RECORDINGS {
        match record_and_claim(&app.ctx.db, ended.clone(), most, channel, queue.clone(), claim_time).await {
            Err(Error::Db(db::Error::Busy)) => tokio::time::sleep(app.ctx.env.jitter(RECORDING_PAUSE)).await,
            outcome => return outcome,
        }
    }
    record_and_claim(&app.ctx.db, ended, most, channel, queue, claim_time).await
}

/// Sends one message in a task of its own and reports how it went, even when the sending panics.
async fn attempt(app: App, outgoing: Arc<OutgoingMessage>, reply: mpsc::Sender<Attempt>) {
    let (channels, of, time) = (app.channels.clone(), outgoing.clone(), app.settings.send_time());
    let sending = Context::new(outgoing.correlation_id.as_str()).scope(async move { tokio::time::timeout(time, channels.send(&of)).await });
    let outcome = match app.ctx.env.spawn(sending).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(DeliveryError::temporary(format!("it took longer than {} seconds", time.as_secs()))),
        Err(_) => Err(DeliveryError::temporary("the sender failed unexpectedly")),
    };
    log_attempt(&outgoing, &outcome);
    let wait = app.ctx.env.jitter(app.settings.backoff().delay(outgoing.tries + 1));
    // Nobody listens when the turn was given up: the message is taken again once it is no longer held.
    let _ = reply.send(Attempt { outgoing, outcome, pause: wait }).await;
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
