//! Who may do what.

use super::Fixture;
use contracts::ids::{PaymentId, UserId};

#[tokio::test]
async fn every_operation_refuses_anonymous_callers_and_wrong_roles() {
    let fixture = Fixture::start().await;
    let id = fixture.payment("pm_ok").await;
    for (_, operation) in &fixture.runtime.operations {
        let path = operation.path.replace("{paymentId}", &id.to_string());
        let request = || fixture.request(operation.method.clone(), &path).key("k");
        if operation.access().anonymous {
            continue;
        }
        request().send().await.expect_problem(401, "UNAUTHENTICATED");
        request().bearer("made.up.token").send().await.expect_problem(401, "UNAUTHENTICATED");
        request().service("cart").send().await.expect_problem(403, "FORBIDDEN");
        if operation.path != "/payments/{paymentId}" {
            request().customer(fixture.user).send().await.expect_problem(403, "FORBIDDEN");
            request().seller(fixture.user).send().await.expect_problem(403, "FORBIDDEN");
        }
    }
    for path in ["/payments".to_owned(), format!("/payments/{id}/authorize")] {
        fixture.post(&path, &fixture.body("pm_ok")).admin().key("k").send().await.expect_problem(403, "FORBIDDEN");
    }
    fixture.get("/admin/payments").service("order").send().await.expect_problem(403, "FORBIDDEN");
    assert!(fixture.read(id).await.transactions.is_empty());
}

#[tokio::test]
async fn only_the_owner_admins_and_the_order_service_see_a_payment() {
    let fixture = Fixture::start().await;
    let path = format!("/payments/{}", fixture.payment("pm_ok").await);
    fixture.get(&path).customer(fixture.user).send().await.expect(200);
    fixture.get(&path).admin().send().await.expect(200);
    fixture.get(&path).service("order").send().await.expect(200);
    let stranger: UserId = fixture.id();
    let hidden = fixture.get(&path).customer(stranger).send().await.expect_problem(404, "NOT_FOUND");
    let absent =
        fixture.get(&format!("/payments/{}", fixture.id::<PaymentId>())).customer(stranger).send().await.expect_problem(404, "NOT_FOUND");
    assert_eq!(hidden.json()["detail"], absent.json()["detail"]);
    fixture.get(&path).seller(stranger).send().await.expect_problem(404, "NOT_FOUND");
}

#[tokio::test]
async fn an_admin_captures_voids_and_refunds() {
    let fixture = Fixture::start().await;
    let (first, second) = (fixture.authorized("pm_ok").await, fixture.authorized("pm_ok").await);
    for (id, verb, status) in [(first, "capture", "CAPTURED"), (first, "refund", "REFUNDED"), (second, "void", "VOIDED")] {
        let answer = fixture.post(&format!("/payments/{id}/{verb}"), &serde_json::json!({})).admin().key(verb).send().await.expect(200);
        assert_eq!(answer.json()["status"], status);
    }
    for verb in ["capture", "void", "refund"] {
        let path = format!("/payments/{}/{verb}", fixture.id::<PaymentId>());
        fixture.post(&path, &serde_json::json!({})).admin().key(verb).send().await.expect_problem(404, "NOT_FOUND");
    }
}
