//! The service through its entry points.

mod announcing;
mod chain;
mod erasing;
mod former;
mod queries;
mod recording;

use crate::{ChainKey, Head, Report, verify};
use contracts::{
    audit::DomainEvent,
    auth::{UserLocked, UserRegistered},
    event::Envelope,
    ids::{OrderId, UserId},
    money::Currency,
    page::Page,
    payment::PaymentVoided,
};
use platform::{
    db::{Error, Tx},
    master_key::MasterKey,
    testing::{Harness, TestRequest},
};
use serde_json::json;

#[test]
fn statements_prepare() {
    platform::testing::assert_statements_prepare(&crate::service(), env!("CARGO_MANIFEST_DIR"));
}

async fn log() -> Harness {
    Harness::of(crate::service()).start().await
}

fn get_events<'a>(log: &'a Harness, query: &str) -> TestRequest<'a> {
    log.get(&format!("/audit/events{query}")).admin()
}

async fn page(log: &Harness, query: &str) -> Page<DomainEvent> {
    get_events(log, query).send().await.expect(200).read()
}

async fn positions(log: &Harness, query: &str) -> Vec<i64> {
    page(log, query).await.items.into_iter().map(|event| event.position).collect()
}

fn registered(user_id: UserId) -> UserRegistered {
    UserRegistered { user_id, email: "mara@example.com".into(), name: "Mara".into(), roles: Vec::new() }
}

fn locked(user_id: UserId) -> UserLocked {
    UserLocked { user_id, locked_by: None }
}

/// The key of the chain in these tests: the harness gives every service this master key.
fn key() -> ChainKey {
    ChainKey::new(&MasterKey::new([7; 32]))
}

async fn report(log: &Harness) -> Report {
    verify(log.db(), &key(), None).await.unwrap()
}

/// Changes the log as an attacker would.
async fn tamper(log: &Harness, sql: &'static str) {
    let rows = log.db().write(async move |tx: &mut Tx| tx.execute(sql, &[]).await);
    assert!(rows.await.unwrap_or_else(|error: Error| panic!("{error}")) > 0, "{sql}");
}
