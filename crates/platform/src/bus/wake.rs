//! Wakes the other replicas of a service after a commit. The messages are not stored: one that is lost costs the time until the
//! next poll and nothing else.

use super::broker::{Broker, failed, wake_subject};
use crate::{
    db::{Db, Error},
    env::LockUnpoisoned as _,
    shutdown::Shutdown,
};
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::Notify;

/// How long wake-ups gather, so that many commits send one message.
const GATHER: Duration = Duration::from_millis(5);

/// What the commits of this process wake elsewhere. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct WakeUps(Arc<Inner>);

#[derive(Default)]
struct Inner {
    pending: Mutex<BTreeSet<String>>,
    notify: Notify,
}

/// The message: names of workers, and whether the outbox grew.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct WakeUp {
    workers: BTreeSet<String>,
}

/// Stands for the growth of the outbox among the names of workers.
const OUTBOX: &str = "outbox";

impl WakeUps {
    /// Notes what a commit wakes.
    pub fn add(&self, workers: &[&'static str], outbox_grew: bool) {
        if workers.is_empty() && !outbox_grew {
            return;
        }
        let outbox = outbox_grew.then_some(OUTBOX);
        self.0.pending.lock_unpoisoned().extend(workers.iter().copied().chain(outbox).map(str::to_owned));
        self.0.notify.notify_one();
    }

    fn take(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.0.pending.lock_unpoisoned())
    }
}

/// Sends wake-ups to the other replicas of the service and receives theirs, until the shutdown.
pub(crate) async fn exchange(db: Db, broker: Broker, stop: Shutdown) {
    let wake_ups = WakeUps::default();
    db.report_commits_to(wake_ups.clone());
    while !stop.is_requested() {
        let ended = tokio::select! {
            () = stop.requested() => return,
            outcome = send(&db, &broker, &wake_ups) => outcome,
            outcome = receive(&db, &broker) => outcome,
        };
        if let Err(error) = ended {
            tracing::debug!(target: "bus", service = db.service(), %error, "wake-ups are not exchanged; trying again");
        }
        stop.sleep(db.env(), Duration::from_secs(1), std::future::pending()).await;
    }
}

async fn send(db: &Db, broker: &Broker, wake_ups: &WakeUps) -> Result<(), Error> {
    loop {
        wake_ups.0.notify.notified().await;
        db.env().sleep(GATHER).await;
        let message = WakeUp { workers: wake_ups.take() };
        let payload = serde_json::to_vec(&message).map_err(|error| failed("a wake-up cannot be written", &error))?;
        let sent = broker.client().publish(wake_subject(db.service()), payload.into()).await;
        sent.map_err(|error| failed("a wake-up cannot be sent", &error))?;
    }
}

async fn receive(db: &Db, broker: &Broker) -> Result<(), Error> {
    let subscribed = broker.client().subscribe(wake_subject(db.service())).await;
    let mut received = subscribed.map_err(|error| failed("wake-ups cannot be received", &error))?;
    while let Some(message) = received.next().await {
        // A message of another version is none for this one.
        let WakeUp { workers } = serde_json::from_slice(&message.payload).unwrap_or_default();
        for name in workers {
            if name == OUTBOX { db.outbox_grew_elsewhere() } else { db.wake_worker(&name) }
        }
    }
    Ok(())
}
