//! Which query parameters an operation takes: those of its description. Every other one is refused, whether or not the
//! handler looks at the query at all, so that nothing a caller says is dropped silently.

use super::{describe::OperationBuilder, openapi::Operation, problem::Problem, text};
use axum::{
    extract::Request,
    handler::Handler,
    response::{IntoResponse as _, Response},
};
use contracts::problem::Fault;
use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock},
};

/// The names that an operation's query may hold.
#[derive(Debug, Default)]
struct AllowedParams {
    names: Vec<String>,
    prefixes: Vec<&'static str>,
}

impl AllowedParams {
    fn of(sketch: OperationBuilder<'_>) -> AllowedParams {
        let queried = sketch.parameters.iter().filter(|parameter| parameter["in"] == "query");
        let names = queried.filter_map(|parameter| parameter["name"].as_str().map(str::to_owned)).collect();
        AllowedParams { names, prefixes: sketch.open_names }
    }

    fn holds(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name) || self.prefixes.iter().any(|prefix| name.starts_with(prefix))
    }

    /// # Errors
    /// 422 with the name of each parameter that is not known; 400 when an escape is broken or not UTF-8.
    fn check(&self, query: &str) -> Result<(), Problem> {
        let mut faults: Vec<Fault> = Vec::new();
        for (name, _) in text::pairs(query)? {
            if !self.holds(&name) && faults.iter().all(|fault| fault.parameter.as_ref() != Some(&name)) {
                faults.push(text::unknown(name));
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(Problem::invalid(faults)) }
    }
}

/// The handler of an operation behind the check of its query. One without a query costs next to nothing.
#[derive(Clone)]
pub(super) struct QueryParamGuard<H> {
    handler: H,
    operation: Operation,
    /// Read from the description when the first query comes.
    known: Arc<OnceLock<AllowedParams>>,
}

impl<H> QueryParamGuard<H> {
    pub(super) fn new(handler: H, operation: Operation) -> QueryParamGuard<H> {
        QueryParamGuard { handler, operation, known: Arc::default() }
    }

    fn check(&self, query: &str) -> Result<(), Problem> {
        self.known.get_or_init(|| self.operation.sketched(AllowedParams::of)).check(query)
    }
}

impl<H: Handler<T, S>, T, S> Handler<T, S> for QueryParamGuard<H> {
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(self, request: Request, state: S) -> Self::Future {
        match request.uri().query().map_or(Ok(()), |query| self.check(query)) {
            Ok(()) => Box::pin(self.handler.call(request, state)),
            // Written when it is awaited: in the context of its request.
            Err(problem) => Box::pin(async move { problem.into_response() }),
        }
    }
}
