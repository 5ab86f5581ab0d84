//! The headers that every answer leaves with, whoever made it.

use crate::{Settings, cors::Cors, edge_request::EdgeRequest};
use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use platform::http::CORRELATION_ID;

static X_CORRELATION_ID: HeaderName = HeaderName::from_static(CORRELATION_ID);

/// Data is no page: nothing in it runs, loads or is framed, whatever a browser takes it for.
const DATA_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// Pages use what this program serves, and nothing inline.
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
        // A cache takes the headers of a 304 over into the page it keeps, so this one must not bring data's policy.
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
        // Not `no-referrer`: with it a browser's own form posts come from the origin `null`.
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        if self.https {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, ONE_YEAR);
        }
        headers.remove(header::SERVER);
        headers.insert(&X_CORRELATION_ID, edge_request.correlation_id.clone());
        self.cors.write(edge_request.origin.as_ref(), headers);
    }
}
