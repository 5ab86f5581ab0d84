//! Calls between services. A call is described once in `contracts::call`; whether the upstream is a router in this
//! process or an address is configuration, and both ways carry the same headers and give the same errors.
//!
//! ```ignore
//! let view = client.call(&inventory::RESERVE_STOCK).body(&request).key(&key).send().await?;
//! let payment = client.call(&payment::GET_PAYMENT).path(&[&payment_id]).send().await?;
//! ```

mod breaker;
mod error;
mod remote;
mod tokens;
mod upstream;

pub use error::CallError;
pub use remote::{NOT_STARTED, Remote, SERVICE};
pub use tokens::{TokenSource, client_credentials};

use crate::{context::Context, env::Env, http};
use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderValue, Method, Request, Response, header, request::Builder},
};
use contracts::call::{Call, Method as CallMethod};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::{
    collections::HashMap,
    fmt::{Display, Write as _},
    marker::PhantomData,
    sync::{Arc, RwLock},
    time::Duration,
};
use tokens::Tokens;
use tokio::time::Instant;
use upstream::Upstream;

/// How long a call may take at most, unless it has another timeout or the present context an earlier deadline.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// How large an answer may be.
pub const LARGEST_ANSWER: usize = 4 * 1024 * 1024;

const ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(25);

/// Calls the upstreams of one service. Cheap to clone; clones share upstreams, breakers and the service's token.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    env: Env,
    upstreams: RwLock<HashMap<String, Arc<Upstream>>>,
    tokens: Tokens,
}

/// The token that a call is sent with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// The service's own.
    Service,
    /// None.
    Anonymous,
}

impl Client {
    /// A client without upstreams. They are registered later, because services refer to each other.
    #[must_use]
    pub fn new(env: Env) -> Client {
        Client(Arc::new(Inner { tokens: Tokens::default(), upstreams: RwLock::default(), env }))
    }

    /// Registers `service` as this router in the same process: wrapped by its [`RequestLayers`](http::RequestLayers), paths without [`http::BASE`].
    pub fn register_in_process(&self, service: &str, router: Router) {
        self.register(service, Upstream::in_process(router, self.0.env.clone()));
    }

    /// Registers `service` at its addresses outside of this process.
    pub fn register_remote(&self, service: &str, remote: Remote) {
        self.register(service, Upstream::remote(remote));
    }

    fn register(&self, service: &str, upstream: Upstream) {
        self.0.upstreams.write().unwrap_or_else(std::sync::PoisonError::into_inner).insert(service.to_owned(), Arc::new(upstream));
    }

    /// Sets where the service's own token comes from. It is cached until shortly before it expires.
    pub fn set_tokens(&self, source: TokenSource) {
        self.0.tokens.set_source(source);
    }

    /// Begins a call, by default with the service's own token.
    pub fn call<'a, B, A>(&'a self, call: &'a Call<B, A>) -> CallBuilder<'a, B, A> {
        CallBuilder {
            client: self,
            call,
            path: call.path.to_owned(),
            body: None,
            content_type: "application/json",
            key: None,
            auth: Auth::Service,
            time: DEFAULT_TIMEOUT,
            largest_answer: LARGEST_ANSWER,
            failed: None,
            types: PhantomData,
        }
    }

    /// Forwards a request to `service` as it is, for the gateway: the path is without [`http::BASE`], the body of the answer is
    /// streamed. The head of the answer comes before `deadline`. Where the service has several addresses and a connection broke,
    /// an idempotent request, by its method or its key, is sent to the next one; another request only if there was no connection.
    ///
    /// # Errors
    /// [`CallError`] when there is no answer; an error status is an answer.
    pub async fn forward(&self, service: &str, request: Request<Body>, deadline: Instant) -> Result<Response<Body>, CallError> {
        self.upstream(service).ok_or(CallError::Unknown)?.forward(request, deadline).await
    }

    pub(crate) fn upstream(&self, service: &str) -> Option<Arc<Upstream>> {
        self.0.upstreams.read().unwrap_or_else(std::sync::PoisonError::into_inner).get(service).cloned()
    }
}

/// Builds one call.
#[must_use = "a call is made by `send`"]
pub struct CallBuilder<'a, B, A> {
    client: &'a Client,
    call: &'a Call<B, A>,
    path: String,
    body: Option<Bytes>,
    content_type: &'static str,
    key: Option<String>,
    auth: Auth,
    time: Duration,
    largest_answer: usize,
    failed: Option<CallError>,
    types: PhantomData<fn() -> A>,
}

impl<B: Serialize, A: DeserializeOwned> CallBuilder<'_, B, A> {
    /// Fills the path's parameters in order.
    pub fn path(mut self, values: &[&(dyn Display + Sync)]) -> Self {
        for value in values {
            let (Some(open), Some(close)) = (self.path.find('{'), self.path.find('}')) else {
                return self.misused("more path parameters than the path has");
            };
            let mut encoded = String::new();
            http::encode_text(&value.to_string(), &mut encoded);
            self.path.replace_range(open..=close, &encoded);
        }
        self
    }

    /// Adds the fields of `parameters`, the query type of the call. `None` is left out, a list is a parameter for each item.
    pub fn query(mut self, parameters: &impl Serialize) -> Self {
        let Some(pairs) = pairs(parameters) else { return self.misused("the query is not made of plain values") };
        for (name, value) in pairs {
            self.path.push(if self.path.contains('?') { '&' } else { '?' });
            encode_pair(&name, &value, &mut self.path);
        }
        self
    }

    pub fn body(mut self, body: &B) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => self.body = Some(bytes.into()),
            Err(_) => return self.misused("the body cannot be written as JSON"),
        }
        self
    }

    /// Sets a body in the form that browsers and OAuth use, in place of JSON.
    pub fn form(mut self, body: &B) -> Self {
        let Some(pairs) = pairs(body) else { return self.misused("the form is not made of plain values") };
        let mut form = String::new();
        for (name, value) in pairs {
            form.push_str(if form.is_empty() { "" } else { "&" });
            encode_pair(&name, &value, &mut form);
        }
        (self.body, self.content_type) = (Some(form.into()), "application/x-www-form-urlencoded");
        self
    }

    /// Sets the idempotency key. It is derived from the purpose of the call, so that a repetition has the same key.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// Makes `send` fail.
    fn misused(mut self, what: &'static str) -> Self {
        self.failed = Some(CallError::Misused(what));
        self
    }

    /// How long it may take at most: [`DEFAULT_TIMEOUT`] by default, and never longer than the deadline of the present context.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// How many bytes the answer may have: [`LARGEST_ANSWER`] by default.
    pub fn largest_answer(mut self, bytes: usize) -> Self {
        self.largest_answer = bytes;
        self
    }

    /// Sends the request, again when it is idempotent and the failure may be transient.
    ///
    /// # Errors
    /// [`CallError`]; [`CallError::document`] is the problem that was answered.
    pub async fn send(self) -> Result<A, CallError> {
        self.check()?;
        if self.call.requires_key() && self.key.is_none() {
            return Err(CallError::Misused("the call needs an idempotency key"));
        }
        let context = Context::current();
        let deadline = Instant::now() + context.remaining(self.time);
        let upstream = self.client.upstream(self.call.service).ok_or(CallError::Unknown)?;
        upstream.deposit();
        let mut attempt = 1;
        loop {
            let error = match self.attempt(&context, deadline, &upstream).await {
                Ok(body) => return read(&body),
                Err(error) => error,
            };
            let env = &self.client.0.env;
            let pause = env.jitter(error.wait().unwrap_or(FIRST_PAUSE * 4_u32.pow(attempt - 1)));
            let may = self.call.idempotent && error.is_transient() && attempt < ATTEMPTS && Instant::now() + pause < deadline;
            if !may || !upstream.withdraw() {
                tracing::debug!(service = self.call.service, path = self.call.path, attempt, %error, "a call failed");
                return Err(error);
            }
            metrics::counter!("souk_client_retries_total", "service" => self.call.service).increment(1);
            #[expect(clippy::disallowed_methods, reason = "the deadline of the call is an instant of the same clock")]
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    fn check(&self) -> Result<(), CallError> {
        match &self.failed {
            Some(error) => Err(error.clone()),
            None if self.path.contains('{') => Err(CallError::Misused("a path parameter is missing")),
            None => Ok(()),
        }
    }

    /// Sends one request and returns the body of its answer, which is a success.
    async fn attempt(&self, context: &Context, deadline: Instant, upstream: &Upstream) -> Result<Bytes, CallError> {
        let answer = self.exchange(context, deadline, upstream).await?;
        let (status, body) = (answer.status(), answer.into_body());
        if status.is_success() {
            return Ok(body);
        }
        if self.auth != Auth::Service {
            return Err(CallError::refused(status, &body));
        }
        if status.as_u16() == 401 {
            self.client.0.tokens.forget();
        }
        Err(CallError::refused_service(status, &body))
    }

    async fn exchange(&self, context: &Context, deadline: Instant, upstream: &Upstream) -> Result<Response<Bytes>, CallError> {
        let mut request = self.head(context, deadline);
        let token = match &self.auth {
            Auth::Anonymous => None,
            Auth::Service => Some(self.client.0.tokens.get(&self.client.0.env, deadline).await?),
        };
        if let Some(token) = token {
            let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| CallError::Misused("the token is no header"))?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        if self.body.is_some() {
            request = request.header(header::CONTENT_TYPE, self.content_type);
        }
        let request = request.body(self.body.clone().unwrap_or_default()).map_err(|_| CallError::Misused("the request cannot be built"))?;
        upstream.exchange(request, deadline, self.largest_answer).await
    }

    fn head(&self, context: &Context, deadline: Instant) -> Builder {
        let method = match self.call.method {
            CallMethod::Get => Method::GET,
            CallMethod::Post => Method::POST,
            CallMethod::Put => Method::PUT,
            CallMethod::Patch => Method::PATCH,
            CallMethod::Delete => Method::DELETE,
        };
        let mut millis = String::new();
        let _ = write!(millis, "{}", deadline.saturating_duration_since(Instant::now()).as_millis());
        let mut request = Request::builder().method(method).uri(&self.path).header(http::DEADLINE_MS, millis);
        // Outside of any request there is no id to send, and the upstream creates one.
        if &*context.correlation_id != "none" {
            request = request.header(http::CORRELATION_ID, &*context.correlation_id);
        }
        if let Some(trace) = http::request_layers::trace() {
            request = request.header(http::TRACEPARENT, trace);
        }
        if let Some(key) = &self.key {
            // A quoted string may hold any printable character.
            request = request.header(http::IDEMPOTENCY_KEY, format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\"")));
        }
        request
    }
}

/// Returns the fields of a struct as text; `None` when one of them is an object.
fn pairs(fields: &impl Serialize) -> Option<Vec<(String, String)>> {
    let text = |value: Value| match value {
        Value::String(text) => Some(text),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    };
    let fields = match serde_json::to_value(fields).ok()? {
        Value::Object(fields) => fields,
        Value::Null => Map::new(),
        _ => return None,
    };
    let mut pairs = Vec::new();
    for (name, value) in fields {
        let values = match value {
            Value::Null => Vec::new(),
            Value::Array(items) => items,
            value => vec![value],
        };
        for value in values {
            pairs.push((name.clone(), text(value)?));
        }
    }
    Some(pairs)
}

fn encode_pair(name: &str, value: &str, out: &mut String) {
    http::encode_text(name, out);
    out.push('=');
    http::encode_text(value, out);
}

/// Reads the answer that the contract describes. An empty body is read as `null`.
fn read<A: DeserializeOwned>(body: &[u8]) -> Result<A, CallError> {
    serde_json::from_slice(if body.is_empty() { b"null" } else { body }).map_err(|error| CallError::Unreadable(error.to_string()))
}

#[cfg(test)]
mod tests;
