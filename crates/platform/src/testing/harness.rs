//! Runs one service with a frozen clock, seeded randomness and scripted upstreams.
//!
//! Requests pass the real router and layers, events the real inbox, and the schedule the real workers; only the upstreams are
//! scripted. Nothing runs in the background: [`Harness::settle`] runs all work that is due.
//!
//! Dropping the harness checks what the test left behind: no event failed in the service's inbox, all events that the service
//! consumes from itself are delivered, and no turn or task of a worker failed. A test where that happens on purpose declares
//! it by [`Harness::expect_failed_events`] and [`Harness::expect_worker_failures`]; the declaration is checked as well.

use super::{TempFolder, TestDatabase, block_on};
use crate::{
    db::{self, Db, Migration},
    env::{Env, LockUnpoisoned as _},
    http::openapi::undescribed,
    identity::{Claims, Jwks, SigningKey},
    inbox,
    master_key::MasterKey,
    outbox::{self, Published},
    personal,
    runtime::{RemoteService, Runtime, Setup},
    service::Service,
    settings::Settings,
};
use axum::{
    Json, Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode},
    routing::{get, post},
};
use contracts::{
    auth::INTERNAL,
    event::{Envelope, Event},
    ids::{EventId, UserId},
    time::Timestamp,
};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json, value::RawValue};
use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tower::ServiceExt as _;

/// How many rounds a service may work before its test fails.
const ROUNDS: usize = 1_000;
/// How long tasks may run while a test waits for them, by the real clock.
const TASK_LIMIT: Duration = Duration::from_secs(60);

/// 2026-01-01T00:00:00Z: when every test begins.
const BEGINNING: Timestamp = Timestamp(1_767_225_600_000_000);

/// A harness before its start.
pub struct HarnessBuilder {
    service: Service,
    settings: Settings,
    upstreams: Vec<(&'static str, Router)>,
}

impl HarnessBuilder {
    /// Sets one key of the service's settings.
    #[must_use]
    pub fn setting(mut self, key: &str, value: impl Into<toml::Value>) -> Self {
        self.settings = self.settings.with(self.service.name, key, value);
        self
    }

    /// Sets a key of another section that the service reads.
    #[must_use]
    pub fn setting_of(mut self, section: &str, key: &str, value: impl Into<toml::Value>) -> Self {
        self.settings = self.settings.with(section, key, value);
        self
    }

    /// Replaces an upstream by `router`, with paths without `/api/v1`, such as `/internal/products/lookup`. The routes of auth are
    /// added to those that every service needs of it.
    #[must_use]
    pub fn upstream(mut self, name: &'static str, router: Router) -> Self {
        self.upstreams.push((name, router));
        self
    }

    /// # Panics
    /// When the service does not start.
    pub async fn start(self) -> Harness {
        let env = Env::seeded(42, BEGINNING);
        let key = SigningKey::generate(&env);
        let database = TestDatabase::make(self.service.name, self.service.migrations);
        self.resume(KilledProcess { env, key, sequences: Arc::default(), folder: Arc::new(TempFolder::new()), database }).await
    }

    /// Starts on the data of a killed process, as after a crash.
    ///
    /// # Panics
    /// When the service does not start.
    pub async fn resume(self, killed: KilledProcess) -> Harness {
        let KilledProcess { env, key, sequences, folder, database } = killed;
        let (name, migrations) = (self.service.name, self.service.migrations);
        let (of_auth, others): (Vec<_>, Vec<_>) = self.upstreams.into_iter().partition(|(upstream, _)| *upstream == "auth");
        let mut remote_services: Vec<_> = others.into_iter().map(|(name, router)| (name, RemoteService::Router(router))).collect();
        if name != "auth" {
            let auth = of_auth.into_iter().fold(scripted_auth(&env, &key), |auth, (_, router)| auth.merge(router));
            remote_services.push(("auth", RemoteService::Router(auth)));
        }
        let setup = Setup {
            env: env.clone(),
            data_dir: folder.path().to_owned(),
            settings: self.settings,
            master_key: MasterKey::new([7; 32]),
            remote_services,
            broker: None,
            run_background: false,
            databases: database.as_ref().map(|database| {
                let db = database.open(env.clone(), migrations).expect("the database of the test opens");
                BTreeMap::from([(name, db)])
            }),
        };
        let runtime = Runtime::start(vec![self.service], setup).await.expect("the service starts");
        if name != "auth" {
            runtime.verifier.set_keys(&Jwks { keys: vec![key.public()] });
        }
        Harness { name, migrations, env, key, runtime, sequences, folder, database, expected: Expected::default() }
    }
}

/// The data of a process that was killed, with the clock and the keys of its environment.
pub struct KilledProcess {
    env: Env,
    key: SigningKey,
    sequences: Sequences,
    folder: Arc<TempFolder>,
    database: Option<Arc<TestDatabase>>,
}

/// The number of the newest event of each aggregate of other services.
type Sequences = Arc<Mutex<HashMap<contracts::ids::Uuid, i64>>>;

/// What a test declared that it leaves behind.
#[derive(Default)]
struct Expected {
    failed_events: AtomicBool,
    worker_failures: AtomicBool,
    /// The process was killed, so it leaves anything behind.
    killed: AtomicBool,
}

/// The upstream auth: the keys that verify tokens, and a token for every caller.
fn scripted_auth(env: &Env, key: &SigningKey) -> Router {
    let jwks = Jwks { keys: vec![key.public()] };
    let token = key.sign(&claims(env, "service", &[], Some("service")));
    Router::new()
        .route("/.well-known/jwks.json", get(move || async move { Json(jwks) }))
        .route(
            "/internal/auth/revocations",
            get(|| async { Json(json!({"sessions": [], "roles": [], "tokenSeconds": 900, "next": BEGINNING, "isComplete": true})) }),
        )
        .route(
            "/auth/token",
            post(move || async move {
                Json(json!({"access_token": token, "token_type": "Bearer", "expires_in": 100_000_000, "scope": INTERNAL}))
            }),
        )
}

fn claims(env: &Env, subject: &str, roles: &[&str], client: Option<&str>) -> Claims {
    let now = env.now().unix_seconds();
    Claims {
        iss: crate::identity::ISSUER.into(),
        aud: crate::identity::AUDIENCE.into(),
        sub: subject.into(),
        // Tests move the clock by weeks, and few of them test the token.
        exp: now + 100_000_000,
        iat: now,
        nbf: None,
        jti: env.new_id::<EventId>().to_string(),
        roles: roles.iter().map(|role| role.parse().expect("a role")).collect(),
        email: client.is_none().then(|| format!("{subject}@example.com")),
        // A test states it where the role alone does not.
        seller_id: None,
        sid: None,
        scope: client.map(|_| INTERNAL.to_owned()),
        client_id: client.map(str::to_owned),
    }
}

/// A running service under test.
#[must_use]
pub struct Harness {
    pub name: &'static str,
    pub(super) migrations: &'static [Migration],
    pub env: Env,
    key: SigningKey,
    pub runtime: Runtime,
    sequences: Sequences,
    folder: Arc<TempFolder>,
    pub(super) database: Option<Arc<TestDatabase>>,
    expected: Expected,
}

impl Harness {
    #[must_use]
    pub fn of(service: Service) -> HarnessBuilder {
        HarnessBuilder { service, settings: Settings::default(), upstreams: Vec::new() }
    }

    /// Ends the process without any clean-up. Tasks in progress end with the tokio runtime that they run on, so drop that too.
    #[must_use]
    pub fn kill(self) -> KilledProcess {
        self.expected.killed.store(true, Ordering::SeqCst);
        let (env, key, sequences, folder) = (self.env.clone(), self.key.clone(), self.sequences.clone(), self.folder.clone());
        KilledProcess { env, key, sequences, folder, database: self.database.clone() }
    }

    /// Declares that the test leaves events in the inbox that the service could not consume.
    pub fn expect_failed_events(&self) {
        self.expected.failed_events.store(true, Ordering::SeqCst);
    }

    /// Declares that turns or tasks of workers fail in this test.
    pub fn expect_worker_failures(&self) {
        self.expected.worker_failures.store(true, Ordering::SeqCst);
    }

    #[must_use]
    pub fn db(&self) -> &Db {
        &self.runtime.databases[self.name]
    }

    #[must_use]
    pub fn data_dir(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A fresh id.
    #[must_use]
    pub fn id<T: From<contracts::ids::Uuid>>(&self) -> T {
        self.env.new_id()
    }

    /// An access token of this person with these roles.
    #[must_use]
    pub fn token(&self, user: UserId, roles: &[&str]) -> String {
        self.key.sign(&claims(&self.env, &user.to_string(), roles, None))
    }

    /// An access token of a seller who is suspended: without the role SELLER.
    #[must_use]
    pub fn suspended_seller_token(&self, user: UserId) -> String {
        self.key.sign(&Claims { seller_id: Some(user), ..claims(&self.env, &user.to_string(), &["CUSTOMER"], None) })
    }

    /// An access token of the service `client`.
    #[must_use]
    pub fn service_token(&self, client: &str) -> String {
        self.key.sign(&claims(&self.env, client, &[], Some(client)))
    }

    /// An access token of the client `client` that holds just this scope.
    #[must_use]
    pub fn scoped_token(&self, client: &str, scope: &str) -> String {
        self.key.sign(&Claims { scope: Some(scope.to_owned()), ..claims(&self.env, client, &[], Some(client)) })
    }

    pub fn get(&self, path: &str) -> TestRequest<'_> {
        self.request(Method::GET, path)
    }
    pub fn post(&self, path: &str, body: &Value) -> TestRequest<'_> {
        self.request(Method::POST, path).json(body)
    }
    pub fn put(&self, path: &str, body: &Value) -> TestRequest<'_> {
        self.request(Method::PUT, path).json(body)
    }
    pub fn patch(&self, path: &str, body: &Value) -> TestRequest<'_> {
        self.request(Method::PATCH, path).json(body)
    }
    pub fn delete(&self, path: &str) -> TestRequest<'_> {
        self.request(Method::DELETE, path)
    }

    /// A request to the service; paths are without `/api/v1`.
    pub fn request(&self, method: Method, path: &str) -> TestRequest<'_> {
        TestRequest { harness: self, request: Request::builder().method(method).uri(path), body: Body::empty() }
    }

    /// Delivers an event of another service, as the bus would.
    ///
    /// # Panics
    /// When the inbox fails. An event that the consumer refuses is recorded as failed instead.
    pub async fn deliver<E: Event>(&self, event: E) -> Envelope {
        let envelope = self.envelope(&event);
        self.deliver_envelope(envelope.clone()).await;
        envelope
    }

    /// Delivers exactly this envelope: a second time, or out of order.
    ///
    /// # Panics
    /// As [`Harness::deliver`].
    pub async fn deliver_envelope(&self, envelope: Envelope) {
        let consumers = &self.runtime.consumers[self.name];
        let producer = consumers.producers().iter().find(|producer| **producer == envelope.producer).copied();
        let producer = producer.unwrap_or_else(|| panic!("{} consumes nothing of {}", self.name, envelope.producer));
        let from = inbox::position(self.db(), producer).await.expect("the inbox can be read");
        let batch = vec![Arc::new(Published { position: from + 1, envelope, fault: None })];
        let source = inbox::Source { producer, database: contracts::ids::Uuid::nil() };
        let outcome = inbox::consume(self.db(), consumers, source, from, batch).await.expect("the inbox can be written");
        assert_eq!(outcome, inbox::Outcome::Consumed, "the position of {} moved while a test delivered an event", self.name);
    }

    /// An event in its envelope, numbered within its aggregate.
    #[must_use]
    pub fn envelope<E: Event>(&self, event: &E) -> Envelope {
        let mut sequences = self.sequences.lock_unpoisoned();
        let sequence = sequences.entry(event.aggregate_id()).or_insert(0);
        *sequence += 1;
        Envelope {
            event_id: self.env.new_id(),
            event_type: E::TYPE.into(),
            aggregate_type: E::AGGREGATE.into(),
            aggregate_id: event.aggregate_id(),
            sequence: *sequence,
            payload: RawValue::from_string(serde_json::to_string(event).expect("an event is JSON")).expect("an event is JSON"),
            correlation_id: "test".into(),
            causation_id: None,
            actor_id: None,
            producer: E::PRODUCER.into(),
            schema_version: E::VERSION,
            occurred_at: self.env.now(),
        }
    }

    /// Moves the clock, and wakes the tasks that sleep until then.
    pub fn advance(&self, span: Duration) {
        self.env.advance(span);
    }

    /// Runs `work`, and moves the clock to the end of each sleep that begins meanwhile: pauses between attempts take no time.
    pub async fn skip_sleeps<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                output = &mut work => return output,
                // On a server a unit waits for answers, during which no time passes either.
                instant = self.env.next_sleeper() => {
                    if !self.is_on_server() || self.db().queued_units() == 0 {
                        self.env.advance(instant.since(self.env.now()));
                    }
                }
            }
            // The sleeper that was woken leaves the list when it runs.
            tokio::task::yield_now().await;
        }
    }

    /// Delivers the events that the service consumes from itself and gives its workers turns, until nothing moves. Tasks that
    /// workers start, such as calls, go on beside the test; [`Harness::complete`] waits for them.
    ///
    /// # Panics
    /// When a worker fails that is not expected to, or something still moves after many rounds.
    pub async fn settle(&self) {
        let mut moved = Vec::new();
        for _ in 0..ROUNDS {
            let before = self.emitted().await.len();
            moved = match self.runtime.turn().await {
                Ok(delivered) => delivered,
                Err(_) if self.expected.worker_failures.load(Ordering::SeqCst) => Vec::new(),
                Err(error) => panic!("a turn of {} failed: {}", self.name, crate::error_chain(&*error)),
            };
            let emitted = self.emitted().await.len() - before;
            if emitted > 0 {
                moved.push(format!("{emitted} events emitted"));
            }
            if moved.is_empty() {
                return;
            }
        }
        panic!("{} does not come to rest in {ROUNDS} rounds; the last one: {}", self.name, moved.join(", "));
    }

    /// As [`Harness::settle`], and waits for the tasks of workers, until none is left and nothing moves.
    ///
    /// # Panics
    /// As [`Harness::settle`], and when a task does not end.
    pub async fn complete(&self) {
        for _ in 0..ROUNDS {
            self.settle().await;
            match tokio::time::timeout(TASK_LIMIT, self.runtime.tasks_end()).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(_) => {
                    panic!("{} still runs {}; a task may sleep until the clock moves", self.name, self.runtime.running_tasks().join(", "))
                }
            }
        }
        panic!("{} starts tasks again after {ROUNDS} rounds", self.name);
    }

    /// Every event the service emitted so far, with what it says about persons.
    ///
    /// # Panics
    /// When the outbox cannot be read.
    pub async fn emitted(&self) -> Vec<Envelope> {
        let all = outbox::read_after(self.db(), 0, usize::MAX >> 1).await.expect("the outbox can be read");
        let decrypted = self.db().read(async move |tx| {
            let mut decrypted = Vec::new();
            for Published { envelope, .. } in &all {
                decrypted.push(personal::decrypted(tx, envelope).await?.unwrap_or_else(|| envelope.clone()));
            }
            Ok::<_, db::Error>(decrypted)
        });
        decrypted.await.expect("the keys can be read")
    }

    /// The emitted events of one type.
    ///
    /// # Panics
    /// When one does not read as `E`.
    pub async fn emitted_of<E: Event>(&self) -> Vec<E> {
        let all = self.emitted().await;
        all.iter()
            .filter(|e| e.event_type == E::TYPE)
            .map(|e| serde_json::from_str(e.payload.get()).expect("an event reads as its type"))
            .collect()
    }

    /// Asserts that the service could consume every event so far. Dropping the harness asserts it as well.
    ///
    /// # Panics
    /// When it could not.
    pub async fn nothing_is_parked(&self) {
        let failed = self.failed_events().await.expect("the inbox can be read");
        assert!(failed.is_empty(), "events failed: {failed:?}");
    }

    async fn failed_events(&self) -> Result<Vec<String>, crate::db::Error> {
        let failed = inbox::list_failed_events(self.db(), None, None, 100).await?;
        Ok(failed.iter().map(|failed| format!("{} {}: {}", failed.status, failed.event.event_type, failed.error)).collect())
    }

    /// What the test left behind and did not declare, or declared and did not leave behind.
    async fn faults(&self) -> Result<Vec<String>, crate::db::Error> {
        let mut faults = Vec::new();
        let failed = self.failed_events().await?;
        match self.expected.failed_events.load(Ordering::SeqCst) {
            true if failed.is_empty() => faults.push("failed events were expected, and there is none".to_owned()),
            false => faults.extend(failed.into_iter().map(|event| format!("an event failed: {event}"))),
            true => {}
        }
        let failures = self.runtime.take_worker_failures();
        match self.expected.worker_failures.load(Ordering::SeqCst) {
            true if failures.is_empty() => faults.push("failures of workers were expected, and there was none".to_owned()),
            false => faults.extend(failures.into_iter().map(|failure| format!("a worker failed: {failure}"))),
            true => {}
        }
        match self.runtime.count_own_undelivered(self.name).await? {
            0 => {}
            count => faults.push(format!("{count} events that the service consumes from itself are not delivered; call `settle`")),
        }
        Ok(faults)
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        if std::thread::panicking() || self.expected.killed.load(Ordering::SeqCst) {
            return;
        }
        // The database answers on threads of its own.
        let faults = block_on(self.faults()).unwrap_or_else(|error| vec![format!("the check failed: {error}")]);
        assert!(faults.is_empty(), "the test of {} left something behind:\n{}", self.name, faults.join("\n"));
    }
}

/// A request that a test builds.
#[must_use = "a request is made by `send`"]
pub struct TestRequest<'a> {
    harness: &'a Harness,
    request: axum::http::request::Builder,
    body: Body,
}

impl TestRequest<'_> {
    /// Sends it as this customer.
    pub fn customer(self, user: UserId) -> Self {
        let token = self.harness.token(user, &["CUSTOMER"]);
        self.bearer(&token)
    }
    /// Sends it as this seller.
    pub fn seller(self, user: UserId) -> Self {
        let token = self.harness.token(user, &["CUSTOMER", "SELLER"]);
        self.bearer(&token)
    }
    /// Sends it as this seller, who is suspended.
    pub fn suspended_seller(self, user: UserId) -> Self {
        let token = self.harness.suspended_seller_token(user);
        self.bearer(&token)
    }
    /// Sends it as an administrator.
    pub fn admin(self) -> Self {
        let token = self.harness.token(self.harness.id(), &["CUSTOMER", "ADMIN"]);
        self.bearer(&token)
    }
    /// Sends it as the service `client`.
    pub fn service(self, client: &str) -> Self {
        let token = self.harness.service_token(client);
        self.bearer(&token)
    }
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }
    pub fn json(self, body: &Value) -> Self {
        self.raw("application/json", body.to_string())
    }
    /// Gives it any body of any type.
    pub fn raw(mut self, content_type: &str, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    /// # Panics
    /// When the request cannot be built or the answer's body not be read, and when the API description lacks the answer.
    pub async fn send(self) -> TestResponse {
        let router = self.harness.runtime.routers[self.harness.name].clone();
        let request = self.request.body(self.body).expect("the request can be built");
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = router.oneshot(request).await.expect("a router always answers");
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.into_body().collect().await.expect("the body can be read").to_bytes();
        let operations: Vec<_> = self.harness.runtime.operations.iter().map(|(_, operation)| operation).collect();
        if let Some(lack) = undescribed(&operations, &method, &path, status, &body) {
            panic!("{lack}");
        }
        TestResponse { status, headers, body: body.to_vec() }
    }
}

/// The answer of the service.
#[derive(Debug, Clone)]
pub struct TestResponse {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl TestResponse {
    /// Asserts the status; on failure the body is shown.
    ///
    /// # Panics
    /// When it is another.
    #[track_caller]
    pub fn expect(self, status: u16) -> TestResponse {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// Asserts a problem document with this status and code.
    ///
    /// # Panics
    /// When it is something else.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> TestResponse {
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.json()["code"], code, "{}", answer.json());
        answer
    }

    /// # Panics
    /// When it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {}", String::from_utf8_lossy(&self.body)))
    }

    /// # Panics
    /// When it does not read as `T`.
    #[must_use]
    pub fn read<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// A header's text; empty when absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
