//! Copies the outbox of a service into its stream: row *n* becomes the message with the sequence *n*.
//!
//! Rows travel in atomic batches: the server stores all messages of a batch or none, and syncs them to disk together. A batch is sent
//! with the sequence that must precede it, so that none is left out or stored twice, whoever else publishes. The stream itself says
//! what it holds: after each failure, and when the broker lost its newest messages, the outbox is read again from there.

use super::{
    BACKOFF, IDLE,
    broker::{Broker, FAULT, GENERATION, StreamState, failed, name, subject},
    lease::Lease,
    stream::{event_id, message_at},
};
use crate::{
    db::{Db, Error},
    outbox::{self, Published},
    shutdown::Shutdown,
};
use async_nats::{
    HeaderMap, HeaderValue,
    header::{
        NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL, NATS_BATCH_ID, NATS_BATCH_SEQUENCE, NATS_EXPECTED_LAST_SEQUENCE, NATS_MESSAGE_ID,
    },
    jetstream::message::PublishMessage,
};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// Messages of one batch at most. The server takes up to 1,000.
const BATCH: usize = 256;

/// How far the outbox of a service was published. Rows after it are kept.
#[derive(Clone, Default)]
pub(crate) struct PublishedPosition(Arc<AtomicI64>);

impl PublishedPosition {
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The publisher of one service.
pub(crate) struct Publisher {
    db: Db,
    broker: Broker,
    position: PublishedPosition,
    /// The stream as it was found and filled since. `None` when it has to be asked.
    stream: Option<StreamState>,
}

impl Publisher {
    pub fn new(db: Db, broker: Broker, position: PublishedPosition) -> Publisher {
        Publisher { db, broker, position, stream: None }
    }

    /// Publishes until the shutdown, while this process holds the lease.
    pub async fn run(mut self, lease: Lease, stop: Shutdown) {
        let (db, env) = (self.db.clone(), self.db.env().clone());
        let mut growth = db.outbox_grew();
        let mut failures = 0;
        while !stop.is_requested() {
            growth.mark_unchanged();
            if !lease.hold_or_wait(&stop).await {
                self.stream = None;
                continue;
            }
            match self.step().await {
                Ok(0) => {
                    failures = 0;
                    let grew = async {
                        // An error means that the database was closed, which ends the process.
                        let _ = growth.changed().await;
                    };
                    let checked = env.now();
                    stop.sleep(&env, IDLE, grew).await;
                    if env.now().since(checked) >= IDLE {
                        // The broker may have lost messages meanwhile.
                        self.stream = None;
                    }
                }
                Ok(_) => failures = 0,
                Err(error) => {
                    failures += 1;
                    tracing::warn!(target: "bus", producer = db.service(), %error, failures, "events were not published; trying again");
                    metrics::counter!("souk_publish_failures_total", "producer" => db.service()).increment(1);
                    stop.sleep(&env, env.jitter(BACKOFF.delay(failures)), std::future::pending()).await;
                }
            }
        }
    }

    /// Publishes the events that are in the outbox.
    pub async fn publish_present(&mut self) -> Result<usize, Error> {
        let mut total = 0;
        self.stream = None;
        loop {
            match self.step().await? {
                0 => return Ok(total),
                events => total += events,
            }
        }
    }

    /// Publishes the next events. Returns how many.
    pub(super) async fn step(&mut self) -> Result<usize, Error> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.find_or_make().await?,
        };
        let rows = outbox::read_after(&self.db, stream.last, BATCH).await?;
        if let Some(first) = rows.first().filter(|first| first.position != stream.last + 1) {
            let why = "the outbox keeps no longer the event that follows its last one";
            self.make_anew(why, first.position).await?;
            return Ok(0);
        }
        let count = rows.len();
        self.publish(&stream, rows).await?;
        stream.last += i64::try_from(count).unwrap_or(0);
        self.position.0.store(stream.last, Ordering::Relaxed);
        self.stream = Some(stream);
        metrics::counter!("souk_events_published_total", "producer" => self.db.service()).increment(count as u64);
        Ok(count)
    }

    /// Sends the rows as one batch, and awaits that the server stored it.
    async fn publish(&self, stream: &StreamState, rows: Vec<Published>) -> Result<(), Error> {
        let refused = |error: &dyn std::error::Error| failed(&format!("the stream {} takes no event", name(self.db.service())), error);
        let Some(last) = rows.last().map(|row| row.position) else { return Ok(()) };
        let before = u64::try_from(stream.last).map_err(|error| refused(&error))?;
        let (client, batch) = (self.broker.client(), self.broker.client().new_inbox());
        for (place, Published { position, envelope, fault }) in (1_u64..).zip(rows) {
            let payload = serde_json::to_vec(&envelope).map_err(|error| refused(&error))?;
            let mut headers = HeaderMap::new();
            headers.insert(NATS_MESSAGE_ID, envelope.event_id.to_string());
            headers.insert(NATS_BATCH_ID, batch.as_str());
            headers.insert(NATS_BATCH_SEQUENCE, HeaderValue::from(place));
            headers.insert(GENERATION, stream.generation.as_str());
            if place == 1 {
                headers.insert(NATS_EXPECTED_LAST_SEQUENCE, HeaderValue::from(before));
            }
            if let Some(fault) = fault {
                headers.insert(FAULT, fault.replace(['\r', '\n'], " "));
            }
            let subject = subject(self.db.service(), &envelope.aggregate_type, &envelope.event_type);
            if position < last {
                client.publish_with_headers(subject, headers, payload.into()).await.map_err(|error| refused(&error))?;
                continue;
            }
            headers.insert(NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL);
            let message = PublishMessage::build().headers(headers).payload(payload.into());
            let sent = self.broker.js().send_publish(subject, message).await.map_err(|error| refused(&error))?;
            let taken = sent.await.map_err(|error| refused(&error))?;
            if i64::try_from(taken.sequence) != Ok(position) {
                return Err(Error::Failed(format!("the server stored event {position} as message {} of {}", taken.sequence, taken.stream)));
            }
        }
        Ok(())
    }

    /// The stream, made if there is none, and made anew if it is no copy of the outbox.
    async fn find_or_make(&self) -> Result<StreamState, Error> {
        let service = self.db.service();
        let (oldest, newest) = outbox::bounds(&self.db).await?.unwrap_or((1, 0));
        let Some(stream) = self.broker.find(service).await? else {
            tracing::info!(target: "bus", producer = service, first = oldest, "the stream is made");
            return self.broker.create(&self.db, oldest).await;
        };
        let Some(state) = self.broker.find_stream(service).await? else { return self.broker.create(&self.db, oldest).await };
        if state.database != Some(self.db.identity()) {
            return Err(Error::Failed(format!(
                "the stream {} holds the events of another database of {service}: another installation uses this server, or the database \
                 was replaced. Give this one a server or an account of its own, or delete the stream",
                name(service)
            )));
        }
        if !state.differences.is_empty() {
            tracing::info!(target: "bus", producer = service, differences = ?state.differences, "the stream is configured again");
            self.broker.configure(service).await?;
            let configured = self.broker.find_stream(service).await?;
            if !configured.is_some_and(|state| state.takes_batches) {
                return Err(Error::Failed(format!("the NATS server is too old: its stream {} takes no batches", name(service))));
            }
        }
        if state.last > newest {
            return self.make_anew("it holds events that the database does not have: the database is older", oldest).await;
        }
        if oldest > state.last + 1 {
            return self.make_anew("the outbox keeps no longer the event that follows its last one", oldest).await;
        }
        if let (Some(there), Some(here)) = (message_at(&stream, state.last).await?, outbox::event_at(&self.db, state.last).await?)
            && event_id(&there) != Some(here)
        {
            return self.make_anew("it holds other events than the database", oldest).await;
        }
        Ok(state)
    }

    async fn make_anew(&self, why: &str, first: i64) -> Result<StreamState, Error> {
        let service = self.db.service();
        tracing::warn!(target: "bus", producer = service, first, "the stream {} is made anew: {why}", name(service));
        metrics::counter!("souk_streams_made_anew_total", "producer" => service).increment(1);
        self.broker.delete(service).await?;
        self.broker.create(&self.db, first).await
    }
}
