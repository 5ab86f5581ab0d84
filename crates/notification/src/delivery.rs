//! Entry point 3, schedule: one worker for each channel claims due messages, sends them outside of any transaction, and records
//! the attempts.
//!
//! A worker has a queue with a fixed number of slots and refills it as attempts end. One user has at most an eighth of the slots,
//! so a slow receiver delays only its own messages. Recording and claiming are one commit. A crash between sending and recording
//! sends a message twice, with the same Message-ID or webhook-id, so that receivers recognize it.

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

/// How often a worker looks for due messages while attempts are running.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How often, and after which pause, recording is repeated when the database is busy. An attempt that is not recorded is sent
/// twice.
const RECORDINGS: u32 = 20;
const RECORDING_PAUSE: Duration = Duration::from_millis(100);

/// The name of a channel's worker.
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

/// The running attempts of one channel, limited in all and for each user.
#[derive(Debug, Clone)]
pub struct DeliveryQueue {
    size: usize,
    /// The number of running attempts of each user.
    running: HashMap<UserId, usize>,
}

impl DeliveryQueue {
    #[must_use]
    pub fn new(size: usize) -> DeliveryQueue {
        DeliveryQueue { size, running: HashMap::new() }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// Returns how many more attempts can start.
    #[must_use]
    pub fn free_slots(&self) -> usize {
        self.size.saturating_sub(self.running.values().sum())
    }

    /// Reserves a slot, unless all are taken or the user is at the limit.
    pub fn try_reserve(&mut self, user: UserId) -> bool {
        let is_free = self.free_slots() > 0 && self.running.get(&user).is_none_or(|places| *places < self.limit_per_user());
        if is_free {
            *self.running.entry(user).or_default() += 1;
        }
        is_free
    }

    pub fn release(&mut self, user: UserId) {
        if let Some(places) = self.running.get_mut(&user) {
            *places -= 1;
            if *places == 0 {
                self.running.remove(&user);
            }
        }
    }

    /// Returns the users at their limit: at most eight, or as many as there are slots.
    pub fn users_at_limit(&self) -> impl Iterator<Item = UserId> {
        let most = self.limit_per_user();
        self.running.iter().filter(move |(_, places)| **places >= most).map(|(user, _)| *user)
    }

    fn limit_per_user(&self) -> usize {
        (self.size / 8).max(1)
    }
}

/// Delivers while messages are due. After a shutdown signal, only the running attempts are finished.
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
            () = stop.sleep(&app.ctx.env, POLL_INTERVAL, notifier.notified()), if polls => {}
        }
    }
}

async fn next_turn(app: &App, channel: Channel) -> Result<Next, Error> {
    let next = app.ctx.db.read(async move |tx| store::next_due(tx, channel).await).await?;
    Ok(next.map_or(Next::Idle, Next::At))
}

/// Records attempts that ended and claims messages for `queue`. Repeats that while the database is busy, because the messages are
/// already sent.
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

/// Sends one message in a task of its own and replies with the outcome, also after a panic of the sender.
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
    // Without a receiver, the worker has ended: the message is claimed again after its claim.
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
