//! Calls of the public API on behalf of a visitor.

use crate::texts::{Language, problem_words};
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderValue, Request, StatusCode, header},
    response::Response,
};
use contracts::{call::Call, problem::Fault};
use http_body_util::BodyExt as _;
use platform::http::{BASE, IDEMPOTENCY_KEY, PeerAddr, encode_text};
use serde::{Deserialize, de::DeserializeOwned};
use std::fmt::Display;
use tower::ServiceExt as _;

/// The public API in this process. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    gateway: Router,
}

/// On whose behalf a call is made.
#[derive(Clone, Default)]
pub struct Caller {
    /// Where the request of the visitor came from, which counts for rate limits.
    pub peer: Option<PeerAddr>,
    /// The browser of the visitor, which the list of logins shows.
    pub user_agent: Option<HeaderValue>,
    pub access_token: Option<String>,
    pub cart_token: Option<String>,
    /// The language of the texts of problems.
    pub language: Language,
    /// Opens one order of a guest. It is sent alone, because an access token would count before it.
    pub order_token: Option<String>,
}

/// Why a call has no answer.
#[derive(Debug, Clone)]
pub enum Failure {
    /// The API refused it.
    Refused(Refusal),
    /// There was no answer that could be read.
    Unreadable(String),
}

/// A problem document.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Refusal {
    pub status: u16,
    pub code: String,
    pub title: String,
    pub detail: String,
    pub correlation_id: String,
    pub errors: Vec<Fault>,
}

impl Default for Refusal {
    fn default() -> Refusal {
        Refusal {
            status: 500,
            code: "INTERNAL_ERROR".into(),
            title: String::new(),
            detail: String::new(),
            correlation_id: String::new(),
            errors: Vec::new(),
        }
    }
}

impl Refusal {
    /// Replaces the sentences that programs read by those for visitors.
    fn told_in(mut self, language: Language) -> Refusal {
        self.detail = problem_words(language, &self.code, &self.detail);
        for fault in &mut self.errors {
            fault.detail = problem_words(language, &fault.code, &fault.detail);
        }
        self
    }
}

impl Failure {
    /// The refusal of a path that names nothing.
    pub fn not_found() -> Failure {
        Failure::Refused(Refusal { status: 404, code: "NOT_FOUND".into(), ..Refusal::default() })
    }

    /// The code of the refusal; empty when there was no answer.
    pub fn code(&self) -> &str {
        match self {
            Failure::Refused(refusal) => &refusal.code,
            Failure::Unreadable(_) => "",
        }
    }

    /// Whether something is wrong with what was typed or with its moment, so that the form is shown again.
    pub fn is_about_the_form(&self) -> bool {
        let status = self.status();
        status.is_client_error() && !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND)
    }

    pub fn status(&self) -> StatusCode {
        match self {
            Failure::Refused(refusal) => StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            Failure::Unreadable(_) => StatusCode::BAD_GATEWAY,
        }
    }
}

impl Api {
    pub fn new(gateway: Router) -> Api {
        Api { gateway }
    }

    /// Begins a call.
    pub fn call<'a, B, A>(&'a self, caller: &'a Caller, call: &'a Call<B, A>) -> ApiCall<'a, B, A> {
        ApiCall { api: self, caller, call, path: format!("{BASE}{}", call.path), headers: HeaderMap::new(), body: None }
    }
}

/// One call to be sent.
#[must_use = "a call is made by `send`"]
pub struct ApiCall<'a, B, A> {
    api: &'a Api,
    caller: &'a Caller,
    call: &'a Call<B, A>,
    path: String,
    headers: HeaderMap,
    body: Option<(HeaderValue, Body)>,
}

impl<B, A: DeserializeOwned> ApiCall<'_, B, A> {
    /// Fills the next parameter of the path.
    pub fn path(mut self, value: impl Display) -> Self {
        if let Some((start, end)) = self.path.find('{').zip(self.path.find('}')) {
            let mut encoded = String::new();
            encode_text(&value.to_string(), &mut encoded);
            self.path.replace_range(start..=end, &encoded);
        }
        self
    }

    pub fn query(mut self, name: &str, value: impl Display) -> Self {
        self.path.push(if self.path.contains('?') { '&' } else { '?' });
        encode_text(name, &mut self.path);
        self.path.push('=');
        encode_text(&value.to_string(), &mut self.path);
        self
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Sets the idempotency key; a form without one is a request of its own.
    pub fn key(self, key: &str) -> Self {
        if key.is_empty() { self } else { self.header(IDEMPOTENCY_KEY, key) }
    }

    /// Sends a body that the API itself checks: forms carry whatever a visitor typed.
    pub fn raw_body(mut self, body: &serde_json::Value) -> Self {
        self.body = Some((HeaderValue::from_static("application/json"), Body::from(body.to_string())));
        self
    }

    /// Sends a file.
    pub fn file(mut self, kind: HeaderValue, body: Body) -> Self {
        self.body = Some((kind, body));
        self
    }

    /// Sends the call and reads its answer.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn send(self) -> Result<A, Failure> {
        read(self.open().await?).await
    }

    /// Sends the call, and says how often it may be sent beside its answer; `None` where rates are not limited.
    pub async fn policy(self) -> (Option<String>, Result<A, Failure>) {
        match self.open().await {
            Ok(answer) => {
                let policy = answer.headers().get("ratelimit-policy").and_then(|value| value.to_str().ok()).map(str::to_owned);
                (policy, read(answer).await)
            }
            Err(failure) => (None, Err(failure)),
        }
    }

    /// Sends the call and returns its answer unread, such as a file.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn open(self) -> Result<Response, Failure> {
        let ApiCall { api, caller, call, path, headers, body } = self;
        let mut request = Request::builder().method(call.method.as_str()).uri(path);
        if let Some(all) = request.headers_mut() {
            *all = headers;
            if let Some((kind, _)) = &body {
                all.insert(header::CONTENT_TYPE, kind.clone());
            }
            if let Some(token) = &caller.order_token
                && let Ok(value) = HeaderValue::try_from(token)
            {
                all.insert("x-order-token", value);
            } else if let Some(token) = &caller.access_token
                && let Ok(value) = HeaderValue::try_from(format!("Bearer {token}"))
            {
                all.insert(header::AUTHORIZATION, value);
            } else if let Some(token) = &caller.cart_token
                && let Ok(value) = HeaderValue::try_from(token)
            {
                all.insert("x-cart-token", value);
            }
            if let Some(browser) = &caller.user_agent {
                all.insert(header::USER_AGENT, browser.clone());
            }
            all.insert(header::HOST, HeaderValue::from_static("localhost"));
        }
        let unreadable = |error: &dyn Display| Failure::Unreadable(error.to_string());
        let mut request = request.body(body.map_or_else(Body::empty, |(_, body)| body)).map_err(|error| unreadable(&error))?;
        if let Some(peer) = caller.peer {
            request.extensions_mut().insert(peer);
        }
        let Ok(answer) = api.gateway.clone().oneshot(request).await;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let body = answer.into_body().collect().await.map_err(|error| unreadable(&error))?.to_bytes();
        let refusal: Refusal = serde_json::from_slice(&body).unwrap_or_default();
        Err(Failure::Refused(Refusal { status: status.as_u16(), ..refusal }.told_in(caller.language)))
    }
}

async fn read<A: DeserializeOwned>(answer: Response) -> Result<A, Failure> {
    let unreadable = |error: &dyn Display| Failure::Unreadable(error.to_string());
    let body = answer.into_body().collect().await.map_err(|error| unreadable(&error))?.to_bytes();
    let body: &[u8] = if body.is_empty() { b"null" } else { &body };
    serde_json::from_slice(body).map_err(|error| unreadable(&error))
}
