use super::*;
use crate::{
    env::Env,
    http::{Json, NoContent, RequestLayers, Routes},
};
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use contracts::{
    ids::{ApiKeyId, UserId, Uuid},
    time::Timestamp,
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tower::ServiceExt as _;

const HOUR: Duration = Duration::from_secs(3600);
const MARA: UserId = UserId(Uuid::from_u128(7));

fn env() -> Env {
    Env::seeded(1, "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap())
}

fn verifier(env: &Env, key: &SigningKey) -> Verifier {
    Verifier::new(env.clone(), &Jwks { keys: vec![key.public()] })
}

#[tokio::test]
async fn a_token_says_who_its_bearer_is_until_it_ends() {
    let env = env();
    let key = SigningKey::generate(&env);
    let verifier = verifier(&env, &key);
    let token = key.sign(&Claims { email: Some("m@example.com".into()), ..Claims::user(&env, MARA, &[Role::Customer], HOUR) });
    for _ in 0..2 {
        let identity = verifier.verify(&token).await.unwrap();
        assert_eq!(identity.user, Some(MARA));
        assert_eq!(identity.email.as_deref(), Some("m@example.com"));
        assert!(identity.has_role(Role::Customer) && !identity.has_role(Role::Admin));
    }
    env.advance(HOUR - Duration::from_secs(1));
    verifier.verify(&token).await.unwrap();
    env.advance(Duration::from_secs(1));
    assert_eq!(verifier.verify(&token).await, Err(Refused::Expired), "remembering it does not prolong it");
}

#[test]
fn a_role_that_only_a_newer_build_knows_is_ignored() {
    let mut claims = serde_json::to_value(Claims::user(&env(), MARA, &[Role::Seller], HOUR)).unwrap();
    assert_eq!(claims["roles"], serde_json::json!(["SELLER"]));
    claims["roles"] = serde_json::json!(["CUSTOMER", "COURIER", "ADMIN"]);
    assert_eq!(serde_json::from_value::<Claims>(claims).unwrap().roles, [Role::Customer, Role::Admin]);
}

#[tokio::test]
async fn tokens_that_are_not_ours_are_refused() {
    let env = env();
    let key = SigningKey::generate(&env);
    let other = SigningKey::generate(&env);
    let verifier = verifier(&env, &key);
    let claims = Claims::user(&env, MARA, &[Role::Admin], HOUR);
    let good = key.sign(&claims);
    verifier.verify(&good).await.unwrap();
    let [head, body, signature]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();

    let mut richer = claims.clone();
    richer.sub = UserId(Uuid::from_u128(8)).to_string();
    let tampered = format!("{head}.{}.{signature}", B64.encode(serde_json::to_vec(&richer).unwrap()));
    let none = format!("{}.{body}.", B64.encode(r#"{"alg":"none","typ":"JWT"}"#));
    let none_signed = format!("{}.{body}.{signature}", B64.encode(format!(r#"{{"alg":"none","kid":"{}"}}"#, key.kid())));
    // The public key as an HMAC secret: the classical confusion of algorithms.
    let hs_head = B64.encode(format!(r#"{{"alg":"HS256","typ":"JWT","kid":"{}"}}"#, key.kid()));
    let mut mac = Hmac::<Sha256>::new_from_slice(&B64.decode(key.public().x).unwrap()).unwrap();
    mac.update(format!("{hs_head}.{body}").as_bytes());
    let hs256 = format!("{hs_head}.{body}.{}", B64.encode(mac.finalize().into_bytes()));
    let disguised = {
        let token = other.sign(&claims);
        let rest = token.split_once('.').unwrap().1.to_owned();
        format!("{head}.{rest}")
    };

    for (what, token) in [
        ("tampered", tampered),
        ("alg none", none),
        ("alg none, signed", none_signed),
        ("HS256", hs256),
        ("another key", other.sign(&claims)),
        ("another key under our name", disguised),
        ("another audience", key.sign(&Claims { aud: "elsewhere".into(), ..claims.clone() })),
        ("another issuer", key.sign(&Claims { iss: "elsewhere".into(), ..claims.clone() })),
        ("not yet", key.sign(&Claims { nbf: Some(claims.iat + 600), ..claims.clone() })),
        ("nobody", key.sign(&Claims { sub: "nobody".into(), ..claims.clone() })),
        ("cut", good[..good.len() - 4].to_owned()),
        ("empty", String::new()),
        ("dots", "..".into()),
        ("long", "x".repeat(100_000)),
        ("text", "' OR 1=1 --".into()),
    ] {
        assert_eq!(verifier.verify(&token).await, Err(Refused::Invalid), "{what}");
    }
    env.advance(HOUR);
    assert_eq!(verifier.verify(&key.sign(&claims)).await, Err(Refused::Expired));
}

#[tokio::test]
async fn a_retired_key_stops_being_taken_although_its_tokens_are_remembered() {
    let env = env();
    let (old, new) = (SigningKey::generate(&env), SigningKey::generate(&env));
    let verifier = verifier(&env, &old);
    let token = old.sign(&Claims::user(&env, MARA, &[], HOUR));
    verifier.verify(&token).await.unwrap();
    verifier.set_keys(&Jwks { keys: vec![new.public()] });
    assert_eq!(verifier.verify(&token).await, Err(Refused::Invalid));
}

#[tokio::test]
async fn unknown_keys_are_fetched_once_a_minute_at_most() {
    let env = env();
    let key = SigningKey::generate(&env);
    let (fetches, broken) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(1)));
    let source: KeySource = {
        let (fetches, broken, keys) = (fetches.clone(), broken.clone(), Jwks { keys: vec![key.public()] });
        Arc::new(move || {
            fetches.fetch_add(1, Ordering::SeqCst);
            let answer = if broken.swap(0, Ordering::SeqCst) == 1 { Err("auth is down".to_owned()) } else { Ok(keys.clone()) };
            Box::pin(async move { answer })
        })
    };
    let verifier = Verifier::fetching(env.clone(), source, None);
    let token = key.sign(&Claims::user(&env, MARA, &[], HOUR));
    assert_eq!(verifier.verify(&token).await, Err(Refused::KeysUnavailable));
    assert_eq!(verifier.verify(&token).await, Err(Refused::KeysUnavailable));
    env.advance(Duration::from_secs(1));
    verifier.verify(&token).await.unwrap();
    assert_eq!(fetches.load(Ordering::SeqCst), 2);
    for _ in 0..10 {
        let stranger = SigningKey::generate(&env).sign(&Claims::user(&env, MARA, &[], HOUR));
        assert_eq!(verifier.verify(&stranger).await, Err(Refused::Invalid));
    }
    assert_eq!(fetches.load(Ordering::SeqCst), 2);
    env.advance(Duration::from_secs(60));
    let stranger = SigningKey::generate(&env).sign(&Claims::user(&env, MARA, &[], HOUR));
    assert_eq!(verifier.verify(&stranger).await, Err(Refused::Invalid));
    assert_eq!(fetches.load(Ordering::SeqCst), 3);
}

#[test]
fn a_key_has_the_same_name_wherever_it_is_loaded() {
    let key = SigningKey::generate(&env());
    assert_eq!(SigningKey::from_bytes(&key.to_bytes()).kid(), key.kid());
    assert!(!format!("{key:?}").contains(&B64.encode(key.to_bytes())));
    // RFC 8037, appendix A.3.
    let rfc = B64.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap().try_into().unwrap();
    let rfc = SigningKey::from_bytes(&rfc);
    assert_eq!(rfc.public().x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    assert_eq!(rfc.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let written = serde_json::to_string(&Jwks { keys: vec![rfc.public()] }).unwrap();
    assert_eq!(serde_json::from_str::<Jwks>(&written).unwrap().keys[0], rfc.public());
}

struct Upstreams;
impl ClientMarker for Upstreams {
    const CLIENTS: &'static [&'static str] = &["order"];
    const SCOPE: Option<&'static str> = Some("stock:write");
}

fn router(env: &Env, key: &SigningKey) -> Router {
    async fn any(_: User) -> NoContent {
        NoContent
    }
    async fn customer(_: Customer) -> NoContent {
        NoContent
    }
    async fn seller(_: Seller) -> NoContent {
        NoContent
    }
    async fn seller_of_record(_: SellerOfRecord) -> NoContent {
        NoContent
    }
    async fn seller_of_record_or_admin(_: SellerOfRecordOrAdmin) -> NoContent {
        NoContent
    }
    async fn admin_or_order(_: Either<Admin, ServiceOf<Upstreams>>) -> NoContent {
        NoContent
    }
    async fn service(_: Service) -> NoContent {
        NoContent
    }
    async fn whose(viewer: Viewer) -> Json<Option<UserId>> {
        Json(viewer.owner())
    }
    async fn maybe(user: MaybeUser) -> Json<Option<UserId>> {
        Json(user.id())
    }
    let (router, _) = Routes::new("t")
        .get("/any", any, "")
        .get("/customer", customer, "")
        .get("/seller", seller, "")
        .get("/record", seller_of_record, "")
        .get("/record-or-admin", seller_of_record_or_admin, "")
        .get("/mixed", admin_or_order, "")
        .get("/service", service, "")
        .get("/whose", whose, "")
        .get("/maybe", maybe, "")
        .build(());
    RequestLayers::new("t", env.clone()).verifier(verifier(env, key)).wrap(router)
}

#[tokio::test]
async fn an_api_key_opens_what_its_scopes_name_and_nothing_else_is_forgotten() {
    async fn one(user: User) -> Json<UserId> {
        Json(user.id)
    }
    async fn maybe(user: MaybeUser) -> Json<Option<UserId>> {
        Json(user.id())
    }
    let (env, mut statuses) = (env(), Vec::new());
    let key = SigningKey::generate(&env);
    let routes = Routes::new("t").get("/orders/{id}", one, "").post("/orders", one, "").get("/products", maybe, "");
    let (router, _) = routes.get("/auth/sessions", one, "").post("/api-keys", one, "").build(());
    let router = RequestLayers::new("t", env.clone()).verifier(verifier(&env, &key)).wrap(router);
    let held = ApiKeyId(Uuid::from_u128(9));
    let scopes = |scopes: &str| key.sign(&Claims::api_key(&env, MARA, &[Role::Customer], held, scopes, HOUR));
    let user = key.sign(&Claims::user(&env, MARA, &[Role::Customer], HOUR));
    let paths = [
        ("GET", "/orders/1"),
        ("HEAD", "/orders/1"),
        ("POST", "/orders"),
        ("GET", "/products"),
        ("GET", "/auth/sessions"),
        ("POST", "/api-keys"),
    ];
    for token in [scopes("orders:read"), scopes("orders:write products:read"), scopes("auth:read api-keys:write"), user] {
        for (method, path) in paths {
            let request = Request::builder().method(method).uri(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
            statuses.push(router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status().as_u16());
        }
    }
    let wanted = [[200, 200, 403, 403, 403, 403], [403, 403, 200, 200, 403, 403], [403; 6], [200; 6]];
    assert_eq!(statuses, wanted.concat());
    // A verifier of an earlier build knows one audience, and a service is no maker of a key.
    assert_ne!(API_KEY_AUDIENCE, AUDIENCE);
    let service = Claims { aud: API_KEY_AUDIENCE.into(), ..Claims::service(&env, "order", "internal", HOUR) };
    assert_eq!(verifier(&env, &key).verify(&key.sign(&service)).await, Err(Refused::Invalid));
}

async fn send(router: &Router, path: &str, authorization: Option<String>) -> (StatusCode, String) {
    let mut request = Request::get(path);
    if let Some(value) = authorization {
        request = request.header(header::AUTHORIZATION, value);
    }
    let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn the_first_argument_says_who_may_call() {
    let env = env();
    let key = SigningKey::generate(&env);
    let router = router(&env, &key);
    let bearer = |claims: Claims| Some(format!("Bearer {}", key.sign(&claims)));
    let customer = bearer(Claims::user(&env, MARA, &[Role::Customer], HOUR));
    let admin = bearer(Claims::user(&env, MARA, &[Role::Admin], HOUR));
    let order = bearer(Claims::service(&env, "order", "internal", HOUR));
    let namesake = bearer(Claims::service(&env, "order", "shipping:events", HOUR));
    let scoped = bearer(Claims::service(&env, "carrier", "stock:write x", HOUR));
    let seller = bearer(Claims { seller_id: Some(MARA), ..Claims::user(&env, MARA, &[Role::Seller], HOUR) });
    let suspended = bearer(Claims { seller_id: Some(MARA), ..Claims::user(&env, MARA, &[Role::Customer], HOUR) });
    let stolen = bearer(Claims { seller_id: Some(UserId(Uuid::from_u128(8))), ..Claims::user(&env, MARA, &[Role::Customer], HOUR) });
    let before_records = bearer(Claims::user(&env, MARA, &[Role::Seller], HOUR));
    // A service whose token claims a role is no admin.
    let sly = bearer(Claims { roles: vec![Role::Admin], ..Claims::service(&env, "cart", "internal", HOUR) });
    for (path, who, status) in [
        ("/any", None, 401),
        ("/any", customer.clone(), 204),
        ("/any", order.clone(), 403),
        ("/customer", customer.clone(), 204),
        ("/customer", admin.clone(), 403),
        ("/mixed", None, 401),
        ("/mixed", admin.clone(), 204),
        ("/mixed", order.clone(), 204),
        ("/mixed", scoped.clone(), 204),
        ("/mixed", namesake.clone(), 403),
        ("/service", namesake, 403),
        ("/mixed", sly.clone(), 403),
        ("/mixed", customer.clone(), 403),
        ("/service", sly, 204),
        ("/service", customer.clone(), 403),
        ("/seller", seller.clone(), 204),
        ("/seller", suspended.clone(), 403),
        ("/record", None, 401),
        ("/record", seller, 204),
        ("/record", suspended, 204),
        ("/record", before_records, 204),
        ("/record", stolen, 403),
        ("/record", customer.clone(), 403),
        ("/record", admin.clone(), 403),
        ("/record", order.clone(), 403),
        ("/record-or-admin", admin.clone(), 204),
        ("/record-or-admin", customer.clone(), 403),
        ("/maybe", None, 200),
        ("/maybe", Some("Bearer nonsense".into()), 401),
        ("/maybe", Some("Basic bTpt".into()), 401),
    ] {
        let (got, body) = send(&router, path, who.clone()).await;
        assert_eq!(got.as_u16(), status, "{path} {who:?} {body}");
    }
    assert_eq!(send(&router, "/whose", admin).await.1, "null");
    assert_eq!(send(&router, "/whose", customer).await.1, format!("\"{MARA}\""));
}
