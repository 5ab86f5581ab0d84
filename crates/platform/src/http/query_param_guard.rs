//! Which query parameters an operation takes: those of its description. Every other one is refused, whether or not the
//! handler reads the query at all, so that no parameter is ignored silently.

use super::{body, describe::OperationBuilder, openapi::Operation, problem::Problem, text};
use axum::{
    body::Body,
    extract::Request,
    handler::Handler,
    http::{HeaderMap, StatusCode, request::Parts},
    response::{IntoResponse as _, Response},
};
use contracts::problem::Fault;
use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock},
};

/// Finds the faults that one argument of a handler has in a query.
pub(super) type QueryCheck = fn(Vec<(String, String)>) -> Vec<Fault>;

/// What an argument refuses the headers with.
pub(super) type HeaderCheck = fn(&HeaderMap) -> Option<Problem>;

/// Finds the faults of a body of at most `limit` bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyCheck {
    pub limit: usize,
    pub faults: fn(&HeaderMap, &[u8]) -> Vec<Fault>,
}

/// The names that an operation's query may hold, and the checks of the arguments that read it.
#[derive(Debug, Default)]
struct AllowedParams {
    names: Vec<String>,
    prefixes: Vec<&'static str>,
    checks: Vec<QueryCheck>,
    headers: Vec<HeaderCheck>,
    body: Option<BodyCheck>,
}

impl AllowedParams {
    fn of(operation: OperationBuilder<'_>) -> AllowedParams {
        let queried = operation.parameters.iter().filter(|parameter| parameter["in"] == "query");
        let names = queried.filter_map(|parameter| parameter["name"].as_str().map(str::to_owned)).collect();
        AllowedParams {
            names,
            prefixes: operation.open_names,
            checks: operation.query_checks,
            headers: operation.header_checks,
            body: operation.body_check,
        }
    }

    fn holds(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name) || self.prefixes.iter().any(|prefix| name.starts_with(prefix))
    }

    /// Refuses a query with an unknown parameter, and lists its other faults too.
    ///
    /// # Errors
    /// 422 with every fault, in the order of the query; 400 when an escape is broken or not UTF-8.
    fn check(&self, query: &str) -> Result<(), Problem> {
        let pairs = text::pairs(query)?;
        match pairs.iter().all(|(name, _)| self.holds(name)) {
            true => Ok(()),
            false => Err(Problem::invalid(self.faults(pairs))),
        }
    }

    fn faults(&self, pairs: Vec<(String, String)>) -> Vec<Fault> {
        let unknown = pairs.iter().filter(|(name, _)| !self.holds(name)).map(|(name, _)| text::unknown(name.clone()));
        let mut faults: Vec<Fault> = unknown.chain(self.checks.iter().flat_map(|check| check(pairs.clone()))).collect();
        let place = |fault: &Fault| pairs.iter().position(|(name, _)| fault.parameter.as_ref() == Some(name)).unwrap_or(pairs.len());
        faults.sort_by_key(place);
        faults.dedup_by(|later, earlier| later.parameter == earlier.parameter && later.code == earlier.code);
        faults
    }
}

/// What is wrong with the query of a request, by all the arguments that read it.
#[derive(Clone)]
struct QueryChecks(Arc<OnceLock<AllowedParams>>);

/// The refusal of an argument that found its parameters faulty: `faults`, or those of all arguments where they are known.
pub(super) fn refuse(parts: &Parts, faults: Vec<Fault>) -> Problem {
    let allowed = parts.extensions.get::<QueryChecks>().and_then(|checks| checks.0.get());
    match (allowed, text::pairs(parts.uri.query().unwrap_or(""))) {
        (Some(allowed), Ok(pairs)) => Problem::invalid(allowed.faults(pairs)),
        _ => Problem::invalid(faults),
    }
}

/// Checks the query of a request before the handler of the operation runs. Where a request is refused for its query or its
/// headers, the answer lists the faults of its other parts too, so that a caller gets them all at once.
#[derive(Clone)]
pub(super) struct QueryParamGuard<H> {
    handler: H,
    operation: Operation,
    /// Read from the description when it is needed first.
    known: Arc<OnceLock<AllowedParams>>,
}

impl<H> QueryParamGuard<H> {
    pub(super) fn new(handler: H, operation: Operation) -> QueryParamGuard<H> {
        QueryParamGuard { handler, operation, known: Arc::default() }
    }

    fn known(&self) -> &AllowedParams {
        self.known.get_or_init(|| self.operation.described(AllowedParams::of))
    }
}

impl<H: Handler<T, S>, T: 'static, S: Send + 'static> Handler<T, S> for QueryParamGuard<H> {
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(self, mut request: Request, state: S) -> Self::Future {
        if request.uri().query().is_some() {
            request.extensions_mut().insert(QueryChecks(self.known.clone()));
        }
        let query = request.uri().query().map_or(Ok(()), |query| self.known().check(query));
        let headers = self.known().headers.iter().find_map(|check| check(request.headers()));
        match (query, headers) {
            (Ok(()), None) => Box::pin(self.handler.call(request, state)),
            (query, headers) => Box::pin(self.refuse(request, state, query.err(), headers)),
        }
    }
}

impl<H> QueryParamGuard<H> {
    /// Answers a request whose query or headers are faulty.
    async fn refuse<T, S>(self, request: Request, state: S, query: Option<Problem>, headers: Option<Problem>) -> Response
    where
        H: Handler<T, S>,
    {
        let (request, in_body) = match self.known().body {
            None => (request, Vec::new()),
            Some(check) => {
                let (parts, sent) = request.into_parts();
                match body::read(Request::from_parts(parts.clone(), sent), check.limit).await {
                    Ok(bytes) => {
                        let faults = (check.faults)(&parts.headers, &bytes);
                        (Request::from_parts(parts, Body::from(bytes)), faults)
                    }
                    Err(unreadable) => return query.or(headers).unwrap_or(unreadable).into_response(),
                }
            }
        };
        let with = |problem: Problem, others: Vec<Fault>| match problem.status() {
            StatusCode::UNPROCESSABLE_ENTITY => Problem::invalid(problem.faults().iter().cloned().chain(others).collect()),
            _ => others.into_iter().fold(problem, Problem::fault),
        };
        if let Some(query) = query {
            let in_headers = headers.iter().flat_map(|problem| problem.faults().to_vec());
            return with(query, in_headers.chain(in_body).collect()).into_response();
        }
        // The caller has to authenticate before it gets details, so the handler refuses first.
        let response = self.handler.call(request, state).await;
        match headers {
            Some(problem) if response.status() == problem.status() => with(problem, in_body).into_response(),
            _ => response,
        }
    }
}
