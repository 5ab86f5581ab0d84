//! The program between its start and its end, as who sends it requests sees it.

use super::server::{command, free_port};
use hyper::Method;
use platform::testing::TempFolder;
use serde_json::json;
use souk::bench::http::{Api, Reply};
use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tokio::time::Instant;

/// A first start of the demo, from a build that is not optimised.
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

/// Asks over a connection of its own each time, until `enough` of the answer; none is `None`.
async fn ask_until(base: &str, path: &str, enough: impl Fn(Option<&Reply>) -> bool) -> Option<Reply> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = Api::new(base).send(Method::GET, path, &[], None).await.ok();
        if enough(answer.as_ref()) {
            return answer;
        }
        assert!(Instant::now() < deadline, "{path} is not what it shall become");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn probes_are_answered_from_the_first_moment_to_the_last() {
    let folder = TempFolder::new();
    let (mut program, base) = demo(folder.path());
    let alive = ask_until(&base, "//healthz", |answer| answer.is_some()).await.unwrap();
    assert_eq!(alive.status, 200);
    let starting = Api::new(&base).send(Method::GET, "//readyz", &[], None).await.unwrap();
    let reasons = starting.json()["reasons"].to_string();
    assert!(starting.status == 503 && reasons.contains("being"), "{} {reasons}", starting.status);
    let early = Api::new(&base).send(Method::GET, "/products", &[], None).await.unwrap();
    assert_eq!((early.status.as_u16(), early.json()["code"].clone()), (503, json!("DEPENDENCY_UNAVAILABLE")));

    ask_until(&base, "//readyz", |answer| answer.is_some_and(|reply| reply.status == 200)).await;
    let goods = Api::new(&base).must(Method::GET, "/products?limit=1", &[], None).await.unwrap();
    assert_eq!(goods["items"].as_array().unwrap().len(), 1, "who is let in finds the goods");

    Command::new("kill").arg("-TERM").arg(program.0.id().to_string()).status().expect("kill runs");
    let stopping = ask_until(&base, "//readyz", |answer| answer.is_none_or(|reply| reply.status != 200)).await;
    let reasons = stopping.expect("new connections are taken, and told").json()["reasons"].to_string();
    assert!(reasons.contains("stopping"), "{reasons}");
    assert!(program.0.wait().expect("it ends").success());

    let mark = folder.path().join("demo.json");
    std::fs::write(&mark, "").unwrap();
    let (_program, base) = demo(folder.path());
    ask_until(&base, "//readyz", |answer| answer.is_some_and(|reply| reply.status == 200)).await;
    assert!(std::fs::read_to_string(&mark).unwrap().contains("products"), "a mark that was cut off is made whole");
}
