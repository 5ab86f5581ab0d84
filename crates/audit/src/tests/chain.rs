//! Tampering with the log is noticed.

use super::*;
use contracts::audit::ChainReport;

async fn report(log: &Harness) -> ChainReport {
    crate::verify(log.db()).await.unwrap()
}

/// Returns a log of five entries.
async fn five() -> Harness {
    let log = log().await;
    for _ in 0..5 {
        let envelope = log.envelope(&registered(log.id()));
        log.deliver_envelope(Envelope { actor_id: Some(log.id()), ..envelope }).await;
    }
    log
}

#[tokio::test]
async fn an_untouched_log_verifies_to_its_last_hash() {
    let log = log().await;
    assert_eq!(report(&log).await, ChainReport { checked: 0, intact: true, broken_at: None, head: None });
    for _ in 0..1_100 {
        log.deliver(locked(log.id())).await;
    }
    let newest = page(&log, "?limit=1").await.items.remove(0);
    assert_eq!(report(&log).await, ChainReport { checked: 1_100, intact: true, broken_at: None, head: Some(newest.hash) });
}

#[tokio::test]
async fn a_changed_column_is_found_at_its_row() {
    for change in [
        "UPDATE events SET event_type = 'UserLocked' WHERE position = 3",
        "UPDATE events SET aggregate_type = 'USER' WHERE position = 3",
        "UPDATE events SET aggregate_id = event_id WHERE position = 3",
        "UPDATE events SET event_id = user_id WHERE position = 3",
        "UPDATE events SET sequence = 2 WHERE position = 3",
        "UPDATE events SET payload = replace(payload, 'Mara', 'Lara') WHERE position = 3",
        "UPDATE events SET payload = 'no JSON' WHERE position = 3",
        "UPDATE events SET correlation_id = 'other' WHERE position = 3",
        "UPDATE events SET causation_id = event_id WHERE position = 3",
        "UPDATE events SET actor_id = NULL WHERE position = 3",
        "UPDATE events SET actor_id = user_id WHERE position = 3",
        "UPDATE events SET producer = 'order' WHERE position = 3",
        "UPDATE events SET schema_version = 2 WHERE position = 3",
        "UPDATE events SET occurred_at = occurred_at + 1 WHERE position = 3",
        "UPDATE events SET recorded_at = recorded_at - 1 WHERE position = 3",
        "UPDATE events SET hash = (SELECT hash FROM events WHERE position = 2) WHERE position = 3",
        "UPDATE events SET user_id = NULL WHERE position = 3",
        "UPDATE events SET order_id = user_id WHERE position = 3",
        "DELETE FROM events WHERE position = 3",
        "UPDATE events SET position = 30 WHERE position = 3",
    ] {
        let log = five().await;
        tamper(&log, change).await;
        let report = report(&log).await;
        assert_eq!((report.intact, report.broken_at), (false, Some(3)), "{change}");
        assert_eq!(report.checked, 3, "{change}");
    }
}

#[tokio::test]
async fn rows_removed_at_either_end_are_noticed() {
    let log = five().await;
    tamper(&log, "DELETE FROM events WHERE position >= 4").await;
    let found = report(&log).await;
    assert_eq!((found.checked, found.intact, found.broken_at), (3, false, Some(4)));
    tamper(&log, "DELETE FROM events").await;
    assert_eq!(report(&log).await.broken_at, Some(1));
    let log = five().await;
    tamper(&log, "DELETE FROM events WHERE position = 1").await;
    assert_eq!(report(&log).await.broken_at, Some(1));
    let log = five().await;
    tamper(&log, "DELETE FROM chain_heads").await;
    assert_eq!(report(&log).await.broken_at, Some(6), "the end is not where it must be");
}

#[tokio::test]
async fn later_entries_do_not_hide_a_break() {
    let log = five().await;
    tamper(&log, "UPDATE events SET payload = '{' WHERE position = 2").await;
    log.deliver(locked(log.id())).await;
    assert_eq!(report(&log).await.broken_at, Some(2));
    let shown = page(&log, "").await.items;
    assert_eq!((shown.len(), &shown[4].payload), (6, &serde_json::Value::Null), "the rest can still be read");
}
