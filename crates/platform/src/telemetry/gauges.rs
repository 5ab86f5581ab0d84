//! Gauges whose values are in databases. They are read when someone asks for the metrics, and cost nothing otherwise.

use crate::{
    bus::Feed,
    db::{Db, Error},
    inbox::{self, Consumers},
};
use contracts::time::Timestamp;
use std::{future::Future, pin::Pin, sync::Arc};

/// Sets the gauges of one service from its database.
pub type GaugeReader = Arc<dyn Fn(Db) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> + Send + Sync>;

/// Everything that is read for the metrics of running services.
pub struct Gauges {
    pub(crate) databases: Vec<Db>,
    /// Events, their consumer, and what it consumes.
    pub(crate) subscriptions: Vec<(Feed, Db, Consumers)>,
    pub(crate) of_services: Vec<(Db, GaugeReader)>,
}

impl Gauges {
    /// Sets every gauge. A database that cannot be read keeps the values that its gauges have, with a line in the log.
    pub async fn update(&self) {
        for db in &self.databases {
            metrics::gauge!("souk_db_queued_units", "service" => db.service()).set(db.queued_units() as f64);
            report(db, inbox::set_gauges(db).await);
        }
        for (feed, consumer, consumers) in &self.subscriptions {
            report(consumer, unread(feed, consumer, consumers).await);
        }
        for (db, read) in &self.of_services {
            report(db, read(db.clone()).await);
        }
    }
}

fn report(db: &Db, outcome: Result<(), Error>) {
    if let Err(error) = outcome {
        tracing::warn!(target: "db", service = db.service(), %error, "the metrics of a database cannot be read");
    }
}

async fn unread(feed: &Feed, consumer: &Db, consumers: &Consumers) -> Result<(), Error> {
    let labels = [("producer", feed.producer()), ("consumer", consumer.service())];
    let position = inbox::position(consumer, feed.producer()).await?;
    let (events, oldest) = feed.count_after(position, consumers).await?;
    metrics::gauge!("souk_events_unread", &labels).set(events as f64);
    metrics::gauge!("souk_events_unread_age_seconds", &labels).set(age_seconds(oldest, consumer.now()));
    Ok(())
}

/// How long ago the oldest of some things happened: 0 when there is none.
#[must_use]
pub fn age_seconds(oldest: Option<Timestamp>, now: Timestamp) -> f64 {
    oldest.map_or(0.0, |oldest| now.since(oldest).as_secs_f64())
}
