use super::*;
use crate::{
    db::Tx,
    inbox::{Consumers, Received},
    service::Parts,
    worker::{Next, Worker},
};
use contracts::ids::{OrderId, Uuid};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// An event that the service emits and consumes.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Counted {
    id: OrderId,
    /// How many more events it causes; one below 0 is refused.
    more: i64,
}

impl Event for Counted {
    const TYPE: &'static str = "Counted";
    const AGGREGATE: &'static str = "COUNTER";
    const PRODUCER: &'static str = "counter";
    const VERSION: u32 = 1;
    fn aggregate_id(&self) -> Uuid {
        self.id.into()
    }
}

/// A service that counts, and whose worker fails while `fails` is set.
async fn start(fails: bool) -> Harness {
    let service = Service::new("counter", &[], move |ctx| async move {
        let consumers = Consumers::new().on::<Counted, _, _>(async |tx: &mut Tx, event: Received<Counted>| {
            if event.more < 0 {
                return Err(crate::db::Error::Failed("it is below 0".into()));
            }
            if event.more > 0 {
                tx.emit(Counted { id: event.id, more: event.more - 1 });
            }
            Ok(())
        });
        let turn = move |_| async move { if fails { Err("on purpose") } else { Ok(Next::Idle) } };
        let workers = vec![Worker::new("failing", Duration::from_secs(1), ctx.db.clone(), turn)];
        Ok(Parts { router: Router::new(), operations: Vec::new(), consumers, workers })
    });
    Harness::of(service).start().await
}

async fn emit(harness: &Harness, more: i64) {
    let id = harness.id();
    harness
        .db()
        .write(async move |tx| {
            tx.emit(Counted { id, more });
            Ok::<_, crate::db::Error>(())
        })
        .await
        .unwrap();
}

/// Drops the harness. The text of the failure, empty when there is none.
fn failure_of_drop(harness: Harness) -> String {
    let failure = catch_unwind(AssertUnwindSafe(|| drop(harness))).err();
    failure.map(|text| *text.downcast::<String>().expect("a panic with a text")).unwrap_or_default()
}

#[tokio::test]
async fn a_harness_whose_test_left_nothing_behind_is_dropped_in_silence() {
    let harness = start(false).await;
    emit(&harness, 3).await;
    harness.settle().await;
    assert_eq!(failure_of_drop(harness), "");
}

#[tokio::test]
async fn events_that_failed_or_are_undelivered_fail_the_test() {
    let harness = start(false).await;
    emit(&harness, -1).await;
    assert!(failure_of_drop(harness).contains("1 events that the service consumes from itself are not delivered"));

    let harness = start(false).await;
    emit(&harness, -1).await;
    harness.settle().await;
    assert!(failure_of_drop(harness).contains("an event failed: RETRYING Counted: the database failed: it is below 0"));

    let harness = start(false).await;
    harness.expect_failed_events();
    emit(&harness, -1).await;
    harness.settle().await;
    assert_eq!(failure_of_drop(harness), "");
}

#[tokio::test]
async fn failures_of_workers_fail_the_test() {
    let harness = start(true).await;
    assert!(harness.runtime.turn().await.is_err());
    assert!(failure_of_drop(harness).contains("a worker failed: failing: on purpose"));

    let harness = start(true).await;
    harness.expect_worker_failures();
    harness.settle().await;
    assert_eq!(failure_of_drop(harness), "");
}

#[tokio::test]
async fn a_declared_failure_that_did_not_happen_fails_the_test() {
    let harness = start(false).await;
    harness.expect_failed_events();
    harness.expect_worker_failures();
    let failure = failure_of_drop(harness);
    assert!(failure.contains("failed events were expected") && failure.contains("failures of workers were expected"), "{failure}");
}

#[tokio::test]
async fn a_killed_process_leaves_anything_behind_and_is_resumed() {
    let harness = start(false).await;
    emit(&harness, 1).await;
    let killed = harness.kill();
    let service = Service::new("counter", &[], |_| async {
        Ok(Parts { router: Router::new(), operations: Vec::new(), consumers: Consumers::new(), workers: Vec::new() })
    });
    let harness = Harness::of(service).resume(killed).await;
    assert_eq!(harness.emitted_of::<Counted>().await.len(), 1);
}

#[tokio::test]
async fn pauses_take_no_time_when_they_are_skipped() {
    let harness = start(false).await;
    let (env, began) = (harness.env.clone(), harness.env.now());
    let work = async {
        for _ in 0..3 {
            env.sleep(Duration::from_secs(60)).await;
        }
    };
    harness.skip_sleeps(work).await;
    assert_eq!(harness.env.now().since(began), Duration::from_secs(180));
}
