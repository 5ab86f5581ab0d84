//! Decisions of administrators.

use super::*;
use contracts::{machine::Machine as _, page::Page, seller::SellerFact};

const VERBS: [(&str, SellerFact); 6] = [
    ("review", SellerFact::ReviewStarted),
    ("approve", SellerFact::Approved),
    ("reject", SellerFact::Rejected),
    ("suspend", SellerFact::Suspended),
    ("reinstate", SellerFact::Reinstated),
    ("reapply", SellerFact::Reapplied),
];

/// The ways from an application to each status.
const WAYS: [(SellerStatus, &[&str]); 5] = [
    (SellerStatus::Applied, &[]),
    (SellerStatus::UnderReview, &["review"]),
    (SellerStatus::Approved, &["review", "approve"]),
    (SellerStatus::Rejected, &["reject"]),
    (SellerStatus::Suspended, &["approve", "suspend"]),
];

async fn send(h: &Harness, seller: UserId, verb: &str) -> TestResponse {
    match verb {
        "reapply" => h.request(axum::http::Method::POST, "/sellers/me/reapply").customer(seller).send().await,
        verb => act(h, seller, verb).await,
    }
}

#[tokio::test]
async fn every_verb_in_every_status_follows_the_table_and_is_announced_by_one_event() {
    let h = start().await;
    assert_eq!(WAYS.map(|(status, _)| status), *SellerStatus::STATES.first_chunk().unwrap());
    for (status, way) in WAYS {
        for (verb, fact) in VERBS {
            let seller = h.id();
            apply(&h, seller, "Lamps").await;
            for step in way {
                act(&h, seller, step).await.expect(200);
            }
            let (before, emitted) = (own(&h, seller).await, h.emitted().await.len());
            assert_eq!(before.status, status);
            match status.transition(fact) {
                Ok(next) => {
                    let after: Seller = send(&h, seller, verb).await.expect(200).read();
                    assert_eq!(after.status, next, "{status} {verb}");
                    assert_eq!(after.reason.as_deref(), (verb != "reapply").then_some("because"));
                    assert_eq!(h.emitted().await.len(), emitted + 1, "{status} {verb}");
                }
                Err(_) => {
                    let refused = send(&h, seller, verb).await.expect_problem(409, "ILLEGAL_TRANSITION").json();
                    assert_eq!(refused["sellerStatus"], status.as_str(), "{status} {verb}");
                    assert_eq!((own(&h, seller).await, h.emitted().await.len()), (before, emitted), "{status} {verb}");
                }
            }
        }
    }
    let types: std::collections::BTreeSet<_> = h.emitted().await.into_iter().map(|event| event.event_type).collect();
    assert_eq!(types.len(), 6, "{types:?}");
}

#[tokio::test]
async fn a_decision_under_one_key_is_taken_once() {
    let h = start().await;
    let seller = h.id();
    apply(&h, seller, "Lamps").await;
    let admin = h.token(h.id(), &["ADMIN"]);
    let path = format!("/admin/sellers/{seller}/approve");
    let send = || h.post(&path, &json!({})).bearer(&admin).key("k-1").send();
    let (one, two) = tokio::join!(send(), send());
    assert_eq!(one.expect(200).body, two.expect(200).body);
    h.post(&path, &json!({})).bearer(&admin).key("k-2").send().await.expect_problem(409, "ILLEGAL_TRANSITION");
}

#[tokio::test]
async fn two_decisions_at_once_are_one() {
    let h = start().await;
    let seller = h.id();
    apply(&h, seller, "Lamps").await;
    let (one, two) = tokio::join!(act(&h, seller, "approve"), act(&h, seller, "reject"));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(h.emitted().await.len(), 2);
}

#[tokio::test]
async fn a_suspended_seller_has_no_profile_and_keeps_the_first_approval() {
    let h = start().await;
    let seller = approved(&h, "Lamps").await;
    let since = h.get("/sellers/lamps").send().await.expect(200).json()["since"].clone();
    h.advance(std::time::Duration::from_secs(60));
    act(&h, seller, "suspend").await.expect(200);
    h.get("/sellers/lamps").send().await.expect_problem(404, "NOT_FOUND");
    let listed: Page<Value> = h.get("/sellers").send().await.expect(200).read();
    assert!(listed.items.is_empty());
    // The seller still reads and changes the record.
    let answer = h.patch("/sellers/me", &json!({"description": "Sorry."})).suspended_seller(seller).send().await;
    assert_eq!(answer.expect(200).json()["status"], "SUSPENDED");
    act(&h, seller, "reinstate").await.expect(200);
    assert_eq!(h.get("/sellers/lamps").send().await.expect(200).json()["since"], since);
}

#[tokio::test]
async fn a_bad_decision_changes_nothing() {
    let h = start().await;
    let seller = h.id();
    apply(&h, seller, "Lamps").await;
    let path = format!("/admin/sellers/{seller}/reject");
    for body in [json!({"reason": ""}), json!({"reason": "x".repeat(201)}), json!({"reason": 1}), json!({"why": "x"}), json!([])] {
        h.post(&path, &body).admin().send().await.expect_problem(422, "INVALID_REQUEST");
    }
    act(&h, h.id(), "approve").await.expect_problem(404, "NOT_FOUND");
    h.post("/admin/sellers/lamps/approve", &json!({})).admin().send().await.expect_problem(404, "NOT_FOUND");
    assert_eq!(own(&h, seller).await.status, SellerStatus::Applied);
    // Without a body there is no reason.
    let answer = h.request(axum::http::Method::POST, &path).admin().send().await.expect(200);
    assert_eq!(answer.json()["reason"], json!(null));
}

#[tokio::test]
async fn integrators_save_an_external_id_and_metadata_that_the_public_does_not_see() {
    let h = start().await;
    let (user, other) = (approved(&h, "Lamps").await, approved(&h, "Chairs").await);
    let path = format!("/admin/sellers/{user}");
    let saved = json!({"externalId": "ERP-1", "metadata": {"warehouse": "north"}});
    h.patch(&path, &saved).customer(user).send().await.expect_problem(403, "FORBIDDEN");
    let answer = h.patch(&path, &saved).admin().send().await.expect(200);
    assert_eq!((&answer.json()["externalId"], &answer.json()["metadata"]["warehouse"]), (&json!("ERP-1"), &json!("north")));
    let again = h.patch(&path, &saved).admin().send().await.expect(200);
    assert_eq!(again.header("etag"), answer.header("etag"));
    h.patch("/sellers/me", &json!({"externalId": "ERP-2"})).customer(other).send().await.expect(200);
    let found = h.get("/admin/sellers?externalId=ERP-1").admin().send().await.expect(200).json();
    assert_eq!((found["items"].as_array().unwrap().len(), &found["items"][0]["sellerId"]), (1, &json!(user)));
    let public = h.get(&format!("/sellers/{user}")).send().await.expect(200).json();
    assert!(public.get("externalId").is_none() && public.get("metadata").is_none(), "{public}");
    let refused = h.patch(&path, &json!({"metadata": {"a b": "c"}})).admin().send().await.expect_problem(422, "INVALID_REQUEST");
    assert!(refused.json()["errors"][0]["pointer"].as_str().unwrap().starts_with("/metadata"));
    assert_eq!(h.get("/admin/sellers?externalId=ERP-1").admin().send().await.json(), found);
}
