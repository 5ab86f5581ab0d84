//! What ends access tokens before they expire.

use super::*;
use contracts::auth::Revocations;

/// What an answer says to a request with an access token: 204 while the token counts.
async fn status(auth: &Auth, tokens: &Tokens) -> u16 {
    // A wrong current password is 422, and a token that does not count 401.
    auth.advance(MINUTE);
    auth.change_password(tokens, WRONG, "another long password").await.status.as_u16()
}

#[tokio::test]
async fn a_logout_ends_the_access_tokens_of_its_login() {
    let auth = start().await;
    let (mara, other) = (auth.register("mara").await, auth.login("mara").await);
    let next = auth.refresh(&mara).await;
    assert_eq!(status(&auth, &mara).await, 422);
    auth.post("/auth/logout", &json!({"refreshToken": next.refresh_token})).send().await.expect(204);
    for ended in [&mara, &next] {
        assert_eq!(status(&auth, ended).await, 401);
    }
    assert_eq!(status(&auth, &other).await, 422);
}

#[tokio::test]
async fn a_lock_and_a_new_password_end_the_access_tokens_of_other_logins() {
    let auth = start().await;
    let admin = auth.admin("admin").await;
    let (mara, other) = (auth.register("mara").await, auth.login("mara").await);
    auth.change_password(&mara, PASSWORD, "another long password").await.expect(204);
    assert_eq!((status(&auth, &mara).await, status(&auth, &other).await), (422, 401));
    auth.act(&admin, mara.user_id, "lock").await.expect(200);
    assert_eq!(status(&auth, &mara).await, 401);
    auth.act(&admin, mara.user_id, "unlock").await.expect(200);
    assert_eq!(status(&auth, &mara).await, 401, "the login stays ended");
}

#[tokio::test]
async fn a_role_that_is_taken_away_ends_at_once_and_the_login_goes_on() {
    let auth = start().await;
    let (admin, second) = (auth.admin("admin").await, auth.admin("second").await);
    let user = auth.register("mara").await.user_id;
    auth.act(&second, user, "unlock").await.expect(200);
    auth.set_roles(&admin, second.user_id, &[Role::Customer]).await.expect(200);
    auth.advance(Duration::from_secs(2));
    auth.act(&second, user, "lock").await.expect_problem(403, "FORBIDDEN");
    let identity = auth.runtime.verifier.verify(second.access_token.reveal()).await.unwrap();
    assert_eq!(identity.roles, [Role::Customer]);
    // The role is given back, and the token counts as before.
    auth.set_roles(&admin, second.user_id, &[Role::Customer, Role::Admin]).await.expect(200);
    auth.advance(Duration::from_secs(2));
    auth.act(&second, user, "lock").await.expect(200);
}

#[tokio::test]
async fn the_list_holds_what_matters_still_and_only_services_read_it() {
    let auth = start().await;
    let mara = auth.register("mara").await;
    auth.get("/internal/auth/revocations").send().await.expect_problem(401, "UNAUTHENTICATED");
    auth.get("/internal/auth/revocations").bearer(mara.access_token.reveal()).send().await.expect_problem(403, "FORBIDDEN");
    auth.post("/auth/logout", &json!({"refreshToken": mara.refresh_token})).send().await.expect(204);
    let list = async |since: &str| {
        let secret = platform::master_key::MasterKey::new([7; 32]).client_secret("order");
        let form = format!("grant_type=client_credentials&client_id=order&client_secret={secret}");
        let request = auth.request(axum::http::Method::POST, "/auth/token").raw("application/x-www-form-urlencoded", form);
        let token = request.send().await.expect(200).json()["access_token"].as_str().unwrap().to_owned();
        auth.get(&format!("/internal/auth/revocations{since}")).bearer(&token).send().await.expect(200).read::<Revocations>()
    };
    let first = list("").await;
    assert_eq!((first.sessions.len(), first.roles.len(), first.is_complete), (1, 0, true));
    auth.advance(MINUTE);
    assert_eq!(list(&format!("?since={}", first.next)).await.sessions, first.sessions, "answers overlap");
    let second = list("").await;
    assert!(list(&format!("?since={}", second.next)).await.sessions.is_empty());
    auth.advance(15 * MINUTE);
    assert!(list("").await.sessions.is_empty());
}
