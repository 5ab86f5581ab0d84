//! One upstream: its transport, its circuit breaker and its retry budget.

use super::{LARGEST_ANSWER, breaker::Breaker, error::CallError};
use crate::{env::Env, error_chain};
use axum::{
    Router,
    body::{Body, Bytes},
    http::{Request, Response, Uri, Version},
};
use http_body_util::{BodyExt, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use tokio::time::Instant;
use tower::ServiceExt as _;

/// Connections to all upstreams outside of this process.
pub(crate) type Pool = Client<HttpConnector, Body>;

pub(super) fn pool() -> Pool {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(Duration::from_secs(2)));
    // Shorter than servers allow: a request must not be sent on a connection that the server is closing.
    Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(20)).build(connector)
}

pub(super) enum Transport {
    InProcess(Router),
    Http { base: String, pool: Pool },
}

/// A call deposits a tenth of a retry, and the budget holds ten retries: in the long run they are a tenth of the load.
const BUDGET: u32 = 100;
const RETRY: u32 = 10;

pub(crate) struct Upstream {
    transport: Transport,
    breaker: Breaker,
    budget: AtomicU32,
}

impl Upstream {
    pub(super) fn new(transport: Transport, env: Env) -> Upstream {
        Upstream { transport, breaker: Breaker::new(env), budget: AtomicU32::new(BUDGET) }
    }

    pub(super) fn deposit(&self) {
        let _ = self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |budget| (budget < BUDGET).then_some(budget + 1));
    }

    /// Takes a retry from the budget, if it holds one.
    pub(super) fn withdraw(&self) -> bool {
        self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |budget| budget.checked_sub(RETRY)).is_ok()
    }

    /// Sends a request and reads the whole answer, both before `deadline`.
    pub(super) async fn exchange(&self, request: Request<Bytes>, deadline: Instant) -> Result<Response<Bytes>, CallError> {
        let permit = self.breaker.try_acquire().ok_or(CallError::Open)?;
        let outcome = tokio::time::timeout_at(deadline, self.fetch(request)).await.unwrap_or(Err(CallError::Timeout));
        let failed = match &outcome {
            Ok(answer) => answer.status().is_server_error() && CallError::refused(answer.status(), answer.body()).is_failure(),
            Err(error) => error.is_failure(),
        };
        permit.record(failed);
        outcome
    }

    /// Forwards a request as it is. The head of the answer comes before `deadline`; bodies are streamed both ways.
    pub(super) async fn forward(&self, request: Request<Body>, deadline: Instant) -> Result<Response<Body>, CallError> {
        let permit = self.breaker.try_acquire().ok_or(CallError::Open)?;
        let outcome = tokio::time::timeout_at(deadline, self.send(request)).await.unwrap_or(Err(CallError::Timeout));
        let failed = match &outcome {
            Ok(answer) => matches!(answer.status().as_u16(), 502 | 504),
            Err(error) => error.is_failure(),
        };
        permit.record(failed);
        outcome
    }

    async fn fetch(&self, request: Request<Bytes>) -> Result<Response<Bytes>, CallError> {
        let (parts, body) = self.send(request.map(Body::from)).await?.into_parts();
        Ok(Response::from_parts(parts, read(body).await?))
    }

    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, CallError> {
        match &self.transport {
            Transport::InProcess(router) => Ok(router.clone().oneshot(request).await.unwrap_or_else(|never| match never {})),
            Transport::Http { base, pool } => {
                let (mut parts, body) = request.into_parts();
                let target = parts.uri.path_and_query().map_or("/", |path| path.as_str());
                parts.uri = format!("{base}{target}").parse::<Uri>().map_err(|_| CallError::Misused("the address is no address"))?;
                parts.version = Version::HTTP_11;
                // Headers of one connection are not forwarded (RFC 9110, 7.6.1).
                for hop in ["connection", "keep-alive", "te", "transfer-encoding", "upgrade", "proxy-connection"] {
                    parts.headers.remove(hop);
                }
                let answer = pool.request(Request::from_parts(parts, body)).await;
                answer.map(|answer| answer.map(Body::new)).map_err(|error| CallError::Unavailable(error_chain(&error)))
            }
        }
    }
}

async fn read(body: Body) -> Result<Bytes, CallError> {
    match Limited::new(body, LARGEST_ANSWER).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(CallError::Unreadable("it is too large".into())),
        Err(error) => Err(CallError::Unavailable(error_chain(&*error))),
    }
}
