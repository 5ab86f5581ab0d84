//! Numbers that several processes read and replace, such as the state of a quota. They are in the memory of the NATS server: gone
//! after its restart, some time after their last change, and when there are too many, the oldest first.

use super::broker::{Broker, failed};
use crate::{
    db::Error,
    env::{Env, LockUnpoisoned as _},
    shutdown::Shutdown,
};
use async_nats::jetstream::{
    ErrorCode,
    context::{GetStreamErrorKind, PublishErrorKind},
    message::PublishMessage,
    stream::{Config, DirectGetErrorKind, DiscardPolicy, StorageType, Stream},
};
use contracts::ids::Uuid;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

/// How often the server's clock is read.
const READ_CLOCK: Duration = Duration::from_secs(10);
/// How long to wait before the values are opened again after a failure.
const REOPEN: Duration = Duration::from_secs(1);
/// How long the server may take for an operation: a request waits for it.
const PATIENCE: Duration = Duration::from_millis(250);

/// Numbers under keys. Cheap to clone.
#[derive(Clone)]
pub struct SharedValues(Arc<Inner>);

struct Inner {
    broker: Broker,
    env: Env,
    name: &'static str,
    kept: Duration,
    most: usize,
    open: Mutex<Option<Open>>,
    closed: Notify,
}

#[derive(Clone)]
struct Open {
    stream: Stream,
    /// The server's clock at an instant of this process, in nanoseconds since 1970.
    clock: (i64, Instant),
}

/// What is stored under a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoredValue {
    pub value: Option<i64>,
    /// The number of its last change; 0 when there is none.
    revision: u64,
}

impl SharedValues {
    /// The values of this name: `most` of them at most, each kept for `kept` after its last change. They are used from the moment
    /// when [`SharedValues::keep_open`] reached the server.
    #[must_use]
    pub fn new(broker: Broker, env: &Env, name: &'static str, kept: Duration, most: usize) -> SharedValues {
        SharedValues(Arc::new(Inner { broker, env: env.clone(), name, kept, most, open: Mutex::default(), closed: Notify::new() }))
    }

    /// The server's clock in nanoseconds since 1970, which all processes share; `None` while the values cannot be used.
    #[must_use]
    pub fn now(&self) -> Option<i64> {
        let (then, at) = self.0.open.lock_unpoisoned().as_ref()?.clock;
        Some(then.saturating_add(i64::try_from(at.elapsed().as_nanos()).unwrap_or(i64::MAX)))
    }

    /// Reads the value of a key, which is made of letters, digits and dots.
    ///
    /// # Errors
    /// [`Error::Failed`] when the server does not answer in time. The values cannot be used then until it answers again.
    pub async fn find(&self, key: &str) -> Result<StoredValue, Error> {
        let stream = self.stream()?;
        let reading = async {
            match stream.direct_get_last_for_subject(self.subject(key)).await {
                Ok(message) => {
                    let value = std::str::from_utf8(&message.payload).ok().and_then(|text| text.parse().ok());
                    Ok(StoredValue { value, revision: message.sequence })
                }
                Err(error) if error.kind() == DirectGetErrorKind::NotFound => Ok(StoredValue::default()),
                Err(error) => Err(failed("a shared value cannot be read", &error)),
            }
        };
        self.in_time(reading).await
    }

    /// Replaces the value of a key if it is still `expected`. Returns what is stored then; `None` when it was replaced meanwhile.
    ///
    /// # Errors
    /// As [`SharedValues::find`].
    pub async fn replace(&self, key: &str, expected: StoredValue, value: i64) -> Result<Option<StoredValue>, Error> {
        self.stream()?;
        let message = PublishMessage::build().expected_last_subject_sequence(expected.revision).payload(value.to_string().into());
        let replacing = async {
            let refused = |error: &dyn std::error::Error| failed("a shared value cannot be replaced", error);
            let sent = self.0.broker.js().send_publish(self.subject(key), message).await.map_err(|error| refused(&error))?;
            match sent.await {
                Ok(stored) => Ok(Some(StoredValue { value: Some(value), revision: stored.sequence })),
                Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => Ok(None),
                Err(error) => Err(refused(&error)),
            }
        };
        self.in_time(replacing).await
    }

    /// Opens the values, reads the server's clock now and then, and opens them again after a failure, until the shutdown.
    pub async fn keep_open(self, stop: Shutdown) {
        let mut was_open = false;
        while !stop.is_requested() {
            let opened = self.open().await;
            let is_open = opened.is_ok();
            if is_open != was_open {
                match &opened {
                    Ok(()) => tracing::info!(target: "bus", values = self.0.name, "values are shared with other processes"),
                    Err(error) => {
                        tracing::warn!(target: "bus", values = self.0.name, %error, "values are not shared with other processes; trying again");
                    }
                }
            }
            was_open = is_open;
            let pause = if is_open { READ_CLOCK } else { REOPEN };
            // A failure meanwhile is followed by the short pause, so that a server that fails is not asked all the time.
            let failed = async {
                self.0.closed.notified().await;
                self.0.env.sleep(REOPEN).await;
            };
            stop.sleep(&self.0.env, self.0.env.jitter(pause), failed).await;
        }
    }

    /// Opens the values and reads the server's clock.
    ///
    /// # Errors
    /// [`Error::Failed`] when the server cannot be reached.
    pub async fn open(&self) -> Result<(), Error> {
        let opening = async {
            let stream = self.find_or_make().await?;
            let clock = self.read_clock(&stream).await?;
            Ok(Open { stream, clock })
        };
        let opened: Result<Open, Error> = opening.await;
        let (open, outcome) = opened.map_or_else(|error| (None, Err(error)), |open| (Some(open), Ok(())));
        *self.0.open.lock_unpoisoned() = open;
        outcome
    }

    async fn find_or_make(&self) -> Result<Stream, Error> {
        let (js, wanted) = (self.0.broker.js(), self.config());
        let unusable = |error: &dyn std::error::Error| failed(&format!("the stream {} cannot be used", self.0.name), error);
        match js.get_stream(self.0.name).await {
            Ok(stream) => {
                let found = &stream.cached_info().config;
                let limits = |config: &Config| (config.max_age, config.max_messages, config.max_message_size);
                if limits(found) != limits(&wanted) {
                    js.update_stream(wanted).await.map_err(|error| unusable(&error))?;
                }
                Ok(stream)
            }
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(refused) if refused.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                    js.create_stream(wanted).await.map_err(|error| unusable(&error))
                }
                _ => Err(unusable(&error)),
            },
        }
    }

    fn config(&self) -> Config {
        Config {
            name: self.0.name.to_owned(),
            description: Some("Values that processes share; only their newest states are kept".to_owned()),
            subjects: vec![format!("{}.>", self.0.name)],
            storage: StorageType::Memory,
            discard: DiscardPolicy::Old,
            num_replicas: 1,
            max_age: self.0.kept,
            max_bytes: -1,
            max_messages: i64::try_from(self.0.most).unwrap_or(i64::MAX),
            max_messages_per_subject: 1,
            // A number and the headers of its message.
            max_message_size: 1_024,
            allow_direct: true,
            ..Config::default()
        }
    }

    /// Stores a message and reads when the server got it. It is wrong by the time of one exchange at most.
    async fn read_clock(&self, stream: &Stream) -> Result<(i64, Instant), Error> {
        let unknown = |error: &dyn std::error::Error| failed("the clock of NATS cannot be read", error);
        let began = Instant::now();
        let subject = self.subject(&format!("clock.{}", simple(self.0.env.process_id())));
        let sent = self.0.broker.js().send_publish(subject, PublishMessage::build()).await.map_err(|error| unknown(&error))?;
        let stored = sent.await.map_err(|error| unknown(&error))?;
        let middle = began + began.elapsed() / 2;
        let message = stream.direct_get(stored.sequence).await.map_err(|error| unknown(&error))?;
        let nanos = i64::try_from(message.time.unix_timestamp_nanos()).map_err(|error| unknown(&error))?;
        Ok((nanos, middle))
    }

    fn stream(&self) -> Result<Stream, Error> {
        let open = self.0.open.lock_unpoisoned();
        open.as_ref().map(|open| open.stream.clone()).ok_or_else(|| Error::Failed("shared values cannot be used now".to_owned()))
    }

    fn subject(&self, key: &str) -> String {
        format!("{}.{key}", self.0.name)
    }

    /// Waits for an operation. After a failure the values are not used until they were opened again.
    async fn in_time<T>(&self, operation: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let late = || Err(Error::Failed("NATS does not answer in time".to_owned()));
        let outcome = tokio::time::timeout(PATIENCE, operation).await.unwrap_or_else(|_| late());
        if let Err(error) = &outcome {
            tracing::warn!(target: "bus", values = self.0.name, %error, "values are not shared until NATS answers again");
            *self.0.open.lock_unpoisoned() = None;
            self.0.closed.notify_one();
        }
        outcome
    }
}

/// The id without hyphens.
fn simple(id: Uuid) -> String {
    format!("{:032x}", id.as_u128())
}
