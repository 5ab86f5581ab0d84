//! The program against clients that send slowly or wrongly, and in an environment that is too narrow.

use super::server::{PROGRAM, Server, command};
use contracts::cart::GET_CART;
use platform::testing::TempFolder;
use souk::{
    api_client::{Api, add_to_cart, request},
    child::free_address,
};
use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::{IpAddr, SocketAddr},
    process::{Command, Stdio},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

fn address(api: &Api) -> SocketAddr {
    api.base().trim_start_matches("http://").parse().unwrap()
}

async fn send(from: [u8; 4], to: SocketAddr, text: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(IpAddr::from(from), 0)).unwrap();
    let mut stream = socket.connect(to).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

async fn rest(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Linux has all of 127.0.0.0/8 on its loopback interface, so the attackers have addresses of their own.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_never_end_their_requests_take_nothing_from_others() {
    let limits = [("SOUK_GATEWAY_MAX_IN_FLIGHT", "8"), ("SOUK_GATEWAY_MAX_BODY_MEMORY", "1048576")];
    let server = Server::start_with(&limits).await;
    let admin = server.admin().await;
    let product = server.product(&admin, "CALM-1", 1_000, 100_000).await;
    let customer = server.customer("calm").await;
    let body = "POST /api/v1/cart/items HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 64\r\n\r\n{";
    let head = "GET /api/v1/products HTTP/1.1\r\nhost:";
    for attackers in [1, 3] {
        let mut slow = Vec::new();
        // More bodies from each address than there is memory for, and far more requests than slots.
        for number in 0..300 {
            for attacker in 0..attackers {
                let text = if number % 10 == 0 { head } else { body };
                slow.push((text, send([127, 0, 0, 2 + attacker], address(&server.api), text).await));
            }
        }
        for _ in 0..20 {
            customer.must(add_to_cart(product, 1)).await;
            customer.must(request(&GET_CART)).await;
        }
        let mut timed_out = 0;
        for (text, stream) in slow {
            let answer = rest(stream).await;
            let status = answer.get(9..12).unwrap_or_default();
            let code = if status == "408" { "REQUEST_TIMEOUT" } else { "OVERLOADED" };
            assert!((status == "408" || (status == "503" && text == body)) && answer.contains(code), "{answer}");
            timed_out += usize::from(status == "408");
        }
        assert!(timed_out > 100, "{timed_out}");
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn what_is_no_request_of_http_1_1_is_refused() {
    let server = Server::start().await;
    let close = "connection: close\r\n";
    for (request, status, code) in [
        (format!("GET /healthz HTTP/1.1\r\n{close}\r\n"), 400, "MALFORMED_REQUEST"),
        (format!("GET /api/v1/products HTTP/1.1\r\nhost: a\r\nhost: b\r\n{close}\r\n"), 400, "MALFORMED_REQUEST"),
        (format!("GET /api/v1/products HTTP/1.1\r\nhost: a b\r\n{close}\r\n"), 400, "MALFORMED_REQUEST"),
        ("GET /healthz HTTP/1.0\r\n\r\n".to_owned(), 200, ""),
        (format!("GET /api/v1/%70roducts HTTP/1.1\r\nhost: a\r\n{close}\r\n"), 200, ""),
        (format!("GET /api/v1/products/%zz HTTP/1.1\r\nhost: a\r\n{close}\r\n"), 400, "MALFORMED_REQUEST"),
        (format!("GET /api/v1%2Fproducts HTTP/1.1\r\nhost: a\r\n{close}\r\n"), 404, "NOT_FOUND"),
        (
            format!("POST /api/v1/auth/login HTTP/1.1\r\nhost: a\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n{close}\r\n{{}}"),
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        ),
    ] {
        let answer = rest(send([127, 0, 0, 1], address(&server.api), &request).await).await;
        assert!(answer.get(9..12) == Some(&status.to_string()) && answer.contains(code), "{request}{answer}");
    }
}

/// The first line of the program's log that holds `part`.
fn logged(program: &mut std::process::Child, part: &str) -> String {
    let lines = BufReader::new(program.stderr.take().unwrap()).lines();
    lines.map_while(Result::ok).find(|line| line.contains(part)).unwrap_or_else(|| panic!("nothing says {part}"))
}

#[tokio::test]
async fn it_listens_on_a_host_name_and_warns_once_of_a_proxy_that_is_not_trusted() {
    let folder = TempFolder::new();
    let listen = free_address().unwrap().replace("127.0.0.1", "localhost");
    let mut program = command(&["serve", "--listen", &listen, "--ops-listen", "localhost:0", "--data-dir"])
        .arg(folder.path())
        .env("SOUK_LOG", "warn")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let api = Api::new(&format!("http://{listen}"));
    while !api.is_ready().await {
        assert!(program.try_wait().unwrap().is_none(), "it runs");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for _ in 0..3 {
        api.send(request(&contracts::catalog::LIST_PRODUCTS).header("x-forwarded-for", "6.6.6.6")).await.unwrap();
    }
    Command::new("kill").arg("-TERM").arg(program.id().to_string()).status().unwrap();
    let mut log = String::new();
    program.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    program.wait().unwrap();
    assert_eq!(log.matches("proxy that is not trusted").count(), 1, "{log}");
    assert!(log.contains("trusted_proxies"), "{log}");
}

#[test]
fn a_limit_of_open_files_that_is_too_low_is_named() {
    let folder = TempFolder::new();
    let start = |files: u32| {
        let script = format!("ulimit -n {files}; exec \"$0\" serve --listen 127.0.0.1:0 --ops-listen 127.0.0.1:0 --data-dir \"$1\"");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script, PROGRAM]).arg(folder.path()).env("SOUK_LOG", "warn").stdout(Stdio::null()).stderr(Stdio::piped());
        shell.spawn().unwrap()
    };
    let mut refused = start(100);
    let line = logged(&mut refused, "nofile");
    assert!(line.contains("only 100 files") && !refused.wait().unwrap().success(), "{line}");
    let mut warned = start(1024);
    let line = logged(&mut warned, "nofile");
    assert!(line.contains("1024") && line.contains("640"), "{line}");
    warned.kill().unwrap();
    warned.wait().unwrap();
}
