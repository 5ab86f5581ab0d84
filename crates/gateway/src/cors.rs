//! Cross-origin requests (the CORS protocol of the Fetch standard). Tokens are in `Authorization`, which a page sets
//! itself, so browser credentials are never allowed.

use crate::Origin;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::Response,
};

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer, Traceparent, X-Cart-Token, \
     X-Correlation-Id, X-Order-Token",
);
const ANSWER_HEADERS: HeaderValue = HeaderValue::from_static(
    "Location, Link, ETag, Retry-After, X-Correlation-Id, Idempotency-Replayed, Preference-Applied, RateLimit, RateLimit-Policy",
);
/// Two hours, the longest that Chromium accepts.
const KEPT_SECONDS: HeaderValue = HeaderValue::from_static("7200");

pub(crate) struct Cors {
    any: bool,
    origins: Vec<HeaderValue>,
}

impl Cors {
    pub(crate) fn new(origins: &[Origin]) -> Cors {
        let any = origins.iter().any(|origin| origin.as_str() == "*");
        Cors { any, origins: origins.iter().filter_map(|origin| HeaderValue::try_from(origin.as_str()).ok()).collect() }
    }

    fn allowed(&self, origin: Option<&HeaderValue>) -> Option<HeaderValue> {
        let origin = origin?;
        if self.any { Some(HeaderValue::from_static("*")) } else { self.origins.contains(origin).then(|| origin.clone()) }
    }

    /// Answers a browser's preflight request. A page of an origin that is not allowed gets the usual answer to `OPTIONS`,
    /// without the headers that would allow it.
    pub(crate) fn preflight(&self, method: &Method, origin: Option<&HeaderValue>, headers: &HeaderMap) -> Option<Response> {
        if *method != Method::OPTIONS || !headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
            return None;
        }
        self.allowed(origin)?;
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = StatusCode::NO_CONTENT;
        let headers = answer.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, KEPT_SECONDS);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Some(answer)
    }

    /// Allows the calling page to read the response, if its origin is allowed.
    pub(crate) fn write(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        if !self.any && !self.origins.is_empty() {
            // A shared cache must not give one origin's response to another.
            headers.append(header::VARY, HeaderValue::from_static("Origin"));
        }
        if let Some(allowed) = self.allowed(origin) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, ANSWER_HEADERS);
        }
    }
}
