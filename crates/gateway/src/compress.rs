//! Compresses text responses of at least one kilobyte with gzip. Responses of auth are never compressed, because they
//! contain secrets beside text that the caller chose (the BREACH attack).
//!
//! A strong `ETag` names the bytes of one representation (RFC 9110, 8.8.1), so that of a compressed one has a suffix. In
//! `If-Match` and `If-None-Match` both tags name the version of the resource: services see them without the suffix.

use crate::edge_request::EdgeRequest;
use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use http_body_util::BodyExt as _;
use std::{convert::Infallible, future::ready};
use tower::{ServiceExt as _, service_fn};
use tower_http::{CompressionLevel, compression::Compression};

/// Below this size the headers cost more than compression saves.
pub(crate) const MIN_BYTES: u64 = 1024;

/// The end of the tag of a compressed representation.
const SUFFIX: &str = "-gzip\"";

/// The compressed representations that the request names in `If-None-Match`.
pub(crate) struct KnownCopies(Vec<String>);

impl KnownCopies {
    /// Reads the conditions of a request, and removes the suffix from their tags.
    pub(crate) fn read(headers: &mut HeaderMap) -> KnownCopies {
        let mut compressed = Vec::new();
        for name in [header::IF_MATCH, header::IF_NONE_MATCH] {
            for value in headers.get_all(&name).iter().filter_map(|value| value.to_str().ok()) {
                let tags = value.split(',').map(str::trim).filter(|tag| tag.ends_with(SUFFIX));
                compressed.extend(tags.map(|tag| tag.strip_prefix("W/").unwrap_or(tag).to_owned()));
            }
            if compressed.is_empty() {
                continue;
            }
            if let header::Entry::Occupied(mut values) = headers.entry(&name) {
                for value in values.iter_mut() {
                    if let Ok(plain) = HeaderValue::try_from(value.to_str().unwrap_or_default().replace(SUFFIX, "\""))
                        && !plain.is_empty()
                    {
                        *value = plain;
                    }
                }
            }
        }
        KnownCopies(compressed)
    }

    /// Whether the client has the compressed representation with this tag.
    fn has(&self, tag: &HeaderValue) -> bool {
        !self.0.is_empty() && compressed_tag(tag).is_some_and(|tag| self.0.iter().any(|known| tag == known.as_str()))
    }
}

/// The tag of the compressed representation; `None` for a weak tag, which both share.
fn compressed_tag(tag: &HeaderValue) -> Option<HeaderValue> {
    let text = tag.to_str().ok()?.strip_suffix('"').filter(|text| text.starts_with('"'))?;
    HeaderValue::try_from(format!("{text}{SUFFIX}")).ok()
}

fn replace_tag(headers: &mut HeaderMap) {
    if let Some(tag) = headers.get(header::ETAG).and_then(compressed_tag) {
        headers.insert(header::ETAG, tag);
    }
}

/// Compresses the answer if that is worthwhile and the client accepts it, and gives each representation its own tag.
pub(crate) async fn negotiate(mut answer: Response, request: &EdgeRequest, copies: &KnownCopies) -> Response {
    if answer.status() == StatusCode::NOT_MODIFIED {
        if answer.headers().get(header::ETAG).is_some_and(|tag| copies.has(tag)) {
            replace_tag(answer.headers_mut());
        }
        // The answer with a body may have had it, and a cache must get the same.
        vary(answer.headers_mut());
        return answer;
    }
    let is_head = request.method == Method::HEAD;
    if !is_worthwhile(&answer, is_head) {
        return answer;
    }
    vary(answer.headers_mut());
    if !request.takes_gzip {
        return answer;
    }
    replace_tag(answer.headers_mut());
    if is_head {
        // The headers are those of `GET`, which is compressed. The length is not known.
        answer.headers_mut().remove(header::CONTENT_LENGTH);
        answer.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        return answer;
    }
    gzip(answer).await
}

/// Whether compression makes the response smaller. The answer to `HEAD` has the length of the body that it does not have.
fn is_worthwhile(answer: &Response, is_head: bool) -> bool {
    let headers = answer.headers();
    let length = || headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse::<u64>().ok();
    let bytes = if is_head { length() } else { answer.body().size_hint().upper() };
    let whole = !matches!(answer.status(), StatusCode::NO_CONTENT | StatusCode::PARTIAL_CONTENT);
    whole
        && bytes.map_or(!is_head, |bytes| bytes >= MIN_BYTES)
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
    let named = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"accept-encoding");
    if headers.get_all(header::VARY).iter().any(named) {
        return;
    }
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
            (200, &[json, ("content-encoding", "br")], 1024, false),
            (200, &[json, ("cache-control", "public, no-transform")], 1024, false),
            (200, &[json, ("cache-control", "no-cache")], 1024, true),
        ] {
            assert_eq!(is_worthwhile(&response(status, headers, bytes), false), expected, "{status} {headers:?} {bytes}");
        }
    }
}
