//! The accept loop. `axum::serve` sets no timer, so that slow headers hold a connection for ever, and it has neither a
//! bound on connections nor a deadline for draining.

mod linger;

use super::door::PeerAddr;
use crate::env::Env;
use axum::{Router, body::Body, http::Request};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use std::{future::Future, io, net::SocketAddr, pin::pin, sync::Arc, task::Poll, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tower::ServiceExt as _;

/// What one listener allows.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How many connections may be open; more wait in the kernel's queue.
    pub connections: usize,
    /// How long a client may take for the headers of a request, and a connection may be idle.
    pub header_time: Duration,
    pub headers: usize,
    /// How many bytes the headers may have together.
    pub header_bytes: usize,
    /// How long requests in flight may take once it shall stop.
    pub drain_time: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 10_000,
            header_time: Duration::from_secs(30),
            headers: 64,
            header_bytes: 64 * 1024,
            drain_time: Duration::from_secs(30),
        }
    }
}

/// Serves `router` on `listener` until `stop` is done, then takes no more connections and lets requests in flight end.
/// True when all of them did within [`Limits::drain_time`].
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, env: Env, stop: impl Future<Output = ()>) -> bool {
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_headers(limits.headers)
        .max_buf_size(limits.header_bytes.max(8 * 1024));
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(limits.connections));
    let open = |tcp: TcpStream, peer: SocketAddr, permit: OwnedSemaphorePermit| {
        let _ = tcp.set_nodelay(true);
        let (router, spawner) = (router.clone(), env.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = linger::on(request, &spawner).map(Body::new);
            request.extensions_mut().insert(PeerAddr(peer));
            router.clone().oneshot(request)
        });
        let connection = graceful.watch(http.serve_connection(TokioIo::new(tcp), service));
        env.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%peer, %error, "a connection broke");
            }
            drop(permit);
        });
    };

    let mut stop = pin!(stop);
    loop {
        let next = async {
            let permit = slots.clone().acquire_owned().await.expect("the semaphore is never closed");
            (listener.accept().await, permit)
        };
        let (accepted, permit) = tokio::select! {
            biased;
            () = &mut stop => break,
            next = next => next,
        };
        match accepted {
            Ok((tcp, peer)) => open(tcp, peer, permit),
            Err(error) => refused(&error).await,
        }
    }

    // Whoever connected before the end is in the kernel's queue, and shall not be cut off.
    while let Ok(permit) = slots.clone().try_acquire_owned()
        && let Some((tcp, peer)) = waiting(&listener).await
    {
        open(tcp, peer, permit);
    }
    drop(listener);
    let open_connections = graceful.count();
    let drained = tokio::time::timeout(limits.drain_time, graceful.shutdown()).await.is_ok();
    if !drained {
        tracing::warn!(open_connections, "requests were still running when the time to drain was over");
    }
    drained
}

/// A connection that is already there.
async fn waiting(listener: &TcpListener) -> Option<(TcpStream, SocketAddr)> {
    std::future::poll_fn(|poller| match listener.poll_accept(poller) {
        Poll::Ready(accepted) => Poll::Ready(accepted.ok()),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// A client that went away concerns nobody. Out of descriptors or memory, trying again at once would only burn the processor.
async fn refused(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::error!(%error, "cannot accept connections");
        metrics::counter!("souk_http_accept_errors_total").increment(1);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[cfg(test)]
#[path = "tests/serve.rs"]
mod tests;
