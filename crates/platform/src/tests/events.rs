use super::*;
use crate::{inbox, outbox};
use std::time::Duration;

fn things() -> (OrderId, OrderId) {
    (OrderId(Uuid::from_u128(1)), OrderId(Uuid::from_u128(2)))
}

async fn set_aside(db: &Db) -> Vec<inbox::FailedEvent> {
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
    let (folder, deaf) = (TempFolder::new(), Arc::new(AtomicBool::new(false)));
    let runtime = start(&folder, &deaf, false).await;
    let (a, _) = things();
    let (speaker, listener) = (&runtime.databases["speaker"], &runtime.databases["listener"]);
    say(speaker, &[(a, 1), (a, 2), (a, 3)]).await;
    settle(&runtime).await;
    // Delivered again from the beginning: known events do nothing.
    inbox::set_position(listener, "speaker", 0).await.unwrap();
    say(speaker, &[(a, 4)]).await;
    settle(&runtime).await;
    assert_eq!(heard(listener).await, [1, 2, 3, 4]);
    let sequences: Vec<i64> = outbox::read_after(speaker, 0, 10).await.unwrap().iter().map(|event| event.envelope.sequence).collect();
    assert_eq!(sequences, [1, 2, 3, 4]);
}

#[tokio::test]
async fn what_follows_from_an_event_is_of_the_same_request_and_person() {
    let (folder, deaf) = (TempFolder::new(), Arc::new(AtomicBool::new(false)));
    let runtime = start(&folder, &deaf, false).await;
    let (a, _) = things();
    let (speaker, listener) = (&runtime.databases["speaker"], &runtime.databases["listener"]);
    let mara = UserId(Uuid::from_u128(7));
    let request = Context { actor_id: Some(mara), ..Context::new("c-1") };
    request.scope(say(speaker, &[(a, 1)])).await;
    say(speaker, &[(a, 2)]).await;
    let repeat = async |tx: &mut crate::db::Tx, said: inbox::Received<Said>| {
        tx.emit(Said { thing: said.thing, number: said.number });
        Ok::<_, Error>(())
    };
    let consumers = inbox::Consumers::new().on::<Said, _, _>(repeat);
    let said = outbox::read_after(speaker, 0, 10).await.unwrap();
    assert_eq!(inbox::consume(listener, &consumers, "speaker", 0, said).await.unwrap(), inbox::Outcome::Consumed);
    for db in [speaker, listener] {
        let told = outbox::read_after(db, 0, 10).await.unwrap();
        let whose: Vec<_> = told.iter().map(|told| (&*told.envelope.correlation_id, told.envelope.actor_id)).collect();
        assert_eq!(whose, [("c-1", Some(mara)), ("none", None)]);
    }
}

#[tokio::test]
async fn a_unit_that_fails_tells_nobody() {
    let (folder, deaf) = (TempFolder::new(), Arc::new(AtomicBool::new(false)));
    let runtime = start(&folder, &deaf, false).await;
    let (a, _) = things();
    let refused = runtime.databases["speaker"]
        .write(async move |tx| {
            tx.emit(Said { thing: a, number: 1 });
            Err::<(), _>(Error::Failed("on purpose".into()))
        })
        .await;
    assert!(refused.is_err());
    settle(&runtime).await;
    assert!(heard(&runtime.databases["listener"]).await.is_empty());
}

#[tokio::test]
async fn a_refused_event_delays_its_own_aggregate_only_and_keeps_its_order() {
    let (folder, deaf) = (TempFolder::new(), Arc::new(AtomicBool::new(true)));
    let runtime = start(&folder, &deaf, false).await;
    let (a, b) = things();
    let listener = &runtime.databases["listener"];
    say(&runtime.databases["speaker"], &[(a, 12), (a, 13), (b, 1), (a, 14), (b, 2)]).await;
    settle(&runtime).await;
    assert_eq!(heard(listener).await, [12, 1, 2]);
    let aside = set_aside(listener).await;
    assert_eq!(
        aside.iter().map(|event| event.status).collect::<Vec<_>>(),
        [inbox::FailedEventStatus::Retrying, inbox::FailedEventStatus::Blocked]
    );
    assert_eq!(aside[0].error, "will not hear 13");

    deaf.store(false, Ordering::SeqCst);
    settle(&runtime).await;
    assert_eq!(heard(listener).await, [12, 1, 2], "its pause is not over");
    listener.env().advance(Duration::from_secs(2));
    settle(&runtime).await;
    assert_eq!(heard(listener).await, [12, 1, 2, 13, 14]);
    assert!(set_aside(listener).await.is_empty());
}

#[tokio::test]
async fn a_poison_event_is_parked_after_its_attempts_and_can_be_replayed() {
    let (folder, deaf) = (TempFolder::new(), Arc::new(AtomicBool::new(true)));
    let runtime = start(&folder, &deaf, false).await;
    let (a, _) = things();
    let listener = &runtime.databases["listener"];
    say(&runtime.databases["speaker"], &[(a, 13)]).await;
    for _ in 0..inbox::ATTEMPTS + 2 {
        settle(&runtime).await;
        listener.env().advance(Duration::from_secs(61));
    }
    let parked = set_aside(listener).await.remove(0);
    assert_eq!((parked.status, parked.attempts), (inbox::FailedEventStatus::Parked, inbox::ATTEMPTS));
    deaf.store(false, Ordering::SeqCst);
    settle(&runtime).await;
    assert!(heard(listener).await.is_empty(), "a parked event waits for an admin");
    assert!(inbox::replay(listener, parked.event.event_id).await.unwrap());
    settle(&runtime).await;
    assert_eq!(heard(listener).await, [13]);
}

#[tokio::test]
async fn a_panicking_consumer_has_failed_like_any_other_and_the_batch_goes_on() {
    let (folder, deaf) = (TempFolder::new(), Arc::new(AtomicBool::new(false)));
    let runtime = start(&folder, &deaf, false).await;
    let (a, b) = things();
    say(&runtime.databases["speaker"], &[(b, 1), (a, 666), (b, 2)]).await;
    settle(&runtime).await;
    let listener = &runtime.databases["listener"];
    assert_eq!(heard(listener).await, [1, 2]);
    assert_eq!((set_aside(listener).await[0].status, set_aside(listener).await[0].attempts), (inbox::FailedEventStatus::Retrying, 1));
    for _ in 0..inbox::ATTEMPTS {
        listener.env().advance(Duration::from_secs(90));
        settle(&runtime).await;
    }
    let parked = set_aside(listener).await.remove(0);
    assert_eq!(
        (parked.status, parked.attempts, parked.error.as_str()),
        (inbox::FailedEventStatus::Parked, inbox::ATTEMPTS, "the consumer panicked")
    );
}

#[tokio::test]
async fn a_position_that_is_moved_for_a_replay_stays_moved() {
    let (folder, deaf) = (TempFolder::new(), Arc::new(AtomicBool::new(false)));
    let runtime = start(&folder, &deaf, false).await;
    let (a, _) = things();
    let (speaker, listener) = (&runtime.databases["speaker"], &runtime.databases["listener"]);
    say(speaker, &[(a, 1), (a, 2)]).await;
    settle(&runtime).await;
    say(speaker, &[(a, 3)]).await;
    // The position is moved back after the bus read its batch.
    let from = inbox::position(listener, "speaker").await.unwrap();
    let batch = outbox::read_after(speaker, from, 10).await.unwrap();
    inbox::set_position(listener, "speaker", 0).await.unwrap();
    let outcome = inbox::consume(listener, &runtime.consumers["listener"], "speaker", from, batch).await.unwrap();
    assert_eq!(outcome, inbox::Outcome::PositionMoved);
    assert_eq!(inbox::position(listener, "speaker").await.unwrap(), 0);
    assert_eq!(heard(listener).await, [1, 2]);
    settle(&runtime).await;
    assert_eq!(heard(listener).await, [1, 2, 3]);
    assert_eq!(inbox::position(listener, "speaker").await.unwrap(), 3);
}

#[tokio::test]
async fn a_delivery_whose_position_never_advances_ends_with_an_error() {
    let (folder, deaf) = (TempFolder::new(), Arc::new(AtomicBool::new(false)));
    let runtime = start(&folder, &deaf, false).await;
    let (a, _) = things();
    let (speaker, listener) = (&runtime.databases["speaker"], &runtime.databases["listener"]);
    let stuck = "CREATE TRIGGER stuck BEFORE INSERT ON subscriptions BEGIN SELECT RAISE(IGNORE); END";
    listener.write(async move |tx| tx.execute(stuck, &[]).await).await.unwrap();
    say(speaker, &[(a, 1)]).await;
    let error = runtime.turn().await.unwrap_err().to_string();
    assert!(error.contains("the position of listener in the outbox of speaker does not advance"), "{error}");
    assert!(heard(listener).await.is_empty(), "nothing is consumed without its position");
}

#[tokio::test]
async fn rows_of_the_former_status_are_read_as_blocked() {
    let (folder, deaf) = (TempFolder::new(), Arc::new(AtomicBool::new(true)));
    let runtime = start(&folder, &deaf, false).await;
    let (a, _) = things();
    let listener = &runtime.databases["listener"];
    say(&runtime.databases["speaker"], &[(a, 13), (a, 14)]).await;
    settle(&runtime).await;
    let former = "UPDATE parked_events SET status = 'WAITING' WHERE status = 'BLOCKED'";
    assert_eq!(listener.write(async move |tx| tx.execute(former, &[]).await).await.unwrap(), 1);
    let migration = include_str!("../../migrations/platform_0003_blocked.sql");
    listener.write(async move |tx| tx.execute(migration, &[]).await).await.unwrap();
    deaf.store(false, Ordering::SeqCst);
    listener.env().advance(Duration::from_secs(2));
    settle(&runtime).await;
    assert_eq!(heard(listener).await, [13, 14]);
}

#[tokio::test]
async fn an_event_that_nobody_consumes_any_more_is_parked_and_holds_up_no_other() {
    let (folder, deaf) = (TempFolder::new(), Arc::new(AtomicBool::new(true)));
    let runtime = start(&folder, &deaf, false).await;
    let (a, b) = things();
    let listener = &runtime.databases["listener"];
    say(&runtime.databases["speaker"], &[(a, 13), (b, 1)]).await;
    settle(&runtime).await;
    // As an older program finds it that does not know the type.
    let known = set_aside(listener).await.remove(0);
    let unknown = contracts::event::Envelope { event_type: "Whispered".into(), ..known.event };
    listener
        .write(async move |tx| {
            tx.execute("UPDATE parked_events SET envelope = $1", params![contracts::column::Json(unknown.clone())]).await.map(|_| ())
        })
        .await
        .unwrap();
    for _ in 0..inbox::ATTEMPTS {
        listener.env().advance(Duration::from_secs(90));
        settle(&runtime).await;
    }
    let parked = set_aside(listener).await.remove(0);
    assert_eq!((parked.status, parked.attempts), (inbox::FailedEventStatus::Parked, inbox::ATTEMPTS));
    let [retrying, waiting, parked] = inbox::count_failed_events(listener).await.unwrap().map(|(_, count)| count);
    assert_eq!((retrying, waiting, parked), (0, 0, 1));
}

#[tokio::test]
async fn old_rows_are_dropped_in_bounded_steps_and_the_newest_event_stays() {
    let (folder, deaf) = (TempFolder::new(), Arc::new(AtomicBool::new(false)));
    let runtime = start(&folder, &deaf, false).await;
    let (a, _) = things();
    let (speaker, listener) = (&runtime.databases["speaker"], &runtime.databases["listener"]);
    say(speaker, &[(a, 1), (a, 2), (a, 3), (a, 4)]).await;
    settle(&runtime).await;
    let later = speaker.now().after(Duration::from_secs(1));
    assert_eq!(outbox::purge(speaker, speaker.now(), 4, 10).await.unwrap(), 0, "none is old");
    assert_eq!(outbox::purge(speaker, later, 4, 2).await.unwrap(), 2);
    assert_eq!(outbox::purge(speaker, later, 3, 2).await.unwrap(), 1, "not the newest");
    assert_eq!(outbox::purge(speaker, later, 9, 2).await.unwrap(), 0);
    assert_eq!(inbox::purge(listener, later, 3).await.unwrap(), 3);
    assert_eq!(inbox::purge(listener, later, 3).await.unwrap(), 1);
}

#[tokio::test]
async fn what_was_committed_before_a_restart_arrives_after_it() {
    let (folder, deaf) = (TempFolder::new(), Arc::new(AtomicBool::new(false)));
    let (a, _) = things();
    let first = start(&folder, &deaf, false).await;
    say(&first.databases["speaker"], &[(a, 1), (a, 2)]).await;
    drop(first);
    let second = start(&folder, &deaf, true).await;
    let listener = second.databases["listener"].clone();
    let arrived = async {
        while heard(&listener).await.len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), arrived).await.expect("both arrive");
    assert_eq!(heard(&listener).await, [1, 2]);
    second.stop().await;
}
