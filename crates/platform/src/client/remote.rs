//! A service outside of this process: its addresses, which take turns.
//!
//! Each address has a circuit breaker. Where there are several, one that fails its probe (`/readyz`) is used only when all
//! others fail too: a process that is about to stop fails it first, closes its connections with an answer each, and still serves
//! what it gets.

use super::{breaker::Breaker, error::CallError};
use crate::{env::Env, error_chain, shutdown::Shutdown};
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri, Version, header},
};
use http_body_util::BodyExt as _;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, timeout};

/// Names the service that a request is for: one process may serve several. Requests from outside lose the header.
pub const SERVICE: HeaderName = HeaderName::from_static("x-souk-service");

/// Marks the answer of a process whose services are not started yet: it has done nothing, and another one may.
pub const NOT_STARTED: HeaderName = HeaderName::from_static("x-souk-not-started");

/// How often an address is probed, and how long a probe may take. Both together are shorter than the time for which a process
/// that stops is not ready and still serves.
const PROBE_PERIOD: Duration = Duration::from_millis(400);
const PROBE_TIMEOUT: Duration = Duration::from_millis(300);

/// The addresses of one service, shared by all clients of the process. Cheap to clone.
#[derive(Clone)]
pub struct Remote(Arc<Inner>);

struct Inner {
    service: HeaderValue,
    replicas: Vec<Replica>,
    /// Counts requests: each begins with the next address.
    turn: AtomicUsize,
    /// Whether there was a request since the last probe. Addresses that nobody calls are not probed.
    is_used: AtomicBool,
    pool: Client<HttpConnector, Body>,
    env: Env,
}

pub(super) struct Replica {
    base: String,
    pub(super) breaker: Breaker,
    /// Whether it passed its last probe, and did not say since that it stops.
    is_ready: AtomicBool,
}

/// A request that got no answer.
pub(super) enum Failure {
    /// There was no connection, or the service is not started: it has done nothing.
    NotSent(CallError),
    /// The service may have done it.
    Broken(CallError),
}

impl From<Failure> for CallError {
    fn from(failure: Failure) -> CallError {
        match failure {
            Failure::NotSent(error) | Failure::Broken(error) => error,
        }
    }
}

impl Remote {
    /// `service` at `addresses`, such as `http://inventory:8081`. Paths are put behind them without [`BASE`](crate::http::BASE).
    ///
    /// # Panics
    /// When the name of the service is no token.
    #[must_use]
    pub fn new(env: &Env, service: &str, addresses: &[String]) -> Remote {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(2)));
        // Shorter than servers allow: a request must not be sent on a connection that the server is closing.
        let pool =
            Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(20)).build(connector);
        let replica = |address: &String| Replica {
            base: address.trim_end_matches('/').to_owned(),
            breaker: Breaker::new(env.clone()),
            is_ready: AtomicBool::new(true),
        };
        Remote(Arc::new(Inner {
            service: HeaderValue::try_from(service).expect("names of services are printable"),
            replicas: addresses.iter().map(replica).collect(),
            turn: AtomicUsize::new(0),
            is_used: AtomicBool::new(false),
            pool,
            env: env.clone(),
        }))
    }

    /// How many addresses there are, and how many of them passed their last probe. Addresses that nobody calls are not probed.
    #[must_use]
    pub fn replicas(&self) -> (u32, u32) {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let ready = self.0.replicas.iter().filter(|replica| replica.is_ready.load(Ordering::Relaxed)).count();
        (count(self.0.replicas.len()), count(ready))
    }

    /// The addresses in the order in which a request tries them: those that are ready take turns, the others come last.
    pub(super) fn in_turn(&self) -> impl Iterator<Item = &Replica> {
        let replicas = &self.0.replicas;
        self.0.is_used.store(true, Ordering::Relaxed);
        let first = self.0.turn.fetch_add(1, Ordering::Relaxed);
        let rotated = move |ready: bool| {
            let in_order = (0..replicas.len()).map(move |step| &replicas[(first + step) % replicas.len()]);
            in_order.filter(move |replica| replica.is_ready.load(Ordering::Relaxed) == ready)
        };
        rotated(true).chain(rotated(false))
    }

    pub(super) async fn send(&self, replica: &Replica, request: Request<Bytes>) -> Result<Response<Body>, Failure> {
        let (mut parts, body) = request.into_parts();
        let target = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let misused = |_| Failure::NotSent(CallError::Misused("the address is no address"));
        parts.uri = format!("{}{target}", replica.base).parse::<Uri>().map_err(misused)?;
        parts.version = Version::HTTP_11;
        // Headers of one connection are not forwarded (RFC 9110, 7.6.1).
        for hop in ["connection", "keep-alive", "te", "transfer-encoding", "upgrade", "proxy-connection", "host", "expect"] {
            parts.headers.remove(hop);
        }
        parts.headers.insert(SERVICE, self.0.service.clone());
        match self.0.pool.request(Request::from_parts(parts, Body::from(body))).await {
            Ok(answer) if answer.headers().contains_key(NOT_STARTED) => {
                replica.set_ready(false);
                Err(Failure::NotSent(CallError::Unavailable("the service is starting".to_owned())))
            }
            Ok(answer) => {
                if closes(answer.headers()) {
                    // It is about to stop, and says so before the next probe can. A process that goes on passes that probe.
                    replica.set_ready(false);
                }
                Ok(answer.map(Body::new))
            }
            Err(error) => {
                let unavailable = CallError::Unavailable(error_chain(&error));
                if !error.is_connect() {
                    return Err(Failure::Broken(unavailable));
                }
                replica.set_ready(false);
                Err(Failure::NotSent(unavailable))
            }
        }
    }

    /// Probes the addresses until the shutdown, if there are several.
    pub async fn probe_until(self, stop: Shutdown) {
        if self.0.replicas.len() < 2 {
            return;
        }
        while !stop.is_requested() {
            let is_idle = self.0.replicas.iter().all(|replica| replica.is_ready.load(Ordering::Relaxed));
            if self.0.is_used.swap(false, Ordering::Relaxed) || !is_idle {
                for replica in &self.0.replicas {
                    self.probe(replica).await;
                }
            }
            let env = &self.0.env;
            stop.sleep(env, env.jitter(PROBE_PERIOD / 2) + PROBE_PERIOD / 4, std::future::pending()).await;
        }
    }

    async fn probe(&self, replica: &Replica) {
        let request = Request::get(format!("{}/readyz", replica.base)).body(Body::empty());
        let Ok(request) = request else { return };
        let probing = async {
            let answer = self.0.pool.request(request).await.ok()?;
            let is_success = answer.status().is_success();
            // A connection is used again once its answer was read.
            answer.into_body().collect().await.ok().map(|_| is_success)
        };
        replica.set_ready(timeout(PROBE_TIMEOUT, probing).await == Ok(Some(true)));
    }
}

impl Replica {
    fn set_ready(&self, is_ready: bool) {
        if self.is_ready.swap(is_ready, Ordering::Relaxed) != is_ready {
            if is_ready {
                // Its breaker would wait for up to a quarter of a minute. One that was ready all the time and fails stays open.
                self.breaker.close();
            }
            tracing::info!(address = self.base, is_ready, "an address of a service changed its state");
        }
    }
}

/// Whether the sender closes the connection after this answer.
fn closes(headers: &HeaderMap) -> bool {
    headers.get(header::CONNECTION).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"close"))
}

/// Sends one request to the addresses in turn until one of them may have received it. With `repeats`, also until one answers:
/// the request may be done twice then. `is_failure` says whether an answer is a failure of the address.
pub(super) async fn exchange<A>(
    remote: &Remote,
    request: Request<Bytes>,
    deadline: Instant,
    mut repeats: impl FnMut() -> bool,
    read: impl AsyncFn(Response<Body>) -> Result<A, CallError>,
    is_failure: impl Fn(&A) -> bool,
) -> Result<A, CallError> {
    let mut last = CallError::Open;
    for replica in remote.in_turn() {
        let Some(permit) = replica.breaker.try_acquire() else { continue };
        let sending = async {
            let answer = remote.send(replica, request.clone()).await?;
            read(answer).await.map_err(Failure::Broken)
        };
        let outcome = tokio::time::timeout_at(deadline, sending).await.unwrap_or(Err(Failure::Broken(CallError::Timeout)));
        match outcome {
            Ok(answer) => {
                permit.record(is_failure(&answer));
                return Ok(answer);
            }
            Err(Failure::NotSent(error)) => {
                permit.record(error.is_failure());
                last = error;
            }
            Err(Failure::Broken(error)) => {
                permit.record(error.is_failure());
                if !matches!(error, CallError::Unavailable(_)) || !repeats() {
                    return Err(error);
                }
                last = error;
            }
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client::Client as ServiceClient,
        http::{Limits, serve},
        shutdown,
    };
    use axum::{
        Router,
        extract::State,
        http::StatusCode,
        response::IntoResponse as _,
        routing::{any, get},
    };
    use contracts::time::Timestamp;
    use std::sync::atomic::AtomicU32;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    /// A replica that answers with its name.
    struct Server {
        address: String,
        is_ready: Arc<AtomicBool>,
        is_stopping: Arc<AtomicBool>,
        is_starting: Arc<AtomicBool>,
        calls: Arc<AtomicU32>,
    }

    async fn server(env: &Env, name: &'static str) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (is_ready, calls) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU32::new(0)));
        let (is_stopping, is_starting) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let ready = |State(is_ready): State<Arc<AtomicBool>>| async move {
            if is_ready.load(Ordering::SeqCst) { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
        };
        let (counted, stops, starts) = (calls.clone(), is_stopping.clone(), is_starting.clone());
        let answer = move |headers: HeaderMap| async move {
            counted.fetch_add(1, Ordering::SeqCst);
            let text = format!("{name} for {}", headers[&SERVICE].to_str().unwrap());
            let connection = if stops.load(Ordering::SeqCst) { "close" } else { "keep-alive" };
            if starts.load(Ordering::SeqCst) {
                return (StatusCode::SERVICE_UNAVAILABLE, [(NOT_STARTED, "1")]).into_response();
            }
            ([(header::CONNECTION, connection)], text).into_response()
        };
        let router = Router::new().route("/readyz", get(ready)).route("/{*rest}", any(answer)).with_state(is_ready.clone());
        env.spawn(serve(listener, router, Limits::default(), env.clone(), std::future::pending()));
        Server { address, is_ready, is_stopping, is_starting, calls }
    }

    /// An address where each request is read, and the connection closed then. Counts the requests.
    async fn breaking(env: &Env) -> (String, Arc<AtomicU32>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicU32::new(0));
        let counted = requests.clone();
        env.spawn(async move {
            loop {
                let (mut tcp, _) = listener.accept().await.unwrap();
                if tcp.read(&mut [0; 4096]).await.unwrap_or(0) > 0 {
                    counted.fetch_add(1, Ordering::SeqCst);
                    let _ = tcp.write_all(b"HTTP/1.1 200").await;
                }
            }
        });
        (address, requests)
    }

    /// An address that nobody listens on.
    async fn unused() -> String {
        format!("http://{}", TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap())
    }

    async fn forward(client: &ServiceClient, method: &str, key: Option<&str>) -> Result<String, CallError> {
        let mut request = Request::builder().method(method).uri("/thing");
        if let Some(key) = key {
            request = request.header(crate::http::IDEMPOTENCY_KEY, key);
        }
        let deadline = Instant::now() + Duration::from_secs(10);
        let answer = client.forward("toy", request.body(Body::empty()).unwrap(), deadline).await?;
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        Ok(String::from_utf8(bytes.to_vec()).unwrap())
    }

    fn client_of(env: &Env, addresses: &[String]) -> (ServiceClient, Remote) {
        let (client, remote) = (ServiceClient::new(env.clone()), Remote::new(env, "toy", addresses));
        client.register_remote("toy", remote.clone());
        (client, remote)
    }

    fn env() -> Env {
        Env::seeded(1, Timestamp::EPOCH)
    }

    #[tokio::test]
    async fn addresses_take_turns_and_each_request_names_its_service() {
        let env = env();
        let (a, b) = (server(&env, "a").await, server(&env, "b").await);
        let (client, _) = client_of(&env, &[a.address, b.address]);
        let mut answers = Vec::new();
        for _ in 0..4 {
            answers.push(forward(&client, "GET", None).await.unwrap());
        }
        assert_eq!(answers, ["a for toy", "b for toy", "a for toy", "b for toy"]);
    }

    #[tokio::test]
    async fn a_request_that_finds_no_connection_goes_to_the_next_address_whatever_it_is() {
        let env = env();
        let a = server(&env, "a").await;
        let (client, _) = client_of(&env, &[unused().await, a.address]);
        for _ in 0..20 {
            assert_eq!(forward(&client, "POST", None).await.unwrap(), "a for toy");
        }
    }

    #[tokio::test]
    async fn after_a_broken_connection_only_a_repeatable_request_goes_to_the_next_address() {
        for (method, key, is_repeated) in [
            ("GET", None, true),
            ("PUT", None, true),
            ("DELETE", None, true),
            ("POST", Some("\"k\""), true),
            ("POST", None, false),
            ("PATCH", None, false),
        ] {
            let env = env();
            let (a, (broken, requests)) = (server(&env, "a").await, breaking(&env).await);
            let (client, _) = client_of(&env, &[broken, a.address]);
            let outcome = forward(&client, method, key).await;
            assert_eq!(requests.load(Ordering::SeqCst), 1, "the broken address was first");
            assert_eq!(a.calls.load(Ordering::SeqCst), u32::from(is_repeated), "{method} {key:?}");
            assert_eq!(outcome.is_ok(), is_repeated, "{method} {key:?}");
        }
    }

    #[tokio::test]
    async fn an_address_that_fails_its_probe_is_left_out_until_it_passes_one() {
        let env = env();
        let (a, b) = (server(&env, "a").await, server(&env, "b").await);
        let (client, remote) = client_of(&env, &[a.address, b.address]);
        let probe_all = async || {
            for replica in &remote.0.replicas {
                remote.probe(replica).await;
            }
        };
        b.is_ready.store(false, Ordering::SeqCst);
        probe_all().await;
        for _ in 0..6 {
            assert_eq!(forward(&client, "GET", None).await.unwrap(), "a for toy");
        }
        a.is_ready.store(false, Ordering::SeqCst);
        probe_all().await;
        assert!(forward(&client, "GET", None).await.is_ok(), "an address that is not ready is better than none");
        b.is_ready.store(true, Ordering::SeqCst);
        probe_all().await;
        for _ in 0..4 {
            assert_eq!(forward(&client, "GET", None).await.unwrap(), "b for toy");
        }
    }

    #[tokio::test]
    async fn an_address_that_closes_its_connections_is_left_out_before_the_next_probe() {
        let env = env();
        let (a, b) = (server(&env, "a").await, server(&env, "b").await);
        let (client, remote) = client_of(&env, &[a.address, b.address]);
        let shown = async || forward(&client, "GET", None).await.unwrap();
        assert_eq!((shown().await, shown().await), ("a for toy".to_owned(), "b for toy".to_owned()));
        a.is_stopping.store(true, Ordering::SeqCst);
        assert_eq!(shown().await, "a for toy", "it serves what it gets");
        for _ in 0..4 {
            assert_eq!(shown().await, "b for toy");
        }
        a.is_stopping.store(false, Ordering::SeqCst);
        remote.probe(&remote.0.replicas[0]).await;
        let answers = [shown().await, shown().await];
        assert!(answers.contains(&"a for toy".to_owned()), "{answers:?}");
    }

    #[tokio::test]
    async fn a_request_for_a_service_that_is_starting_goes_to_the_next_address_whatever_it_is() {
        let env = env();
        let (a, b) = (server(&env, "a").await, server(&env, "b").await);
        let (client, remote) = client_of(&env, &[a.address.clone(), b.address.clone()]);
        a.is_starting.store(true, Ordering::SeqCst);
        for _ in 0..4 {
            assert_eq!(forward(&client, "POST", None).await.unwrap(), "b for toy");
        }
        assert_eq!(a.calls.load(Ordering::SeqCst), 1, "it is left out until it passes a probe");
        b.is_starting.store(true, Ordering::SeqCst);
        assert!(matches!(forward(&client, "POST", None).await, Err(CallError::Unavailable(_))));
        for server in [&a, &b] {
            server.is_starting.store(false, Ordering::SeqCst);
        }
        remote.probe(&remote.0.replicas[0]).await;
        assert_eq!(forward(&client, "POST", None).await.unwrap(), "a for toy");
    }

    #[tokio::test]
    async fn a_passed_probe_closes_the_breaker_of_an_address_that_is_back() {
        let env = env();
        let a = server(&env, "a").await;
        let (client, remote) = client_of(&env, &[a.address.clone(), unused().await]);
        a.is_ready.store(false, Ordering::SeqCst);
        let replica = &remote.0.replicas[0];
        remote.probe(replica).await;
        while let Some(permit) = replica.breaker.try_acquire() {
            permit.record(true);
        }
        assert!(matches!(forward(&client, "GET", None).await, Err(CallError::Unavailable(_) | CallError::Open)));
        a.is_ready.store(true, Ordering::SeqCst);
        remote.probe(replica).await;
        assert_eq!(forward(&client, "GET", None).await.unwrap(), "a for toy");
        // It passes the next probe too, and an open breaker stays open.
        while let Some(permit) = replica.breaker.try_acquire() {
            permit.record(true);
        }
        remote.probe(replica).await;
        assert!(replica.breaker.try_acquire().is_none());
    }

    #[tokio::test]
    async fn the_probe_runs_beside_the_requests_until_the_shutdown() {
        let env = Env::system();
        let (a, b) = (server(&env, "a").await, server(&env, "b").await);
        let (client, remote) = client_of(&env, &[a.address, b.address]);
        b.is_ready.store(false, Ordering::SeqCst);
        forward(&client, "GET", None).await.unwrap();
        let (sender, stop) = shutdown::channel();
        let probing = env.spawn(remote.clone().probe_until(stop));
        let is_out = async {
            while remote.0.replicas[1].is_ready.load(Ordering::SeqCst) {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(10), is_out).await.expect("the address is left out");
        sender.stop();
        probing.await.unwrap();
    }

    #[tokio::test]
    async fn a_single_address_that_is_down_opens_its_breaker() {
        let env = env();
        let (client, _) = client_of(&env, &[unused().await]);
        let mut last = None;
        for _ in 0..9 {
            last = forward(&client, "GET", None).await.err();
        }
        assert!(matches!(last, Some(CallError::Open)), "{last:?}");
    }
}
