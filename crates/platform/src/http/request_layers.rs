//! The layers around every route of a service, as one Tower layer: a call within the process passes it too and costs
//! microseconds.

mod catch_panic;
mod metrics;
mod response;

use super::{CORRELATION_ID, DEADLINE_MS, TRACEPARENT, problem::Problem};
use crate::{context::Context, env::Env, identity::Verifier};
use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use catch_panic::catch_panic;
use contracts::{ids::Uuid, problem::Code, service::is_streamed_upload};
use metrics::RouteMetrics;
use response::RequestHead;
use std::{
    convert::Infallible,
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context as Poller, Poll},
    time::Duration,
};
use tokio::time::Instant;
use tower::{Layer, Service};
use tracing::Instrument as _;

/// How long a request may take unless its caller gave less.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a request may take whose body is read while it arrives. The server ends those that arrive too slowly.
pub const UPLOAD_TIMEOUT: Duration = Duration::from_secs(3_600);

tokio::task_local! {
    static TRACE: HeaderValue;
}

/// The `traceparent` of the request that this task serves, for the calls it makes.
pub(crate) fn trace() -> Option<HeaderValue> {
    TRACE.try_with(Clone::clone).ok()
}

/// The address at the other end of the connection. Absent on calls within the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// The layers of one service. They give every request its context (correlation id, deadline) and every answer its
/// headers, and turn panics, time-outs, unknown paths and methods into problem documents.
#[derive(Clone)]
pub struct RequestLayers {
    service: &'static str,
    env: Env,
    verifier: Option<Verifier>,
    time: Duration,
}

impl RequestLayers {
    /// The layers for `service`. Without a [`verifier`](Self::verifier) every token is refused.
    #[must_use]
    pub fn new(service: &'static str, env: Env) -> RequestLayers {
        RequestLayers { service, env, verifier: None, time: DEFAULT_TIMEOUT }
    }

    /// What verifies the callers' tokens.
    #[must_use]
    pub fn verifier(mut self, verifier: Verifier) -> RequestLayers {
        self.verifier = Some(verifier);
        self
    }

    /// How long a request may take at most, [`DEFAULT_TIMEOUT`] by default.
    #[must_use]
    pub fn time(mut self, time: Duration) -> RequestLayers {
        self.time = time;
        self
    }

    /// Wraps every route of `router`, and adds problems for paths and methods that it does not have.
    pub fn wrap(self, router: Router) -> Router {
        router.fallback(not_found).method_not_allowed_fallback(not_allowed).layer(RequestLayer(Arc::new(self)))
    }
}

async fn not_found() -> Problem {
    Problem::new(Code::NOT_FOUND).detail("there is no such path")
}

/// axum adds `Allow`, which answers `OPTIONS`.
async fn not_allowed(method: Method) -> Response {
    if method == Method::OPTIONS { StatusCode::NO_CONTENT.into_response() } else { Problem::new(Code::METHOD_NOT_ALLOWED).into_response() }
}

#[derive(Clone)]
struct RequestLayer(Arc<RequestLayers>);

impl<I> Layer<I> for RequestLayer {
    type Service = RequestService<I>;
    fn layer(&self, inner: I) -> RequestService<I> {
        RequestService { inner, layers: self.0.clone(), metrics: Arc::default() }
    }
}

#[derive(Clone)]
struct RequestService<I> {
    inner: I,
    layers: Arc<RequestLayers>,
    /// Of one route, because axum layers each route by itself.
    metrics: Arc<RouteMetrics>,
}

impl<I> Service<Request> for RequestService<I>
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
        let head = RequestHead::of(&request);
        let time = match is_streamed_upload(request.method().as_str(), request.uri().path()) {
            true => UPLOAD_TIMEOUT,
            false => self.layers.time,
        };
        let context = self.layers.context(request.headers(), began, time);
        let deadline = context.deadline.unwrap_or(began);
        let correlation = context.correlation_id.clone();
        if let Some(verifier) = &self.layers.verifier {
            request.extensions_mut().insert(verifier.clone());
        }
        let span = tracing::debug_span!(
            "request", service = self.layers.service, method = %head.method, route = head.route(), correlation_id = %correlation,
            status = tracing::field::Empty, micros = tracing::field::Empty,
        );
        let trace = request.headers().get(TRACEPARENT).cloned();
        let inner = self.inner.call(request);
        let (service, metrics) = (self.layers.service, self.metrics.clone());
        let work = context.scope(async move {
            let answer = match tokio::time::timeout_at(deadline, catch_panic(inner)).await {
                Ok(Some(Ok(answer))) => answer,
                Ok(Some(Err(never))) => match never {},
                Ok(None) => Problem::new(Code::INTERNAL_ERROR).into_response(),
                Err(_) => Problem::new(Code::TIMEOUT).into_response(),
            };
            let answer = head.complete(answer, &correlation);
            let took = began.elapsed();
            metrics.record(service, &head, answer.status(), took);
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
    fn context(&self, headers: &HeaderMap, now: Instant, time: Duration) -> Context {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let correlation: Arc<str> = match text(CORRELATION_ID).filter(|id| is_valid_correlation_id(id)) {
            Some(id) => id.into(),
            None => self.env.new_id::<Uuid>().to_string().into(),
        };
        // A caller can shorten the time and not lengthen it.
        let wait = text(DEADLINE_MS).and_then(|ms| ms.parse().ok()).map_or(time, |ms| Duration::from_millis(ms).min(time));
        Context::new(correlation).with_deadline(now + wait)
    }
}

/// The token of `Authorization: Bearer …`.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether a correlation id from a caller can be written to headers, logs and events as it is.
#[must_use]
pub fn is_valid_correlation_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[cfg(test)]
#[path = "tests/request_layers.rs"]
mod tests;
