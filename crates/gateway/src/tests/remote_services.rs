//! Services at another address.

use super::*;
use platform::{
    client::Remote,
    http::{Limits, serve},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

fn elsewhere(address: SocketAddr) -> TestEdge {
    of_addresses(&[address])
}

fn of_addresses(addresses: &[SocketAddr]) -> TestEdge {
    let addresses: Vec<String> = addresses.iter().map(|address| format!("http://{address}/")).collect();
    let remote = Remote::new(&Env::seeded(1, Timestamp(0)), "catalog", &addresses);
    Builder { services: BTreeMap::from([("catalog", Upstream::Remote(remote))]), ..build() }.start()
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[tokio::test]
async fn a_remote_service_answers_like_one_in_the_process() {
    let (listener, address) = listener().await;
    let site = elsewhere(address);
    let layers = RequestLayers::new("catalog", site.env.clone()).wrap(service("catalog", site.permits.clone()));
    let serving = site.env.spawn(serve(listener, layers, Limits::default(), site.env.clone(), std::future::pending()));
    let got = site
        .request("GET", "/api/v1/products/7?a=1", &[("x-correlation-id", "mine-1"), ("x-deadline-ms", "1"), ("x-forwarded-for", "6.6.6.6")])
        .await;
    let body = got.json();
    assert_eq!((&body["path"], &body["query"]), (&json!("/products/7"), &json!("a=1")));
    assert_eq!(body["headers"]["x-forwarded-for"], "127.0.0.1");
    assert_eq!(body["headers"]["x-deadline-ms"], "35000");
    assert_eq!((body["headers"]["x-correlation-id"].as_str(), got.headers("x-correlation-id").as_str()), (Some("mine-1"), "mine-1"));
    let tagged = site.request("GET", "/api/v1/products/tagged", &[]).await;
    assert_eq!((tagged.header("server"), tagged.header("etag"), tagged.header("transfer-encoding")), ("", "\"v1\"", ""));
    assert_eq!(site.request("PUT", "/api/v1/products", &[]).await.header("allow"), "GET,HEAD,POST");
    assert_eq!(site.request("HEAD", "/api/v1/products", &[]).await.body.len(), 0);
    serving.abort();
}

#[tokio::test]
async fn a_service_that_cannot_be_reached_is_answered_with_503() {
    let (listener, address) = listener().await;
    drop(listener);
    let got = elsewhere(address).get("/api/v1/products").await;
    assert_eq!((got.status, got.header("retry-after")), (503, "1"));
    got.is_problem("DEPENDENCY_UNAVAILABLE");
    assert!(!got.text().contains("127.0.0.1"), "{}", got.text());
}

#[tokio::test]
async fn a_response_that_breaks_off_becomes_a_problem_document() {
    let (listener, address) = listener().await;
    let site = elsewhere(address);
    let breaking = site.env.spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let mut received = [0; 1024];
        assert!(tcp.read(&mut received).await.unwrap() > 0);
        tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\ncontent-type: application/json\r\n\r\n{\"half\":").await.unwrap();
    });
    let got = site.get("/api/v1/products").await;
    breaking.await.unwrap();
    assert_eq!(got.status, 503);
    got.is_problem("DEPENDENCY_UNAVAILABLE");
}

#[tokio::test]
async fn a_service_that_is_not_configured_is_answered_with_503() {
    let env = Env::seeded(1, Timestamp(0));
    let verifier = Verifier::new(env.clone(), &Jwks { keys: Vec::new() });
    let setup = Setup {
        client: platform::client::Client::new(env.clone()),
        env,
        settings: Settings::default(),
        rate_limits: true,
        shared_limits: None,
        verifier,
        services: BTreeMap::new(),
        operations: Vec::new(),
        extra: Router::new(),
        landing: true,
    };
    let gate = StartupGate::new(setup.env.clone(), Arc::new(Vec::new), None);
    gate.open(setup);
    let Ok(answer) = gate.router().oneshot(Request::builder().uri("/api/v1/cart").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status(), 503);
}

#[tokio::test]
async fn a_replica_that_is_gone_costs_no_request() {
    let ((listener, address), (gone, other)) = (listener().await, listener().await);
    drop(gone);
    let site = of_addresses(&[other, address]);
    let layers = RequestLayers::new("catalog", site.env.clone()).wrap(service("catalog", site.permits.clone()));
    let serving = site.env.spawn(serve(listener, layers, Limits::default(), site.env.clone(), std::future::pending()));
    for _ in 0..10 {
        assert_eq!(site.get("/api/v1/products/7").await.status, 200);
    }
    serving.abort();
}
