//! Events over a real NATS server: `SOUK_TEST_EVENTS=$(scripts/nats) cargo test -p platform --lib bus -- --include-ignored`.
//!
//! Each test has a producer and a consumer of its own, whose names begin its stream. The tests of failures start servers of
//! their own by `scripts/nats`.

mod failures;
mod server;

use super::{Broker, Delivery, Feed, PublishedPosition, Publisher, StreamFeed, broker::name};
use crate::{
    client::Client,
    db::{Db, Error, Migration},
    env::Env,
    inbox::{self, Consumers, Received},
    outbox, params,
    testing::TempFolder,
    tests::NumberSent,
};
use contracts::{
    event::Event,
    ids::{OrderId, Uuid},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};

const BEGINNING: Timestamp = Timestamp(1_767_225_600_000_000);

/// An event that nobody consumes.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct NothingSent {
    thing: OrderId,
}

impl Event for NothingSent {
    const TYPE: &'static str = "NothingSent";
    const AGGREGATE: &'static str = "THING";
    const PRODUCER: &'static str = "producer";
    const VERSION: u32 = 1;
    fn aggregate_id(&self) -> Uuid {
        self.thing.into()
    }
}

const SCHEMA: &[Migration] =
    &[Migration { name: "0001_consumed", sql: "CREATE TABLE consumed (position BIGINT PRIMARY KEY, number BIGINT NOT NULL)" }];

fn consumers() -> Consumers {
    let consume = async |tx: &mut crate::db::Tx, sent: Received<NumberSent>| {
        tx.execute("INSERT INTO consumed (position, number) VALUES ((SELECT COUNT(*) FROM consumed), $1)", params![sent.number])
            .await
            .map(|_| ())
    };
    Consumers::new().on::<NumberSent, _, _>(consume)
}

fn address() -> String {
    #[expect(clippy::disallowed_methods, reason = "a test has no configuration")]
    std::env::var("SOUK_TEST_EVENTS").expect("SOUK_TEST_EVENTS holds the address of a NATS server; `scripts/nats` starts one")
}

/// A producer and a consumer in two databases, connected by a stream.
struct Pair {
    broker: Broker,
    producer: Db,
    consumer: Db,
    /// Of an installation of its own, so that tests do not share streams.
    name: &'static str,
    folder: Arc<TempFolder>,
}

impl Pair {
    /// `name` is the name of the producer, and so of its stream.
    async fn start(name: &'static str) -> Pair {
        let broker = Broker::connect(&address(), 1).await.unwrap();
        let pair = Pair::in_folder(name, broker, &Env::seeded(1, BEGINNING), Arc::new(TempFolder::new()));
        if pair.broker.find_stream(name).await.unwrap().is_some() {
            pair.broker.delete(name).await.unwrap();
        }
        pair
    }

    fn in_folder(name: &'static str, broker: Broker, env: &Env, folder: Arc<TempFolder>) -> Pair {
        let open = |service, migrations| Db::open(env.clone(), service, folder.path(), migrations).unwrap();
        Pair { producer: open(name, &[]), consumer: open("consumer", SCHEMA), broker, name, folder }
    }

    /// The same databases in another process.
    fn opened_again(&self) -> Pair {
        Pair::in_folder(self.name, self.broker.clone(), &Env::system(), self.folder.clone())
    }

    async fn emit(&self, numbers: impl IntoIterator<Item = i64>) {
        let numbers: Vec<i64> = numbers.into_iter().collect();
        let thing = OrderId(Uuid::from_u128(1));
        let emit = async move |tx: &mut crate::db::Tx| {
            for number in &numbers {
                tx.emit(NumberSent { thing, number: *number });
            }
            Ok::<_, Error>(())
        };
        self.producer.write(emit).await.unwrap();
    }

    fn publisher(&self) -> Publisher {
        Publisher::new(self.producer.clone(), self.broker.clone(), PublishedPosition::default())
    }

    async fn publish(&self) -> usize {
        self.publisher().publish_present().await.unwrap()
    }

    fn feed(&self) -> StreamFeed {
        StreamFeed { broker: self.broker.clone(), producer: self.name, client: Client::new(self.consumer.env().clone()) }
    }

    fn delivery(&self) -> Delivery {
        Delivery::new(Feed::Stream(self.feed()), self.consumer.clone(), consumers())
    }

    async fn consumed(&self) -> Vec<i64> {
        let sql = "SELECT number FROM consumed ORDER BY position";
        self.consumer.read(async move |tx| tx.query(sql, &[], |row| row.next()).await).await.unwrap()
    }

    /// The sequences of the first and the last message.
    async fn bounds(&self) -> (i64, i64) {
        let state = self.broker.find_stream(self.name).await.unwrap().expect("there is a stream");
        (state.first, state.last)
    }

    async fn position(&self) -> i64 {
        inbox::position(&self.consumer, self.name).await.unwrap()
    }
}

#[tokio::test]
#[ignore = "needs SOUK_TEST_EVENTS"]
async fn the_stream_has_the_numbers_of_the_outbox_and_each_event_is_consumed_once() {
    let pair = Pair::start("t_numbers").await;
    pair.emit(1..=1_000).await;
    assert_eq!(pair.publish().await, 1_000);
    assert_eq!(pair.bounds().await, (1, 1_000));
    assert_eq!(pair.publish().await, 0, "nothing is published twice");
    let mut delivery = pair.delivery();
    assert_eq!(delivery.deliver_present().await.unwrap(), 1_000);
    pair.emit(1_001..=1_100).await;
    pair.publish().await;
    assert_eq!(delivery.deliver_present().await.unwrap(), 100);
    assert_eq!(pair.consumed().await, (1..=1_100).collect::<Vec<_>>());
    assert_eq!(pair.position().await, 1_100);
    let message = pair.broker.find(pair.name).await.unwrap().unwrap().direct_get(7).await.unwrap();
    assert_eq!(&*message.subject, "souk.t_numbers.THING.NumberSent");
    let row = outbox::read_after(&pair.producer, 6, 1).await.unwrap().remove(0);
    assert_eq!(serde_json::to_vec(&row.envelope).unwrap(), message.payload);
}

#[tokio::test]
#[ignore = "needs SOUK_TEST_EVENTS"]
async fn two_publishers_of_one_outbox_leave_out_and_double_nothing() {
    let pair = Pair::start("t_two_publishers").await;
    pair.emit(1..=2_000).await;
    let other = Broker::connect(&address(), 1).await.unwrap();
    let until_done = async |broker: &Broker| {
        let mut publisher = Publisher::new(pair.producer.clone(), broker.clone(), PublishedPosition::default());
        // One of the two is refused where both publish, and resumes where the stream ends.
        while publisher.publish_present().await.is_err() {}
    };
    tokio::join!(until_done(&pair.broker), until_done(&other));
    assert_eq!(pair.bounds().await, (1, 2_000));
    pair.delivery().deliver_present().await.unwrap();
    assert_eq!(pair.consumed().await, (1..=2_000).collect::<Vec<_>>());
}

#[tokio::test]
#[ignore = "needs SOUK_TEST_EVENTS"]
async fn a_batch_that_another_publisher_overtook_is_refused_as_a_whole() {
    let pair = Pair::start("t_overtaken").await;
    pair.emit(1..=10).await;
    let (mut one, mut other) = (pair.publisher(), pair.publisher());
    assert_eq!((one.publish_present().await.unwrap(), other.publish_present().await.unwrap()), (10, 0));
    pair.emit(11..=40).await;
    assert_eq!(other.step().await.unwrap(), 30);
    pair.emit(41..=50).await;
    let refused = one.step().await.unwrap_err().to_string();
    assert!(refused.contains("takes no event"), "{refused}");
    assert_eq!(pair.bounds().await, (1, 40), "nothing of the batch is stored");
    // It asks the stream what it holds and goes on from there.
    assert_eq!(one.step().await.unwrap(), 10);
    assert_eq!(pair.bounds().await, (1, 50));
    pair.delivery().deliver_present().await.unwrap();
    assert_eq!(pair.consumed().await, (1..=50).collect::<Vec<_>>());
}

#[tokio::test]
#[ignore = "needs SOUK_TEST_EVENTS"]
async fn two_readers_at_once_commit_each_event_once() {
    let pair = Pair::start("t_two_readers").await;
    pair.emit(1..=500).await;
    pair.publish().await;
    let deliver = async || while pair.delivery().deliver_present().await.is_err() {};
    tokio::join!(deliver(), deliver());
    assert_eq!(pair.consumed().await, (1..=500).collect::<Vec<_>>());
}

#[tokio::test]
#[ignore = "needs SOUK_TEST_EVENTS"]
async fn a_stream_that_is_gone_is_made_anew_from_the_oldest_event_that_is_kept() {
    let pair = Pair::start("t_gone").await;
    pair.emit(1..=10).await;
    pair.publish().await;
    pair.delivery().deliver_present().await.unwrap();
    pair.broker.delete(pair.name).await.unwrap();
    outbox::purge(&pair.producer, BEGINNING.after(Duration::from_secs(1)), 4, 100).await.unwrap();
    pair.emit(11..=12).await;
    pair.publish().await;
    assert_eq!(pair.bounds().await, (5, 12));
    assert_eq!(pair.delivery().deliver_present().await.unwrap(), 2);
    assert_eq!(pair.consumed().await, (1..=12).collect::<Vec<_>>());
}

#[tokio::test]
#[ignore = "needs SOUK_TEST_EVENTS"]
async fn a_subscription_that_runs_sees_that_its_stream_was_made_anew() {
    let pair = Pair::start("t_anew").await;
    pair.emit(1..=5).await;
    pair.publish().await;
    let mut delivery = pair.delivery();
    delivery.deliver_present().await.unwrap();
    pair.producer.env().advance(Duration::from_secs(1));
    pair.broker.delete(pair.name).await.unwrap();
    pair.emit(6..=8).await;
    pair.publish().await;
    while pair.position().await < 8 {
        delivery.deliver_present().await.unwrap();
    }
    assert_eq!(pair.consumed().await, (1..=8).collect::<Vec<_>>());
}

#[tokio::test]
#[ignore = "needs SOUK_TEST_EVENTS"]
async fn a_stream_that_begins_after_the_position_is_an_error_that_says_what_to_do() {
    let pair = Pair::start("t_begins_later").await;
    pair.emit(1..=10).await;
    pair.publish().await;
    pair.delivery().deliver_present().await.unwrap();
    pair.emit(11..=20).await;
    pair.broker.delete(pair.name).await.unwrap();
    outbox::purge(&pair.producer, BEGINNING.after(Duration::from_secs(1)), 15, 100).await.unwrap();
    pair.publish().await;
    assert_eq!(pair.bounds().await, (16, 20));
    let error = pair.delivery().deliver_present().await.unwrap_err().to_string();
    assert!(error.contains("begins with event 16") && error.contains("stands at 10") && error.contains("souk events skip"), "{error}");
    assert_eq!(pair.consumed().await.len(), 10, "nothing was passed over");
    inbox::set_position(&pair.consumer, &pair.producer, 15).await.unwrap();
    pair.delivery().deliver_present().await.unwrap();
    assert_eq!(pair.consumed().await, (1..=10).chain(16..=20).collect::<Vec<_>>());
}

#[tokio::test]
#[ignore = "needs SOUK_TEST_EVENTS"]
async fn a_consumer_without_position_begins_with_the_oldest_event() {
    let pair = Pair::start("t_new_consumer").await;
    pair.emit(1..=10).await;
    outbox::purge(&pair.producer, BEGINNING.after(Duration::from_secs(1)), 4, 100).await.unwrap();
    pair.publish().await;
    pair.delivery().deliver_present().await.unwrap();
    assert_eq!(pair.consumed().await, (5..=10).collect::<Vec<_>>());
}

#[tokio::test]
#[ignore = "needs SOUK_TEST_EVENTS"]
async fn events_that_nobody_consumes_move_the_position() {
    let pair = Pair::start("t_passed_over").await;
    pair.emit([1]).await;
    let thing = OrderId(Uuid::from_u128(1));
    let emit = async move |tx: &mut crate::db::Tx| {
        for _ in 0..300 {
            tx.emit(NothingSent { thing });
        }
        Ok::<_, Error>(())
    };
    pair.producer.write(emit).await.unwrap();
    pair.emit([2]).await;
    pair.publish().await;
    let mut delivery = pair.delivery();
    delivery.deliver_present().await.unwrap();
    assert_eq!((pair.consumed().await, pair.position().await), (vec![1, 2], 302));
}

#[tokio::test]
#[ignore = "needs SOUK_TEST_EVENTS"]
async fn only_events_that_are_consumed_count_as_unread() {
    let pair = Pair::start("t_unread").await;
    let unread = async || Feed::Stream(pair.feed()).count_after(pair.position().await, &consumers()).await.unwrap();
    pair.emit([1]).await;
    pair.publish().await;
    pair.delivery().deliver_present().await.unwrap();
    // The server keeps the one of the delivery for half a minute.
    let at_server = async || pair.broker.find(pair.name).await.unwrap().unwrap().cached_info().state.consumer_count;
    let before = at_server().await;
    let thing = OrderId(Uuid::from_u128(1));
    let emit = async move |tx: &mut crate::db::Tx| {
        for _ in 0..7 {
            tx.emit(NothingSent { thing });
        }
        Ok::<_, Error>(())
    };
    pair.producer.write(emit).await.unwrap();
    pair.publish().await;
    assert_eq!(unread().await, (0, None), "nothing of it is for the consumer");
    pair.producer.env().advance(Duration::from_secs(1));
    let occurred_at = pair.producer.now();
    pair.emit(2..=4).await;
    pair.publish().await;
    assert_eq!(unread().await, (3, Some(occurred_at)));
    let every =
        Consumers::new().on_every(&["t_unread"], async |_: &mut crate::db::Tx, _: &[&contracts::event::Envelope]| Ok::<_, Error>(()));
    assert_eq!(Feed::Stream(pair.feed()).count_after(1, &every).await.unwrap().0, 10);
    assert!(at_server().await <= before, "nothing of the counting stays at the server");
}

#[tokio::test]
#[ignore = "needs SOUK_TEST_EVENTS"]
async fn a_replay_delivers_events_again_and_they_have_no_second_effect() {
    let pair = Pair::start("t_replay").await;
    pair.emit(1..=20).await;
    pair.publish().await;
    let mut delivery = pair.delivery();
    delivery.deliver_present().await.unwrap();
    inbox::set_position(&pair.consumer, &pair.producer, 5).await.unwrap();
    assert_eq!(pair.delivery().deliver_present().await.unwrap(), 15);
    assert_eq!((pair.consumed().await.len(), pair.position().await), (20, 20));
}

#[tokio::test]
#[ignore = "needs SOUK_TEST_EVENTS"]
async fn the_stream_of_another_database_is_left_alone() {
    let pair = Pair::start("t_foreign").await;
    pair.emit(1..=3).await;
    pair.publish().await;
    let folder = TempFolder::new();
    let foreign = Db::open(Env::seeded(9, BEGINNING), pair.name, folder.path(), &[]).unwrap();
    let refused = Publisher::new(foreign, pair.broker.clone(), PublishedPosition::default()).publish_present().await.unwrap_err();
    assert!(refused.to_string().contains("another database"), "{refused}");
    assert_eq!(pair.bounds().await, (1, 3));
}

#[tokio::test]
#[ignore = "needs SOUK_TEST_EVENTS"]
async fn a_stream_that_was_set_otherwise_is_set_right() {
    let pair = Pair::start("t_configured").await;
    pair.emit([1]).await;
    pair.publish().await;
    let mut config = pair.broker.find(pair.name).await.unwrap().unwrap().cached_info().config.clone();
    config.max_age = Duration::from_secs(300);
    config.max_messages = 5;
    // An earlier version made its streams so.
    config.allow_atomic_publish = false;
    pair.broker.js().update_stream(config).await.unwrap();
    let differences = pair.broker.find_stream(pair.name).await.unwrap().unwrap().differences;
    assert_eq!(differences.len(), 3, "{differences:?}");
    pair.emit([2]).await;
    assert_eq!(pair.publish().await, 1);
    assert_eq!(pair.broker.find_stream(pair.name).await.unwrap().unwrap().differences, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs SOUK_TEST_EVENTS"]
async fn the_server_reports_its_version() {
    let report = Broker::connect(&address(), 1).await.unwrap();
    let report = report.report().await.unwrap();
    assert!(report.is_supported && report.has_jetstream, "{report:?}");
}

#[tokio::test]
#[ignore = "needs SOUK_TEST_EVENTS"]
async fn commits_wake_the_other_replicas_of_the_service() {
    let pair = Pair::start("t_wake").await;
    let (_sender, stop) = crate::shutdown::channel();
    let env = Env::system();
    let folder = TempFolder::new();
    let open = |seed: &str| Db::open(env.clone(), pair.name, &folder.path().join(seed), &[]).unwrap();
    let (here, there) = (open("a"), open("b"));
    for db in [&here, &there] {
        let broker = Broker::connect(&address(), 1).await.unwrap();
        env.spawn(super::exchange_wake_ups(db.clone(), broker, stop.clone()));
    }
    let (mut growth, worker) = (there.outbox_grew(), there.worker_notifier("work"));
    let commit_until_woken = async {
        loop {
            let emit = async |tx: &mut crate::db::Tx| {
                tx.emit(NumberSent { thing: OrderId(Uuid::from_u128(1)), number: 1 });
                tx.notify_worker("work");
                Ok::<_, Error>(())
            };
            here.write(emit).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let woken = async {
        growth.changed().await.unwrap();
        worker.notified().await;
    };
    tokio::select! {
        () = commit_until_woken => {}
        woken = tokio::time::timeout(Duration::from_secs(20), woken) => woken.expect("it is woken"),
    }
}

#[tokio::test]
async fn one_process_holds_the_lease_and_another_follows_when_it_ends_or_is_released() {
    let folder = TempFolder::new();
    let (one, two) = (Env::seeded(1, BEGINNING), Env::seeded(2, BEGINNING));
    let lease = |env: &Env| super::Lease::new(Db::open(env.clone(), "t_lease", folder.path(), &[]).unwrap());
    let (first, second) = (lease(&one), lease(&two));
    assert!(first.hold().await.unwrap() && !second.hold().await.unwrap());
    for env in [&one, &two] {
        env.advance(Duration::from_secs(5));
    }
    assert!(first.hold().await.unwrap(), "it is renewed");
    two.advance(Duration::from_secs(5));
    assert!(!second.hold().await.unwrap(), "the renewal counts");
    two.advance(Duration::from_secs(5));
    assert!(second.hold().await.unwrap(), "a holder without a word is replaced");
    one.advance(Duration::from_secs(5));
    assert!(!first.hold().await.unwrap(), "the replaced one sees it");
    second.release().await.unwrap();
    assert!(first.hold().await.unwrap(), "a lease that was released is free at once");
}

#[test]
fn a_stream_is_named_after_its_service() {
    assert_eq!(name("order"), "souk_order");
}
