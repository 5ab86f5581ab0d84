//! A service's routes: axum's router and the list of its operations, which documents and tests iterate over.

use super::{describe::DescribeOperation, openapi::Operation, query_param_guard::QueryParamGuard};
use axum::{Router, handler::Handler, http::Method, routing};

/// Builds the routes of one service:
///
/// ```ignore
/// Routes::new("order")
///     .post("/orders", api::place, "Places an order for the cart")
///     .get("/orders/{orderId}", api::get, "One order, with its timeline")
///     .build(state)
/// ```
/// A query parameter that a handler's arguments do not describe is 422 on every route.
/// Paths are without [`super::BASE`]. Those below `/internal/` are for other services and not in the public description.
pub struct Routes<S> {
    tag: &'static str,
    router: Router<S>,
    operations: Vec<Operation>,
}

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident $method:ident;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name<H, T>(self, path: &'static str, handler: H, summary: &'static str) -> Self
        where
            H: Handler<T, S> + DescribeOperation<T>,
            T: 'static,
        {
            let operation = Operation { tag: self.tag, method: Method::$method, path, summary, describe: H::describe_operation };
            let route = routing::$name(QueryParamGuard::new(handler, operation.clone()));
            self.add(operation, route)
        }
    )*};
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// No routes yet, of the service `tag`.
    #[must_use]
    pub fn new(tag: &'static str) -> Self {
        Routes { tag, router: Router::new(), operations: Vec::new() }
    }

    methods! {
        /// Reads something, by `GET` or `HEAD`.
        get GET;
        /// Creates or changes something.
        post POST;
        /// Replaces something by the body.
        put PUT;
        /// Changes the fields that the body has.
        patch PATCH;
        /// Removes something.
        delete DELETE;
    }

    fn add(mut self, operation: Operation, route: routing::MethodRouter<S>) -> Self {
        self.router = self.router.route(operation.path, route);
        self.operations.push(operation);
        self
    }

    /// The operations without their router.
    #[must_use]
    pub fn operations(self) -> Vec<Operation> {
        self.operations
    }

    /// The router, to be wrapped by [`RequestLayers`](super::RequestLayers), and its operations.
    pub fn build(self, state: S) -> (Router, Vec<Operation>) {
        (self.router.with_state(state), self.operations)
    }
}
