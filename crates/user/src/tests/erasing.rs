//! The export and the erasure of a user, with scripted services.

use super::{add_street, registered, street};
use axum::{
    Json, Router,
    http::StatusCode,
    response::IntoResponse,
    routing::{delete, get},
};
use contracts::{
    auth::UserErased,
    ids::UserId,
    personal::{KEEPERS, WITH_OBSTACLES},
};
use platform::testing::Harness;
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// Every other service. Those of `refusing` answer with this status and code; `erased` counts what auth is asked.
async fn start_among(refusing: Option<(&'static str, u16, &'static str)>, erased: Arc<AtomicUsize>) -> Harness {
    let mut harness = Harness::of(crate::service());
    for service in KEEPERS.iter().copied().filter(|service| *service != "user") {
        let records = json!({"things": [{"of": service}]});
        let refusal = refusing.filter(|(name, ..)| *name == service);
        let obstacle = move || async move {
            match refusal {
                Some((_, status, code)) => {
                    let problem = json!({
                        "type": "about:blank", "title": "t", "status": status, "detail": "d", "code": code, "correlationId": "c",
                        "retryable": false,
                    });
                    (StatusCode::from_u16(status).unwrap(), Json(problem)).into_response()
                }
                None => StatusCode::NO_CONTENT.into_response(),
            }
        };
        let count = erased.clone();
        let erase = move || async move {
            count.fetch_add(1, Relaxed);
            StatusCode::NO_CONTENT
        };
        let router = Router::new()
            .route("/internal/personal-data/{userId}", get(move || async move { Json(records) }))
            .route("/internal/personal-data/{userId}/obstacle", get(obstacle))
            .route("/internal/auth/users/{userId}", delete(erase));
        harness = harness.upstream(service, router);
    }
    harness.start().await
}

#[tokio::test]
async fn an_export_has_what_every_service_keeps() {
    let h = start_among(None, Arc::default()).await;
    let (mara, ivo): (UserId, UserId) = (h.id(), h.id());
    add_street(&h, mara, "Obernstraße").await;
    add_street(&h, ivo, "Langenstraße").await;
    h.get("/users/me/export").send().await.expect_problem(401, "UNAUTHENTICATED");
    let export = h.get("/users/me/export").customer(mara).send().await.expect(200);
    let records = export.json();
    assert_eq!(records["userId"], mara.to_string());
    assert_eq!(records["user"]["addresses"][0]["street"], "Obernstraße");
    assert_eq!(records["user"]["profile"].as_array().unwrap().len(), 1);
    for service in KEEPERS.iter().filter(|service| **service != "user") {
        assert_eq!(records[*service], json!({"things": [{"of": service}]}), "{service}");
    }
    assert!(!String::from_utf8_lossy(&export.body).contains("Langenstraße"));
}

#[tokio::test]
async fn whatever_stands_against_an_erasure_is_told_and_nothing_is_changed() {
    for (service, status, code) in [("order", 409, "OPEN_ORDERS"), ("payout", 409, "OPEN_BALANCE"), ("order", 503, "OVERLOADED")] {
        assert!(WITH_OBSTACLES.contains(&service));
        let erased = Arc::new(AtomicUsize::new(0));
        let h = start_among(Some((service, status, code)), erased.clone()).await;
        let mara: UserId = h.id();
        add_street(&h, mara, "Obernstraße").await;
        let answer = h.skip_sleeps(h.delete("/users/me").customer(mara).send()).await;
        match status {
            409 => drop(answer.expect_problem(409, code)),
            _ => assert!(!answer.expect_problem(503, "DEPENDENCY_UNAVAILABLE").header("retry-after").is_empty()),
        }
        assert_eq!(erased.load(Relaxed), 0);
        h.get("/users/me").customer(mara).send().await.expect(200);
    }
}

#[tokio::test]
async fn an_erased_user_leaves_nothing_and_does_not_come_back() {
    let erased = Arc::new(AtomicUsize::new(0));
    let h = start_among(None, erased.clone()).await;
    let (mara, ivo): (UserId, UserId) = (h.id(), h.id());
    h.deliver(registered(mara, "mara@example.com", "Mara Lindqvist")).await;
    add_street(&h, mara, "Obernstraße").await;
    add_street(&h, ivo, "Langenstraße").await;
    h.put("/users/me/preferences", &json!({"emailEnabled": true, "smsEnabled": false})).customer(mara).send().await.expect(200);
    h.delete("/users/me").customer(mara).send().await.expect(204);
    assert_eq!(erased.load(Relaxed), 1);
    h.deliver(UserErased { user_id: mara, guest_id: None }).await;
    for table in ["users", "addresses", "preferences", "user_search_prefixes"] {
        let sql: &'static str = format!("SELECT COUNT(*) FROM {table} WHERE user_id = $1").leak();
        let left: i64 = h.db().read(async move |tx| tx.query_one(sql, platform::params![mara], |row| row.next()).await).await.unwrap();
        assert_eq!(left, 0, "{table}");
    }
    // A token that has not ended everywhere yet, and an event that is read again.
    h.get("/users/me").customer(mara).send().await.expect_problem(404, "NOT_FOUND");
    h.post("/users/me/addresses", &street("Obernstraße")).customer(mara).send().await.expect_problem(404, "NOT_FOUND");
    h.deliver(registered(mara, "mara@example.com", "Mara Lindqvist")).await;
    h.get(&format!("/users/{mara}")).admin().send().await.expect_problem(404, "NOT_FOUND");
    h.get("/users/me").customer(ivo).send().await.expect(200);
}
