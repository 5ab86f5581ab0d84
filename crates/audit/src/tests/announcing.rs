//! The head is announced once a day.

use super::*;
use contracts::audit::AuditHeadRecorded;
use std::time::Duration;

#[tokio::test]
async fn the_head_is_announced_once_a_day_and_recorded_itself() {
    let log = log().await;
    log.settle().await;
    assert!(log.emitted().await.is_empty(), "an empty log has nothing to announce");
    log.deliver(registered(log.id())).await;
    let head = report(&log).await.head.unwrap();
    log.settle().await;
    log.advance(Duration::from_secs(23 * 3600));
    log.settle().await;
    let announced = log.emitted_of::<AuditHeadRecorded>().await;
    assert_eq!(announced.iter().map(|event| format!("{}:{}", event.position, event.hash)).collect::<Vec<_>>(), [head.to_string()]);
    log.advance(Duration::from_secs(2 * 3600));
    log.settle().await;
    assert_eq!(log.emitted_of::<AuditHeadRecorded>().await.len(), 2);
    assert_eq!(positions(&log, "?eventType=AuditHeadRecorded").await, [3, 2]);
    assert_eq!(report(&log).await.faults, [""; 0]);
}

#[tokio::test]
async fn a_log_without_an_entry_that_it_announced_is_noticed() {
    let log = log().await;
    for _ in 0..3 {
        log.deliver(locked(log.id())).await;
    }
    log.settle().await;
    for statement in ["DELETE FROM events", "DELETE FROM chain_heads"] {
        tamper(&log, statement).await;
    }
    // The next start begins a new log, which is valid by itself.
    crate::upgrade(log.db(), &key()).await.unwrap();
    let faults = async || report(&log).await.faults;
    assert!(faults().await[0].contains("the head announced at"), "{:?}", faults().await);
    for _ in 0..4 {
        log.deliver(locked(log.id())).await;
    }
    let found = faults().await;
    assert!(found.len() == 1 && found[0].contains("position 3 is another"), "{found:?}");
}
