//! An HTTPS client for addresses outside of the platform.
//!
//! No redirect is followed. A client for [`Reach::Public`] refuses private addresses: a numeric one at once, that of a name after its
//! resolution. It connects to the address that was checked, so a name cannot resolve to another one between check and use.

use crate::{env::Env, public_address::is_public};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Request, Response, Uri,
    body::{Bytes, Incoming},
};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{HttpConnector, dns::Name},
    },
    rt::TokioTimer,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use std::{
    error::Error,
    future::Future,
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs as _},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::OnceCell;

type Pool = Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>;

/// The addresses that a client connects to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Those of the public internet, for addresses that users choose.
    Public,
    /// All, for addresses that the operator chooses.
    Any,
}

/// Why there is no response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpsError {
    #[error("the address is not a public one")]
    Private,
    #[error("the address is not an http or https address")]
    BadAddress,
    /// The innermost cause, which has the most detail.
    #[error("{0}")]
    Unreachable(String),
}

/// A client with a pool of connections.
pub struct HttpsClient {
    env: Env,
    reach: Reach,
    /// Created with the first request, because reading the system's root certificates is slow.
    pool: OnceCell<Pool>,
}

impl HttpsClient {
    #[must_use]
    pub fn new(env: Env, reach: Reach) -> HttpsClient {
        HttpsClient { env, reach, pool: OnceCell::new() }
    }

    /// Sends a request and returns the head of the response and up to `limit` bytes of its body; `None` for a body that is longer or
    /// breaks off. It waits for ever: the caller limits the time.
    ///
    /// # Errors
    /// When no response came.
    pub async fn send(&self, request: Request<Full<Bytes>>, limit: usize) -> Result<Response<Option<Bytes>>, HttpsError> {
        self.check(request.uri())?;
        let response = self.pool().await.request(request).await.map_err(|error| failure(&error))?;
        let (head, body) = response.into_parts();
        Ok(Response::from_parts(head, read(body, limit).await))
    }

    /// A numeric address does not go through the resolver.
    fn check(&self, uri: &Uri) -> Result<(), HttpsError> {
        let host = uri.host().filter(|_| matches!(uri.scheme_str(), Some("http" | "https"))).ok_or(HttpsError::BadAddress)?;
        match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            Ok(ip) if self.reach == Reach::Public && !is_public(ip) => Err(HttpsError::Private),
            _ => Ok(()),
        }
    }

    async fn pool(&self) -> &Pool {
        let (env, reach) = (self.env.clone(), self.reach);
        self.pool
            .get_or_init(|| async move {
                // Reading the root certificates blocks.
                let tls = env.spawn_blocking(tls).await.unwrap_or_else(|_| without_roots());
                let mut connector = HttpConnector::new_with_resolver(Resolver { env: env.clone(), reach });
                connector.enforce_http(false);
                connector.set_nodelay(true);
                connector.set_connect_timeout(Some(Duration::from_secs(5)));
                let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(connector);
                Client::builder(Executor(env))
                    .pool_timer(TokioTimer::new())
                    .pool_idle_timeout(Duration::from_secs(20))
                    .pool_max_idle_per_host(4)
                    .build(connector)
            })
            .await
    }
}

async fn read(body: Incoming, limit: usize) -> Option<Bytes> {
    Limited::new(body, limit).collect().await.ok().map(|collected| collected.to_bytes())
}

fn failure(error: &hyper_util::client::legacy::Error) -> HttpsError {
    let mut cause: &dyn Error = error;
    loop {
        if cause.is::<PrivateAddress>() {
            return HttpsError::Private;
        }
        match cause.source() {
            Some(inner) => cause = inner,
            None => return HttpsError::Unreachable(cause.to_string()),
        }
    }
}

/// Runs the tasks of the HTTP client.
#[derive(Clone)]
struct Executor(Env);

impl<F> hyper::rt::Executor<F> for Executor
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, task: F) {
        drop(self.0.spawn(task));
    }
}

fn tls() -> ClientConfig {
    match with_roots() {
        Ok(tls) => tls,
        Err(error) => {
            tracing::warn!(%error, "the system has no root certificates: https addresses cannot be reached");
            without_roots()
        }
    }
}

fn with_roots() -> io::Result<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    Ok(builder.with_native_roots()?.with_no_client_auth())
}

fn without_roots() -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks the usual versions of TLS")
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth()
}

/// What a name resolves to is not public.
#[derive(Debug, thiserror::Error)]
#[error("the address is not a public one")]
struct PrivateAddress;

/// The system's resolver, without private addresses where only public ones may be reached.
#[derive(Clone)]
struct Resolver {
    env: Env,
    reach: Reach,
}

type BoxError = Box<dyn Error + Send + Sync>;

impl tower::Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let reach = self.reach;
        let resolving = self.env.spawn_blocking(move || (name.as_str(), 0).to_socket_addrs());
        Box::pin(async move {
            let found: Vec<SocketAddr> = resolving.await??.filter(|address| reach == Reach::Any || is_public(address.ip())).collect();
            if found.is_empty() { Err(PrivateAddress.into()) } else { Ok(found.into_iter()) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::time::Timestamp;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    async fn get(reach: Reach, address: &str) -> Result<u16, HttpsError> {
        let client = HttpsClient::new(Env::seeded(1, Timestamp::EPOCH), reach);
        let request = Request::get(address).body(Full::default()).unwrap();
        client.send(request, 100).await.map(|response| response.status().as_u16())
    }

    #[tokio::test]
    async fn only_a_client_for_any_address_reaches_private_ones() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let env = Env::seeded(2, Timestamp::EPOCH);
        env.spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await;
            stream.write_all(b"HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            // A second connection would be a redirect that was followed, or a private address that was reached.
            drop(listener);
        });
        for private in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "100.64.0.1", "10.0.0.1", "localhost"] {
            assert_eq!(get(Reach::Public, &format!("http://{private}:{port}/")).await, Err(HttpsError::Private), "{private}");
        }
        assert_eq!(get(Reach::Any, &format!("http://localhost:{port}/")).await, Ok(302), "redirects are not followed");
        assert_eq!(get(Reach::Any, "ftp://localhost/").await, Err(HttpsError::BadAddress));
        assert!(matches!(get(Reach::Any, &format!("http://127.0.0.1:{port}/")).await, Err(HttpsError::Unreachable(_))));
    }
}
