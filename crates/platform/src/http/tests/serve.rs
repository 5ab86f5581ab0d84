use super::*;
use crate::http::RawBody;
use axum::routing::{get, post};
use contracts::time::Timestamp;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::{Notify, oneshot},
    task::JoinHandle,
};

struct TestServer {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<bool>,
    began: Arc<Notify>,
    go_on: Arc<Notify>,
    peers: Arc<AtomicU32>,
}

async fn server(limits: Limits) -> TestServer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let (began, go_on, peers) = (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(AtomicU32::new(0)));
    let router = {
        let (began, go_on, peers) = (began.clone(), go_on.clone(), peers.clone());
        let length = |body: RawBody| async move { body.0.len().to_string() };
        Router::new().route("/quick", get(|| async { "quick" })).route("/body", post(length)).route(
            "/slow",
            get(async move |axum::Extension(PeerAddr(peer)): axum::Extension<PeerAddr>| {
                peers.fetch_add(u32::from(peer.ip().is_loopback()), Ordering::SeqCst);
                began.notify_one();
                go_on.notified().await;
                "done"
            }),
        )
    };
    let env = Env::seeded(1, Timestamp::EPOCH);
    let served = env.clone().spawn(serve(listener, router, limits, env, async {
        let _ = stopped.await;
    }));
    TestServer { address, stop, served, began, go_on, peers }
}

async fn send(address: SocketAddr, request: &str) -> TcpStream {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    tcp.write_all(request.as_bytes()).await.unwrap();
    tcp
}

async fn rest(mut tcp: TcpStream) -> String {
    let mut answer = String::new();
    let _ = tcp.read_to_string(&mut answer).await;
    answer
}

#[tokio::test]
async fn requests_in_flight_end_and_no_more_are_taken() {
    let server = server(Limits::default()).await;
    let slow = send(server.address, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut idle = send(server.address, "GET /quick HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.began.notified().await;
    assert_ne!(idle.read(&mut [0; 1024]).await.unwrap(), 0);
    server.stop.send(()).unwrap();
    assert_eq!(idle.read(&mut [0; 1024]).await.unwrap(), 0, "idle connections are closed");
    assert!(!server.served.is_finished());
    server.go_on.notify_one();
    let answer = rest(slow).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"), "{answer}");
    assert!(server.served.await.unwrap());
    assert!(TcpStream::connect(server.address).await.is_err());
    assert_eq!(server.peers.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn who_sends_more_than_is_read_still_gets_the_answer() {
    let server = server(Limits::default()).await;
    const SIZE: usize = 10 * 1024 * 1024;
    let head = |more: &str| format!("POST /quick HTTP/1.1\r\nhost: x\r\n{more}content-length: {SIZE}\r\n\r\n");
    let mut tcp = send(server.address, &head("connection: close\r\n")).await;
    // A client that reads the answer only after it sent everything.
    tcp.write_all(&vec![b'x'; SIZE]).await.unwrap();
    let answer = rest(tcp).await;
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    // One that waits for `100 Continue` is answered at once, and sends nothing.
    let answer = rest(send(server.address, &head("expect: 100-continue\r\n")).await).await;
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
}

#[tokio::test]
async fn draining_has_a_deadline() {
    let server = server(Limits { drain_time: Duration::from_millis(20), ..Limits::default() }).await;
    let _slow = send(server.address, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.began.notified().await;
    server.stop.send(()).unwrap();
    assert!(!server.served.await.unwrap());
}

#[tokio::test]
async fn what_the_parser_refuses_is_answered_with_a_problem_document() {
    let server = server(Limits { head: brief(), headers: 16, ..Limits::default() }).await;
    let many: String = (0..100).map(|n| format!("h{n}: v\r\n")).collect();
    let flooded = rest(send(server.address, &format!("GET /quick HTTP/1.1\r\nhost: x\r\n{many}\r\n")).await).await;
    is_refusal(&flooded, "431", "HEADERS_TOO_LARGE");
    let endless = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(70_000));
    is_refusal(&rest(send(server.address, &endless).await).await, "414", "URI_TOO_LONG");
    for malformed in [
        "nonsense\r\n\r\n",
        "GET /quick HTTP/9.9\r\nhost: x\r\n\r\n",
        "G\u{1}T /quick HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /quick HTTP/1.1\r\nho st: x\r\n\r\n",
        "GET /qu ick HTTP/1.1\r\nhost: x\r\n\r\n",
        "POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: a\r\n\r\n",
        "POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        "POST /body HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n",
    ] {
        is_refusal(&rest(send(server.address, malformed).await).await, "400", "MALFORMED_REQUEST");
    }
    // After a request that was well-formed, as well.
    let mut second = send(server.address, "GET /quick HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_ne!(second.read(&mut [0; 1024]).await.unwrap(), 0);
    second.write_all(b"nonsense\r\n\r\n").await.unwrap();
    is_refusal(&rest(second).await, "400", "MALFORMED_REQUEST");
    let huge = rest(send(server.address, &format!("GET /quick HTTP/1.1\r\nhost: x\r\nh: {}\r\n\r\n", "x".repeat(300_000))).await).await;
    assert!(!huge.contains("200 OK"));
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_place() {
    let server = server(Limits { connections: 1, ..Limits::default() }).await;
    let first = send(server.address, "GET /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    server.began.notified().await;
    let mut second = send(server.address, "GET /quick HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    let early = tokio::time::timeout(Duration::from_millis(50), second.read(&mut [0; 8])).await;
    assert!(early.is_err(), "it waits");
    server.go_on.notify_one();
    rest(first).await;
    assert!(rest(second).await.ends_with("quick"));
}

#[tokio::test]
async fn one_peer_cannot_take_every_place() {
    let server = server(Limits { per_peer: Some(2), ..Limits::default() }).await;
    let silent = send(server.address, "").await;
    let mut second = send(server.address, "GET /quick HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_ne!(second.read(&mut [0; 1024]).await.unwrap(), 0);
    let third = TcpStream::connect(server.address).await.unwrap();
    assert_eq!(rest(third).await, "", "it is closed and not kept waiting");
    drop(silent);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    loop {
        let again = send(server.address, "GET /quick HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        if rest(again).await.ends_with("quick") {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "a place that is free again is given again");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answers_is_disconnected() {
    let server = server(Limits { write_time: Duration::from_millis(50), ..Limits::default() }).await;
    let tcp = send(server.address, "").await;
    let (reader, mut writer) = tcp.into_split();
    let requests = "GET /quick HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1_000);
    let ended = async { while writer.write_all(requests.as_bytes()).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(20), ended).await.expect("the connection ends");
    drop(reader);
    server.stop.send(()).unwrap();
    assert!(tokio::time::timeout(Duration::from_secs(5), server.served).await.expect("nothing holds the end up").unwrap());
}

/// No time beyond an instant, so that every client that has to be waited for is slow.
fn brief() -> Pace {
    Pace { grace: Duration::from_millis(50), bytes_per_second: 1_000_000 }
}

#[track_caller]
fn is_refusal(answer: &str, status: &str, code: &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer}"));
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with(&format!("http/1.1 {status}").to_ascii_lowercase()), "{answer}");
    for header in ["connection: close", "content-type: application/problem+json", "cache-control: no-store", "x-correlation-id: "] {
        assert!(head.contains(header), "{header} in {answer}");
    }
    assert!(body.contains(&format!("\"code\":\"{code}\"")), "{answer}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    assert_eq!(length, body.len().to_string(), "{answer}");
}

#[tokio::test]
async fn a_slow_head_is_answered_with_408_and_the_connection_ends() {
    let server = server(Limits { head: brief(), ..Limits::default() }).await;
    for head in ["G", "GET /quick HTTP/1.1\r\nhost:", "GET /quick HTTP/1.1\r\nhost: x\r\n"] {
        is_refusal(&rest(send(server.address, head).await).await, "408", "REQUEST_TIMEOUT");
    }
    // The second request of a connection as well. The first one is answered however long it takes, and so is its successor that
    // arrives meanwhile.
    let both = "GET /slow HTTP/1.1\r\nhost: x\r\n\r\nGET /quick HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut tcp = send(server.address, both).await;
    server.began.notified().await;
    tokio::time::timeout(Duration::from_millis(200), tcp.read(&mut [0; 1])).await.expect_err("it is not cut off while it waits");
    server.go_on.notify_one();
    let mut answers = String::new();
    while !answers.ends_with("quick") {
        let mut bytes = [0; 1024];
        let count = tcp.read(&mut bytes).await.unwrap();
        assert_ne!(count, 0, "{answers}");
        answers.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
    }
    tcp.write_all(b"GET /qu").await.unwrap();
    is_refusal(&rest(tcp).await, "408", "REQUEST_TIMEOUT");
}

#[tokio::test]
async fn a_slow_body_fails_and_a_steady_one_is_read() {
    let server = server(Limits { body: brief(), ..Limits::default() }).await;
    let head = "POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\n\r\n";
    for sent in ["", "{", "{123456789"] {
        let answer = rest(send(server.address, &format!("{head}{sent}")).await).await;
        assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("\"code\":\"REQUEST_TIMEOUT\""), "{answer}");
        assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
    }
    let chunked = "POST /body HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n";
    assert!(rest(send(server.address, chunked).await).await.starts_with("HTTP/1.1 408"));
    let whole = send(server.address, &format!("{}{}", head.replace("host: x", "host: x\r\nconnection: close"), "x".repeat(20))).await;
    assert!(rest(whole).await.ends_with("20"));
}

#[tokio::test]
async fn a_request_without_one_valid_host_is_refused() {
    let server = server(Limits::default()).await;
    for (version, hosts) in
        [("1.1", ""), ("1.1", "host: a\r\nhost: a\r\n"), ("1.1", "host: a b\r\n"), ("1.1", "host:\r\n"), ("1.0", "host: a b\r\n")]
    {
        let answer =
            rest(send(server.address, &format!("GET /quick HTTP/{version}\r\nx-correlation-id: mine-1\r\n{hosts}\r\n")).await).await;
        is_refusal(&answer.replacen("HTTP/1.0", "HTTP/1.1", 1), "400", "MALFORMED_REQUEST");
        assert!(answer.contains("mine-1"), "{answer}");
    }
    for request in ["GET /quick HTTP/1.0\r\n\r\n", "GET /quick HTTP/1.1\r\nHOST: [::1]:80\r\nconnection: close\r\n\r\n"] {
        assert!(rest(send(server.address, request).await).await.ends_with("quick"), "{request}");
    }
}

#[test]
fn connections_leave_files_for_everything_else() {
    for (files, connections) in [(1_024, 640), (256, 64), (u64::MAX, 12_000), (20_000, 12_000)] {
        let limits = Limits::within(files).unwrap();
        assert_eq!((limits.connections, limits.per_peer), (connections, Some(connections)), "{files}");
    }
    let refused = Limits::within(255).unwrap_err().to_string();
    assert!(refused.contains("nofile") && refused.contains("255"), "{refused}");
}
