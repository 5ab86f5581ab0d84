//! The request path of the gateway: every request passes [`Edge::answer`].

use crate::{
    Ready, Setup, compress,
    edge_request::EdgeRequest,
    limits::{Caller, Class, Limits, RateLimitStatus},
    load::Load,
    pages,
    response_headers::ResponseHeaders,
    routes::Route,
    upstream::Upstreams,
};
use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header, uri::PathAndQuery},
    response::{IntoResponse as _, Response},
};
use contracts::problem::Code;
use platform::{
    context::Context,
    env::Env,
    http::{Problem, request_layers},
    identity::Verifier,
};
use std::{sync::Arc, time::Duration};
use tower::Service as _;

/// Everything behind the public address. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Edge(Arc<Inner>);

struct Inner {
    env: Env,
    verifier: Verifier,
    trusted_proxies: usize,
    max_body_bytes: u64,
    load: Load,
    limits: Option<Limits>,
    upstreams: Upstreams,
    pages: Router,
    response_headers: ResponseHeaders,
}

impl Edge {
    pub(crate) fn new(setup: Setup, ready: Ready) -> Edge {
        let Setup { env, settings, rate_limits, verifier, services, operations, extra, landing } = setup;
        let time = Duration::from_secs(settings.upstream_seconds.get().into());
        Edge(Arc::new(Inner {
            trusted_proxies: settings.trusted_proxies,
            max_body_bytes: settings.max_body_bytes,
            load: Load::new(settings.max_in_flight.get()),
            limits: rate_limits.then(|| Limits::new(&settings)),
            upstreams: Upstreams::new(&env, services, time),
            pages: request_layers::RequestLayers::new("gateway", env.clone())
                .verifier(verifier.clone())
                .wrap(pages::router(&operations, landing, ready).merge(extra)),
            response_headers: ResponseHeaders::new(&settings),
            env,
            verifier,
        }))
    }

    pub(crate) async fn answer(&self, request: Request) -> Response {
        self.0.answer(request).await
    }
}

/// What the request path learns and the response needs.
#[derive(Default)]
struct RequestState {
    rate_limit: Option<RateLimitStatus>,
    holds_secrets: bool,
}

impl Inner {
    async fn answer(&self, mut request: Request) -> Response {
        let edge_request = EdgeRequest::read(&mut request, &self.env, self.trusted_proxies);
        let mut state = RequestState::default();
        let mut answer = match self.handle(&edge_request, &mut state, request).await {
            Ok(answer) => answer,
            Err(problem) => problem_response(&edge_request, problem),
        };
        self.response_headers.write(&edge_request, &mut answer);
        if let Some(status) = state.rate_limit {
            status.write(answer.headers_mut());
        }
        if state.holds_secrets || !compress::is_worthwhile(&answer) {
            return answer;
        }
        compress::vary(answer.headers_mut());
        if edge_request.takes_gzip { compress::gzip(answer).await } else { answer }
    }

    async fn handle(&self, edge_request: &EdgeRequest, state: &mut RequestState, mut request: Request) -> Result<Response, Problem> {
        edge_request.check_head()?;
        if let Some(preflight) =
            self.response_headers.cors().preflight(&edge_request.method, edge_request.origin.as_ref(), request.headers())
        {
            return Ok(preflight);
        }
        let (service, path) = match Route::of(request.uri().path()) {
            Route::Service(service, path) => (service, with_query(path, request.uri().query())?),
            Route::Probe => return Ok(self.page(request).await),
            Route::Page => {
                let _slot = self.load.enter(edge_request.waits)?;
                self.check_size(edge_request)?;
                return Ok(self.page(request).await);
            }
            Route::NotFound if edge_request.method == Method::OPTIONS && request.uri().path() == "*" => return Ok(any_method()),
            Route::NotFound => return Err(Problem::new(Code::NOT_FOUND).detail("there is no such path")),
        };
        state.holds_secrets = service == "auth";
        let _slot = self.load.enter(edge_request.waits)?;
        self.check_size(edge_request)?;
        if let Some(limits) = &self.limits {
            let class = Class::of(&edge_request.method, path.path());
            let caller = self.caller(class, edge_request, &mut request).await;
            let (status, outcome) = limits.take(class, &caller);
            state.rate_limit = Some(status);
            outcome?;
        }
        self.upstreams.call(service, path, request, edge_request.client).await
    }

    async fn page(&self, request: Request) -> Response {
        let Ok(answer) = self.pages.clone().call(request).await;
        answer
    }

    fn check_size(&self, edge_request: &EdgeRequest) -> Result<(), Problem> {
        if edge_request.content_length.is_none_or(|bytes| bytes <= self.max_body_bytes) {
            return Ok(());
        }
        // The body is not read, so the connection cannot be used again.
        let problem = Problem::new(Code::PAYLOAD_TOO_LARGE).detail(format!("the body may have at most {} bytes", self.max_body_bytes));
        Err(problem.header(header::CONNECTION, HeaderValue::from_static("close")))
    }

    /// Returns the caller whose quota counts. A token that does not verify counts for the address; the service refuses it.
    /// The verified identity is stored in the request, so that a service in this process need not verify it again.
    async fn caller(&self, class: Class, edge_request: &EdgeRequest, request: &mut Request) -> Caller {
        let address = Caller::at(edge_request.client);
        if class == Class::Login {
            return address;
        }
        let Some(token) = request_layers::bearer(request.headers()) else { return address };
        let Ok(identity) = self.verifier.verify(token).await else { return address };
        let caller = Caller::known(&identity);
        request.extensions_mut().insert(identity);
        caller
    }
}

/// Joins the service's path with the query.
fn with_query(path: &str, query: Option<&str>) -> Result<PathAndQuery, Problem> {
    let joined = match query {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path),
    };
    joined.map_err(|_| Problem::new(Code::NOT_FOUND).detail("there is no such path"))
}

/// Answers `OPTIONS *`, which concerns the server and no resource (RFC 9110, 9.3.7).
fn any_method() -> Response {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    answer
}

/// Turns a refusal of the gateway into a response. Problems of services are already responses.
fn problem_response(edge_request: &EdgeRequest, problem: Problem) -> Response {
    metrics::counter!("souk_gateway_refused_total", "code" => problem.code().as_str()).increment(1);
    let mut answer = Context::new(edge_request.correlation_id()).sync_scope(|| problem.into_response());
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
