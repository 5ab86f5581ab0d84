//! The accept loop. `axum::serve` has no time-outs for slow headers and for clients that do not read, no limit of
//! connections and no deadline for draining.

mod drain_body;
mod peers;
mod write_timeout;

use super::request_layers::PeerAddr;
use crate::{env::Env, rlimit};
use axum::{Router, body::Body, http::Request};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use peers::Peers;
use std::{future::Future, io, net::SocketAddr, pin::pin, sync::Arc, task::Poll, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tower::ServiceExt as _;
use write_timeout::WriteTimeoutStream;

/// The limits of one listener.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How many connections may be open; more wait in the kernel's queue.
    pub connections: usize,
    /// How many of them one peer may have (see [`Network`](super::Network)); more are closed at once. As many as `connections`
    /// where a proxy makes every connection.
    pub per_peer: usize,
    /// How long a client may take for the headers of a request, and a connection may be idle.
    pub header_time: Duration,
    /// How long a write may make no progress because the client does not read.
    pub write_time: Duration,
    /// How many headers the parser reads. It answers more of them with a 431 without a problem document; the gateway answers
    /// with one and has lower limits. The same holds for `header_bytes`.
    pub headers: usize,
    /// How many bytes are read before the body.
    pub header_bytes: usize,
    /// How long requests in flight may take once the shutdown began.
    pub drain_time: Duration,
}

/// The most connections of a process.
const CONNECTIONS: usize = 10_000;
/// Files reserved for databases, the search index and calls to other processes.
const OTHER_FILES: usize = 384;

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: CONNECTIONS,
            per_peer: CONNECTIONS,
            header_time: Duration::from_secs(30),
            write_time: Duration::from_secs(30),
            headers: 200,
            header_bytes: 96 * 1024,
            drain_time: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// As many connections as this process may have files open, with a reserve for what is no connection; the limit of
    /// the system is raised as far as it allows that. One peer may hold half of them.
    #[must_use]
    pub fn of_this_process() -> Limits {
        Limits::within(rlimit::allow((CONNECTIONS + OTHER_FILES) as u64))
    }

    fn within(files: u64) -> Limits {
        let files = usize::try_from(files).unwrap_or(usize::MAX);
        // A process with hardly any files shares what it has.
        let connections = files.saturating_sub(OTHER_FILES).max(files / 4).clamp(1, CONNECTIONS);
        Limits { connections, per_peer: connections.div_ceil(2), ..Limits::default() }
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
    let peers = Peers::new(limits.per_peer);
    let open = |tcp: TcpStream, peer: SocketAddr, permit: OwnedSemaphorePermit| {
        let Some(held) = peers.admit(peer.ip()) else {
            tracing::debug!(%peer, "a peer holds as many connections as it may");
            return metrics::counter!("souk_http_connections_refused_total").increment(1);
        };
        let _ = tcp.set_nodelay(true);
        let (router, spawner) = (router.clone(), env.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = drain_body::on(request, &spawner).map(Body::new);
            request.extensions_mut().insert(PeerAddr(peer));
            router.clone().oneshot(request)
        });
        let connection = graceful.watch(http.serve_connection(TokioIo::new(WriteTimeoutStream::new(tcp, limits.write_time)), service));
        env.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%peer, %error, "a connection broke");
            }
            drop((permit, held));
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
            Err(error) => refused(&error, &env).await,
        }
    }

    // Connections that wait in the kernel's queue are served as well.
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

/// A connection that is already established.
async fn waiting(listener: &TcpListener) -> Option<(TcpStream, SocketAddr)> {
    std::future::poll_fn(|poller| match listener.poll_accept(poller) {
        Poll::Ready(accepted) => Poll::Ready(accepted.ok()),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// A connection that its client ended is ignored. Without descriptors or memory the loop pauses, because a retry at once would fail.
async fn refused(error: &io::Error, env: &Env) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::error!(%error, "cannot accept connections");
        metrics::counter!("souk_http_accept_errors_total").increment(1);
        env.sleep(Duration::from_millis(100)).await;
    }
}

#[cfg(test)]
#[path = "tests/serve.rs"]
mod tests;
