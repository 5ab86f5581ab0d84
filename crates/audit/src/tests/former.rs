//! A log of an earlier version, whose chain had no key, is chained anew once.

use super::*;
use crate::domain::{FORMER_START, chained};
use platform::params;

/// Makes the log one of the version before, as its migration leaves it.
async fn age(log: &Harness) -> Head {
    let aged = log.db().write(async |tx: &mut Tx| {
        let mut head = FORMER_START;
        for entry in crate::store::read_after(tx, 0, 10_000).await? {
            head = Head { position: entry.position, hash: chained(&head.hash, entry.position, &entry.envelope, entry.recorded_at) };
            let sql = "UPDATE events SET hash = $2, payload_digest = NULL WHERE position = $1";
            tx.execute(sql, params![entry.position, head.hash]).await?;
        }
        tx.execute("DELETE FROM chain_heads", &[]).await?;
        let sql = "INSERT INTO former_chains (chain, position, hash) VALUES ('events', $1, $2)";
        tx.execute(sql, params![head.position, head.hash]).await?;
        Ok(head)
    });
    aged.await.unwrap_or_else(|error: Error| panic!("{error}"))
}

async fn log_of(entries: usize) -> Harness {
    let log = log().await;
    for _ in 0..entries {
        log.deliver(locked(log.id())).await;
    }
    log
}

#[tokio::test]
async fn a_former_log_is_chained_anew_and_keeps_its_head() {
    let log = log_of(1_100).await;
    let former = age(&log).await;
    assert!(report(&log).await.faults[0].contains("souk migrate"), "it is not valid before");
    assert_eq!(crate::upgrade(log.db(), &key()).await.unwrap(), 1_100);
    assert_eq!(crate::upgrade(log.db(), &key()).await.unwrap(), 0);
    log.deliver(locked(log.id())).await;
    let found = verify(log.db(), &key(), Some(former)).await.unwrap();
    assert_eq!((found.checked, found.faults), (1_101, Vec::new()), "the former head is still known");
    assert!(found.notes[0].contains(&former.to_string()), "{:?}", found.notes);
    tamper(&log, "UPDATE former_chains SET position = 2").await;
    assert!(report(&log).await.faults[0].contains("position 1"), "the start covers the former head");
}

#[tokio::test]
async fn an_interrupted_run_is_continued() {
    let log = log_of(1_100).await;
    age(&log).await;
    crate::upgrade(log.db(), &key()).await.unwrap();
    let whole = report(&log).await;
    // As after a crash behind the first batch.
    age_after(&log, 500).await;
    assert!(report(&log).await.faults[0].contains("souk migrate"));
    assert_eq!(crate::upgrade(log.db(), &key()).await.unwrap(), 600);
    assert_eq!(report(&log).await, whole);
}

/// Puts the entries after `position` back into the former chain.
async fn age_after(log: &Harness, position: i64) {
    let aged = log.db().write(async move |tx: &mut Tx| {
        let entry = crate::store::read_after(tx, position - 1, 1).await?.remove(0);
        crate::store::save_head(tx, &key().tagged(entry.head())).await?;
        tx.execute("UPDATE events SET payload_digest = NULL WHERE position > $1", params![position]).await
    });
    assert!(aged.await.unwrap_or_else(|error: Error| panic!("{error}")) > 0);
}

#[tokio::test]
async fn a_break_of_the_former_chain_is_not_healed() {
    for (change, position) in [
        ("UPDATE events SET payload = replace(payload, 'null', '\"x\"') WHERE position = 3", 3),
        ("DELETE FROM events WHERE position = 3", 3),
        ("DELETE FROM events WHERE position = 5", 5),
        ("DELETE FROM former_chains", 6),
    ] {
        let log = log_of(5).await;
        age(&log).await;
        tamper(&log, change).await;
        crate::upgrade(log.db(), &key()).await.unwrap();
        let found = report(&log).await;
        assert!(found.faults[0].contains(&format!("already broken at position {position}")), "{change}: {:?}", found.faults);
        log.deliver(locked(log.id())).await;
        log.nothing_is_parked().await;
    }
}

#[tokio::test]
async fn forged_entries_do_not_join_the_chain_at_the_next_start() {
    let log = log_of(5).await;
    age(&log).await;
    crate::upgrade(log.db(), &key()).await.unwrap();
    age_after(&log, 3).await;
    tamper(&log, "UPDATE chain_heads SET tag = hash").await;
    assert_eq!(crate::upgrade(log.db(), &key()).await.unwrap(), 0);
    assert!(!report(&log).await.faults.is_empty());
}
