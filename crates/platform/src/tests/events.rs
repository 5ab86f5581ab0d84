use super::*;
use crate::{inbox, outbox};
use contracts::failed_event::{FailedEvent, FailedEventStatus};
use std::time::Duration;

const A: OrderId = OrderId(Uuid::from_u128(1));
const B: OrderId = OrderId(Uuid::from_u128(2));

/// A producer and a consumer between which a test delivers the events.
struct Pair {
    runtime: Runtime,
    refuses: Arc<AtomicBool>,
    producer: Db,
    consumer: Db,
    _folder: TempFolder,
}

impl Pair {
    async fn start(refuses: bool) -> Pair {
        let (folder, refuses) = (TempFolder::new(), Arc::new(AtomicBool::new(refuses)));
        let runtime = start(&folder, &refuses, false).await;
        let (producer, consumer) = (runtime.databases["producer"].clone(), runtime.databases["consumer"].clone());
        Pair { runtime, refuses, producer, consumer, _folder: folder }
    }

    async fn settle(&self) {
        for _ in 0..100 {
            if self.runtime.turn().await.expect("a turn").is_empty() {
                return;
            }
        }
        panic!("events are delivered again and again");
    }

    async fn emit(&self, sent: &[(OrderId, i64)]) {
        emit(&self.producer, sent).await;
    }

    /// Emits the events and delivers them.
    async fn send(&self, sent: &[(OrderId, i64)]) {
        self.emit(sent).await;
        self.settle().await;
    }

    /// Moves the clock and retries what is due.
    async fn advance(&self, seconds: u64) {
        self.consumer.env().advance(Duration::from_secs(seconds));
        self.settle().await;
    }

    fn accept(&self) {
        self.refuses.store(false, Ordering::SeqCst);
    }

    async fn consumed(&self) -> Vec<i64> {
        consumed(&self.consumer).await
    }

    async fn failed(&self) -> Vec<FailedEvent> {
        inbox::list_failed_events(&self.consumer, None, None, 100).await.expect("it can be read")
    }
}

#[tokio::test]
async fn events_arrive_in_order_and_once() {
    let pair = Pair::start(false).await;
    let Pair { producer, consumer, .. } = &pair;
    pair.send(&[(A, 1), (A, 2), (A, 3)]).await;
    // After a move back, events that were consumed have no second effect.
    inbox::set_position(consumer, &pair.producer, 0).await.unwrap();
    pair.send(&[(A, 4)]).await;
    assert_eq!(pair.consumed().await, [1, 2, 3, 4]);
    let sequences: Vec<i64> = outbox::read_after(producer, 0, 10).await.unwrap().iter().map(|event| event.envelope.sequence).collect();
    assert_eq!(sequences, [1, 2, 3, 4]);
}

#[tokio::test]
async fn events_caused_by_an_event_have_its_request_and_person() {
    let pair = Pair::start(false).await;
    let Pair { producer, consumer, .. } = &pair;
    let mara = UserId(Uuid::from_u128(7));
    let request = Context { actor_id: Some(mara), ..Context::new("c-1") };
    request.scope(pair.emit(&[(A, 1)])).await;
    pair.emit(&[(A, 2)]).await;
    let repeat = async |tx: &mut crate::db::Tx, sent: inbox::Received<NumberSent>| {
        tx.emit(NumberSent { thing: sent.thing, number: sent.number });
        Ok::<_, Error>(())
    };
    let consumers = inbox::Consumers::new().on::<NumberSent, _, _>(repeat);
    let sent = outbox::read_after(producer, 0, 10).await.unwrap();
    assert_eq!(inbox::consume(consumer, &consumers, inbox::Source::of(producer), 0, shared(sent)).await.unwrap(), inbox::Outcome::Consumed);
    for db in [producer, consumer] {
        let emitted = outbox::read_after(db, 0, 10).await.unwrap();
        let whose: Vec<_> = emitted.iter().map(|emitted| (&*emitted.envelope.correlation_id, emitted.envelope.actor_id)).collect();
        assert_eq!(whose, [("c-1", Some(mara)), ("none", None)]);
    }
}

#[tokio::test]
async fn a_unit_that_fails_emits_nothing() {
    let pair = Pair::start(false).await;
    let refused = pair
        .producer
        .write(async move |tx| {
            tx.emit(NumberSent { thing: A, number: 1 });
            Err::<(), _>(Error::Failed("on purpose".into()))
        })
        .await;
    assert!(refused.is_err());
    pair.settle().await;
    assert!(pair.consumed().await.is_empty());
}

#[tokio::test]
async fn a_refused_event_delays_its_own_aggregate_only_and_keeps_its_order() {
    let pair = Pair::start(true).await;
    pair.send(&[(A, 12), (A, 13), (B, 1), (A, 14), (B, 2)]).await;
    assert_eq!(pair.consumed().await, [12, 1, 2]);
    let failed = pair.failed().await;
    assert_eq!(failed.iter().map(|event| event.status).collect::<Vec<_>>(), [FailedEventStatus::Retrying, FailedEventStatus::Blocked]);
    assert_eq!(failed[0].error, "refuses 13");

    pair.accept();
    pair.settle().await;
    assert_eq!(pair.consumed().await, [12, 1, 2], "its pause is not over");
    pair.advance(2).await;
    assert_eq!(pair.consumed().await, [12, 1, 2, 13, 14]);
    assert!(pair.failed().await.is_empty());
}

#[tokio::test]
async fn an_event_that_always_fails_is_parked_after_its_attempts_and_can_be_replayed() {
    let pair = Pair::start(true).await;
    let consumer = &pair.consumer;
    pair.emit(&[(A, 13)]).await;
    for _ in 0..inbox::ATTEMPTS + 2 {
        pair.settle().await;
        consumer.env().advance(Duration::from_secs(61));
    }
    let parked = pair.failed().await.remove(0);
    assert_eq!((parked.status, parked.attempts), (FailedEventStatus::Parked, inbox::ATTEMPTS));
    pair.accept();
    pair.settle().await;
    assert!(pair.consumed().await.is_empty(), "a parked event waits for an admin");
    assert!(inbox::replay(consumer, parked.event.event_id).await.unwrap());
    pair.settle().await;
    assert_eq!(pair.consumed().await, [13]);
}

#[tokio::test]
async fn an_event_that_is_not_json_stops_its_own_aggregate_only() {
    let pair = Pair::start(false).await;
    let Pair { producer, .. } = &pair;
    pair.emit(&[(A, 1), (A, 2), (A, 3), (B, 4)]).await;
    for broken in ["UPDATE outbox SET payload = '{not json' WHERE position = 2", "UPDATE outbox SET payload = x'fffe' WHERE position = 2"] {
        producer.write(async move |tx| tx.execute(broken, &[]).await).await.unwrap();
    }
    pair.settle().await;
    assert_eq!(pair.consumed().await, [1, 4]);
    let failed = pair.failed().await;
    assert_eq!(failed.len(), 2);
    let parked = failed.iter().find(|event| event.event.sequence == 2).unwrap();
    assert_eq!(parked.status, FailedEventStatus::Parked);
    assert!(parked.error.contains("not JSON"), "{}", parked.error);
    let blocked = failed.iter().find(|event| event.event.sequence == 3).unwrap();
    assert_eq!(blocked.status, FailedEventStatus::Blocked);
    pair.send(&[(B, 5)]).await;
    assert_eq!(pair.consumed().await, [1, 4, 5]);
    assert!(outbox::newest(producer).await.unwrap().is_some());
}

#[tokio::test]
async fn a_consumer_that_panics_fails_its_event_and_not_the_batch() {
    let pair = Pair::start(false).await;
    pair.send(&[(B, 1), (A, 666), (B, 2)]).await;
    assert_eq!(pair.consumed().await, [1, 2]);
    assert_eq!((pair.failed().await[0].status, pair.failed().await[0].attempts), (FailedEventStatus::Retrying, 1));
    for _ in 0..inbox::ATTEMPTS {
        pair.advance(90).await;
    }
    let parked = pair.failed().await.remove(0);
    assert_eq!(
        (parked.status, parked.attempts, parked.error.as_str()),
        (FailedEventStatus::Parked, inbox::ATTEMPTS, "the consumer panicked")
    );
}

#[tokio::test]
async fn a_position_that_is_moved_back_for_a_replay_stays_there() {
    let pair = Pair::start(false).await;
    let Pair { producer, consumer, .. } = &pair;
    pair.send(&[(A, 1), (A, 2)]).await;
    pair.emit(&[(A, 3)]).await;
    // The position is moved back after the bus read its batch.
    let from = inbox::position(consumer, "producer").await.unwrap();
    let batch = outbox::read_after(producer, from, 10).await.unwrap();
    inbox::set_position(consumer, &pair.producer, 0).await.unwrap();
    let outcome =
        inbox::consume(consumer, &pair.runtime.consumers["consumer"], inbox::Source::of(producer), from, shared(batch)).await.unwrap();
    assert_eq!(outcome, inbox::Outcome::PositionMoved);
    assert_eq!(inbox::position(consumer, "producer").await.unwrap(), 0);
    assert_eq!(pair.consumed().await, [1, 2]);
    pair.settle().await;
    assert_eq!(pair.consumed().await, [1, 2, 3]);
    assert_eq!(inbox::position(consumer, "producer").await.unwrap(), 3);
}

#[tokio::test]
async fn a_delivery_whose_position_never_advances_ends_with_an_error() {
    let pair = Pair::start(false).await;
    let consumer = &pair.consumer;
    let stuck = "CREATE TRIGGER stuck BEFORE INSERT ON subscriptions BEGIN SELECT RAISE(IGNORE); END";
    consumer.write(async move |tx| tx.execute(stuck, &[]).await).await.unwrap();
    pair.emit(&[(A, 1)]).await;
    let error = pair.runtime.turn().await.unwrap_err().to_string();
    assert!(error.contains("the position of consumer in the outbox of producer does not advance"), "{error}");
    assert!(pair.consumed().await.is_empty(), "nothing is consumed without its position");
}

#[tokio::test]
async fn rows_of_the_former_status_are_read_as_blocked() {
    let pair = Pair::start(true).await;
    let consumer = &pair.consumer;
    pair.send(&[(A, 13), (A, 14)]).await;
    let former = "UPDATE parked_events SET status = 'WAITING' WHERE status = 'BLOCKED'";
    assert_eq!(consumer.write(async move |tx| tx.execute(former, &[]).await).await.unwrap(), 1);
    let migration = include_str!("../../migrations/platform_0003_blocked.sql");
    consumer.write(async move |tx| tx.execute(migration, &[]).await).await.unwrap();
    pair.accept();
    pair.advance(2).await;
    assert_eq!(pair.consumed().await, [13, 14]);
}

#[tokio::test]
async fn an_event_of_a_type_that_is_not_consumed_any_more_is_parked_and_blocks_no_other() {
    let pair = Pair::start(true).await;
    let consumer = &pair.consumer;
    pair.send(&[(A, 13), (B, 1)]).await;
    // A program that does not know the type finds the event.
    let known = pair.failed().await.remove(0);
    let unknown = contracts::event::Envelope { event_type: "Forgotten".into(), ..known.event };
    consumer
        .write(async move |tx| {
            tx.execute("UPDATE parked_events SET envelope = $1", params![serde_json::to_string(&unknown).unwrap()]).await.map(|_| ())
        })
        .await
        .unwrap();
    for _ in 0..inbox::ATTEMPTS {
        pair.advance(90).await;
    }
    let parked = pair.failed().await.remove(0);
    assert_eq!((parked.status, parked.attempts), (FailedEventStatus::Parked, inbox::ATTEMPTS));
    let counts: Vec<u64> = inbox::count_failed_events(&pair.consumer).await.unwrap().into_iter().map(|(_, count)| count).collect();
    assert_eq!(counts, [0, 0, 1], "RETRYING, BLOCKED, PARKED");
}

#[tokio::test]
async fn old_rows_are_deleted_in_bounded_steps_and_the_newest_event_stays() {
    let pair = Pair::start(false).await;
    let Pair { producer, consumer, .. } = &pair;
    pair.send(&[(A, 1), (A, 2), (A, 3), (A, 4)]).await;
    let later = producer.now().after(Duration::from_secs(1));
    assert_eq!(outbox::purge(producer, producer.now(), 4, 10).await.unwrap(), 0, "none is old");
    assert_eq!(outbox::purge(producer, later, 4, 2).await.unwrap(), 2);
    assert_eq!(outbox::purge(producer, later, 3, 2).await.unwrap(), 1, "not the newest");
    assert_eq!(outbox::purge(producer, later, 9, 2).await.unwrap(), 0);
    assert_eq!(inbox::purge(consumer, later, 3).await.unwrap(), 3);
    assert_eq!(inbox::purge(consumer, later, 3).await.unwrap(), 1);
}

#[tokio::test]
async fn events_committed_before_a_restart_are_delivered_after_it() {
    let (folder, refuses) = (TempFolder::new(), Arc::new(AtomicBool::new(false)));
    let first = start(&folder, &refuses, false).await;
    emit(&first.databases["producer"], &[(A, 1), (A, 2)]).await;
    drop(first);
    let second = start(&folder, &refuses, true).await;
    let consumer = second.databases["consumer"].clone();
    let arrived = async {
        while consumed(&consumer).await.len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), arrived).await.expect("both arrive");
    assert_eq!(consumed(&consumer).await, [1, 2]);
    second.stop().await;
}

fn shared(events: Vec<outbox::Published>) -> Vec<Arc<outbox::Published>> {
    events.into_iter().map(Arc::new).collect()
}
