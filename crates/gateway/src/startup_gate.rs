//! Answers requests while the program starts. Probes are answered as soon as the address is bound, and other requests are
//! refused with 503. Once the services are ready, every request goes to the [`Edge`].

use crate::{BrowserPages, Ready, Settings, Setup, edge::Edge, edge_request::EdgeRequest, pages, response_headers::ResponseHeaders};
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

/// The public entry point during and after the start. Cheap to clone.
#[derive(Clone)]
pub struct StartupGate {
    edge: Arc<OnceLock<Edge>>,
    closed: Arc<Closed>,
    ready: Ready,
    pages: Option<BrowserPages>,
}

/// Answers until the gate is open.
struct Closed {
    env: Env,
    probes: Router,
    response_headers: ResponseHeaders,
    pages: Option<BrowserPages>,
}

impl StartupGate {
    /// Creates a closed gate. `/readyz` reports what `ready` returns, before and after the gate opens. With `pages`, browsers get them
    /// instead of problem documents.
    #[must_use]
    pub fn new(env: Env, ready: Ready, pages: Option<BrowserPages>) -> StartupGate {
        let paths = pages::probes(ready.clone()).route("/", any(not_yet)).route("/{*rest}", any(not_yet));
        let files = pages.as_ref().map(|pages| pages.files.clone()).unwrap_or_default();
        let probes = RequestLayers::new("gateway", env.clone()).wrap(paths.merge(files));
        let closed = Closed { env, probes, response_headers: ResponseHeaders::new(&Settings::default()), pages: pages.clone() };
        StartupGate { edge: Arc::default(), closed: Arc::new(closed), ready, pages }
    }

    /// Lets requests through. Opening an open gate has no effect.
    pub fn open(&self, setup: Setup) {
        self.edge.get_or_init(|| Edge::new(setup, self.ready.clone(), self.pages.clone()));
    }

    /// Returns the public router. The accept loop must add [`platform::http::PeerAddr`] to each request.
    pub fn router(&self) -> Router {
        // One fallback and no routes, because the gateway matches the path itself.
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
        if let Some(pages) = &self.pages {
            answer = pages.show_start(&edge_request, answer);
        }
        self.response_headers.write(&edge_request, &mut answer);
        answer
    }
}

async fn not_yet() -> Problem {
    Problem::new(Code::DEPENDENCY_UNAVAILABLE).detail("the platform is starting")
}
