//! Verifying and changing the e-mail address.

use super::*;
use contracts::auth::{EmailChanged, EmailVerificationRequested, EmailVerified, PasswordResetRequested};
use platform::{encryption, master_key::MasterKey};
use std::sync::Arc;

const NEW: &str = "a new password";
const HOUR: Duration = Duration::from_secs(3600);

fn decrypted(purpose: &str, sealed: &str) -> String {
    let token = encryption::decrypt(&MasterKey::new([7; 32]).key_for(purpose), sealed).expect("the notification service decrypts it");
    String::from_utf8(token).unwrap()
}

impl Auth {
    /// Returns the address of each mail with a token, and the token.
    async fn email_tokens(&self) -> Vec<(String, String)> {
        self.settle().await;
        let events = self.emitted_of::<EmailVerificationRequested>().await;
        let token = |sealed: &str| decrypted(contracts::auth::EMAIL_TOKEN_ENCRYPTION, sealed);
        events.into_iter().map(|event| (event.email, token(&event.sealed_token))).collect()
    }

    async fn last_email_token(&self) -> String {
        self.email_tokens().await.pop().expect("a mail was requested").1
    }

    async fn verify(&self, token: &str) -> TestResponse {
        self.post("/auth/email/verify", &json!({"token": token})).send().await
    }

    async fn change_email(&self, tokens: &Tokens, new: &str, password: &str) -> TestResponse {
        let body = json!({"newEmail": email(new), "currentPassword": password});
        self.post("/auth/email/change", &body).bearer(tokens.access_token.reveal()).send().await
    }

    async fn resend(&self, tokens: &Tokens) -> TestResponse {
        self.request(axum::http::Method::POST, "/auth/email/verify/resend").bearer(tokens.access_token.reveal()).send().await
    }

    async fn address(&self, user: UserId) -> (String, bool) {
        let account = self.db().read(async move |tx| crate::actions::view(tx, user).await).await.unwrap();
        (account.email, account.email_verified)
    }
}

#[tokio::test]
async fn a_registration_mails_a_token_that_verifies_the_address_once() {
    let auth = start().await;
    let mara = auth.register("mara").await;
    let requested = auth.emitted_of::<EmailVerificationRequested>().await;
    assert_eq!((requested[0].user_id, requested[0].present_email.as_deref()), (mara.user_id, None));
    assert_eq!(requested[0].expires_at, auth.env.now().after(24 * HOUR));
    let tokens = auth.email_tokens().await;
    assert_eq!((tokens.len(), tokens[0].0.as_str(), tokens[0].1.len()), (1, "mara@example.com", 43));
    assert_eq!(auth.address(mara.user_id).await, (email("mara"), false));
    auth.login("mara").await;
    auth.verify(&tokens[0].1).await.expect(204);
    assert_eq!(auth.address(mara.user_id).await, (email("mara"), true));
    auth.verify(&tokens[0].1).await.expect_problem(422, "INVALID_VERIFICATION_TOKEN");
    assert_eq!(auth.emitted_of::<EmailVerified>().await, [EmailVerified { user_id: mara.user_id, email: email("mara") }]);
    assert_eq!(auth.count("SELECT COUNT(*) FROM email_tokens WHERE token_hash IS NOT NULL AND length(token_hash) = 32").await, 1);
}

#[tokio::test]
async fn a_token_that_is_unknown_expired_or_of_a_locked_account_verifies_nothing() {
    let auth = start().await;
    let admin = auth.admin("ada").await;
    let mara = auth.register("mara").await;
    let token = auth.last_email_token().await;
    auth.verify("no-such-token").await.expect_problem(422, "INVALID_VERIFICATION_TOKEN");
    auth.act(&admin, mara.user_id, "lock").await.expect(200);
    auth.verify(&token).await.expect_problem(422, "INVALID_VERIFICATION_TOKEN");
    let admin = auth.login("ada").await;
    auth.act(&admin, mara.user_id, "unlock").await.expect(200);
    auth.advance(24 * HOUR);
    auth.verify(&token).await.expect_problem(422, "INVALID_VERIFICATION_TOKEN");
    assert!(!auth.address(mara.user_id).await.1);
    // The command line vouches for its addresses.
    assert_eq!(auth.address(admin.user_id).await, (email("ada"), true));
}

#[tokio::test]
async fn another_mail_is_sent_a_few_times_an_hour_and_every_token_works_until_one_is_used() {
    let auth = start().await;
    let mara = auth.register("mara").await;
    for _ in 0..4 {
        auth.resend(&mara).await.expect(202);
    }
    let refused = auth.resend(&mara).await.expect_problem(429, "RATE_LIMITED");
    assert_eq!(refused.header("retry-after"), "3600");
    let tokens = auth.email_tokens().await;
    assert_eq!(tokens.len(), 5);
    auth.advance(HOUR);
    let mara = auth.login("mara").await;
    auth.resend(&mara).await.expect(202);
    auth.verify(&tokens[0].1).await.expect(204);
    for (_, token) in auth.email_tokens().await {
        auth.verify(&token).await.expect_problem(422, "INVALID_VERIFICATION_TOKEN");
    }
    auth.resend(&mara).await.expect(202);
    assert_eq!(auth.email_tokens().await.len(), 6, "a verified address gets no further mail");
}

#[tokio::test]
async fn who_is_not_logged_in_learns_nothing_of_an_address() {
    let auth = start().await;
    auth.register("mara").await;
    let (known, unknown) = ("mara@example.com", "nobody@example.com");
    let mut answers = Vec::new();
    for address in [known, unknown, known, known, known, known, known] {
        let request = auth.post("/auth/email/verify/resend", &json!({"email": address})).header("x-correlation-id", "c-1");
        let answer = request.send().await.expect(202);
        assert!(answer.body.is_empty());
        answers.push(answer.headers.keys().map(ToString::to_string).collect::<Vec<_>>());
        auth.settle().await;
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    assert_eq!(auth.email_tokens().await.len(), 5, "the registration and four more");
    auth.post("/auth/email/verify/resend", &json!({})).send().await.expect_problem(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_change_takes_effect_when_the_new_address_is_verified() {
    let auth = start().await;
    let mara = auth.register("mara").await;
    auth.verify(&auth.last_email_token().await).await.expect(204);
    auth.change_email(&mara, "new", PASSWORD).await.expect(202);
    auth.try_login("new", PASSWORD).await.expect(401);
    auth.login("mara").await;
    let asked = auth.emitted_of::<EmailVerificationRequested>().await.pop().unwrap();
    assert_eq!((asked.email, asked.present_email), (email("new"), Some(email("mara"))));
    // A reset link to the former address ends with it.
    auth.post("/auth/password/forgot", &json!({"email": email("mara")})).send().await.expect(202);
    auth.settle().await;
    let reset = auth.emitted_of::<PasswordResetRequested>().await.pop().unwrap();
    auth.verify(&auth.last_email_token().await).await.expect(204);
    assert_eq!(auth.address(mara.user_id).await, (email("new"), true));
    auth.try_login("mara", PASSWORD).await.expect_problem(401, "INVALID_CREDENTIALS");
    auth.login("new").await;
    auth.refresh(&mara).await;
    let reset = decrypted(contracts::auth::RESET_TOKEN_ENCRYPTION, &reset.sealed_token);
    let body = json!({"token": reset, "newPassword": NEW});
    auth.post("/auth/password/reset", &body).send().await.expect_problem(422, "INVALID_RESET_TOKEN");
    let (changed, verified) = (auth.emitted_of::<EmailChanged>().await, auth.emitted_of::<EmailVerified>().await);
    assert_eq!(changed, [EmailChanged { user_id: mara.user_id, email: email("new"), previous_email: email("mara") }]);
    assert_eq!(verified.last().unwrap().email, email("new"));
    auth.register("mara").await;
}

#[tokio::test]
async fn a_change_needs_the_password_and_a_free_address() {
    let auth = start().await;
    let mara = auth.register("mara").await;
    auth.register("other").await;
    let wrong = auth.change_email(&mara, "new", WRONG).await.expect_problem(422, "WRONG_PASSWORD");
    assert_eq!(wrong.json()["errors"][0]["pointer"], "/currentPassword");
    let taken = auth.change_email(&mara, "other", PASSWORD).await.expect_problem(409, "EMAIL_TAKEN");
    assert_eq!(taken.json()["errors"][0]["pointer"], "/newEmail");
    let same = auth.change_email(&mara, "mara", PASSWORD).await.expect_problem(422, "INVALID_REQUEST");
    assert_eq!(same.json()["errors"][0]["code"], "UNCHANGED");
    assert_eq!(auth.email_tokens().await.len(), 2, "the two registrations");
    for _ in 0..5 {
        auth.change_email(&mara, "new", WRONG).await.expect_problem(422, "WRONG_PASSWORD");
    }
    auth.change_email(&mara, "new", PASSWORD).await.expect_problem(429, "RATE_LIMITED");
    auth.change_password(&mara, PASSWORD, NEW).await.expect_problem(429, "RATE_LIMITED");
}

#[tokio::test]
async fn an_address_that_was_taken_meanwhile_leaves_the_account_as_it_is() {
    let auth = start().await;
    let mara = auth.register("mara").await;
    auth.change_email(&mara, "new", PASSWORD).await.expect(202);
    let token = auth.last_email_token().await;
    auth.register("new").await;
    let refused = auth.verify(&token).await.expect_problem(409, "EMAIL_TAKEN");
    assert!(refused.json()["detail"].as_str().unwrap().contains("meanwhile"));
    assert_eq!(auth.address(mara.user_id).await, (email("mara"), false));
    auth.login("mara").await;
    assert!(auth.emitted_of::<EmailChanged>().await.is_empty());
}

#[tokio::test]
async fn a_later_request_and_a_new_password_end_an_earlier_request() {
    let auth = start().await;
    let mara = auth.register("mara").await;
    auth.change_email(&mara, "first", PASSWORD).await.expect(202);
    let first = auth.last_email_token().await;
    auth.change_email(&mara, "second", PASSWORD).await.expect(202);
    let second = auth.last_email_token().await;
    auth.verify(&first).await.expect_problem(422, "INVALID_VERIFICATION_TOKEN");
    auth.resend(&mara).await.expect(202);
    let (to, resent) = auth.email_tokens().await.pop().unwrap();
    assert_eq!(to, email("second"));
    auth.change_password(&mara, PASSWORD, NEW).await.expect(204);
    for token in [second, resent] {
        auth.verify(&token).await.expect_problem(422, "INVALID_VERIFICATION_TOKEN");
    }
    assert_eq!(auth.address(mara.user_id).await.0, email("mara"));
}

#[tokio::test]
async fn of_two_accounts_that_verify_one_address_at_once_one_gets_it() {
    let auth = Arc::new(start().await);
    let mut tokens = Vec::new();
    for name in ["mara", "lea"] {
        let account = auth.register(name).await;
        auth.change_email(&account, "new", PASSWORD).await.expect(202);
        let token = auth.last_email_token().await;
        tokens.extend([token.clone(), token]);
    }
    let mut tasks = auth.env.task_set();
    for token in tokens {
        let auth = auth.clone();
        tasks.spawn(async move { auth.verify(&token).await.status.as_u16() });
    }
    let mut statuses = tasks.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409, 409, 422]);
    assert_eq!(auth.emitted_of::<EmailChanged>().await.len(), 1);
}

#[tokio::test]
async fn a_reset_by_mail_verifies_the_address() {
    let auth = start().await;
    let mara = auth.register("mara").await;
    auth.post("/auth/password/forgot", &json!({"email": email("mara")})).send().await.expect(202);
    auth.settle().await;
    let reset = auth.emitted_of::<PasswordResetRequested>().await.pop().unwrap();
    let token = decrypted(contracts::auth::RESET_TOKEN_ENCRYPTION, &reset.sealed_token);
    auth.post("/auth/password/reset", &json!({"token": token, "newPassword": NEW})).send().await.expect(204);
    assert_eq!(auth.address(mara.user_id).await, (email("mara"), true));
    assert_eq!(auth.emitted_of::<EmailVerified>().await.len(), 1);
}
