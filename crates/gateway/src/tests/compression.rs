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

/// A page with a strong tag, whose service answers 304 to the tag of the resource.
fn tagged_site() -> TestEdge {
    let big = |headers: HeaderMap| async move {
        let known = headers.get("if-none-match").map_or("", |value| value.to_str().unwrap()).to_owned();
        let conditions =
            [headers.get("if-match"), headers.get("if-none-match")].map(|value| value.cloned().unwrap_or_else(|| "-".parse().unwrap()));
        let status = if known.contains("\"v7\"") { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
        (
            status,
            [("etag", "\"v7\"".parse().unwrap()), ("if-match", conditions[0].clone()), ("if-none-match", conditions[1].clone())],
            Json("x".repeat(5000)),
        )
    };
    let weak = || async { ([("etag", "W/\"v7\"")], Json("x".repeat(5000))) };
    Builder { extra: Router::new().route("/big", get(big).patch(big)).route("/weak", get(weak)), ..build() }.start()
}

#[tokio::test]
async fn each_representation_has_its_own_strong_tag() {
    let site = tagged_site();
    for method in ["GET", "HEAD"] {
        let got = site.request(method, "/big", &[("accept-encoding", "gzip")]).await;
        let seen = (got.header("content-encoding"), got.header("etag"), got.headers("vary").to_ascii_lowercase());
        assert_eq!(seen, ("gzip", "\"v7-gzip\"", "accept-encoding".to_owned()), "{method}");
        let plain = site.request(method, "/big", &[]).await;
        assert_eq!((plain.header("content-encoding"), plain.header("etag")), ("", "\"v7\""), "{method}");
    }
    let weak = site.request("GET", "/weak", &[("accept-encoding", "gzip")]).await;
    assert_eq!((weak.header("content-encoding"), weak.header("etag")), ("gzip", "W/\"v7\""), "a weak tag names both");
}

#[tokio::test]
async fn conditions_accept_the_tag_of_either_representation() {
    let site = tagged_site();
    for (known, encoding, tag) in [
        ("\"v7\"", "gzip", "\"v7\""),
        ("\"v7-gzip\"", "gzip", "\"v7-gzip\""),
        ("W/\"v7-gzip\"", "gzip", "\"v7-gzip\""),
        ("\"v6\", \"v7-gzip\"", "identity", "\"v7-gzip\""),
    ] {
        let got = site.request("GET", "/big", &[("accept-encoding", encoding), ("if-none-match", known)]).await;
        let seen = (got.status, got.header("etag"), got.headers("vary").to_ascii_lowercase());
        assert_eq!(seen, (304, tag, "accept-encoding".to_owned()), "{known}");
    }
    for (sent, received) in
        [("\"v7-gzip\"", "\"v7\""), ("\"v6\", W/\"v5-gzip\"", "\"v6\", W/\"v5\""), ("*", "*"), ("\"a-gzip-b\"", "\"a-gzip-b\"")]
    {
        assert_eq!(site.request("PATCH", "/big", &[("if-match", sent)]).await.header("if-match"), received);
    }
}
