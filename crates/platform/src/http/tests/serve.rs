use super::*;
use axum::routing::get;
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
        Router::new().route("/quick", get(|| async { "quick" })).route(
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
async fn slow_and_swollen_headers_are_cut_off() {
    let server = server(Limits { header_time: Duration::from_millis(50), headers: 16, ..Limits::default() }).await;
    let slow = send(server.address, "GET /quick HTTP/1.1\r\nhost:").await;
    assert!(!rest(slow).await.contains("200 OK"));
    let many: String = (0..100).map(|n| format!("h{n}: v\r\n")).collect();
    let flooded = rest(send(server.address, &format!("GET /quick HTTP/1.1\r\nhost: x\r\n{many}\r\n")).await).await;
    assert!(flooded.starts_with("HTTP/1.1 431"), "{flooded}");
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
    let server = server(Limits { per_peer: 2, ..Limits::default() }).await;
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

#[test]
fn connections_leave_files_for_everything_else() {
    for (files, connections, per_peer) in [(1_024, 640, 320), (256, 64, 32), (2, 1, 1), (u64::MAX, 10_000, 5_000), (20_000, 10_000, 5_000)]
    {
        let limits = Limits::within(files);
        assert_eq!((limits.connections, limits.per_peer), (connections, per_peer), "{files}");
    }
}
