//! The refusals of the accept loop itself, for requests that no router sees. The connection ends after each.

use crate::{
    context::Context,
    env::Env,
    http::{CORRELATION_ID, Problem, request_layers::is_valid_correlation_id},
};
use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use contracts::{ids::Uuid, problem::Code};
use std::fmt::Write as _;

/// The headers that every answer of the gateway has.
const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (header::CONNECTION, HeaderValue::from_static("close")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
];

/// Answers a request with a problem document. The correlation id is the one of the request, if it has a valid one.
pub(super) fn answer(problem: Problem, request: &HeaderMap, env: &Env) -> Response {
    let given = request.get(CORRELATION_ID).and_then(|value| value.to_str().ok()).filter(|id| is_valid_correlation_id(id));
    let id = given.map_or_else(|| env.new_id::<Uuid>().to_string(), str::to_owned);
    build(problem, &id)
}

/// The bytes of an answer to a client whose request could not be read.
pub(super) fn raw(code: Code, detail: &'static str) -> Vec<u8> {
    // There is no request, so there is no id to tell it by.
    let problem = Problem::new(code).detail(detail);
    let (_, body) = Context::new("none").sync_scope(|| problem.rendered());
    let (head, _) = build(problem, "none").into_parts();
    let mut text = format!("HTTP/1.1 {}\r\ncontent-length: {}\r\n", head.status, body.len());
    for (name, value) in &head.headers {
        let _ = write!(text, "{name}: {}\r\n", value.to_str().unwrap_or_default());
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend(body);
    bytes
}

fn build(problem: Problem, correlation_id: &str) -> Response {
    let mut answer = Context::new(correlation_id).sync_scope(|| problem.into_response());
    answer.headers_mut().extend(HEADERS);
    if let Ok(id) = HeaderValue::try_from(correlation_id) {
        answer.headers_mut().insert(CORRELATION_ID, id);
    }
    answer
}
