//! Reads a stream in the order of its sequence, from the position of a consumer on. Nothing is acknowledged, and nothing of the
//! consumer is kept at the server.

use super::{
    broker::{Broker, FAULT, GENERATION, StreamState, failed, header, name, subject},
    feed::Batch,
};
use crate::{
    client::Client,
    db::Error,
    inbox::{Consumers, Source},
    outbox::{EventHead, Published},
    personal::{self, PersonKeyOf, Persons},
};
use async_nats::jetstream::{
    Message,
    consumer::{
        AckPolicy, DeliverPolicy,
        pull::{self, Ordered, OrderedConfig},
    },
    message::StreamMessage,
    stream::{DirectGetErrorKind, Stream},
};
use contracts::{
    body::BoundedVec,
    event::Envelope,
    ids::{EventId, Uuid},
    time::Timestamp,
};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use std::{sync::Arc, time::Duration};

/// Messages that are asked for at the same time.
const CONCURRENT: usize = 64;

/// The stream of one producer. Cheap to clone.
#[derive(Clone)]
pub(crate) struct StreamFeed {
    pub broker: Broker,
    pub producer: &'static str,
    /// Calls of the consumer.
    pub client: Client,
}

impl StreamFeed {
    async fn stream(&self) -> Result<Stream, Error> {
        self.broker.find(self.producer).await?.ok_or_else(|| self.missing())
    }

    fn missing(&self) -> Error {
        Error::Failed(format!("there is no stream {} yet; {} makes it when it runs", name(self.producer), self.producer))
    }

    pub(super) async fn state(&self) -> Result<StreamState, Error> {
        self.broker.find_stream(self.producer).await?.ok_or_else(|| self.missing())
    }

    pub(super) async fn source(&self) -> Result<Source, Error> {
        Ok(Source { producer: self.producer, database: self.state().await?.database.unwrap_or(Uuid::nil()) })
    }

    pub(super) async fn bounds(&self) -> Result<Option<(i64, i64)>, Error> {
        let state = self.state().await?;
        Ok((state.first <= state.last).then_some((state.first, state.last)))
    }

    pub(super) async fn event_at(&self, position: i64) -> Result<Option<EventId>, Error> {
        Ok(message_at(&self.stream().await?, position).await?.and_then(|message| event_id(&message)))
    }

    pub(super) async fn list(&self, after: i64, upto: i64) -> Result<Vec<EventHead>, Error> {
        let found = self.stream().await?;
        let positions = stream::iter(after.max(0) + 1..=upto);
        let messages = positions.map(|position| message_at(&found, position).map(move |message| message.map(|found| (position, found))));
        let read = |(position, message): (i64, Option<StreamMessage>)| async move {
            let Some(message) = message else { return Ok(None) };
            let envelope = envelope(&message.payload)?;
            let Envelope { event_id, event_type, occurred_at, .. } = envelope;
            Ok(Some(EventHead { position, event_id, event_type, occurred_at }))
        };
        messages.buffered(CONCURRENT).try_filter_map(read).try_collect().await
    }

    pub(super) async fn person_keys(&self, persons: Vec<Uuid>) -> Result<Vec<PersonKeyOf>, Error> {
        let failed = |error: &dyn std::fmt::Display| Error::Unavailable(format!("the keys of persons at {}: {error}", self.producer));
        let body = Persons { persons: BoundedVec::new(persons).map_err(|error| failed(&error.detail))? };
        self.client.call(&personal::get_keys(self.producer)).body(&body).send().await.map_err(|error| failed(&error))
    }

    /// The server counts by the subjects: the events between that are not consumed are no backlog.
    pub(super) async fn count_after(&self, position: i64, consumers: &Consumers) -> Result<(u64, Option<Timestamp>), Error> {
        let stream = self.stream().await?;
        let state = &stream.cached_info().state;
        let next = u64::try_from(position.saturating_add(1)).unwrap_or(1).max(state.first_sequence);
        if state.last_sequence < next || state.messages == 0 {
            return Ok((0, None));
        }
        let unreadable = |error: &dyn std::error::Error| failed(&format!("the stream {} cannot be counted", name(self.producer)), error);
        let config = pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: next },
            ack_policy: AckPolicy::None,
            filter_subjects: self.subjects_of(consumers),
            // It is deleted below; this is for a process that ends before.
            inactive_threshold: Duration::from_secs(10),
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        };
        let consumer = stream.create_consumer(config).await.map_err(|error| unreadable(&error))?;
        let count = consumer.cached_info().num_pending;
        let oldest = match count {
            0 => None,
            _ => {
                let mut first = consumer.fetch().max_messages(1).messages().await.map_err(|error| unreadable(&error))?;
                let first = first.next().await.transpose().map_err(|error| unreadable(&*error))?;
                first.map(|message| envelope(&message.payload)).transpose()?
            }
        };
        let deleted = stream.delete_consumer(&consumer.cached_info().name).await;
        deleted.map_err(|error| unreadable(&error))?;
        Ok((count, oldest.map(|envelope| envelope.occurred_at)))
    }

    /// The subjects of the events that are consumed; none means all.
    fn subjects_of(&self, consumers: &Consumers) -> Vec<String> {
        if consumers.consumes_every() {
            return Vec::new();
        }
        consumers.types().map(|event_type| subject(self.producer, "*", event_type)).collect()
    }
}

/// Reads one stream. It keeps its subscription from batch to batch.
#[derive(Default)]
pub(super) struct Reader(Option<Reading>);

struct Reading {
    /// The sequence of the newest message that was taken.
    reached: i64,
    /// Whether a message was taken since the subscription was made.
    has_begun: bool,
    generation: String,
    messages: Ordered,
}

/// What a reader found.
pub(super) enum Read {
    Batch(Batch),
    /// No message came within the time.
    Nothing,
    /// The stream was made anew, so that the position has to be verified.
    MadeAnew,
}

impl Reader {
    /// Reads up to `limit` messages after `position`: waits for the first of them for `time`, and takes what is there then.
    ///
    /// # Errors
    /// [`Error::Failed`] when the server does not answer, or when the next event is not in the stream any more.
    pub async fn read(
        &mut self,
        feed: &StreamFeed,
        consumers: &Consumers,
        position: i64,
        limit: usize,
        time: Duration,
    ) -> Result<Read, Error> {
        // After an error the subscription is made again.
        let mut reading = match self.0.take() {
            Some(reading) if reading.reached == position => reading,
            _ => Reading::begin(feed, position).await?,
        };
        let Ok(first) = tokio::time::timeout(time, reading.messages.next()).await else {
            let state = feed.state().await?;
            if state.generation != reading.generation {
                return Ok(Read::MadeAnew);
            }
            // A subscription that lost its place at the server waits for ever.
            if state.last <= position {
                self.0 = Some(reading);
            }
            return Ok(Read::Nothing);
        };
        let (mut taken, mut next) = (Vec::new(), first);
        loop {
            let message = next.ok_or_else(|| Error::Failed("the subscription ended".to_owned()))?;
            let message = message.map_err(|error| failed("the stream cannot be read", &error))?;
            if header(message.headers.as_ref(), GENERATION).is_some_and(|generation| generation != reading.generation) {
                return Ok(Read::MadeAnew);
            }
            let sequence = sequence(&message)?;
            // A stream has lost its oldest events, if it does not begin with the next one. Without a position all are new.
            let is_next = sequence == reading.reached.saturating_add(1) || (reading.reached == 0 && !reading.has_begun);
            if !is_next {
                return Err(begins_later(feed.producer, reading.reached, sequence));
            }
            (reading.reached, reading.has_begun) = (sequence, true);
            taken.push((sequence, message));
            if taken.len() == limit {
                break;
            }
            match reading.messages.next().now_or_never() {
                Some(following) => next = following,
                None => break,
            }
        }
        let (count, last) = (taken.len(), reading.reached);
        let is_wanted = |(sequence, message): &(i64, Message)| *sequence == last || consumers.consumes(event_type(message));
        let events: Result<Vec<Arc<Published>>, Error> = taken.into_iter().filter(is_wanted).map(published).collect();
        self.0 = Some(reading);
        Ok(Read::Batch(Batch { events: events?, count }))
    }
}

impl Reading {
    async fn begin(feed: &StreamFeed, position: i64) -> Result<Reading, Error> {
        let stream = feed.stream().await?;
        let state = feed.state().await?;
        if position > 0 && state.first > position.saturating_add(1) {
            return Err(begins_later(feed.producer, position, state.first));
        }
        let start_sequence = u64::try_from(position.saturating_add(1)).unwrap_or(1);
        let config = OrderedConfig { deliver_policy: DeliverPolicy::ByStartSequence { start_sequence }, ..OrderedConfig::default() };
        let unreadable = |error: &dyn std::error::Error| failed(&format!("the stream {} cannot be read", name(feed.producer)), error);
        let consumer = stream.create_consumer(config).await.map_err(|error| unreadable(&error))?;
        let messages = consumer.messages().await.map_err(|error| unreadable(&error))?;
        Ok(Reading { reached: position, has_begun: false, generation: state.generation, messages })
    }
}

/// The error of a consumer that would miss events.
pub(super) fn begins_later(producer: &str, position: i64, first: i64) -> Error {
    Error::Failed(format!(
        "the stream {} begins with event {first}, and the consumer stands at {position}: the events between are not there any more. If they \
         may be missed, `souk events skip` lets the consumer go on from there",
        name(producer)
    ))
}

fn sequence(message: &Message) -> Result<i64, Error> {
    let info = message.info().map_err(|error| Error::Failed(format!("a message has no sequence: {error}")))?;
    Ok(i64::try_from(info.stream_sequence).unwrap_or(i64::MAX))
}

/// The last token of the subject.
fn event_type(message: &Message) -> &str {
    message.subject.rsplit('.').next().unwrap_or_default()
}

fn published((position, message): (i64, Message)) -> Result<Arc<Published>, Error> {
    let fault = header(message.headers.as_ref(), FAULT).map(str::to_owned);
    Ok(Arc::new(Published { position, envelope: envelope(&message.payload)?, fault }))
}

fn envelope(payload: &[u8]) -> Result<Envelope, Error> {
    serde_json::from_slice(payload).map_err(|error| Error::Failed(format!("a message of the stream is no event: {error}")))
}

pub(super) async fn message_at(stream: &Stream, position: i64) -> Result<Option<StreamMessage>, Error> {
    let Some(sequence) = u64::try_from(position).ok().filter(|sequence| *sequence > 0) else { return Ok(None) };
    match stream.direct_get(sequence).await {
        Ok(message) => Ok(Some(message)),
        Err(error) if error.kind() == DirectGetErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("a message of the stream cannot be read", &error)),
    }
}

pub(super) fn event_id(message: &StreamMessage) -> Option<EventId> {
    header(Some(&message.headers), async_nats::header::NATS_MESSAGE_ID.as_ref())?.parse().ok()
}
