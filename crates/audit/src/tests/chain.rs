//! Tampering with the log is noticed.

use super::*;

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
    let start = key().start(None);
    assert_eq!(report(&log).await, Report { head: Some(start), ..Report::default() });
    for _ in 0..1_100 {
        log.deliver(locked(log.id())).await;
    }
    let newest = page(&log, "?limit=1").await.items.remove(0);
    let head: Head = format!("1100:{}", newest.hash).parse().unwrap();
    assert_eq!(report(&log).await, Report { checked: 1_100, head: Some(head), ..Report::default() });
    assert_eq!(crate::head(log.db(), &key()).await.unwrap(), Ok(head));
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
        "UPDATE events SET payload = payload || ' ' WHERE position = 3",
        "UPDATE events SET payload = 'no JSON' WHERE position = 3",
        "UPDATE events SET correlation_id = 'other' WHERE position = 3",
        "UPDATE events SET causation_id = event_id WHERE position = 3",
        "UPDATE events SET actor_id = NULL WHERE position = 3",
        "UPDATE events SET actor_id = user_id WHERE position = 3",
        "UPDATE events SET producer = 'order' WHERE position = 3",
        "UPDATE events SET schema_version = 2 WHERE position = 3",
        "UPDATE events SET occurred_at = occurred_at + 1 WHERE position = 3",
        "UPDATE events SET recorded_at = recorded_at - 1 WHERE position = 3",
        "UPDATE events SET payload_digest = (SELECT payload_digest FROM events WHERE position = 2) WHERE position = 3",
        "UPDATE events SET payload_digest = NULL WHERE position = 3",
        "UPDATE events SET hash = (SELECT hash FROM events WHERE position = 2) WHERE position = 3",
        "UPDATE events SET user_id = NULL WHERE position = 3",
        "UPDATE events SET order_id = user_id WHERE position = 3",
        "DELETE FROM events WHERE position = 3",
        "UPDATE events SET position = 30 WHERE position = 3",
    ] {
        let log = five().await;
        tamper(&log, change).await;
        let report = report(&log).await;
        assert_eq!(report.checked, 3, "{change}");
        assert!(report.faults.len() == 1 && report.faults[0].contains("position 3"), "{change}: {:?}", report.faults);
    }
}

#[tokio::test]
async fn rows_removed_at_either_end_are_noticed() {
    for changes in [
        &["DELETE FROM events WHERE position >= 4"][..],
        &["DELETE FROM events"],
        &["DELETE FROM events WHERE position = 1"],
        &["DELETE FROM chain_heads"],
        &["DELETE FROM events WHERE position >= 4", "DELETE FROM chain_heads"],
        // The head is moved back with the rows.
        &["DELETE FROM events WHERE position = 5", HEAD_TO_THE_LAST_ROW],
        &["DELETE FROM events WHERE position >= 4", HEAD_TO_THE_LAST_ROW],
        &["UPDATE chain_heads SET tag = hash"],
        &["UPDATE chain_heads SET position = 6"],
    ] {
        let log = five().await;
        for change in changes {
            tamper(&log, change).await;
        }
        assert_eq!(report(&log).await.faults.len(), 1, "{changes:?}");
        // The log goes on and stays marked.
        log.deliver(locked(log.id())).await;
        assert_eq!(report(&log).await.faults.len(), 1, "{changes:?}");
        log.nothing_is_parked().await;
    }
}

const HEAD_TO_THE_LAST_ROW: &str = "UPDATE chain_heads SET position = (SELECT MAX(position) FROM events), \
     hash = (SELECT hash FROM events ORDER BY position DESC LIMIT 1)";

#[tokio::test]
async fn a_head_that_was_noted_reveals_an_emptied_log_and_an_older_copy() {
    let log = five().await;
    let noted = report(&log).await.head.unwrap();
    let faults = async |head: Head| verify(log.db(), &key(), Some(head)).await.unwrap().faults;
    assert_eq!(faults(noted).await, [""; 0]);
    assert_eq!(faults(key().start(None)).await, [""; 0], "the head of the empty log");
    assert_eq!(faults(Head { hash: [1; 32], ..noted }).await.len(), 1);
    assert_eq!(faults(Head { position: 3, ..noted }).await.len(), 1);
    assert_eq!(faults(Head { position: 6, ..noted }).await.len(), 1);
    // A whole older copy has a right tag.
    tamper(&log, "DELETE FROM events WHERE position >= 3").await;
    let older: Head = page(&log, "?limit=1").await.items.first().map(|event| format!("2:{}", event.hash).parse().unwrap()).unwrap();
    let tag = key().tag(older);
    let changed = log.db().write(async move |tx: &mut Tx| {
        let sql = "UPDATE chain_heads SET position = 2, hash = $1, tag = $2";
        tx.execute(sql, platform::params![older.hash, tag]).await
    });
    assert_eq!(changed.await.unwrap_or_else(|error: Error| panic!("{error}")), 1);
    assert_eq!(report(&log).await.faults, [""; 0]);
    assert_eq!(faults(noted).await.len(), 1);
    for table in ["DELETE FROM events", "DELETE FROM chain_heads"] {
        tamper(&log, table).await;
    }
    assert_eq!(faults(noted).await.len(), 2, "the head is missing, too");
}

#[tokio::test]
async fn another_secret_is_named_as_the_likely_cause() {
    let log = five().await;
    let other = ChainKey::new(&MasterKey::new([8; 32]));
    let found = verify(log.db(), &other, None).await.unwrap();
    assert!(found.checked == 1 && found.faults.len() == 1 && found.faults[0].contains("installation.secret"), "{found:?}");
    assert!(crate::head(log.db(), &other).await.unwrap().is_err());
}

#[tokio::test]
async fn fewer_entries_than_a_producer_announced_are_noticed() {
    let log = log().await;
    // In these tests the log's own database serves as that of a producer: its aggregates and its outbox.
    for sequence in [3_i64, 2] {
        let insert = async move |tx: &mut Tx| {
            let aggregate: contracts::ids::Uuid = tx.new_id();
            let sql = "INSERT INTO aggregates (aggregate_id, sequence) VALUES ($1, $2)";
            tx.execute(sql, platform::params![aggregate, sequence]).await
        };
        log.db().write(insert).await.unwrap_or_else(|error: Error| panic!("{error}"));
    }
    let compared = async || crate::compare_counts(log.db(), [log.db()]).await.unwrap();
    let announced = async |count: i64| {
        for _ in 0..count {
            let envelope = Envelope { producer: "audit".into(), ..log.envelope(&locked(log.id())) };
            log.deliver_envelope(envelope).await;
        }
    };
    announced(4).await;
    assert_eq!(compared().await.0.len(), 1, "four of five");
    announced(1).await;
    assert_eq!(compared().await, (Vec::new(), Vec::new()));
    tamper(&log, "UPDATE aggregates SET sequence = 1").await;
    let (faults, notes) = compared().await;
    assert!(faults.is_empty() && notes.len() == 1, "a producer that was restored knows less: {notes:?}");
}

#[tokio::test]
async fn later_entries_do_not_hide_a_break() {
    let log = five().await;
    tamper(&log, "UPDATE events SET payload = '{' WHERE position = 2").await;
    log.deliver(locked(log.id())).await;
    assert!(report(&log).await.faults[0].contains("position 2"));
    let shown = page(&log, "").await.items;
    assert_eq!((shown.len(), &shown[4].payload), (6, &serde_json::Value::Null), "the rest can still be read");
}
