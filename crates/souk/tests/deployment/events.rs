//! Failures of NATS, and of the process that publishes.

use crate::{
    installation::{Installation, until},
    shopping::Shopping,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

fn store(installation: &Installation) -> PathBuf {
    installation.folder().join("nats/store")
}

/// Stops NATS, lets `meanwhile` work on what it stored, and starts it again.
fn restart_with(installation: &Installation, meanwhile: impl FnOnce()) {
    tokio::task::block_in_place(|| {
        let nats = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/nats");
        let folder = installation.folder().join("nats");
        let run = |action| Command::new(nats).arg(action).arg(&folder).stdout(Stdio::null()).status().expect("scripts/nats runs").success();
        assert!(run("stop"));
        meanwhile();
        // It keeps its port.
        assert!(run("start"));
    });
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-r").arg(from).arg(to).status().expect("cp runs").success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs SOUK_TEST_DEPLOY"]
async fn a_restart_of_nats_fails_no_request() {
    let installation = Installation::enter().await;
    let shopping = Shopping::begin(&installation, &installation.api).await;
    installation.local_meanwhile(&["restart", "nats"]).await;
    shopping.until_more(8).await;
    let failures = shopping.end(&installation).await;
    assert_eq!(failures, Vec::<String>::new(), "no request needs NATS");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs SOUK_TEST_DEPLOY"]
async fn while_nats_hangs_orders_go_on_and_their_events_wait() {
    let installation = Installation::enter().await;
    let shopping = Shopping::begin(&installation, &installation.api).await;
    installation.signal("nats", "STOP");
    shopping.until_more(20).await;
    installation.signal("nats", "CONT");
    shopping.until_more(4).await;
    let failures = shopping.end(&installation).await;
    assert_eq!(failures, Vec::<String>::new(), "no request needs NATS");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs SOUK_TEST_DEPLOY"]
async fn streams_that_are_lost_are_made_again_from_the_outboxes() {
    let installation = Installation::enter().await;
    let shopping = Shopping::begin(&installation, &installation.api).await;
    restart_with(&installation, || fs::remove_dir_all(store(&installation)).expect("the store can be deleted"));
    shopping.until_more(8).await;
    shopping.end(&installation).await;
    let (_, report) = installation.souk("doctor --verbose");
    assert!(!report.contains("it does not exist"), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs SOUK_TEST_DEPLOY"]
async fn streams_that_lose_their_newest_messages_are_filled_again() {
    let installation = Installation::enter().await;
    let shopping = Shopping::begin(&installation, &installation.api).await;
    let saved = installation.folder().join("nats/saved");
    restart_with(&installation, || copy(&store(&installation), &saved));
    let delivered = || installation.sql("audit", "SELECT COUNT(*) FROM inbox").parse::<i64>().expect("a number");
    let before = delivered();
    shopping.until_more(8).await;
    // Consumers are further now than the streams will be.
    until("the audit log read on", async || delivered() > before).await;
    restart_with(&installation, || {
        fs::remove_dir_all(store(&installation)).expect("the store can be deleted");
        fs::rename(&saved, store(&installation)).expect("the older store can be moved");
    });
    shopping.until_more(8).await;
    shopping.end(&installation).await;
}

/// One of the two processes of a service numbers its rows and publishes them. Each is killed in turn, so both are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs SOUK_TEST_DEPLOY"]
async fn when_the_process_that_publishes_is_killed_the_other_goes_on() {
    let installation = Installation::enter().await;
    let shopping = Shopping::begin(&installation, &installation.api).await;
    let numbered = || installation.sql("order", "SELECT MAX(position) FROM outbox").parse::<i64>().expect("a number");
    for killed in ["order-1", "order-2"] {
        installation.local_meanwhile(&["kill", killed]).await;
        let before = numbered();
        shopping.until_more(6).await;
        until("the other process numbers", async || numbered() > before).await;
        let position = "SELECT MAX(position) FROM subscriptions WHERE producer = 'order'";
        let read = || installation.sql("audit", position).parse::<i64>().expect("a number");
        until("what it numbered is published and read", async || read() > before).await;
        installation.local_meanwhile(&["restart", killed]).await;
    }
    shopping.end(&installation).await;
}
