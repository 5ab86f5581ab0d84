//! Keeps a panic of one request from ending the connection.

use crate::context::Context;
use std::{future::Future, panic::AssertUnwindSafe, pin::pin, task::Poll};

/// Runs `work`; logs a panic and returns `None`.
pub(super) async fn catch_panic<F: Future>(work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    let polled = std::future::poll_fn(|poller| match std::panic::catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(poller))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    });
    polled
        .await
        .map_err(|panic| {
            let message = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
            let correlation_id = Context::current().correlation_id;
            tracing::error!(%correlation_id, panic = message.unwrap_or("without a message"), "a handler panicked");
        })
        .ok()
}
