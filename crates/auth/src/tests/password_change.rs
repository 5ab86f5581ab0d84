use super::*;
use contracts::auth::{PasswordChanged, PasswordResetRequested, UserUnlocked};
use platform::{encryption, master_key::MasterKey};
use std::sync::Arc;

const NEW: &str = "a new password";

impl Auth {
    async fn forgot(&self, name: &str) -> TestResponse {
        let answer = self.post("/auth/password/forgot", &json!({"email": email(name)})).send().await.expect(202);
        assert!(answer.body.is_empty());
        answer
    }

    /// Returns the token of the newest reset mail, decrypted as the notification service does.
    async fn mailed_token(&self) -> String {
        self.settle().await;
        let events = self.emitted_of::<PasswordResetRequested>().await;
        let key = MasterKey::new([7; 32]).key_for(contracts::auth::RESET_TOKEN_ENCRYPTION);
        let token = encryption::decrypt(&key, &events.last().expect("a mail was requested").sealed_token)
            .expect("the notification service decrypts it");
        String::from_utf8(token).unwrap()
    }

    async fn reset(&self, token: &str) -> TestResponse {
        self.post("/auth/password/reset", &json!({"token": token, "newPassword": NEW})).send().await
    }
}

#[tokio::test]
async fn a_changed_password_ends_every_other_login() {
    let auth = start().await;
    let other = auth.register("mara").await;
    let own = auth.login("mara").await;
    let own = auth.refresh(&own).await;
    auth.change_password(&own, PASSWORD, NEW).await.expect(204);
    auth.refresh_is_refused(&other).await;
    auth.refresh(&own).await;
    auth.try_login("mara", PASSWORD).await.expect(401);
    auth.try_login("mara", NEW).await.expect(200);
    let emitted = auth.emitted_of::<PasswordChanged>().await;
    assert_eq!(emitted, [PasswordChanged { user_id: own.user_id, email: email("mara"), by_reset: false }]);
}

#[tokio::test]
async fn the_current_password_cannot_be_guessed_with_a_stolen_token() {
    let auth = start().await;
    let mara = auth.register("mara").await;
    for _ in 0..5 {
        let answer = auth.change_password(&mara, WRONG, NEW).await.expect_problem(422, "WRONG_PASSWORD");
        assert_eq!(answer.json()["errors"][0]["pointer"], "/currentPassword");
    }
    let answer = auth.change_password(&mara, PASSWORD, NEW).await.expect_problem(429, "RATE_LIMITED");
    assert_eq!(answer.header("retry-after"), "1");
    // It does not block logins, and failed logins do not block a change of the password.
    auth.login("mara").await;
    auth.fail_logins("mara", 10).await;
    auth.change_password(&mara, PASSWORD, NEW).await.expect(204);
    auth.try_login("mara", NEW).await.expect(200);
}

#[tokio::test]
async fn a_locked_account_cannot_change_its_password() {
    let auth = start().await;
    let admin = auth.admin("ada").await;
    let mara = auth.register("mara").await;
    auth.act(&admin, mara.user_id, "lock").await.expect(200);
    auth.change_password(&mara, PASSWORD, NEW).await.expect_problem(403, "FORBIDDEN");
}

#[tokio::test]
async fn two_changes_at_once_are_one_after_the_other() {
    let auth = Arc::new(start().await);
    let mara = auth.register("mara").await;
    let mut tasks = auth.env.task_set();
    for number in 0..4 {
        let (auth, mara) = (auth.clone(), mara.clone());
        tasks.spawn(async move { auth.change_password(&mara, PASSWORD, &format!("password {number}")).await.status.as_u16() });
    }
    let mut statuses = tasks.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 422, 422, 422], "the others gave a password that is no longer the current one");
}

#[tokio::test]
async fn a_mailed_token_sets_a_new_password_once() {
    let auth = start().await;
    let mara = auth.register("mara").await;
    auth.post("/auth/password/forgot", &json!({"email": "MARA@example.com"})).header("x-correlation-id", "c-7").send().await.expect(202);
    let token = auth.mailed_token().await;
    let events = auth.emitted_of::<PasswordResetRequested>().await;
    assert_eq!((events[0].user_id, events[0].email.as_str()), (mara.user_id, "mara@example.com"));
    assert_eq!(events[0].expires_at, auth.env.now().after(60 * MINUTE));
    assert_eq!(auth.emitted().await.last().unwrap().correlation_id, "c-7", "the mail is part of the request");

    auth.reset(&token).await.expect(204);
    auth.refresh_is_refused(&mara).await;
    auth.try_login("mara", PASSWORD).await.expect(401);
    auth.try_login("mara", NEW).await.expect(200);
    auth.reset(&token).await.expect_problem(422, "INVALID_RESET_TOKEN");
    let emitted = auth.emitted_of::<PasswordChanged>().await;
    assert_eq!(emitted, [PasswordChanged { user_id: mara.user_id, email: email("mara"), by_reset: true }]);
}

#[tokio::test]
async fn of_two_that_use_a_reset_token_at_once_one_does() {
    let auth = Arc::new(start().await);
    auth.register("mara").await;
    auth.forgot("mara").await;
    let token = auth.mailed_token().await;
    let mut tasks = auth.env.task_set();
    for _ in 0..4 {
        let (auth, token) = (auth.clone(), token.clone());
        tasks.spawn(async move { auth.reset(&token).await.status.as_u16() });
    }
    let mut statuses = tasks.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 422, 422, 422]);
    assert_eq!(auth.emitted_of::<PasswordChanged>().await.len(), 1);
}

/// The request stores the same row for every address; only the worker looks for the account.
#[tokio::test]
async fn a_reset_request_says_nothing_about_accounts() {
    let auth = start().await;
    auth.register("mara").await;
    let (known, unknown) = (auth.forgot("mara").await, auth.forgot("unknown").await);
    let names = |answer: &TestResponse| answer.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&known), names(&unknown));
    assert_eq!(auth.count("SELECT COUNT(*) FROM reset_requests").await, 2);
    assert!(auth.emitted_of::<PasswordResetRequested>().await.is_empty(), "nothing depends on the account yet");
    auth.complete().await;
    assert_eq!(auth.emitted_of::<PasswordResetRequested>().await.len(), 1);
    assert_eq!(auth.count("SELECT COUNT(*) FROM reset_requests").await, 0);
}

#[tokio::test]
async fn an_account_gets_a_bounded_number_of_reset_mails() {
    let auth = start().await;
    auth.register("mara").await;
    for _ in 0..10 {
        auth.forgot("mara").await;
        auth.complete().await;
    }
    assert_eq!(auth.emitted_of::<PasswordResetRequested>().await.len(), 3);
    // The last link that was mailed works, and after an hour there are new ones.
    let token = auth.mailed_token().await;
    auth.advance(61 * MINUTE);
    auth.reset(&token).await.expect_problem(422, "INVALID_RESET_TOKEN");
    auth.forgot("mara").await;
    let token = auth.mailed_token().await;
    auth.reset(&token).await.expect(204);
}

#[tokio::test]
async fn a_changed_password_invalidates_reset_links() {
    let auth = start().await;
    let mara = auth.register("mara").await;
    auth.forgot("mara").await;
    let token = auth.mailed_token().await;
    auth.change_password(&mara, PASSWORD, "another password").await.expect(204);
    auth.reset(&token).await.expect_problem(422, "INVALID_RESET_TOKEN");
}

#[tokio::test]
async fn a_reset_ends_a_lock_by_failed_logins_and_none_by_an_administrator() {
    let auth = start().await;
    let admin = auth.admin("ada").await;
    let mara = auth.register("mara").await;
    auth.fail_logins("mara", 10).await;
    auth.forgot("mara").await;
    let token = auth.mailed_token().await;
    auth.reset(&token).await.expect(204);
    auth.try_login("mara", NEW).await.expect(200);
    assert_eq!(auth.emitted_of::<UserUnlocked>().await.len(), 1);

    auth.forgot("mara").await;
    let token = auth.mailed_token().await;
    auth.act(&admin, mara.user_id, "lock").await.expect(200);
    auth.reset(&token).await.expect_problem(422, "INVALID_RESET_TOKEN");
    auth.forgot("mara").await;
    auth.complete().await;
    assert_eq!(auth.emitted_of::<PasswordResetRequested>().await.len(), 2, "a locked account gets no mail");
}

#[tokio::test]
async fn made_up_reset_tokens_are_refused() {
    let auth = start().await;
    auth.register("mara").await;
    auth.forgot("mara").await;
    let sealed = {
        auth.complete().await;
        auth.emitted_of::<PasswordResetRequested>().await[0].sealed_token.clone()
    };
    for token in ["x", &sealed, "' OR 1=1 --", &"x".repeat(4096)] {
        auth.reset(token).await.expect_problem(422, "INVALID_RESET_TOKEN");
    }
}
