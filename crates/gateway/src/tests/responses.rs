use super::*;

/// Returns one response of every kind: of services, of the gateway and of its pages, successes and errors.
async fn one_of_each() -> Vec<(&'static str, TestResponse)> {
    let site = build().set(|settings| settings.login_per_minute = 1.try_into().unwrap()).limited().start();
    let mut answers = Vec::new();
    for (what, method, path, headers) in [
        ("JSON", "GET", "/api/v1/cart", &[][..]),
        ("nothing", "POST", "/api/v1/products", &[]),
        ("an unchanged copy", "GET", "/api/v1/products/tagged", &[("if-none-match", "\"v1\"")]),
        ("a wrong method", "PUT", "/api/v1/products", &[]),
        ("a wrong method of the edge", "PUT", "/healthz", &[]),
        ("no token", "GET", "/api/v1/orders/mine", &[]),
        ("a panic", "GET", "/api/v1/products/panics", &[]),
        ("no path", "GET", "/api/v1/nothing", &[]),
        ("no page", "GET", "/nothing", &[]),
        ("too large", "POST", "/api/v1/products", &[("content-length", "1048577")]),
        ("a login", "POST", "/api/v1/auth/login", &[]),
        ("too many logins", "POST", "/api/v1/auth/login", &[]),
        ("compressed", "GET", "/api/v1/products", &[("accept-encoding", "gzip")]),
        ("a page", "GET", "/problems", &[]),
        ("a style", "GET", "/api/style.css", &[]),
        ("a script", "GET", "/api/docs/docs.js", &[]),
        ("the description", "GET", "/api/v1/openapi.json", &[]),
        ("a probe", "GET", "/healthz", &[]),
        ("options", "OPTIONS", "/api/v1/products", &[]),
    ] {
        answers.push((what, site.request(method, path, headers).await));
    }
    answers
}

#[tokio::test]
async fn every_response_has_the_security_headers() {
    let answers = one_of_each().await;
    let statuses: Vec<u16> = answers.iter().map(|(_, got)| got.status).collect();
    assert_eq!(statuses, [200, 204, 304, 405, 405, 401, 500, 404, 404, 413, 200, 429, 200, 200, 200, 200, 200, 200, 204]);
    for (what, got) in answers {
        assert_eq!(got.headers("x-content-type-options"), "nosniff", "{what}");
        assert_eq!(got.headers("x-frame-options"), "DENY", "{what}");
        assert_eq!(got.headers("referrer-policy"), "same-origin", "{what}");
        assert_eq!(got.headers.get_all("x-correlation-id").iter().count(), 1, "{what}");
        assert!(!got.headers.contains_key("server") && !got.headers.contains_key("strict-transport-security"), "{what}");
        assert!(got.headers.contains_key("cache-control"), "{what}");
        let policies = got.headers.get_all("content-security-policy").iter().count();
        assert_eq!(policies, usize::from(got.status != 304), "{what}");
        if got.status >= 400 {
            let code = got.json()["code"].as_str().unwrap().to_owned();
            got.is_problem(&code);
        }
    }
}

#[tokio::test]
async fn the_content_security_policy_depends_on_the_kind_of_response() {
    let site = site();
    let policy = async |path: &str| site.get(path).await.header("content-security-policy").to_owned();
    assert_eq!(policy("/api/v1/cart").await, "default-src 'none'; frame-ancestors 'none'");
    assert_eq!(policy("/api/v1/nothing").await, "default-src 'none'; frame-ancestors 'none'");
    let page = policy("/api/docs").await;
    assert!(page.starts_with("default-src 'none'; script-src 'self';") && !page.contains("unsafe"), "{page}");
    assert!(!policy("/api/v1/products/drawing").await.contains("script"));
    let own = || async { ([("content-security-policy", "sandbox")], "a") };
    let site = Builder { extra: Router::new().route("/own", get(own)), ..build() }.start();
    assert_eq!(site.get("/own").await.headers("content-security-policy"), "sandbox");
}

#[tokio::test]
async fn strict_transport_security_is_sent_when_https_is_set() {
    let site = build().set(|settings| settings.https = true).start();
    for path in ["/api/v1/cart", "/nothing"] {
        assert_eq!(site.get(path).await.header("strict-transport-security"), "max-age=31536000");
    }
}

#[tokio::test]
async fn every_response_has_the_correlation_id() {
    let site = site();
    for path in ["/api/v1/cart", "/api/v1/nothing", "/problems", "/nothing"] {
        let got = site.request("GET", path, &[("x-correlation-id", "mine-1")]).await;
        assert_eq!(got.headers("x-correlation-id"), "mine-1", "{path}");
        assert_eq!(site.request("GET", path, &[("x-correlation-id", "a b")]).await.header("x-correlation-id").len(), 36, "{path}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    let site = site();
    let ask = async |bytes: &str| site.request("POST", "/api/v1/products", &[("content-length", bytes)]).await;
    assert_eq!(ask("1048576").await.status, 204);
    let refused = ask("1048577").await;
    refused.is_problem("PAYLOAD_TOO_LARGE");
    assert_eq!(refused.json()["detail"], "the body may have at most 1048576 bytes");
    assert_eq!((refused.status, refused.header("connection")), (413, "close"));
}

#[tokio::test]
async fn a_panic_does_not_reveal_its_message() {
    let got = site().get("/api/v1/products/panics").await;
    got.is_problem("INTERNAL_ERROR");
    assert!(!got.text().contains("secret"));
}

#[tokio::test]
async fn a_request_head_that_is_too_large_is_refused_with_a_problem_document() {
    let site = site();
    let name = |number: usize| format!("x-header-{number}");
    let names: Vec<String> = (0..64).map(name).collect();
    let headers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "v")).collect();
    let wide = "v".repeat(8 * 1024);
    let path = |bytes: usize| format!("/api/v1/products?{}", "q".repeat(bytes - "/api/v1/products?".len()));
    for path in [path(8 * 1024), "/api/v1/products".to_owned()] {
        assert_eq!(site.request("POST", &path, &headers).await.status, 204);
    }
    let long = site.get(&path(8 * 1024 + 1)).await;
    long.is_problem("URI_TOO_LONG");
    assert_eq!(long.status, 414);
    let more: Vec<(&str, &str)> = headers.iter().copied().chain([("x-one-more", "v")]).collect();
    for headers in [more, names[..4].iter().map(|name| (name.as_str(), wide.as_str())).collect()] {
        let large = site.request("GET", "/healthz", &headers).await;
        large.is_problem("HEADERS_TOO_LARGE");
        assert_eq!(large.status, 431);
    }
}
