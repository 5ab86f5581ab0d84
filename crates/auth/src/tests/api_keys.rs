//! API keys.

use super::*;
use contracts::{
    auth::{ApiKey, ApiKeyToken, CreatedApiKey},
    ids::Uuid,
    page::Page,
    seller::SellerSuspended,
};
use platform::identity::Identity;

impl Auth {
    async fn try_create_key(&self, tokens: &Tokens, body: &Value) -> TestResponse {
        self.post("/api-keys", body).bearer(tokens.access_token.reveal()).send().await
    }

    async fn create_key(&self, tokens: &Tokens) -> CreatedApiKey {
        let body = json!({"name": "Warehouse", "scopes": ["orders:read", "inventory:write"]});
        self.try_create_key(tokens, &body).await.expect(201).read()
    }

    async fn exchange(&self, key: &str) -> TestResponse {
        let token = self.token_of("gateway").await;
        self.post("/internal/auth/api-keys/exchange", &json!({"key": key})).bearer(&token).send().await
    }

    /// Returns what the token of a key says.
    async fn identity_of(&self, key: &CreatedApiKey) -> Identity {
        let token: ApiKeyToken = self.exchange(key.key.reveal()).await.expect(200).read();
        (*self.runtime.verifier.verify(token.access_token.reveal()).await.unwrap()).clone()
    }

    async fn api_keys(&self, tokens: &Tokens) -> Vec<ApiKey> {
        self.get("/api-keys").bearer(tokens.access_token.reveal()).send().await.expect(200).read::<Page<ApiKey>>().items
    }

    async fn is_exchanged(&self, key: &CreatedApiKey) -> bool {
        let answer = self.exchange(key.key.reveal()).await;
        assert!(matches!(answer.status.as_u16(), 200 | 404), "{}", answer.status);
        answer.status == 200
    }
}

#[tokio::test]
async fn a_key_is_shown_once_and_exchanged_for_a_token_of_a_minute() {
    let auth = start().await;
    let mara = auth.register("mara").await;
    let made = auth.create_key(&mara).await;
    let secret = made.key.reveal();
    assert!(secret.starts_with("souk_sk_") && secret.len() == 8 + 43, "{}", secret.len());
    let listed = auth.get("/api-keys").bearer(mara.access_token.reveal()).send().await.expect(200);
    assert!(!String::from_utf8_lossy(&listed.body).contains("souk_sk_"));
    let key = auth.api_keys(&mara).await.remove(0);
    assert_eq!((key.api_key_id, key.name.as_str(), key.last_used_at), (made.api_key_id, "Warehouse", None));
    let identity = auth.identity_of(&made).await;
    assert_eq!((identity.user, identity.is_api_key, &identity.scopes), (Some(mara.user_id), true, &key.scopes));
    assert_eq!(identity.roles, [Role::Customer]);
    assert_eq!(identity.expires, auth.env.now().after(MINUTE).unix_seconds());
    assert_eq!(auth.api_keys(&mara).await[0].last_used_at, Some(auth.env.now()));
    assert_eq!(auth.count("SELECT COUNT(*) FROM api_keys WHERE length(key_hash) = 32").await, 1);
    let order = auth.token_of("order").await;
    auth.post("/internal/auth/api-keys/exchange", &json!({"key": secret})).bearer(&order).send().await.expect_problem(403, "FORBIDDEN");
}

#[tokio::test]
async fn a_key_may_what_its_maker_may_now() {
    let auth = start().await;
    let (admin, mara) = (auth.admin("ada").await, auth.register("mara").await);
    let key = auth.create_key(&mara).await;
    auth.set_roles(&admin, mara.user_id, &[Role::Customer, Role::Admin]).await.expect(200);
    assert_eq!(auth.identity_of(&key).await.roles, [Role::Customer, Role::Admin]);
    auth.set_roles(&admin, mara.user_id, &[Role::Customer]).await.expect(200);
    assert_eq!(auth.identity_of(&key).await.roles, [Role::Customer]);
}

#[tokio::test]
async fn a_deleted_key_is_not_exchanged_and_its_token_ends_within_a_second() {
    let auth = start().await;
    let (mara, other) = (auth.register("mara").await, auth.register("other").await);
    let key = auth.create_key(&mara).await;
    let token: ApiKeyToken = auth.exchange(key.key.reveal()).await.expect(200).read();
    let path = format!("/api-keys/{}", key.api_key_id);
    auth.delete(&path).bearer(other.access_token.reveal()).send().await.expect_problem(404, "NOT_FOUND");
    assert!(auth.is_exchanged(&key).await);
    for _ in 0..2 {
        auth.delete(&path).bearer(mara.access_token.reveal()).send().await.expect(204);
    }
    assert!(!auth.is_exchanged(&key).await && auth.api_keys(&mara).await.is_empty());
    auth.advance(Duration::from_secs(1));
    assert_eq!(auth.runtime.verifier.verify(token.access_token.reveal()).await, Err(platform::identity::Refused::Revoked));
    auth.delete("/api-keys/x").bearer(mara.access_token.reveal()).send().await.expect_problem(404, "NOT_FOUND");
}

#[tokio::test]
async fn keys_end_with_a_lock_and_a_suspension_and_do_not_come_back() {
    let auth = start().await;
    let (admin, mara, seller) = (auth.admin("ada").await, auth.register("mara").await, auth.register("seller").await);
    let (one, two) = (auth.create_key(&mara).await, auth.create_key(&seller).await);
    auth.act(&admin, mara.user_id, "lock").await.expect(200);
    assert!(!auth.is_exchanged(&one).await);
    auth.act(&admin, mara.user_id, "unlock").await.expect(200);
    assert!(!auth.is_exchanged(&one).await);
    auth.deliver(SellerSuspended { seller_id: seller.user_id, reason: None, suspended_by: Some(admin.user_id) }).await;
    assert!(!auth.is_exchanged(&two).await);
    // A new one opens what a suspended seller may.
    assert!(auth.is_exchanged(&auth.create_key(&seller).await).await);
}

#[tokio::test]
async fn a_key_ends_at_its_time_and_its_token_with_it() {
    let auth = start().await;
    let mara = auth.register("mara").await;
    let end = auth.env.now().after(MINUTE / 2);
    let body = json!({"name": "Short", "scopes": ["orders:read"], "expiresAt": end});
    let key: CreatedApiKey = auth.try_create_key(&mara, &body).await.expect(201).read();
    assert_eq!(auth.identity_of(&key).await.expires, end.unix_seconds());
    auth.advance(MINUTE / 2);
    assert!(!auth.is_exchanged(&key).await);
    assert_eq!(auth.api_keys(&mara).await[0].expires_at, Some(end));
}

#[tokio::test]
async fn every_fault_of_a_key_is_named() {
    let auth = start().await;
    let mara = auth.register("mara").await;
    for (body, pointer, code) in [
        (json!({"name": "", "scopes": ["orders:read"]}), "/name", "REQUIRED"),
        (json!({"name": "a", "scopes": []}), "/scopes", "TOO_FEW"),
        (json!({"name": "a", "scopes": ["orders:delete"]}), "/scopes/0", "UNKNOWN_SCOPE"),
        (json!({"name": "a", "scopes": ["auth:write"]}), "/scopes/0", "UNKNOWN_SCOPE"),
        (json!({"name": "a", "scopes": ["orders:read", "orders:read"]}), "/scopes/1", "DUPLICATE"),
        (json!({"name": "a", "scopes": ["orders:read"], "expiresAt": auth.env.now()}), "/expiresAt", "NOT_IN_THE_FUTURE"),
        (json!({"name": "a", "scopes": ["orders:read"], "isAdmin": true}), "/isAdmin", "UNKNOWN_FIELD"),
    ] {
        let refused = auth.try_create_key(&mara, &body).await.expect_problem(422, "INVALID_REQUEST").json();
        assert_eq!((&refused["errors"][0]["pointer"], &refused["errors"][0]["code"]), (&json!(pointer), &json!(code)), "{refused}");
    }
    assert!(auth.api_keys(&mara).await.is_empty());
    for _ in 0..50 {
        auth.create_key(&mara).await;
    }
    let body = json!({"name": "one more", "scopes": ["orders:read"]});
    auth.try_create_key(&mara, &body).await.expect_problem(409, "TOO_MANY_API_KEYS");
    auth.create_key(&auth.register("other").await).await;
}

#[tokio::test]
async fn a_key_opens_nothing_of_auth() {
    let auth = start().await;
    let mara = auth.register("mara").await;
    let every: Vec<&str> = contracts::auth::key_scopes().iter().map(String::as_str).collect();
    let body = json!({"name": "Everything", "scopes": every});
    let key: CreatedApiKey = auth.try_create_key(&mara, &body).await.expect(201).read();
    let token: ApiKeyToken = auth.exchange(key.key.reveal()).await.expect(200).read();
    let operations: Vec<_> = auth.runtime.operations.iter().map(|(_, operation)| operation.clone()).collect();
    let mut tried = 0;
    for operation in operations.iter().filter(|operation| operation.tag == "auth" && !operation.access().grants.is_empty()) {
        let path = operation.path.replace(['{', '}'], "").replace("Id", &Uuid::from_u128(1).to_string());
        let answer = auth.request(operation.method.clone(), &path).bearer(token.access_token.reveal()).json(&json!({})).send().await;
        answer.expect_problem(403, "FORBIDDEN");
        tried += 1;
    }
    assert!(tried >= 10, "{tried}");
    // The key itself is no access token.
    auth.get("/api-keys").bearer(key.key.reveal()).send().await.expect_problem(401, "UNAUTHENTICATED");
}
