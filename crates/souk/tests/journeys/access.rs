//! Every route of the OpenAPI description: without a token, and with invalid input.

use super::server::Server;
use hyper::Method;
use serde_json::{Value, json};
use souk::api_client::raw;

/// Method, path with its parameters filled in, and description of every operation.
fn operations(document: &Value) -> Vec<(Method, String, Value)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let filled: Vec<&str> = path.split('/').map(fill).collect();
            let filled = filled.join("/");
            found.push((method.to_uppercase().parse().expect("a method"), filled, operation.clone()));
        }
    }
    found
}

fn fill(part: &str) -> &str {
    match part {
        "{service}" => "order",
        "{sku}" => "NO-SUCH-SKU",
        part if part.starts_with('{') => "01890000-0000-7000-8000-000000000001",
        part => part,
    }
}

/// Paths are below the base of the API, except those at the root.
fn below_base(path: &str) -> String {
    if path.starts_with("/.well-known") { format!("/{path}") } else { path.to_owned() }
}

#[tokio::test]
async fn the_description_is_served_and_every_path_of_it_reaches_its_service() {
    let server = Server::start().await;
    let document = server.guest().must(raw(Method::GET, "/openapi.json")).await;
    assert_eq!(document["openapi"], "3.1.0");
    let all = operations(&document);
    assert!(all.len() > 60, "{} operations", all.len());
    for (method, path, _) in &all {
        let reply = server.guest().send(raw(method.clone(), &below_base(path))).await;
        let detail = reply.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(detail != "there is no such path" && reply.status != 405, "{method} {path}: {} {detail}", reply.status);
    }
}

#[tokio::test]
async fn routes_that_require_a_token_reject_requests_without_one() {
    let server = Server::start().await;
    let document = server.guest().must(raw(Method::GET, "/openapi.json")).await;
    let mut closed = 0;
    for (method, path, operation) in operations(&document) {
        let security = operation["security"].as_array().cloned().unwrap_or_default();
        let open = security.is_empty() || security.iter().any(|way| way == &json!({}));
        if open {
            continue;
        }
        closed += 1;
        let request = raw(method.clone(), &below_base(&path)).body(&json!({}));
        assert_eq!(server.guest().send(request.clone()).await.problem(), (401, "UNAUTHENTICATED".to_owned()), "{method} {path}");
        let forged = server.api.with_token("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.");
        assert_eq!(forged.send(request).await.unwrap().status, 401, "{method} {path}");
    }
    assert!(closed > 40, "{closed} closed routes");
}

#[tokio::test]
async fn invalid_input_is_rejected_with_a_problem_everywhere() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let document = server.guest().must(raw(Method::GET, "/openapi.json")).await;
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let huge = format!("{{\"a\":\"{}\"}}", "x".repeat(10_000_000));
    let bodies: [(&str, &str, Vec<u8>); 12] = [
        ("not JSON", "application/json", b"{".to_vec()),
        ("a list", "application/json", b"[]".to_vec()),
        ("a number", "application/json", b"1e400".to_vec()),
        ("null", "application/json", b"null".to_vec()),
        ("unknown fields", "application/json", br#"{"isAdmin":true,"__proto__":{}}"#.to_vec()),
        ("a key twice", "application/json", br#"{"a":1,"a":2}"#.to_vec()),
        ("broken UTF-8", "application/json", b"{\"a\":\"\xff\xfe\"}".to_vec()),
        ("NUL", "application/json", b"{\"name\":\"a\\u0000b\"}".to_vec()),
        ("deep", "application/json", deep.into_bytes()),
        ("huge", "application/json", huge.into_bytes()),
        ("another type", "text/plain", b"{}".to_vec()),
        ("SQL for a number", "application/json", br#"{"quantity":"1; DROP TABLE orders; --"}"#.to_vec()),
    ];
    for (method, path, operation) in operations(&document) {
        if operation.get("requestBody").is_none() {
            continue;
        }
        // A request without content may say so by `null`.
        let takes_null = operation["requestBody"]["required"] != true;
        for (what, kind, body) in bodies.iter().filter(|(what, ..)| *what != "null" || !takes_null) {
            let request = raw(method.clone(), &below_base(&path)).key("bad").bytes(kind, body.clone());
            // A server that rejects ten megabytes may close the connection while they are sent.
            let Ok(reply) = admin.api.send(request).await else {
                assert_eq!(*what, "huge", "{method} {path} with {what}");
                continue;
            };
            let status = reply.status.as_u16();
            assert!((400..500).contains(&status), "{method} {path} with {what}: {status} {}", reply.json());
            let problem = reply.json();
            assert!(problem["code"].is_string() && problem["correlationId"].is_string(), "{method} {path} with {what}: {problem}");
            assert!(!problem.to_string().to_lowercase().contains("sqlite"), "{problem}");
        }
    }
    for (method, path, _) in operations(&document) {
        let reply = server.guest().send(raw(method.clone(), &below_base(&path)).query("nonsense", 1)).await;
        let problem = reply.json();
        assert_eq!((reply.status.as_u16(), &problem["errors"][0]["parameter"]), (422, &json!("nonsense")), "{method} {path}: {problem}");
    }
    for query in ["?limit=0", "?limit=101", "?limit=x", "?cursor=%00", "?cursor=AAAA", "?nonsense=1", "?limit=1&limit=2"] {
        for path in ["/products", "/orders", "/admin/orders", "/audit/events", "/notifications", "/inventory/stock"] {
            let reply = admin.send(raw(Method::GET, &format!("{path}{query}"))).await;
            assert!(matches!(reply.status.as_u16(), 400 | 422), "{path}{query}: {}", reply.status);
        }
    }
    for path in [
        "/orders/..%2f..%2fetc",
        "/orders/1",
        "/orders/%00",
        "/products/by-sku/%2e%2e",
        "/../admin",
        "/internal/cart/01890000-0000-7000-8000-000000000001",
    ] {
        let reply = admin.send(raw(Method::GET, path)).await;
        assert_eq!(reply.status, 404, "{path}");
    }
    let names: Vec<String> = (0..150).map(|number| format!("x-header-{number}")).collect();
    let many = names.iter().fold(raw(Method::GET, "/products"), |request, name| request.header(name, "v"));
    let long = raw(Method::GET, &format!("/products?{}", "q".repeat(60_000)));
    for (request, status, code) in [(many, 431, "HEADERS_TOO_LARGE"), (long, 414, "URI_TOO_LONG")] {
        assert_eq!(server.guest().send(request).await.problem(), (status, code.to_owned()));
    }
    assert!(server.api.is_ready().await);
}
