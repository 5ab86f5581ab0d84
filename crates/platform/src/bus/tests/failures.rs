//! What the bus does when the broker fails. Each test has a server of its own.

use super::{Pair, server::Server};
use crate::{
    bus::{Broker, Lease, PublishedPosition, Publisher},
    env::Env,
    shutdown::{self, Shutdown, ShutdownSender},
    testing::TempFolder,
};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(120);

/// A pair whose publisher and delivery run in the background on the system's clock.
struct Running {
    server: Server,
    pair: Pair,
    stop: ShutdownSender,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    async fn start(name: &'static str) -> Running {
        let server = Server::start();
        let broker = Broker::connect(&server.address, 1).await.unwrap();
        let pair = Pair::in_folder(name, broker, &Env::system(), Arc::new(TempFolder::new()));
        let (sender, stop) = shutdown::channel();
        let mut running = Running { server, pair, stop: sender, tasks: Vec::new() };
        running.spawn(stop);
        running
    }

    /// [`Running::start`], when the numbers up to 100 were consumed.
    async fn begun(name: &'static str) -> Running {
        let running = Running::start(name).await;
        running.pair.emit(1..=100).await;
        running.consumes_up_to(100).await;
        running
    }

    fn spawn(&mut self, stop: Shutdown) {
        let Pair { producer, consumer, broker, .. } = &self.pair;
        let env = producer.env();
        let publisher = Publisher::new(producer.clone(), broker.clone(), PublishedPosition::default());
        self.tasks.push(env.spawn(publisher.run(Lease::new(producer.clone()), stop.clone())));
        self.tasks.push(env.spawn(self.pair.delivery().run(Some(Lease::new(consumer.clone())), stop)));
    }

    /// Waits until the numbers up to `last` were consumed, each once and in order.
    async fn consumes_up_to(&self, last: i64) {
        let wait = async {
            while self.pair.position().await < last {
                tokio::task::yield_now().await;
            }
        };
        let arrived = tokio::time::timeout(PATIENCE, wait).await;
        let consumed = self.pair.consumed().await;
        assert!(arrived.is_ok(), "only {} events arrived", consumed.len());
        assert_eq!(consumed, (1..=last).collect::<Vec<_>>());
    }

    async fn end(self) {
        self.stop.stop();
        for task in self.tasks {
            task.await.expect("it stops");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "starts a NATS server by scripts/nats"]
async fn a_broker_that_restarts_costs_time_only() {
    let running = Running::begun("f_restart").await;
    running.server.stop();
    running.pair.emit(101..=200).await;
    running.server.start_again();
    running.consumes_up_to(200).await;
    assert_eq!(running.pair.bounds().await, (1, 200));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "starts a NATS server by scripts/nats"]
async fn a_broker_that_lost_its_store_is_filled_again() {
    let running = Running::begun("f_store").await;
    running.server.stop();
    running.server.lose_everything();
    running.pair.emit(101..=200).await;
    running.server.start_again();
    running.consumes_up_to(200).await;
    assert_eq!(running.pair.bounds().await, (1, 200));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "starts a NATS server by scripts/nats"]
async fn a_broker_that_lost_its_newest_messages_is_filled_again() {
    let running = Running::begun("f_tail").await;
    running.server.stop();
    running.server.save();
    running.server.start_again();
    running.pair.emit(101..=200).await;
    running.consumes_up_to(200).await;
    running.server.stop();
    running.server.go_back();
    running.server.start_again();
    running.pair.emit(201..=210).await;
    running.consumes_up_to(210).await;
    assert_eq!(running.pair.bounds().await, (1, 210));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "starts a NATS server by scripts/nats"]
async fn a_broker_that_is_held_delays_events_and_loses_none() {
    let running = Running::begun("f_held").await;
    running.server.signal("STOP");
    running.pair.emit(101..=200).await;
    // The publisher gives up at least once meanwhile.
    let failed = async {
        while running.pair.broker.find_stream("f_held").await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, failed).await.expect("the server does not answer");
    running.server.signal("CONT");
    running.consumes_up_to(200).await;
    assert_eq!(running.pair.bounds().await, (1, 200));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "starts a NATS server by scripts/nats"]
async fn a_replica_that_ends_in_the_middle_is_followed_by_another() {
    let mut running = Running::start("f_replica").await;
    running.pair.emit(1..=1_000).await;
    let (one, two) = (running.tasks.remove(0), running.tasks.remove(0));
    while running.pair.position().await == 0 {
        tokio::task::yield_now().await;
    }
    one.abort();
    two.abort();
    running.pair.emit(1_001..=2_000).await;
    let other = running.pair.opened_again();
    let (sender, stop) = shutdown::channel();
    let mut following = Running { server: running.server, pair: other, stop: sender, tasks: Vec::new() };
    following.spawn(stop);
    following.consumes_up_to(2_000).await;
    assert_eq!(following.pair.bounds().await, (1, 2_000));
    following.end().await;
}
