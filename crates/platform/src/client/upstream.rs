//! One upstream: its transport, its circuit breakers and its retry budget.

use super::{
    LARGEST_ANSWER,
    breaker::Breaker,
    error::CallError,
    remote::{self, Remote},
};
use crate::{env::Env, error_chain, http};
use axum::{
    Router,
    body::{Body, Bytes},
    http::{Request, Response, header},
};
use contracts::service::{MAX_UPLOAD_BYTES, is_streamed_upload};
use http_body_util::{BodyExt, Limited};
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::time::Instant;
use tower::ServiceExt as _;

pub(super) enum Transport {
    InProcess(Router, Breaker),
    Http(Remote),
}

/// A call deposits a tenth of a retry, and the budget holds ten retries: in the long run they are a tenth of the load.
const BUDGET: u32 = 100;
const RETRY: u32 = 10;

pub(crate) struct Upstream {
    transport: Transport,
    budget: AtomicU32,
}

impl Upstream {
    pub(super) fn in_process(router: Router, env: Env) -> Upstream {
        Upstream { transport: Transport::InProcess(router, Breaker::new(env)), budget: AtomicU32::new(BUDGET) }
    }

    pub(super) fn remote(remote: Remote) -> Upstream {
        Upstream { transport: Transport::Http(remote), budget: AtomicU32::new(BUDGET) }
    }

    pub(super) fn deposit(&self) {
        let _ = self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |budget| (budget < BUDGET).then_some(budget + 1));
    }

    /// Takes a retry from the budget, if it holds one.
    pub(super) fn withdraw(&self) -> bool {
        self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |budget| budget.checked_sub(RETRY)).is_ok()
    }

    /// Sends a request and reads the whole answer, both before `deadline`. Its caller repeats it where that is harmless.
    pub(super) async fn exchange(&self, request: Request<Bytes>, deadline: Instant, largest: usize) -> Result<Response<Bytes>, CallError> {
        let is_failure =
            |answer: &Response<Bytes>| answer.status().is_server_error() && CallError::refused(answer.status(), answer.body()).is_failure();
        match &self.transport {
            Transport::InProcess(router, breaker) => {
                let permit = breaker.try_acquire().ok_or(CallError::Open)?;
                let answering = async { whole(answer(router, request.map(Body::from)).await, largest).await };
                let outcome = tokio::time::timeout_at(deadline, answering).await.unwrap_or(Err(CallError::Timeout));
                permit.record(match &outcome {
                    Ok(answer) => is_failure(answer),
                    Err(error) => error.is_failure(),
                });
                outcome
            }
            Transport::Http(remote) => {
                remote::exchange(remote, request, deadline, || false, move |answer| whole(answer, largest), is_failure).await
            }
        }
    }

    /// Forwards a request as it is. The head of the answer comes before `deadline`, and its body is streamed. A request that
    /// may be repeated goes to the next address when the connection broke.
    pub(super) async fn forward(&self, request: Request<Body>, deadline: Instant) -> Result<Response<Body>, CallError> {
        match &self.transport {
            Transport::InProcess(router, _) => {
                tokio::time::timeout_at(deadline, answer(router, request)).await.map_err(|_| CallError::Timeout)
            }
            Transport::Http(remote) => {
                self.deposit();
                let is_repeatable = is_repeatable(&request);
                let is_upload = is_streamed_upload(request.method().as_str(), request.uri().path());
                // An upload is held in memory here, because a request is sent again when a connection broke before it was taken.
                let limit = if is_upload { usize::try_from(MAX_UPLOAD_BYTES).unwrap_or(usize::MAX) } else { LARGEST_ANSWER };
                let (parts, body) = request.into_parts();
                let body = tokio::time::timeout_at(deadline, read(body, limit)).await.unwrap_or(Err(CallError::Timeout))?;
                let repeats = || is_repeatable && self.withdraw();
                let is_failure = |answer: &Response<Body>| matches!(answer.status().as_u16(), 502 | 504);
                remote::exchange(remote, Request::from_parts(parts, body), deadline, repeats, async |answer| Ok(answer), is_failure).await
            }
        }
    }
}

/// Whether a request that may have been done already may be sent again: its method says so (RFC 9110, 9.2.2), or its key. With a
/// condition it would fail because of itself.
fn is_repeatable(request: &Request<Body>) -> bool {
    let headers = request.headers();
    headers.contains_key(http::IDEMPOTENCY_KEY) || (request.method().is_idempotent() && !headers.contains_key(header::IF_MATCH))
}

async fn answer(router: &Router, request: Request<Body>) -> Response<Body> {
    router.clone().oneshot(request).await.unwrap_or_else(|never| match never {})
}

async fn whole(answer: Response<Body>, largest: usize) -> Result<Response<Bytes>, CallError> {
    let (parts, body) = answer.into_parts();
    Ok(Response::from_parts(parts, read(body, largest).await?))
}

async fn read(body: Body, largest: usize) -> Result<Bytes, CallError> {
    match Limited::new(body, largest).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(CallError::Unreadable("it is too large".into())),
        Err(error) => Err(CallError::Unavailable(error_chain(&*error))),
    }
}
