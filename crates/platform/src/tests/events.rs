use super::*;
use crate::{inbox, outbox};
use std::time::Duration;

fn things() -> (OrderId, OrderId) {
    (OrderId(Uuid::from_u128(1)), OrderId(Uuid::from_u128(2)))
}

async fn failed_events(db: &Db) -> Vec<inbox::FailedEvent> {
    inbox::list_failed_events(db, None, None, 100).await.expect("it can be read")
}

async fn settle(runtime: &Runtime) {
    for _ in 0..100 {
        if runtime.turn().await.expect("a turn").is_empty() {
            return;
        }
    }
    panic!("events are delivered again and again");
}

#[tokio::test]
async fn events_arrive_in_order_and_once() {
    let (folder, refuses) = (TempFolder::new(), Arc::new(AtomicBool::new(false)));
    let runtime = start(&folder, &refuses, false).await;
    let (a, _) = things();
    let (producer, consumer) = (&runtime.databases["producer"], &runtime.databases["consumer"]);
    emit(producer, &[(a, 1), (a, 2), (a, 3)]).await;
    settle(&runtime).await;
    // After a move back, events that were consumed have no second effect.
    inbox::set_position(consumer, "producer", 0).await.unwrap();
    emit(producer, &[(a, 4)]).await;
    settle(&runtime).await;
    assert_eq!(consumed(consumer).await, [1, 2, 3, 4]);
    let sequences: Vec<i64> = outbox::read_after(producer, 0, 10).await.unwrap().iter().map(|event| event.envelope.sequence).collect();
    assert_eq!(sequences, [1, 2, 3, 4]);
}

#[tokio::test]
async fn events_caused_by_an_event_have_its_request_and_person() {
    let (folder, refuses) = (TempFolder::new(), Arc::new(AtomicBool::new(false)));
    let runtime = start(&folder, &refuses, false).await;
    let (a, _) = things();
    let (producer, consumer) = (&runtime.databases["producer"], &runtime.databases["consumer"]);
    let mara = UserId(Uuid::from_u128(7));
    let request = Context { actor_id: Some(mara), ..Context::new("c-1") };
    request.scope(emit(producer, &[(a, 1)])).await;
    emit(producer, &[(a, 2)]).await;
    let repeat = async |tx: &mut crate::db::Tx, sent: inbox::Received<NumberSent>| {
        tx.emit(NumberSent { thing: sent.thing, number: sent.number });
        Ok::<_, Error>(())
    };
    let consumers = inbox::Consumers::new().on::<NumberSent, _, _>(repeat);
    let sent = outbox::read_after(producer, 0, 10).await.unwrap();
    assert_eq!(inbox::consume(consumer, &consumers, "producer", 0, sent).await.unwrap(), inbox::Outcome::Consumed);
    for db in [producer, consumer] {
        let emitted = outbox::read_after(db, 0, 10).await.unwrap();
        let whose: Vec<_> = emitted.iter().map(|emitted| (&*emitted.envelope.correlation_id, emitted.envelope.actor_id)).collect();
        assert_eq!(whose, [("c-1", Some(mara)), ("none", None)]);
    }
}

#[tokio::test]
async fn a_unit_that_fails_emits_nothing() {
    let (folder, refuses) = (TempFolder::new(), Arc::new(AtomicBool::new(false)));
    let runtime = start(&folder, &refuses, false).await;
    let (a, _) = things();
    let refused = runtime.databases["producer"]
        .write(async move |tx| {
            tx.emit(NumberSent { thing: a, number: 1 });
            Err::<(), _>(Error::Failed("on purpose".into()))
        })
        .await;
    assert!(refused.is_err());
    settle(&runtime).await;
    assert!(consumed(&runtime.databases["consumer"]).await.is_empty());
}

#[tokio::test]
async fn a_refused_event_delays_its_own_aggregate_only_and_keeps_its_order() {
    let (folder, refuses) = (TempFolder::new(), Arc::new(AtomicBool::new(true)));
    let runtime = start(&folder, &refuses, false).await;
    let (a, b) = things();
    let consumer = &runtime.databases["consumer"];
    emit(&runtime.databases["producer"], &[(a, 12), (a, 13), (b, 1), (a, 14), (b, 2)]).await;
    settle(&runtime).await;
    assert_eq!(consumed(consumer).await, [12, 1, 2]);
    let failed = failed_events(consumer).await;
    assert_eq!(
        failed.iter().map(|event| event.status).collect::<Vec<_>>(),
        [inbox::FailedEventStatus::Retrying, inbox::FailedEventStatus::Blocked]
    );
    assert_eq!(failed[0].error, "refuses 13");

    refuses.store(false, Ordering::SeqCst);
    settle(&runtime).await;
    assert_eq!(consumed(consumer).await, [12, 1, 2], "its pause is not over");
    consumer.env().advance(Duration::from_secs(2));
    settle(&runtime).await;
    assert_eq!(consumed(consumer).await, [12, 1, 2, 13, 14]);
    assert!(failed_events(consumer).await.is_empty());
}

#[tokio::test]
async fn an_event_that_always_fails_is_parked_after_its_attempts_and_can_be_replayed() {
    let (folder, refuses) = (TempFolder::new(), Arc::new(AtomicBool::new(true)));
    let runtime = start(&folder, &refuses, false).await;
    let (a, _) = things();
    let consumer = &runtime.databases["consumer"];
    emit(&runtime.databases["producer"], &[(a, 13)]).await;
    for _ in 0..inbox::ATTEMPTS + 2 {
        settle(&runtime).await;
        consumer.env().advance(Duration::from_secs(61));
    }
    let parked = failed_events(consumer).await.remove(0);
    assert_eq!((parked.status, parked.attempts), (inbox::FailedEventStatus::Parked, inbox::ATTEMPTS));
    refuses.store(false, Ordering::SeqCst);
    settle(&runtime).await;
    assert!(consumed(consumer).await.is_empty(), "a parked event waits for an admin");
    assert!(inbox::replay(consumer, parked.event.event_id).await.unwrap());
    settle(&runtime).await;
    assert_eq!(consumed(consumer).await, [13]);
}

#[tokio::test]
async fn a_consumer_that_panics_fails_its_event_and_not_the_batch() {
    let (folder, refuses) = (TempFolder::new(), Arc::new(AtomicBool::new(false)));
    let runtime = start(&folder, &refuses, false).await;
    let (a, b) = things();
    emit(&runtime.databases["producer"], &[(b, 1), (a, 666), (b, 2)]).await;
    settle(&runtime).await;
    let consumer = &runtime.databases["consumer"];
    assert_eq!(consumed(consumer).await, [1, 2]);
    assert_eq!(
        (failed_events(consumer).await[0].status, failed_events(consumer).await[0].attempts),
        (inbox::FailedEventStatus::Retrying, 1)
    );
    for _ in 0..inbox::ATTEMPTS {
        consumer.env().advance(Duration::from_secs(90));
        settle(&runtime).await;
    }
    let parked = failed_events(consumer).await.remove(0);
    assert_eq!(
        (parked.status, parked.attempts, parked.error.as_str()),
        (inbox::FailedEventStatus::Parked, inbox::ATTEMPTS, "the consumer panicked")
    );
}

#[tokio::test]
async fn a_position_that_is_moved_back_for_a_replay_stays_there() {
    let (folder, refuses) = (TempFolder::new(), Arc::new(AtomicBool::new(false)));
    let runtime = start(&folder, &refuses, false).await;
    let (a, _) = things();
    let (producer, consumer) = (&runtime.databases["producer"], &runtime.databases["consumer"]);
    emit(producer, &[(a, 1), (a, 2)]).await;
    settle(&runtime).await;
    emit(producer, &[(a, 3)]).await;
    // The position is moved back after the bus read its batch.
    let from = inbox::position(consumer, "producer").await.unwrap();
    let batch = outbox::read_after(producer, from, 10).await.unwrap();
    inbox::set_position(consumer, "producer", 0).await.unwrap();
    let outcome = inbox::consume(consumer, &runtime.consumers["consumer"], "producer", from, batch).await.unwrap();
    assert_eq!(outcome, inbox::Outcome::PositionMoved);
    assert_eq!(inbox::position(consumer, "producer").await.unwrap(), 0);
    assert_eq!(consumed(consumer).await, [1, 2]);
    settle(&runtime).await;
    assert_eq!(consumed(consumer).await, [1, 2, 3]);
    assert_eq!(inbox::position(consumer, "producer").await.unwrap(), 3);
}

#[tokio::test]
async fn a_delivery_whose_position_never_advances_ends_with_an_error() {
    let (folder, refuses) = (TempFolder::new(), Arc::new(AtomicBool::new(false)));
    let runtime = start(&folder, &refuses, false).await;
    let (a, _) = things();
    let (producer, consumer) = (&runtime.databases["producer"], &runtime.databases["consumer"]);
    let stuck = "CREATE TRIGGER stuck BEFORE INSERT ON subscriptions BEGIN SELECT RAISE(IGNORE); END";
    consumer.write(async move |tx| tx.execute(stuck, &[]).await).await.unwrap();
    emit(producer, &[(a, 1)]).await;
    let error = runtime.turn().await.unwrap_err().to_string();
    assert!(error.contains("the position of consumer in the outbox of producer does not advance"), "{error}");
    assert!(consumed(consumer).await.is_empty(), "nothing is consumed without its position");
}

#[tokio::test]
async fn rows_of_the_former_status_are_read_as_blocked() {
    let (folder, refuses) = (TempFolder::new(), Arc::new(AtomicBool::new(true)));
    let runtime = start(&folder, &refuses, false).await;
    let (a, _) = things();
    let consumer = &runtime.databases["consumer"];
    emit(&runtime.databases["producer"], &[(a, 13), (a, 14)]).await;
    settle(&runtime).await;
    let former = "UPDATE parked_events SET status = 'WAITING' WHERE status = 'BLOCKED'";
    assert_eq!(consumer.write(async move |tx| tx.execute(former, &[]).await).await.unwrap(), 1);
    let migration = include_str!("../../migrations/platform_0003_blocked.sql");
    consumer.write(async move |tx| tx.execute(migration, &[]).await).await.unwrap();
    refuses.store(false, Ordering::SeqCst);
    consumer.env().advance(Duration::from_secs(2));
    settle(&runtime).await;
    assert_eq!(consumed(consumer).await, [13, 14]);
}

#[tokio::test]
async fn an_event_of_a_type_that_is_not_consumed_any_more_is_parked_and_blocks_no_other() {
    let (folder, refuses) = (TempFolder::new(), Arc::new(AtomicBool::new(true)));
    let runtime = start(&folder, &refuses, false).await;
    let (a, b) = things();
    let consumer = &runtime.databases["consumer"];
    emit(&runtime.databases["producer"], &[(a, 13), (b, 1)]).await;
    settle(&runtime).await;
    // A program that does not know the type finds the event.
    let known = failed_events(consumer).await.remove(0);
    let unknown = contracts::event::Envelope { event_type: "Forgotten".into(), ..known.event };
    consumer
        .write(async move |tx| {
            tx.execute("UPDATE parked_events SET envelope = $1", params![contracts::column::Json(unknown.clone())]).await.map(|_| ())
        })
        .await
        .unwrap();
    for _ in 0..inbox::ATTEMPTS {
        consumer.env().advance(Duration::from_secs(90));
        settle(&runtime).await;
    }
    let parked = failed_events(consumer).await.remove(0);
    assert_eq!((parked.status, parked.attempts), (inbox::FailedEventStatus::Parked, inbox::ATTEMPTS));
    let counts: Vec<u64> = inbox::count_failed_events(consumer).await.unwrap().into_iter().map(|(_, count)| count).collect();
    assert_eq!(counts, [0, 0, 1], "RETRYING, BLOCKED, PARKED");
}

#[tokio::test]
async fn old_rows_are_deleted_in_bounded_steps_and_the_newest_event_stays() {
    let (folder, refuses) = (TempFolder::new(), Arc::new(AtomicBool::new(false)));
    let runtime = start(&folder, &refuses, false).await;
    let (a, _) = things();
    let (producer, consumer) = (&runtime.databases["producer"], &runtime.databases["consumer"]);
    emit(producer, &[(a, 1), (a, 2), (a, 3), (a, 4)]).await;
    settle(&runtime).await;
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
    let (a, _) = things();
    let first = start(&folder, &refuses, false).await;
    emit(&first.databases["producer"], &[(a, 1), (a, 2)]).await;
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
