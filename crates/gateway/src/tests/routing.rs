use super::*;

#[tokio::test]
async fn a_request_reaches_its_service_under_the_path_without_the_prefix() {
    let site = site();
    let body = site.get("/api/v1/orders/7/shipments?limit=5&cursor=a%2Fb").await.json();
    assert_eq!((&body["service"], &body["path"]), (&json!("shipping"), &json!("/orders/7/shipments")));
    assert_eq!(body["query"], "limit=5&cursor=a%2Fb");
    assert_eq!(site.get("/.well-known/jwks.json").await.json()["service"], "auth");
    let encoded = site.get("/api/v1/products/by-sku/A%20b").await.json();
    assert_eq!(encoded["path"], "/products/by-sku/A%20b");
    let absolute = site.get("http://shop.example/api/v1/cart").await.json();
    assert_eq!((&absolute["service"], &absolute["path"]), (&json!("cart"), &json!("/cart")));
}

#[tokio::test]
async fn an_encoded_character_makes_no_other_path() {
    let site = site();
    for path in ["/api/v1/%63art", "/%61pi/v1/cart", "/api/%76%31/cart", "http://shop.example/api/v1/car%74"] {
        let body = site.get(path).await.json();
        assert_eq!((&body["service"], &body["path"]), (&json!("cart"), &json!("/cart")), "{path}");
    }
    let body = site.get("/api/v1/products/by-sku/%41%2d%c3%a9%2C?q=%41").await.json();
    assert_eq!((&body["path"], &body["query"]), (&json!("/products/by-sku/A-%C3%A9%2C"), &json!("q=%41")));
    assert_eq!(site.get("/%68ealthz").await.status, 200);
    assert_eq!(site.get("/%70roblems").await.status, 200);
    for path in ["/api/v1/%69nternal/cart/1", "/%69nternal/cart/1", "/api/v1/cart%2fitems", "/api/v1/cart%2Fitems"] {
        site.get(path).await.is_problem("NOT_FOUND");
    }
    for path in ["/api/v1/products/%zz", "/api/v1/products/%2", "/api/v1/products/%", "/%gg"] {
        let got = site.get(path).await;
        got.is_problem("MALFORMED_REQUEST");
        assert_eq!(got.status, 400, "{path}");
    }
}

#[tokio::test]
async fn an_encoded_body_is_refused() {
    let site = site();
    for encoding in ["gzip", "br", "deflate, gzip", "identity, gzip"] {
        let got = site.request("POST", "/api/v1/cart/items", &[("content-encoding", encoding)]).await;
        got.is_problem("UNSUPPORTED_MEDIA_TYPE");
        assert_eq!((got.status, got.header("accept-encoding")), (415, "identity"), "{encoding}");
    }
    assert_eq!(site.request("POST", "/api/v1/cart/items", &[("content-encoding", "identity")]).await.status, 200);
    assert_eq!(site.request("POST", "/api/v1/nothing", &[("content-encoding", "gzip")]).await.status, 404);
}

#[tokio::test]
async fn paths_that_are_not_public_are_not_found() {
    let site = site();
    for path in [
        "/internal/cart/1",
        "/api/v1/internal/cart/1",
        "/api/v1/cart/../internal/cart/1",
        "/api/v1/cart/%2e%2e/internal/cart/1",
        "/api/v1/cart/..%2finternal%2fcart%2f1",
        "/api/v1//internal/cart/1",
        "/api/v1/orders//1",
        "/api/v1/orders/",
        "/api/v2/orders",
        "/api/v1/nothing",
        "/api",
        "/nothing",
        "/problems/../internal/cart/1",
    ] {
        for method in ["GET", "POST", "OPTIONS"] {
            let got = site.request(method, path, &[]).await;
            assert_eq!(got.status, 404, "{method} {path}");
            got.is_problem("NOT_FOUND");
        }
    }
}

#[tokio::test]
async fn methods_are_handled_by_the_service() {
    let site = site();
    let head = site.request("HEAD", "/api/v1/products", &[("accept-encoding", "gzip")]).await;
    assert_eq!((head.status, head.body.len(), head.header("content-type")), (200, 0, "application/json"));
    let options = site.request("OPTIONS", "/api/v1/products", &[]).await;
    assert_eq!((options.status, options.header("allow")), (204, "GET,HEAD,POST"));
    let patch = site.request("PATCH", "/api/v1/products", &[]).await;
    assert_eq!((patch.status, patch.header("allow")), (405, "GET,HEAD,POST"));
    patch.is_problem("METHOD_NOT_ALLOWED");
    for path in ["/", "/healthz", "/readyz", "/problems", "/api/docs", "/api/v1/openapi.json"] {
        let post = site.request("POST", path, &[]).await;
        assert_eq!((post.status, post.header("allow")), (405, "GET,HEAD"), "{path}");
        post.is_problem("METHOD_NOT_ALLOWED");
        let head = site.request("HEAD", path, &[]).await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(site.request("OPTIONS", path, &[]).await.status, 204, "{path}");
    }
    let mut all = Request::builder().method("OPTIONS").uri("*").body(Body::empty()).unwrap();
    all.extensions_mut().insert(PeerAddr(SocketAddr::from(([1, 1, 1, 1], 1))));
    let Ok(all) = site.router.clone().oneshot(all).await;
    assert_eq!(all.status(), 204);
    assert!(all.headers().contains_key("allow"));
}

#[tokio::test]
async fn internal_headers_do_not_reach_services() {
    let site = site();
    let headers = [
        ("x-deadline-ms", "1"),
        ("x-user-id", "admin"),
        ("x-forwarded-for", "6.6.6.6"),
        ("x-correlation-id", "mine-1"),
        ("prefer", "wait=1"),
    ];
    let body = site.request("GET", "/api/v1/cart", &headers).await.json();
    let names: Vec<_> = body["headers"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["prefer", "x-correlation-id"]);
    assert_eq!(body["headers"]["x-correlation-id"], "mine-1");
    assert_eq!(body["client"], "127.0.0.1:50000");
}

#[tokio::test]
async fn the_client_address_comes_from_a_trusted_proxy() {
    let site = build().set(|settings| settings.trusted_proxies = 1).start();
    let body = site.request("GET", "/api/v1/cart", &[("x-forwarded-for", "6.6.6.6, 7.7.7.7")]).await.json();
    assert_eq!(body["client"], "7.7.7.7:50000");
}

#[tokio::test]
async fn extra_routes_are_served_but_cannot_replace_the_api() {
    let extra = Router::new().route("/pictures/a", get(|| async { "a" })).route("/", get(|| async { "the shop" }));
    let extra = extra.route("/api/v1/orders", get(|| async { "fake" })).route("/internal/x", get(|| async { "fake" }));
    let site = Builder { extra, landing: false, ..build() }.start();
    assert_eq!(site.get("/pictures/a").await.text(), "a");
    assert_eq!(site.get("/").await.text(), "the shop");
    assert_eq!(site.get("/internal/x").await.status, 404);
    assert_eq!(site.get("/api/v1/orders").await.status, 405, "the service has it, and takes only POST there");
    assert_eq!(site.get("/pictures/b").await.status, 404);
}
