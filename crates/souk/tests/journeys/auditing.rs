//! The audit log separates what users did from what happened to them, across services.

use super::server::{Person, Server, run};
use contracts::{
    audit::{DomainEvent, LIST_AUDIT_EVENTS},
    auth::{LOCK_ACCOUNT, Role, SET_ROLES, SetRoles},
    body::BoundedVec,
    ids::UserId,
    page::Page,
    payment::PaymentMethod,
    user::GET_PROFILE,
};
use platform::db;
use souk::api_client::{ApiRequest, request};
use std::path::Path;

fn has(log: &Page<DomainEvent>, event_type: &str) -> bool {
    log.items.iter().any(|event| event.event_type == event_type)
}

fn events(parameter: &str, user: UserId) -> ApiRequest<(), Page<DomainEvent>> {
    request(&LIST_AUDIT_EVENTS).query("limit", 100).query(parameter, user)
}

#[tokio::test]
async fn the_audit_log_separates_what_a_user_did_from_what_happened_to_the_user() {
    let server = Server::start().await;
    let (admin, mara) = (server.admin().await, server.customer("mara").await);
    let id_of = async |person: &Person| person.must(request(&GET_PROFILE)).await.user_id;
    let (admin_id, mara_id) = (id_of(&admin).await, id_of(&mara).await);
    let product = server.product(&admin, "DESK-1", 9_900, 3).await;
    mara.add(product, 1).await;
    let order = mara.order(PaymentMethod::Ok, "k").await.order_id;
    let roles = SetRoles { roles: BoundedVec::new(vec![Role::Customer, Role::Admin]).unwrap() };
    admin.must(request(&SET_ROLES).path(mara_id).body(&roles)).await;
    admin.must(request(&LOCK_ACCOUNT).path(mara_id)).await;

    let done = ["CategoryChanged", "ProductCreated", "ProductActivated", "StockChanged", "RolesChanged", "UserLocked"];
    let log = admin.until(events("actorId", admin_id), "complete", |log| done.iter().all(|kind| has(log, kind))).await;
    assert!(log.items.iter().all(|event| event.actor_id == Some(admin_id)), "{log:#?}");
    assert!(!has(&log, "OrderCreated"));
    let log = admin.must(events("userId", admin_id)).await;
    assert!(!has(&log, "UserLocked"), "that happened to another user: {log:#?}");
    let log = admin.until(events("actorId", mara_id).query("orderId", order), "complete", |log| has(log, "OrderCreated")).await;
    assert!(!has(&log, "UserLocked"), "{log:#?}");
    server.stop_and_check().await;
}

/// Changes the stopped installation's audit log by statements.
async fn tamper(folder: &Path, statements: &'static [&'static str]) {
    let service = audit::service();
    let database = super::servers::open(folder, &service);
    let changed = database.write(async move |tx| {
        for sql in statements {
            tx.execute(sql, &[]).await?;
        }
        Ok::<_, db::Error>(())
    });
    changed.await.expect("it can be changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_were_removed_from_the_audit_log_are_noticed() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let product = server.product(&admin, "LOGGED-1", 1_000, 3).await;
    let mara = server.customer("mara").await;
    mara.add(product, 1).await;
    let order = mara.order(PaymentMethod::Ok, "k").await.order_id;
    admin.until(events("orderId", UserId(order.0)), "complete", |log| has(log, "OrderConfirmed")).await;

    // Both work beside the running platform.
    let folder = server.folder.path().to_owned();
    let (succeeded, head) = run(&folder, &["audit", "head"], "");
    assert!(succeeded, "{head}");
    let verify = |arguments: &[&str]| run(&folder, &[&["audit", "verify"], arguments].concat(), "");
    let (succeeded, output) = verify(&["--head", head.trim()]);
    assert!(succeeded && output.contains("intact"), "{output}");
    assert!(server.terminate().await);
    assert!(verify(&["--head", head.trim()]).0);

    let secret = folder.join("installation.secret");
    let kept = std::fs::read(&secret).expect("a secret");
    std::fs::remove_file(&secret).expect("it can be removed");
    for arguments in [&["doctor"][..], &["audit", "verify"], &["audit", "head"]] {
        let (succeeded, output) = run(&folder, arguments, "");
        assert!(!succeeded && output.contains("installation.secret is missing"), "{arguments:?}: {output}");
        assert!(!secret.exists(), "{arguments:?}");
    }
    std::fs::write(&secret, kept).expect("it can be written");

    tamper(&folder, &[
        "DELETE FROM events WHERE position > (SELECT MAX(position) - 2 FROM events)",
        "UPDATE chain_heads SET position = (SELECT MAX(position) FROM events), hash = (SELECT hash FROM events ORDER BY position DESC LIMIT 1)",
    ])
    .await;
    for arguments in [&["doctor"][..], &["audit", "verify"], &["audit", "verify", "--head", head.trim()]] {
        let (succeeded, output) = run(&folder, arguments, "");
        assert!(!succeeded && output.contains("entries were removed"), "{arguments:?}: {output}");
    }
    tamper(&folder, &["DELETE FROM events", "DELETE FROM chain_heads", "DELETE FROM subscriptions"]).await;
    for arguments in [&["doctor"][..], &["audit", "verify"], &["audit", "verify", "--head", head.trim()]] {
        let (succeeded, output) = run(&folder, arguments, "");
        assert!(!succeeded && output.contains("emptied"), "{arguments:?}: {output}");
    }
}
