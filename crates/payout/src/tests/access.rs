//! Who sees what.

use super::Fixture;
use serde_json::json;

#[tokio::test]
async fn every_route_refuses_anonymous_callers_and_other_roles() {
    let f = Fixture::start().await;
    let own: Vec<_> = f.runtime.operations.iter().filter(|(_, operation)| operation.tag == "payout").collect();
    assert_eq!(own.len(), 12);
    for (_, operation) in own {
        let path = operation.path.replace("{month}", "2026-01");
        let request = || f.request(operation.method.clone(), &path).json(&json!({"items": []})).key("a key");
        request().send().await.expect_problem(401, "UNAUTHENTICATED");
        request().customer(f.id()).send().await.expect_problem(403, "FORBIDDEN");
        request().service("order").send().await.expect_problem(403, "FORBIDDEN");
        if path.starts_with("/admin") {
            request().seller(f.seller).send().await.expect_problem(403, "FORBIDDEN");
        } else {
            request().suspended_seller(f.seller).send().await.expect(200);
        }
    }
}

#[tokio::test]
async fn a_seller_never_sees_what_is_anothers() {
    let f = Fixture::start().await;
    f.available(f.other).await;
    f.run("run").await.expect(200);
    f.complete().await;
    for path in ["/seller/ledger", "/seller/payouts", "/seller/sales"] {
        assert_ne!(f.get(path).seller(f.other).send().await.expect(200).json()["items"], json!([]), "{path}");
        assert_eq!(f.get(path).seller(f.seller).send().await.expect(200).json()["items"], json!([]), "{path}");
    }
    assert_eq!(f.balance(f.seller).await, (0, 0));
    let statement = f.get("/seller/statements/2026-01").seller(f.seller).send().await.expect(200).json();
    assert_eq!((&statement["lines"], &statement["totals"]), (&json!([]), &json!([])));
    // A cursor of another seller's list is none of this one's.
    f.available(f.other).await;
    let page = f.get("/seller/ledger?limit=1").seller(f.other).send().await.expect(200).json();
    let next = format!("/seller/ledger?limit=1&cursor={}", page["nextCursor"].as_str().unwrap());
    f.get(&next).seller(f.seller).send().await.expect_problem(400, "BAD_CURSOR");
}

#[tokio::test]
async fn a_run_needs_a_key() {
    let f = Fixture::start().await;
    f.post("/admin/payouts/run", &json!({})).admin().send().await.expect_problem(400, "IDEMPOTENCY_KEY_REQUIRED");
}
