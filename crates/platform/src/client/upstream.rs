//! One upstream: the way to it, its breaker, and how many retries it is still worth.

use super::{LARGEST_ANSWER, breaker::Breaker, error::CallError};
use crate::env::Env;
use axum::{
    Router,
    body::{Body, Bytes},
    http::{Request, StatusCode, Uri, Version},
    response::Response,
};
use http_body_util::{BodyExt, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use std::{
    error::Error,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use tokio::time::Instant;
use tower::ServiceExt as _;

/// Connections to all upstreams that are elsewhere.
pub(crate) type Pool = Client<HttpConnector, Body>;

pub(super) fn pool() -> Pool {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(Duration::from_secs(2)));
    // Idle for less long than servers allow: a request must not meet a connection that is just being closed.
    Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(20)).build(connector)
}

pub(super) enum Transport {
    InProcess(Router),
    Http { base: String, pool: Pool },
}

/// A call earns a tenth of a retry, and a hundred tenths are kept: retries are at most a tenth of the load for long.
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

    /// Whether a retry is affordable; takes it.
    pub(super) fn withdraw(&self) -> bool {
        self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |budget| budget.checked_sub(RETRY)).is_ok()
    }

    /// Sends a request and reads the whole answer, both before `deadline`.
    pub(super) async fn exchange(&self, request: Request<Bytes>, deadline: Instant) -> Result<(StatusCode, Bytes), CallError> {
        let leave = self.breaker.enter().ok_or(CallError::Open)?;
        let outcome = tokio::time::timeout_at(deadline, self.carry(request)).await.unwrap_or(Err(CallError::Timeout));
        let failed = match &outcome {
            Ok((status, body)) => status.is_server_error() && CallError::refused(*status, body).is_failure(),
            Err(error) => error.is_failure(),
        };
        leave.tell(failed);
        outcome
    }

    /// Passes a request on as it is and gives back the answer, whose head comes before `deadline`; bodies flow both ways.
    pub(super) async fn forward(&self, request: Request<Body>, deadline: Instant) -> Result<Response, CallError> {
        let leave = self.breaker.enter().ok_or(CallError::Open)?;
        let outcome = tokio::time::timeout_at(deadline, self.send(request)).await.unwrap_or(Err(CallError::Timeout));
        let failed = match &outcome {
            Ok(answer) => matches!(answer.status().as_u16(), 502 | 504),
            Err(error) => error.is_failure(),
        };
        leave.tell(failed);
        outcome
    }

    async fn carry(&self, request: Request<Bytes>) -> Result<(StatusCode, Bytes), CallError> {
        let response = self.send(request.map(Body::from)).await?;
        Ok((response.status(), read(response.into_body()).await?))
    }

    async fn send(&self, request: Request<Body>) -> Result<Response, CallError> {
        match &self.transport {
            Transport::InProcess(router) => Ok(router.clone().oneshot(request).await.unwrap_or_else(|never| match never {})),
            Transport::Http { base, pool } => {
                let (mut parts, body) = request.into_parts();
                let there = parts.uri.path_and_query().map_or("/", |path| path.as_str());
                parts.uri = format!("{base}{there}").parse::<Uri>().map_err(|_| CallError::Misused("the address is no address"))?;
                parts.version = Version::HTTP_11;
                // What speaks of one connection ends with it (RFC 9110, 7.6.1).
                for hop in ["connection", "keep-alive", "te", "transfer-encoding", "upgrade", "proxy-connection"] {
                    parts.headers.remove(hop);
                }
                let answer = pool.request(Request::from_parts(parts, body)).await;
                answer.map(|answer| answer.map(Body::new)).map_err(|error| CallError::Unavailable(chain(&error)))
            }
        }
    }
}

async fn read(body: Body) -> Result<Bytes, CallError> {
    match Limited::new(body, LARGEST_ANSWER).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(CallError::Unreadable("it is too large".into())),
        Err(error) => Err(CallError::Unavailable(chain(&*error))),
    }
}

fn chain(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {}", chain(source)))
}
