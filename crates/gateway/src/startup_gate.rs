//! The way in while the platform behind it is still being started. Probes are answered from the moment that the address is
//! bound, and everything else is told to come back; once the edge is there, every request goes to it.

use crate::{Ready, Settings, Setup, edge::Edge, edge_request::EdgeRequest, pages, response_headers::ResponseHeaders};
use axum::{Router, extract::Request, response::Response, routing::any};
use contracts::problem::Code;
use platform::{
    env::Env,
    http::{Problem, RequestLayers},
};
use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context as Poller, Poll},
};
use tower::Service;

/// The public gate. Cheap to clone.
#[derive(Clone)]
pub struct StartupGate {
    edge: Arc<OnceLock<Edge>>,
    closed: Arc<Closed>,
    ready: Ready,
}

/// What answers until the edge is there.
struct Closed {
    env: Env,
    probes: Router,
    response_headers: ResponseHeaders,
}

impl StartupGate {
    /// An gate where only probes are answered. `ready` is what `/readyz` asks, then and later.
    #[must_use]
    pub fn new(env: Env, ready: Ready) -> StartupGate {
        let paths = pages::probes(ready.clone()).route("/", any(not_yet)).route("/{*rest}", any(not_yet));
        let probes = RequestLayers::new("gateway", env.clone()).wrap(paths);
        let closed = Closed { env, probes, response_headers: ResponseHeaders::new(&Settings::default()) };
        StartupGate { edge: Arc::default(), closed: Arc::new(closed), ready }
    }

    /// Lets requests in. An gate that is open stays as it is.
    pub fn open(&self, setup: Setup) {
        self.edge.get_or_init(|| Edge::new(setup, self.ready.clone()));
    }

    /// The public router. Requests carry the [`platform::http::PeerAddr`] that the accept loop put on them.
    pub fn router(&self) -> Router {
        // One fallback and no routes: the edge looks at the path by itself, and only once.
        Router::new().fallback_service(self.clone())
    }
}

impl Service<Request> for StartupGate {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Poller<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if let Some(edge) = self.edge.get() {
            let edge = edge.clone();
            return Box::pin(async move { Ok(edge.answer(request).await) });
        }
        let closed = self.closed.clone();
        Box::pin(async move { Ok(closed.answer(request).await) })
    }
}

impl Closed {
    async fn answer(&self, mut request: Request) -> Response {
        let edge_request = EdgeRequest::read(&mut request, &self.env, 0);
        let Ok(mut answer) = self.probes.clone().call(request).await;
        self.response_headers.write(&edge_request, &mut answer);
        answer
    }
}

async fn not_yet() -> Problem {
    Problem::new(Code::DEPENDENCY_UNAVAILABLE).detail("the platform is starting")
}
