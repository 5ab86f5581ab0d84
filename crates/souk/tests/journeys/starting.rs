//! The program from its start to its end, as seen by clients.

use super::server::{command, free_port};
use contracts::catalog::LIST_PRODUCTS;
use hyper::Method;
use platform::testing::TempFolder;
use souk::api_client::{Api, Reply, raw, request};
use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tokio::time::Instant;

/// Limit for the first start of the demo in a debug build.
const PATIENCE: Duration = Duration::from_secs(120);

struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn demo(folder: &Path) -> (Demo, String) {
    let address = format!("127.0.0.1:{}", free_port());
    let mut command = command(&["demo", "--listen", &address, "--ops-listen", &format!("127.0.0.1:{}", free_port())]);
    let child = command.arg("--data-dir").arg(folder).stdout(Stdio::null()).spawn().expect("the program starts");
    (Demo(child), format!("http://{address}"))
}

/// Sends a request over a new connection until `enough` of its answer, which is `None` without a connection.
async fn poll(base: &str, path: &str, enough: impl Fn(Option<&Reply>) -> bool) -> Option<Reply> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = Api::new(base).send(raw(Method::GET, path)).await.ok();
        if enough(answer.as_ref()) {
            return answer;
        }
        assert!(Instant::now() < deadline, "{path} does not change");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn probes_are_answered_from_the_start_to_the_end() {
    let folder = TempFolder::new();
    let (mut program, base) = demo(folder.path());
    let alive = poll(&base, "//healthz", |answer| answer.is_some()).await.unwrap();
    assert_eq!(alive.status, 200);
    let starting = Api::new(&base).send(raw(Method::GET, "//readyz")).await.unwrap();
    let reasons = starting.json()["reasons"].to_string();
    assert!(starting.status == 503 && reasons.contains("being"), "{} {reasons}", starting.status);
    let early = Api::new(&base).send(request(&LIST_PRODUCTS)).await.unwrap();
    assert_eq!(early.problem(), (503, "DEPENDENCY_UNAVAILABLE".to_owned()));

    poll(&base, "//readyz", |answer| answer.is_some_and(|reply| reply.status == 200)).await;
    let products = Api::new(&base).must(request(&LIST_PRODUCTS).query("limit", 1)).await.unwrap();
    assert_eq!(products.items.len(), 1, "the first accepted request finds products");

    Command::new("kill").arg("-TERM").arg(program.0.id().to_string()).status().expect("kill runs");
    let stopping = poll(&base, "//readyz", |answer| answer.is_none_or(|reply| reply.status != 200)).await;
    let reasons = stopping.expect("connections are still accepted").json()["reasons"].to_string();
    assert!(reasons.contains("stopping"), "{reasons}");
    assert!(program.0.wait().expect("it ends").success());

    let marker = folder.path().join("demo.json");
    std::fs::write(&marker, "").unwrap();
    let (_program, base) = demo(folder.path());
    poll(&base, "//readyz", |answer| answer.is_some_and(|reply| reply.status == 200)).await;
    assert!(std::fs::read_to_string(&marker).unwrap().contains("products"), "an incomplete marker is replaced");
}
