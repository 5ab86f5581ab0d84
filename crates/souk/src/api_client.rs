//! A client of the public API for benchmarks and tests. Requests are built from the calls that `contracts` declares.
//!
//! It sends every request exactly once: `platform::client` retries and has a circuit breaker, which would falsify both.

use anyhow::{Context as _, Result, bail};
use axum::body::Bytes;
use contracts::{
    auth::{LOG_IN, Login, REGISTER, RegisterUser, Tokens},
    call::Call,
    secret::{NewPassword, Secret},
    text::{Email, Name},
    user::WriteAddress,
};
use http_body_util::{BodyExt as _, Full};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use platform::http::{BASE, IDEMPOTENCY_KEY, encode_text};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{fmt::Display, marker::PhantomData, time::Duration};

const TIMEOUT: Duration = Duration::from_secs(30);

/// A connection pool and the token of one user. Clones share the pool.
#[derive(Clone)]
pub struct Api {
    base: String,
    client: Client<HttpConnector, Full<Bytes>>,
    token: Option<String>,
}

/// A request with body `B` and answer `A`.
#[derive(Clone)]
pub struct ApiRequest<B = Value, A = Value> {
    method: Method,
    pub path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    types: PhantomData<fn(B) -> A>,
}

/// Begins the request of a call.
#[must_use]
pub fn request<B, A>(call: &Call<B, A>) -> ApiRequest<B, A> {
    ApiRequest::new(call.method.as_str().parse().expect("a method of a call is one of HTTP"), call.path)
}

/// Begins a request to any `path` below `/api/v1`, or to one from the root if it begins with `//`.
#[must_use]
pub fn raw(method: Method, path: &str) -> ApiRequest {
    ApiRequest::new(method, path)
}

impl<B, A> ApiRequest<B, A> {
    fn new(method: Method, path: &str) -> ApiRequest<B, A> {
        ApiRequest { method, path: path.to_owned(), headers: Vec::new(), body: Vec::new(), types: PhantomData }
    }

    /// Fills the next parameter of the path.
    ///
    /// # Panics
    /// When the path has no more parameters.
    #[must_use]
    pub fn path(mut self, value: impl Display) -> Self {
        let (start, end) = self.path.find('{').zip(self.path.find('}')).expect("the path has a parameter for each value");
        let mut encoded = String::new();
        encode_text(&value.to_string(), &mut encoded);
        self.path.replace_range(start..=end, &encoded);
        self
    }

    #[must_use]
    pub fn query(mut self, name: &str, value: impl Display) -> Self {
        self.path.push(if self.path.contains('?') { '&' } else { '?' });
        encode_text(name, &mut self.path);
        self.path.push('=');
        encode_text(&value.to_string(), &mut self.path);
        self
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the idempotency key.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header(IDEMPOTENCY_KEY, key)
    }

    /// Asks the server to wait for the outcome.
    #[must_use]
    pub fn wait(self) -> Self {
        self.header("prefer", "wait=20")
    }

    /// Sets any bytes as the body.
    #[must_use]
    pub fn bytes(self, content_type: &str, body: Vec<u8>) -> Self {
        ApiRequest { body, ..self.header("content-type", content_type) }
    }

    /// Forgets the types, so that requests of different calls fit into one list.
    #[must_use]
    pub fn untyped(self) -> ApiRequest {
        let ApiRequest { method, path, headers, body, .. } = self;
        ApiRequest { method, path, headers, body, types: PhantomData }
    }
}

impl<B: Serialize, A> ApiRequest<B, A> {
    /// # Panics
    /// When the body cannot be written as JSON.
    #[must_use]
    pub fn body(self, body: &B) -> Self {
        self.bytes("application/json", serde_json::to_vec(body).expect("a body of a call is JSON"))
    }
}

/// An answer with body `A`, or a problem.
pub struct Reply<A = Value> {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    types: PhantomData<fn() -> A>,
}

impl<A: DeserializeOwned> Reply<A> {
    /// Reads the body of a success.
    ///
    /// # Errors
    /// When the answer is a problem, or not what the contract says.
    pub fn read(&self) -> Result<A> {
        if !self.status.is_success() {
            bail!("{} {}", self.status, String::from_utf8_lossy(&self.body));
        }
        Ok(serde_json::from_slice(if self.body.is_empty() { b"null" } else { &self.body })?)
    }
}

impl<A> Reply<A> {
    /// The body as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Status and code of a problem.
    #[must_use]
    pub fn problem(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["code"].as_str().unwrap_or_default().to_owned())
    }
}

impl Api {
    /// `base` is such as `http://127.0.0.1:8080`.
    #[must_use]
    pub fn new(base: &str) -> Api {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client =
            Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(20)).build(connector);
        Api { base: base.trim_end_matches('/').to_owned(), client, token: None }
    }

    #[must_use]
    pub fn with_token(&self, token: &str) -> Api {
        Api { token: Some(format!("Bearer {token}")), ..self.clone() }
    }

    fn with_tokens(&self, tokens: &Tokens) -> Api {
        self.with_token(tokens.access_token.reveal())
    }

    /// # Errors
    /// When e-mail and password are rejected.
    pub async fn log_in(&self, (email, password): (&str, &str)) -> Result<Api> {
        let login = Login { email: Email::parse(email)?, password: Secret::parse(password)? };
        Ok(self.with_tokens(&self.must(request(&LOG_IN).body(&login)).await?))
    }

    /// # Errors
    /// When the account cannot be created.
    pub async fn register(&self, (email, password): (&str, &str), name: &str) -> Result<Api> {
        let account = RegisterUser { email: Email::parse(email)?, password: NewPassword::parse(password)?, name: Name::parse(name)? };
        Ok(self.with_tokens(&self.must(request(&REGISTER).body(&account)).await?))
    }

    /// The same user at the address of `other`.
    #[must_use]
    pub fn moved_to(&self, other: &Api) -> Api {
        Api { token: self.token.clone(), ..other.clone() }
    }

    /// Whether `/readyz` answers 200.
    pub async fn is_ready(&self) -> bool {
        self.send(raw(Method::GET, "//readyz")).await.is_ok_and(|reply| reply.status.is_success())
    }

    /// Sends a request.
    ///
    /// # Errors
    /// When there is no answer within 30 seconds.
    pub async fn send<B, A>(&self, request: ApiRequest<B, A>) -> Result<Reply<A>> {
        let uri = match request.path.strip_prefix('/').filter(|rest| rest.starts_with('/')) {
            Some(root) => format!("{}{root}", self.base),
            None => format!("{}{BASE}{}", self.base, request.path),
        };
        let mut http = Request::builder().method(request.method).uri(uri);
        if let Some(token) = &self.token {
            http = http.header("authorization", token);
        }
        for (name, value) in request.headers {
            http = http.header(name, value);
        }
        let http = http.body(Full::new(request.body.into()))?;
        let exchange = async {
            let (head, body) = self.client.request(http).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            anyhow::Ok(Reply { status: head.status, headers: head.headers, body, types: PhantomData })
        };
        tokio::time::timeout(TIMEOUT, exchange).await.context("no answer in time")?
    }

    /// Sends a request that must succeed.
    ///
    /// # Errors
    /// When there is no answer, or it is a problem.
    pub async fn must<B, A: DeserializeOwned>(&self, request: ApiRequest<B, A>) -> Result<A> {
        let context = format!("{} {}", request.method, request.path);
        self.send(request).await?.read().context(context)
    }
}

/// An address in Berlin.
///
/// # Panics
/// Never: it is valid.
#[must_use]
pub fn sample_address() -> WriteAddress {
    let address = json!({"country": "DE", "city": "Berlin", "zip": "10115", "street": "Invalidenstraße", "number": "1"});
    serde_json::from_value(address).expect("the address is valid")
}
