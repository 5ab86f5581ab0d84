use super::*;

async fn ask(method: &str, path: &str, accept: &str) -> TestResponse {
    site().request(method, path, &[("accept-encoding", accept)]).await
}

#[tokio::test]
async fn text_from_one_kilobyte_is_compressed_for_clients_that_accept_gzip() {
    for path in ["/api/v1/products", "/api/v1/products/page", "/api/v1/products/drawing"] {
        let got = ask("GET", path, "br, gzip").await;
        assert_eq!((got.status, got.header("content-encoding")), (200, "gzip"), "{path}");
        assert!(got.body.starts_with(&[0x1f, 0x8b]) && got.body.len() < 1000, "{path}");
        assert!(!got.headers.contains_key("content-length") || got.header("content-length") == got.body.len().to_string());
        let plain = ask("GET", path, "br").await;
        assert_eq!(plain.header("content-encoding"), "", "{path}");
        assert!(plain.body.iter().all(|byte| *byte == b'x'));
        for got in [got, plain] {
            assert_eq!(got.headers("vary").to_ascii_lowercase(), "accept-encoding", "{path}");
        }
    }
}

#[tokio::test]
async fn small_bodies_and_images_are_not_compressed() {
    for path in ["/api/v1/products/small", "/api/v1/products/picture", "/api/v1/products/tagged"] {
        let got = ask("GET", path, "gzip").await;
        assert_eq!((got.status, got.header("content-encoding"), got.header("vary")), (200, "", ""), "{path}");
    }
    assert_eq!(ask("POST", "/api/v1/products", "gzip").await.header("vary"), "");
}

#[tokio::test]
async fn responses_with_tokens_are_never_compressed() {
    let got = ask("POST", "/api/v1/auth/login", "gzip").await;
    assert_eq!((got.status, got.header("content-encoding"), got.body.len()), (200, "", 5000));
}

#[tokio::test]
async fn compression_keeps_the_entity_tag() {
    let big = || async { ([("etag", "\"v7\"")], Json("x".repeat(5000))) };
    let site = Builder { extra: Router::new().route("/big", get(big)), ..build() }.start();
    let got = site.request("GET", "/big", &[("accept-encoding", "gzip")]).await;
    assert_eq!((got.header("content-encoding"), got.header("etag")), ("gzip", "\"v7\""));
}
