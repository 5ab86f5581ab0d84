//! The end of an account whose user is erased.

use super::*;
use axum::http::Method;
use contracts::auth::UserErased;

async fn erase(auth: &Auth, user: UserId) -> TestResponse {
    auth.request(Method::DELETE, &format!("/internal/auth/users/{user}")).bearer(&auth.token_of("user").await).send().await
}

#[tokio::test]
async fn nothing_of_an_erased_account_is_left_and_its_tokens_end() {
    let auth = start().await;
    auth.admin("admin").await;
    let (mara, ivo) = (auth.register("mara").await, auth.register("ivo").await);
    let second = auth.login("mara").await;
    auth.fail_logins("mara", 2).await;
    auth.post("/auth/password/forgot", &json!({"email": email("mara")})).send().await.expect(202);
    auth.settle().await;
    auth.post("/auth/password/forgot", &json!({"email": email("mara")})).send().await.expect(202);
    erase(&auth, mara.user_id).await.expect(204);
    auth.advance(Duration::from_secs(2));
    for token in [&mara, &second] {
        assert_eq!(auth.change_password(token, PASSWORD, "another long password").await.status.as_u16(), 401);
        auth.refresh_is_refused(token).await;
    }
    auth.try_login("mara", PASSWORD).await.expect_problem(401, "INVALID_CREDENTIALS");
    assert_eq!(auth.count("SELECT COUNT(*) FROM credentials WHERE email LIKE 'mara%'").await, 0);
    assert_eq!(auth.count("SELECT COUNT(*) FROM account_roles").await, 3, "those of admin and ivo");
    for sql in [
        "SELECT COUNT(*) FROM reset_requests",
        "SELECT COUNT(*) FROM reset_tokens",
        "SELECT COUNT(*) FROM email_tokens WHERE email LIKE 'mara%'",
        "SELECT COUNT(*) FROM failed_logins WHERE user_id IS NOT NULL",
    ] {
        assert_eq!(auth.count(sql).await, 0, "{sql}");
    }
    assert_eq!(auth.change_password(&ivo, PASSWORD, "another long password").await.status.as_u16(), 204, "another account goes on");
    assert_eq!(auth.emitted_of::<UserErased>().await.len(), 1);
    // A repetition succeeds and says nothing again.
    erase(&auth, mara.user_id).await.expect(204);
    assert_eq!(auth.emitted_of::<UserErased>().await.len(), 1);
    // Anybody can have the address now, as another user.
    let again = auth.register("mara").await;
    assert_ne!(again.user_id, mara.user_id);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let auth = start().await;
    let admin = auth.admin("admin").await;
    erase(&auth, admin.user_id).await.expect_problem(409, "LAST_ADMIN");
    assert_eq!(auth.account(&admin, admin.user_id).await.roles.len(), 2);
    auth.refresh(&admin).await;
    let second = auth.admin("second").await;
    erase(&auth, admin.user_id).await.expect(204);
    erase(&auth, second.user_id).await.expect_problem(409, "LAST_ADMIN");
}

#[tokio::test]
async fn only_the_user_service_erases() {
    let auth = start().await;
    let mara = auth.register("mara").await;
    let path = format!("/internal/auth/users/{}", mara.user_id);
    auth.request(Method::DELETE, &path).send().await.expect_problem(401, "UNAUTHENTICATED");
    auth.request(Method::DELETE, &path).bearer(mara.access_token.reveal()).send().await.expect_problem(403, "FORBIDDEN");
    auth.request(Method::DELETE, &path).bearer(&auth.token_of("order").await).send().await.expect_problem(403, "FORBIDDEN");
    auth.refresh(&mara).await;
}

#[tokio::test]
async fn an_export_has_the_account_and_no_other_one() {
    let auth = start().await;
    let mara = auth.register("mara").await;
    auth.register("ivo").await;
    auth.fail_logins("mara", 1).await;
    let path = format!("/internal/personal-data/{}", mara.user_id);
    let export = auth.get(&path).bearer(&auth.token_of("user").await).send().await.expect(200);
    let records = export.json();
    assert_eq!(records["account"][0]["email"], email("mara"));
    assert_eq!(records["logins"].as_array().unwrap().len(), 1);
    assert!(!records["failedLogins"].as_array().unwrap().is_empty());
    assert!(!String::from_utf8_lossy(&export.body).contains("ivo"));
    auth.get(&path).bearer(&auth.token_of("order").await).send().await.expect_problem(403, "FORBIDDEN");
    auth.get(&path).bearer(mara.access_token.reveal()).send().await.expect_problem(403, "FORBIDDEN");
}
