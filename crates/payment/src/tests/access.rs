//! Who may do what.

use super::Shop;
use contracts::ids::{PaymentId, UserId};

#[tokio::test]
async fn nobody_gets_in_and_a_wrong_somebody_is_sent_away() {
    let shop = Shop::open().await;
    let id = shop.payment("pm_ok").await;
    for (_, operation) in &shop.runtime.operations {
        let path = operation.path.replace("{paymentId}", &id.to_string());
        let request = || shop.request(operation.method.clone(), &path).key("k");
        if operation.access().anonymous {
            continue;
        }
        request().send().await.expect_problem(401, "UNAUTHENTICATED");
        request().bearer("made.up.token").send().await.expect_problem(401, "UNAUTHENTICATED");
        request().service("cart").send().await.expect_problem(403, "FORBIDDEN");
        if operation.path != "/payments/{paymentId}" {
            request().customer(shop.user).send().await.expect_problem(403, "FORBIDDEN");
            request().seller(shop.user).send().await.expect_problem(403, "FORBIDDEN");
        }
    }
    for path in ["/payments".to_owned(), format!("/payments/{id}/authorize")] {
        shop.post(&path, &shop.body("pm_ok")).admin().key("k").send().await.expect_problem(403, "FORBIDDEN");
    }
    shop.get("/admin/payments").service("order").send().await.expect_problem(403, "FORBIDDEN");
    assert!(shop.read(id).await.transactions.is_empty());
}

#[tokio::test]
async fn a_payment_is_seen_by_its_owner_admins_and_the_order_service_alone() {
    let shop = Shop::open().await;
    let path = format!("/payments/{}", shop.payment("pm_ok").await);
    shop.get(&path).customer(shop.user).send().await.expect(200);
    shop.get(&path).admin().send().await.expect(200);
    shop.get(&path).service("order").send().await.expect(200);
    let stranger: UserId = shop.id();
    let hidden = shop.get(&path).customer(stranger).send().await.expect_problem(404, "NOT_FOUND");
    let absent =
        shop.get(&format!("/payments/{}", shop.id::<PaymentId>())).customer(stranger).send().await.expect_problem(404, "NOT_FOUND");
    assert_eq!(hidden.json()["detail"], absent.json()["detail"]);
    shop.get(&path).seller(stranger).send().await.expect_problem(404, "NOT_FOUND");
}

#[tokio::test]
async fn an_admin_captures_voids_and_refunds() {
    let shop = Shop::open().await;
    let (first, second) = (shop.authorized("pm_ok").await, shop.authorized("pm_ok").await);
    for (id, verb, status) in [(first, "capture", "CAPTURED"), (first, "refund", "REFUNDED"), (second, "void", "VOIDED")] {
        let answer = shop.post(&format!("/payments/{id}/{verb}"), &serde_json::json!({})).admin().key(verb).send().await.expect(200);
        assert_eq!(answer.json()["status"], status);
    }
    for verb in ["capture", "void", "refund"] {
        let path = format!("/payments/{}/{verb}", shop.id::<PaymentId>());
        shop.post(&path, &serde_json::json!({})).admin().key(verb).send().await.expect_problem(404, "NOT_FOUND");
    }
}
