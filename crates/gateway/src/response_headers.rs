//! The headers that every response gets.

use crate::{Settings, cors::Cors, edge_request::EdgeRequest};
use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use platform::http::CORRELATION_ID;

static X_CORRELATION_ID: HeaderName = HeaderName::from_static(CORRELATION_ID);

/// For data: a browser must not run, load or frame anything, whatever it takes the response for.
const DATA_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// For pages: only resources of this program, nothing inline.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);
const DRAWING_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
const ONE_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");

pub(crate) struct ResponseHeaders {
    https: bool,
    cors: Cors,
}

impl ResponseHeaders {
    pub(crate) fn new(settings: &Settings) -> ResponseHeaders {
        ResponseHeaders { https: settings.https, cors: Cors::new(&settings.allowed_origins) }
    }

    pub(crate) fn cors(&self) -> &Cors {
        &self.cors
    }

    pub(crate) fn write(&self, edge_request: &EdgeRequest, answer: &mut Response) {
        // A cache copies the headers of a 304 to the stored page, so a 304 must not carry the policy for data.
        let policy = match answer.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes) {
            _ if answer.status() == StatusCode::NOT_MODIFIED || answer.headers().contains_key(header::CONTENT_SECURITY_POLICY) => None,
            Some(kind) if kind.starts_with(b"text/html") => Some(PAGE_POLICY),
            Some(kind) if kind.starts_with(b"image/svg") => Some(DRAWING_POLICY),
            _ => Some(DATA_POLICY),
        };
        let headers = answer.headers_mut();
        headers.reserve(10);
        if let Some(policy) = policy {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        // Not `no-referrer`: a browser would send its own form posts with the origin `null`.
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        if self.https {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, ONE_YEAR);
        }
        headers.remove(header::SERVER);
        headers.insert(&X_CORRELATION_ID, edge_request.correlation_id.clone());
        self.cors.write(edge_request.origin.as_ref(), headers);
    }
}
