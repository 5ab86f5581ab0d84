use super::*;
use crate::{
    http::{Body, IdempotencyKey, Json, Limits, Paging, Path, Problem, RawBody, RequestLayers, Routes, State, serve},
    identity::{Claims, Jwks, Service, SigningKey, User, Verifier},
};
use axum::http::HeaderMap;
use contracts::{
    ids::{OrderId, Uuid},
    problem::Code,
    time::Timestamp,
};
use std::sync::{
    Mutex,
    atomic::{AtomicU32, Ordering},
};

#[derive(Debug, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Numbers {
    numbers: Vec<i32>,
}

const ECHO: Call<Numbers, Vec<String>> = Call::post_keyed("toy", "/orders/{orderId}/echo");
const ME: Call<(), String> = Call::get("toy", "/me");
const FLAKY: Call<(), u32> = Call::get("toy", "/flaky");
const FLAKY_ONCE: Call<(), u32> = Call::post("toy", "/flaky");
const GONE: Call<(), u32> = Call::get("toy", "/gone");
const SLOW: Call<(), u32> = Call::get("toy", "/slow");

#[derive(Clone)]
struct Toy {
    /// How often `/flaky` fails before it works.
    fails: Arc<AtomicU32>,
    calls: Arc<AtomicU32>,
}

async fn echo(
    service: Service,
    Path(id): Path<OrderId>,
    _: Paging,
    key: IdempotencyKey,
    headers: HeaderMap,
    Body(body): Body<Numbers>,
) -> Json<Vec<String>> {
    let deadline = headers[http::DEADLINE_MS].to_str().unwrap().parse::<u64>().unwrap();
    let correlation = Context::current().correlation_id.to_string();
    Json(vec![service.client, id.to_string(), key.key, correlation, (deadline <= 2_000).to_string(), format!("{:?}", body.numbers)])
}
async fn me(user: User) -> Json<String> {
    Json(user.id.to_string())
}
async fn flaky(State(toy): State<Toy>, _: RawBody) -> Result<Json<u32>, Problem> {
    let calls = toy.calls.fetch_add(1, Ordering::SeqCst) + 1;
    let fails = toy.fails.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
    if fails { Err(Problem::new(Code::OVERLOADED)) } else { Ok(Json(calls)) }
}
async fn gone(_: Paging) -> Result<Json<u32>, Problem> {
    Err(Problem::new(Code::INSUFFICIENT_STOCK).member("lines", [1]))
}
async fn slow() -> Json<u32> {
    std::future::pending().await
}

struct Stage {
    client: Client,
    toy: Toy,
    env: Env,
    fetched: Arc<AtomicU32>,
}

fn stage() -> (Stage, Router) {
    let env = Env::seeded(3, "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap());
    let key = SigningKey::generate(&env);
    let toy = Toy { fails: Arc::default(), calls: Arc::default() };
    let (router, _) = Routes::new("toy")
        .post("/orders/{orderId}/echo", echo, "")
        .get("/me", me, "")
        .get("/flaky", flaky, "")
        .post("/flaky", flaky, "")
        .get("/gone", gone, "")
        .get("/slow", slow, "")
        .build(toy.clone());
    let verifier = Verifier::new(env.clone(), &Jwks { keys: vec![key.public()] });
    let router = RequestLayers::new("toy", env.clone()).verifier(verifier).wrap(router);
    let client = Client::new(env.clone());
    let fetched = Arc::new(AtomicU32::new(0));
    let source: TokenSource = {
        let (env, fetched) = (env.clone(), fetched.clone());
        Arc::new(move || {
            fetched.fetch_add(1, Ordering::SeqCst);
            let ttl = Duration::from_secs(300);
            let token = key.sign(&Claims::service(&env, "order", "internal", ttl));
            let ends = env.now().after(ttl);
            Box::pin(async move { Ok((token, ends)) })
        })
    };
    client.set_tokens(source);
    (Stage { client, toy, env, fetched }, router)
}

fn register_http(stage: &Stage, address: &str) {
    stage.client.register_remote("toy", Remote::new(&stage.env, "toy", &[address.to_owned()]));
}

async fn exercise(stage: &Stage) {
    let client = &stage.client;
    let id = OrderId(Uuid::from_u128(9));
    let context = Context::new("c-9").with_deadline(Instant::now() + Duration::from_secs(2));
    let answer = context.scope(client.call(&ECHO).path(&[&id]).body(&Numbers { numbers: vec![1, 2] }).key("a \"b\"").send()).await.unwrap();
    assert_eq!(answer, ["order", &id.to_string(), "a \"b\"", "c-9", "true", "[1, 2]"]);

    assert_eq!(client.call(&ME).auth(Auth::Anonymous).send().await.unwrap_err().code(), Some(Code::UNAUTHENTICATED));

    let refused = client.call(&GONE).send().await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::INSUFFICIENT_STOCK));
    assert!(!refused.retryable());
    assert_eq!(refused.document().unwrap().members["lines"], serde_json::json!([1]));
    assert_eq!(Problem::from(refused).members()["lines"], serde_json::json!([1]));

    let late = client.call(&SLOW).timeout(Duration::from_millis(30)).send().await.unwrap_err();
    assert!(matches!(&late, CallError::Timeout) || late.code() == Some(Code::TIMEOUT), "{late}");
    assert_eq!(Problem::from(late).status(), 503);
}

#[tokio::test]
async fn an_upstream_in_process_and_one_over_http_are_called_alike() {
    let (here, router) = stage();
    here.client.register_in_process("toy", router);
    exercise(&here).await;
    let (there, router) = stage();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    register_http(&there, &format!("http://{}/", listener.local_addr().unwrap()));
    let env = there.env.clone();
    there.env.spawn(serve(listener, router, Limits::default(), env, std::future::pending()));
    exercise(&there).await;
}

#[tokio::test(start_paused = true)]
async fn only_idempotent_calls_are_repeated() {
    let (stage, router) = stage();
    stage.client.register_in_process("toy", router);
    stage.toy.fails.store(2, Ordering::SeqCst);
    assert_eq!(stage.client.call(&FLAKY).send().await.unwrap(), 3);
    stage.toy.fails.store(1, Ordering::SeqCst);
    assert_eq!(stage.client.call(&FLAKY_ONCE).send().await.unwrap_err().code(), Some(Code::OVERLOADED));
    assert_eq!(stage.toy.calls.load(Ordering::SeqCst), 4);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_is_down_is_not_called_until_it_recovers() {
    let (stage, router) = stage();
    stage.client.register_in_process("toy", router);
    stage.toy.fails.store(u32::MAX, Ordering::SeqCst);
    for _ in 0..50 {
        let _ = stage.client.call(&FLAKY_ONCE).send().await;
    }
    assert_eq!(stage.toy.calls.load(Ordering::SeqCst), 8, "a 503 is a failure, and the breaker opens");
    assert!(matches!(stage.client.call(&FLAKY_ONCE).send().await, Err(CallError::Open)));
    stage.toy.fails.store(0, Ordering::SeqCst);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(stage.client.call(&FLAKY_ONCE).send().await.unwrap(), 9);
}

#[tokio::test]
async fn an_address_without_a_listener_is_a_dependency_that_is_down() {
    let (stage, _) = stage();
    register_http(&stage, "http://127.0.0.1:1");
    let error = stage.client.call(&GONE).send().await.unwrap_err();
    assert!(matches!(error, CallError::Unavailable(_)) && error.retryable());
    assert_eq!(Problem::from(error).code(), Code::DEPENDENCY_UNAVAILABLE);
}

#[tokio::test]
async fn the_services_token_is_kept_until_shortly_before_it_ends() {
    let (stage, router) = stage();
    stage.client.register_in_process("toy", router);
    let id = OrderId(Uuid::from_u128(9));
    let go = || async { stage.client.call(&ECHO).path(&[&id]).body(&Numbers::default()).key("k").send().await.unwrap() };
    go().await;
    go().await;
    assert_eq!(stage.fetched.load(Ordering::SeqCst), 1);
    stage.env.advance(Duration::from_secs(275));
    go().await;
    assert_eq!(stage.fetched.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_token_is_fetched_from_auth_by_client_credentials() {
    let (stage, _) = stage();
    let seen = Arc::new(Mutex::new(String::new()));
    async fn token(State(seen): State<Arc<Mutex<String>>>, RawBody(body): RawBody) -> Json<serde_json::Value> {
        *seen.lock().unwrap() = String::from_utf8(body.to_vec()).unwrap();
        Json(serde_json::json!({"access_token": "t", "token_type": "Bearer", "expires_in": 60, "scope": "internal"}))
    }
    let (auth, _) = Routes::new("auth").post("/auth/token", token, "").build(seen.clone());
    stage.client.register_in_process("auth", RequestLayers::new("auth", stage.env.clone()).wrap(auth));
    let (token, ends) = client_credentials(&stage.client, "order", "s&c=t")().await.unwrap();
    assert_eq!((token.as_str(), ends), ("t", stage.env.now().after(Duration::from_secs(60))));
    assert_eq!(*seen.lock().unwrap(), "client_id=order&client_secret=s%26c%3Dt&grant_type=client_credentials");
}

#[tokio::test]
async fn the_trace_is_passed_to_the_upstream_of_an_upstream() {
    const TRACED: Call<(), String> = Call::get("far", "/trace");
    async fn far(headers: HeaderMap) -> Json<String> {
        Json(headers[http::TRACEPARENT].to_str().unwrap().to_owned())
    }
    async fn near(State(client): State<Client>) -> Result<Json<String>, Problem> {
        Ok(Json(client.call(&TRACED).auth(Auth::Anonymous).send().await?))
    }
    let (stage, _) = stage();
    let wrapped = |routes: Router| RequestLayers::new("toy", stage.env.clone()).wrap(routes);
    stage.client.register_in_process("far", wrapped(Routes::new("far").get("/trace", far, "").build(()).0));
    stage.client.register_in_process("near", wrapped(Routes::new("near").get("/trace", near, "").build(stage.client.clone()).0));
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let request = Request::get("/trace").header(http::TRACEPARENT, trace).body(axum::body::Body::empty()).unwrap();
    let answer = stage.client.forward("near", request, Instant::now() + Duration::from_secs(5)).await.unwrap();
    let body = axum::body::to_bytes(answer.into_body(), 1_000).await.unwrap();
    assert_eq!(body, format!("\"{trace}\""));
}

#[tokio::test]
async fn a_call_that_is_built_wrongly_is_not_sent() {
    let (stage, router) = stage();
    stage.client.register_in_process("toy", router);
    for outgoing in [
        stage.client.call(&ECHO).body(&Numbers::default()).key("k"),
        stage.client.call(&ECHO).path(&[&1, &2]).body(&Numbers::default()).key("k"),
        stage.client.call(&ECHO).path(&[&1]).body(&Numbers::default()),
    ] {
        assert!(matches!(outgoing.send().await, Err(CallError::Misused(_))));
    }
    let unknown: Call<(), ()> = Call::get("nobody", "/");
    assert!(matches!(stage.client.call(&unknown).send().await, Err(CallError::Unknown)));
}

#[test]
fn a_query_type_becomes_parameters() {
    #[derive(serde::Serialize)]
    struct Filter {
        status: Option<&'static str>,
        after: Option<u32>,
        tag: Vec<&'static str>,
        #[serde(flatten)]
        attributes: HashMap<&'static str, bool>,
    }
    let (stage, _) = stage();
    let filter = Filter { status: Some("A&B"), after: None, tag: vec!["x", "y"], attributes: HashMap::from([("attr.new", true)]) };
    let call = stage.client.call(&GONE).query(&filter).query(&());
    assert_eq!(call.path, "/gone?attr.new=true&status=A%26B&tag=x&tag=y");
    assert!(matches!(stage.client.call(&GONE).query(&[1]).check(), Err(CallError::Misused(_))));
}

#[tokio::test]
async fn the_gateway_passes_requests_on_as_they_are() {
    for over_http in [false, true] {
        let (stage, router) = stage();
        if over_http {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            register_http(&stage, &format!("http://{}", listener.local_addr().unwrap()));
            let env = stage.env.clone();
            stage.env.spawn(serve(listener, router, Limits::default(), env, std::future::pending()));
        } else {
            stage.client.register_in_process("toy", router);
        }
        let request = Request::get("/gone?limit=1").header("x-correlation-id", "edge").body(axum::body::Body::empty()).unwrap();
        let answer = stage.client.forward("toy", request, Instant::now() + Duration::from_secs(5)).await.unwrap();
        assert_eq!((answer.status().as_u16(), &answer.headers()["x-correlation-id"]), (409, &HeaderValue::from_static("edge")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_dependency_that_is_down_does_not_open_the_breaker_of_its_upstream() {
    let (stage, _) = stage();
    async fn provider() -> Problem {
        Problem::new(Code::PROVIDER_UNAVAILABLE)
    }
    let router = Router::new().route("/gone", axum::routing::get(provider));
    stage.client.register_in_process("toy", RequestLayers::new("toy", stage.env.clone()).wrap(router));
    for _ in 0..20 {
        assert_eq!(stage.client.call(&GONE).send().await.unwrap_err().code(), Some(Code::PROVIDER_UNAVAILABLE));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_service_token_is_no_fault_of_the_caller() {
    let (stage, router) = stage();
    stage.client.register_in_process("toy", router);
    let error = stage.client.call(&ME).send().await.unwrap_err();
    assert!(matches!(error, CallError::Status(status) if status.as_u16() == 403));
    assert_eq!(Problem::from(error).status(), 503);
}

#[tokio::test]
async fn a_call_can_be_made_from_a_task_of_its_own() {
    let (stage, router) = stage();
    stage.client.register_in_process("toy", router);
    let client = stage.client.clone();
    // The references that fill the path live as long as the call.
    let task = stage.env.spawn(async move {
        let id = OrderId(Uuid::from_u128(9));
        client.call(&ECHO).path(&[&id]).body(&Numbers::default()).key("k").send().await
    });
    task.await.unwrap().unwrap();
}
