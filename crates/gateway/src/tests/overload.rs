use super::*;
use axum::{BoxError, body::Bytes};
use hyper::body::Frame;
use platform::http::SlowBody;
use std::{
    pin::Pin,
    sync::atomic::{AtomicU32, Ordering},
    task::{Context, Poll},
};

/// Sends a request from an address of its own that stays in the service until a permit is added.
fn hold(site: &TestEdge, waits: bool) -> tokio::task::JoinHandle<Response> {
    static ADDRESSES: AtomicU32 = AtomicU32::new(1);
    let (router, env) = (site.router.clone(), site.env.clone());
    let mut request = Request::builder().method(Method::POST).uri("/api/v1/orders");
    if waits {
        request = request.header("prefer", "wait=5");
    }
    let mut request = request.body(Body::empty()).unwrap();
    let address = (0x0a00_0000 + ADDRESSES.fetch_add(1, Ordering::Relaxed)).to_be_bytes();
    request.extensions_mut().insert(PeerAddr(SocketAddr::from((address, 50_000))));
    env.spawn(async move { router.oneshot(request).await.unwrap() })
}

#[tokio::test(start_paused = true)]
async fn requests_over_the_limit_are_refused_after_a_wait_and_probes_still_succeed() {
    let site = build().set(|settings| settings.max_in_flight = 2.try_into().unwrap()).start();
    let held = [hold(&site, false), hold(&site, false)];
    settle().await;
    let refused = site.get("/api/v1/products").await;
    refused.is_problem("OVERLOADED");
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"));
    assert_eq!(site.get("/problems").await.status, 503);
    assert_eq!((site.get("/healthz").await.status, site.get("/readyz").await.status), (200, 200));
    site.permits.add_permits(2);
    for request in held {
        assert_eq!(request.await.unwrap().status(), 201);
    }
    assert_eq!(site.get("/api/v1/products").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn waiting_requests_leave_slots_for_others() {
    let site = build().set(|settings| settings.max_in_flight = 4.try_into().unwrap()).start();
    let held: Vec<_> = (0..3).map(|_| hold(&site, true)).collect();
    settle().await;
    assert_eq!(hold(&site, true).await.unwrap().status(), 503, "three of four wait");
    assert_eq!(site.get("/api/v1/products").await.status, 200, "and one is for the rest");
    site.permits.add_permits(3);
    for request in held {
        assert_eq!(request.await.unwrap().status(), 201);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_disconnects_releases_its_slot() {
    let site = build().set(|settings| settings.max_in_flight = 1.try_into().unwrap()).start();
    let held = hold(&site, false);
    settle().await;
    assert_eq!(site.get("/api/v1/products").await.status, 503);
    held.abort();
    assert!(held.await.unwrap_err().is_cancelled());
    assert_eq!(site.get("/api/v1/products").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_hangs_times_out_and_its_slot_is_released() {
    let site = build().set(|settings| settings.max_in_flight = 1.try_into().unwrap()).start();
    let held = hold(&site, false);
    settle().await;
    tokio::time::advance(Duration::from_secs(31)).await;
    assert_eq!(held.await.unwrap().status(), 503);
    assert_eq!(site.get("/api/v1/products").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_slot_is_taken_only_when_the_body_is_complete() {
    let site = build().set(|settings| settings.max_in_flight = 1.try_into().unwrap()).start();
    let (bytes, body) = tokio::sync::mpsc::channel::<Result<Bytes, BoxError>>(1);
    let mut request = Request::builder().method(Method::POST).uri("/api/v1/cart/items").body(stream(body)).unwrap();
    request.extensions_mut().insert(PeerAddr(SocketAddr::from(([10, 9, 9, 9], 1))));
    let router = site.router.clone();
    let slow = site.env.spawn(async move { router.oneshot(request).await.unwrap() });
    bytes.send(Ok(Bytes::from_static(b"{"))).await.unwrap();
    settle().await;
    assert!(!slow.is_finished());
    assert_eq!(site.get("/api/v1/products").await.status, 200, "the only slot is free");
    bytes.send(Ok(Bytes::from_static(b"}"))).await.unwrap();
    drop(bytes);
    assert_eq!(slow.await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fails_or_is_too_large_or_finds_no_memory_is_refused() {
    let site = build().set(|settings| (settings.max_body_bytes, settings.max_body_memory) = (10 * 1024, 32 * 1024)).start();
    let narrow = build().set(|settings| settings.max_body_memory = 12 * 1024).start();
    let post = async |site: &TestEdge, body: Body| {
        let request = Request::builder().method(Method::POST).uri("/api/v1/cart/items").body(body).unwrap();
        let Ok(answer) = site.router.clone().oneshot(request).await;
        let (head, body) = answer.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap().to_vec();
        TestResponse { status: head.status.as_u16(), headers: head.headers, body }
    };
    let failing = |error: BoxError| {
        let (bytes, body) = tokio::sync::mpsc::channel::<Result<Bytes, BoxError>>(1);
        bytes.try_send(Err(error)).unwrap();
        stream(body)
    };
    let slow = post(&site, failing(SlowBody.into())).await;
    slow.is_problem("REQUEST_TIMEOUT");
    assert_eq!((slow.status, slow.header("connection")), (408, "close"));
    post(&site, failing("gone".into())).await.is_problem("MALFORMED_REQUEST");
    let (bytes, body) = tokio::sync::mpsc::channel(2);
    for size in [10 * 1024, 1] {
        bytes.try_send(Ok(Bytes::from(vec![b'x'; size]))).unwrap();
    }
    let large = post(&site, stream(body)).await;
    large.is_problem("PAYLOAD_TOO_LARGE");
    assert_eq!(large.header("connection"), "close");
    post(&narrow, Body::from(vec![b'x'; 9 * 1024])).await.is_problem("OVERLOADED");
    assert_eq!(post(&narrow, Body::from(vec![b'x'; 8 * 1024])).await.status, 200);
}

type Chunks = tokio::sync::mpsc::Receiver<Result<Bytes, BoxError>>;

/// A body of unknown length.
fn stream(chunks: Chunks) -> Body {
    Body::new(ChunkedBody(chunks))
}

struct ChunkedBody(Chunks);

impl hyper::body::Body for ChunkedBody {
    type Data = Bytes;
    type Error = BoxError;
    fn poll_frame(mut self: Pin<&mut Self>, poller: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.0.poll_recv(poller).map(|chunk| chunk.map(|bytes| bytes.map(Frame::data)))
    }
}
