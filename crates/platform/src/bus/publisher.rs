//! Copies the outbox of a service into its stream: row *n* becomes the message with the sequence *n*.
//!
//! Each message is sent with the sequence that must precede it, so that none is left out or stored twice, whoever else publishes.
//! The stream itself says what it holds: after each failure, and when the broker lost its newest messages, the outbox is read again
//! from there.

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
use async_nats::jetstream::message::PublishMessage;
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// Messages that are sent before the first acknowledgement is awaited.
const PIPELINE: usize = 256;

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
    async fn step(&mut self) -> Result<usize, Error> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.find_or_make().await?,
        };
        let rows = outbox::read_after(&self.db, stream.last, PIPELINE).await?;
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

    /// Sends the rows and awaits their acknowledgements in order. After a refusal the server refuses all that follow.
    async fn publish(&self, stream: &StreamState, rows: Vec<Published>) -> Result<(), Error> {
        let refused = |error: &dyn std::error::Error| failed(&format!("the stream {} takes no event", name(self.db.service())), error);
        let mut sent = Vec::with_capacity(rows.len());
        for Published { position, envelope, fault } in rows {
            let before = u64::try_from(position - 1).map_err(|error| refused(&error))?;
            let payload = serde_json::to_vec(&envelope).map_err(|error| refused(&error))?;
            let mut message = PublishMessage::build()
                .message_id(envelope.event_id.to_string())
                .expected_last_sequence(before)
                .header(GENERATION, stream.generation.as_str())
                .payload(payload.into());
            if let Some(fault) = fault {
                message = message.header(FAULT, fault.replace(['\r', '\n'], " ").as_str());
            }
            let subject = subject(self.db.service(), &envelope.aggregate_type, &envelope.event_type);
            let sending = self.broker.js().send_publish(subject, message).await;
            sent.push((position, sending.map_err(|error| refused(&error))?));
        }
        for (position, acknowledged) in sent {
            let taken = acknowledged.await.map_err(|error| refused(&error))?;
            // An event that the server knows already was not stored again.
            if i64::try_from(taken.sequence) != Ok(position) {
                let known = taken.sequence;
                return Err(Error::Failed(format!("the server knows event {position} as message {known} of {}", taken.stream)));
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
