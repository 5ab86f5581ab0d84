//! Completes a response with what depends on its request.

use crate::http::{BASE, CORRELATION_ID, answer::NextCursor, conditional, text};
use axum::{
    body::Body,
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::Response,
};

static X_CORRELATION_ID: HeaderName = HeaderName::from_static(CORRELATION_ID);

/// The parts of a request that its response needs.
pub(super) struct RequestHead {
    pub method: Method,
    uri: Uri,
    matched: Option<MatchedPath>,
    none_match: Option<HeaderValue>,
}

impl RequestHead {
    pub(super) fn of(request: &Request) -> RequestHead {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        RequestHead {
            method: request.method().clone(),
            uri: request.uri().clone(),
            matched: request.extensions().get().cloned(),
            none_match: if reads { request.headers().get(header::IF_NONE_MATCH).cloned() } else { None },
        }
    }

    pub(super) fn route(&self) -> &str {
        self.matched.as_ref().map_or("none", MatchedPath::as_str)
    }

    /// Adds the `Link` to the next page, the correlation id and `Cache-Control`, and makes 304 of a copy that the caller has.
    pub(super) fn complete(&self, mut answer: Response, correlation: &str) -> Response {
        if let Some(NextCursor(cursor)) = answer.extensions_mut().remove()
            && let Ok(link) = HeaderValue::try_from(self.link(&cursor))
        {
            answer.headers_mut().append(header::LINK, link);
        }
        if let Some(wanted) = &self.none_match
            && answer.status() == StatusCode::OK
            && conditional::none_match(wanted, answer.headers())
        {
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            *answer.body_mut() = Body::empty();
            answer.headers_mut().remove(header::CONTENT_TYPE);
            answer.headers_mut().remove(header::CONTENT_LENGTH);
        }
        let headers = answer.headers_mut();
        if let Ok(id) = HeaderValue::try_from(correlation) {
            headers.insert(&X_CORRELATION_ID, id);
        }
        if !headers.contains_key(header::CACHE_CONTROL) {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        answer
    }

    /// The address of the same list from another cursor on.
    fn link(&self, cursor: &str) -> String {
        let path = self.uri.path();
        let mut link = if path.starts_with(BASE) { format!("<{path}?") } else { format!("<{BASE}{path}?") };
        for part in self.uri.query().unwrap_or("").split('&').filter(|part| !part.is_empty() && !part.starts_with("cursor=")) {
            link.push_str(part);
            link.push('&');
        }
        link.push_str("cursor=");
        text::encode_text(cursor, &mut link);
        link.push_str(">; rel=\"next\"");
        link
    }
}
