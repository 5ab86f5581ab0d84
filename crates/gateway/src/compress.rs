//! Compresses text responses of at least one kilobyte with gzip. Responses of auth are never compressed, because they
//! contain secrets beside text that the caller chose (the BREACH attack).
//!
//! An `ETag` stays unchanged: it names the version of the resource, which `If-Match` compares, not the encoded bytes.

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use http_body_util::BodyExt as _;
use std::{convert::Infallible, future::ready};
use tower::{ServiceExt as _, service_fn};
use tower_http::{CompressionLevel, compression::Compression};

/// Below this size the headers cost more than compression saves.
pub(crate) const MIN_BYTES: u64 = 1024;

/// Whether compression makes the response smaller.
pub(crate) fn is_worthwhile(answer: &Response) -> bool {
    let headers = answer.headers();
    let whole = !matches!(answer.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED | StatusCode::PARTIAL_CONTENT);
    whole
        && answer.body().size_hint().upper().is_none_or(|bytes| bytes >= MIN_BYTES)
        && headers.get(header::CONTENT_TYPE).is_some_and(is_text)
        && !headers.contains_key(header::CONTENT_ENCODING)
        && !headers.get_all(header::CACHE_CONTROL).iter().any(|value| value.as_bytes().windows(12).any(|word| word == b"no-transform"))
}

fn is_text(kind: &HeaderValue) -> bool {
    let kind = kind.to_str().unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim();
    const TEXTS: [&str; 4] = ["application/json", "application/javascript", "image/svg+xml", "application/xml"];
    kind.starts_with("text/") || kind.ends_with("+json") || TEXTS.contains(&kind)
}

/// Marks the response for caches as one that depends on `Accept-Encoding`.
pub(crate) fn vary(headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
}

/// Returns the response with a compressed body.
pub(crate) async fn gzip(answer: Response) -> Response {
    let mut answer = Some(answer);
    let inner = service_fn(move |_: Request| ready(Ok::<_, Infallible>(answer.take().unwrap_or_default())));
    let always = |_: StatusCode, _, _: &HeaderMap, _: &_| true;
    let compression = Compression::new(inner).quality(CompressionLevel::Fastest).compress_when(always);
    let mut request = Request::new(Body::empty());
    request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    let Ok(answer) = compression.oneshot(request).await;
    answer.map(Body::new)
}

/// Compresses bytes that are served many times. Returns `None` on failure, which bytes in memory do not cause.
pub(crate) async fn compressed(bytes: Bytes) -> Option<Bytes> {
    let answer = gzip(Response::new(Body::from(bytes))).await;
    answer.into_body().collect().await.ok().map(|collected| collected.to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_large_complete_text_is_compressed() {
        let response = |status: u16, headers: &[(&str, &str)], bytes: usize| {
            let mut builder = Response::builder().status(status);
            for (name, value) in headers {
                builder = builder.header(*name, *value);
            }
            builder.body(Body::from("x".repeat(bytes))).unwrap()
        };
        let json = ("content-type", "application/json");
        for (status, headers, bytes, expected) in [
            (200, &[json][..], 1024, true),
            (200, &[json], 1023, false),
            (404, &[("content-type", "application/problem+json")], 1024, true),
            (200, &[("content-type", "text/css; charset=utf-8")], 1024, true),
            (200, &[("content-type", "image/svg+xml")], 1024, true),
            (200, &[("content-type", "image/png")], 1024, false),
            (200, &[], 1024, false),
            (204, &[json], 1024, false),
            (206, &[json], 1024, false),
            (304, &[json], 1024, false),
            (200, &[json, ("content-encoding", "br")], 1024, false),
            (200, &[json, ("cache-control", "public, no-transform")], 1024, false),
            (200, &[json, ("cache-control", "no-cache")], 1024, true),
        ] {
            assert_eq!(is_worthwhile(&response(status, headers, bytes)), expected, "{status} {headers:?} {bytes}");
        }
    }
}
