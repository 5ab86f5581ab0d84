//! API keys through the whole program: what they open, and when they end.

use super::{
    marketplace::CHEAP_PASSWORDS,
    server::{PASSWORD, Person, Server},
};
use contracts::{
    auth::{CREATE_API_KEY, CreateApiKey, CreatedApiKey, DELETE_API_KEY, LIST_API_KEYS, LOCK_ACCOUNT, key_scopes},
    body::BoundedVec,
    cart::GET_CART,
    user::GET_PROFILE,
};
use hyper::Method;
use serde_json::{Value, json};
use souk::api_client::{Api, raw, request};
use std::time::Duration;
use tokio::time::Instant;

async fn make_key(person: &Person, scopes: &[&str]) -> CreatedApiKey {
    let scopes = BoundedVec::new(scopes.iter().map(|scope| scope.parse().unwrap()).collect()).unwrap();
    let body = CreateApiKey { name: "Warehouse".parse().unwrap(), scopes, expires_at: None };
    person.must(request(&CREATE_API_KEY).body(&body)).await
}

fn with_key(server: &Server, key: &CreatedApiKey) -> Person {
    Server::guest_of(&server.api.with_token(key.key.reveal()))
}

/// Waits until the key is refused, a second at most beside the time of the requests.
async fn until_refused(keyed: &Person) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while keyed.send(request(&GET_CART)).await.status != 401 {
        assert!(Instant::now() < deadline, "the key counts still");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_key_is_used_in_the_place_of_its_maker_until_it_ends() {
    let server = Server::start_with(&CHEAP_PASSWORDS).await;
    let (admin, mara) = (server.admin().await, server.customer("mara").await);
    let key = make_key(&mara, &["cart:read", "users:read"]).await;
    let keyed = with_key(&server, &key);
    let profile = keyed.must(request(&GET_PROFILE)).await;
    assert_eq!(profile.email, "mara@example.com");
    keyed.must(request(&GET_CART)).await;
    let forbidden = (403, "FORBIDDEN".to_owned());
    assert_eq!(keyed.send(raw(Method::DELETE, "/cart")).await.problem(), forbidden);
    assert_eq!(keyed.send(raw(Method::POST, "/api-keys").body(&json!({"name": "x", "scopes": ["cart:read"]}))).await.problem(), forbidden);
    let change = json!({"currentPassword": PASSWORD, "newPassword": "another long password"});
    assert_eq!(keyed.send(raw(Method::POST, "/auth/password/change").body(&change)).await.problem(), forbidden);
    let listed = mara.must(request(&LIST_API_KEYS)).await.items;
    assert!(listed.len() == 1 && listed[0].last_used_at.is_some(), "{listed:?}");
    let made_up = Server::guest_of(&server.api.with_token("souk_sk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    assert_eq!(made_up.send(request(&GET_CART)).await.problem(), (401, "UNAUTHENTICATED".to_owned()));
    assert_eq!(made_up.send(raw(Method::GET, "/products")).await.status, 401);

    mara.must(request(&DELETE_API_KEY).path(key.api_key_id)).await;
    until_refused(&keyed).await;
    let key = make_key(&mara, &["cart:read"]).await;
    let keyed = with_key(&server, &key);
    keyed.must(request(&GET_CART)).await;
    admin.must(request(&LOCK_ACCOUNT).path(profile.user_id)).await;
    until_refused(&keyed).await;
    server.stop_and_check().await;
}

fn filled(path: &str) -> String {
    let part = |part| match part {
        "{service}" => "order",
        part if str::starts_with(part, '{') => "01890000-0000-7000-8000-000000000001",
        part => part,
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// Why a key was refused, if it was for what it opens and not for what its maker may.
fn refusal(problem: &Value) -> Option<String> {
    let detail = problem["detail"].as_str().unwrap_or_default();
    (detail.starts_with("API keys are") || detail.starts_with("the API key lacks")).then(|| detail.to_owned())
}

#[tokio::test]
async fn every_operation_takes_a_key_by_the_scope_that_its_description_names() {
    let server = Server::start_with(&CHEAP_PASSWORDS).await;
    let mara = server.customer("mara").await;
    let document: Value = server.guest().must(raw(Method::GET, "/openapi.json")).await;
    let every: Vec<&str> = key_scopes().iter().map(String::as_str).collect();
    let whole = make_key(&mara, &every).await;
    let (mut open, mut closed) = (0, 0);
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            // Those without a role take no token at all.
            if operation.get("x-roles").is_none() {
                continue;
            }
            let (name, about) = (format!("{method} {path}"), operation["description"].as_str().unwrap());
            let send = async |api: &Api| {
                let call = raw(method.to_uppercase().parse().unwrap(), &filled(path)).key("k");
                let call = if operation.get("requestBody").is_some() { call.body(&json!({})) } else { call };
                let reply = api.send(call).await.unwrap();
                assert_ne!(reply.status, 401, "{name}");
                (reply.status.as_u16(), refusal(&reply.json()))
            };
            // That one would erase the maker.
            let (_, refused) = match name.as_str() {
                "delete /users/me" => (0, None),
                _ => send(&with_key(&server, &whole).api).await,
            };
            let Some(scope) = operation["x-scopes"][0].as_str() else {
                assert!(about.contains("API keys are not taken."), "{name}: {about}");
                assert_eq!(refused.as_deref(), Some("API keys are not taken here"), "{name}");
                closed += 1;
                continue;
            };
            assert!(about.contains(&format!("An API key needs the scope `{scope}`.")), "{name}: {about}");
            assert_eq!(refused, None, "{name}");
            let others: Vec<&str> = every.iter().copied().filter(|other| *other != scope).collect();
            let lacking = make_key(&mara, &others).await;
            let wanted = Some(format!("the API key lacks the scope {scope}"));
            assert_eq!(send(&with_key(&server, &lacking).api).await, (403, wanted), "{name}");
            mara.must(request(&DELETE_API_KEY).path(lacking.api_key_id)).await;
            open += 1;
        }
    }
    assert!(open > 100 && closed >= 10, "{open} and {closed} operations");
}
