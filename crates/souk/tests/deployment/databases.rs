//! Failures of PostgreSQL.

use crate::{
    installation::{Installation, until},
    shopping::Shopping,
};
use contracts::ids::{EventId, UserId};
use platform::env::Env;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs SOUK_TEST_DEPLOY"]
async fn a_restart_of_postgresql_costs_time_only() {
    let installation = Installation::enter().await;
    let shopping = Shopping::begin(&installation, &installation.api).await;
    installation.local_meanwhile(&["restart", "postgres"]).await;
    shopping.until_more(8).await;
    shopping.end(&installation).await;
}

/// The transaction writes an event of an aggregate of its own, which only the audit log reads, and commits long after events that were written later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs SOUK_TEST_DEPLOY"]
async fn a_transaction_that_stays_open_in_an_outbox_delays_only_its_own_event() {
    let installation = Installation::enter().await;
    let shopping = Shopping::begin(&installation, &installation.api).await;
    let env = Env::system();
    let (aggregate, event) = (env.new_id::<UserId>(), env.new_id::<EventId>());
    let newest = || installation.sql("notification", "SELECT COALESCE(MAX(position), 0) FROM outbox").parse::<i64>().expect("a number");
    let written = format!(
        "BEGIN; INSERT INTO aggregates (aggregate_id, sequence) VALUES ('{aggregate}', 1); \
         INSERT INTO outbox (event_id, event_type, aggregate_type, aggregate_id, sequence, payload, correlation_id, schema_version, occurred_at) \
         SELECT '{event}', event_type, aggregate_type, '{aggregate}', 1, replace(payload, aggregate_id::text, '{aggregate}'), 'deployment', \
         schema_version, occurred_at FROM outbox WHERE event_type = 'NotificationSent' ORDER BY inserted DESC LIMIT 1;"
    );
    let before = newest();
    let mut session = installation.session("notification");
    session.send(&written);
    session.send("SELECT 'written';");
    session.until_answered("written");
    // Others write into the same outbox meanwhile, and their events are numbered and published.
    until("later events have numbers", async || newest() > before).await;
    shopping.until_more(4).await;
    let position = format!("SELECT COALESCE(MAX(position), 0) FROM outbox WHERE event_id = '{event}'");
    assert_eq!(installation.sql("notification", &position), "0", "it is not committed");
    let others = newest();
    session.send("COMMIT;");
    until("the late event has a number", async || installation.sql("notification", &position) != "0").await;
    let late: i64 = installation.sql("notification", &position).parse().expect("a number");
    assert!(late > others, "a row that becomes visible late gets a later number: {late} after {others}");
    let logged = format!("SELECT COUNT(*) FROM inbox WHERE event_id = '{event}'");
    until("the audit log has the late event", async || installation.sql("audit", &logged) == "1").await;
    drop(session);
    shopping.end(&installation).await;
}
