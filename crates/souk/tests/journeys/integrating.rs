//! Runs the commands of `docs/integrating.md` against a fresh demo, as an integrator would.

use super::server::{PROGRAM, Server};
use hyper::Method;
use platform::testing::TempFolder;
use souk::{api_client::raw, child::Program};
use std::process::Command;

const PAGE: &str = include_str!("../../../../docs/integrating.md");

#[tokio::test]
async fn the_commands_of_the_page_for_integrators_work_as_they_stand() {
    let folder = TempFolder::new();
    let mut program = Program::start(PROGRAM, &["demo", "--log", "error"], folder.path(), &[]).expect("it starts");
    program.until_ready().await.expect("it is ready");
    // The index of a fresh demo is built after the start.
    let chairs = raw(Method::GET, "/search").query("q", "chair");
    let guest = Server::guest_of(&program.api);
    guest.until(chairs, "a result", |found| found["total"].as_u64() > Some(0)).await;
    let blocks: Vec<&str> = PAGE.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 8, "{} blocks of commands", blocks.len());
    // The first command that fails ends the shell, and `-x` names it.
    let script = format!("set -eux\n{}", blocks.concat());
    let ended = Command::new("sh").arg("-c").arg(script).env("SHOP", program.api.base()).output().expect("a shell runs");
    assert!(ended.status.success(), "{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
}
