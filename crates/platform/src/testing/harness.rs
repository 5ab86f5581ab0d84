//! One service with a frozen clock, seeded chance and scripted upstreams.
//!
//! Requests go through the real router and door, events through the real inbox, time through the real workers; only the
//! upstreams are played. Nothing moves by itself: [`Harness::settle`] works until nothing is left to do.

use super::TempFolder;
use crate::{
    db::Db,
    env::Env,
    identity::{Claims, Jwks, SigningKey},
    inbox,
    master_key::MasterKey,
    outbox::{self, Published},
    runtime::{Elsewhere, Runtime, Setup},
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
use std::{collections::HashMap, sync::Mutex, time::Duration};
use tower::ServiceExt as _;

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

    /// A upstream, played by `router` (paths without `/api/v1`, for example
    /// `/internal/products/lookup`).
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
        self.resume(Left { env, key, sequences: HashMap::new(), folder: TempFolder::new() }).await
    }

    /// Starts on what an earlier process left, as after a crash.
    ///
    /// # Panics
    /// When the service does not start.
    pub async fn resume(self, left: Left) -> Harness {
        let Left { env, key, sequences, folder } = left;
        let name = self.service.name;
        let mut elsewhere: Vec<_> = self.upstreams.into_iter().map(|(name, router)| (name, Elsewhere::Router(router))).collect();
        if name != "auth" {
            elsewhere.push(("auth", Elsewhere::Router(auth_in_play(&env, &key))));
        }
        let setup = Setup {
            env: env.clone(),
            data_dir: folder.path().to_owned(),
            settings: self.settings,
            master_key: MasterKey::new([7; 32]),
            elsewhere,
            moving: false,
        };
        let runtime = Runtime::start(vec![self.service], setup).await.expect("the service starts");
        if name != "auth" {
            runtime.verifier.set_keys(&Jwks { keys: vec![key.public()] });
        }
        Harness { name, env, key, runtime, sequences: Mutex::new(sequences), folder }
    }
}

/// What is left of a process: its folder, and the world around it, which goes on.
pub struct Left {
    env: Env,
    key: SigningKey,
    sequences: HashMap<contracts::ids::Uuid, i64>,
    folder: TempFolder,
}

/// Auth, played: the keys that verify, and a token for whoever asks.
fn auth_in_play(env: &Env, key: &SigningKey) -> Router {
    let jwks = Jwks { keys: vec![key.public()] };
    let token = key.sign(&claims(env, "service", &[], Some("service")));
    Router::new()
        .route("/.well-known/jwks.json", get(move || async move { Json(jwks) }))
        .route("/auth/token", post(move || async move { Json(json!({"access_token": token, "expires_in": 100_000_000})) }))
}

fn claims(env: &Env, subject: &str, roles: &[&str], client: Option<&str>) -> Claims {
    let now = env.now().unix_seconds();
    Claims {
        iss: crate::identity::ISSUER.into(),
        aud: crate::identity::AUDIENCE.into(),
        sub: subject.into(),
        // Tests move the clock by weeks; what is under test is rarely the token.
        exp: now + 100_000_000,
        iat: now,
        nbf: None,
        jti: env.new_id::<EventId>().to_string(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        email: client.is_none().then(|| format!("{subject}@example.com")),
        sid: None,
        scope: client.map(|_| INTERNAL.to_owned()),
        client_id: client.map(str::to_owned),
    }
}

/// A running service under test.
pub struct Harness {
    pub name: &'static str,
    pub env: Env,
    key: SigningKey,
    pub runtime: Runtime,
    sequences: Mutex<HashMap<contracts::ids::Uuid, i64>>,
    folder: TempFolder,
}

impl Harness {
    #[must_use]
    pub fn of(service: Service) -> HarnessBuilder {
        HarnessBuilder { service, settings: Settings::default(), upstreams: Vec::new() }
    }

    /// Ends the process without a word. Tasks in hand end with the tokio runtime that they run on: drop it too.
    #[must_use]
    pub fn kill(self) -> Left {
        let sequences = self.sequences.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        Left { env: self.env, key: self.key, sequences, folder: self.folder }
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

    pub fn get(&self, path: &str) -> Outgoing<'_> {
        self.request(Method::GET, path)
    }
    pub fn post(&self, path: &str, body: &Value) -> Outgoing<'_> {
        self.request(Method::POST, path).json(body)
    }
    pub fn put(&self, path: &str, body: &Value) -> Outgoing<'_> {
        self.request(Method::PUT, path).json(body)
    }
    pub fn patch(&self, path: &str, body: &Value) -> Outgoing<'_> {
        self.request(Method::PATCH, path).json(body)
    }
    pub fn delete(&self, path: &str) -> Outgoing<'_> {
        self.request(Method::DELETE, path)
    }

    /// A request to the service; paths are without `/api/v1`.
    pub fn request(&self, method: Method, path: &str) -> Outgoing<'_> {
        Outgoing { harness: self, request: Request::builder().method(method).uri(path), body: Body::empty() }
    }

    /// Delivers an event of another service, as the bus would.
    ///
    /// # Panics
    /// When the inbox fails; a consumer's refusal sets the event aside instead.
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
        inbox::consume(self.db(), consumers, producer, from, vec![Published { position: from + 1, envelope }])
            .await
            .expect("the inbox takes it");
    }

    /// An event in its envelope, numbered within its aggregate.
    #[must_use]
    pub fn envelope<E: Event>(&self, event: &E) -> Envelope {
        let mut sequences = self.sequences.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
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

    /// Moves the clock.
    pub fn advance(&self, span: Duration) {
        self.env.advance(span);
    }

    /// Carries the service's own events to itself and gives its workers turns until nothing moves. Tasks that workers
    /// leave going, such as calls, go on beside the test; [`Harness::complete`] waits for them.
    ///
    /// # Panics
    /// When a worker fails, or it does not come to rest within 1,000 rounds.
    pub async fn settle(&self) {
        for _ in 0..1_000 {
            let before = self.newest_position().await;
            let moved = self.runtime.turn().await.expect("workers and carriers do their turn");
            if moved == 0 && before == self.newest_position().await {
                return;
            }
        }
        panic!("the service does not come to rest");
    }

    /// As [`Harness::settle`], and waits for the tasks of workers, until none is left and nothing moves.
    ///
    /// # Panics
    /// As [`Harness::settle`].
    pub async fn complete(&self) {
        for _ in 0..1_000 {
            self.settle().await;
            if !self.runtime.tasks_end().await {
                return;
            }
        }
        panic!("the service does not come to rest");
    }

    async fn newest_position(&self) -> i64 {
        outbox::read_after(self.db(), 0, usize::MAX >> 1).await.expect("the outbox can be read").last().map_or(0, |last| last.position)
    }

    /// Every event the service emitted so far.
    ///
    /// # Panics
    /// When the outbox cannot be read.
    pub async fn emitted(&self) -> Vec<Envelope> {
        let all = outbox::read_after(self.db(), 0, usize::MAX >> 1).await.expect("the outbox can be read");
        all.into_iter().map(|published| published.envelope).collect()
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

    /// Asserts that no event was set aside.
    ///
    /// # Panics
    /// When one was.
    pub async fn nothing_is_parked(&self) {
        let parked = inbox::list_failed_events(self.db(), None, None, 100).await.expect("the inbox can be read");
        let told: Vec<_> = parked.iter().map(|event| format!("{}: {}", event.event.event_type, event.error)).collect();
        assert!(told.is_empty(), "events were set aside: {told:?}");
    }
}

/// A request being put together.
#[must_use = "a request is made by `send`"]
pub struct Outgoing<'a> {
    harness: &'a Harness,
    request: axum::http::request::Builder,
    body: Body,
}

impl Outgoing<'_> {
    /// As this customer.
    pub fn customer(self, user: UserId) -> Self {
        let token = self.harness.token(user, &["CUSTOMER"]);
        self.bearer(&token)
    }
    /// As this seller.
    pub fn seller(self, user: UserId) -> Self {
        let token = self.harness.token(user, &["CUSTOMER", "SELLER"]);
        self.bearer(&token)
    }
    /// As an administrator.
    pub fn admin(self) -> Self {
        let token = self.harness.token(self.harness.id(), &["CUSTOMER", "ADMIN"]);
        self.bearer(&token)
    }
    /// As the service `client`.
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
    /// Any body under any type.
    pub fn raw(mut self, content_type: &str, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    /// # Panics
    /// When the request cannot be built or the answer's body not be read.
    pub async fn send(self) -> Answer {
        let router = self.harness.runtime.routers[self.harness.name].clone();
        let request = self.request.body(self.body).expect("the request can be built");
        let response = router.oneshot(request).await.expect("a router always answers");
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.into_body().collect().await.expect("the body can be read").to_bytes();
        Answer { status, headers, body: body.to_vec() }
    }
}

/// What the service answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// Asserts the status; on failure the body is shown.
    ///
    /// # Panics
    /// When it is another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// Asserts a problem document with this status and code.
    ///
    /// # Panics
    /// When it is something else.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> Answer {
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
