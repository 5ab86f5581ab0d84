//! The audit log separates what users did from what happened to them, across services.

use super::server::{Person, Server};
use contracts::{
    audit::{DomainEvent, LIST_EVENTS},
    auth::{LOCK_ACCOUNT, Role, SET_ROLES, SetRoles},
    body::BoundedVec,
    ids::UserId,
    page::Page,
    payment::PaymentMethod,
    user::GET_PROFILE,
};
use souk::api_client::{ApiRequest, request};

fn has(log: &Page<DomainEvent>, event_type: &str) -> bool {
    log.items.iter().any(|event| event.event_type == event_type)
}

fn events(parameter: &str, user: UserId) -> ApiRequest<(), Page<DomainEvent>> {
    request(&LIST_EVENTS).query("limit", 100).query(parameter, user)
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
    let roles = SetRoles { roles: BoundedVec::new(vec![Role::Customer, Role::Seller]).unwrap() };
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
