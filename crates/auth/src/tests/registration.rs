use super::*;
use axum::{
    Json, Router,
    extract::{Path, State},
    http::HeaderMap,
    routing::put,
};
use contracts::auth::UserRegistered;
use std::sync::{Arc, Mutex};

#[tokio::test]
async fn a_registration_logs_in_and_is_announced() {
    let auth = start().await;
    let body = json!({"email": "Mara@Example.com", "password": PASSWORD, "name": "Mara"});
    let answer = auth.post("/auth/register", &body).send().await.expect(201);
    let tokens: Tokens = answer.read();
    assert_eq!(answer.header("location"), "/api/v1/users/me", "the new user may read it");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!((tokens.token_type.as_str(), tokens.expires_in), ("Bearer", 900));

    let identity = auth.runtime.verifier.verify(tokens.access_token.reveal()).await.unwrap();
    assert_eq!(identity.user, Some(tokens.user_id));
    assert_eq!(identity.roles, [contracts::auth::Role::Customer]);
    assert_eq!(identity.email.as_deref(), Some("mara@example.com"));
    assert!(identity.session.is_some());

    let emitted = auth.emitted_of::<UserRegistered>().await;
    let event = &emitted[0];
    assert_eq!(emitted.len(), 1);
    assert_eq!((event.user_id, event.email.as_str(), event.name.as_str()), (tokens.user_id, "mara@example.com", "Mara"));
    auth.login("mara").await;
    auth.refresh(&tokens).await;
}

#[tokio::test]
async fn an_address_has_one_account_in_upper_and_lower_case() {
    let auth = start().await;
    auth.register("mara").await;
    for address in ["mara@example.com", "MARA@EXAMPLE.COM", " mara@example.com "] {
        let body = json!({"email": address, "password": PASSWORD, "name": "Another"});
        let answer = auth.post("/auth/register", &body).send().await.expect_problem(409, "EMAIL_TAKEN");
        assert_eq!(answer.json()["errors"][0]["pointer"], "/email");
    }
    assert_eq!(auth.emitted_of::<UserRegistered>().await.len(), 1);
}

#[tokio::test]
async fn of_twenty_registrations_of_an_address_at_once_one_succeeds() {
    let auth = Arc::new(start().await);
    let mut tasks = auth.env.task_set();
    for number in 0..20 {
        let auth = auth.clone();
        tasks.spawn(async move {
            let body = json!({"email": "mara@example.com", "password": PASSWORD, "name": format!("Mara {number}")});
            auth.post("/auth/register", &body).send().await.status.as_u16()
        });
    }
    let mut statuses = tasks.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, [vec![201], vec![409; 19]].concat());
    assert_eq!(auth.emitted_of::<UserRegistered>().await.len(), 1);
    assert_eq!(auth.count("SELECT COUNT(*) FROM refresh_tokens").await, 1, "the refused registrations stored nothing");
}

fn body_of(email: &str, password: &str, name: &str) -> Value {
    json!({"email": email, "password": password, "name": name})
}

#[tokio::test]
async fn a_registration_repeated_under_its_key_logs_in() {
    let auth = start().await;
    let body = body_of("mara@example.com", PASSWORD, "Mara");
    let under = |key: &str, body: &Value| auth.post("/auth/register", body).key(key).send();
    let first = under("k-1", &body).await.expect(201);
    let second = under("k-1", &body).await.expect(201);
    assert_eq!(first.header("location"), second.header("location"));
    let (first, second): (Tokens, Tokens) = (first.read(), second.read());
    assert_eq!(first.user_id, second.user_id);
    assert_ne!(first.refresh_token, second.refresh_token, "tokens are not kept");
    auth.refresh(&first).await;
    auth.refresh(&second).await;
    assert_eq!(auth.emitted_of::<UserRegistered>().await.len(), 1);

    under("k-2", &body).await.expect_problem(409, "EMAIL_TAKEN");
    under("k-1", &body_of("mara@example.com", PASSWORD, "Eve")).await.expect_problem(422, "IDEMPOTENCY_KEY_REUSED");
    under("k-1", &body_of("eve@example.com", PASSWORD, "Mara")).await.expect_problem(422, "IDEMPOTENCY_KEY_REUSED");
    // A repetition with a wrong password is a login attempt like any other.
    for _ in 0..10 {
        under("k-1", &body_of("mara@example.com", WRONG, "Mara")).await.expect_problem(409, "EMAIL_TAKEN");
        auth.advance(Duration::from_secs(16));
    }
    under("k-1", &body).await.expect_problem(409, "EMAIL_TAKEN");
    auth.try_login("mara", PASSWORD).await.expect(401);
    assert_eq!(auth.count("SELECT COUNT(*) FROM idempotency").await, 0);
    auth.advance(9 * DAY);
    auth.settle().await;
    assert_eq!(auth.count("SELECT COUNT(*) FROM registrations").await, 0);
    under("k-1", &body_of("eve@example.com", PASSWORD, "Eve")).await.expect(201);
}

#[tokio::test]
async fn repetitions_at_once_open_one_account_and_all_log_in() {
    let auth = Arc::new(start().await);
    let mut tasks = auth.env.task_set();
    for _ in 0..20 {
        let auth = auth.clone();
        tasks.spawn(async move {
            let body = body_of("mara@example.com", PASSWORD, "Mara");
            auth.post("/auth/register", &body).key("k-1").send().await.expect(201).read::<Tokens>().user_id
        });
    }
    let mut users = tasks.join_all().await;
    users.dedup();
    assert_eq!(users.len(), 1);
    assert_eq!(auth.emitted_of::<UserRegistered>().await.len(), 1);
}

#[tokio::test]
async fn of_two_registrations_at_once_under_one_key_one_is_refused() {
    let auth = start().await;
    let send = |name: &'static str| {
        let body = body_of(&email(name), PASSWORD, name);
        let request = auth.post("/auth/register", &body).key("k-1");
        async move { request.send().await.status.as_u16() }
    };
    let (one, two) = tokio::join!(send("mara"), send("lea"));
    let mut statuses = [one, two];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 422]);
    assert_eq!(auth.count("SELECT COUNT(*) FROM credentials").await, 1);
}

#[tokio::test]
async fn every_key_is_checked_and_no_answer_with_tokens_is_kept() {
    let auth = start().await;
    let admin = auth.admin("ada").await;
    let all = auth.runtime.operations.iter().map(|(_, operation)| operation.clone());
    let public = all.filter(|operation| operation.tag == "auth" && !operation.is_internal());
    let posts: Vec<_> = public.filter(|operation| operation.method == axum::http::Method::POST).collect();
    assert_eq!(posts.len(), 14);
    for operation in posts {
        let path = operation.path.replace("{userId}", &admin.user_id.to_string());
        let request = auth.request(operation.method, &path).bearer(admin.access_token.reveal()).key(&"x".repeat(300));
        request.send().await.expect_problem(400, "BAD_IDEMPOTENCY_KEY");
    }
    auth.register("mara").await;
    let login = json!({"email": "mara@example.com", "password": PASSWORD});
    let first: Tokens = auth.post("/auth/login", &login).key("k-2").send().await.expect(200).read();
    let second: Tokens = auth.post("/auth/login", &login).key("k-2").send().await.expect(200).read();
    assert_ne!(first.refresh_token, second.refresh_token);
    assert_eq!(auth.count("SELECT COUNT(*) FROM idempotency").await, 0);
}

type Calls = Arc<Mutex<Vec<(String, String, Value)>>>;

#[tokio::test]
async fn the_profile_is_there_when_the_answer_arrives() {
    async fn ensure(State(calls): State<Calls>, Path(user): Path<String>, headers: HeaderMap, Json(body): Json<Value>) -> Json<Value> {
        let bearer = headers["authorization"].to_str().unwrap().to_owned();
        calls.lock().unwrap().push((user.clone(), bearer, body.clone()));
        let mut profile = body;
        profile["userId"] = user.into();
        profile["phone"] = Value::Null;
        profile["createdAt"] = "2026-01-01T00:00:00Z".into();
        profile["updatedAt"] = "2026-01-01T00:00:00Z".into();
        Json(profile)
    }
    let calls = Calls::default();
    let user = Router::new().route("/internal/users/{userId}", put(ensure)).with_state(calls.clone());
    let auth = Auth(cheap().upstream("user", user).start().await);
    let tokens = auth.register("mara").await;
    let calls = std::mem::take(&mut *calls.lock().unwrap());
    let [(user, bearer, body)] = calls.try_into().unwrap();
    assert_eq!(user, tokens.user_id.to_string());
    assert_eq!(body, json!({"email": "mara@example.com", "name": "mara", "roles": ["CUSTOMER"]}));
    // With a token that auth issued to itself.
    let identity = auth.runtime.verifier.verify(bearer.strip_prefix("Bearer ").unwrap()).await.unwrap();
    assert_eq!(identity.client.as_deref(), Some("auth"));
}

#[tokio::test]
async fn a_registration_holds_when_the_user_service_is_down() {
    let down = Router::new().fallback(|| async { axum::http::StatusCode::SERVICE_UNAVAILABLE });
    let auth = Auth(cheap().upstream("user", down).start().await);
    auth.register("mara").await;
    assert_eq!(auth.emitted_of::<UserRegistered>().await.len(), 1);
}
