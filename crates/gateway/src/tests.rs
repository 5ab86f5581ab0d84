//! Tests of the gateway through its public router, with services that echo the request.

mod api_keys;
mod compression;
mod cross_origin;
mod overload;
mod own_pages;
mod rate_limiting;
mod remote_services;
mod responses;
mod routing;

use crate::{Ready, Settings, Setup, StartupGate, Upstream};
use axum::{
    Json, Router,
    body::Body,
    extract::Request,
    http::{HeaderMap, Method, StatusCode},
    response::Response,
    routing::{any, get, post},
};
use contracts::{SERVICE_NAMES, ids::UserId, time::Timestamp};
use platform::{
    bus::SharedValues,
    env::Env,
    http::{PeerAddr, RequestLayers},
    identity::{Claims, Customer, Jwks, SigningKey, Verifier},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

/// A gateway in front of scripted services.
struct TestEdge {
    router: Router,
    env: Env,
    key: SigningKey,
    /// Each permit lets one `POST /orders` end.
    permits: Arc<Semaphore>,
}

struct Builder {
    settings: Settings,
    rate_limits: bool,
    shared_limits: Option<SharedValues>,
    services: BTreeMap<&'static str, Upstream>,
    extra: Router,
    landing: bool,
    ready: Ready,
    client: Option<platform::client::Client>,
    browser_pages: Option<crate::BrowserPages>,
}

fn build() -> Builder {
    Builder {
        settings: Settings::default(),
        rate_limits: false,
        shared_limits: None,
        services: BTreeMap::new(),
        extra: Router::new(),
        landing: true,
        ready: Arc::new(Vec::new),
        client: None,
        browser_pages: None,
    }
}

fn site() -> TestEdge {
    build().start()
}

impl Builder {
    fn set(mut self, change: impl FnOnce(&mut Settings)) -> Builder {
        change(&mut self.settings);
        self
    }

    fn limited(mut self) -> Builder {
        self.rate_limits = true;
        self
    }

    fn start(self) -> TestEdge {
        let (gate, setup, site) = self.starting();
        gate.open(setup);
        site
    }

    /// Returns a gateway whose services are not ready yet.
    fn starting(self) -> (StartupGate, Setup, TestEdge) {
        let env = Env::seeded(42, Timestamp(1_767_225_600_000_000));
        let key = SigningKey::generate(&env);
        let verifier = Verifier::new(env.clone(), &Jwks { keys: vec![key.public()] });
        let permits = Arc::new(Semaphore::new(0));
        let mut services: BTreeMap<_, _> = SERVICE_NAMES
            .into_iter()
            .map(|name| {
                let layers = RequestLayers::new(name, env.clone()).verifier(verifier.clone());
                (name, Upstream::InProcess(layers.wrap(service(name, permits.clone()))))
            })
            .collect();
        services.extend(self.services);
        let gate = StartupGate::new(env.clone(), self.ready, self.browser_pages);
        let setup = Setup {
            env: env.clone(),
            settings: self.settings,
            rate_limits: self.rate_limits,
            shared_limits: self.shared_limits,
            verifier,
            client: self.client.unwrap_or_else(|| platform::client::Client::new(env.clone())),
            services,
            operations: operations(),
            extra: self.extra,
            landing: self.landing,
        };
        let router = gate.router();
        (gate, setup, TestEdge { router, env, key, permits })
    }
}

fn operations() -> Vec<platform::http::Operation> {
    async fn one(_: Customer) -> platform::http::Json<String> {
        platform::http::Json(String::new())
    }
    let routes = platform::http::Routes::new("toy").get("/orders", one, "Own orders").get("/internal/secret", one, "For upstreams");
    routes.build(()).1
}

/// A service that echoes the request and has some fixed responses.
fn service(name: &'static str, permits: Arc<Semaphore>) -> Router {
    let echo = move |request: Request| async move {
        let headers: BTreeMap<_, _> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let client = request.extensions().get::<PeerAddr>().map(|peer| peer.0.to_string());
        Json(json!({
            "service": name, "method": request.method().as_str(), "path": request.uri().path(),
            "query": request.uri().query(), "headers": headers, "client": client,
        }))
    };
    let hold = move || async move {
        permits.acquire().await.unwrap().forget();
        StatusCode::CREATED
    };
    let text = |kind: &'static str, size: usize| move || async move { ([("content-type", kind)], "x".repeat(size)) };
    let tagged = || async { ([("etag", "\"v1\""), ("server", "toy/1"), ("cache-control", "no-cache")], Json(json!({"a": 1}))) };
    async fn panics() -> StatusCode {
        panic!("secret words")
    }
    Router::new()
        .route("/products", get(text("application/json", 1024)).post(|| async { StatusCode::NO_CONTENT }))
        .route("/products/small", get(text("application/json", 1023)))
        .route("/products/picture", get(text("image/png", 5000)))
        .route("/products/drawing", get(text("image/svg+xml", 5000)))
        .route("/products/page", get(text("text/html; charset=utf-8", 5000)))
        .route("/products/tagged", get(tagged))
        .route("/products/panics", get(panics))
        .route("/search/costly", get(|| async { ([(contracts::search::COST_HEADER, "4")], "hits") }))
        .route("/auth/login", post(text("application/json", 5000)))
        .route("/orders", post(hold))
        .route("/orders/mine", get(|customer: Customer| async move { customer.id.to_string() }))
        .route("/{*rest}", any(echo))
}

/// A response with its whole body.
struct TestResponse {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl TestResponse {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
    /// Joins all values of a header.
    fn headers(&self, name: &str) -> String {
        self.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>().join(", ")
    }
    #[track_caller]
    fn is_problem(&self, code: &str) {
        let body = self.json();
        assert_eq!((body["code"].as_str(), self.header("content-type")), (Some(code), "application/problem+json"));
        assert_eq!(body["status"], self.status);
        assert_eq!(body["correlationId"], self.header("x-correlation-id"));
        assert_eq!(self.header("cache-control"), "no-store");
    }
}

impl TestEdge {
    async fn get(&self, path: &str) -> TestResponse {
        self.request("GET", path, &[]).await
    }

    async fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> TestResponse {
        self.request_from([127, 0, 0, 1], method, path, headers).await
    }

    async fn request_from(&self, address: [u8; 4], method: &str, path: &str, headers: &[(&str, &str)]) -> TestResponse {
        let response = self.send(address, method, path, headers).await;
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 16 << 20).await.unwrap().to_vec();
        TestResponse { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    async fn send(&self, address: [u8; 4], method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(PeerAddr(SocketAddr::from((address, 50_000))));
        let Ok(answer) = self.router.clone().oneshot(request).await;
        answer
    }

    /// Returns a customer and its `Authorization` header.
    fn customer(&self) -> (UserId, String) {
        let user = self.env.new_id();
        (
            user,
            format!(
                "Bearer {}",
                self.key.sign(&Claims::user(&self.env, user, &[contracts::auth::Role::Customer], Duration::from_secs(600)))
            ),
        )
    }
}

/// Runs all tasks that can make progress, on a paused clock.
async fn settle() {
    for _ in 0..32 {
        tokio::task::yield_now().await;
    }
}
