//! Reads and discards the rest of a body that the handler did not read, such as one that is too large. Otherwise the
//! connection is reset while the client still sends, and most clients then never see the answer.

use crate::env::Env;
use axum::{
    body::Bytes,
    http::{HeaderMap, Request, header},
};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

/// The most bytes that are discarded.
const MAX_BYTES: u64 = 32 * 1024 * 1024;
/// How long that may take.
const MAX_TIME: Duration = Duration::from_secs(5);

/// A request's body. When it is dropped early, its rest is read and discarded.
pub(super) struct DrainedBody {
    /// `Some` until it is dropped.
    body: Option<Incoming>,
    /// Spawns the task that reads the rest, while there may be one.
    rest: Option<Env>,
}

/// Wraps the body of a request.
pub(super) fn on(request: Request<Incoming>, env: &Env) -> Request<DrainedBody> {
    let rest = (!request.body().is_end_stream() && is_worth_reading(request.headers())).then(|| env.clone());
    request.map(|body| DrainedBody { body: Some(body), rest })
}

/// Whether the rest is worth reading: not of a client that waits for `100 Continue`, nor of a body beyond the limit.
fn is_worth_reading(headers: &HeaderMap) -> bool {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    !headers.contains_key(header::EXPECT) && announced.is_none_or(|bytes| bytes <= MAX_BYTES)
}

impl Body for DrainedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, poller: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(poller);
        if matches!(frame, Poll::Ready(None | Some(Err(_)))) {
            self.rest = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for DrainedBody {
    fn drop(&mut self) {
        if let (Some(body), Some(env)) = (self.body.take(), self.rest.take())
            && !body.is_end_stream()
        {
            env.spawn(tokio::time::timeout(MAX_TIME, discard(body)));
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
