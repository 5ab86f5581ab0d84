//! What remains of a body that nobody reads, such as one that is too large, is taken off the wire. Otherwise the
//! connection is reset under a client that still sends, and most clients then never see the answer that says why.

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

/// How much is taken off at most: more than any client sends by mistake.
const MOST: u64 = 32 * 1024 * 1024;
/// How long it may take.
const TIME: Duration = Duration::from_secs(5);

/// A request's body; when it is dropped early, its rest is read and thrown away.
pub(super) struct DrainedBody {
    /// There until it is dropped.
    body: Option<Incoming>,
    /// Where the rest is read, as long as there may be one.
    rest: Option<Env>,
}

/// The request with such a body.
pub(super) fn on(request: Request<Incoming>, env: &Env) -> Request<DrainedBody> {
    let rest = (!request.body().is_end_stream() && pays(request.headers())).then(|| env.clone());
    request.map(|body| DrainedBody { body: Some(body), rest })
}

/// Not for a client that waits to be told to send, nor for more than would be read.
fn pays(headers: &HeaderMap) -> bool {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    !headers.contains_key(header::EXPECT) && announced.is_none_or(|bytes| bytes <= MOST)
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
            env.spawn(tokio::time::timeout(TIME, read_off(body)));
        }
    }
}

async fn read_off(mut body: Incoming) {
    let mut left = MOST;
    while let Some(Ok(frame)) = body.frame().await {
        left = left.saturating_sub(frame.data_ref().map_or(0, |data| data.len() as u64));
        if left == 0 {
            return;
        }
    }
}
