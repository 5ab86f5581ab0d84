//! Time: one worker for each channel takes what is due, sends it outside of any transaction, and records how it went.
//!
//! A worker keeps a window of messages under way and refills it as they end, and no user has more than an eighth of its
//! places. So a receiver that is slow holds up its own places and nobody else's. Recording what ended and taking what is next is one commit. A crash between sending
//! and recording sends twice, under the same Message-ID or webhook-id, so that receivers can tell.

use crate::{
    App, Error,
    actions::{Attempt, record_and_take},
    domain::{Parcel, Undelivered},
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
const LOOK: Duration = Duration::from_secs(1);
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
pub struct Window {
    size: usize,
    /// How many messages of each user are under way.
    under_way: HashMap<UserId, usize>,
}

impl Window {
    #[must_use]
    pub fn new(size: usize) -> Window {
        Window { size, under_way: HashMap::new() }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    /// How many more messages have a place.
    #[must_use]
    pub fn room(&self) -> usize {
        self.size.saturating_sub(self.under_way.values().sum())
    }

    /// Takes a place, unless all are taken or the user has as many as one may have.
    pub fn take(&mut self, user: UserId) -> bool {
        let is_free = self.room() > 0 && self.under_way.get(&user).is_none_or(|places| *places < self.most_of_one());
        if is_free {
            *self.under_way.entry(user).or_default() += 1;
        }
        is_free
    }

    pub fn free(&mut self, user: UserId) {
        if let Some(places) = self.under_way.get_mut(&user) {
            *places -= 1;
            if *places == 0 {
                self.under_way.remove(&user);
            }
        }
    }

    /// Those who have as many places as one may have: a few, because their places add up to no more than all.
    pub fn full(&self) -> impl Iterator<Item = UserId> {
        let most = self.most_of_one();
        self.under_way.iter().filter(move |(_, places)| **places >= most).map(|(user, _)| *user)
    }

    fn most_of_one(&self) -> usize {
        (self.size / 8).max(1)
    }
}

/// Delivers as long as there is something to deliver, and after the order to stop what is under way.
async fn deliver_due(app: App, channel: Channel, stop: Shutdown) -> Result<Next, Error> {
    let size = app.settings.window(channel);
    let notifier = app.ctx.db.worker_notifier(worker_of(channel));
    let (reply, mut replies) = mpsc::channel(size);
    let (mut window, mut ended) = (Window::new(size), Vec::new());
    loop {
        let free = (!stop.is_requested()).then(|| window.clone());
        for parcel in record(&app, channel, std::mem::take(&mut ended), free.clone()).await? {
            window.take(parcel.user_id);
            app.ctx.env.spawn(attempt(app.clone(), Arc::new(parcel), reply.clone()));
        }
        if window.is_empty() {
            return rest(&app, channel).await;
        }
        let looks = free.is_some() && window.room() > 0;
        tokio::select! {
            _ = replies.recv_many(&mut ended, size) => ended.iter().for_each(|attempt| window.free(attempt.parcel.user_id)),
            () = stop.sleep(&app.ctx.env, LOOK, notifier.notified()), if looks => {}
        }
    }
}

async fn rest(app: &App, channel: Channel) -> Result<Next, Error> {
    let next = app.ctx.db.read(async move |tx| store::next_due(tx, channel).await).await?;
    Ok(next.map_or(Next::Idle, Next::At))
}

/// Records what ended and takes what is next, if there is a window for it; patient with a busy database, because the messages
/// are sent by now.
async fn record(app: &App, channel: Channel, ended: Vec<Attempt>, window: Option<Window>) -> Result<Vec<Parcel>, Error> {
    let ended: Arc<[Attempt]> = ended.into();
    let (most, hold) = (app.settings.attempts_max, app.settings.hold());
    for _ in 1..RECORDINGS {
        match record_and_take(&app.ctx.db, ended.clone(), most, channel, window.clone(), hold).await {
            Err(Error::Db(db::Error::Busy)) => tokio::time::sleep(app.ctx.env.jitter(RECORDING_PAUSE)).await,
            outcome => return outcome,
        }
    }
    record_and_take(&app.ctx.db, ended, most, channel, window, hold).await
}

/// Sends one message in a task of its own and reports how it went, even when the sending panics.
async fn attempt(app: App, parcel: Arc<Parcel>, reply: mpsc::Sender<Attempt>) {
    let (channels, of, time) = (app.channels.clone(), parcel.clone(), app.settings.send_time());
    let sending = Context::new(parcel.correlation_id.as_str()).scope(async move { tokio::time::timeout(time, channels.send(&of)).await });
    let outcome = match app.ctx.env.spawn(sending).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(Undelivered::for_now(format!("it took longer than {} seconds", time.as_secs()))),
        Err(_) => Err(Undelivered::for_now("the sender failed unexpectedly")),
    };
    report(&parcel, &outcome);
    let wait = app.ctx.env.jitter(app.settings.backoff().delay(parcel.tries + 1));
    // Nobody listens when the turn was given up: the message is taken again once it is no longer held.
    let _ = reply.send(Attempt { parcel, outcome, pause: wait }).await;
}

fn report(parcel: &Parcel, outcome: &Result<(), Undelivered>) {
    let (kind, channel) = (parcel.kind.as_str(), parcel.channel.as_str());
    if let Err(undelivered) = outcome {
        tracing::warn!(
            target: "notification", notification_id = %parcel.notification_id, correlation_id = parcel.correlation_id, kind, channel,
            attempt = parcel.attempts + 1, error = %undelivered, "a message was not delivered"
        );
    }
    let outcome = if outcome.is_ok() { "delivered" } else { "failed" };
    metrics::counter!("souk_notification_attempts_total", "channel" => channel, "outcome" => outcome).increment(1);
}
