use super::*;
use crate::http::{
    Body, DescribeArg, ETag, IdempotencyKey, Json, NoContent, Paged, Paging, Path, Query, Tagged, describe::OperationBuilder,
    routes::Routes,
};
use axum::body::Body as Bytes_;
use contracts::{ids::OrderId, page::Page, text::Sku, time::Timestamp};
use serde::Deserialize;
use serde_json::Value;
use tower::ServiceExt as _;

#[derive(Debug, Deserialize, schemars::JsonSchema)]
struct Note {
    text: String,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[expect(dead_code, reason = "only parsed")]
struct Filter {
    status: Option<String>,
}

/// Accepts `attr.…` and ignores it.
struct Attributes;

impl<S: Sync> axum::extract::FromRequestParts<S> for Attributes {
    type Rejection = Problem;
    async fn from_request_parts(_: &mut axum::http::request::Parts, _: &S) -> Result<Self, Problem> {
        Ok(Attributes)
    }
}

impl DescribeArg for Attributes {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.open_parameter("attr.", "NAME", serde_json::json!({"type": "string"}), "");
    }
}

fn router() -> Router {
    async fn one(Path(id): Path<OrderId>) -> Tagged<Json<OrderId>> {
        Tagged(ETag::of_version(1), Json(id))
    }
    async fn list(paging: Paging) -> Result<Paged<i32>, Problem> {
        let after: i32 = paging.after("numbers")?.unwrap_or(0);
        let rows = (after + 1..).take(paging.fetch() as usize).take_while(|n| *n <= 5).collect();
        Ok(Paged(paging.page("numbers", rows, |last| *last)))
    }
    async fn panics() -> NoContent {
        panic!("secret words")
    }
    async fn slow() -> NoContent {
        std::future::pending().await
    }
    async fn context() -> Json<Vec<String>> {
        let context = Context::current();
        let left = context.remaining(Duration::from_secs(100)).as_millis();
        Json(vec![context.correlation_id.to_string(), left.to_string()])
    }
    async fn keyed(key: IdempotencyKey, Path(_): Path<Sku>, Body(note): Body<Note>) -> Json<Vec<String>> {
        let (hash, path) = (key.request_hash(), key.path().to_owned());
        Json(vec![key.key, key.subject, key.method, path, format!("{:02x}{:02x}", hash[0], hash[1]), note.text])
    }
    async fn filtered(_: Query<Filter>) -> NoContent {
        NoContent
    }
    async fn open(_: Attributes) -> NoContent {
        NoContent
    }
    let (router, _) = Routes::new("toy")
        .get("/orders/{orderId}", one, "")
        .get("/numbers", list, "")
        .get("/panics", panics, "")
        .get("/slow", slow, "")
        .get("/context", context, "")
        .post("/notes/{sku}", keyed, "")
        .get("/filtered", filtered, "")
        .get("/open", open, "")
        .build(());
    RequestLayers::new("toy", Env::seeded(1, Timestamp(1_767_225_600_000_000))).wrap(router)
}

async fn send(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (Response, Value) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router().oneshot(request.body(Bytes_::from(body.to_owned())).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    (Response::from_parts(parts, Bytes_::empty()), serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

#[tokio::test(start_paused = true)]
async fn every_answer_names_its_request_and_is_not_to_be_stored() {
    for (method, path, status, code) in [
        ("GET", "/orders/0190a1b2-0000-7000-8000-000000000000", 200, ""),
        ("HEAD", "/orders/0190a1b2-0000-7000-8000-000000000000", 200, ""),
        ("GET", "/orders/7", 404, "NOT_FOUND"),
        ("GET", "/orders/..%2F..%2Fetc", 404, "NOT_FOUND"),
        ("GET", "/orders/%ff", 404, "NOT_FOUND"),
        ("GET", "/nowhere", 404, "NOT_FOUND"),
        ("DELETE", "/orders/0190a1b2-0000-7000-8000-000000000000", 405, "METHOD_NOT_ALLOWED"),
        ("OPTIONS", "/numbers", 204, ""),
        ("GET", "/panics", 500, "INTERNAL_ERROR"),
        ("GET", "/slow", 503, "TIMEOUT"),
        ("GET", "/numbers?limit=0", 422, "INVALID_REQUEST"),
        ("GET", "/numbers?cursor=made-up", 400, "BAD_CURSOR"),
    ] {
        let (answer, body) = send(method, path, &[("x-correlation-id", "c.1_A-b")], "").await;
        assert_eq!(answer.status(), status, "{method} {path}");
        assert_eq!(answer.headers()["x-correlation-id"], "c.1_A-b", "{method} {path}");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        if !code.is_empty() {
            assert_eq!(body["code"], code, "{method} {path}");
            assert_eq!(body["correlationId"], "c.1_A-b");
            assert_eq!(answer.headers()["content-type"], "application/problem+json");
            assert!(!body.to_string().contains("secret"));
        }
        if status == 405 || method == "OPTIONS" {
            assert_eq!(answer.headers()["allow"], "GET,HEAD");
        }
    }
}

#[tokio::test]
async fn a_correlation_id_that_is_not_valid_is_replaced() {
    for bad in ["", "a b", "a\"b", "ä", &"x".repeat(129), "a;DROP"] {
        let (answer, _) = send("GET", "/numbers", &[("x-correlation-id", bad)], "").await;
        assert_eq!(answer.headers()["x-correlation-id"].len(), 36, "{bad}");
    }
}

#[tokio::test(start_paused = true)]
async fn handlers_run_in_the_context_of_their_request() {
    let headers = [("x-correlation-id", "c"), ("x-deadline-ms", "1500")];
    let (_, body) = send("GET", "/context", &headers, "").await;
    assert_eq!(body, serde_json::json!(["c", "1500"]));
    let (_, body) = send("GET", "/context", &[("x-deadline-ms", "9999999")], "").await;
    assert_eq!(body[1], "30000", "a caller cannot lengthen the time");
}

#[tokio::test]
async fn pages_link_to_the_next_with_the_same_parameters() {
    let (answer, body) = send("GET", "/numbers?limit=%32", &[], "").await;
    let page: Page<i32> = serde_json::from_value(body).unwrap();
    let link = answer.headers()["link"].to_str().unwrap().to_owned();
    assert_eq!(link, format!("</api/v1/numbers?limit=%32&cursor={}>; rel=\"next\"", page.next_cursor.unwrap()));
    let next = link.trim_start_matches("</api/v1").split('>').next().unwrap().to_owned();
    let (_, body) = send("GET", &next, &[], "").await;
    assert_eq!(body["items"], serde_json::json!([3, 4]));
    let (answer, body) = send("GET", "/numbers?limit=5", &[], "").await;
    assert_eq!(body["nextCursor"], Value::Null);
    assert!(!answer.headers().contains_key("link"));
}

#[tokio::test]
async fn a_known_version_is_not_sent_again() {
    let path = "/orders/0190a1b2-0000-7000-8000-000000000000";
    for (wanted, status) in [("\"v1\"", 304), ("W/\"v1\"", 304), ("\"v0\", \"v1\"", 304), ("*", 304), ("\"v2\"", 200), ("junk", 200)] {
        let (answer, body) = send("GET", path, &[("if-none-match", wanted)], "").await;
        assert_eq!(answer.status(), status, "{wanted}");
        assert_eq!(answer.headers()["etag"], "\"v1\"");
        assert_eq!(body.is_null(), status == 304);
    }
}

#[tokio::test]
async fn a_key_carries_its_scope_and_the_hash_of_the_body() {
    let headers = [("content-type", "application/json"), ("idempotency-key", "\"k 1\"")];
    let (answer, body) = send("POST", "/notes/ABC-7", &headers, r#"{"text":"hello"}"#).await;
    assert_eq!(answer.status(), 200, "{body}");
    assert_eq!(body, serde_json::json!(["k 1", "anonymous", "POST", "/notes/ABC-7", "cbbb", "hello"]));
    for spelling in ["/notes/abc-7", "/notes/%61bC%2d7"] {
        let (_, again) = send("POST", spelling, &headers, r#"{"text":"hello"}"#).await;
        assert_eq!(again, body, "{spelling}");
    }
    let (answer, body) = send("POST", "/notes/ABC-7", &headers[..1], r#"{"text":"hello"}"#).await;
    assert_eq!((answer.status().as_u16(), &body["code"]), (400, &Value::from("IDEMPOTENCY_KEY_REQUIRED")));
}

#[tokio::test]
async fn a_parameter_that_an_operation_does_not_have_is_refused() {
    for (method, path, unknown) in [
        ("GET", "/context?foo=1", vec!["foo"]),
        ("GET", "/context?limit=1&cursor=x&limit=1", vec!["limit", "cursor"]),
        ("GET", "/numbers?limit=1&sort=1", vec!["sort"]),
        ("GET", "/filtered?status=A&limit=0", vec!["limit"]),
        ("GET", "/filtered?Status=A", vec!["Status"]),
        ("GET", "/open?attr.colour=red&att.r=1", vec!["att.r"]),
        ("POST", "/notes/ABC-7?foo=1", vec!["foo"]),
    ] {
        let (answer, body) = send(method, path, &[("x-correlation-id", "c")], "").await;
        assert_eq!((answer.status().as_u16(), &body["code"]), (422, &Value::from("INVALID_REQUEST")), "{path}");
        let named: Vec<&str> = body["errors"].as_array().unwrap().iter().filter_map(|fault| fault["parameter"].as_str()).collect();
        assert_eq!(named, unknown, "{path}");
        assert_eq!((&body["errors"][0]["code"], &body["correlationId"]), (&"UNKNOWN_PARAMETER".into(), &"c".into()), "{path}");
    }
    let (_, body) = send("GET", "/numbers?sort=1&limit=0&cursor=a&cursor=b", &[], "").await;
    let codes: Vec<&str> = body["errors"].as_array().unwrap().iter().filter_map(|fault| fault["code"].as_str()).collect();
    assert_eq!(codes, ["UNKNOWN_PARAMETER", "OUT_OF_RANGE", "REPEATED_PARAMETER"], "all faults of a query are named at once");
    assert!(body["detail"].as_str().unwrap().ends_with("; 2 more faults"), "{body}");
    for path in ["/context?", "/context?&", "/numbers?limit=1", "/filtered?status=A", "/open?attr.colour=red&attr.size=1"] {
        assert!(send("GET", path, &[], "").await.0.status().is_success(), "{path}");
    }
    assert_eq!(send("GET", "/context?%zz=1", &[], "").await.0.status(), 400);
}
