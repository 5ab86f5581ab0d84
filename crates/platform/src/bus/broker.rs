//! The NATS server, and the stream of each service on it.

use crate::{
    db::{Db, Error},
    error_chain,
};
use async_nats::{
    Client, ConnectOptions, HeaderMap, ServerAddr,
    connection::State as ConnectionState,
    jetstream::{
        Context, ErrorCode,
        context::ContextBuilder,
        stream::{Config, DiscardPolicy, Info, RetentionPolicy, StorageType, Stream},
    },
};
use contracts::ids::Uuid;
use std::{collections::HashMap, fmt::Display, sync::Arc, time::Duration};

/// How long the server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long the answer to a question may take that most accounts may not ask.
const SYSTEM_TIMEOUT: Duration = Duration::from_millis(500);
/// How long a stream keeps events: as long as an outbox keeps them at least.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// The largest event.
const LARGEST: i32 = 1 << 20;
/// Publishes that wait for their acknowledgement at most, of all services of the process.
const IN_FLIGHT: usize = 1_024;
/// The oldest server that works: an earlier one loses acknowledged events after a power failure.
pub const OLDEST_SERVER: (u64, u64, u64) = (2, 12, 3);

/// Metadata of a stream: the identity of the database that its events come from.
const DATABASE: &str = "souk-database";
/// Metadata of a stream, and header of its messages: when the stream was made. One that was made anew has another.
pub(super) const GENERATION: &str = "Souk-Generation";
/// Header: what is wrong with the row of the event in the outbox.
pub(super) const FAULT: &str = "Souk-Fault";
/// The beginning of the names of streams and of all subjects.
const PREFIX: &str = "souk";

/// The server that carries events between processes. Cheap to clone.
#[derive(Clone)]
pub struct Broker(Arc<Inner>);

struct Inner {
    client: Client,
    js: Context,
    /// On how many servers each event is stored.
    replicas: usize,
}

/// The state of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamState {
    /// The sequence of the oldest event that is stored, or of the next one if none is.
    pub first: i64,
    /// The sequence of the newest event, stored or not any more.
    pub last: i64,
    /// The database that its events come from.
    pub database: Option<Uuid>,
    pub(super) generation: String,
    /// Whether the server stores a batch of messages as a whole or not at all.
    pub(super) takes_batches: bool,
    /// What is set otherwise than this program sets it.
    pub differences: Vec<String>,
}

impl StreamState {
    /// A stream with these bounds, for tests.
    #[must_use]
    pub fn of(first: i64, last: i64) -> StreamState {
        StreamState { first, last, database: None, generation: String::new(), takes_batches: true, differences: Vec::new() }
    }
}

/// What a server says about itself.
#[derive(Debug, Clone)]
pub struct ServerReport {
    pub version: String,
    /// Whether streams can be stored.
    pub has_jetstream: bool,
    pub is_supported: bool,
    /// Whether it syncs each event to disk before it confirms it; `None` when it does not say so to this account.
    pub syncs_always: Option<bool>,
}

impl Broker {
    /// Connects to the servers of `url`, which may hold a name and a password, or a token. The connection is made in the
    /// background, and made again whenever it breaks.
    ///
    /// # Errors
    /// [`Error::Failed`] when the URL cannot be used.
    pub async fn connect(url: &str, replicas: usize) -> Result<Broker, Error> {
        let unusable = |why: &dyn Display| Error::Failed(format!("--events: the URL cannot be used: {why}"));
        let mut servers = Vec::new();
        let mut options = ConnectOptions::new();
        for one in url.split(',').map(str::trim) {
            let mut parsed = url::Url::parse(one).map_err(|error| unusable(&error))?;
            match (parsed.username().to_owned(), parsed.password().map(str::to_owned)) {
                (user, Some(password)) => options = options.user_and_password(user, password),
                (token, None) if !token.is_empty() => options = options.token(token),
                _ => {}
            }
            // Neither is a part of the address that is logged.
            let _ = (parsed.set_username(""), parsed.set_password(None));
            servers.push(parsed.as_str().parse::<ServerAddr>().map_err(|error| unusable(&error))?);
        }
        let connecting = options
            .name("souk")
            .retry_on_initial_connect()
            .request_timeout(Some(TIMEOUT))
            .connection_timeout(TIMEOUT)
            // A wake-up is for other processes.
            .no_echo()
            .event_callback(async |event| tracing::info!(target: "bus", %event, "the connection to NATS changed"))
            .connect(servers);
        let client = connecting.await.map_err(|error| unusable(&error))?;
        let js = ContextBuilder::new().timeout(TIMEOUT).ack_timeout(TIMEOUT).max_ack_inflight(IN_FLIGHT).build(client.clone());
        Ok(Broker(Arc::new(Inner { client, js, replicas })))
    }

    pub(super) fn client(&self) -> &Client {
        &self.0.client
    }

    pub(super) fn js(&self) -> &Context {
        &self.0.js
    }

    /// Asks the server for its version.
    ///
    /// # Errors
    /// [`Error::Failed`] when it cannot be reached.
    pub async fn report(&self) -> Result<ServerReport, Error> {
        let flush = tokio::time::timeout(TIMEOUT, self.0.client.flush()).await;
        if !matches!(flush, Ok(Ok(()))) || self.0.client.connection_state() != ConnectionState::Connected {
            return Err(Error::Failed("NATS cannot be reached".to_owned()));
        }
        let version = self.0.client.server_info().version;
        let has_jetstream = self.0.js.query_account().await.is_ok();
        Ok(ServerReport { is_supported: is_supported(&version), version, has_jetstream, syncs_always: self.syncs_always().await })
    }

    /// Only the system account may ask for it.
    async fn syncs_always(&self) -> Option<bool> {
        #[derive(serde::Deserialize)]
        struct Answer {
            data: Data,
        }
        #[derive(serde::Deserialize)]
        struct Data {
            config: Settings,
        }
        #[derive(serde::Deserialize)]
        struct Settings {
            #[serde(default)]
            sync_always: bool,
        }
        let asking = self.0.client.request("$SYS.REQ.SERVER.PING.JSZ", "{\"config\":true}".into());
        let answer = tokio::time::timeout(SYSTEM_TIMEOUT, asking).await.ok()?.ok()?;
        Some(serde_json::from_slice::<Answer>(&answer.payload).ok()?.data.config.sync_always)
    }

    /// The stream of `service`; `None` when it does not exist.
    ///
    /// # Errors
    /// [`Error::Failed`] when the server does not answer.
    pub async fn find_stream(&self, service: &str) -> Result<Option<StreamState>, Error> {
        Ok(self.find(service).await?.map(|stream| self.state_of(service, stream.cached_info())))
    }

    pub(super) async fn find(&self, service: &str) -> Result<Option<Stream>, Error> {
        use async_nats::jetstream::context::GetStreamErrorKind::JetStream;
        match self.0.js.get_stream(name(service)).await {
            Ok(stream) => Ok(Some(stream)),
            Err(error) => match error.kind() {
                JetStream(refused) if refused.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
                _ => Err(failed(&format!("the stream {} cannot be read", name(service)), &error)),
            },
        }
    }

    /// Makes the stream of a producer, whose first event gets the sequence `first`.
    pub(super) async fn create(&self, producer: &Db, first: i64) -> Result<StreamState, Error> {
        let service = producer.service();
        let generation = producer.now().0.to_string();
        let metadata = HashMap::from([(DATABASE.to_owned(), producer.identity().to_string()), (GENERATION.to_owned(), generation)]);
        let config = Config { first_sequence: u64::try_from(first).ok(), metadata, ..self.config(service) };
        let stream = self.0.js.create_stream(config).await;
        let stream = stream.map_err(|error| failed(&format!("the stream {} cannot be made", name(service)), &error))?;
        Ok(self.state_of(service, stream.cached_info()))
    }

    pub(crate) async fn delete(&self, service: &str) -> Result<(), Error> {
        let deleted = self.0.js.delete_stream(name(service)).await;
        deleted.map(drop).map_err(|error| failed(&format!("the stream {} cannot be deleted", name(service)), &error))
    }

    /// Gives the stream the configuration that this program wants.
    pub(super) async fn configure(&self, service: &str) -> Result<(), Error> {
        let Some(stream) = self.find(service).await? else { return Ok(()) };
        let found = &stream.cached_info().config;
        let wanted = Config { first_sequence: found.first_sequence, metadata: found.metadata.clone(), ..self.config(service) };
        let updated = self.0.js.update_stream(wanted).await;
        updated.map(drop).map_err(|error| failed(&format!("the stream {} cannot be configured", name(service)), &error))
    }

    fn config(&self, service: &str) -> Config {
        Config {
            name: name(service),
            description: Some(format!("Events that the service {service} announced")),
            subjects: vec![format!("{PREFIX}.{service}.>")],
            storage: StorageType::File,
            retention: RetentionPolicy::Limits,
            discard: DiscardPolicy::Old,
            num_replicas: self.0.replicas,
            max_age: KEPT,
            max_bytes: -1,
            max_messages: -1,
            max_messages_per_subject: -1,
            max_message_size: LARGEST,
            duplicate_window: Duration::from_secs(120),
            allow_direct: true,
            deny_delete: true,
            deny_purge: true,
            allow_atomic_publish: true,
            ..Config::default()
        }
    }

    fn state_of(&self, service: &str, info: &Info) -> StreamState {
        let signed = |sequence| i64::try_from(sequence).unwrap_or(i64::MAX);
        let (last, found, wanted) = (signed(info.state.last_sequence), &info.config, self.config(service));
        let mut differences = Vec::new();
        let mut differs = |what: &str, is: &dyn Display, should: &dyn Display| {
            let (is, should) = (is.to_string(), should.to_string());
            if is != should {
                differences.push(format!("{what} is {is}, not {should}"));
            }
        };
        differs("its storage", &format!("{:?}", found.storage), &format!("{:?}", wanted.storage));
        differs("its number of replicas", &found.num_replicas, &wanted.num_replicas);
        differs("its maximal age", &format!("{:?}", found.max_age), &format!("{:?}", wanted.max_age));
        differs("its maximal size", &found.max_bytes, &wanted.max_bytes);
        differs("its number of messages", &found.max_messages, &wanted.max_messages);
        differs("its discard policy", &format!("{:?}", found.discard), &format!("{:?}", wanted.discard));
        differs("its retention", &format!("{:?}", found.retention), &format!("{:?}", wanted.retention));
        differs("its subjects", &found.subjects.join(", "), &wanted.subjects.join(", "));
        differs("whether it takes batches", &found.allow_atomic_publish, &wanted.allow_atomic_publish);
        StreamState {
            // A stream that stores nothing says 0 or the next sequence, depending on how it became empty.
            first: if info.state.messages == 0 { last + 1 } else { signed(info.state.first_sequence) },
            last,
            database: found.metadata.get(DATABASE).and_then(|id| id.parse().ok()),
            generation: found.metadata.get(GENERATION).cloned().unwrap_or_default(),
            takes_batches: found.allow_atomic_publish,
            differences,
        }
    }
}

/// The name of a service's stream.
#[must_use]
pub fn name(service: &str) -> String {
    format!("{PREFIX}_{service}")
}

/// The subject of an event.
pub(super) fn subject(service: &str, aggregate_type: &str, event_type: &str) -> String {
    format!("{PREFIX}.{service}.{aggregate_type}.{event_type}")
}

/// The subject of wake-ups for the other processes of a service. No stream stores it.
pub(super) fn wake_subject(service: &str) -> String {
    format!("{PREFIX}-wake.{service}")
}

pub(super) fn failed(what: &str, error: &dyn std::error::Error) -> Error {
    Error::Failed(format!("{what}: {}", error_chain(error)))
}

pub(super) fn header<'a>(headers: Option<&'a HeaderMap>, name: &str) -> Option<&'a str> {
    headers.and_then(|headers| headers.get(name)).map(|value| value.as_str())
}

fn is_supported(version: &str) -> bool {
    let mut parts = version.split(['.', '-']).map(|part| part.parse::<u64>().ok());
    match (parts.next().flatten(), parts.next().flatten(), parts.next().flatten()) {
        (Some(major), Some(minor), Some(patch)) => (major, minor, patch) >= OLDEST_SERVER,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_before_2_12_3_are_not_supported() {
        for (version, supported) in [
            ("2.12.2", false),
            ("2.12.3", true),
            ("2.9.10", false),
            ("2.15.1", true),
            ("3.0.0", true),
            ("2.12.3-beta.1", true),
            ("", false),
        ] {
            assert_eq!(is_supported(version), supported, "{version}");
        }
    }

    #[tokio::test]
    async fn a_url_that_cannot_be_used_is_refused_without_its_password() {
        let refused = Broker::connect("nats://me:secret@:x", 1).await.err().expect("it is refused").to_string();
        assert!(refused.contains("--events") && !refused.contains("secret"), "{refused}");
    }
}
