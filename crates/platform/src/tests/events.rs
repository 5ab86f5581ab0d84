use super::*;
use crate::{inbox, outbox};
use std::time::Duration;

fn things() -> (OrderId, OrderId) {
    (OrderId(Uuid::from_u128(1)), OrderId(Uuid::from_u128(2)))
}

async fn settle(runtime: &Runtime) {
    while runtime.turn().await.expect("a turn") > 0 {}
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
    let aside = inbox::list_parked(listener).await.unwrap();
    assert_eq!(aside.iter().map(|event| event.status).collect::<Vec<_>>(), [inbox::Aside::Retrying, inbox::Aside::Waiting]);
    assert_eq!(aside[0].error, "will not hear 13");

    deaf.store(false, Ordering::SeqCst);
    settle(&runtime).await;
    assert_eq!(heard(listener).await, [12, 1, 2], "its pause is not over");
    listener.env().advance(Duration::from_secs(2));
    settle(&runtime).await;
    assert_eq!(heard(listener).await, [12, 1, 2, 13, 14]);
    assert!(inbox::list_parked(listener).await.unwrap().is_empty());
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
    let parked = inbox::list_parked(listener).await.unwrap().remove(0);
    assert_eq!((parked.status, parked.attempts), (inbox::Aside::Parked, inbox::ATTEMPTS));
    deaf.store(false, Ordering::SeqCst);
    settle(&runtime).await;
    assert!(heard(listener).await.is_empty(), "a parked event waits for an admin");
    assert!(inbox::replay(listener, parked.event.event_id).await.unwrap());
    settle(&runtime).await;
    assert_eq!(heard(listener).await, [13]);
}

#[tokio::test]
async fn a_panicking_consumer_parks_the_event_and_the_batch_goes_on() {
    let (folder, deaf) = (TempFolder::new(), Arc::new(AtomicBool::new(false)));
    let runtime = start(&folder, &deaf, false).await;
    let (a, b) = things();
    say(&runtime.databases["speaker"], &[(b, 1), (a, 666), (b, 2)]).await;
    settle(&runtime).await;
    let listener = &runtime.databases["listener"];
    assert_eq!(heard(listener).await, [1, 2]);
    assert_eq!(inbox::list_parked(listener).await.unwrap()[0].status, inbox::Aside::Parked);
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
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while heard(&listener).await.len() < 2 && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(heard(&listener).await, [1, 2]);
    second.stop().await;
}
