//! The HTTP entry point of a process that runs some services without the gateway: the gateway and other services call it.

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse, Response},
};
use contracts::{problem::Code, service_of_path};
use platform::{
    client::{NOT_STARTED, SERVICE},
    env::Env,
    http::{Problem, RequestLayers},
};
use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context as Poller, Poll},
};
use tower::Service;

/// Answers probes at once, and requests when the services are started. Cheap to clone.
#[derive(Clone)]
pub struct ServiceEntry(Arc<Inner>);

struct Inner {
    services: OnceLock<BTreeMap<&'static str, Router>>,
    /// Answers probes, and every other path with 503.
    closed: Router,
    /// Answers probes, and every other path with 404.
    rest: Router,
}

impl ServiceEntry {
    #[must_use]
    pub fn new(env: &Env, ready: gateway::Ready) -> ServiceEntry {
        let layers = || RequestLayers::new("entry", env.clone());
        let probes = gateway::probes(ready);
        let closed = layers().wrap(probes.clone().route("/{*rest}", axum::routing::any(not_yet)));
        ServiceEntry(Arc::new(Inner { services: OnceLock::new(), closed, rest: layers().wrap(probes) }))
    }

    /// Lets requests to these services through. A second call has no effect.
    pub fn open(&self, services: BTreeMap<&'static str, Router>) {
        let _ = self.0.services.set(services);
    }

    pub fn router(&self) -> Router {
        Router::new().fallback_service(self.clone())
    }
}

impl Inner {
    /// The router of a request: of the service that the caller names, or that the path belongs to.
    fn router_of(&self, request: &Request) -> &Router {
        let Some(services) = self.services.get() else { return &self.closed };
        if matches!(request.uri().path(), "/healthz" | "/readyz") {
            return &self.rest;
        }
        let named = request.headers().get(SERVICE).and_then(|name| name.to_str().ok());
        let service = match named.or_else(|| service_of_path(request.uri().path())) {
            Some(name) => services.get(name),
            None if services.len() == 1 => services.values().next(),
            None => None,
        };
        service.unwrap_or(&self.rest)
    }
}

impl Service<Request> for ServiceEntry {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Poller<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let mut router = self.0.router_of(&request).clone();
        Box::pin(async move { router.call(request).await })
    }
}

/// A caller that knows a replica goes there.
async fn not_yet() -> impl IntoResponse {
    let problem = Problem::new(Code::DEPENDENCY_UNAVAILABLE).detail("the service is starting");
    ([(NOT_STARTED, "1")], problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{
        body::{Body, to_bytes},
        routing::get,
    };
    use contracts::time::Timestamp;

    async fn get_of(entry: &ServiceEntry, path: &str, service: Option<&str>) -> (u16, String) {
        let mut request = Request::get(path);
        if let Some(service) = service {
            request = request.header(SERVICE, service);
        }
        let Ok(answer) = entry.router().call(request.body(Body::empty()).unwrap()).await;
        let status = answer.status().as_u16();
        (status, String::from_utf8(to_bytes(answer.into_body(), 10_000).await.unwrap().to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_request_goes_to_the_service_that_it_names_or_that_its_path_belongs_to() {
        let entry = ServiceEntry::new(&Env::seeded(1, Timestamp::EPOCH), Arc::new(Vec::new));
        assert_eq!(get_of(&entry, "/orders", None).await.0, 503);
        assert_eq!(get_of(&entry, "/readyz", None).await.0, 200);
        let service = |name: &'static str| Router::new().fallback(get(move || async move { name }));
        entry.open(BTreeMap::from([("order", service("order")), ("payment", service("payment"))]));
        for (path, named, answer) in
            [("/internal/x", Some("order"), "order"), ("/internal/x", Some("payment"), "payment"), ("/orders/1", None, "order")]
        {
            assert_eq!(get_of(&entry, path, named).await, (200, answer.to_owned()), "{path} {named:?}");
        }
        for (path, named) in [("/internal/x", Some("auth")), ("/internal/x", None), ("/products", None)] {
            assert_eq!(get_of(&entry, path, named).await.0, 404, "{path} {named:?}");
        }
        assert_eq!(get_of(&entry, "/healthz", Some("order")).await.0, 200);
    }

    #[tokio::test]
    async fn a_process_of_one_service_needs_no_name() {
        let entry = ServiceEntry::new(&Env::seeded(1, Timestamp::EPOCH), Arc::new(Vec::new));
        entry.open(BTreeMap::from([("order", Router::new().fallback(get(|| async { "order" })))]));
        assert_eq!(get_of(&entry, "/internal/x", None).await.0, 200);
    }
}
