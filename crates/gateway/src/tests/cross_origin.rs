use super::*;
use crate::Origin;

const SHOP: &str = "https://shop.example";
const PREFLIGHT: [(&str, &str); 2] = [("access-control-request-method", "PATCH"), ("access-control-request-headers", "authorization")];

fn allowing(origins: &[&str]) -> TestEdge {
    let origins = origins.iter().map(|origin| Origin::try_from((*origin).to_owned()).unwrap()).collect();
    build().set(|settings| settings.allowed_origins = origins).start()
}

async fn ask(site: &TestEdge, method: &str, path: &str, origin: &str, more: &[(&str, &str)]) -> TestResponse {
    let headers: Vec<_> = more.iter().copied().chain([("origin", origin)]).collect();
    site.request(method, path, &headers).await
}

#[tokio::test]
async fn only_pages_of_allowed_origins_may_read_answers() {
    let site = allowing(&[SHOP, "http://localhost:3000"]);
    for path in ["/api/v1/products", "/api/v1/nothing", "/api/v1/openapi.json"] {
        let got = ask(&site, "GET", path, SHOP, &[]).await;
        assert_eq!(got.header("access-control-allow-origin"), SHOP, "{path}");
        for exposed in ["Location", "Link", "ETag", "Retry-After", "X-Correlation-Id", "Idempotency-Replayed", "RateLimit"] {
            assert!(got.header("access-control-expose-headers").contains(exposed), "{exposed}");
        }
        assert!(!got.headers.contains_key("access-control-allow-credentials"));
        for stranger in ["https://evil.example", "https://shop.example.evil", "http://shop.example", "null"] {
            let got = ask(&site, "GET", path, stranger, &[]).await;
            assert!(!got.headers.contains_key("access-control-allow-origin"), "{stranger}");
            assert!(got.headers("vary").contains("Origin"), "a cache may not mix them up");
        }
    }
}

#[tokio::test]
async fn the_gateway_answers_preflight_requests() {
    let site = allowing(&[SHOP]);
    let got = ask(&site, "OPTIONS", "/api/v1/products/1", SHOP, &PREFLIGHT).await;
    assert_eq!((got.status, got.header("access-control-allow-origin")), (204, SHOP));
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
        assert!(got.header("access-control-allow-methods").contains(method), "{method}");
    }
    for name in ["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "Prefer", "X-Correlation-Id"] {
        assert!(got.header("access-control-allow-headers").contains(name), "{name}");
    }
    assert_eq!(got.header("access-control-max-age"), "7200");
    let stranger = ask(&site, "OPTIONS", "/api/v1/products", "https://evil.example", &PREFLIGHT).await;
    assert_eq!((stranger.status, stranger.header("allow")), (204, "GET,HEAD,POST"));
    assert!(!stranger.headers.keys().any(|name| name.as_str().starts_with("access-control-")));
}

#[tokio::test]
async fn no_origin_is_allowed_by_default() {
    let got = ask(&site(), "GET", "/api/v1/products", SHOP, &[]).await;
    assert_eq!(got.status, 200);
    assert!(!got.headers.contains_key("access-control-allow-origin"));
    assert!(!got.headers("vary").contains("Origin"));
}

#[tokio::test]
async fn a_star_allows_every_origin() {
    let site = allowing(&["*"]);
    assert_eq!(ask(&site, "GET", "/api/v1/products", "https://any.example", &[]).await.header("access-control-allow-origin"), "*");
    let preflight = ask(&site, "OPTIONS", "/api/v1/products", "https://any.example", &PREFLIGHT).await;
    assert!(preflight.header("access-control-allow-methods").contains("PATCH"));
    assert!(!site.get("/api/v1/products").await.headers.contains_key("access-control-allow-origin"));
}
