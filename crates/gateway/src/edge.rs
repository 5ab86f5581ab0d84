//! The request path of the gateway: every request passes [`Edge::answer`].

use crate::{
    BrowserPages, Ready, Setup,
    admission::Admission,
    api_keys::{self, ApiKey, ApiKeys},
    bodies::Bodies,
    compress::{self, KnownCopies},
    edge_request::EdgeRequest,
    latencies::Latencies,
    limits::{Caller, Class, Limits, RateLimitStatus},
    pages,
    priority::Priority,
    response_headers::ResponseHeaders,
    routes::{self, Route},
    shared_limits::SharedQuotas,
    system::{self, System},
    upstream::Upstreams,
};
use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderValue, Method, StatusCode, Uri, header, uri::PathAndQuery},
    response::{IntoResponse as _, Response},
};
use contracts::{problem::Code, search::COST_HEADER, service::is_streamed_upload};
use platform::{
    context::Context,
    env::Env,
    http::{BASE, Network, PeerAddr, Problem, request_layers},
    identity::Verifier,
};
use std::{
    borrow::Cow,
    net::SocketAddr,
    sync::{Arc, Once},
    time::Duration,
};
use tokio::{sync::Semaphore, time::Instant};
use tower::Service as _;

/// How many uploads are received at a time.
const UPLOADS: usize = 8;

/// Everything behind the public address. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Edge(Arc<Inner>);

struct Inner {
    env: Env,
    verifier: Verifier,
    trusted_proxies: usize,
    /// Warns of proxies that are not trusted.
    untrusted_proxy: Once,
    bodies: Bodies,
    /// The uploads whose bodies are read while they arrive.
    uploads: Semaphore,
    admission: Admission,
    limits: Option<Limits>,
    api_keys: ApiKeys,
    upstreams: Arc<Upstreams>,
    latencies: Arc<Latencies>,
    pages: Router,
    browser_pages: Option<BrowserPages>,
    response_headers: ResponseHeaders,
}

impl Edge {
    pub(crate) fn new(setup: Setup, ready: Ready, browser_pages: Option<BrowserPages>) -> Edge {
        let Setup { env, settings, rate_limits, shared_limits, verifier, client, services, operations, extra, landing } = setup;
        let time = Duration::from_secs(settings.upstream_seconds.get().into());
        let upstreams = Arc::new(Upstreams::new(&env, services, time));
        let latencies = Arc::new(Latencies::new());
        let system = System { upstreams: upstreams.clone(), latencies: latencies.clone(), serving_since: env.now() };
        let extra = extra.merge(Router::new().nest(BASE, system::routes().build(system).0));
        Edge(Arc::new(Inner {
            trusted_proxies: settings.trusted_proxies,
            untrusted_proxy: Once::new(),
            bodies: Bodies::new(&settings),
            uploads: Semaphore::new(UPLOADS),
            admission: Admission::new(settings.max_in_flight.get(), settings.max_in_flight_per_client.get(), settings.max_queued.get()),
            api_keys: ApiKeys::new(client),
            limits: rate_limits.then(|| {
                let shared = shared_limits.map(|values| SharedQuotas::new(values, settings.remembered_callers.get()));
                Limits::new(&settings, shared)
            }),
            upstreams,
            latencies,
            pages: request_layers::RequestLayers::new("gateway", env.clone())
                .verifier(verifier.clone())
                .wrap(pages::router(&operations, landing, ready).merge(extra)),
            browser_pages,
            response_headers: ResponseHeaders::new(&settings),
            env,
            verifier,
        }))
    }

    pub(crate) async fn answer(&self, request: Request) -> Response {
        self.0.answer(request).await
    }
}

/// What the request path finds out and the response needs.
#[derive(Default)]
struct RequestState {
    rate_limit: Option<RateLimitStatus>,
    /// Whose quota the request was taken from.
    caller: Option<(Class, Caller)>,
    holds_secrets: bool,
}

impl Inner {
    async fn answer(&self, mut request: Request) -> Response {
        let edge_request = EdgeRequest::read(&mut request, &self.env, self.trusted_proxies);
        if edge_request.is_forwarded && self.trusted_proxies == 0 {
            self.warn_of_proxy(&edge_request);
        }
        let copies = KnownCopies::read(request.headers_mut());
        let mut state = RequestState::default();
        let (began, is_api) = (Instant::now(), request.uri().path().starts_with(BASE));
        let mut answer = match self.handle(&edge_request, &mut state, request).await {
            Ok(answer) => answer,
            Err(problem) => problem_response(&edge_request, problem),
        };
        if let Some(pages) = &self.browser_pages {
            answer = pages.show(&edge_request, answer);
        }
        if is_api {
            self.latencies.record(began.elapsed(), answer.status().is_server_error());
        }
        let cost = answer.headers_mut().remove(COST_HEADER).and_then(|cost| cost.to_str().ok()?.parse::<u32>().ok());
        if let (Some(cost), Some(limits), Some((class, caller))) = (cost, &self.limits, &state.caller) {
            state.rate_limit = limits.charge(*class, caller, cost).await.or(state.rate_limit);
        }
        self.response_headers.write(&edge_request, &mut answer);
        if let Some(status) = state.rate_limit {
            status.write(answer.headers_mut());
        }
        if state.holds_secrets {
            return answer;
        }
        compress::negotiate(answer, &edge_request, &copies).await
    }

    /// Behind a proxy that is not trusted, all clients share one quota and one share of the slots.
    fn warn_of_proxy(&self, edge_request: &EdgeRequest) {
        metrics::counter!("souk_gateway_untrusted_forwarded_total").increment(1);
        self.untrusted_proxy.call_once(|| {
            tracing::warn!(
                peer = %edge_request.client,
                "a request was forwarded by a proxy that is not trusted, so its clients count as one; \
                 set trusted_proxies of [gateway] to the number of proxies in front, if they are yours"
            );
        });
    }

    async fn handle(&self, edge_request: &EdgeRequest, state: &mut RequestState, mut request: Request) -> Result<Response, Problem> {
        edge_request.check_head()?;
        if let Some(preflight) =
            self.response_headers.cors().preflight(&edge_request.method, edge_request.origin.as_ref(), request.headers())
        {
            return Ok(preflight);
        }
        normalize_path(&mut request)?;
        let network = Network::of(edge_request.client);
        let (destination, priority) = match Route::of(request.uri().path()) {
            Route::Service(service, path) => {
                let priority = Priority::of(&edge_request.method, path, edge_request.waits);
                (Some((service, with_query(path, request.uri().query())?)), priority)
            }
            Route::Probe => return Ok(self.page(request).await),
            Route::Page => (None, Priority::PublicRead),
            Route::NotFound if edge_request.method == Method::OPTIONS && request.uri().path() == "*" => return Ok(any_method()),
            Route::NotFound => return Err(no_such_path()),
        };
        state.holds_secrets = matches!(destination, Some(("auth", _)));
        if edge_request.encodes_body {
            return Err(encoded_body());
        }
        let limit = self.bodies.limit(&edge_request.method, destination.as_ref().map_or(request.uri().path(), |(_, path)| path.path()));
        let is_streamed = destination.as_ref().is_some_and(|(_, path)| is_streamed_upload(edge_request.method.as_str(), path.path()));
        if !is_streamed {
            Bodies::check_announced(edge_request.content_length, limit)?;
        }
        // The operation of the gateway takes the tokens, the keys and the quota of the others.
        let own = request.uri().path().strip_prefix(BASE).filter(|path| *path == system::PATH).map(|_| system::PATH);
        let operation = destination.as_ref().map(|(_, path)| path.path()).or(own);
        if let (Some(path), Some(key)) = (operation, api_keys::key_of(request.headers())) {
            let class = Class::of(&edge_request.method, path);
            let token = self.exchange(key, class, edge_request, state).await?;
            request.headers_mut().insert(header::AUTHORIZATION, token);
        }
        if let (Some(limits), Some(path)) = (&self.limits, operation) {
            let class = Class::of(&edge_request.method, path);
            let caller = self.caller(class, edge_request, &mut request).await;
            let class = class.by(path, &caller);
            let (status, outcome) = limits.take(class, &caller).await;
            state.rate_limit = Some(status);
            outcome?;
            state.caller = Some((class, caller));
        }
        if let (true, Some((service, path))) = (is_streamed, &destination) {
            // The service reads the body while it arrives. That may take long, so the request has a place of its own and no slot.
            let _upload =
                self.uploads.try_acquire().map_err(|_| Problem::new(Code::OVERLOADED).detail("too many files are being received"))?;
            return self.upstreams.call(service, path.clone(), request, edge_request.client).await;
        }
        let (request, _memory) = self.bodies.read(request, network, limit).await?;
        let _slot = self.admission.enter(priority, network).await?;
        match destination {
            Some((service, path)) => self.upstreams.call(service, path, request, edge_request.client).await,
            None => {
                let mut request = request;
                // A page calls the API for its client, not for the proxy in front.
                request.extensions_mut().insert(PeerAddr(SocketAddr::new(edge_request.client, 0)));
                Ok(self.page(request).await)
            }
        }
    }

    /// Returns the header with the token of an API key. A key that is not cached is taken from the quota of the address, so that made-up
    /// keys cost as much as other requests.
    async fn exchange(
        &self,
        key: ApiKey,
        class: Class,
        edge_request: &EdgeRequest,
        state: &mut RequestState,
    ) -> Result<HeaderValue, Problem> {
        if let Some(token) = self.api_keys.cached(&key) {
            return Ok(token);
        }
        if let Some(limits) = &self.limits {
            let (status, outcome) = limits.take(class, &Caller::at(edge_request.client)).await;
            state.rate_limit = Some(status);
            outcome?;
        }
        Context::new(edge_request.correlation_id()).scope(self.api_keys.exchange(key)).await
    }

    async fn page(&self, request: Request) -> Response {
        let Ok(answer) = self.pages.clone().call(request).await;
        answer
    }

    /// Returns the caller whose quota counts. A token that does not verify counts for the address; the service refuses it.
    /// The verified identity is stored in the request, so that a service in this process need not verify it again.
    async fn caller(&self, class: Class, edge_request: &EdgeRequest, request: &mut Request) -> Caller {
        let address = Caller::at(edge_request.client);
        if matches!(class, Class::Login | Class::GuestCart) {
            return address;
        }
        let Some(token) = request_layers::bearer(request.headers()) else { return address };
        let Ok(identity) = self.verifier.verify(token).await else { return address };
        let caller = Caller::known(&identity);
        request.extensions_mut().insert(identity);
        caller
    }
}

fn no_such_path() -> Problem {
    Problem::new(Code::NOT_FOUND).detail("there is no such path")
}

/// Bodies are read as they are. The answer says that it must not encode them (RFC 7694).
fn encoded_body() -> Problem {
    let problem = Problem::new(Code::UNSUPPORTED_MEDIA_TYPE).detail("send the body without a Content-Encoding");
    problem.header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"))
}

/// Replaces the path of the request by its normal form.
fn normalize_path(request: &mut Request) -> Result<(), Problem> {
    let malformed = || Problem::new(Code::MALFORMED_REQUEST).detail("a percent escape in the path is broken");
    if let Cow::Owned(path) = routes::normalize(request.uri().path()).ok_or_else(malformed)? {
        let path = with_query(&path, request.uri().query())?;
        *request.uri_mut() = Uri::from(path);
    }
    Ok(())
}

/// Joins the service's path with the query.
fn with_query(path: &str, query: Option<&str>) -> Result<PathAndQuery, Problem> {
    let joined = match query {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path),
    };
    joined.map_err(|_| no_such_path())
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
