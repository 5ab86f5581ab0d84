//! API keys become access tokens here.

use super::*;
use contracts::{
    auth::{API_KEY_PREFIX, Role},
    ids::ApiKeyId,
};
use platform::client::{Client, TokenSource};
use std::sync::atomic::{AtomicU32, Ordering};

/// An auth that knows one key, and counts what it is asked.
struct Auth {
    asked: Arc<AtomicU32>,
    client: Client,
}

const KEY: &str = "souk_sk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const MAKER: UserId = UserId(contracts::ids::Uuid::from_u128(7));

/// The token of the key, signed by the key of the test edge.
fn auth(expires_in: u64) -> Auth {
    let env = Env::seeded(42, Timestamp(1_767_225_600_000_000));
    let signing = SigningKey::generate(&env);
    let claims = Claims::api_key(&env, MAKER, &[Role::Customer], ApiKeyId(MAKER.0), "orders:read", Duration::from_secs(60));
    let token = signing.sign(&claims);
    let asked = Arc::new(AtomicU32::new(0));
    let count = asked.clone();
    let exchange = move |Json(body): Json<Value>| async move {
        count.fetch_add(1, Ordering::Relaxed);
        match body["key"] == KEY {
            true => Ok(Json(json!({"accessToken": token, "expiresIn": expires_in}))),
            false => Err(platform::http::Problem::new(contracts::problem::Code::NOT_FOUND)),
        }
    };
    let client = Client::new(env.clone());
    let router = Router::new().route("/internal/auth/api-keys/exchange", post(exchange));
    client.register_in_process("auth", RequestLayers::new("auth", env.clone()).wrap(router));
    let until = env.now().after(Duration::from_secs(3_600));
    let source: TokenSource = Arc::new(move || Box::pin(async move { Ok(("token of the gateway".to_owned(), until)) }));
    client.set_tokens(source);
    Auth { asked, client }
}

fn edge(auth: &Auth) -> Builder {
    Builder { client: Some(auth.client.clone()), ..build() }
}

async fn with(edge: &TestEdge, method: &str, path: &str, key: &str) -> TestResponse {
    edge.request(method, path, &[("authorization", &format!("Bearer {key}"))]).await
}

#[tokio::test]
async fn a_service_gets_the_token_and_not_the_key() {
    let auth = auth(60);
    let edge = edge(&auth).start();
    let mine = with(&edge, "GET", "/api/v1/orders/mine", KEY).await;
    assert_eq!((mine.status, mine.text()), (200, MAKER.to_string()));
    let echoed = with(&edge, "GET", "/api/v1/users/me", KEY).await;
    assert!(echoed.text().contains("Bearer ey") && !echoed.text().contains(API_KEY_PREFIX), "{}", echoed.text());
    assert_eq!(auth.asked.load(Ordering::Relaxed), 1, "the token is cached");
}

#[tokio::test(start_paused = true)]
async fn a_token_is_exchanged_anew_before_it_ends() {
    let auth = auth(60);
    let edge = edge(&auth).start();
    for (after, asked) in [(0, 1), (44, 1), (2, 2)] {
        tokio::time::advance(Duration::from_secs(after)).await;
        with(&edge, "GET", "/api/v1/users/me", KEY).await;
        assert_eq!(auth.asked.load(Ordering::Relaxed), asked);
    }
}

#[tokio::test]
async fn a_key_that_does_not_count_is_refused_on_public_routes_too() {
    let auth = auth(60);
    let edge = edge(&auth).start();
    for (method, path) in [("GET", "/api/v1/products"), ("POST", "/api/v1/orders"), ("POST", "/api/v1/auth/login")] {
        let refused = with(&edge, method, path, "souk_sk_made-up").await;
        assert_eq!(refused.status, 401, "{method} {path}");
        refused.is_problem("UNAUTHENTICATED");
    }
    let nowhere = with(&build().start(), "GET", "/api/v1/products", KEY).await;
    assert_eq!(nowhere.status, 503, "auth cannot be asked");
}

#[tokio::test]
async fn made_up_keys_are_taken_from_the_quota_of_their_address() {
    let auth = auth(60);
    let edge = edge(&auth).limited().set(|settings| settings.writes_per_second = 3.try_into().unwrap()).start();
    let mut statuses = Vec::new();
    for number in 0..5 {
        statuses.push(with(&edge, "DELETE", "/api/v1/cart", &format!("souk_sk_{number}")).await.status);
    }
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
    assert_eq!(auth.asked.load(Ordering::Relaxed), 3);
}
