//! Time: one worker for each channel takes what is due, sends it outside of any transaction, and records how it went.
//!
//! A worker keeps a window of messages under way and refills it as they end, so that a receiver that is slow holds up
//! its own place and nobody else's. Recording what ended and taking what is next is one commit. A crash between sending
//! and recording sends twice, under the same Message-ID or webhook-id, so that receivers can tell.

use crate::{
    App, Error,
    actions::{Attempt, record_and_take},
    domain::{Parcel, Undelivered},
    store,
};
use contracts::notification::Channel;
use platform::{
    context::Context,
    db,
    worker::{Pace, Worker},
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::mpsc, time::Instant};

/// How long one turn goes on taking messages: the order to stop is heard between turns.
const TURN: Duration = Duration::from_secs(5);
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
        Worker::new(worker_of(*channel), Duration::from_secs(5), own, |(app, channel)| deliver_due(app, channel))
    };
    Channel::ALL.iter().map(worker).collect()
}

async fn deliver_due(app: App, channel: Channel) -> Result<Pace, Error> {
    let window = app.settings.window(channel);
    let bell = app.ctx.db.bell(worker_of(channel));
    let until = Instant::now() + TURN;
    let (reply, mut replies) = mpsc::channel(window);
    let (mut under_way, mut ended) = (0, Vec::new());
    loop {
        let room = if Instant::now() < until { window - under_way } else { 0 };
        let parcels = record(&app, channel, std::mem::take(&mut ended), room).await?;
        under_way += parcels.len();
        for parcel in parcels {
            app.ctx.env.spawn(attempt(app.clone(), Arc::new(parcel), reply.clone()));
        }
        if under_way == 0 {
            return rest(&app, channel).await;
        }
        tokio::select! {
            count = replies.recv_many(&mut ended, window) => under_way -= count,
            () = bell.notified(), if room > 0 && under_way < window => {}
        }
    }
}

async fn rest(app: &App, channel: Channel) -> Result<Pace, Error> {
    let next = app.ctx.db.read(async move |tx| store::next_due(tx, channel).await).await?;
    Ok(next.map_or(Pace::Rest, Pace::Until))
}

/// Records what ended and takes what is next; patient with a busy database, because the messages are sent by now.
async fn record(app: &App, channel: Channel, ended: Vec<Attempt>, room: usize) -> Result<Vec<Parcel>, Error> {
    let ended: Arc<[Attempt]> = ended.into();
    let (most, hold) = (app.settings.attempts_max, app.settings.hold());
    for _ in 1..RECORDINGS {
        match record_and_take(&app.ctx.db, ended.clone(), most, channel, room, hold).await {
            Err(Error::Db(db::Error::Busy)) => tokio::time::sleep(app.ctx.env.jitter(RECORDING_PAUSE)).await,
            outcome => return outcome,
        }
    }
    record_and_take(&app.ctx.db, ended, most, channel, room, hold).await
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
    let wait = app.ctx.env.jitter(app.settings.backoff().after(parcel.tries + 1));
    // Nobody listens when the turn was given up: the message is taken again once it is no longer held.
    let _ = reply.send(Attempt { parcel, outcome, pause: wait }).await;
}

fn report(parcel: &Parcel, outcome: &Result<(), Undelivered>) {
    let (kind, channel) = (parcel.kind.word(), parcel.channel.word());
    if let Err(undelivered) = outcome {
        tracing::warn!(
            target: "notification", notification_id = %parcel.notification_id, correlation_id = parcel.correlation_id, kind, channel,
            attempt = parcel.attempts + 1, error = %undelivered, "a message was not delivered"
        );
    }
    let outcome = if outcome.is_ok() { "delivered" } else { "failed" };
    metrics::counter!("souk_notification_attempts_total", "channel" => channel, "outcome" => outcome).increment(1);
}
