//! What stands around every route of a service: one hand-written layer, because a call between upstreams in one process
//! passes it too and should cost microseconds.

use super::{BASE, CORRELATION_ID, DEADLINE_MS, TRACEPARENT, answer::NextCursor, conditional, problem::Problem, text};
use crate::{context::Context, env::Env, identity::Verifier};
use axum::{
    Router,
    body::Body,
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use contracts::{ids::Uuid, problem::Code};
use std::{
    convert::Infallible,
    future::Future,
    net::SocketAddr,
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    sync::{Arc, OnceLock, RwLock},
    task::{Context as Poller, Poll},
    time::Duration,
};
use tokio::time::Instant;
use tower::{Layer, Service};
use tracing::Instrument as _;

/// How long a request may take unless its caller gave less.
pub const USUAL_TIME: Duration = Duration::from_secs(30);

static X_CORRELATION_ID: HeaderName = HeaderName::from_static(CORRELATION_ID);

tokio::task_local! {
    static TRACE: HeaderValue;
}

/// The `traceparent` of the request in hand, for the calls it causes.
pub(crate) fn trace() -> Option<HeaderValue> {
    TRACE.try_with(Clone::clone).ok()
}

/// The address of whoever holds the other end of the connection; absent on calls within the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// The door of one service. It gives every request its context (correlation id, deadline, token), every answer its
/// headers, and turns panics, time-outs, unknown paths and methods into problem documents.
#[derive(Clone)]
pub struct RequestLayers {
    service: &'static str,
    env: Env,
    verifier: Option<Verifier>,
    time: Duration,
}

impl RequestLayers {
    /// A door for `service`. Without a [`verifier`](Self::verifier) nobody who needs a token gets in.
    #[must_use]
    pub fn new(service: &'static str, env: Env) -> RequestLayers {
        RequestLayers { service, env, verifier: None, time: USUAL_TIME }
    }

    /// Who checks the callers' tokens.
    #[must_use]
    pub fn verifier(mut self, verifier: Verifier) -> RequestLayers {
        self.verifier = Some(verifier);
        self
    }

    /// How long a request may take at most, [`USUAL_TIME`] unless said.
    #[must_use]
    pub fn time(mut self, time: Duration) -> RequestLayers {
        self.time = time;
        self
    }

    /// The router with this door around every route, and problems for paths and methods that it does not have.
    pub fn wrap(self, router: Router) -> Router {
        router.fallback(not_found).method_not_allowed_fallback(not_allowed).layer(Around(Arc::new(self)))
    }
}

async fn not_found() -> Problem {
    Problem::new(Code::NOT_FOUND).detail("there is no such path")
}

/// axum adds `Allow`. `OPTIONS` is a question that `Allow` answers.
async fn not_allowed(method: Method) -> Response {
    if method == Method::OPTIONS { StatusCode::NO_CONTENT.into_response() } else { Problem::new(Code::METHOD_NOT_ALLOWED).into_response() }
}

#[derive(Clone)]
struct Around(Arc<RequestLayers>);

impl<I> Layer<I> for Around {
    type Service = Inside<I>;
    fn layer(&self, inner: I) -> Inside<I> {
        Inside { inner, door: self.0.clone(), measures: Arc::default() }
    }
}

#[derive(Clone)]
struct Inside<I> {
    inner: I,
    door: Arc<RequestLayers>,
    /// One per route: axum layers each separately.
    measures: Arc<Measures>,
}

impl<I> Service<Request> for Inside<I>
where
    I: Service<Request, Response = Response, Error = Infallible> + Send,
    I::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, poller: &mut Poller<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(poller)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let began = Instant::now();
        let seen = Seen::of(&request);
        let context = self.door.context(request.headers(), began);
        let deadline = context.deadline.unwrap_or(began);
        let correlation = context.correlation_id.clone();
        if let Some(verifier) = &self.door.verifier {
            request.extensions_mut().insert(verifier.clone());
        }
        let span = tracing::debug_span!(
            "request", service = self.door.service, method = %seen.method, route = seen.route(), correlation_id = %correlation,
            status = tracing::field::Empty, micros = tracing::field::Empty,
        );
        let trace = request.headers().get(TRACEPARENT).cloned();
        let inner = self.inner.call(request);
        let (service, measures) = (self.door.service, self.measures.clone());
        let work = context.scope(async move {
            let answer = match tokio::time::timeout_at(deadline, caught(inner)).await {
                Ok(Some(Ok(answer))) => answer,
                Ok(Some(Err(never))) => match never {},
                Ok(None) => Problem::new(Code::INTERNAL_ERROR).into_response(),
                Err(_) => Problem::new(Code::TIMEOUT).into_response(),
            };
            let answer = seen.finish(answer, &correlation);
            let took = began.elapsed();
            measures.note(service, &seen, answer.status(), took);
            let span = tracing::Span::current();
            span.record("status", answer.status().as_u16());
            span.record("micros", took.as_micros() as u64);
            Ok(answer)
        });
        match (span.is_disabled(), trace) {
            (true, None) => Box::pin(work),
            (false, None) => Box::pin(work.instrument(span)),
            (_, Some(trace)) => Box::pin(TRACE.scope(trace, work.instrument(span))),
        }
    }
}

impl RequestLayers {
    fn context(&self, headers: &HeaderMap, now: Instant) -> Context {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let correlation: Arc<str> = match text(CORRELATION_ID).filter(|id| is_sane(id)) {
            Some(id) => id.into(),
            None => self.env.new_id::<Uuid>().to_string().into(),
        };
        // Anyone may say how long it waits: that can only shorten what is allowed anyway.
        let wait = text(DEADLINE_MS).and_then(|ms| ms.parse().ok()).map_or(self.time, |ms| Duration::from_millis(ms).min(self.time));
        let mut context = Context::new(correlation).with_deadline(now + wait);
        context.bearer = bearer(headers).map(Arc::from);
        context
    }
}

/// The token of `Authorization: Bearer …`.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether a correlation id from outside can go into headers, logs and events as it is.
#[must_use]
pub fn is_sane(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Runs `work`; `None` when it panicked, which is logged.
async fn caught<F: Future>(work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    let polled = std::future::poll_fn(|poller| match std::panic::catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(poller))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    });
    polled
        .await
        .map_err(|panic| {
            let said = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
            let correlation_id = Context::current().correlation_id;
            tracing::error!(%correlation_id, panic = said.unwrap_or("without a message"), "a handler panicked");
        })
        .ok()
}

/// What is needed of the request once it is gone.
struct Seen {
    method: Method,
    uri: Uri,
    matched: Option<MatchedPath>,
    none_match: Option<HeaderValue>,
}

impl Seen {
    fn of(request: &Request) -> Seen {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        Seen {
            method: request.method().clone(),
            uri: request.uri().clone(),
            matched: request.extensions().get().cloned(),
            none_match: if reads { request.headers().get(header::IF_NONE_MATCH).cloned() } else { None },
        }
    }

    fn route(&self) -> &str {
        self.matched.as_ref().map_or("none", MatchedPath::as_str)
    }

    fn finish(&self, mut answer: Response, correlation: &str) -> Response {
        if let Some(NextCursor(cursor)) = answer.extensions_mut().remove()
            && let Ok(link) = HeaderValue::try_from(self.link(&cursor))
        {
            answer.headers_mut().append(header::LINK, link);
        }
        if let Some(wanted) = &self.none_match
            && answer.status() == StatusCode::OK
            && conditional::none_match(wanted, answer.headers())
        {
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            *answer.body_mut() = Body::empty();
            answer.headers_mut().remove(header::CONTENT_TYPE);
            answer.headers_mut().remove(header::CONTENT_LENGTH);
        }
        let headers = answer.headers_mut();
        if let Ok(id) = HeaderValue::try_from(correlation) {
            headers.insert(&X_CORRELATION_ID, id);
        }
        if !headers.contains_key(header::CACHE_CONTROL) {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        answer
    }

    /// The same request with another cursor.
    fn link(&self, cursor: &str) -> String {
        let path = self.uri.path();
        let mut link = if path.starts_with(BASE) { format!("<{path}?") } else { format!("<{BASE}{path}?") };
        for part in self.uri.query().unwrap_or("").split('&').filter(|part| !part.is_empty() && !part.starts_with("cursor=")) {
            link.push_str(part);
            link.push('&');
        }
        link.push_str("cursor=");
        text::encode(cursor, &mut link);
        link.push_str(">; rel=\"next\"");
        link
    }
}

/// The counters of one route, found once and kept.
#[derive(Default)]
struct Measures {
    duration: OnceLock<metrics::Histogram>,
    requests: RwLock<Vec<(Method, StatusCode, metrics::Counter)>>,
}

impl Measures {
    fn note(&self, service: &'static str, seen: &Seen, status: StatusCode, took: Duration) {
        let label = || {
            let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
            known.into_iter().find(|word| *word == seen.method.as_str()).unwrap_or("OTHER")
        };
        let histogram =
            || metrics::histogram!("souk_http_request_duration_seconds", "service" => service, "route" => seen.route().to_owned());
        self.duration.get_or_init(histogram).record(took.as_secs_f64());
        let known = self.requests.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, _, counter)) = known.iter().find(|(method, known, _)| *known == status && *method == seen.method) {
            return counter.increment(1);
        }
        drop(known);
        let route = seen.route().to_owned();
        let counter = metrics::counter!(
            "souk_http_requests_total", "service" => service, "method" => label(), "route" => route, "status" => status.as_str().to_owned()
        );
        counter.increment(1);
        let mut known = self.requests.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Methods are the caller's words: what is not among the usual ones is counted, and not remembered.
        if label() != "OTHER" && known.len() < 64 {
            known.push((seen.method.clone(), status, counter));
        }
    }
}

#[cfg(test)]
#[path = "tests/request_layers.rs"]
mod tests;
