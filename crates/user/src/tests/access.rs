//! Access to every route.

use super::{add_street, start, street};
use axum::http::Method;
use contracts::ids::UserId;
use serde_json::json;

#[tokio::test]
async fn every_route_refuses_anonymous_callers() {
    let h = start().await;
    let own: Vec<_> = h.runtime.operations.iter().filter(|(_, operation)| operation.tag == "user").collect();
    assert!(own.len() >= 13, "{} operations", own.len());
    for (_, operation) in own {
        let path = operation.path.replace("{userId}", &h.id::<UserId>().to_string()).replace("{addressId}", &h.id::<UserId>().to_string());
        let request = h.request(operation.method.clone(), &path).json(&json!({}));
        request.send().await.expect_problem(401, "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn a_wrong_role_is_forbidden() {
    let h = start().await;
    let user: UserId = h.id();
    for path in ["/users".to_owned(), format!("/users/{user}")] {
        h.get(&path).customer(user).send().await.expect_problem(403, "FORBIDDEN");
        h.get(&path).seller(user).send().await.expect_problem(403, "FORBIDDEN");
        h.get(&path).service("order").send().await.expect_problem(403, "FORBIDDEN");
    }
    h.get("/users/me").service("order").send().await.expect_problem(403, "FORBIDDEN");
    let ensure = json!({"email": "a@example.com", "name": "A", "roles": ["CUSTOMER"]});
    let (internal, address) = (format!("/internal/users/{user}"), format!("/internal/users/{user}/addresses/{user}"));
    h.put(&internal, &ensure).service("order").send().await.expect_problem(403, "FORBIDDEN");
    h.put(&internal, &ensure).admin().send().await.expect_problem(403, "FORBIDDEN");
    h.get(&address).service("auth").send().await.expect_problem(403, "FORBIDDEN");
    h.get(&format!("{internal}/contact")).service("order").send().await.expect_problem(403, "FORBIDDEN");
    h.get(&format!("{internal}/contact")).service("notification").send().await.expect_problem(404, "NOT_FOUND");
    h.get(&address).customer(user).send().await.expect_problem(403, "FORBIDDEN");
}

#[tokio::test]
async fn anothers_address_is_not_found() {
    let h = start().await;
    let (owner, stranger): (UserId, UserId) = (h.id(), h.id());
    let id = add_street(&h, owner, "a").await;
    add_street(&h, stranger, "b").await;
    let path = format!("/users/me/addresses/{id}");
    let before = h.get(&path).customer(owner).send().await.expect(200).body;
    h.get(&path).customer(stranger).send().await.expect_problem(404, "NOT_FOUND");
    h.put(&path, &street("mine")).customer(stranger).send().await.expect_problem(404, "NOT_FOUND");
    h.delete(&path).customer(stranger).send().await.expect_problem(404, "NOT_FOUND");
    h.delete(&path).admin().send().await.expect_problem(404, "NOT_FOUND");
    h.get(&format!("/internal/users/{stranger}/addresses/{id}")).service("order").send().await.expect_problem(404, "NOT_FOUND");
    assert_eq!(h.get(&path).customer(owner).send().await.expect(200).body, before);
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let h = start().await;
    let unknown: UserId = h.id();
    h.get(&format!("/users/{unknown}")).admin().send().await.expect_problem(404, "NOT_FOUND");
    h.get("/users/nobody").admin().send().await.expect_problem(404, "NOT_FOUND");
    for id in [unknown.to_string(), "1".to_owned(), "..%2f..%2fetc".to_owned(), "' OR 1=1".replace(' ', "%20")] {
        let path = format!("/users/me/addresses/{id}");
        h.get(&path).customer(unknown).send().await.expect_problem(404, "NOT_FOUND");
        h.put(&path, &street("a")).customer(unknown).send().await.expect_problem(404, "NOT_FOUND");
        h.delete(&path).customer(unknown).send().await.expect_problem(404, "NOT_FOUND");
    }
    h.request(Method::POST, "/users/me").customer(unknown).send().await.expect_problem(405, "METHOD_NOT_ALLOWED");
}

#[tokio::test]
async fn a_service_makes_no_profile_out_of_bad_values() {
    let h = start().await;
    let path = format!("/internal/users/{}", h.id::<UserId>());
    for bad in [
        json!({"email": "no address", "name": "A", "roles": ["CUSTOMER"]}),
        json!({"email": "a@example.com", "name": "", "roles": ["CUSTOMER"]}),
        json!({"email": "a@example.com", "name": "A", "roles": ["ROOT"]}),
        json!({"email": "a@example.com", "name": "A"}),
    ] {
        h.put(&path, &bad).service("auth").send().await.expect_problem(422, "INVALID_REQUEST");
    }
    assert_eq!(h.get("/users").admin().send().await.json()["items"], json!([]));
}
