//! The service through its entry points.

mod admin;
mod api_keys;
mod cleanup;
mod email;
mod erasing;
mod input;
mod keys;
mod login;
mod merging;
mod password_change;
mod registration;
mod revocation;
mod secrets;
mod seller_role;
mod service_tokens;
mod sessions;
mod spelling;
mod token_refresh;

use crate::{Settings, operator, service};
use contracts::{
    auth::{Account, Role, Tokens},
    ids::UserId,
    secret::NewPassword,
    text::{Email, Name},
};
use platform::testing::{Harness, HarnessBuilder, TestResponse};
use serde_json::{Value, json};
use std::{ops::Deref, time::Duration};

const PASSWORD: &str = "correct horse battery";
const WRONG: &str = "incorrect horse battery";
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn statements_prepare() {
    platform::testing::assert_statements_prepare(&service(), env!("CARGO_MANIFEST_DIR"));
}

/// Auth under test, with cheap hashes.
struct Auth(Harness);

impl Deref for Auth {
    type Target = Harness;
    fn deref(&self) -> &Harness {
        &self.0
    }
}

fn cheap() -> HarnessBuilder {
    Harness::of(service()).setting("argon2_memory_kib", 8).setting("argon2_iterations", 1).setting("hashing_parallelism", 2)
}

/// The same settings for the command line.
fn cheap_settings() -> Settings {
    Settings { argon2_memory_kib: 8, argon2_iterations: 1, ..Settings::default() }
}

async fn start() -> Auth {
    Auth(cheap().start().await)
}

fn email(name: &str) -> String {
    format!("{name}@example.com")
}

impl Auth {
    async fn register(&self, name: &str) -> Tokens {
        let body = json!({"email": email(name), "password": PASSWORD, "name": name});
        self.post("/auth/register", &body).send().await.expect(201).read()
    }

    async fn try_login(&self, name: &str, password: &str) -> TestResponse {
        self.post("/auth/login", &json!({"email": email(name), "password": password})).send().await
    }

    /// Logs in from this address, as reported by a gateway on another machine.
    async fn try_login_from(&self, address: &str, name: &str, password: &str) -> TestResponse {
        let body = json!({"email": email(name), "password": password});
        self.post("/auth/login", &body).header("x-forwarded-for", address).send().await
    }

    async fn login(&self, name: &str) -> Tokens {
        self.try_login(name, PASSWORD).await.expect(200).read()
    }

    async fn try_refresh(&self, token: &str) -> TestResponse {
        self.post("/auth/refresh", &json!({"refreshToken": token})).send().await
    }

    async fn refresh(&self, tokens: &Tokens) -> Tokens {
        self.try_refresh(tokens.refresh_token.reveal()).await.expect(200).read()
    }

    async fn refresh_is_refused(&self, tokens: &Tokens) {
        self.try_refresh(tokens.refresh_token.reveal()).await.expect_problem(401, "INVALID_REFRESH_TOKEN");
    }

    /// Creates an administrator by the command line and logs in.
    async fn admin(&self, name: &str) -> Tokens {
        let (email, password) = (Email::parse(&email(name)).unwrap(), NewPassword::parse(PASSWORD).unwrap());
        operator::create_admin(self.db(), &cheap_settings(), email, &password, Name::parse(name).unwrap()).await.unwrap();
        self.login(name).await
    }

    async fn set_roles(&self, by: &Tokens, user: UserId, roles: &[Role]) -> TestResponse {
        let body = json!({"roles": roles});
        self.put(&format!("/auth/users/{user}/roles"), &body).bearer(by.access_token.reveal()).send().await
    }

    /// `lock` or `unlock`.
    async fn act(&self, by: &Tokens, user: UserId, verb: &str) -> TestResponse {
        let path = format!("/auth/users/{user}/{verb}");
        self.request(axum::http::Method::POST, &path).bearer(by.access_token.reveal()).send().await
    }

    async fn account(&self, admin: &Tokens, user: UserId) -> Account {
        // Checks the token and reads the account as administrators see it.
        let identity = self.runtime.verifier.verify(admin.access_token.reveal()).await.unwrap();
        assert!(identity.has_role(Role::Admin));
        self.db().read(async move |tx| crate::actions::view(tx, user).await).await.unwrap()
    }

    async fn change_password(&self, tokens: &Tokens, current: &str, new: &str) -> TestResponse {
        let body = json!({"currentPassword": current, "newPassword": new});
        self.post("/auth/password/change", &body).bearer(tokens.access_token.reveal()).send().await
    }

    /// Fails `count` logins, each after the longest wait.
    async fn fail_logins(&self, name: &str, count: u32) {
        for _ in 0..count {
            self.try_login(name, WRONG).await.expect_problem(401, "INVALID_CREDENTIALS");
            self.advance(Duration::from_secs(16));
        }
    }

    async fn count(&self, sql: &'static str) -> i64 {
        self.db().read(async move |tx| tx.query_one(sql, &[], |row| row.next()).await).await.map_err(|e: platform::db::Error| e).unwrap()
    }
}

/// Returns a problem document without what differs from request to request.
fn bare(answer: &TestResponse) -> (u16, Vec<String>, Value) {
    let mut body = answer.json();
    body.as_object_mut().unwrap().remove("correlationId");
    let mut headers: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
    headers.sort();
    (answer.status.as_u16(), headers, body)
}
