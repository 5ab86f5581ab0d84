//! The accept loop. `axum::serve` has no time-outs for slow heads, slow bodies and clients that do not read, no limit of
//! connections and no deadline for draining.

mod head_timeout;
mod pace;
mod parser_refusal;
mod refusal;
mod request_body;
mod write_timeout;

use super::{Network, Problem, Shares, host, request_layers::PeerAddr};
use crate::{env::Env, rlimit};
use axum::{Router, body::Body, http::Request, response::Response};
use contracts::problem::Code;
use head_timeout::{AnswerBody, Exchanges, HeadTimeoutStream};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
pub use pace::Pace;
use parser_refusal::ParserRefusalStream;
use request_body::RequestBody;
pub use request_body::{SlowBody, is_slow_body};
use std::{convert::Infallible, future::Future, io, net::SocketAddr, pin::pin, sync::Arc, task::Poll, time::Duration};
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
    /// How many of them one peer may have (see [`Network`]), and never more than are free (see [`Shares`]); more are closed at
    /// once. `None` where a proxy makes every connection.
    pub per_peer: Option<usize>,
    /// How long a connection may be idle.
    pub idle_time: Duration,
    /// How fast a client has to send the head of a request; else 408.
    pub head: Pace,
    /// How fast a client has to send a body; else reading it fails with [`SlowBody`].
    pub body: Pace,
    /// How long a write may make no progress because the client does not read.
    pub write_time: Duration,
    /// How many headers the parser reads; more are 431. The gateway has lower limits. The same holds for `header_bytes`.
    pub headers: usize,
    /// How many bytes are read before the body.
    pub header_bytes: usize,
    /// How long requests in flight may take once the shutdown began.
    pub drain_time: Duration,
}

/// The most connections of a process.
const CONNECTIONS: usize = 12_000;
/// Files reserved for databases, the search index and calls to other processes.
const OTHER_FILES: usize = 384;
/// The least limit of open files with which a process can work.
const MIN_FILES: u64 = 256;

impl Default for Limits {
    fn default() -> Limits {
        let pace = Pace { grace: Duration::from_secs(5), bytes_per_second: 16 * 1024 };
        Limits {
            connections: CONNECTIONS,
            per_peer: Some(CONNECTIONS),
            idle_time: Duration::from_secs(30),
            head: pace,
            body: pace,
            write_time: Duration::from_secs(30),
            headers: 200,
            header_bytes: 96 * 1024,
            drain_time: Duration::from_secs(30),
        }
    }
}

/// The limit of open files is too low to work with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a process may have only {0} files open (the limit nofile), and souk needs {MIN_FILES} at least; raise it with `ulimit -n`, or \
     LimitNOFILE= of systemd"
)]
pub struct TooFewFiles(u64);

impl Limits {
    /// As many connections as this process may have files open, with a reserve for what is no connection; the limit of
    /// the system is raised as far as it allows that. A limit that allows fewer connections than a process can serve is logged.
    ///
    /// # Errors
    /// [`TooFewFiles`].
    pub fn of_this_process() -> Result<Limits, TooFewFiles> {
        let wanted = (CONNECTIONS + OTHER_FILES) as u64;
        let files = rlimit::allow(wanted);
        let limits = Limits::within(files)?;
        if files < wanted {
            let connections = limits.connections;
            tracing::warn!(
                nofile = files,
                wanted,
                connections,
                "the limit of open files allows fewer connections; raise it with `ulimit -n`"
            );
        }
        Ok(limits)
    }

    fn within(files: u64) -> Result<Limits, TooFewFiles> {
        if files < MIN_FILES {
            return Err(TooFewFiles(files));
        }
        let files = usize::try_from(files).unwrap_or(usize::MAX);
        // A process with few files shares what it has.
        let connections = files.saturating_sub(OTHER_FILES).max(files / 4).min(CONNECTIONS);
        Ok(Limits { connections, per_peer: Some(connections), ..Limits::default() })
    }
}

/// Serves `router` on `listener` until `stop` is done, then takes no more connections and lets requests in flight end.
/// True when all of them did within [`Limits::drain_time`].
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, env: Env, stop: impl Future<Output = ()>) -> bool {
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.idle_time)
        .max_headers(limits.headers)
        .max_buf_size(limits.header_bytes.max(8 * 1024));
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(limits.connections));
    let peers = Shares::new(limits.connections, limits.per_peer);
    let open = |tcp: TcpStream, peer: SocketAddr, permit: OwnedSemaphorePermit| {
        let Some(held) = peers.take(Network::of(peer.ip()), 1) else {
            tracing::debug!(%peer, "a peer holds as many connections as it may");
            return metrics::counter!("souk_http_connections_refused_total").increment(1);
        };
        let _ = tcp.set_nodelay(true);
        let exchanges = Exchanges::default();
        let stream = WriteTimeoutStream::new(tcp, limits.write_time);
        let stream = ParserRefusalStream::new(HeadTimeoutStream::new(stream, limits.head, exchanges.clone()));
        let (router, env_of_connection, pace) = (router.clone(), env.clone(), limits.body);
        let service = service_fn(move |request: Request<Incoming>| {
            let (exchange, reading) = (exchanges.begin(), exchanges.begin());
            let (router, env) = (router.clone(), env_of_connection.clone());
            async move {
                let request = request_body::wrap(request, reading, pace, &env);
                Ok::<_, Infallible>(answer(request, peer, router, &env).await.map(|body| AnswerBody::new(body, exchange)))
            }
        });
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
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

/// Answers one request, unless its host is not valid.
async fn answer(request: Request<RequestBody>, peer: SocketAddr, router: Router, env: &Env) -> Response {
    if let Some(fault) = host::fault(request.version(), request.uri(), request.headers()) {
        metrics::counter!("souk_http_invalid_hosts_total").increment(1);
        return refusal::answer(Problem::new(Code::MALFORMED_REQUEST).detail(fault), request.headers(), env);
    }
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(PeerAddr(peer));
    let Ok(answer) = router.oneshot(request).await;
    answer
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
