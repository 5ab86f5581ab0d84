//! Who may call what.

use super::*;
use axum::http::Method;

#[tokio::test]
async fn strangers_are_refused_everywhere() {
    let h = start().await;
    let seller = approved(&h, "Lamps").await;
    let customer = h.token(h.id(), &["CUSTOMER"]);
    let own_token = h.token(seller, &["CUSTOMER", "SELLER"]);
    for verb in ["review", "approve", "reject", "suspend", "reinstate"] {
        let path = format!("/admin/sellers/{seller}/{verb}");
        h.request(Method::POST, &path).send().await.expect_problem(401, "UNAUTHENTICATED");
        for token in [&customer, &own_token, &h.service_token("order")] {
            h.request(Method::POST, &path).bearer(token).send().await.expect_problem(403, "FORBIDDEN");
        }
    }
    h.get("/admin/sellers").bearer(&own_token).send().await.expect_problem(403, "FORBIDDEN");
    h.get("/admin/sellers").send().await.expect_problem(401, "UNAUTHENTICATED");
    for (method, path) in
        [(Method::POST, "/sellers"), (Method::GET, "/sellers/me"), (Method::PATCH, "/sellers/me"), (Method::POST, "/sellers/me/reapply")]
    {
        h.request(method.clone(), path).send().await.expect_problem(401, "UNAUTHENTICATED");
        h.request(method, path).service("order").send().await.expect_problem(403, "FORBIDDEN");
    }
    // An administrator who is no customer does not apply.
    h.post("/sellers", &application("Admin")).bearer(&h.token(h.id(), &["ADMIN"])).send().await.expect_problem(403, "FORBIDDEN");
    assert_eq!(own(&h, seller).await.status, SellerStatus::Approved);
}
