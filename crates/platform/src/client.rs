//! Calls between services. A call is described once in `contracts::call`; whether the upstream is a router in this
//! process or an address is configuration, and both ways carry the same headers and give the same errors.
//!
//! ```ignore
//! let view = client.call(&inventory::RESERVE).body(&request).key(&key).send().await?;
//! let order = client.call(&order::GET).path(&[&order_id]).as_caller().send().await?;
//! ```

mod breaker;
mod error;
mod tokens;
mod upstream;

pub use error::CallError;
pub use tokens::{TokenSource, client_credentials};

use crate::{context::Context, env::Env, http};
use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderValue, Method, Request, header, request::Builder},
    response::Response,
};
use contracts::call::{Call, Method as CallMethod};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::HashMap,
    fmt::{Display, Write as _},
    marker::PhantomData,
    sync::{Arc, RwLock},
    time::Duration,
};
use tokens::Tokens;
use tokio::time::Instant;
use upstream::{Transport, Upstream};

/// How long a call may take when the work in hand has no deadline, and at most.
pub const USUAL_TIME: Duration = Duration::from_secs(10);
/// How large an answer may be.
pub const LARGEST_ANSWER: usize = 4 * 1024 * 1024;

const ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(25);

/// Reaches the upstreams of one service. Cheap to clone; clones share upstreams, breakers and the service's token.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    env: Env,
    upstreams: RwLock<HashMap<String, Arc<Upstream>>>,
    tokens: Tokens,
    pool: upstream::Pool,
}

/// Whose token a call carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// The service's own.
    Service,
    /// The token of the request in hand.
    Caller,
    /// None.
    Anonymous,
}

impl Client {
    /// A client without upstreams: they are registered later, because services refer to each other.
    #[must_use]
    pub fn new(env: Env) -> Client {
        Client(Arc::new(Inner { tokens: Tokens::default(), upstreams: RwLock::default(), pool: upstream::pool(), env }))
    }

    /// `service` is this router in the same process: wrapped by its [`RequestLayers`](http::RequestLayers), paths without [`http::BASE`].
    pub fn register_in_process(&self, service: &str, router: Router) {
        self.register(service, Transport::InProcess(router));
    }

    /// `service` is at this address, such as `http://inventory:8081`; paths are put behind it without [`http::BASE`].
    pub fn register_http(&self, service: &str, address: &str) {
        self.register(service, Transport::Http { base: address.trim_end_matches('/').to_owned(), pool: self.0.pool.clone() });
    }

    fn register(&self, service: &str, transport: Transport) {
        let upstream = Arc::new(Upstream::new(transport, self.0.env.clone()));
        self.0.upstreams.write().unwrap_or_else(std::sync::PoisonError::into_inner).insert(service.to_owned(), upstream);
    }

    /// Where the service's own token comes from. It is kept until shortly before it ends.
    pub fn set_tokens(&self, source: TokenSource) {
        self.0.tokens.set_source(source);
    }

    /// Begins a call, by default with the service's own token.
    pub fn call<'a, B, A>(&'a self, call: &'a Call<B, A>) -> Outgoing<'a, B, A> {
        Outgoing {
            client: self,
            call,
            path: call.path.to_owned(),
            filled: 0,
            body: None,
            key: None,
            auth: Auth::Service,
            time: USUAL_TIME,
            failed: None,
            types: PhantomData,
        }
    }

    /// Passes a request on to `service` as it is, for the gateway: the path is without [`http::BASE`], bodies flow both
    /// ways, nothing is repeated. The head of the answer comes before `deadline`.
    ///
    /// # Errors
    /// [`CallError`] when there is no answer; any answer is one.
    pub async fn forward(&self, service: &str, request: Request<Body>, deadline: Instant) -> Result<Response, CallError> {
        self.upstream(service).ok_or(CallError::Unknown)?.forward(request, deadline).await
    }

    pub(crate) fn upstream(&self, service: &str) -> Option<Arc<Upstream>> {
        self.0.upstreams.read().unwrap_or_else(std::sync::PoisonError::into_inner).get(service).cloned()
    }
}

/// A call being put together.
#[must_use = "a call is made by `send`"]
pub struct Outgoing<'a, B, A> {
    client: &'a Client,
    call: &'a Call<B, A>,
    path: String,
    filled: usize,
    body: Option<Bytes>,
    key: Option<String>,
    auth: Auth,
    time: Duration,
    failed: Option<CallError>,
    types: PhantomData<fn() -> A>,
}

impl<B: Serialize, A: DeserializeOwned> Outgoing<'_, B, A> {
    /// Fills the path's parameters in order.
    pub fn path(mut self, values: &[&(dyn Display + Sync)]) -> Self {
        for value in values {
            let (Some(open), Some(close)) = (self.path.find('{'), self.path.find('}')) else {
                self.failed = Some(CallError::Misused("more path parameters than the path has"));
                return self;
            };
            let mut encoded = String::new();
            http::encode_text(&value.to_string(), &mut encoded);
            self.path.replace_range(open..=close, &encoded);
            self.filled += 1;
        }
        self
    }

    /// Adds query parameters; `None` values are left out.
    pub fn query(mut self, parameters: &[(&str, Option<&(dyn Display + Sync)>)]) -> Self {
        for (name, value) in parameters {
            if let Some(value) = value {
                self.path.push(if self.path.contains('?') { '&' } else { '?' });
                http::encode_text(name, &mut self.path);
                self.path.push('=');
                http::encode_text(&value.to_string(), &mut self.path);
            }
        }
        self
    }

    pub fn body(mut self, body: &B) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => self.body = Some(bytes.into()),
            Err(_) => self.failed = Some(CallError::Misused("the body cannot be written as JSON")),
        }
        self
    }

    /// The idempotency key: made of what the call is for, so that repeating the work repeats the key.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Calls with the token of the request in hand.
    pub fn as_caller(mut self) -> Self {
        self.auth = Auth::Caller;
        self
    }

    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// How long it may take at most, [`USUAL_TIME`] unless said; never longer than the work in hand has.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// Makes the call, again when it is idempotent and failed in a way that may pass.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn send(self) -> Result<A, CallError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if self.path.contains('{') {
            return Err(CallError::Misused("a path parameter is missing"));
        }
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
                Ok(answer) => return Ok(answer),
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
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    async fn attempt(&self, context: &Context, deadline: Instant, upstream: &Upstream) -> Result<A, CallError> {
        let mut request = self.head(context, deadline);
        let token = match self.auth {
            Auth::Anonymous => None,
            Auth::Caller => context.bearer.clone(),
            Auth::Service => Some(self.client.0.tokens.get(&self.client.0.env, deadline).await?),
        };
        if let Some(token) = token {
            let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| CallError::Misused("the token is no header"))?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        if self.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request.body(self.body.clone().unwrap_or_default()).map_err(|_| CallError::Misused("the request cannot be built"))?;
        let (status, bytes) = upstream.exchange(request, deadline).await?;
        if !status.is_success() {
            if self.auth != Auth::Service {
                return Err(CallError::refused(status, &bytes));
            }
            if status.as_u16() == 401 {
                self.client.0.tokens.forget();
            }
            return Err(CallError::refused_service(status, &bytes));
        }
        let bytes: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
        serde_json::from_slice(bytes).map_err(|error| CallError::Unreadable(error.to_string()))
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
        // Outside of any request there is no id to carry, and the upstream's door makes one.
        if &*context.correlation_id != "none" {
            request = request.header(http::CORRELATION_ID, &*context.correlation_id);
        }
        if let Some(trace) = http::request_layers::trace() {
            request = request.header(http::TRACEPARENT, trace);
        }
        if let Some(key) = &self.key {
            // As a quoted string, so that any printable character may be in it.
            request = request.header(http::IDEMPOTENCY_KEY, format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\"")));
        }
        request
    }
}

#[cfg(test)]
mod tests;
