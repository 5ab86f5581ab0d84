//! The edge in one piece, because every request passes it: what it knows of a request it reads once.

use crate::{
    Ready, Setup, compress,
    dress::Dress,
    limits::{Caller, Class, Limits, Standing},
    load::Load,
    pages,
    routes::Place,
    upstream::Upstreams,
    visit::Visit,
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

/// What is behind every public path. Cheap to clone.
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
    dress: Dress,
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
            dress: Dress::new(&settings),
            env,
            verifier,
        }))
    }

    pub(crate) async fn answer(&self, request: Request) -> Response {
        self.0.answer(request).await
    }
}

/// What becomes known on the way and is needed for the answer.
#[derive(Default)]
struct Course {
    standing: Option<Standing>,
    holds_secrets: bool,
}

impl Inner {
    async fn answer(&self, mut request: Request) -> Response {
        let visit = Visit::of(&mut request, &self.env, self.trusted_proxies);
        let mut course = Course::default();
        let mut answer = match self.attend(&visit, &mut course, request).await {
            Ok(answer) => answer,
            Err(problem) => refused(&visit, problem),
        };
        self.dress.put_on(&visit, &mut answer);
        if let Some(standing) = course.standing {
            standing.write(answer.headers_mut());
        }
        if course.holds_secrets || !compress::pays(&answer) {
            return answer;
        }
        compress::vary(answer.headers_mut());
        if visit.takes_gzip { compress::gzip(answer).await } else { answer }
    }

    async fn attend(&self, visit: &Visit, course: &mut Course, mut request: Request) -> Result<Response, Problem> {
        visit.check_head()?;
        if let Some(preflight) = self.dress.cors().preflight(&visit.method, visit.origin.as_ref(), request.headers()) {
            return Ok(preflight);
        }
        let (service, path) = match Place::of(request.uri().path()) {
            Place::Service(service, path) => (service, with_query(path, request.uri().query())?),
            Place::Probe => return Ok(self.page(request).await),
            Place::Page => {
                let _slot = self.load.enter(visit.waits)?;
                self.check_size(visit)?;
                return Ok(self.page(request).await);
            }
            Place::Nowhere if visit.method == Method::OPTIONS && request.uri().path() == "*" => return Ok(any_method()),
            Place::Nowhere => return Err(Problem::new(Code::NOT_FOUND).detail("there is no such path")),
        };
        course.holds_secrets = service == "auth";
        let _slot = self.load.enter(visit.waits)?;
        self.check_size(visit)?;
        if let Some(limits) = &self.limits {
            let class = Class::of(&visit.method, path.path());
            let caller = self.caller(class, visit, &mut request).await;
            let (standing, outcome) = limits.take(class, &caller);
            course.standing = Some(standing);
            outcome?;
        }
        self.upstreams.ask(service, path, request, visit.client).await
    }

    async fn page(&self, request: Request) -> Response {
        let Ok(answer) = self.pages.clone().call(request).await;
        answer
    }

    fn check_size(&self, visit: &Visit) -> Result<(), Problem> {
        if visit.content_length.is_none_or(|bytes| bytes <= self.max_body_bytes) {
            return Ok(());
        }
        // The body is not read, so nothing more can come over this connection.
        let problem = Problem::new(Code::PAYLOAD_TOO_LARGE).detail(format!("the body may have at most {} bytes", self.max_body_bytes));
        Err(problem.header(header::CONNECTION, HeaderValue::from_static("close")))
    }

    /// Whose quota it is. A token that does not verify makes nobody: the service will say what is wrong with it. What is
    /// found stays on the request, so that a door in this process, which shares the verifier, need not hash it again.
    async fn caller(&self, class: Class, visit: &Visit, request: &mut Request) -> Caller {
        let address = Caller::at(visit.client);
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

/// The path as the service knows it, and the query as it came.
fn with_query(path: &str, query: Option<&str>) -> Result<PathAndQuery, Problem> {
    let joined = match query {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path),
    };
    joined.map_err(|_| Problem::new(Code::NOT_FOUND).detail("there is no such path"))
}

/// `OPTIONS *` asks about the server and not about a thing (RFC 9110, 9.3.7).
fn any_method() -> Response {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    answer
}

/// A refusal of the edge's own, in the name of the request. Those of services were written at their doors.
fn refused(visit: &Visit, problem: Problem) -> Response {
    metrics::counter!("souk_gateway_refused_total", "code" => problem.code().as_str()).increment(1);
    let mut answer = Context::new(visit.correlation_id()).sync_scope(|| problem.into_response());
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
