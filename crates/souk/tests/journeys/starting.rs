//! The program from its start to its end, as seen by clients.

use super::server::PROGRAM;
use contracts::catalog::LIST_PRODUCTS;
use hyper::Method;
use platform::testing::TempFolder;
use souk::{
    api_client::{Api, Reply, raw, request},
    child::Program,
};
use std::{path::Path, time::Duration};
use tokio::time::Instant;

/// Limit for the first start of the demo in a debug build.
const PATIENCE: Duration = Duration::from_secs(120);

fn demo(folder: &Path) -> Program {
    Program::start(PROGRAM, &["demo", "--log", "error"], folder, &[]).expect("it starts")
}

/// Sends a request over a new connection until `enough` of its answer, which is `None` without a connection.
async fn poll(api: &Api, path: &str, enough: impl Fn(Option<&Reply>) -> bool) -> Option<Reply> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = api.reconnected().send(raw(Method::GET, path)).await.ok();
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
    let mut program = demo(folder.path());
    let api = program.api.clone();
    let alive = poll(&api, "//healthz", |answer| answer.is_some()).await.unwrap();
    assert_eq!(alive.status, 200);
    let starting = api.reconnected().send(raw(Method::GET, "//readyz")).await.unwrap();
    let reasons = starting.json()["reasons"].to_string();
    assert!(starting.status == 503 && reasons.contains("being"), "{} {reasons}", starting.status);
    let early = api.reconnected().send(request(&LIST_PRODUCTS)).await.unwrap();
    assert_eq!(early.problem(), (503, "DEPENDENCY_UNAVAILABLE".to_owned()));

    poll(&api, "//readyz", |answer| answer.is_some_and(|reply| reply.status == 200)).await;
    let products = api.reconnected().must(request(&LIST_PRODUCTS).query("limit", 1)).await.unwrap();
    assert_eq!(products.items.len(), 1, "the first accepted request finds products");

    program.terminate().expect("kill runs");
    let stopping = poll(&api, "//readyz", |answer| answer.is_none_or(|reply| reply.status != 200)).await;
    let reasons = stopping.expect("connections are still accepted").json()["reasons"].to_string();
    assert!(reasons.contains("stopping"), "{reasons}");
    assert!(program.wait().await.expect("it ends").success());

    let marker = folder.path().join("demo.json");
    std::fs::write(&marker, "").unwrap();
    demo(folder.path()).until_ready().await.expect("it is ready");
    assert!(std::fs::read_to_string(&marker).unwrap().contains("products"), "an incomplete marker is replaced");
}
