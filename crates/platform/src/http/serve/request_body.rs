//! The body of a request: it fails when the client sends it too slowly, and its rest is discarded when the handler did not
//! read it, such as that of a body that is too large. Otherwise the connection is reset while the client still sends, and most
//! clients then never see the answer.

use super::{head_timeout::Exchange, pace::Pace};
use crate::env::Env;
use axum::{
    body::Bytes,
    http::{HeaderMap, Request, header},
};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::{
    future::Future as _,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, Sleep};

/// The most bytes that are discarded.
const MAX_BYTES: u64 = 32 * 1024 * 1024;
/// How long that may take.
const MAX_TIME: Duration = Duration::from_secs(5);

/// The client sent the body more slowly than [`Limits::body`](super::Limits::body) allows.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the body did not arrive in time")]
pub struct SlowBody;

/// Returns whether reading a body failed because the client was too slow.
#[must_use]
pub fn is_slow_body(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(|error| error.is::<SlowBody>())
}

/// A request's body.
pub(super) struct RequestBody {
    /// `Some` until it is dropped.
    body: Option<Incoming>,
    /// Spawns the task that discards the rest, while there may be one.
    rest: Option<Env>,
    /// What arrives before the end of the body is no head.
    exchange: Option<Exchange>,
    pace: Pace,
    received: u64,
    /// Set while the body is awaited. The time begins when the handler begins to read, because a client may wait for `100 Continue`.
    timer: Option<(Instant, Pin<Box<Sleep>>)>,
}

/// Wraps the body of a request.
pub(super) fn wrap(request: Request<Incoming>, exchange: Exchange, pace: Pace, env: &Env) -> Request<RequestBody> {
    let rest = (!request.body().is_end_stream() && is_worth_reading(request.headers())).then(|| env.clone());
    request.map(|body| RequestBody { body: Some(body), rest, exchange: Some(exchange), pace, received: 0, timer: None })
}

/// Whether the rest is worth reading: not of a client that waits for `100 Continue`, nor of a body beyond the limit.
fn is_worth_reading(headers: &HeaderMap) -> bool {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    !headers.contains_key(header::EXPECT) && announced.is_none_or(|bytes| bytes <= MAX_BYTES)
}

impl RequestBody {
    /// Whether the time for the body is over. Registers the task otherwise.
    #[expect(clippy::disallowed_methods, reason = "a timer that is polled and reset; network timing has no frozen clock")]
    fn poll_slow(&mut self, poller: &mut Context<'_>) -> Poll<()> {
        let (began, timer) = self.timer.get_or_insert_with(|| {
            let began = Instant::now();
            (began, Box::pin(tokio::time::sleep_until(self.pace.deadline(began, 0))))
        });
        let deadline = self.pace.deadline(*began, self.received);
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(poller)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, poller: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        match Pin::new(body).poll_frame(poller) {
            Poll::Ready(Some(Ok(frame))) => {
                self.received += frame.data_ref().map_or(0, |data| data.len() as u64);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(end) => {
                self.rest = None;
                Poll::Ready(end.map(|outcome| outcome.map_err(Into::into)))
            }
            Poll::Pending if self.poll_slow(poller).is_ready() => {
                metrics::counter!("souk_http_slow_requests_total", "part" => "body").increment(1);
                // The rest is not awaited either: the connection ends.
                self.rest = None;
                self.body = None;
                Poll::Ready(Some(Err(SlowBody.into())))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if let (Some(body), Some(env)) = (self.body.take(), self.rest.take())
            && !body.is_end_stream()
        {
            let exchange = self.exchange.take();
            env.spawn(async move {
                let _ = tokio::time::timeout(MAX_TIME, discard(body)).await;
                drop(exchange);
            });
        }
    }
}

async fn discard(mut body: Incoming) {
    let mut left = MAX_BYTES;
    while let Some(Ok(frame)) = body.frame().await {
        left = left.saturating_sub(frame.data_ref().map_or(0, |data| data.len() as u64));
        if left == 0 {
            return;
        }
    }
}
