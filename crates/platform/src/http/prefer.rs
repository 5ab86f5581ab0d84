//! `Prefer: wait=N` (RFC 7240): how long the answer may be delayed until the outcome is known.

use super::{
    answer::{Answer, Stored},
    describe::{DescribeAnswer, DescribeArg, OperationBuilder},
    problem::Problem,
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, request::Parts},
    response::{IntoResponse, Response},
};
use serde_json::json;
use std::time::Duration;

/// The longest wait: shorter than a request may take.
pub const MAX_WAIT: Duration = Duration::from_secs(25);

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The caller's preferences. What cannot be parsed is ignored, as the RFC requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prefer {
    /// At most [`MAX_WAIT`].
    pub wait: Option<Duration>,
}

impl Prefer {
    /// Parses the preferences of these headers.
    #[must_use]
    pub fn read(headers: &HeaderMap) -> Prefer {
        let preferences =
            headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split([',', ';']));
        let wait = preferences
            .filter_map(|preference| preference.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))
            .and_then(|(_, seconds)| seconds.trim().trim_matches('"').parse().ok())
            .map(|seconds| Duration::from_secs(seconds).min(MAX_WAIT));
        Prefer { wait }
    }

    /// Marks the answer of a handler that applied the wait, if there was one.
    pub fn honoured<A>(self, answer: A) -> Preferred<A> {
        Preferred { waited: self.wait, answer }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Prefer {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Prefer::read(&parts.headers))
    }
}

impl DescribeArg for Prefer {
    fn describe(operation: &mut OperationBuilder<'_>) {
        let about = "`wait=N` holds the answer up to N seconds (25 at most) until the outcome is known.";
        operation.parameter("header", "Prefer", false, json!({"type": "string", "examples": ["wait=5"]}), about);
    }
}

/// An answer with `Preference-Applied`.
#[derive(Debug, Clone)]
pub struct Preferred<A> {
    waited: Option<Duration>,
    answer: A,
}

impl<A: Answer> Answer for Preferred<A> {
    fn stored(&self) -> Stored {
        self.answer.stored()
    }
}

impl<A: IntoResponse> IntoResponse for Preferred<A> {
    fn into_response(self) -> Response {
        let mut response = self.answer.into_response();
        if let Some(Ok(applied)) = self.waited.map(|wait| HeaderValue::try_from(format!("wait={}", wait.as_secs()))) {
            response.headers_mut().insert(PREFERENCE_APPLIED, applied);
        }
        response
    }
}

impl<A: DescribeAnswer> DescribeAnswer for Preferred<A> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        A::describe(operation);
        operation.answer_header("Preference-Applied", "The preference that was honoured.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_and_capped() {
        for (value, wait) in [
            ("wait=5", Some(5)),
            ("respond-async, wait=7", Some(7)),
            ("Wait = \"3\"; x", Some(3)),
            ("wait=86400", Some(25)),
            ("wait=-1", None),
            ("wait=5.5", None),
            ("wait", None),
            ("return=minimal", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", HeaderValue::from_static(value));
            assert_eq!(Prefer::read(&headers).wait, wait.map(Duration::from_secs), "{value}");
        }
    }
}
